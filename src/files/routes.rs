//! Staff read what clients sent.

use std::sync::Arc;

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use usher_channels::widget::ProblemBody;
use usher_conversation::id::{FileId, SessionId};
use usher_conversation::problem::Problem;

use crate::app::App;
use crate::web::route::at;
use crate::web::{Fault, edge};

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(at("/api/sessions/{session}/files/{file}").get(show));
}

/// Which file.
#[derive(Debug, Deserialize)]
pub struct Which {
    session: String,
    file: String,
}

/// A file that came in a session, always as a download: what a client sent is never shown as a page of ours.
#[utoipa::path(
    get, path = "/api/sessions/{session}/files/{file}", tag = "operations",
    params(
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
        ("session" = String, Path, description = "The session it came in"),
        ("file" = String, Path, description = "The file, as the answer names it"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
        (status = 503, body = ProblemBody, description = "store-unavailable"),
    )
)]
pub async fn show(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    which: web::Path<Which>,
) -> Result<HttpResponse, Fault> {
    app.edge.check_operator(&request, &app.operator)?;
    let unknown = || Fault::new(Problem::NotFound, "There is no such file.");
    let session: SessionId = which.session.parse().map_err(|_| unknown())?;
    let file: FileId = which.file.parse().map_err(|_| unknown())?;
    let org = app.store.org_of_session(&session).await?.ok_or_else(unknown)?;
    edge::concerns(&request, &org, &session);
    let file = app.store.file(&org, &session, &file).await?.ok_or_else(unknown)?;
    let name = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: file.name.into(),
    };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(name)],
    };
    Ok(HttpResponse::Ok().content_type(file.media_type).insert_header(disposition).body(file.bytes))
}
