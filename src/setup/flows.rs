//! `/api/orgs/{org}/flow`: the questions an organisation asks.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use usher_channels::widget::ProblemBody;
use usher_conversation::flow::Flow;
use usher_conversation::id::FlowId;
use usher_conversation::problem::Problem;
use utoipa::ToSchema;

use crate::app::App;
use crate::web::{Fault, operator};

/// Questions that were saved.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedFlow {
    /// The id of this version.
    flow_id: String,
    /// How many questions it has.
    questions: usize,
}

/// Saves the questions of conversations that begin from now on. Those under way keep theirs.
#[utoipa::path(
    put, path = "/api/orgs/{org}/flow", tag = "setup",
    params(
        ("org" = String, Path, description = "The organisation's id"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    request_body(content_type = "application/json", content = Object,
        description = "A flow file: `{\"fields\":[{\"id\",\"label\",\"prompt\",\"type\",\"required\",\"options\",\"when\"}]}`"),
    responses(
        (status = 200, body = SavedFlow),
        (status = 400, body = ProblemBody, description = "malformed-request: `errors` says what to change"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
    )
)]
pub async fn save(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    org: web::Path<String>,
    body: String,
) -> Result<HttpResponse, Fault> {
    let org = operator::tenant(&app, &request, &org).await?;
    let flow = read(&body)?;
    // A version never changes, because sessions are pinned to it: every change is a flow of its own.
    let flow = Flow { id: FlowId::new(app.clock.now(), app.entropy.bits()), ..flow };
    let saved = app.store.save_flow(&org.id, flow).await?;
    Ok(HttpResponse::Ok().json(SavedFlow { flow_id: saved.id.to_string(), questions: saved.fields.len() }))
}

fn read(text: &str) -> Result<Flow, Fault> {
    Flow::from_file_json(text).map_err(|error| {
        let fault = Fault::new(Problem::MalformedRequest, "The questions cannot be asked.");
        error
            .problems
            .into_iter()
            .fold(fault, |fault, problem| fault.with_field(problem.path, problem.message))
    })
}
