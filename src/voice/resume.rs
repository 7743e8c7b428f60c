//! Calls that lost their stream or their document go on where their sessions stand.
//!
//! A call with an agent follows the redirect behind its stream. A call that is held in documents has nothing behind the one
//! that was spoken when its server died: the carrier asks some times at once, and then at the address that it was given for
//! this. That may be ours, where another process of ours answers, or a document that the carrier keeps itself, which waits
//! and leads here ([`lifeline`]).

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;
use usher_channels::twilio::Form;
use usher_channels::twilio::voice::twiml::{TwimlError, Verb, document};
use usher_channels::twilio::voice::webhook::{Direction, GatherResult, VoiceRequest};
use usher_channels::widget::ProblemBody;
use usher_conversation::id::OrgId;
use usher_conversation::voice::{CallDirection, CallEnd};

use super::door::{self, TurnedAway};
use super::routes::{Known, Named, RESTART_SECONDS, arrived, connect, moved, told, turned_away, wait};
use super::spoken::{self, Tongue};
use super::{Call, CallStatus, RESUME_PATH, VoiceSettings, machine};
use crate::app::App;
use crate::inbound::routes::{malformed, only, refused, verified};
use crate::inbound::{Line, SENT_AGAIN, address};
use crate::web::{Fault, edge};

/// The document that the carrier may keep for us: it needs nobody of ours to be there. It waits until another process can
/// have started, and leads here; while nobody answers it is asked for again.
///
/// # Errors
/// When the public address cannot stand in a document.
pub fn lifeline(public: &Url) -> Result<String, TwimlError> {
    let here = format!("{}{SENT_AGAIN}", address(public, RESUME_PATH));
    document(&[Verb::pause(RESTART_SECONDS), Verb::Redirect(&here)])
}

/// The stream of a call is over and the call is not.
pub(super) async fn redirect(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, named } = Known::of(&app, &request, &form, "/redirect", "CallSid").await?;
    let settings = app.voice.settings_of(&line.org).await?;
    Ok(told(go_on(&app, &line.org, &call, &settings, named.n).await?))
}

/// A document of a call could not be had: the call goes on from its session. What the caller said to the document is taken
/// when the carrier sends it along.
#[utoipa::path(
    post, path = "/api/webhooks/twilio/voice/resume", tag = "webhooks",
    params(("X-Twilio-Signature" = String, Header, description = "Over the configured public address")),
    request_body(content_type = "application/x-www-form-urlencoded", description = "Twilio's parameters"),
    responses(
        (status = 200, content_type = "text/xml", description = "What to do with the call"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "invalid-signature"),
        (status = 503, body = ProblemBody, description = "Nothing was recorded; ask again"),
    )
)]
pub async fn resume(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let asked = VoiceRequest::parse(&form).map_err(malformed)?;
    let inbound = asked.direction == Direction::Inbound;
    let ours = if inbound { "To" } else { "From" };
    let number = only(&form, ours).ok_or_else(|| refused("no number"))?;
    let url = app.voice.urls.signed("/resume", request.query_string());
    let line = verified(&app, &request, &form, number, &url).await?;
    let lost = asked.fallback.and_then(|cause| Lost::of(cause.error_url));
    let Some(call) = known(&app, &line, &asked, lost.as_ref()).await? else {
        if !inbound {
            return Err(refused("unknown call"));
        }
        // The first request for it was the one that failed.
        return Ok(told(arrived(&app, &request, &line, number, &asked).await?));
    };
    edge::concerns(&request, &line.org, &call.session);
    metrics::counter!("usher_voice_documents_lost_total").increment(1);
    let settings = app.voice.settings_of(&line.org).await?;
    if let Some(Lost { answer: true, named }) = lost
        && call.outcome.is_none()
    {
        let heard = GatherResult::parse(&form).map_err(malformed)?;
        let next = spoken::go_on(&app, &line.org, &call, &settings.profile, named.n, &heard).await?;
        return Ok(told(next));
    }
    // One that had no document yet is greeted, one that had is not greeted again.
    let tries = if call.status == CallStatus::InProgress { call.attachments.max(1) } else { 0 };
    moved(&app, &line.org, &call, CallStatus::InProgress).await?;
    Ok(told(go_on(&app, &line.org, &call, &settings, tries).await?))
}

/// The document that was lost.
struct Lost {
    named: Named,
    /// Whether it was to follow what the caller said.
    answer: bool,
}

impl Lost {
    fn of(url: &str) -> Option<Self> {
        let (path, query) = url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        Some(Self { named: Named::in_query(query)?, answer: path.ends_with("/gather") })
    }
}

/// The call that is asked about; one of ours may be known by the address of its document only.
async fn known(
    app: &App,
    line: &Line,
    asked: &VoiceRequest<'_>,
    lost: Option<&Lost>,
) -> Result<Option<Call>, Fault> {
    if let Some(call) = app.store.call_of_vendor(&line.org, asked.call_sid).await? {
        return Ok(Some(call));
    }
    let Some(lost) = lost else { return Ok(None) };
    if !app.store.call_placed(&line.org, &lost.named.call, asked.call_sid).await? {
        return Ok(None);
    }
    Ok(app.store.call(&line.org, &lost.named.call).await?)
}

/// What a call does next that has no stream and no document: it is attached again, goes on by rules, or hears goodbye.
async fn go_on(
    app: &Arc<App>,
    org: &OrgId,
    call: &Call,
    settings: &VoiceSettings,
    tries: u32,
) -> Result<String, Fault> {
    if let Some(message) = machine::message(app, org, call, &settings.profile).await? {
        return Ok(message);
    }
    if call.outcome.as_deref() == Some(CallEnd::LinesBusy.as_str()) {
        let tongue = Tongue::of(app, org, call).await?;
        return door::apology(app, call, TurnedAway::LinesBusy, &tongue, &settings.profile);
    }
    if call.outcome.is_some() || call.status.is_end() {
        return document(&[Verb::Hangup]).map_err(Fault::internal);
    }
    if !app.voice.switchboard.is_open() {
        // A caller nobody has spoken to waits once, for another process to answer; not for this one's last call.
        if call.direction == CallDirection::Inbound && call.status == CallStatus::Ringing {
            return turned_away(app, org, call, TurnedAway::LinesBusy, settings).await;
        }
        return wait(app, call, tries);
    }
    connect(app, org, call, settings, tries).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_the_carrier_keeps_waits_and_leads_back() {
        let public = Url::parse("https://usher.example/").expect("an address");
        let kept = lifeline(&public).expect("a document");
        assert!(kept.contains("<Pause length=\"2\""), "{kept}");
        assert!(
            kept.contains("https://usher.example/api/webhooks/twilio/voice/resume#rc=5&amp;rp=all"),
            "{kept}"
        );
    }

    #[test]
    fn an_answer_is_known_by_the_address_it_was_meant_for() {
        let call = "call_00000000000000000000000001";
        let at = |what: &str| Lost::of(&format!("https://u.example/api/webhooks/twilio/voice{what}"));
        let answer =
            at(&format!("/gather?call={call}&n=7#rc=5&rp=all")).map(|lost| (lost.answer, lost.named.n));
        let stream = at(&format!("/redirect?call={call}&n=1")).map(|lost| (lost.answer, lost.named.n));
        assert_eq!((answer, stream), (Some((true, 7)), Some((false, 1))));
        assert!(at("").is_none() && at("/gather?call=nobody").is_none());
    }
}
