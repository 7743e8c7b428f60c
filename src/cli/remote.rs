//! A running server, asked with the operator's key.

use anyhow::{Context as _, bail};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;
use usher_channels::http::{HttpSettings, HttpStack};

use crate::clock::SystemEntropy;
use crate::config::Settings;
use crate::demo::TakenPorts;
use crate::inbound::address;
use crate::server;
use crate::web::operator;

/// A server and the key that opens it.
pub(super) struct Remote {
    base: Url,
    key: SecretString,
    http: HttpStack,
}

impl Remote {
    /// The server at `url`, or the one these settings belong to.
    pub(super) fn of(settings: &Settings, url: Option<&Url>) -> anyhow::Result<Self> {
        let key = match &settings.operator_key {
            Some(key) => key.clone(),
            None => operator::key_of_data_dir(&settings.data_dir, &SystemEntropy)
                .with_context(|| format!("no operator's key in {}", settings.data_dir.display()))?,
        };
        let base = url.cloned().unwrap_or_else(|| usual(settings));
        Ok(Self { base, key, http: HttpStack::new(HttpSettings::default())? })
    }

    /// What the server answers; a problem becomes an error that says everything the server said.
    pub(super) fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        server::system().block_on(self.answer(method, path, body))
    }

    async fn answer(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let request = self.http.client().request(method, address(&self.base, path));
        let request = request.bearer_auth(self.key.expose_secret());
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        let asked = self.http.send(request).await;
        let answer = asked.with_context(|| format!("{}: is the server running?", self.base))?;
        let body: Value = serde_json::from_slice(&answer.body).context("the server's answer is no JSON")?;
        if !answer.status.is_success() {
            bail!("{}", problem(&body));
        }
        Ok(body)
    }
}

/// The server of these settings: where it is known, or the demo of this data directory, or where it listens.
fn usual(settings: &Settings) -> Url {
    let demo = TakenPorts::remembered(&settings.data_dir).map(TakenPorts::server_url);
    match (settings.is_set("public_url"), demo) {
        (false, Some(demo)) => demo,
        _ => settings.public_base(settings.bind),
    }
}

/// What a problem says, with a line for each member that is wrong.
fn problem(body: &Value) -> String {
    let detail = body["detail"].as_str().unwrap_or("the server refused");
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let lines = errors.iter().map(|error| {
        let (field, message) = (error["field"].as_str(), error["message"].as_str().unwrap_or_default());
        match field.filter(|field| !message.starts_with(field)) {
            Some(field) => format!("\n  {field}: {message}"),
            None => format!("\n  {message}"),
        }
    });
    std::iter::once(detail.to_owned()).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_told_with_every_member_that_is_wrong() {
        let body = json!({ "detail": "Some of it cannot be used.", "errors": [
            { "field": "profile.zone", "message": "profile.zone is needed" },
            { "field": "fields[0].id", "message": "must be text" } ] });
        let told = "Some of it cannot be used.\n  profile.zone is needed\n  fields[0].id: must be text";
        assert_eq!(problem(&body), told);
        assert_eq!(problem(&Value::Null), "the server refused");
    }
}
