//! What Twilio asks about calls, and what it is answered.
//!
//! As with text messages nothing is believed before the signature holds. Every address we hand out names its call, whose
//! number then says which account must have signed.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use usher_actors::voice::ports::Outcome;
use usher_actors::voice::summary;
use usher_channels::twilio::Form;
use usher_channels::twilio::voice::calls::{CallChange, Instructions};
use usher_channels::twilio::voice::twiml::{CONTENT_TYPE, Connect, Verb, document};
use usher_channels::twilio::voice::webhook::{
    AmdCallback, AnsweredBy, CallStatus as Reported, CallStatusCallback, DialResult, DialStatus,
    GatherResult, RecordingCallback, VoiceRequest,
};
use usher_channels::widget::ProblemBody;
use usher_conversation::catalogue::Sentence;
use usher_conversation::id::{CallId, OrgId};
use usher_conversation::session::Command;
use usher_conversation::voice::{CallDirection, CallEnd, CallNews};

use super::log::AGENT_UNAVAILABLE;
use super::{Call, CallStatus, NewCall, Provider, Recording, STREAM_PATH, StatusReport, VOICE_PATH, Voice};
use super::{VoiceSettings, api, browser, peers, settings, spoken, stream};
use crate::app::App;
use crate::inbound::Line;
use crate::inbound::routes::{malformed, only, refused, verified};
use crate::web::route::at;
use crate::web::{Fault, edge};

/// A call whose stream is lost so often has something wrong with it: it goes on by rules.
const MOST_STREAMS: u32 = 8;

/// Seconds a process gets to start in before the carrier asks it to take over the call of one that died.
const RESTART_SECONDS: u32 = 2;

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(at(VOICE_PATH).post(incoming))
        .service(at("/api/webhooks/twilio/voice/status").post(status))
        .service(at("/api/webhooks/twilio/voice/amd").post(amd))
        .service(at("/api/webhooks/twilio/voice/recording").post(recording))
        .service(at("/api/webhooks/twilio/voice/gather").post(gather))
        .service(at("/api/webhooks/twilio/voice/redirect").post(redirect))
        .service(at("/api/webhooks/twilio/voice/transfer").post(transfer))
        .service(at("/api/webhooks/twilio/voice/whisper").post(whisper))
        .service(at(STREAM_PATH).get(stream::open))
        .service(at("/ws/widget/voice").get(browser::open))
        .service(at("/api/voice/calls").get_post(api::list, api::place))
        .service(at("/api/voice/calls/{call}").get(api::show))
        .service(at("/api/voice/settings/{org}").get_put(settings::routes::show, settings::routes::change))
        .configure(peers::configure);
}

/// Query of the addresses we hand out.
#[derive(Deserialize)]
struct Named {
    call: CallId,
    /// Which turn of a conversation by rules.
    #[serde(default)]
    n: u32,
}

impl Named {
    fn of(request: &HttpRequest) -> Option<Self> {
        web::Query::<Self>::from_query(request.query_string()).ok().map(web::Query::into_inner)
    }
}

/// A call and the line it is on, when the request is signed by the owner of that line.
struct Known {
    line: Arc<Line>,
    call: Call,
    named: Named,
}

impl Known {
    /// The call that the request's address names. `leg` is the parameter that holds the carrier's id of it.
    async fn of(
        app: &App,
        request: &HttpRequest,
        form: &Form<'_>,
        what: &str,
        leg: &str,
    ) -> Result<Self, Fault> {
        let unknown = || refused("unknown call");
        let named = Named::of(request).ok_or_else(unknown)?;
        app.edge.check_unproved(request)?;
        let org = app.store.org_of_call(&named.call).await?.ok_or_else(unknown)?;
        let call = app.store.call(&org, &named.call).await?.ok_or_else(unknown)?;
        let url = app.voice.urls.signed(what, request.query_string());
        let number = call.line.as_deref().ok_or_else(unknown)?;
        let line = verified(app, request, form, number, &url).await?;
        let sid = only(form, leg).ok_or_else(unknown)?;
        // The first request about a call we placed may overtake the answer that told us its id.
        if line.org != org || !app.store.call_placed(&org, &call.id, sid).await? {
            return Err(unknown());
        }
        edge::concerns(request, &org, &call.session);
        let call = Call { vendor_call: Some(sid.to_owned()), ..call };
        Ok(Self { line, call, named })
    }
}

