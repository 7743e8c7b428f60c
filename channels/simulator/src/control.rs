//! `/_sim/*`: the simulator's own API, for tests, for demos and for the handset page.

mod calls;
pub(crate) mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Json, JsonConfig, Path, Query, QueryConfig, ServiceConfig};
use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use usher_channels::twilio::codec::{MAX_MEDIA, is_e164};

use crate::elevenlabs;
use crate::faults::FaultRule;
use crate::sim::{Sim, What, lock};
use crate::twilio::voice::bins;
use crate::twilio::{inbound, resource};
use crate::world::{Account, Handset, Line, Media, MediaContent, Message, Number, Record};

pub(crate) type Shared = Data<Sim>;

/// A picture of 5 MB in base 64, with room for the rest.
const MAX_JSON: usize = 8 * 1024 * 1024;
const MAX_LISTED: usize = 1000;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The routes of the control API.
pub(crate) fn routes(config: &mut ServiceConfig) {
    let clear =
        |error: String| InternalError::from_response(error.clone(), refuse(StatusCode::BAD_REQUEST, &error));
    config.service(
        web::scope("/_sim")
            .app_data(
                JsonConfig::default().limit(MAX_JSON).error_handler(move |e, _| clear(e.to_string()).into()),
            )
            .app_data(QueryConfig::default().error_handler(move |e, _| clear(e.to_string()).into()))
            .route("/health", web::get().to(HttpResponse::NoContent))
            .route("/accounts", web::get().to(accounts))
            .route("/accounts", web::post().to(register_account))
            .route("/numbers", web::post().to(register_number))
            .route("/twiml/{name}", web::put().to(bins::keep))
            .route("/messages", web::get().to(messages))
            .route("/faults", web::get().to(faults))
            .route("/faults", web::post().to(arm))
            .route("/faults", web::delete().to(reset))
            .route("/reset", web::post().to(reset))
            .route("/handsets", web::get().to(handsets))
            .route("/handsets", web::post().to(register_handset))
            .route("/handsets/{phone}", web::get().to(handset))
            .route("/handsets/{phone}/messages", web::get().to(lines))
            .route("/handsets/{phone}/messages", web::post().to(send))
            .route("/handsets/{phone}/events", web::get().to(events))
            .configure(calls::routes)
            .configure(elevenlabs::control_routes),
    );
}

pub(crate) fn refuse(status: StatusCode, error: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": error }))
}

/// Numbers may be given in a path with or without the plus.
fn e164(phone: &str) -> String {
    if phone.starts_with('+') { phone.to_owned() } else { format!("+{phone}") }
}

async fn accounts(sim: Shared) -> Json<Vec<Value>> {
    let without_secret = |account: &Account| json!({ "account_sid": account.account_sid, "numbers": account.numbers, "services": account.services });
    Json(sim.read(|world| world.accounts().map(without_secret).collect()))
}

async fn register_account(sim: Shared, account: Json<Account>) -> HttpResponse {
    let account = account.into_inner();
    if account.account_sid.is_empty() || account.account_sid.contains('/') || account.auth_token.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "account_sid and auth_token must not be empty");
    }
    if let Some(number) = account.numbers.iter().find(|number| !is_e164(&number.number)) {
        return refuse(StatusCode::BAD_REQUEST, &format!("{} is not in E.164 form", number.number));
    }
    sim.record(vec![Record::Account { account }]);
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
struct NumberOfAccount {
    account_sid: String,
    #[serde(flatten)]
    number: Number,
}

