//! Waiting for something to happen, so that nobody who uses the simulator has to sleep.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::refuse;
use crate::calls::{Log, Until};
use crate::sim::{Sim, lock};

const MAX_WAIT_MS: u64 = 120_000;
/// Shorter than most clients wait for an answer.
const DEFAULT_WAIT_MS: u64 = 12_000;

/// One more of something than is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Next {
    /// How many are known already.
    #[serde(default)]
    pub(crate) after: usize,
    timeout_ms: Option<u64>,
}

/// An entry of a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `event` or `event:part of its text`.
    until: String,
    /// Only entries after this one.
    #[serde(default)]
    after: u64,
    timeout_ms: Option<u64>,
}

fn deadline(millis: Option<u64>) -> Instant {
    Instant::now() + Duration::from_millis(millis.unwrap_or(DEFAULT_WAIT_MS).min(MAX_WAIT_MS))
}

fn too_long() -> HttpResponse {
    refuse(StatusCode::REQUEST_TIMEOUT, "it did not happen in time")
}

/// Answers with what `look` finds; it looks again after every change.
pub(crate) async fn for_next(sim: &Sim, next: &Next, look: impl Fn() -> Option<Value>) -> HttpResponse {
    let until = deadline(next.timeout_ms);
    let mut watcher = sim.watchers.subscribe();
    loop {
        if let Some(found) = look() {
            return HttpResponse::Ok().json(found);
        }
        match timeout_at(until, watcher.recv()).await {
            Err(_elapsed) => return too_long(),
            Ok(Err(RecvError::Closed)) => return refuse(StatusCode::GONE, "the simulator stops"),
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
        }
    }
}

/// Answers with the entry; `changes` tells when there are more.
pub(crate) async fn for_entry(
    log: &Mutex<Log>,
    mut changes: watch::Receiver<u64>,
    wanted: &Wanted,
) -> HttpResponse {
    let (until, deadline) = (Until::parse(&wanted.until), deadline(wanted.timeout_ms));
    loop {
        changes.borrow_and_update();
        let found = lock(log).since(wanted.after).find(|entry| until.is(entry)).cloned();
        if let Some(entry) = found {
            return HttpResponse::Ok().json(entry);
        }
        if timeout_at(deadline, changes.changed()).await.is_err() {
            return too_long();
        }
    }
}
