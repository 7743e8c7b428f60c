//! Calls, as tests and the handset page see and drive them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Json, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, web};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use usher_channels::twilio::codec::is_e164;

use super::waiting::{self, Next, Wanted};
use super::{KEEP_ALIVE, Shared, e164, refuse};
use crate::calls::{Entry, Live, Order, Phase};
use crate::sim::{Sim, lock};
use crate::twilio::voice::lifecycle;
use crate::world::{CallDirection, CallHabits, CallReports, Record};
use crate::{retell, vapi};

const MAX_WORDS: usize = 2_000;

/// The routes below `/_sim`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/handsets/{phone}/calls", web::post().to(dial))
        .route("/handsets/{phone}/calls", web::get().to(calls_of_handset))
        .route("/handsets/{phone}/calls/wait", web::get().to(wait_for_call))
        .route("/handsets/{phone}/habits", web::put().to(set_habits))
        .route("/handsets/{phone}/habits", web::get().to(habits))
        .route("/calls", web::get().to(calls))
        .route("/calls/{sid}", web::get().to(call))
        .route("/calls/{sid}/wait", web::get().to(wait))
        .route("/calls/{sid}/events", web::get().to(events))
        .route("/calls/{sid}/audio", web::get().to(audio))
        .route("/calls/{sid}/answer", web::post().to(answer))
        .route("/calls/{sid}/decline", web::post().to(decline))
        .route("/calls/{sid}/hangup", web::post().to(hang_up))
        .route("/calls/{sid}/say", web::post().to(say))
        .route("/calls/{sid}/interrupt", web::post().to(interrupt))
        .route("/calls/{sid}/digits", web::post().to(digits));
}

fn unknown(sid: &str) -> HttpResponse {
    refuse(StatusCode::NOT_FOUND, &format!("there is no call {sid}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dialled {
    to: String,
}

/// The handset calls a number.
async fn dial(sim: Shared, phone: Path<String>, body: Json<Dialled>) -> HttpResponse {
    let (phone, to) = (e164(&phone), e164(&body.to));
    if !is_e164(&phone) || !is_e164(&to) {
        return refuse(StatusCode::BAD_REQUEST, &format!("{to} is not in E.164 form"));
    }
    if let Some(number) = vapi::number_of(&sim, &to) {
        return HttpResponse::Created().json(vapi::dialled(&sim, &phone, number).shown());
    }
    if let Some(number) = retell::number_of(&sim, &to) {
        return HttpResponse::Created().json(retell::dialled(&sim, &phone, number).shown());
    }
    let owner = sim.read(|world| {
        let account = world.owner_of(&to)?;
        Some((account.account_sid.clone(), account.auth_token.clone(), account.number(&to)?.clone()))
    });
    let Some((account, token, number)) = owner else {
        return refuse(StatusCode::BAD_REQUEST, &format!("no account has the number {to}"));
    };
    let mut call = lifecycle::new_call(&sim, &account, CallDirection::Inbound, &phone, &to);
    call.reports = CallReports {
        url: number.status_callback.clone(),
        method: "POST".to_owned(),
        events: vec!["completed".to_owned()],
        next: 0,
    };
    let live = lifecycle::start_incoming(&sim, &call, &token, &number);
    HttpResponse::Created().json(live.shown())
}

async fn set_habits(sim: Shared, phone: Path<String>, body: Json<CallHabits>) -> HttpResponse {
    sim.record(vec![Record::Habits { phone: e164(&phone), habits: body.into_inner() }]);
    HttpResponse::NoContent().finish()
}

async fn habits(sim: Shared, phone: Path<String>) -> Json<CallHabits> {
    let habits = sim.read(|world| world.handset(&e164(&phone)).map(|handset| handset.habits.clone()));
    Json(habits.unwrap_or_default())
}

async fn calls(sim: Shared) -> Json<Vec<Value>> {
    Json(sim.live_calls().iter().map(|live| summary(&sim, live)).collect())
}

async fn calls_of_handset(sim: Shared, phone: Path<String>) -> Json<Vec<Value>> {
    let phone = e164(&phone);
    let calls = sim.live_calls();
    Json(calls.iter().filter(|live| live.handset == phone).map(|live| live.shown()).collect())
}

/// Waits until the handset has one more call, ringing or later, than `after`; answers with it.
async fn wait_for_call(sim: Shared, phone: Path<String>, query: Query<Next>) -> HttpResponse {
    let phone = e164(&phone);
    let of_handset = |live: &&Arc<Live>| live.handset == phone && was_shown(&sim, live);
    let one_more = || sim.live_calls().iter().filter(of_handset).nth(query.after).map(|live| live.shown());
    waiting::for_next(&sim, &query, one_more).await
}

/// A call that waits for its turn does not ring yet.
fn was_shown(sim: &Sim, live: &Live) -> bool {
    let queued = sim.read(|world| {
        world.call(&live.sid).is_some_and(|call| call.status == crate::world::CallStatus::Queued)
    });
    !queued
}

fn summary(sim: &Sim, live: &Live) -> Value {
    let mut shown = live.shown();
    let call = sim.read(|world| world.call(&live.sid).cloned());
    if let Some(call) = call {
        shown["status"] = json!(call.status);
        shown["vendor_direction"] = json!(call.direction);
        shown["parent"] = json!(call.parent);
        shown["answered_by"] = json!(call.answered_by);
        shown["seconds"] = json!(call.seconds());
    }
    shown["handset"] = json!(live.handset);
    shown["seq"] = json!(lock(&live.log).last());
    shown
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    /// Only entries after this one.
    #[serde(default)]
    after: u64,
}

/// A call with everything that happened on it.
async fn call(sim: Shared, sid: Path<String>, query: Query<Since>) -> HttpResponse {
    let Some(live) = sim.live_call(&sid) else { return unknown(&sid) };
    let mut shown = summary(&sim, &live);
    let log = lock(&live.log);
    let texts = |event: &str| log.of(event).map(|entry| entry.text.clone()).collect::<Vec<_>>();
    let tally = |name: &str| log.of("heard").filter_map(|entry| entry.detail[name].as_u64()).sum::<u64>();
    shown["heard"] = json!(texts("heard"));
    shown["said"] = json!(texts("said"));
    shown["errors"] = json!(texts("error"));
    shown["audio"] = json!({
        "lost": tally("lost"), "reordered": tally("reordered"),
        "garbled": tally("garbled"), "gaps_ms": tally("gaps"),
    });
    shown["log"] = json!(log.since(query.after).collect::<Vec<_>>());
    drop(log);
    shown["waiting_ms"] = json!(lock(&live.line).waiting_ms());
    HttpResponse::Ok().json(shown)
}

/// Waits for an entry of the log; answers with it.
async fn wait(sim: Shared, sid: Path<String>, query: Query<Wanted>) -> HttpResponse {
    let Some(live) = sim.live_call(&sid) else { return unknown(&sid) };
    waiting::for_entry(&live.log, live.watch(), &query).await
}

/// Server-sent events: `entry` for everything in the log, from the beginning.
async fn events(sim: Shared, sid: Path<String>) -> HttpResponse {
    let Some(live) = sim.live_call(&sid) else { return unknown(&sid) };
    let watch = live.watch();
    let entries = stream::unfold((live, watch, 0), |(live, mut watch, seen)| async move {
        loop {
            watch.borrow_and_update();
            let fresh: Vec<Entry> = lock(&live.log).since(seen).cloned().collect();
            if let Some(last) = fresh.last() {
                let seen = last.seq;
                let events = fresh.iter().map(|entry| format!("event: entry\ndata: {}\n\n", json!(entry)));
                let text = events.collect::<Vec<_>>().concat();
                return Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), (live, watch, seen)));
            }
            match tokio::time::timeout(KEEP_ALIVE, watch.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_closed)) => return None,
                Err(_elapsed) => {
                    return Some((Ok(Bytes::from_static(b": still here\n\n")), (live, watch, seen)));
                }
            }
        }
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(entries)
}