/// A telephone call: somebody calls one of our numbers, or a call of ours was answered.
#[utoipa::path(
    post, path = "/api/webhooks/twilio/voice", tag = "webhooks",
    params(("X-Twilio-Signature" = String, Header, description = "Over the configured public address")),
    request_body(content_type = "application/x-www-form-urlencoded", description = "Twilio's parameters"),
    responses(
        (status = 200, content_type = "text/xml", description = "What to do with the call"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "invalid-signature"),
        (status = 503, body = ProblemBody, description = "Nothing was recorded; ask again"),
    )
)]
pub async fn incoming(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    if Named::of(&request).is_some() {
        let Known { line, call, .. } = Known::of(&app, &request, &form, "", "CallSid").await?;
        moved(&app, &line.org, &call, CallStatus::InProgress).await?;
        let settings = app.voice.settings_of(&line.org).await?;
        return Ok(told(connect(&app, &line.org, &call, &settings, 0).await?));
    }
    let number = only(&form, "To").ok_or_else(|| refused("no number"))?;
    let url = app.voice.urls.signed("", request.query_string());
    let line = verified(&app, &request, &form, number, &url).await?;
    let asked = VoiceRequest::parse(&form).map_err(malformed)?;
    let settings = app.voice.settings_of(&line.org).await?;
    let call = received(&app, &line, number, &asked, settings.provider).await?;
    edge::concerns(&request, &line.org, &call.session);
    if let Some(words) = turned_away(&app, &line.org, &call, &settings).await? {
        return Ok(told(spoken::farewell(&app, &line.org, words).await?));
    }
    moved(&app, &line.org, &call, CallStatus::InProgress).await?;
    Ok(told(connect(&app, &line.org, &call, &settings, 0).await?))
}

/// The record of a call that came in; made when the carrier tells of it for the first time.
async fn received(
    app: &App,
    line: &Line,
    number: &str,
    asked: &VoiceRequest<'_>,
    provider: Provider,
) -> Result<Call, Fault> {
    if let Some(known) = app.store.call_of_vendor(&line.org, asked.call_sid).await? {
        return Ok(known);
    }
    let phone = asked.caller();
    let session = match phone {
        Some(phone) => app.inbound.directory.session(&app.store, line, phone).await?,
        None => app.store.session_of_stranger(&line.org).await?,
    };
    let new = NewCall {
        session,
        direction: CallDirection::Inbound,
        provider,
        phone: phone.map(str::to_owned),
        line: Some(number.to_owned()),
        vendor_call: Some(asked.call_sid.to_owned()),
        status: CallStatus::Ringing,
        due: None,
    };
    Ok(app.store.open_call(&line.org, new).await?)
}

/// What a caller hears who is not put through: outside of the hours, or when all lines are taken.
async fn turned_away(
    app: &App,
    org: &OrgId,
    call: &Call,
    settings: &VoiceSettings,
) -> Result<Option<Sentence>, Fault> {
    if !settings.profile.is_open(app.clock.now()) {
        end(app, org, call, CallEnd::Finished).await?;
        return Ok(Some(Sentence::CallClosed));
    }
    // The line is taken when the stream comes; this only spares the caller the silence until then.
    if call.attachments == 0 && app.voice.line(&Voice::call_ref(org, call), &settings.profile).is_err() {
        end(app, org, call, CallEnd::Failed).await?;
        return Ok(Some(Sentence::CallLinesBusy));
    }
    Ok(None)
}

/// Puts a call through to whoever speaks for the organisation. `tries` counts its streams so far: also those that were
/// refused, so that a call whose stream cannot be had does not go round for ever.
async fn connect(
    app: &App,
    org: &OrgId,
    call: &Call,
    settings: &VoiceSettings,
    tries: u32,
) -> Result<String, Fault> {
    let refused_before = call.handover.as_deref() == Some(AGENT_UNAVAILABLE);
    if !settings.provider.is_dialled() || refused_before || tries >= MOST_STREAMS {
        return spoken::begin(app, org, call, &settings.profile, refused_before).await;
    }
    let token = app.store.issue_stream_token(org, &call.id).await?;
    let parameters = [("call", call.id.as_str()), ("token", secrecy::ExposeSecret::expose_secret(&token))];
    let connect = Connect { url: &app.voice.urls.stream, parameters: &parameters, ..Connect::default() };
    let again = app.voice.urls.again(call, tries + 1);
    // A stream ends without our doing when its node dies. The carrier asks for the next document once, so that must not
    // happen before another process can answer.
    document(&[Verb::Connect(connect), Verb::pause(RESTART_SECONDS), Verb::Redirect(&again)])
        .map_err(Fault::internal)
}

