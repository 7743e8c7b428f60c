//! The Calls and Recordings resources of the REST API.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::draft;
use super::lifecycle;
use super::{recording, resource};
use crate::calls::{Live, Order, Pause};
use crate::connection;
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{Sim, lock};
use crate::twilio::create::is_callback_url;
use crate::twilio::params::Params;
use crate::twilio::problem::Problem;
use crate::twilio::rest::{Slot, answer, authenticate};
use crate::world::{Account, Call, Record, Recording};

type Shared = Data<Sim>;

const MAX_PAGE: usize = 1_000;

/// The routes below an account.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/Calls.json", web::post().to(create))
        .route("/Calls.json", web::get().to(list))
        .route("/Calls/{call}.json", web::get().to(fetch))
        .route("/Calls/{call}.json", web::post().to(update))
        .route("/Calls/{call}/Recordings.json", web::post().to(record))
        .route("/Calls/{call}/Recordings.json", web::get().to(recordings_of_call))
        .route("/Calls/{call}/Recordings/{recording}.json", web::get().to(fetch_recording_of_call))
        .route("/Calls/{call}/Recordings/{recording}.json", web::post().to(update_recording))
        .route("/Recordings/{recording}", web::get().to(fetch_recording))
        .route("/Recordings/{recording}", web::delete().to(delete_recording));
}

async fn create(sim: Shared, request: HttpRequest, account: Path<String>, body: Bytes) -> HttpResponse {
    let account = match authenticate(&sim, &request, &account) {
        Ok(account) => account,
        Err(problem) => return problem.response(),
    };
    let _slot = match Slot::take(&sim, &account) {
        Ok(slot) => slot,
        Err(problem) => return problem.response(),
    };
    let params = Params::parse(&body);
    let (to, from) = (params.get("To").unwrap_or_default(), params.get("From").unwrap_or_default());
    let faults = lock(&sim.faults).draw(Moment::CallCreate, Subject { to, from, body: "" });
    for fault in &faults {
        match fault {
            FaultKind::CallRateLimited => return Problem::too_many().response(),
            FaultKind::CallServerError { status } => return Problem::server_error(*status).response(),
            _ => {}
        }
    }
    let (mut call, mut plan) = match draft::draft(&sim, &account, &params) {
        Ok(drafted) => drafted,
        Err(problem) => return problem.response(),
    };
    plan.wait = turn(&sim, &account);
    call.queue_time = i64::try_from(plan.wait.as_millis()).unwrap_or(i64::MAX);
    lifecycle::start_outgoing(&sim, &call, &account.auth_token, plan);
    if faults.contains(&FaultKind::CallAcceptThenReset) {
        return connection::reset(&request);
    }
    HttpResponse::Created().insert_header(("Twilio-Request-Id", sim.sid("RQ"))).json(resource::call(&call))
}

/// How long a new call waits for its turn; takes the turn.
fn turn(sim: &Sim, account: &Account) -> Duration {
    let Some(rate) = account.calls_per_second.filter(|rate| *rate > 0.0) else { return Duration::ZERO };
    let now = sim.now();
    let mut turns = lock(&sim.call_turns);
    let free = turns.entry(account.account_sid.clone()).or_insert(now);
    let start = (*free).max(now);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a thousand seconds between two calls are milliseconds enough"
    )]
    let gap = (1_000.0 / rate.max(0.001)) as i64;
    *free = start + gap;
    Duration::from_millis(u64::try_from(start - now).unwrap_or(0))
}