/// What the handset hears, as it hears it: µ-law at 8 kHz, 20 ms at a time, until the call ends.
async fn audio(sim: Shared, sid: Path<String>) -> HttpResponse {
    let Some(live) = sim.live_call(&sid) else { return unknown(&sid) };
    let frames = stream::unfold((live.audio(), live), |(mut audio, live)| async move {
        while live.phase() != Phase::Ended {
            match tokio::time::timeout(Duration::from_secs(1), audio.recv()).await {
                Ok(Ok(frame)) => return Some((Ok::<_, std::convert::Infallible>(frame), (audio, live))),
                Ok(Err(RecvError::Closed)) => return None,
                // A page that lags misses what it was too slow for; a call that rings is silent.
                Ok(Err(RecvError::Lagged(_))) | Err(_) => {}
            }
        }
        None
    });
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(frames)
}

fn ordered(sim: &Sim, sid: &str, order: Order) -> HttpResponse {
    let Some(live) = sim.live_call(sid) else { return unknown(sid) };
    if live.order(order) {
        HttpResponse::NoContent().finish()
    } else {
        refuse(StatusCode::CONFLICT, "the call is over")
    }
}

async fn answer(sim: Shared, sid: Path<String>) -> HttpResponse {
    ordered(&sim, &sid, Order::Answer)
}

async fn decline(sim: Shared, sid: Path<String>) -> HttpResponse {
    ordered(&sim, &sid, Order::Decline)
}

async fn hang_up(sim: Shared, sid: Path<String>) -> HttpResponse {
    ordered(&sim, &sid, Order::HangUp)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    text: String,
}

/// Whoever talks must be connected.
fn talking(sim: &Sim, sid: &str) -> Option<Arc<Live>> {
    sim.live_call(sid).filter(|live| live.phase() == Phase::Talking)
}

fn not_connected() -> HttpResponse {
    refuse(StatusCode::CONFLICT, "nobody is connected by such a call")
}

async fn speak(sim: &Sim, sid: &str, text: &str, at_once: bool) -> HttpResponse {
    if text.trim().is_empty() || text.len() > MAX_WORDS {
        return refuse(StatusCode::BAD_REQUEST, "text must have between 1 and 2000 characters");
    }
    let Some(live) = talking(sim, sid) else { return not_connected() };
    let seq = lock(&live.log).last();
    let phrase = sim.phrases.phrase(text).await;
    live.say(sim, &phrase, at_once);
    HttpResponse::Ok().json(json!({ "seq": seq }))
}

/// The handset's owner says something, after what they are saying.
async fn say(sim: Shared, sid: Path<String>, body: Json<Words>) -> HttpResponse {
    speak(&sim, &sid, &body.text, false).await
}

/// The handset's owner breaks off and says something else at once.
async fn interrupt(sim: Shared, sid: Path<String>, body: Json<Words>) -> HttpResponse {
    speak(&sim, &sid, &body.text, true).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    digits: String,
}

async fn digits(sim: Shared, sid: Path<String>, body: Json<Keys>) -> HttpResponse {
    let Some(live) = talking(&sim, &sid) else { return not_connected() };
    if body.digits.is_empty() || !body.digits.chars().all(|digit| "0123456789*#ABCD".contains(digit)) {
        return refuse(StatusCode::BAD_REQUEST, "digits are 0-9, *, #, A-D");
    }
    for digit in body.digits.chars() {
        live.press(&sim, digit);
    }
    HttpResponse::NoContent().finish()
}
