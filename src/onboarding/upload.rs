//! Uploads: a file streams in, is measured and recognised on the way, and becomes the answer to a field.

use std::sync::Arc;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use usher_channels::widget::{ProblemBody, ResponseReply, UploadQuery};
use usher_conversation::answer::AnswerValue;
use usher_conversation::flow::{FieldId, FieldType};
use usher_conversation::problem::Problem;
use usher_conversation::session::Command;

use super::{Admitted, admit, from_widget, routes, sniff};
use crate::app::App;
use crate::files::{NewFile, file_id};
use crate::web::{Fault, edge};

/// The one part of the form.
const PART: &str = "file";

/// A file as the answer to a field; answers like `/api/widget/response`.
#[utoipa::path(
    post, path = "/api/widget/upload", tag = "widget",
    params(
        ("sessionId" = String, Query, description = "The session's id or a resume link's token"),
        ("field" = String, Query, description = "The field the file answers"),
        ("idempotencyKey" = String, Query, description = "Chosen by the client, the same for every try"),
    ),
    request_body(content_type = "multipart/form-data", description = "One part named `file`"),
    responses(
        (status = 200, body = ResponseReply),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 404, body = ProblemBody, description = "unknown-session, unknown-field"),
        (status = 413, body = ProblemBody, description = "body-too-large"),
        (status = 422, body = ProblemBody, description = "file-refused, invalid-answer"),
        (status = 503, body = ProblemBody, description = "overloaded, store-unavailable, shutting-down"),
    )
)]
pub async fn upload(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    query: web::Query<UploadQuery>,
    form: Multipart,
) -> Result<HttpResponse, Fault> {
    let key = query.key().map_err(|error| Fault::new(Problem::MalformedRequest, error.to_string()))?;
    let admitted = admit(&app, &request, &query.session_id).await?;
    let field = FieldId::new(query.field.as_str());
    wanted(&app, &admitted, &field).await?;
    let _places = app.onboarding.upload(&admitted, app.edge.caller(&request))?;

    let received = receive(form, app.settings.upload_limit).await?;
    let (org, session) = (&admitted.org.id, &admitted.session);
    if !app.store.has_room(org, session, received.bytes.len() as u64).await? {
        return Err(refused("No more files are taken. Please ask us what to do with yours."));
    }
    let file =
        NewFile { name: received.name, media_type: received.media_type.to_owned(), bytes: received.bytes };
    let id = file_id(session.as_str(), key);
    let file = app.store.keep_file(org, session, id.clone(), file).await?;
    let command = Command::Attach { origin: from_widget(), field, file };
    let taken = routes::submit(&app, &admitted, key, command).await;
    // Of a store that failed we do not know whether the answer is in the journal, so its file stays.
    let unwanted = match &taken {
        Ok(handled) => {
            let is_it = |value: &AnswerValue| matches!(value, AnswerValue::File(kept) if kept.file == id);
            !handled.state.answers().values().any(|answer| is_it(&answer.value))
        }
        Err(fault) => fault.problem() != Problem::StoreUnavailable,
    };
    if unwanted {
        app.store.discard_file(org, session, &id).await?;
    }
    routes::form_reply(&taken?)
}

/// Whether the session asks for a file there, before anything is read or kept.
async fn wanted(app: &App, admitted: &Admitted, field: &FieldId) -> Result<(), Fault> {
    let current = app.runtime.read(&admitted.org.id, &admitted.session).await?;
    let answer = |id: &FieldId| current.state.answer(id).map(|answer| &answer.value);
    let asked = current.meta.flow.visible(&answer).into_iter().find(|asked| asked.id == *field);
    match asked.map(|asked| asked.kind) {
        Some(FieldType::File) => Ok(()),
        Some(_) => Err(refused("This question is not answered by a file.")),
        None => Err(Fault::new(Problem::UnknownField, "This session does not ask this question.")),
    }
}

fn refused(why: &'static str) -> Fault {
    Fault::new(Problem::FileRefused, why).with_field(PART, why)
}

struct Received {
    name: String,
    media_type: &'static str,
    bytes: Bytes,
}

async fn receive(mut form: Multipart, limit: u64) -> Result<Received, Fault> {
    let missing = || Fault::new(Problem::MalformedRequest, "Send one part named `file`.");
    let mut part = form.try_next().await.map_err(malformed)?.ok_or_else(missing)?;
    if part.name() != Some(PART) {
        return Err(missing());
    }
    let name =
        part.content_disposition().and_then(|d| d.get_filename()).map_or_else(String::new, str::to_owned);
    let bytes = read_up_to(&mut part, limit).await?;
    drop(part);
    if form.try_next().await.map_err(malformed)?.is_some() {
        return Err(missing());
    }
    let head = &bytes[..bytes.len().min(sniff::HEAD_BYTES)];
    let media_type = sniff::media_type(head).ok_or_else(|| {
        refused("Files of this kind are not accepted. Please send a picture, a PDF or a document.")
    })?;
    Ok(Received { name: sniff::clean_name(&name), media_type, bytes })
}

async fn read_up_to(part: &mut Field, limit: u64) -> Result<Bytes, Fault> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.try_next().await.map_err(malformed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > limit {
            let why = format!("A file may have at most {} MiB.", limit / (1024 * 1024));
            return Err(Fault::new(Problem::BodyTooLarge, why));
        }
    }
    Ok(bytes.freeze())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn malformed(error: MultipartError) -> Fault {
    match &error {
        MultipartError::Payload(error) => edge::unfinished(error),
        error => Fault::new(Problem::MalformedRequest, format!("The form cannot be read: {error}")),
    }
}
