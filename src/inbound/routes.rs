//! Twilio's webhooks.
//!
//! The order matters: read the form (pure), find the account it names (a look-up, cached), check the signature. Only
//! then is anything believed, fetched or stored.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use usher_actors::crash_point;
use usher_channels::twilio::errors::{Class, classify};
use usher_channels::twilio::{
    Address, Form, InboundMessage, MessageStatus, Payload, SignatureHeaders, SignedUrl, StatusCallback,
};
use usher_channels::widget::ProblemBody;
use usher_conversation::channel::Channel;
use usher_conversation::problem::Problem;
use usher_conversation::session::{Command, Inbound, Origin};

use super::directory::{Line, Naming};
use super::media::{self, Files};
use super::{SMS_PATH, STATUS_PATH};
use crate::app::App;
use crate::outbound::callback::Reported;
use crate::web::route::at;
use crate::web::sampled::Sampled;
use crate::web::{Fault, edge};

/// Anybody can post nonsense: it is counted always and logged so often.
const LOGGED_EVERY: Duration = Duration::from_secs(10);
/// "Thank you, nothing to say": replies go out through the REST API.
const NO_REPLY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(at(SMS_PATH).post(sms)).service(at(STATUS_PATH).post(status));
}

/// A text message came in.
#[utoipa::path(
    post, path = "/api/webhooks/twilio/sms", tag = "webhooks",
    params(("X-Twilio-Signature" = String, Header, description = "Over the configured public address")),
    request_body(content_type = "application/x-www-form-urlencoded", description = "Twilio's parameters"),
    responses(
        (status = 200, content_type = "text/xml", description = "Recorded"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "invalid-signature"),
        (status = 503, body = ProblemBody, description = "Nothing was recorded; sent again when the address asks for it"),
    )
)]
pub async fn sms(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let line = signed(&app, &request, &form, called(&form), &app.inbound.sms_url).await?;
    let message = InboundMessage::parse(&form).map_err(malformed)?;
    let Some(from) = message.from.phone() else {
        // Short codes and other channels cannot be answered; refusing them would only make the vendor complain.
        tracing::info!("a message from a sender that is no telephone number was set aside");
        return Ok(no_reply());
    };
    let session = app.inbound.directory.session(&app.store, &line, from).await?;
    edge::concerns(&request, &line.org, &session);
    let dedup = format!("twilio:{}", message.message_sid);
    let Files { media, missed } = if message.media.is_empty() || app.store.is_taken(&line.org, &dedup).await?
    {
        // The first time counts: what became of its files then is in the journal.
        Files::default()
    } else {
        media::keep(&app, &line, &session, &message.media).await?
    };
    let inbound = Inbound {
        origin: Origin { channel: Channel::Sms, address: from.to_owned(), line: line_of(&message) },
        text: message.body.to_owned(),
        media,
        missed,
        vendor_keyword: message.opt_out,
    };
    crash_point("webhook-verified");
    app.runtime.handle(&line.org, &session, Some(dedup), Command::Receive(inbound)).await?;
    Ok(no_reply())
}

/// What of ours they wrote to. A messaging service answers from the number of its pool that they know.
fn line_of(message: &InboundMessage<'_>) -> Option<String> {
    let number = match message.to {
        Address::Phone(number) | Address::Sender(number) => Some(number),
        Address::Other { .. } => None,
    };
    message.messaging_service_sid.or(number).map(str::to_owned)
}

