//! An account's numbers, and where they ask.

use usher_channels::ApiError;
use usher_channels::twilio::TwilioCredentials;
use usher_channels::twilio::numbers::Hooks;

use crate::support::{ACCOUNT, Http, NUMBER, PHONE, Receiver, account, client, credentials, start};

#[tokio::test]
async fn a_number_asks_where_its_account_says() {
    let mut hooks = Receiver::start("<Response/>");
    let simulator = start(account(None));
    let twilio = client(&simulator);
    let url = format!("{}/sms", hooks.url);
    let to = Hooks { sms: &url, voice: &url, voice_fallback: &url, voice_status: &url };
    assert_eq!(twilio.set_hooks(&credentials(), NUMBER, to).await, Ok(true));
    Http::to(&simulator).say(NUMBER, "hello").await;
    assert_eq!(hooks.at("/sms").await.get("Body"), Some("hello"));
}

#[tokio::test]
async fn a_number_of_somebody_else_a_wrong_token_and_an_address_that_is_none_are_refused() {
    let simulator = start(account(None));
    let twilio = client(&simulator);
    let good = Hooks {
        sms: "https://a.example/1",
        voice: "https://a.example/2",
        voice_fallback: "https://a.example/4",
        voice_status: "https://a.example/3",
    };
    assert_eq!(twilio.set_hooks(&credentials(), PHONE, good).await, Ok(false));
    let stranger =
        TwilioCredentials { account_sid: ACCOUNT.to_owned(), auth_token: "wrong".into(), api_key: None };
    let refused = |status, code: &str| Err(ApiError::Refused { status, code: Some(code.to_owned()) });
    assert_eq!(twilio.set_hooks(&stranger, NUMBER, good).await, refused(401, "20003"));
    let nowhere = Hooks { sms: "nowhere", ..good };
    assert_eq!(twilio.set_hooks(&credentials(), NUMBER, nowhere).await, refused(400, "21502"));
}
