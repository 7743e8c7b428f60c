//! What Twilio asks about calls, and what it is answered.
//!
//! As with text messages nothing is believed before the signature holds. Every address we hand out names its call, whose
//! number then says which account must have signed.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use usher_actors::voice::ports::Outcome;
use usher_channels::twilio::Form;
use usher_channels::twilio::voice::twiml::{CONTENT_TYPE, Connect, Verb, document};
use usher_channels::twilio::voice::webhook::{
    CallStatus as Reported, CallStatusCallback, GatherResult, VoiceRequest,
};
use usher_channels::widget::ProblemBody;
use usher_conversation::id::{CallId, OrgId};
use usher_conversation::session::Command;
use usher_conversation::voice::{CallDirection, CallEnd, CallNews};

use super::door::TurnedAway;
use super::log::{AGENT_UNAVAILABLE, WITH_PERSON};
use super::recording::Preamble;
use super::spoken::Tongue;
use super::{
    Call, CallStatus, NewCall, Provider, RESUME_PATH, STREAM_PATH, StatusReport, VOICE_PATH, Voice,
    VoiceSettings,
};
use super::{api, browser, door, machine, peers, recording, resume, settings, spoken, stream, transfer};
use crate::app::App;
use crate::inbound::Line;
use crate::inbound::routes::{malformed, only, refused, verified};
use crate::web::route::at;
use crate::web::{Fault, edge};

/// A call whose stream is lost so often has something wrong with it: it goes on by rules.
const MOST_STREAMS: u32 = 8;

/// Seconds a process gets to start in before the carrier asks it to take over the call of one that died.
pub(super) const RESTART_SECONDS: u32 = 2;

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(at(VOICE_PATH).post(incoming))
        .service(at("/api/webhooks/twilio/voice/status").post(status))
        .service(at("/api/webhooks/twilio/voice/amd").post(machine::verdict))
        .service(at("/api/webhooks/twilio/voice/recording").post(recording::recording))
        .service(at("/api/webhooks/twilio/voice/message").post(recording::message))
        .service(at("/api/webhooks/twilio/voice/gather").post(gather))
        .service(at("/api/webhooks/twilio/voice/department").post(department))
        .service(at("/api/webhooks/twilio/voice/told").post(news))
        .service(at("/api/webhooks/twilio/voice/redirect").post(resume::redirect))
        .service(at(RESUME_PATH).post(resume::resume))
        .service(at("/api/webhooks/twilio/voice/transfer").post(transfer::transferred))
        .service(at("/api/webhooks/twilio/voice/whisper").post(transfer::whispered))
        .service(at("/api/webhooks/twilio/voice/accept").post(transfer::accept))
        .service(at("/api/webhooks/twilio/voice/leg").post(transfer::leg))
        .service(at(STREAM_PATH).get(stream::open))
        .service(at("/ws/widget/voice").get(browser::open))
        .service(at("/api/voice/calls").get_post(api::list, api::place))
        .service(at("/api/voice/calls/{call}").get(api::show))
        .service(at("/api/voice/settings/{org}").get_put(settings::routes::show, settings::routes::change))
        .configure(peers::configure);
}

/// Query of the addresses we hand out.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) call: CallId,
    /// Where in the conversation: the session's last turn, in one by rules; otherwise how many streams there were.
    #[serde(default)]
    pub(super) n: u32,
}

impl Named {
    fn of(request: &HttpRequest) -> Option<Self> {
        Self::in_query(request.query_string())
    }

    pub(super) fn in_query(query: &str) -> Option<Self> {
        web::Query::<Self>::from_query(query).ok().map(web::Query::into_inner)
    }
}

/// A call and the line it is on, when the request is signed by the owner of that line.
pub(super) struct Known {
    pub(super) line: Arc<Line>,
    pub(super) call: Call,
    pub(super) named: Named,
}