/// A message we sent moved on.
#[utoipa::path(
    post, path = "/api/webhooks/twilio/status", tag = "webhooks",
    params(("X-Twilio-Signature" = String, Header, description = "Over the configured public address")),
    request_body(content_type = "application/x-www-form-urlencoded", description = "Twilio's parameters"),
    responses(
        (status = 204, description = "Recorded, or of no news"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "invalid-signature"),
        (status = 503, body = ProblemBody, description = "Nothing was recorded; sent again when the address asks for it"),
    )
)]
pub async fn status(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let named = web::Query::<Reported>::from_query(request.query_string()).ok().map(web::Query::into_inner);
    let line = signed(&app, &request, &form, sender(&form, named.as_ref()), &app.inbound.status_url).await?;
    let callback = StatusCallback::parse(&form).map_err(malformed)?;
    let delivery = named.and_then(|named| named.delivery(&line.names));
    let Some((delivery, session)) =
        app.store.delivery(&line.org, delivery.as_ref(), callback.message_sid).await?
    else {
        // Messages of the same number that somebody else sends.
        return Ok(HttpResponse::NoContent().finish());
    };
    edge::concerns(&request, &line.org, &session);
    if let Some(status) = callback.status.and_then(MessageStatus::delivery) {
        let retry_after = match callback.error_code.map(classify) {
            Some(Class::Retry { after_millis }) => i64::try_from(after_millis).ok(),
            Some(Class::Suppress | Class::Unreachable | Class::Misconfigured) | None => None,
        };
        let report = Command::Report { delivery, status, error_code: callback.error_code, retry_after };
        app.runtime.handle(&line.org, &session, None, report).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Whom a message that came in is for: the number, or the messaging service it is pooled in.
fn called(form: &Form<'_>) -> impl Iterator<Item = Naming> {
    let number = only(form, "To").and_then(Naming::number);
    number.into_iter().chain(service(form))
}

/// Who sent a message of ours. Our own addresses say it; the sender's number does not when a messaging service picks it.
fn sender(form: &Form<'_>, named: Option<&Reported>) -> impl Iterator<Item = Naming> {
    let account = only(form, "AccountSid").unwrap_or_default();
    let named = named.and_then(|named| Naming::account(named.org.clone(), account));
    let number = only(form, "From").and_then(Naming::number);
    named.into_iter().chain(number).chain(service(form))
}

fn service(form: &Form<'_>) -> Option<Naming> {
    Naming::service(only(form, "MessagingServiceSid")?, only(form, "AccountSid")?)
}

/// The first of the named accounts that is ours, when the request carries its signature.
async fn signed(
    app: &App,
    request: &HttpRequest,
    form: &Form<'_>,
    named: impl Iterator<Item = Naming>,
    url: &SignedUrl,
) -> Result<Arc<Line>, Fault> {
    for naming in named {
        if let Some(line) = ours(app, request, &naming).await? {
            match request.query_string() {
                "" => prove(&line, request.headers(), form, url)?,
                query => prove(&line, request.headers(), form, &url.with_query(query))?,
            }
            return Ok(line);
        }
    }
    Err(refused("no account of ours"))
}

/// The account of `number`, when it is ours and a form that was posted to `url` carries that account's signature. An
/// unknown number and a wrong signature look the same from outside.
///
/// # Errors
/// [`Problem::InvalidSignature`], [`Problem::RateLimited`], or a failed store.
pub(crate) async fn verified(
    app: &App,
    request: &HttpRequest,
    form: &Form<'_>,
    number: &str,
    url: &SignedUrl,
) -> Result<Arc<Line>, Fault> {
    let naming = Naming::number(number).ok_or_else(|| refused("no number"))?;
    let line = ours(app, request, &naming).await?.ok_or_else(|| refused("unknown number"))?;
    prove(&line, request.headers(), form, url)?;
    Ok(line)
}

/// The named account, when it is ours. An address that keeps failing to prove itself costs no look-up any more: it is
/// told only what is remembered, so that a vendor behind the same address still comes through.
async fn ours(app: &App, request: &HttpRequest, naming: &Naming) -> Result<Option<Arc<Line>>, Fault> {
    if let Some(known) = app.inbound.directory.remembered(naming) {
        return Ok(known.line());
    }
    app.edge.check_unproved(request)?;
    Ok(app.inbound.directory.line(&app.store, naming).await?)
}

fn prove(line: &Line, headers: &HeaderMap, form: &Form<'_>, url: &SignedUrl) -> Result<(), Fault> {
    let verified = line.key.verify(url, Payload::Form(form), signature_headers(headers));
    verified.map_err(|error| refused(&error.to_string()))?;
    if only(form, "AccountSid") != Some(line.credentials.account_sid.as_str()) {
        return Err(refused("another account"));
    }
    Ok(())
}

/// What a request says about its signature.
pub(crate) fn signature_headers(headers: &HeaderMap) -> SignatureHeaders<'_> {
    SignatureHeaders {
        signature: text(headers, "x-twilio-signature"),
        settings: text(headers, "x-twilio-webhooks-signature-settings"),
    }
}

/// The value of a parameter that is there once.
pub(crate) fn only<'f>(form: &'f Form<'_>, name: &str) -> Option<&'f str> {
    let mut values = form.values(name);
    values.next().filter(|_| values.next().is_none())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Refuses a request whose sender is not who they must be.
pub(crate) fn refused(why: &str) -> Fault {
    static LOGGED: Sampled = Sampled::new(LOGGED_EVERY);
    metrics::counter!("usher_webhooks_refused_total").increment(1);
    if let Some(unsaid) = LOGGED.due() {
        tracing::warn!(why, unsaid, "a webhook was refused");
    }
    Fault::new(Problem::InvalidSignature, "The request is not signed by the owner of this number.")
}

/// Refuses a form that cannot be read.
pub(crate) fn malformed(error: impl std::fmt::Display) -> Fault {
    Fault::new(Problem::MalformedRequest, error.to_string())
}

fn no_reply() -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml").body(NO_REPLY)
}
