//! Machine detection, and the machines.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::run::{Context, keys};
use crate::calls::{Live, Phase};
use crate::sim::{Sim, lock};
use crate::twilio::webhook::{self, WebhookParams};
use crate::world::{Answers, Record, TakenFor};

/// Somebody who says hello is told from a machine after this.
const VERDICT: Duration = Duration::from_millis(300);

/// What the caller wants detected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detection {
    /// `DetectMessageEnd`: the verdict waits for the greeting's end.
    pub(crate) message_end: bool,
    /// Asynchronous: where the verdict is posted, and how.
    pub(crate) callback: Option<(String, String)>,
}

/// The machine speaks its greeting and beeps.
pub(crate) fn speak_greeting(sim: &Arc<Sim>, call: &Arc<Live>, greeting: String) {
    let (sim, call) = (Arc::clone(sim), Arc::clone(call));
    actix_web::rt::spawn(async move {
        let phrase = sim.phrases.phrase(&greeting).await;
        let mut line = lock(&call.line);
        line.say(&phrase);
        line.sound("(beep)", &keys("5"));
    });
}

/// Waits for the verdict: `AnsweredBy` and how long it took.
pub(crate) async fn detect(sim: &Arc<Sim>, live: &Arc<Live>, message_end: bool) -> WebhookParams {
    let begun = Instant::now();
    let habits = sim.read(|world| world.handset(&live.handset).map(|handset| handset.habits.clone()));
    let habits = habits.unwrap_or_default();
    let machine = habits.answers == Answers::Machine;
    let taken_for = habits.taken_for.unwrap_or(if machine { TakenFor::Machine } else { TakenFor::Human });
    sleep_until(begun + VERDICT).await;
    if machine && message_end && taken_for == TakenFor::Machine {
        beep(live).await;
    }
    let verdict = match taken_for {
        TakenFor::Human => "human",
        TakenFor::Machine if message_end => "machine_end_beep",
        TakenFor::Machine => "machine_start",
        TakenFor::Fax => "fax",
        TakenFor::Unknown => "unknown",
    };
    sim.change(|world| {
        let call = world.call(&live.sid).cloned().map(|mut call| {
            call.answered_by = Some(verdict.to_owned());
            Record::Call { call: Box::new(call) }
        });
        (call.into_iter().collect(), ())
    });
    live.note(sim, "amd", verdict, json!({}));
    vec![("MachineDetectionDuration", begun.elapsed().as_millis().to_string())]
}

/// Waits until the machine has beeped.
async fn beep(live: &Live) {
    let mut log = live.watch();
    loop {
        let beeped = lock(&live.log).of("said").any(|entry| entry.text == "(beep)");
        if beeped || live.phase() == Phase::Ended || log.changed().await.is_err() {
            return;
        }
    }
}

/// Detects while the call goes on, and posts the verdict.
pub(crate) fn detect_later(cx: &Context, detection: Detection) {
    let (sim, live, token) = (Arc::clone(&cx.sim), Arc::clone(&cx.live), cx.auth_token.clone());
    actix_web::rt::spawn(async move {
        let params = detect(&sim, &live, detection.message_end).await;
        let Some((url, method)) = detection.callback else { return };
        if live.phase() == Phase::Ended {
            return;
        }
        let call = sim.read(|world| world.call(&live.sid).cloned());
        let Some(call) = call else { return };
        let mut all: WebhookParams = vec![
            ("CallSid", call.sid.clone()),
            ("AccountSid", call.account_sid.clone()),
            ("AnsweredBy", call.answered_by.unwrap_or_default()),
        ];
        all.extend(params);
        let (outcome, _) = webhook::fetch(&sim, &token, &url, &method, &all).await;
        live.note(&sim, "callback", "amd", json!({ "url": url, "outcome": outcome }));
    });
}
