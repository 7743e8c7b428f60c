//! The Twilio client's decisions, each met over a real socket.

use std::time::Duration;

use serde_json::json;
use usher_channels::twilio::{LookupQuery, MediaError, OutgoingMessage, Sender};
use usher_conversation::ports::{Consequence, Lookup, SendOutcome};
use usher_conversation::session::DeliveryStatus;
use usher_conversation::time::Timestamp;

use crate::support::{
    Http, LANDLINE, NUMBER, PHONE, Receiver, SERVICE, account, client, client_with_timeout, credentials,
    start, text,
};

/// Earlier than anything the test clock says.
const BEFORE: Timestamp = Timestamp::from_millis(1_789_999_999_000);

#[tokio::test]
async fn a_sent_message_is_accepted_and_reported_until_it_is_delivered() {
    let mut receiver = Receiver::start("");
    let simulator = start(account(None));
    let callback = format!("{}/status", receiver.url);
    for from in [Sender::Number(NUMBER), Sender::Service(SERVICE)] {
        let message = OutgoingMessage { from, status_callback: Some(&callback), ..text("Hello! 👍") };
        let outcome = client(&simulator).send(&credentials(), message).await;
        let SendOutcome::Accepted { vendor_id, status } = outcome else { panic!("{outcome:?}") };
        assert_eq!(status, DeliveryStatus::Queued);
        let report = receiver.until_status("delivered").await;
        assert_eq!(report.get("MessageSid"), Some(vendor_id.as_str()));
        assert!(report.is_signed_for(&callback), "the callback is signed");
    }
    assert_eq!(Http::to(&simulator).screen().await, ["Hello! 👍", "Hello! 👍"]);
    simulator.stop().await;
}

fn query<'m>(message: OutgoingMessage<'m>, taken: &'m [String]) -> LookupQuery<'m> {
    LookupQuery { message, since: BEFORE, taken }
}

#[tokio::test]
async fn an_unanswered_send_is_ambiguous_and_the_look_up_finds_what_was_taken() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let client = client_with_timeout(&simulator, Duration::from_millis(300));
    for (index, fault) in [
        json!({"kind": "accept_then_timeout"}),
        json!({"kind": "accept_then_reset"}),
        json!({"kind": "accept_then_error"}),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!("question {index}");
        http.fault(fault.clone()).await;
        let outcome = client.send(&credentials(), text(&body)).await;
        assert!(matches!(outcome, SendOutcome::Ambiguous { .. }), "{fault}: {outcome:?}");
        let Lookup::Found { vendor_id } = client.look_up(&credentials(), query(text(&body), &[])).await
        else {
            panic!("{fault}: the message was taken");
        };
        let taken = [vendor_id];
        assert_eq!(client.look_up(&credentials(), query(text(&body), &taken)).await, Lookup::Absent);
    }
    http.fault(json!({"kind": "server_error"})).await;
    assert!(matches!(client.send(&credentials(), text("lost")).await, SendOutcome::Ambiguous { .. }));
    assert_eq!(client.look_up(&credentials(), query(text("lost"), &[])).await, Lookup::Absent);
    http.fault(json!({"kind": "lookup_error"})).await;
    assert!(matches!(client.look_up(&credentials(), query(text("lost"), &[])).await, Lookup::Unknown { .. }));
}

#[tokio::test]
async fn a_look_up_walks_through_the_pages_and_stops_at_older_messages() {
    let simulator = start(account(None));
    let client = client(&simulator);
    for index in 0..120 {
        let body = format!("message {index}");
        assert!(matches!(client.send(&credentials(), text(&body)).await, SendOutcome::Accepted { .. }));
    }
    let query = |since| LookupQuery { message: text("message 3"), since, taken: &[] };
    assert!(matches!(client.look_up(&credentials(), query(BEFORE)).await, Lookup::Found { .. }));
    let later = Timestamp::from_millis(1_790_003_600_000);
    assert_eq!(client.look_up(&credentials(), query(later)).await, Lookup::Absent);
}

