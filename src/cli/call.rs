//! `usher call`: asks a running server to telephone a contact.

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_conversation::id::SessionId;

use super::output::Out;
use crate::clock::SystemEntropy;
use crate::config::Settings;
use crate::demo::TakenPorts;
use crate::inbound::address;
use crate::server;
use crate::web::operator;

pub(super) fn run(
    settings: &Settings,
    session: &SessionId,
    url: Option<&Url>,
    json_wanted: bool,
    out: &mut Out,
) -> anyhow::Result<()> {
    let key = match &settings.operator_key {
        Some(key) => key.clone(),
        None => operator::key_of_data_dir(&settings.data_dir, &SystemEntropy)
            .with_context(|| format!("no operator's key in {}", settings.data_dir.display()))?,
    };
    let base = url.cloned().unwrap_or_else(|| usual(settings));
    let call = server::system().block_on(place(&base, &key, session))?;
    if json_wanted {
        return out.json(&call);
    }
    let text = |member: &str| call[member].as_str().unwrap_or_default().to_owned();
    Ok(out.line(&format!("{}  {}  {}", text("id"), text("status"), text("due_at")))?)
}

/// The server of these settings: where it is known, or the demo of this data directory, or where it listens.
fn usual(settings: &Settings) -> Url {
    let demo = TakenPorts::remembered(&settings.data_dir).map(TakenPorts::server_url);
    match (settings.is_set("public_url"), demo) {
        (false, Some(demo)) => demo,
        _ => settings.public_base(settings.bind),
    }
}

async fn place(base: &Url, key: &SecretString, session: &SessionId) -> anyhow::Result<Value> {
    let http = HttpStack::new(HttpSettings::default())?;
    let request = http
        .client()
        .post(address(base, "/api/voice/calls"))
        .bearer_auth(key.expose_secret())
        .json(&json!({ "session_id": session }));
    let answer = http.send(request).await.with_context(|| format!("{base}: is the server running?"))?;
    let body: Value = serde_json::from_slice(&answer.body).context("the server's answer is no JSON")?;
    if !answer.status.is_success() {
        bail!("{}", body["detail"].as_str().unwrap_or("the server refused"));
    }
    Ok(body)
}