/// The stream of a call is over and the call is not: attach it again, go on by rules, or say goodbye.
async fn redirect(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, named } = Known::of(&app, &request, &form, "/redirect", "CallSid").await?;
    if call.outcome.is_some() || call.status.is_end() {
        return Ok(told(document(&[Verb::Hangup]).map_err(Fault::internal)?));
    }
    if !app.voice.switchboard.is_open() {
        let again = app.voice.urls.again(&call, named.n);
        let wait = document(&[Verb::pause(RESTART_SECONDS), Verb::Redirect(&again)]);
        return Ok(told(wait.map_err(Fault::internal)?));
    }
    let settings = app.voice.settings_of(&line.org).await?;
    Ok(told(connect(&app, &line.org, &call, &settings, named.n).await?))
}

/// What the caller said or pressed in a conversation by rules.
async fn gather(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, named } = Known::of(&app, &request, &form, "/gather", "CallSid").await?;
    let heard = GatherResult::parse(&form).map_err(malformed)?;
    let settings = app.voice.settings_of(&line.org).await?;
    Ok(told(spoken::go_on(&app, &line.org, &call, &settings.profile, named.n, &heard).await?))
}

/// How a transfer went: over when the two talked, back to the agent when nobody answered.
async fn transfer(
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
        return Ok(told(document(&[Verb::Hangup]).map_err(Fault::internal)?));
    }
    metrics::counter!("usher_voice_transfers_failed_total").increment(1);
    let words = spoken::words(&app, &line.org, Sentence::CallNobodyFree).await?;
    let back = app.voice.urls.again(&call, call.attachments);
    Ok(told(document(&[Verb::say(&words), Verb::Redirect(&back)]).map_err(Fault::internal)?))
}

/// What a person hears before a call is put through to them.
async fn whisper(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/whisper", "ParentCallSid").await?;
    let current = app.runtime.read(&line.org, &call.session).await?;
    let words = summary(&current.meta, &current.state);
    Ok(told(document(&[Verb::say(&words)]).map_err(Fault::internal)?))
}

