//! What an operator asks about calls: place one, list them, look at one. All of it needs the operator's key.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use usher_channels::widget::{Channel, ProblemBody, Speaker, TranscriptLine};
use usher_conversation::channel::Channel::Voice;
use usher_conversation::id::{CallId, OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::Journal as _;
use usher_conversation::problem::Problem;
use usher_conversation::session::Event;
use usher_conversation::voice::CallNews;
use utoipa::{IntoParams, ToSchema};

use super::{AttachmentUsage, Call, PeerReport, Recording};
use crate::app::App;
use crate::web::{Fault, edge};

/// Turns read from the journal at one time.
const PAGE: u32 = 500;

/// Body of `POST /api/voice/calls`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceCall {
    /// Whose contact to call.
    #[schema(value_type = String)]
    pub session_id: SessionId,
}

/// A call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallView {
    /// Its id.
    pub id: String,
    /// The conversation it is part of.
    pub session_id: String,
    /// `inbound`, `outbound` or `browser`.
    pub direction: &'static str,
    /// Who spoke for us.
    pub provider: &'static str,
    /// Where it stands at the carrier.
    pub status: &'static str,
    /// How it ended; `null` while it lasts.
    pub outcome: Option<String>,
    /// What machine detection said.
    pub answered_by: Option<String>,
    /// The carrier's id.
    pub vendor_call_id: Option<String>,
    /// The agent provider's id of the conversation.
    pub conversation_id: Option<String>,
    /// Which try of reaching the contact it is, from 1.
    pub attempt: u32,
    /// When it is to be placed, RFC 3339.
    pub due_at: Option<String>,
    /// When we learned of it, RFC 3339.
    pub created_at: String,
    /// When it was answered, RFC 3339.
    pub answered_at: Option<String>,
    /// When it was over, RFC 3339.
    pub ended_at: Option<String>,
    /// How long it lasted, by the carrier's count.
    pub seconds: Option<u32>,
    /// Where the carrier keeps the recording.
    #[schema(value_type = Object)]
    pub recording: Option<Recording>,
    /// What each media stream of it used, with the latency of every turn in milliseconds.
    #[schema(value_type = Vec<Object>)]
    pub usage: Vec<AttachmentUsage>,
    /// What the provider that held the call reported of it: its transcript, summary, judgement and cost.
    #[schema(value_type = Object)]
    pub report: Option<PeerReport>,
    /// What was heard and said on it.
    pub transcript: Vec<TranscriptLine>,
}

/// Calls the contact of a session.
#[utoipa::path(
    post, path = "/api/voice/calls", tag = "voice", request_body = PlaceCall,
    params(("Authorization" = String, Header, description = "`Bearer` and the operator's key")),
    responses(
        (status = 202, body = CallView, description = "Planned: now, or at the next hour the contact may be called"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "unknown-session"),
        (status = 409, body = ProblemBody, description = "call-not-possible"),
    )
)]
pub async fn place(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Json<PlaceCall>,
) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let session = body.into_inner().session_id;
    let org = app.store.org_of_session(&session).await?;
    let org = org.ok_or_else(|| Fault::new(Problem::UnknownSession, "There is no such session."))?;
    edge::concerns(&request, &org, &session);
    let call = app.caller.plan(&org, &session).await?;
    Ok(HttpResponse::build(StatusCode::ACCEPTED).json(shown(call, Vec::new(), Vec::new())))
}

/// Which calls to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallsOf {
    /// The session they are part of.
    #[param(value_type = String)]
    pub session_id: SessionId,
}

/// The calls of a session, newest first, without their transcripts and figures.
#[utoipa::path(
    get, path = "/api/voice/calls", tag = "voice",
    params(CallsOf, ("Authorization" = String, Header, description = "`Bearer` and the operator's key")),
    responses(
        (status = 200, body = Vec<CallView>),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "unknown-session"),
    )
)]
pub async fn list(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    of: web::Query<CallsOf>,
) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let session = of.into_inner().session_id;
    let org = app.store.org_of_session(&session).await?;
    let org = org.ok_or_else(|| Fault::new(Problem::UnknownSession, "There is no such session."))?;
    edge::concerns(&request, &org, &session);
    let calls = app.store.calls_of_session(&org, &session).await?;
    let calls: Vec<CallView> = calls.into_iter().map(|call| shown(call, Vec::new(), Vec::new())).collect();
    Ok(HttpResponse::Ok().json(calls))
}

