//! `PUT /api/voice/peers/{org}`: connects an organisation with the provider that holds its calls. Needs the operator's
//! key.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use usher_channels::widget::ProblemBody;
use usher_conversation::problem::Problem;
use utoipa::ToSchema;

use super::Peer;
use crate::app::App;
use crate::inbound::address;
use crate::voice::settings::form;
use crate::voice::settings::routes::{ID_CHARS, KEY_CHARS};
use crate::voice::{Provider, VoiceSettings, retell, vapi};
use crate::web::form::{Mistakes, phone, token};
use crate::web::{Fault, operator};

/// Who holds an organisation's calls.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectPeer {
    /// `retell` or `vapi`.
    #[schema(value_type = String)]
    provider: Provider,
    /// The provider's id of the agent or assistant.
    agent_id: String,
    /// The provider's API key; at Retell the one that carries the webhook badge.
    api_key: String,
    /// Our number as the provider knows it: E.164 at Retell, the number's id at Vapi. Needed to make calls.
    line: Option<String>,
    /// Names, numbers, hours, scripts and limits; those that are known stay without it.
    #[schema(value_type = Option<Object>)]
    profile: Option<Map<String, Value>>,
}

/// What to set up at the provider. The secret in it is shown this once.
#[derive(Serialize, ToSchema)]
pub struct Connected {
    /// The webhook.
    webhook_url: String,
    /// The custom model: a socket at Retell, the base address of a model at Vapi.
    llm_url: String,
    /// At Vapi what the webhook and the model are called with; at Retell it is part of the socket's address.
    secret: String,
}

/// Connects an organisation with its provider. Again: a new secret takes the place of the old one.
#[utoipa::path(
    put, path = "/api/voice/peers/{org}", tag = "setup", request_body = ConnectPeer,
    params(
        ("org" = String, Path, description = "The organisation's id"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = Connected, description = "What to set up at the provider"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
    )
)]
pub async fn connect(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    org: web::Path<String>,
    body: web::Json<ConnectPeer>,
) -> Result<HttpResponse, Fault> {
    let org = operator::tenant(&app, &request, &org).await?.id;
    let ConnectPeer { provider, agent_id, api_key, line, profile } = body.into_inner();
    if !provider.holds_calls() {
        return Err(Fault::new(Problem::MalformedRequest, "This needs the provider retell or vapi."));
    }
    let mut mistakes = Mistakes::default();
    mistakes.note("agent_id", token(&agent_id, ID_CHARS));
    mistakes.note("api_key", token(&api_key, KEY_CHARS));
    if let Some(line) = &line {
        let named = if provider == Provider::Retell { phone(line) } else { token(line, ID_CHARS) };
        mistakes.note("line", named);
    }
    mistakes.none()?;
    let before = app.store.voice(&org).await?.unwrap_or_default();
    let profile = profile.map_or(Ok(before.profile), form::read)?;
    let door = SecretString::from(hex::encode([app.entropy.bits(), app.entropy.bits()].concat()));
    let secret = door.expose_secret().to_owned();
    app.store.save_voice_peer(&org, Peer { line, door }).await?;
    let settings =
        VoiceSettings { provider, agent_id: Some(agent_id), api_key: Some(api_key.into()), profile };
    app.store.save_voice(&org, settings).await?;
    app.voice.profiles.forget(&org);

    let at = |path: &str| address(&app.public, path);
    let (webhook_url, llm_url) = if provider == Provider::Retell {
        let socket = at(&format!("{}/{secret}", retell::SOCKET_PATH)).replacen("http", "ws", 1);
        (at(retell::WEBHOOK_PATH), socket)
    } else {
        (at(vapi::WEBHOOK_PATH), at(vapi::MODEL_PATH))
    };
    Ok(HttpResponse::Ok().json(Connected { webhook_url, llm_url, secret }))
}
