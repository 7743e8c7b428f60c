//! What a page sends.

use usher_channels::widget::{ClientFrame, ResponseRequest};

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
