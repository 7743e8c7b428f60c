//! What Twilio posts, and what anyone posts who says to be Twilio.

use secrecy::SecretString;
use usher_channels::segments::segments;
use usher_channels::twilio::{
    Form, InboundMessage, Payload, SignatureHeaders, SignedUrl, SigningKey, StatusCallback,
};
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
