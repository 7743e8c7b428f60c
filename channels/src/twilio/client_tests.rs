//! The client's decisions about answers; its conversation over real sockets is tested with the simulator.

use reqwest::header::{HeaderMap, HeaderValue};

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.to_owned().into(),
    }
}

fn error(status: u16, code: u32) -> Answer {
    answer(status, &format!(r#"{{"code":{code},"message":"To +15550100","more_info":"","status":{status}}}"#))
}

#[test]
fn refusals_carry_what_must_happen_and_nothing_personal() {
    for (answer, consequence) in [
        (error(400, 21610), Consequence::Suppress),
        (error(400, 21211), Consequence::Unreachable),
        (error(401, 20003), Consequence::Misconfigured),
        (answer(400, "<html>"), Consequence::Misconfigured),
    ] {
        match outcome(&answer) {
            SendOutcome::Permanent { consequence: actual, reason, .. } => {
                assert_eq!(actual, consequence);
                assert!(!reason.contains("+1555"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn throttling_is_safe_to_repeat_and_server_errors_are_not() {
    let mut throttled = error(429, 20429);
    throttled.headers.insert("retry-after", HeaderValue::from_static("2"));
    assert!(matches!(
        outcome(&throttled),
        SendOutcome::Transient { after_millis: Some(2_000), error_code: Some(20429), .. }
    ));
    assert!(matches!(outcome(&error(400, 21611)), SendOutcome::Transient { error_code: Some(21611), .. }));
    assert!(matches!(outcome(&answer(503, "")), SendOutcome::Ambiguous { .. }));
    assert!(matches!(outcome(&answer(201, "{}")), SendOutcome::Ambiguous { .. }));
    let accepted = SendOutcome::Accepted { vendor_id: "SM1".into(), status: DeliveryStatus::Queued };
    assert_eq!(outcome(&answer(201, r#"{"sid":"SM1","status":"queued"}"#)), accepted);
}

fn resource(sid: &str, date: &str) -> MessageResource {
    MessageResource {
        sid: sid.into(),
        body: Some("Hi".into()),
        from: Some("+14155550101".into()),
        to: Some("+14155550100".into()),
        messaging_service_sid: None,
        date_created: Some(date.into()),
        direction: Some("outbound-api".into()),
    }
}

#[test]
fn a_look_up_takes_only_the_message_that_can_be_ours() {
    let taken = ["SM_other".to_owned()];
    let message = OutgoingMessage {
        to: "+14155550100",
        from: Sender::Number("+14155550101"),
        body: "Hi",
        status_callback: None,
    };
    // 05:01:45 and a half.
    let query = LookupQuery { message, since: Timestamp::from_millis(1_692_853_305_500), taken: &taken };
    let same_second = "Thu, 24 Aug 2023 05:01:45 +0000";
    assert!(matches!(query.judge(&resource("SM1", same_second)), Verdict::Ours));
    assert!(matches!(query.judge(&resource("SM_other", same_second)), Verdict::Another));
    assert!(matches!(query.judge(&resource("SM1", "Thu, 24 Aug 2023 05:01:00 +0000")), Verdict::TooOld));
    for change in [
        |r: &mut MessageResource| r.body = Some("Hi!".into()),
        |r: &mut MessageResource| r.from = Some("+14155550102".into()),
        |r: &mut MessageResource| r.to = None,
        |r: &mut MessageResource| r.direction = Some("inbound".into()),
    ] {
        let mut other = resource("SM1", same_second);
        change(&mut other);
        assert!(matches!(query.judge(&other), Verdict::Another), "{other:?}");
    }
}

#[test]
fn an_api_base_with_credentials_or_another_scheme_is_refused() {
    let http = HttpStack::new(crate::http::HttpSettings::default()).expect("TLS");
    for base in ["ftp://x", "https://user@api.twilio.com", "https://api.twilio.com?x", "api.twilio.com", ""] {
        assert!(TwilioClient::new(http.clone(), base).is_err(), "{base}");
    }
    let client = TwilioClient::new(http, "http://127.0.0.1:9/twilio/").expect("a base with a path");
    let mut credentials = TwilioCredentials {
        account_sid: format!("AC{}", "0".repeat(32)),
        auth_token: "t".into(),
        api_key: None,
    };
    let url = client.messages_url(&credentials).expect("a valid account");
    assert!(url.as_str().starts_with("http://127.0.0.1:9/twilio/2010-04-01/Accounts/AC000"), "{url}");
    credentials.account_sid = "AC../../evil".into();
    assert_eq!(client.messages_url(&credentials), None);
}
