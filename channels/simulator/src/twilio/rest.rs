//! The Messages resource of the REST API.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use usher_channels::twilio::MessageStatus;

use super::create::{self, MAX_QUEUE_MILLIS};
use super::list;
use super::params::Params;
use super::problem::Problem;
use super::{lifecycle, numbers, resource, voice};
use crate::connection;
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{Sim, lock};
use crate::world::{Account, Media, MediaContent, Message, Record};

type Shared = Data<Sim>;

/// The routes of this vendor.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/2010-04-01/Accounts/{account}.json", web::get().to(account))
        .service(
            web::scope("/2010-04-01/Accounts/{account}")
                .route("/Messages.json", web::post().to(create))
                .route("/Messages.json", web::get().to(list))
                .route("/Messages/{message}.json", web::get().to(fetch))
                .route("/Messages/{message}.json", web::post().to(update))
                .route("/Messages/{message}.json", web::delete().to(delete))
                .route("/Messages/{message}/Media.json", web::get().to(media_list))
                .route("/Messages/{message}/Media/{media}", web::get().to(media))
                .configure(numbers::routes)
                .configure(voice::rest::routes)
                .default_service(web::to(unknown)),
        )
        .route("/_media/{media}", web::get().to(stored_media));
}

async fn unknown(request: HttpRequest) -> HttpResponse {
    Problem::not_found(request.path()).response()
}

/// The account of a request whose credentials are right.
pub(crate) fn authenticate(sim: &Sim, request: &HttpRequest, account: &str) -> Result<Account, Problem> {
    let (user, password) = basic(request).ok_or_else(Problem::unauthenticated)?;
    let known = sim.read(|world| world.account(&user).cloned()).ok_or_else(Problem::unauthenticated)?;
    let same: bool = known.auth_token.as_bytes().ct_eq(password.as_bytes()).into();
    if !same {
        return Err(Problem::unauthenticated());
    }
    // Another account's resources do not exist for this one.
    if known.account_sid == account { Ok(known) } else { Err(Problem::not_found(request.path())) }
}

fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// One of an account's concurrent requests.
pub(crate) struct Slot<'s> {
    sim: &'s Sim,
    account: String,
}

impl<'s> Slot<'s> {
    pub(crate) fn take(sim: &'s Sim, account: &Account) -> Result<Self, Problem> {
        let mut in_flight = lock(&sim.in_flight);
        let count = in_flight.entry(account.account_sid.clone()).or_default();
        if *count >= account.max_concurrent {
            return Err(Problem::too_many());
        }
        *count += 1;
        Ok(Self { sim, account: account.account_sid.clone() })
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.sim.in_flight).get_mut(&self.account) {
            *count -= 1;
        }
    }
}

/// Runs a request of an authenticated account; refusals become answers.
pub(crate) fn answer(
    sim: &Sim,
    request: &HttpRequest,
    account: &str,
    run: impl FnOnce(&Account) -> Result<HttpResponse, Problem>,
) -> HttpResponse {
    let result = authenticate(sim, request, account).and_then(|account| {
        let _slot = Slot::take(sim, &account)?;
        run(&account)
    });
    result.unwrap_or_else(Problem::response)
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
    let subject = Subject {
        to: params.get("To").unwrap_or_default(),
        from: params.get("From").or(params.get("MessagingServiceSid")).unwrap_or_default(),
        body: params.get("Body").unwrap_or_default(),
    };
    let faults = lock(&sim.faults).draw(Moment::Create, subject);
    for fault in &faults {
        match fault {
            FaultKind::Latency { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
            FaultKind::RateLimited => return Problem::too_many().response(),
            FaultKind::ServerError { status } => return Problem::server_error(*status).response(),
            _ => {}
        }
    }
    let message = match take(&sim, &account, &params) {
        Ok(message) => message,
        Err(problem) => return problem.response(),
    };
    lifecycle::start(&sim, &message.sid);
    for fault in faults {
        match fault {
            FaultKind::AcceptThenTimeout { millis } => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                return connection::reset(&request);
            }
            FaultKind::AcceptThenReset => return connection::reset(&request),
            FaultKind::AcceptThenError { status } => return Problem::server_error(status).response(),
            _ => {}
        }
    }
    HttpResponse::Created()
        .insert_header(("Twilio-Request-Id", sim.sid("RQ")))
        .json(resource::message(&message))
}

/// What clients ask for first, to see whether their credentials hold.
async fn account(sim: Shared, request: HttpRequest, account: Path<String>) -> HttpResponse {
    answer(&sim, &request, &account, |account| {
        let sid = &account.account_sid;
        Ok(HttpResponse::Ok().json(json!({
            "sid": sid,
            "friendly_name": "Simulated account",
            "status": "active",
            "type": "Full",
            "owner_account_sid": sid,
            "uri": format!("/2010-04-01/Accounts/{sid}.json"),
            "subresource_uris": { "messages": format!("/2010-04-01/Accounts/{sid}/Messages.json") },
        })))
    })
}