async fn register_number(sim: Shared, body: Json<NumberOfAccount>) -> HttpResponse {
    let NumberOfAccount { account_sid, number } = body.into_inner();
    if !is_e164(&number.number) {
        return refuse(StatusCode::BAD_REQUEST, &format!("{} is not in E.164 form", number.number));
    }
    let known = sim.change(|world| {
        let Some(account) = world.account(&account_sid) else { return (Vec::new(), false) };
        let mut account = account.clone();
        account.numbers.retain(|own| own.number != number.number);
        account.numbers.push(number);
        (vec![Record::Account { account }], true)
    });
    if known {
        HttpResponse::NoContent().finish()
    } else {
        refuse(StatusCode::NOT_FOUND, &format!("there is no account {account_sid}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageQuery {
    to: Option<String>,
    from: Option<String>,
    body: Option<String>,
    /// `inbound`, `outbound-api` or `outbound-reply`.
    direction: Option<String>,
    limit: Option<usize>,
}

/// Messages of all accounts, newest first, with what only the simulator knows about them.
async fn messages(sim: Shared, query: Query<MessageQuery>) -> Json<Vec<Value>> {
    let is = |wanted: &Option<String>, actual: Option<&str>| wanted.is_none() || wanted.as_deref() == actual;
    let fits = |message: &&Message| {
        is(&query.to, Some(&message.to))
            && is(&query.from, message.from.as_deref())
            && query.body.as_deref().is_none_or(|part| message.body.contains(part))
            && query.direction.as_deref().is_none_or(|wanted| json!(message.direction) == wanted)
    };
    let limit = query.limit.unwrap_or(MAX_LISTED);
    Json(sim.read(|world| {
        world.messages().rev().filter(fits).take(limit).map(resource::message_inside).collect()
    }))
}

async fn faults(sim: Shared) -> Json<Vec<FaultRule>> {
    Json(lock(&sim.faults).rules())
}

async fn arm(sim: Shared, rule: Json<FaultRule>) -> HttpResponse {
    if rule.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return refuse(StatusCode::BAD_REQUEST, "probability must be between 0 and 1");
    }
    lock(&sim.faults).arm(rule.into_inner());
    HttpResponse::NoContent().finish()
}

async fn reset(sim: Shared) -> HttpResponse {
    lock(&sim.faults).clear();
    HttpResponse::NoContent().finish()
}

/// A handset as the pages show it.
fn shown(phone: &str, handset: Option<&Handset>, numbers: &[String]) -> Value {
    let lines = handset.map(|handset| handset.lines.as_slice()).unwrap_or_default();
    let mut peers = BTreeMap::new();
    for line in lines {
        peers.insert(line.peer.as_str(), line.id);
    }
    let last = peers.iter().max_by_key(|(_, id)| **id).map(|(peer, _)| (*peer).to_owned());
    let default = handset.and_then(|handset| handset.default_peer.clone());
    json!({
        "phone": phone,
        "name": handset.and_then(|handset| handset.name.as_deref()),
        "peer": last.or(default).or_else(|| numbers.first().cloned()),
        "numbers": numbers,
        "last": lines.last(),
        "lines": lines.len(),
    })
}

async fn handsets(sim: Shared) -> Json<Vec<Value>> {
    Json(sim.read(|world| {
        let numbers = own_numbers(world);
        world.handsets().map(|(phone, handset)| shown(phone, Some(handset), &numbers)).collect()
    }))
}

fn own_numbers(world: &crate::world::World) -> Vec<String> {
    world.accounts().flat_map(|account| &account.numbers).map(|number| number.number.clone()).collect()
}

async fn handset(sim: Shared, phone: Path<String>) -> Json<Value> {
    let phone = e164(&phone);
    Json(sim.read(|world| shown(&phone, world.handset(&phone), &own_numbers(world))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewHandset {
    phone: String,
    name: Option<String>,
    default_peer: Option<String>,
}

async fn register_handset(sim: Shared, body: Json<NewHandset>) -> HttpResponse {
    let NewHandset { phone, name, default_peer } = body.into_inner();
    if !is_e164(&phone) {
        return refuse(StatusCode::BAD_REQUEST, &format!("{phone} is not in E.164 form"));
    }
    let handset = Handset { name, default_peer, ..Handset::default() };
    sim.record(vec![Record::Handset { phone, handset }]);
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineQuery {
    /// The number on the other side.
    peer: Option<String>,
    /// Only lines after this one.
    #[serde(default)]
    since: u64,
}

async fn lines(sim: Shared, phone: Path<String>, query: Query<LineQuery>) -> Json<Vec<Line>> {
    let wanted =
        |line: &&Line| line.id > query.since && query.peer.as_deref().is_none_or(|peer| line.peer == peer);
    Json(sim.read(|world| {
        let lines = world.handset(&e164(&phone)).map(|handset| handset.lines.as_slice()).unwrap_or_default();
        lines.iter().filter(wanted).cloned().collect()
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outgoing {
    to: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    media: Vec<Upload>,
    /// Answer only when the webhook has been told, with what became of it.
    #[serde(default)]
    wait: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    content_type: String,
    /// Base 64.
    data: String,
}

async fn send(sim: Shared, phone: Path<String>, body: Json<Outgoing>) -> HttpResponse {
    let Outgoing { to, body, media, wait } = body.into_inner();
    if media.len() > MAX_MEDIA || media.iter().any(|upload| STANDARD.decode(&upload.data).is_err()) {
        return refuse(StatusCode::BAD_REQUEST, "at most ten media, each with data in base 64");
    }
    let keep = |upload: Upload| Media {
        sid: sim.sid("ME"),
        content_type: upload.content_type,
        content: MediaContent::Base64(upload.data),
    };
    let media = media.into_iter().map(keep).collect();
    let received = match inbound::receive(&sim, &e164(&phone), &to, &body, media) {
        Ok(received) => received,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let sid = received.message.sid.clone();
    if wait {
        let outcome = inbound::report(&sim, received).await;
        return HttpResponse::Ok().json(json!({ "message_sid": sid, "webhook": outcome }));
    }
    actix_web::rt::spawn(async move { inbound::report(&sim, received).await });
    HttpResponse::Accepted().json(json!({ "message_sid": sid }))
}

/// Server-sent events: `line` for every line that is new or has changed, `call` for every call, `reload` when some were
/// missed.
async fn events(sim: Shared, phone: Path<String>) -> HttpResponse {
    let phone = e164(&phone);
    let watcher = sim.watchers.subscribe();
    let opened = Bytes::from_static(b"retry: 1000\nevent: reload\ndata: {}\n\n");
    let opening = stream::once(async move { Ok::<_, std::convert::Infallible>(opened) });
    let changes = stream::unfold((watcher, phone), |(mut watcher, phone)| async move {
        loop {
            let event = match tokio::time::timeout(KEEP_ALIVE, watcher.recv()).await {
                Err(_elapsed) => ": still here\n\n".to_owned(),
                Ok(Ok(changed)) if *changed.phone == *phone => match changed.what {
                    What::Line(line) => format!("event: line\ndata: {}\n\n", json!(*line)),
                    What::Call(call) => format!("event: call\ndata: {call}\n\n"),
                },
                Ok(Ok(_other_handset)) => continue,
                Ok(Err(RecvError::Lagged(_))) => "event: reload\ndata: {}\n\n".to_owned(),
                Ok(Err(RecvError::Closed)) => return None,
            };
            return Some((Ok(Bytes::from(event)), (watcher, phone)));
        }
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(stream::StreamExt::chain(opening, changes))
}
