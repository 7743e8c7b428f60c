//! The widget's API.

use std::sync::Arc;

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use usher_actors::Handled;
use usher_channels::widget::{
    Input, MalformedResponse, ProblemBody, ResponseReply, ResponseRequest, SessionResponse,
};
use usher_conversation::flow::FieldId;
use usher_conversation::problem::Problem;
use usher_conversation::session::{Command, Event, FieldError, Inbound};

use super::{Admitted, UPLOAD_PATH, admit, from_widget, page, services, socket, upload, view};
use crate::app::App;
use crate::web::Fault;
use crate::web::route::at;

/// The header that may carry the idempotency key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        // The fixed and frequent first: every pattern with a variable that is tried before is a regular expression.
        .service(at("/api/widget/response").post(respond))
        .service(at(UPLOAD_PATH).post(upload::upload))
        .service(at("/api/widget/session/{session}").get(session))
        .service(at("/ws/widget").get(socket::open))
        .service(at("/s/{token}").get(hosted_page));
}

/// A session as the widget draws it.
#[utoipa::path(
    get, path = "/api/widget/session/{session}", tag = "widget",
    params(("session" = String, Path, description = "The session's id or a resume link's token")),
    responses(
        (status = 200, body = SessionResponse),
        (status = 403, body = ProblemBody, description = "origin-not-allowed"),
        (status = 404, body = ProblemBody, description = "unknown-session"),
        (status = 429, body = ProblemBody, description = "rate-limited, session-busy"),
        (status = 503, body = ProblemBody, description = "store-unavailable, overloaded, shutting-down"),
    )
)]
pub async fn session(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    key: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let admitted = admit(&app, &request, &key).await?;
    let services = services(&app, &admitted).await?;
    let Admitted { org, session, .. } = admitted;
    let handled =
        app.runtime.handle(&org.id, &session, None, Command::Open { origin: from_widget() }).await?;
    let transcript = view::transcript(&app.store, &org.id, &session, handled.state.seq()).await?;
    let voice = app.voice.config_of(&org.id).await?;
    Ok(HttpResponse::Ok().json(view::session(&handled, &org, &services, transcript, voice)))
}

/// An answer, a skip, or free words.
#[utoipa::path(
    post, path = "/api/widget/response", tag = "widget", request_body = ResponseRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Instead of `idempotencyKey` in the body")),
    responses(
        (status = 200, body = ResponseReply),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "origin-not-allowed"),
        (status = 404, body = ProblemBody, description = "unknown-session, unknown-field"),
        (status = 413, body = ProblemBody, description = "body-too-large"),
        (status = 422, body = ProblemBody, description = "invalid-answer: `errors` says what to change"),
        (status = 429, body = ProblemBody, description = "rate-limited, session-busy"),
        (status = 503, body = ProblemBody, description = "store-unavailable, overloaded, shutting-down"),
    )
)]
pub async fn respond(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Json<ResponseRequest>,
) -> Result<HttpResponse, Fault> {
    let body = body.into_inner();
    let malformed = |error: MalformedResponse| Fault::new(Problem::MalformedRequest, error.to_string());
    let header = request.headers().get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
    let input = body.input().map_err(malformed)?;
    let key = body.key(header).map_err(malformed)?;
    let admitted = admit(&app, &request, &body.session_id).await?;
    let origin = from_widget();
    let command = match input {
        Input::Answer { field, value } => Command::Submit { origin, field: FieldId::new(field), value },
        Input::Skip { field } => Command::Skip { origin, field: FieldId::new(field) },
        Input::Text { text } => {
            let inbound =
                Inbound { origin, text, media: Vec::new(), missed: Vec::new(), vendor_keyword: None };
            let handled = submit(&app, &admitted, key, Command::Receive(inbound)).await?;
            return Ok(HttpResponse::Ok().json(view::reply(&handled, view::told(&handled))));
        }
    };
    form_reply(&submit(&app, &admitted, key, command).await?)
}

/// Carries a command to its session, once per key.
///
/// # Errors
/// What the runtime refuses with.
pub async fn submit(app: &App, admitted: &Admitted, key: &str, command: Command) -> Result<Handled, Fault> {
    let dedup = format!("widget:{}:{key}", admitted.session);
    Ok(app.runtime.handle(&admitted.org.id, &admitted.session, Some(dedup), command).await?)
}

/// The answer to a form's input: what comes next, or why it was not taken.
///
/// # Errors
/// [`Problem::InvalidAnswer`] and [`Problem::UnknownField`].
pub fn form_reply(handled: &Handled) -> Result<HttpResponse, Fault> {
    let taken =
        |event: &Event| matches!(event, Event::Received { .. } | Event::Skipped { .. } | Event::Said { .. });
    if !handled.turn.as_ref().is_some_and(|turn| turn.events.iter().any(taken)) {
        return Err(Fault::new(Problem::UnknownField, "This session does not ask this question."));
    }
    let told = view::told(handled);
    match told.error {
        Some(FieldError { field, message }) => {
            Err(Fault::new(Problem::InvalidAnswer, message.clone()).with_field(field.as_str(), message))
        }
        None => Ok(HttpResponse::Ok().json(view::reply(handled, told))),
    }
}

/// `GET /s/{token}`: the page a link opens.
async fn hosted_page(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    token: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    match admit(&app, &request, &token).await {
        Ok(admitted) => Ok(page::hosted(&token, &admitted.org.name)),
        Err(fault) if fault.problem() == Problem::UnknownSession => Ok(page::ended(&token)),
        Err(fault) => Err(fault),
    }
}