async fn list(sim: Shared, request: HttpRequest, account: Path<String>) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    answer(&sim, &request, &account, |account| {
        let is = |name: &str, actual: &str| params.get(name).is_none_or(|wanted| wanted == actual);
        let fits = |call: &&Call| {
            call.account_sid == account.account_sid
                && is("To", &call.to)
                && is("From", &call.from)
                && is("Status", call.status.as_str())
                && is("ParentCallSid", call.parent.as_deref().unwrap_or_default())
        };
        let size = params.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50).clamp(1, MAX_PAGE);
        let page = params.get("Page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(0);
        let (calls, more) = sim.read(|world| {
            let mut all = world.calls().rev().filter(fits).skip(page.saturating_mul(size));
            let calls: Vec<_> = all.by_ref().take(size).map(resource::call).collect();
            (calls, all.next().is_some())
        });
        let uri = |page: usize| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            for name in ["To", "From", "Status", "ParentCallSid"] {
                if let Some(value) = params.get(name) {
                    query.append_pair(name, value);
                }
            }
            query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
            format!("{}?{}", request.path(), query.finish())
        };
        Ok(HttpResponse::Ok().json(json!({
            "calls": calls, "page": page, "page_size": size, "start": page * size,
            "end": (page * size + calls.len()).saturating_sub(1),
            "first_page_uri": uri(0), "next_page_uri": more.then(|| uri(page + 1)),
            "previous_page_uri": page.checked_sub(1).map(uri), "uri": uri(page),
        })))
    })
}

/// A call of the account that asks.
fn own(sim: &Sim, account: &Account, sid: &str, path: &str) -> Result<Call, Problem> {
    let call = sim.read(|world| world.call(sid).cloned());
    call.filter(|call| call.account_sid == account.account_sid).ok_or_else(|| Problem::not_found(path))
}

/// The same with its line, while it lives.
fn living(sim: &Sim, account: &Account, sid: &str, path: &str) -> Result<(Call, Arc<Live>), Problem> {
    let call = own(sim, account, sid, path)?;
    let live = sim.live_call(sid).filter(|_| !call.status.is_final());
    let live = live.ok_or_else(|| Problem::invalid(21_220, "Call is not in-progress. Cannot redirect."))?;
    Ok((call, live))
}

async fn fetch(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        Ok(HttpResponse::Ok().json(resource::call(&own(&sim, account, &path.1, request.path())?)))
    })
}

/// New instructions, an end, or other callbacks for a call that lives.
async fn update(
    sim: Shared,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let params = Params::parse(&body);
    answer(&sim, &request, &path.0, |account| {
        let (mut call, live) = living(&sim, account, &path.1, request.path())?;
        if let Some(callback) = params.get("StatusCallback") {
            if !is_callback_url(callback) {
                return Err(Problem::invalid(21_609, "The 'StatusCallback' URL is not a valid URL."));
            }
            call.reports.url = Some(callback.to_owned());
            sim.record(vec![Record::Call { call: Box::new(call.clone()) }]);
        }
        if let Some(fallback) = draft::fallback(&params)? {
            call.fallback = Some(fallback);
            sim.record(vec![Record::Call { call: Box::new(call.clone()) }]);
        }
        if params.get("Url").is_some() && params.get("Twiml").is_some() {
            return Err(Problem::invalid(21_225, "Url and Twiml are mutually exclusive"));
        }
        let ringing = call.started.is_none();
        match params.get("Status") {
            Some("completed") => drop(live.order(Order::End)),
            // An answered call is not touched.
            Some("canceled") if ringing => drop(live.order(Order::End)),
            Some("canceled") => {}
            Some(other) => {
                return Err(Problem::invalid(21_218, format!("Status {other} is not completed or canceled")));
            }
            None => {
                if let Some(instructions) = draft::instructions(&params)? {
                    live.order(Order::Run(instructions));
                }
            }
        }
        Ok(HttpResponse::Ok().json(resource::call(&call)))
    })
}

async fn record(
    sim: Shared,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let params = Params::parse(&body);
    answer(&sim, &request, &path.0, |account| {
        let (call, live) = living(&sim, account, &path.1, request.path())?;
        if call.started.is_none() {
            return Err(Problem::invalid(21_220, "Requested resource is not eligible for recording"));
        }
        let wish = draft::recording(&params, "StartCallRecordingAPI");
        let recording = recording::start(&sim, &live, &call, wish);
        let recording = recording.map_err(|message| Problem::invalid(21_220, message))?;
        Ok(HttpResponse::Created().json(resource::recording(&recording)))
    })
}