/// Checks a message and keeps it.
fn take(sim: &Sim, account: &Account, params: &Params) -> Result<Message, Problem> {
    let now = sim.now();
    let mut message = sim.read(|world| create::draft(world, account, params, now))?;
    if let Some(from) = &message.from
        && lifecycle::queue_millis(sim, from) > MAX_QUEUE_MILLIS
    {
        let text = format!("This 'From' number {from} has exceeded the maximum number of queued messages");
        return Err(Problem::invalid(21611, text));
    }
    message.sid = sim.sid(if message.media.is_empty() { "SM" } else { "MM" });
    for media in &mut message.media {
        media.sid = sim.sid("ME");
    }
    sim.record(vec![Record::Message { message: Box::new(message.clone()) }]);
    Ok(message)
}

async fn list(sim: Shared, request: HttpRequest, account: Path<String>) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    let subject = Subject {
        to: params.get("To").unwrap_or_default(),
        from: params.get("From").unwrap_or_default(),
        body: "",
    };
    let fault = lock(&sim.faults).draw(Moment::Lookup, subject).into_iter().next();
    answer(&sim, &request, &account, |account| {
        if let Some(FaultKind::LookupError { status }) = fault {
            return Err(Problem::server_error(status));
        }
        Ok(HttpResponse::Ok().json(sim.read(|world| list::page(world, &account.account_sid, &params))?))
    })
}

/// A message of the account that asks.
fn own(sim: &Sim, account: &Account, sid: &str, path: &str) -> Result<Message, Problem> {
    let message = sim.read(|world| world.message(sid).cloned());
    message.filter(|m| m.account_sid == account.account_sid).ok_or_else(|| Problem::not_found(path))
}

async fn fetch(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        let message = own(&sim, account, &path.1, request.path())?;
        Ok(HttpResponse::Ok().json(resource::message(&message)))
    })
}

/// `Status=canceled` calls a scheduled message back; an empty `Body` removes the words of a finished one.
async fn update(
    sim: Shared,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let params = Params::parse(&body);
    answer(&sim, &request, &path.0, |account| {
        let mut message = own(&sim, account, &path.1, request.path())?;
        match (params.get("Status"), params.has("Body"), params.get("Body")) {
            (Some("canceled"), false, _) if message.status == MessageStatus::Scheduled => {
                message.status = MessageStatus::Canceled;
            }
            (Some("canceled"), false, _) => {
                return Err(Problem::invalid(30409, "The message cannot be canceled"));
            }
            (None, true, None) if message.status.is_final() => message.body.clear(),
            (None, true, None) => return Err(Problem::invalid(20009, "Message is not in a final state")),
            _ => return Err(Problem::invalid(20001, "Status must be 'canceled', or Body must be empty")),
        }
        message.updated = sim.now();
        sim.record(vec![Record::Message { message: Box::new(message.clone()) }]);
        Ok(HttpResponse::Ok().json(resource::message(&message)))
    })
}

async fn delete(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        let message = own(&sim, account, &path.1, request.path())?;
        if !message.status.is_final() {
            return Err(Problem::invalid(20009, "Message is not in a final state"));
        }
        sim.record(vec![Record::Deleted { sid: message.sid }]);
        Ok(HttpResponse::NoContent().finish())
    })
}

async fn media_list(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        let message = own(&sim, account, &path.1, request.path())?;
        let entries = message.media.iter().map(|media| {
            json!({
                "sid": media.sid,
                "account_sid": message.account_sid,
                "parent_sid": message.sid,
                "content_type": media.content_type,
                "date_created": resource::date(message.created),
                "date_updated": resource::date(message.created),
                "uri": format!("{}/{}.json", request.path().trim_end_matches(".json"), media.sid),
            })
        });
        let entries: Vec<_> = entries.collect();
        Ok(HttpResponse::Ok().json(json!({
            "media_list": entries, "page": 0, "page_size": 50, "start": 0,
            "uri": request.path(), "first_page_uri": request.path(),
            "next_page_uri": null, "previous_page_uri": null,
        })))
    })
}

async fn media(sim: Shared, request: HttpRequest, path: Path<(String, String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        let message = own(&sim, account, &path.1, request.path())?;
        let media = message.media.iter().find(|media| media.sid == path.2);
        let target = match media.map(|media| &media.content) {
            Some(MediaContent::Base64(_)) => format!("/_media/{}", path.2),
            Some(MediaContent::Url(url)) => url.clone(),
            None => return Err(Problem::not_found(request.path())),
        };
        Ok(HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, target)).finish())
    })
}

/// The storage that media requests are redirected to. Like the real one it refuses the API's credentials.
async fn stored_media(sim: Shared, request: HttpRequest, sid: Path<String>) -> HttpResponse {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return HttpResponse::BadRequest().body("Only one auth mechanism allowed");
    }
    let media = sim.read(|world| {
        world.messages().rev().flat_map(|message| &message.media).find(|media| media.sid == *sid).cloned()
    });
    match media {
        Some(Media { content: MediaContent::Base64(bytes), content_type, .. }) => HttpResponse::Ok()
            .content_type(content_type)
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox"))
            .body(STANDARD.decode(bytes).unwrap_or_default()),
        Some(_) | None => HttpResponse::NotFound().finish(),
    }
}
