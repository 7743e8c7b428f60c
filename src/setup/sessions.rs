//! `/api/orgs/{org}/sessions`: a conversation with a client, begun by the organisation.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use usher_channels::widget::ProblemBody;
use usher_conversation::answer::{AnswerValue, ParseContext, parse};
use usher_conversation::channel::Channel;
use usher_conversation::flow::{FieldType, Validation};
use usher_conversation::problem::Problem;
use usher_conversation::session::Command;
use utoipa::ToSchema;

use crate::app::App;
use crate::onboarding::NewSession;
use crate::tenancy::{ContactDetails, Organisation};
use crate::web::form::{Mistakes, Wrong, text, zone};
use crate::web::{Fault, edge, operator};

const NAME_CHARS: usize = 120;

/// With whom a conversation begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginSession {
    /// Their name.
    name: String,
    /// Their telephone number; without a country it is one of the organisation's region.
    phone: Option<String>,
    /// Their email address.
    email: Option<String>,
    /// Their time zone, when known: nobody is texted or called at night.
    zone: Option<String>,
    /// Whether they are texted the first question. Otherwise the conversation waits for them.
    #[serde(default)]
    text: bool,
}

/// A conversation that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct BegunSession {
    /// Its id.
    session_id: String,
    /// The client's page. Who has the link may read and answer.
    page_url: String,
    /// Whether this request began it; otherwise it was there already.
    created: bool,
}

/// Begins the conversation with a client, or finds the one that is there.
#[utoipa::path(
    post, path = "/api/orgs/{org}/sessions", tag = "setup", request_body = BeginSession,
    params(
        ("org" = String, Path, description = "The organisation's id"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = BegunSession, description = "It was there already"),
        (status = 201, body = BegunSession),
        (status = 400, body = ProblemBody, description = "malformed-request: `errors` says what to change"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "conflict: no questions yet, or no number to text from"),
    )
)]
pub async fn begin(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    org: web::Path<String>,
    body: web::Json<BeginSession>,
) -> Result<HttpResponse, Fault> {
    let org = operator::tenant(&app, &request, &org).await?;
    let texted = body.text;
    let details = details(&app, &org, body.into_inner())?;
    let conflict = |why: &'static str| Fault::new(Problem::Conflict, why);
    let flow = app.store.newest_flow(&org.id).await?;
    let flow =
        flow.ok_or_else(|| conflict("The organisation has no questions to ask yet: save its flow first."))?;
    if texted && app.store.sms_account(&org.id, None).await?.is_none() {
        return Err(conflict("The organisation has no number to text from: connect one first."));
    }
    let contact = app.store.find_or_create_contact(&org.id, details).await?.id;
    let opened =
        app.store.find_or_create_session(&org.id, NewSession { contact, flow, package: None }).await?;
    edge::concerns(&request, &org.id, &opened.session);
    let channel = texted.then_some(Channel::Sms);
    app.runtime.handle(&org.id, &opened.session, None, Command::Start { channel }).await?;
    let status = if opened.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(BegunSession {
        page_url: app.store.page_url(&opened.link),
        session_id: opened.session.to_string(),
        created: opened.created,
    }))
}

fn details(app: &App, org: &Organisation, asked: BeginSession) -> Result<ContactDetails, Fault> {
    let BeginSession { name, phone, email, zone: lives_in, text: texted } = asked;
    let context = ParseContext {
        now: app.clock.now(),
        zone: "UTC",
        region: &org.region,
        options: &[],
        validation: &Validation::default(),
    };
    let mut mistakes = Mistakes::default();
    mistakes.note("name", text(&name, NAME_CHARS));
    mistakes.note("zone", lives_in.as_deref().map_or(Ok(()), zone));
    let reachable = phone.is_some() || (email.is_some() && !texted);
    mistakes.note("phone", if reachable { Ok(()) } else { Err(Wrong::Missing) });
    let mut read = |member: &str, kind, written: Option<String>, wrong| {
        let value = written.map(|written| parse(kind, &written, &context));
        match value {
            Some(Ok(AnswerValue::Phone(value) | AnswerValue::Email(value))) => Some(value),
            Some(_) => {
                mistakes.note(member, Err(wrong));
                None
            }
            None => None,
        }
    };
    let phone = read("phone", FieldType::Phone, phone, Wrong::Phone);
    let email = read("email", FieldType::Email, email, Wrong::Email);
    mistakes.none()?;
    Ok(ContactDetails { name: name.trim().to_owned(), phone, email, zone: lives_in })
}
