//! What Twilio posts, and what anyone posts who says to be Twilio.

use secrecy::SecretString;
use url::Url;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_channels::segments::segments;
use usher_channels::twilio::media::is_storage;
use usher_channels::twilio::{
    Form, InboundMessage, Payload, SignatureHeaders, SignedUrl, SigningKey, StatusCallback, TwilioClient,
    TwilioCredentials,
};
use usher_simulator::twiml;
use usher_testkit::twilio::signature;

use crate::fuzzer::survives;

const TOKEN: &str = "12345";
const URL: &str = "https://usher.example/api/webhooks/twilio/sms";

fn key() -> SigningKey {
    SigningKey::new(SecretString::from(TOKEN))
}

fn pairs(form: &Form<'_>) -> Vec<(String, String)> {
    form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn no_inbound_form_makes_the_codec_panic() {
    survives("twilio-inbound", |input| {
        if let Ok(form) = Form::parse(input)
            && let Ok(message) = InboundMessage::parse(&form)
        {
            let _ = segments(message.body);
        }
    });
}

#[test]
fn no_status_form_makes_the_codec_panic() {
    survives("twilio-status", |input| {
        if let Ok(form) = Form::parse(input) {
            let _ = StatusCallback::parse(&form);
        }
    });
}

#[test]
fn every_form_is_signed_as_the_published_algorithm_says_and_no_other_signature_passes() {
    let (key, url) = (key(), SignedUrl::new(URL));
    survives("twilio-inbound", |input| {
        let Ok(form) = Form::parse(input) else { return };
        let honest = signature(TOKEN, URL, &pairs(&form));
        let verify = |given: &str| key.verify(&url, Payload::Form(&form), SignatureHeaders::signature(given));
        assert!(verify(&honest).is_ok(), "the independent signature is accepted");
        let forged = signature("54321", URL, &pairs(&form));
        assert!(verify(&forged).is_err(), "another token's signature is refused");
    });
}

#[test]
fn no_url_makes_the_signature_check_panic() {
    let key = key();
    survives("signed-url", |input| {
        let text = String::from_utf8_lossy(input);
        let url = SignedUrl::new(&text).with_query(&text);
        let headers = SignatureHeaders { signature: Some(&text), settings: Some(&text) };
        assert!(key.verify(&url, Payload::Empty, headers).is_err(), "a URL is not its own signature");
        let _ = key.verify(&url, Payload::Json(input), headers);
    });
}

#[test]
fn credentials_go_to_no_url_but_the_accounts_media_on_the_vendors_host() {
    let account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let credentials =
        TwilioCredentials { account_sid: account.into(), auth_token: TOKEN.to_owned().into(), api_key: None };
    let http = HttpStack::new(HttpSettings::default()).expect("a TLS stack");
    let client = TwilioClient::new(http, "https://api.twilio.com").expect("a good base");
    let below = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Messages/");
    survives("media-url", |input| {
        let text = String::from_utf8_lossy(input);
        if let Some(url) = client.own_media_url(&credentials, &text) {
            // As the connection sees it: what is written may hide the host behind tabs, backslashes or upper case.
            assert!(url.as_str().starts_with(&below), "{url}");
            assert!(!url.as_str().contains('@') && !url.path().contains(".."), "{url}");
        }
        if let Ok(url) = Url::parse(&text)
            && is_storage(&url)
        {
            let host = url.host_str().unwrap_or_default();
            let known = [".twilio.com", ".twiliocdn.com", ".s3.amazonaws.com"];
            let listed = known.iter().any(|suffix| host.ends_with(suffix))
                || ["s3.amazonaws.com", "s3-external-1.amazonaws.com"].contains(&host);
            assert!(listed && url.scheme() == "https" && url.port().is_none(), "{url}");
        }
    });
}

#[test]
fn no_answer_to_a_webhook_makes_the_simulator_panic() {
    survives("twiml", |input| {
        let text = String::from_utf8_lossy(input);
        for content_type in ["text/xml; charset=utf-8", "text/plain", &text] {
            if let Ok(messages) = twiml::read(content_type, &text) {
                assert!(messages.iter().all(|m| m.body == m.body.trim() || content_type == "text/plain"));
            }
        }
    });
}