#[tokio::test]
async fn refusals_say_what_must_happen() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let client = client(&simulator);
    http.say(NUMBER, "STOP").await;
    let to_landline = OutgoingMessage { to: LANDLINE, ..text("hi") };
    let mut wrong_token = credentials();
    wrong_token.auth_token = "wrong".into();
    for (credentials, message, code, consequence) in [
        (&credentials(), text("hi"), 21610, Consequence::Suppress),
        (&credentials(), to_landline, 21614, Consequence::Unreachable),
        (&wrong_token, text("hi"), 20003, Consequence::Misconfigured),
    ] {
        match client.send(credentials, message).await {
            SendOutcome::Permanent { error_code, consequence: actual, .. } => {
                assert_eq!((error_code, actual), (Some(code), consequence));
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn throttling_and_a_closed_port_can_be_tried_again() {
    let simulator = start(account(None));
    let client = client(&simulator);
    Http::to(&simulator).fault(json!({"kind": "rate_limited"})).await;
    let throttled = client.send(&credentials(), text("hi")).await;
    assert!(matches!(throttled, SendOutcome::Transient { error_code: Some(20429), .. }), "{throttled:?}");
    // A new client: a kept connection may break under the request instead, and then nobody knows what became of it.
    let newcomer = self::client(&simulator);
    simulator.stop().await;
    let refused = newcomer.send(&credentials(), text("hi")).await;
    assert!(matches!(refused, SendOutcome::Transient { error_code: None, .. }), "{refused:?}");
}

#[tokio::test]
async fn media_is_fetched_with_credentials_and_its_storage_without() {
    let mut receiver = Receiver::start("<Response/>");
    let simulator = start(account(Some(&format!("{}/sms", receiver.url))));
    let picture = json!({"to": NUMBER, "media": [{"content_type": "image/png", "data": "iVBORw0KGgo="}]});
    let http = Http::to(&simulator);
    assert_eq!(http.sim("POST", &format!("handsets/{PHONE}/messages"), Some(picture)).await.0, 202);
    let hook = receiver.next().await;
    let url = hook.get("MediaUrl0").expect("one file").to_owned();

    // The storage refuses requests that carry credentials, so a fetch that succeeds sent none.
    let client = client(&simulator);
    let media = client.fetch_media(&credentials(), &url).await.expect("the file");
    assert_eq!(media.content_type.as_deref(), Some("image/png"));
    assert_eq!(&media.bytes[..4], b"\x89PNG");

    let mut wrong = credentials();
    wrong.auth_token = "wrong".into();
    assert_eq!(client.fetch_media(&wrong, &url).await, Err(MediaError::Refused(401)));
    let gone = format!("{}{}", &url[..url.len() - 32], "f".repeat(32));
    assert_eq!(client.fetch_media(&credentials(), &gone).await, Err(MediaError::Gone));
}

#[tokio::test]
async fn media_of_another_host_is_never_asked_for_and_redirects_elsewhere_are_not_followed() {
    let mut canary = Receiver::start("secret");
    let simulator = start(account(None));
    let client = client(&simulator);
    let path = format!(
        "/2010-04-01/Accounts/{}/Messages/MM{1}/Media/ME{1}",
        crate::support::ACCOUNT,
        "a".repeat(32)
    );
    let foreign = client.fetch_media(&credentials(), &format!("{}{path}", canary.url)).await;
    assert_eq!(foreign, Err(MediaError::ForeignUrl));

    // A message whose media lies on the canary: the API redirects there.
    let private = format!("{}/private", canary.url);
    let form = [("To", PHONE), ("From", NUMBER), ("MediaUrl", private.as_str())];
    let (_, message) = Http::to(&simulator).create(&form).await;
    let sid = message["sid"].as_str().expect("created");
    let (_, list) = Http::to(&simulator).api("GET", &format!("Messages/{sid}/Media.json"), &[]).await;
    let media = list["media_list"][0]["sid"].as_str().expect("one file");
    let url = format!(
        "{}/2010-04-01/Accounts/{}/Messages/{sid}/Media/{media}",
        simulator.url,
        crate::support::ACCOUNT
    );
    assert_eq!(client.fetch_media(&credentials(), &url).await, Err(MediaError::ForeignRedirect));

    // The first thing the canary hears is this callback, which proves that it heard nothing before.
    let callback = format!("{}/status", canary.url);
    let message = OutgoingMessage { status_callback: Some(&callback), ..text("hi") };
    assert!(matches!(client.send(&credentials(), message).await, SendOutcome::Accepted { .. }));
    assert_eq!(canary.next().await.path, "/status");
}