impl Known {
    /// The call that the request's address names. `leg` is the parameter that holds the carrier's id of it.
    pub(super) async fn of(
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
        let ours = match call.vendor_call.as_deref() {
            Some(known) => known == sid,
            // The first request about a call we placed may overtake the answer that told us its id.
            None => line.org == org && app.store.call_placed(&org, &call.id, sid).await?,
        };
        if line.org != org || !ours {
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
        let answered_by = VoiceRequest::parse(&form).map_err(malformed)?.answered_by;
        if let Some(document) = machine::before(&app, &line, &call, answered_by, &settings).await? {
            return Ok(told(document));
        }
        return Ok(told(connect(&app, &line.org, &call, &settings, 0).await?));
    }
    let number = only(&form, "To").ok_or_else(|| refused("no number"))?;
    let url = app.voice.urls.signed("", request.query_string());
    let line = verified(&app, &request, &form, number, &url).await?;
    let asked = VoiceRequest::parse(&form).map_err(malformed)?;
    Ok(told(arrived(&app, &request, &line, number, &asked).await?))
}

/// What a call to one of our numbers does first.
pub(super) async fn arrived(
    app: &Arc<App>,
    request: &HttpRequest,
    line: &Line,
    number: &str,
    asked: &VoiceRequest<'_>,
) -> Result<String, Fault> {
    let settings = app.voice.settings_of(&line.org).await?;
    let call = received(app, line, number, asked, settings.provider).await?;
    edge::concerns(request, &line.org, &call.session);
    if !app.voice.switchboard.is_open() {
        return wait(app, &call, 0);
    }
    // The line is taken when the stream comes; this only spares the caller the silence until then.
    if call.attachments == 0
        && let Err(why) = door::admit(app, &line.org, &call, &settings)
    {
        return turned_away(app, &line.org, &call, why, &settings).await;
    }
    moved(app, &line.org, &call, CallStatus::InProgress).await?;
    connect(app, &line.org, &call, &settings, 0).await
}

/// Ends a call that cannot be taken; what the caller hears of it.
pub(super) async fn turned_away(
    app: &App,
    org: &OrgId,
    call: &Call,
    why: TurnedAway,
    settings: &VoiceSettings,
) -> Result<String, Fault> {
    end(app, org, call, why.end()).await?;
    let tongue = Tongue::of(app, org, call).await?;
    door::apology(app, call, why, &tongue, &settings.profile)
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

/// Puts a call through to whoever speaks for the organisation. `tries` counts its streams so far: also those that were
/// refused, so that a call whose stream cannot be had does not go round for ever.
pub(super) async fn connect(
    app: &Arc<App>,
    org: &OrgId,
    call: &Call,
    settings: &VoiceSettings,
    tries: u32,
) -> Result<String, Fault> {
    let preamble = if tries == 0 { Preamble::of(app, org, call, &settings.profile).await? } else { None };
    let mut verbs = preamble.as_ref().map(Preamble::verbs).unwrap_or_default();
    let refused_before = call.handover.as_deref() == Some(AGENT_UNAVAILABLE);
    if !settings.provider.is_dialled() || refused_before || tries >= MOST_STREAMS {
        // Who has talked is not sent away because another took the line meanwhile.
        let line = app.voice.keep_line(&Voice::call_ref(org, call), &settings.profile);
        if line.is_err() && tries == 0 {
            return turned_away(app, org, call, TurnedAway::LinesBusy, settings).await;
        }
        return spoken::begin(app, org, call, &settings.profile, (refused_before, verbs)).await;
    }
    let token = app.store.issue_stream_token(org, &call.id).await?;
    let parameters = [("call", call.id.as_str()), ("token", secrecy::ExposeSecret::expose_secret(&token))];
    let connect = Connect { url: &app.voice.urls.stream, parameters: &parameters, ..Connect::default() };
    let again = app.voice.urls.again(call, tries + 1);
    // A stream ends without our doing when its node dies. The next document is better not asked for before another process
    // can answer.
    verbs.extend([Verb::Connect(connect), Verb::pause(RESTART_SECONDS), Verb::Redirect(&again)]);
    document(&verbs).map_err(Fault::internal)
}

/// The document of a server that stops: the next one is asked for as soon as it may be there.
pub(super) fn wait(app: &App, call: &Call, tries: u32) -> Result<String, Fault> {
    let again = app.voice.urls.again(call, tries);
    document(&[Verb::pause(RESTART_SECONDS), Verb::Redirect(&again)]).map_err(Fault::internal)
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

/// What was texted while the caller was asked by rules.
async fn news(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/told", "CallSid").await?;
    let settings = app.voice.settings_of(&line.org).await?;
    Ok(told(spoken::news(&app, &line.org, &call, &settings.profile).await?))
}

/// Which department a caller wants who wants a person.
async fn department(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/department", "CallSid").await?;
    let heard = GatherResult::parse(&form).map_err(malformed)?;
    let settings = app.voice.settings_of(&line.org).await?;
    Ok(told(spoken::department(&app, &line.org, &call, &settings.profile, &heard).await?))
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
            && let Err(error) = over(&app, &org, &call, how).await
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
    if status.is_end() {
        app.voice.release_line(&call.id);
    }
    let report = StatusReport { status, seconds, answered_by: None };
    let news = app.store.report_call(org, &call.id, report).await?;
    let Some(ended) = status.end().filter(|_| news) else { return Ok(()) };
    settle(app, org, call, ended).await
}

/// A call that nobody on this node holds is over: its session is told, and a contact who did not answer is called again
/// by the organisation's rule.
pub(super) async fn settle(app: &App, org: &OrgId, call: &Call, ended: CallEnd) -> Result<(), Fault> {
    over(app, org, call, ended).await?;
    if ended.is_unreached() && call.answered_at.is_none() {
        app.caller.try_again(org, call).await?;
    }
    Ok(())
}

/// A call that nobody on this node holds is over at the carrier: the caller hung up on a person, or on nobody.
async fn over(app: &App, org: &OrgId, call: &Call, ended: CallEnd) -> Result<(), Fault> {
    let now = app.store.call(org, &call.id).await?;
    let taken = now.is_some_and(|now| now.handover.as_deref() == Some(WITH_PERSON));
    end(app, org, call, if taken { CallEnd::Transferred } else { ended }).await.map(drop)
}

/// A call that is over for us; its session is told once. `false` when that is known already.
pub(super) async fn end(app: &App, org: &OrgId, call: &Call, how: CallEnd) -> Result<bool, Fault> {
    let open = app.store.call(org, &call.id).await?.is_some_and(|now| now.outcome.is_none());
    if !open {
        return Ok(false);
    }
    // The session first: whoever stops in between leaves an open call, which is ended again.
    let now = app.clock.now();
    let lasted = call.answered_at.map_or(0, |answered| now.millis_since(answered) / 1_000);
    let news = CallNews::Ended { end: how, seconds: u32::try_from(lasted).unwrap_or(0) };
    tell(app, org, call, "over", news).await?;
    Ok(app.store.end_call(org, &call.id, how).await?)
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

pub(super) async fn moved(app: &App, org: &OrgId, call: &Call, status: CallStatus) -> Result<(), Fault> {
    let report = StatusReport { status, seconds: None, answered_by: None };
    app.store.report_call(org, &call.id, report).await?;
    Ok(())
}

pub(super) fn told(document: String) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(document)
}
