//! What a page sends.

use usher::onboarding::is_link;
use usher_channels::widget::{ClientFrame, ResponseRequest, UploadQuery};
use usher_conversation::id::{DeliveryId, SessionId};

use crate::fuzzer::survives;

#[test]
fn no_request_of_a_page_makes_the_reader_panic() {
    survives("widget-request", |input| {
        if let Ok(request) = serde_json::from_slice::<ResponseRequest>(input) {
            let _ = request.input();
            let _ = request.key(Some(&String::from_utf8_lossy(input)));
        }
    });
}

#[test]
fn no_frame_of_a_page_makes_the_reader_panic() {
    survives("widget-frame", |input| {
        let _ = serde_json::from_slice::<ClientFrame>(input);
    });
}

#[test]
fn no_key_or_token_of_a_page_is_taken_that_could_not_have_been_given() {
    survives("token", |input| {
        let text = String::from_utf8_lossy(input);
        let plain =
            |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(!is_link(&text) || plain(&text) && text.len() <= 64, "{text}");
        assert!(text.parse::<SessionId>().is_err() || plain(&text), "{text}");
        assert!(text.parse::<DeliveryId>().is_err() || plain(&text), "{text}");
        let upload = UploadQuery {
            session_id: text.clone().into_owned(),
            field: "logo".into(),
            idempotency_key: text.clone().into_owned(),
        };
        if let Ok(key) = upload.key() {
            assert!(key.len() <= 64 && key.bytes().all(|b| b.is_ascii_graphic()), "{key}");
        }
    });
}
