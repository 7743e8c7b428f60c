//! What is asked and what answers mean; the conversation over real sockets is tested with the simulator.

use super::*;
use crate::twilio::client::error_code;

const URL: Instructions<'static> = Instructions::Url("https://app.example.com/voice?call=1");

fn call() -> NewCall<'static> {
    NewCall {
        to: "+14155550100",
        from: "+14155550101",
        instructions: URL,
        fallback_url: None,
        status_callback: None,
        ring_seconds: None,
        limit_seconds: None,
        machine_detection: None,
    }
}

fn pairs<'f>(form: &'f [Parameter<'_>]) -> Vec<(&'f str, &'f str)> {
    form.iter().map(|(name, value)| (*name, value.as_ref())).collect()
}

#[test]
fn a_plain_call_says_only_what_it_must() {
    assert_eq!(
        pairs(&call().form().expect("a form")),
        [("To", "+14155550100"), ("From", "+14155550101"), ("Url", "https://app.example.com/voice?call=1")]
    );
}

#[test]
fn a_call_with_everything_names_each_event_and_waits_for_no_verdict() {
    let full = NewCall {
        fallback_url: Some("https://x.example/f"),
        status_callback: Some("https://x.example/s"),
        ring_seconds: Some(25),
        limit_seconds: Some(900),
        machine_detection: Some(MachineDetection {
            message_end: true,
            callback: Some("https://x.example/amd"),
            timeout_seconds: Some(20),
        }),
        ..call()
    };
    assert_eq!(
        pairs(&full.form().expect("a form"))[3..],
        [
            ("FallbackUrl", "https://x.example/f"),
            ("StatusCallback", "https://x.example/s"),
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "ringing"),
            ("StatusCallbackEvent", "answered"),
            ("StatusCallbackEvent", "completed"),
            ("Timeout", "25"),
            ("TimeLimit", "900"),
            ("MachineDetection", "DetectMessageEnd"),
            ("AsyncAmd", "true"),
            ("AsyncAmdStatusCallback", "https://x.example/amd"),
            ("MachineDetectionTimeout", "20"),
        ]
    );
}

#[test]
fn a_document_too_long_for_a_request_is_not_sent() {
    let document = "\u{e9}".repeat(MAX_INLINE_CHARS);
    assert!(Instructions::Twiml(&document).parameter().is_ok());
    let longer = format!("{document}.");
    assert_eq!(Instructions::Twiml(&longer).parameter(), Err(ApiError::unfit("twiml_too_long")));
    assert!(call_file("CA/../x").is_err());
}

#[test]
fn changing_a_call_that_is_over_is_no_error() {
    let refused = |status, code: &str| Err(ApiError::Refused { status, code: Some(code.to_owned()) });
    assert_eq!(changed(Ok(crate::rest::answer(200, "{}"))), Ok(Changed::Done));
    assert_eq!(changed(Err(ApiError::NotFound)), Ok(Changed::AlreadyEnded));
    assert_eq!(changed(refused(400, "21220")), Ok(Changed::AlreadyEnded));
    assert_eq!(changed(refused(400, "20404")), Ok(Changed::AlreadyEnded));
    assert_eq!(
        changed(refused(401, "20003")),
        Err(ApiError::Refused { status: 401, code: Some("20003".to_owned()) })
    );
    assert_eq!(changed(Err(ApiError::NotSent)), Err(ApiError::NotSent));
}

#[test]
fn a_call_resource_is_read_whatever_else_it_holds() {
    let resource: CallResource = serde_json::from_str(
        r#"{"sid":"CA1","status":"in-progress","direction":"outbound-api","from":"+1","to":"+1","answered_by":null,
            "duration":"15","start_time":null,"price":null,"queue_time":"0","subresource_uris":{}}"#,
    )
    .expect("well formed");
    assert_eq!((resource.status, resource.seconds()), (CallStatus::InProgress, Some(15)));
    let code = error_code(br#"{"code":21220,"message":"To +15550100","more_info":"","status":400}"#);
    assert_eq!(code.as_deref(), Some("21220"));
}
