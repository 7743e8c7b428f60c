//! Giving a call to a person: they hear who calls and take the call with a key, or it comes back to us.
//!
//! A telephone that is answered is not a person yet: voicemail picks up too. Whoever takes a warm transfer says so with
//! `1`; without it the leg is hung up and the caller comes back. In an emergency nobody waits for that.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use usher_actors::voice::ports::TransferPlan;
use usher_channels::twilio::Form;
use usher_channels::twilio::voice::twiml::{
    Dial, Gather, Input, Number, Prompt, Say, TwimlError, Verb, document,
};
use usher_channels::twilio::voice::webhook::{
    CallStatus as Reported, CallStatusCallback, DialResult, DialStatus, GatherResult,
};
use usher_conversation::id::OrgId;
use usher_conversation::voice::{CallEnd, CallNews, whisper};

use super::routes::{Known, end, tell, told};
use super::spoken::voice_language;
use super::{Call, Urls};
use crate::app::App;
use crate::inbound::routes::malformed;
use crate::web::Fault;

/// Takes the call.
const ACCEPT: &str = "1";
/// Seconds to press it in, after the words.
const PATIENCE: u32 = 8;

/// The document that puts a call through, after `first` words.
pub(super) fn put_through(
    urls: &Urls,
    call: &Call,
    plan: &TransferPlan,
    first: Option<Prompt<'_>>,
) -> Result<String, TwimlError> {
    let (action, heard, leg) = (urls.of("/transfer", call), urls.of("/whisper", call), urls.of("/leg", call));
    let number = Number {
        number: &plan.to,
        url: plan.warm.then_some(heard.as_str()),
        // Who takes a warm transfer says so; of a cold one only its leg tells that it was answered.
        status_callback: (!plan.warm).then_some(leg.as_str()),
    };
    let dial = Dial {
        action: Some(&action),
        timeout_seconds: Some(plan.ring_seconds),
        caller_id: call.line.as_deref(),
        answer_on_bridge: true,
        numbers: &[number],
        ..Dial::default()
    };
    let verbs: Vec<_> = first.map(Verb::Prompt).into_iter().chain([Verb::Dial(dial)]).collect();
    document(&verbs)
}

/// What a person hears before a call is put through to them.
pub(super) async fn whispered(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/whisper", "ParentCallSid").await?;
    Ok(told(summary(&app, &line.org, &call).await?))
}

async fn summary(app: &App, org: &OrgId, call: &Call) -> Result<String, Fault> {
    let staff = app.store.organisation(org).await?;
    let staff = staff.ok_or_else(|| Fault::internal("a call's organisation is missing"))?;
    let current = app.runtime.read(org, &call.session).await?;
    let words = whisper(&current.meta, &current.state, &staff.locale);
    let language = Some(voice_language(&staff.locale));
    let action = app.voice.urls.of("/accept", call);
    let prompts = [Prompt::Say(Say { text: &words, voice: None, language })];
    let gather = Gather {
        input: Input::Keys,
        action: Some(&action),
        timeout_seconds: Some(PATIENCE),
        digits: Some(1),
        prompts: &prompts,
        ..Gather::default()
    };
    document(&[Verb::Gather(gather), Verb::Hangup]).map_err(Fault::internal)
}

/// The person pressed a key: the right one connects the two, any other lets them hear it again.
pub(super) async fn accept(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/accept", "ParentCallSid").await?;
    let pressed = GatherResult::parse(&form).map_err(malformed)?;
    if pressed.digits != Some(ACCEPT) {
        return Ok(told(summary(&app, &line.org, &call).await?));
    }
    app.store.call_taken_over(&line.org, &call.id).await?;
    // When a leg's own document ends, the network connects it.
    Ok(told(document(&[]).map_err(Fault::internal)?))
}

/// The telephone of a person moved on.
pub(super) async fn leg(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/leg", "ParentCallSid").await?;
    let report = CallStatusCallback::parse(&form).map_err(malformed)?;
    if report.status == Reported::InProgress {
        app.store.call_taken_over(&line.org, &call.id).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// How a transfer went: over when the two talked, back to us when nobody took the call.
pub(super) async fn transferred(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/transfer", "CallSid").await?;
    let result = DialResult::parse(&form).map_err(malformed)?;
    let talked = matches!(result.status, DialStatus::Completed | DialStatus::Answered)
        && result.bridged != Some(false);
    if talked {
        end(&app, &line.org, &call, CallEnd::Transferred).await?;
    }
    // A caller who hung up while it rang comes back to nobody.
    if talked || result.call.status == Reported::Completed {
        return Ok(told(document(&[Verb::Hangup]).map_err(Fault::internal)?));
    }
    metrics::counter!("usher_voice_transfers_failed_total").increment(1);
    let which = result.leg.map_or_else(|| call.attachments.to_string(), str::to_owned);
    tell(&app, &line.org, &call, &format!("returned:{which}"), CallNews::Returned).await?;
    // Whoever speaks next says that nobody was free.
    let back = app.voice.urls.again(&call, 1);
    Ok(told(document(&[Verb::Redirect(&back)]).map_err(Fault::internal)?))
}
