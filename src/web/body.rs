//! Bodies arrive at a pace, or not at all: who sends a byte now and then would otherwise hold a connection, and the
//! memory or the upload slot behind it, for as long as they please. (The library bounds the time for the head only.)

use std::io;
use std::task::Poll;
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::CONTENT_LENGTH;
use futures_util::{FutureExt as _, StreamExt as _, stream};

/// Every body may take so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// And a second more for so many bytes: slower than any network on which a person would wait.
const SLOWEST_BYTES_PER_SECOND: u64 = 32 * 1024;

/// Gives the body of a request until its time is over. `largest` is the size in bytes beyond which nothing is read.
pub fn hurry(request: &mut ServiceRequest, largest: u64) {
    if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        return;
    }
    let said = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes: u64 = said.unwrap_or(largest).min(largest);
    let time = PATIENCE + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
    let payload = request.take_payload();
    request.set_payload(until(time, payload));
}

fn until(time: Duration, mut payload: Payload) -> Payload {
    let mut over = Box::pin(actix_web::rt::time::sleep(time));
    let bounded = stream::poll_fn(move |context| match payload.poll_next_unpin(context) {
        Poll::Pending if over.poll_unpin(context).is_ready() => {
            Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
        }
        next => next,
    });
    Payload::Stream { payload: Box::pin(bounded) }
}

/// Whether a body was not read to its end because its time was over.
pub fn is_late(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_body_that_stalls_ends_late_and_one_that_flows_arrives() {
        let flowing = stream::iter([Ok::<_, PayloadError>("ab".into()), Ok("c".into())]);
        let mut payload = until(Duration::from_hours(1), Payload::Stream { payload: flowing.boxed_local() });
        let mut read = Vec::new();
        while let Some(chunk) = payload.next().await {
            read.extend_from_slice(&chunk.expect("it flows"));
        }
        assert_eq!(read, b"abc");
        let stalled = stream::once(async { Ok("ab".into()) }).chain(stream::pending());
        let mut payload = until(Duration::ZERO, Payload::Stream { payload: stalled.boxed_local() });
        assert_eq!(payload.next().await.expect("what came").expect("came well"), "ab");
        assert!(is_late(&payload.next().await.expect("an end").expect_err("in an error")));
        assert!(!is_late(&PayloadError::Overflow));
    }
}
