//! A handset texts: webhooks, opt-out words, and answers in `TwiML`.

use serde_json::json;

use crate::support::{Http, NUMBER, PHONE, POOLED, Receiver, account, start};

#[tokio::test]
async fn an_incoming_message_is_posted_signed_with_every_parameter() {
    let mut receiver = Receiver::start("<Response/>");
    let url = format!("{}/sms?tenant=1", receiver.url);
    let simulator = start(account(Some(&format!("{url}#rc=2&rp=all"))));
    let webhook = Http::to(&simulator).say(NUMBER, "Olá 👋 a&b=c").await;
    assert_eq!(
        (&webhook["delivered"], &webhook["status"], &webhook["attempts"]),
        (&json!(true), &json!(200), &json!(1))
    );
    let hook = receiver.next().await;
    assert!(hook.is_signed_for(&url), "the fragment is not signed");
    assert_eq!((hook.get("From"), hook.get("To")), (Some(PHONE), Some(NUMBER)));
    assert_eq!((hook.get("Body"), hook.get("NumMedia")), (Some("Olá 👋 a&b=c"), Some("0")));
    assert_eq!(hook.get("MessageSid"), hook.get("SmsSid"));
    assert!(usher_channels::twilio::InboundMessage::parse(&hook.form).is_ok());
}

#[tokio::test]
async fn opt_out_words_block_the_sender_until_start_and_are_still_forwarded() {
    let mut receiver = Receiver::start("<Response/>");
    let simulator = start(account(Some(&format!("{}/sms", receiver.url))));
    let http = Http::to(&simulator);
    let send = [("To", PHONE), ("From", NUMBER), ("Body", "hi")];

    http.say(NUMBER, " stop ").await;
    assert_eq!(receiver.next().await.get("OptOutType"), None, "the number is in no service");
    let (status, refusal) = http.create(&send).await;
    assert_eq!((status, &refusal["code"]), (400, &json!(21610)));
    let pooled = [("To", PHONE), ("From", POOLED), ("Body", "hi")];
    assert_eq!(http.create(&pooled).await.0, 201, "another number is not covered");

    http.say(NUMBER, "yes").await;
    assert_eq!(http.create(&send).await.0, 201);
    http.say(POOLED, "HELP").await;
    receiver.next().await;
    assert_eq!(receiver.next().await.get("OptOutType"), Some("HELP"), "the service recognises words itself");

    let screen = http.screen().await;
    assert!(screen.iter().any(|line| line.contains("successfully been unsubscribed")), "{screen:?}");
    let (_, listed) = http.api("GET", "Messages.json", &[]).await;
    assert!(!listed.to_string().contains("unsubscribed"), "automatic replies are in no list");
}

#[tokio::test]
async fn a_webhook_is_retried_as_configured_and_then_goes_to_the_fallback() {
    let mut receiver = Receiver::start("<Response/>");
    let mut account = account(Some(&format!("{}/broken#rc=2&rp=5xx", receiver.url)));
    account.numbers[0].sms_fallback_url = Some(format!("{}/fallback", receiver.url));
    let simulator = start(account);
    let webhook = Http::to(&simulator).say(NUMBER, "hi").await;
    assert_eq!((&webhook["delivered"], &webhook["attempts"]), (&json!(true), &json!(4)));
    let tries = [receiver.next().await, receiver.next().await, receiver.next().await];
    assert!(tries.iter().all(|hook| hook.path == "/broken" && hook.token == tries[0].token));
    let last = receiver.next().await;
    assert_eq!((last.path.as_str(), last.get("ErrorCode")), ("/fallback", Some("11217")));
    assert_ne!(last.token, tries[0].token);
}

#[tokio::test]
async fn by_default_only_a_failed_connection_is_retried_once() {
    let receiver = Receiver::start("");
    let mut broken = account(Some(&format!("{}/broken", receiver.url)));
    broken.numbers[1].sms_url = Some("http://127.0.0.1:1/sms".to_owned());
    let simulator = start(broken);
    let http = Http::to(&simulator);
    let answered = http.say(NUMBER, "hi").await;
    assert_eq!((&answered["attempts"], &answered["error_code"]), (&json!(1), &json!(11217)));
    let refused = http.say(POOLED, "hi").await;
    assert_eq!((&refused["attempts"], &refused["error_code"]), (&json!(2), &json!(11205)));
}

#[tokio::test]
async fn duplicated_webhooks_carry_the_same_message() {
    let mut receiver = Receiver::start("<Response/>");
    let simulator = start(account(Some(&format!("{}/sms", receiver.url))));
    let http = Http::to(&simulator);
    http.fault(json!({"kind": "duplicate_webhooks", "copies": 9})).await;
    assert_eq!(http.say(NUMBER, "hi").await["attempts"], 10);
    let first = receiver.next().await;
    for _ in 0..9 {
        assert_eq!(receiver.next().await.get("MessageSid"), first.get("MessageSid"));
    }
}

#[tokio::test]
async fn messages_in_the_answer_reach_the_handset_unless_it_opted_out() {
    let mut receiver = Receiver::start("");
    let twiml = r#"<Response><Message statusCallback="/status">Thanks &amp; bye</Message></Response>"#;
    let answering = Receiver::start(twiml);
    let simulator = start(account(Some(&format!("{}/sms", answering.url))));
    let http = Http::to(&simulator);
    http.say(NUMBER, "hi").await;
    // A second message with a callback we can wait for leaves the same queue after the reply.
    let callback = format!("{}/status", receiver.url);
    http.create(&[("To", PHONE), ("From", NUMBER), ("Body", "end"), ("StatusCallback", &callback)]).await;
    receiver.until_status("delivered").await;
    assert_eq!(http.screen().await, ["hi", "Thanks & bye", "end"]);

    http.say(NUMBER, "STOP").await;
    let (_, replies) = http.sim("GET", "messages?direction=outbound-reply", None).await;
    assert_eq!(replies[0]["error_code"], 21610);
}