async fn recordings_of_call(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        let call = own(&sim, account, &path.1, request.path())?;
        let recordings: Vec<_> =
            sim.read(|world| world.recordings_of(&call.sid).map(resource::recording).collect());
        Ok(HttpResponse::Ok().json(json!({
            "recordings": recordings, "page": 0, "page_size": 50, "start": 0, "uri": request.path(),
            "first_page_uri": request.path(), "next_page_uri": null, "previous_page_uri": null,
        })))
    })
}

/// A recording of the account that asks.
fn own_recording(sim: &Sim, account: &Account, sid: &str, path: &str) -> Result<Recording, Problem> {
    let recording = sim.read(|world| world.recording(sid).cloned());
    let own = recording.filter(|recording| recording.account_sid == account.account_sid);
    own.ok_or_else(|| Problem::not_found(path))
}

async fn fetch_recording_of_call(
    sim: Shared,
    request: HttpRequest,
    path: Path<(String, String, String)>,
) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        let recording = own_recording(&sim, account, &path.2, request.path())?;
        Ok(HttpResponse::Ok().json(resource::recording(&recording)))
    })
}

/// Pauses, goes on with, or stops a recording; `Twilio.CURRENT` is the one that runs.
async fn update_recording(
    sim: Shared,
    request: HttpRequest,
    path: Path<(String, String, String)>,
    body: Bytes,
) -> HttpResponse {
    let params = Params::parse(&body);
    answer(&sim, &request, &path.0, |account| {
        let (_, live) = living(&sim, account, &path.1, request.path())?;
        let running = lock(&live.line).recorder.as_ref().map(|recorder| recorder.sid.clone());
        let wanted = |sid: &String| path.2 == *sid || path.2 == "Twilio.CURRENT";
        let sid = running.filter(wanted).ok_or_else(|| Problem::not_found(request.path()))?;
        let pause = if params.get("PauseBehavior") == Some("skip") { Pause::Skip } else { Pause::Silence };
        let (status, pause) = match params.get("Status") {
            Some("stopped") => {
                recording::finish(&sim, &live);
                let recording = own_recording(&sim, account, &sid, request.path())?;
                return Ok(HttpResponse::Ok().json(resource::recording(&recording)));
            }
            Some("paused") => ("paused", Some(pause)),
            Some("in-progress") => ("in-progress", None),
            _ => return Err(Problem::invalid(20_001, "Status must be stopped, paused or in-progress")),
        };
        if let Some(recorder) = &mut lock(&live.line).recorder {
            recorder.paused = pause;
        }
        let recording =
            Recording { status: status.to_owned(), ..own_recording(&sim, account, &sid, request.path())? };
        sim.record(vec![Record::Recording { recording: recording.clone() }]);
        Ok(HttpResponse::Ok().json(resource::recording(&recording)))
    })
}

/// `RE….json` is the resource, `RE….wav` and `RE…` the sound.
async fn fetch_recording(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (sid, ending) = path.1.split_once('.').unwrap_or((&path.1, "wav"));
    answer(&sim, &request, &path.0, |account| {
        let recording = own_recording(&sim, account, sid, request.path())?;
        match ending {
            "json" => Ok(HttpResponse::Ok().json(resource::recording(&recording))),
            "wav" => {
                let file = lock(&sim.recordings).file(sid);
                let file = file.ok_or_else(|| Problem::not_found(request.path()))?;
                Ok(HttpResponse::Ok().content_type("audio/x-wav").body(file))
            }
            _ => Err(Problem::not_found(request.path())),
        }
    })
}

async fn delete_recording(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let sid = path.1.trim_end_matches(".json");
    answer(&sim, &request, &path.0, |account| {
        let recording = own_recording(&sim, account, sid, request.path())?;
        sim.record(vec![Record::RecordingDeleted { sid: recording.sid }]);
        lock(&sim.recordings).forget(sid);
        Ok(HttpResponse::NoContent().finish())
    })
}