/// A call with its transcript and figures.
#[utoipa::path(
    get, path = "/api/voice/calls/{call}", tag = "voice",
    params(
        ("call" = String, Path, description = "The call's id"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = CallView),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
    )
)]
pub async fn show(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    call: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let unknown = || Fault::new(Problem::NotFound, "There is no such call.");
    let call: CallId = call.parse().map_err(|_| unknown())?;
    let org = app.store.org_of_call(&call).await?.ok_or_else(unknown)?;
    let found = app.store.call(&org, &call).await?.ok_or_else(unknown)?;
    edge::concerns(&request, &org, &found.session);
    let usage = app.store.call_usage(&org, &call).await?;
    let report = app.store.call_report(&org, &found).await?;
    let transcript = transcript(&app, &org, &found).await?;
    Ok(HttpResponse::Ok().json(CallView { report, ..shown(found, usage, transcript) }))
}

/// What was heard and said on a call, by the journal. An utterance that was played bit by bit is one line.
async fn transcript(app: &App, org: &OrgId, call: &Call) -> Result<Vec<TranscriptLine>, Fault> {
    // Where no model stands between, what is said on a call is a message, which the turn's dedup key tells from others.
    let key = format!("call:{}:", call.id);
    let messages = |turn: &Turn| {
        turn.dedup.as_deref().is_some_and(|dedup| dedup.starts_with(&key))
            && !turn.events.iter().any(|event| matches!(event, Event::ToolUsed { .. }))
    };
    let (mut lines, mut since) = (Vec::<TranscriptLine>::new(), 0);
    loop {
        let page = app.store.turns(org, &call.session, since, PAGE).await?;
        let Some(last) = page.last() else { return Ok(lines) };
        since = last.seq;
        for (turn, (index, event)) in
            page.iter().flat_map(|turn| (0_u32..).zip(&turn.events).map(move |event| (turn, event)))
        {
            let (from, text) = match event {
                Event::Received { origin, text, .. } if origin.channel == Voice && messages(turn) => {
                    (Speaker::Client, text)
                }
                Event::Said { message } if message.channel == Voice && messages(turn) => {
                    (Speaker::Bot, &message.text)
                }
                Event::Call { call: id, news } if *id == call.id => match news {
                    CallNews::Heard { text } => (Speaker::Client, text),
                    CallNews::Played { text, .. } => (Speaker::Bot, text),
                    CallNews::Connected { .. }
                    | CallNews::Spoke { .. }
                    | CallNews::Playing { .. }
                    | CallNews::Ended { .. } => continue,
                },
                _ => continue,
            };
            let at = turn.at.to_jiff().to_string();
            let text = text.clone();
            lines.push(TranscriptLine { seq: turn.seq, index, from, channel: Channel::Voice, text, at });
        }
    }
}

fn shown(call: Call, usage: Vec<AttachmentUsage>, transcript: Vec<TranscriptLine>) -> CallView {
    let time = |at: usher_conversation::time::Timestamp| at.to_jiff().to_string();
    CallView {
        id: call.id.to_string(),
        session_id: call.session.to_string(),
        direction: call.direction.as_str(),
        provider: call.provider.as_str(),
        status: call.status.as_str(),
        outcome: call.outcome,
        answered_by: call.answered_by,
        vendor_call_id: call.vendor_call,
        conversation_id: call.conversation,
        attempt: call.attempt,
        due_at: call.due.map(time),
        created_at: time(call.created_at),
        answered_at: call.answered_at.map(time),
        ended_at: call.ended_at.map(time),
        seconds: call.seconds,
        recording: call.recording,
        usage,
        report: None,
        transcript,
    }
}