/// A call moved on.
#[utoipa::path(
    post, path = "/api/webhooks/twilio/voice/status", tag = "webhooks",
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
    let (org, call) = if Named::of(&request).is_some() {
        let known = Known::of(&app, &request, &form, "/status", "CallSid").await?;
        (known.line.org.clone(), Some(known.call))
    } else {
        // The number's own callback: only calls to it come here.
        let number = only(&form, "To").ok_or_else(|| refused("no number"))?;
        let url = app.voice.urls.signed("/status", request.query_string());
        let line = verified(&app, &request, &form, number, &url).await?;
        let sid = only(&form, "CallSid").unwrap_or_default();
        (line.org.clone(), app.store.call_of_vendor(&line.org, sid).await?)
    };
    let report = CallStatusCallback::parse(&form).map_err(malformed)?;
    if let Some(call) = call {
        edge::concerns(&request, &org, &call.session);
        take_report(&app, &org, call, &report).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn take_report(
    app: &Arc<App>,
    org: &OrgId,
    call: Call,
    told: &CallStatusCallback<'_>,
) -> Result<(), Fault> {
    let status = status_of(told.status);
    let Some(handle) = app.voice.switchboard.find(&call.id).filter(|_| status.is_end()) else {
        return concluded(app, org, &call, status, told.seconds).await;
    };
    let report = StatusReport { status, seconds: told.seconds, answered_by: None };
    app.store.report_call(org, &call.id, report).await?;
    // A live call ends by itself: its line says so first, and it knows how. One that is just being handed over expects a
    // redirect, which does not come any more.
    let (app, org) = (Arc::clone(app), org.clone());
    actix_web::rt::spawn(async move {
        if let (Outcome::HandedOver(_), Some(how)) = (handle.finished().await, status.end())
            && let Err(error) = end(&app, &org, &call, how).await
        {
            tracing::warn!(call = %call.id, %error, "a call that was let go could not be ended");
        }
    });
    Ok(())
}

/// Where a call stands, in our words.
pub(super) const fn status_of(reported: Reported) -> CallStatus {
    match reported {
        Reported::Queued | Reported::Initiated => CallStatus::Queued,
        Reported::Ringing => CallStatus::Ringing,
        Reported::InProgress => CallStatus::InProgress,
        Reported::Completed => CallStatus::Completed,
        Reported::Busy => CallStatus::Busy,
        Reported::Failed => CallStatus::Failed,
        Reported::NoAnswer => CallStatus::NoAnswer,
        Reported::Canceled => CallStatus::Canceled,
    }
}

/// Takes the carrier's word on a call that is not held here: when it is over, so it is for us.
pub(super) async fn concluded(
    app: &App,
    org: &OrgId,
    call: &Call,
    status: CallStatus,
    seconds: Option<u32>,
) -> Result<(), Fault> {
    let report = StatusReport { status, seconds, answered_by: None };
    let news = app.store.report_call(org, &call.id, report).await?;
    let Some(ended) = status.end().filter(|_| news) else { return Ok(()) };
    end(app, org, call, ended).await?;
    if matches!(status, CallStatus::Busy | CallStatus::NoAnswer) {
        app.caller.try_again(org, call).await?;
    }
    Ok(())
}

/// Who answered a call of ours.
async fn amd(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/amd", "CallSid").await?;
    let verdict = AmdCallback::parse(&form).map_err(malformed)?;
    app.store.call_answered_by(&line.org, &call.id, name_of(verdict.answered_by)).await?;
    let handle = app.voice.switchboard.find(&call.id);
    if !verdict.answered_by.is_machine() {
        if let Some(handle) = handle {
            handle.answered();
        }
        return Ok(HttpResponse::NoContent().finish());
    }
    if let Some(handle) = handle {
        handle.leave(Outcome::Ended(CallEnd::Voicemail));
    }
    let settings = app.voice.settings_of(&line.org).await?;
    let message = spoken::voicemail(&app, &line.org, settings.profile.voicemail.as_deref()).await?;
    let change = if verdict.answered_by.records() {
        CallChange::Redirect(Instructions::Twiml(&message))
    } else {
        CallChange::HangUp
    };
    let sid = call.vendor_call.as_deref().unwrap_or_default();
    if let Err(error) = app.twilio.change_call(&line.credentials, sid, change).await {
        tracing::warn!(call = %call.id, %error, "an answering machine keeps its call");
    }
    end(&app, &line.org, &call, CallEnd::Voicemail).await?;
    app.caller.try_again(&line.org, &call).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The stored name of a verdict.
const fn name_of(verdict: AnsweredBy) -> &'static str {
    match verdict {
        AnsweredBy::Human => "human",
        AnsweredBy::MachineStart => "machine_start",
        AnsweredBy::MachineEndBeep => "machine_end_beep",
        AnsweredBy::MachineEndSilence => "machine_end_silence",
        AnsweredBy::MachineEndOther => "machine_end_other",
        AnsweredBy::Fax => "fax",
        AnsweredBy::Unknown => "unknown",
    }
}

/// The carrier's recording of a call.
async fn recording(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/recording", "CallSid").await?;
    let told = RecordingCallback::parse(&form).map_err(malformed)?;
    if let Some(url) = told.url {
        let recording = Recording { id: told.recording_sid.to_owned(), url: url.to_owned() };
        app.store.call_recorded(&line.org, &call.id, recording).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// A call that is over for us; its session is told once.
pub(super) async fn end(app: &App, org: &OrgId, call: &Call, how: CallEnd) -> Result<(), Fault> {
    if !app.store.end_call(org, &call.id, how).await? {
        return Ok(());
    }
    let now = app.clock.now();
    let lasted = call.answered_at.map_or(0, |answered| now.millis_since(answered) / 1_000);
    let news = CallNews::Ended { end: how, seconds: u32::try_from(lasted).unwrap_or(0) };
    tell(app, org, call, "over", news).await
}

/// Tells the session of a call something that happened on it, once under this name.
pub(super) async fn tell(
    app: &App,
    org: &OrgId,
    call: &Call,
    what: &str,
    news: CallNews,
) -> Result<(), Fault> {
    let dedup = Some(format!("call:{}:{what}", call.id));
    let command = Command::Call { call: call.id.clone(), news };
    app.runtime.handle(org, &call.session, dedup, command).await?;
    Ok(())
}

async fn moved(app: &App, org: &OrgId, call: &Call, status: CallStatus) -> Result<(), Fault> {
    let report = StatusReport { status, seconds: None, answered_by: None };
    app.store.report_call(org, &call.id, report).await?;
    Ok(())
}

fn told(document: String) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(document)
}
