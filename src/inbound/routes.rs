//! Twilio's webhooks.
//!
//! The order matters: read the form (pure), find the number's account (a look-up, cached), check the signature. Only
//! then is anything believed, fetched or stored.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use usher_channels::twilio::{
    Form, InboundMessage, Payload, SignatureHeaders, SignedUrl, StatusCallback, codec::is_e164,
};
use usher_channels::widget::ProblemBody;
use usher_conversation::channel::Channel;
use usher_conversation::id::DeliveryId;
use usher_conversation::problem::Problem;
use usher_conversation::session::{Command, Inbound, Origin};

use super::directory::Line;
use super::{SMS_PATH, STATUS_PATH, media};
use crate::app::App;
use crate::web::route::at;
use crate::web::{Fault, edge};

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
        (status = 503, body = ProblemBody, description = "Nothing was recorded; send it again"),
    )
)]
pub async fn sms(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let line = trusted(&app, &request, &form, "To", &app.inbound.sms_url).await?;
    let message = InboundMessage::parse(&form).map_err(malformed)?;
    let Some(from) = message.from.phone() else {
        // Short codes and other channels cannot be answered; refusing them would only make the vendor complain.
        tracing::info!("a message from a sender that is no telephone number was set aside");
        return Ok(no_reply());
    };
    let session = app.inbound.directory.session(&app.store, &line, from).await?;
    edge::concerns(&request, &line.org, &session);
    let media = media::keep(&app, &line, &session, &message.media).await?;
    let inbound = Inbound {
        origin: Origin { channel: Channel::Sms, address: from.to_owned() },
        text: message.body.to_owned(),
        media,
        vendor_keyword: message.opt_out,
    };
    let dedup = format!("twilio:{}", message.message_sid);
    app.runtime.handle(&line.org, &session, Some(dedup), Command::Receive(inbound)).await?;
    Ok(no_reply())
}

/// Query of our own status callback addresses.
#[derive(Deserialize)]
struct StatusQuery {
    delivery: Option<DeliveryId>,
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
        (status = 503, body = ProblemBody, description = "Nothing was recorded; send it again"),
    )
)]
pub async fn status(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let line = trusted(&app, &request, &form, "From", &app.inbound.status_url).await?;
    let callback = StatusCallback::parse(&form).map_err(malformed)?;
    let named = web::Query::<StatusQuery>::from_query(request.query_string())
        .ok()
        .and_then(|q| q.into_inner().delivery);
    let Some((delivery, session)) =
        app.store.delivery(&line.org, named.as_ref(), callback.message_sid).await?
    else {
        // Messages of the same number that somebody else sends.
        return Ok(HttpResponse::NoContent().finish());
    };
    edge::concerns(&request, &line.org, &session);
    if let Some(status) = callback.status.delivery() {
        let report = Command::Report { delivery, status, error_code: callback.error_code };
        app.runtime.handle(&line.org, &session, None, report).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// The account of our number in the parameter `ours`, when the request carries its signature.
async fn trusted(
    app: &App,
    request: &HttpRequest,
    form: &Form<'_>,
    ours: &str,
    url: &SignedUrl,
) -> Result<Arc<Line>, Fault> {
    let number = only(form, ours).ok_or_else(|| refused("no number"))?;
    match request.query_string() {
        "" => verified(app, request.headers(), form, number, url).await,
        query => verified(app, request.headers(), form, number, &url.with_query(query)).await,
    }
}

/// The account of `number`, when it is ours and a form that was posted to `url` carries that account's signature. An
/// unknown number and a wrong signature look the same from outside.
///
/// # Errors
/// [`Problem::InvalidSignature`], or a failed store.
pub(crate) async fn verified(
    app: &App,
    headers: &HeaderMap,
    form: &Form<'_>,
    number: &str,
    url: &SignedUrl,
) -> Result<Arc<Line>, Fault> {
    let number = Some(number).filter(|number| is_e164(number)).ok_or_else(|| refused("no number"))?;
    let line =
        app.inbound.directory.line(&app.store, number).await?.ok_or_else(|| refused("unknown number"))?;
    let verified = line.key.verify(url, Payload::Form(form), signature_headers(headers));
    verified.map_err(|error| refused(&error.to_string()))?;
    if only(form, "AccountSid") != Some(line.credentials.account_sid.as_str()) {
        return Err(refused("another account"));
    }
    Ok(line)
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
    metrics::counter!("usher_webhooks_refused_total").increment(1);
    tracing::warn!(why, "a webhook was refused");
    Fault::new(Problem::InvalidSignature, "The request is not signed by the owner of this number.")
}

/// Refuses a form that cannot be read.
pub(crate) fn malformed(error: impl std::fmt::Display) -> Fault {
    Fault::new(Problem::MalformedRequest, error.to_string())
}

fn no_reply() -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml").body(NO_REPLY)
}
