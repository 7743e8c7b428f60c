//! What an operator asks about calls: place one, look at one, list them. All need the operator's key.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use usher_channels::widget::ProblemBody;
use usher_conversation::id::{CallId, OrgId, SessionId};
use usher_conversation::problem::Problem;
use utoipa::{IntoParams, ToSchema};

use super::view::{CallSummary, CallView};
use crate::app::App;
use crate::web::{Fault, edge};

/// Calls in one page of a list.
const USUAL_PAGE: u32 = 50;
/// And at most.
const LARGEST_PAGE: u32 = 200;

/// Body of `POST /api/voice/calls`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceCall {
    /// Whose contact to call.
    #[schema(value_type = String)]
    pub session_id: SessionId,
}

/// Query of `GET /api/voice/calls`: one of `session_id` and `org_id`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WhichCalls {
    /// The calls of this session.
    session_id: Option<String>,
    /// The calls of this organisation.
    org_id: Option<String>,
    /// So many at most: 50 unless told, never more than 200.
    limit: Option<u32>,
    /// Only calls older than this one: the last of the page before.
    before: Option<String>,
}

/// A page of calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallList {
    /// Newest first.
    pub calls: Vec<CallSummary>,
}

/// Calls the contact of a session.
#[utoipa::path(
    post, path = "/api/voice/calls", tag = "voice", request_body = PlaceCall,
    params(("Authorization" = String, Header, description = "`Bearer` and the operator's key")),
    responses(
        (status = 202, body = CallSummary, description = "Planned: now, or at the next hour the contact may be called"),
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
    Ok(HttpResponse::build(StatusCode::ACCEPTED).json(CallSummary::from(call)))
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
    Ok(HttpResponse::Ok().json(CallView::read(&app.store, &org, found).await?))
}

/// The calls of a session or of an organisation, newest first.
#[utoipa::path(
    get, path = "/api/voice/calls", tag = "voice",
    params(
        WhichCalls,
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = CallList),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "unknown-session, not-found"),
    )
)]
pub async fn list(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    which: web::Query<WhichCalls>,
) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let WhichCalls { session_id, org_id, limit, before } = which.into_inner();
    let malformed = || Fault::new(Problem::MalformedRequest, "This needs `session_id` or `org_id`.");
    let (org, session) = match (session_id, org_id) {
        (Some(session), None) => {
            let unknown = || Fault::new(Problem::UnknownSession, "There is no such session.");
            let session: SessionId = session.parse().map_err(|_| unknown())?;
            let org = app.store.org_of_session(&session).await?.ok_or_else(unknown)?;
            edge::concerns(&request, &org, &session);
            (org, Some(session))
        }
        (None, Some(org)) => {
            let unknown = || Fault::new(Problem::NotFound, "There is no such organisation.");
            let org: OrgId = org.parse().map_err(|_| unknown())?;
            app.store.organisation(&org).await?.ok_or_else(unknown)?;
            (org, None)
        }
        (Some(_), Some(_)) | (None, None) => return Err(malformed()),
    };
    let before = before.map(|before| before.parse::<CallId>()).transpose();
    let before = before.map_err(|_| Fault::new(Problem::MalformedRequest, "`before` is no call's id."))?;
    let limit = limit.unwrap_or(USUAL_PAGE).clamp(1, LARGEST_PAGE);
    let calls = app.store.calls(&org, session.as_ref(), before.as_ref(), limit).await?;
    let calls = calls.into_iter().map(CallSummary::from).collect();
    Ok(HttpResponse::Ok().json(CallList { calls }))
}
