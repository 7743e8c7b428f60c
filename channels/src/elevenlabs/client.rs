//! The REST side: permission to open a conversation, agents and tools, and what became of a conversation.

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use url::Url;

use super::webhook::Conversation;
use crate::http::HttpStack;
use crate::rest::{ApiError, InvalidApiBase, api_base, body, resource, send, word};

/// Where the API is, unless configured otherwise (there are regional hosts).
pub const DEFAULT_API_BASE: &str = "https://api.elevenlabs.io";

/// Talks to `ElevenLabs` for every organisation; the key comes with each call.
#[derive(Debug, Clone)]
pub struct ElevenLabsClient {
    http: HttpStack,
    base: Url,
}

#[derive(Deserialize)]
struct Signed {
    signed_url: String,
}

#[derive(Deserialize)]
struct AgentId {
    agent_id: String,
}

#[derive(Deserialize)]
struct ToolId {
    id: String,
}

/// A webhook of a workspace.
#[derive(Deserialize)]
pub struct Webhook {
    /// Its id, for [`super::setup::AgentSetup::post_call_webhook`].
    #[serde(rename = "webhook_id")]
    pub id: String,
    /// What signs its bodies; told this once.
    #[serde(rename = "webhook_secret", deserialize_with = "kept_secret")]
    pub secret: SecretString,
}

fn kept_secret<'de, D: Deserializer<'de>>(member: D) -> Result<SecretString, D::Error> {
    String::deserialize(member).map(SecretString::from)
}

impl ElevenLabsClient {
    /// A client for the API at `base`.
    pub fn new(http: HttpStack, base: &str) -> Result<Self, InvalidApiBase> {
        Ok(Self { http, base: api_base(base)? })
    }

    /// The address at which a conversation with a private agent is opened, within 15 minutes. It is a secret and is used as
    /// it is.
    pub async fn signed_url(&self, key: &SecretString, agent: &str) -> Result<SecretString, ApiError> {
        let mut url = self.url(&["conversation", "get-signed-url"]);
        url.query_pairs_mut().append_pair("agent_id", agent);
        let Signed { signed_url } = self.ask(key, Method::GET, url, None).await?;
        if is_socket(&signed_url, self.base.scheme()) {
            Ok(signed_url.into())
        } else {
            Err(ApiError::Unknown("the signed address is no secure socket".to_owned()))
        }
    }

    /// Creates an agent from [`super::setup::AgentSetup::body`]; gives its id.
    pub async fn create_agent(&self, key: &SecretString, agent: &Value) -> Result<String, ApiError> {
        let created = self.ask(key, Method::POST, self.url(&["agents", "create"]), Some(agent)).await?;
        let AgentId { agent_id } = created;
        Ok(agent_id)
    }

    /// Changes an agent: only the members given.
    pub async fn update_agent(&self, key: &SecretString, id: &str, agent: &Value) -> Result<(), ApiError> {
        let url = self.url(&["agents", id]);
        let _: AgentId = self.ask(key, Method::PATCH, url, Some(agent)).await?;
        Ok(())
    }

    /// Has the workspace post to an address what became of conversations.
    pub async fn create_webhook(
        &self,
        key: &SecretString,
        name: &str,
        url: &str,
    ) -> Result<Webhook, ApiError> {
        let settings =
            json!({ "auth_type": "hmac", "name": name, "webhook_url": url, "request_headers": {} });
        let place = resource(&self.base, ["v1", "workspace", "webhooks"]);
        self.ask(key, Method::POST, place, Some(&json!({ "settings": settings }))).await
    }

    /// Creates a tool from [`super::setup::tool_body`]; gives its id.
    pub async fn create_tool(&self, key: &SecretString, tool: &Value) -> Result<String, ApiError> {
        let ToolId { id } = self.ask(key, Method::POST, self.url(&["tools"]), Some(tool)).await?;
        Ok(id)
    }

    /// Changes a tool.
    pub async fn update_tool(&self, key: &SecretString, id: &str, tool: &Value) -> Result<(), ApiError> {
        let _: ToolId = self.ask(key, Method::PATCH, self.url(&["tools", id]), Some(tool)).await?;
        Ok(())
    }

    /// What became of a conversation. Complete once its status is `done`.
    pub async fn conversation(&self, key: &SecretString, id: &str) -> Result<Conversation, ApiError> {
        self.ask(key, Method::GET, self.url(&["conversations", id]), None).await
    }

    fn url(&self, path: &[&str]) -> Url {
        resource(&self.base, ["v1", "convai"].into_iter().chain(path.iter().copied()))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        key: &SecretString,
        method: Method,
        url: Url,
        json: Option<&Value>,
    ) -> Result<T, ApiError> {
        let request = self.http.client().request(method, url).header("xi-api-key", key.expose_secret());
        let request = json.into_iter().fold(request, RequestBuilder::json);
        body(&send(&self.http, request, fault_word).await?)
    }
}

/// Whether a conversation may be opened there: in the open only where the API itself is.
fn is_socket(url: &str, api_scheme: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "wss" || (url.scheme() == "ws" && api_scheme == "http"))
}

/// `quota_exceeded`, `invalid_api_key`, …: the body has three shapes.
fn fault_word(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let detail = body.get("detail")?;
    let detail = detail.get(0).unwrap_or(detail);
    let status = detail.get("status").or_else(|| detail.get("code")).or_else(|| detail.get("type"));
    word(status?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_shapes_of_an_error_give_their_word() {
        for (body, expected) in [
            (
                r#"{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}"#,
                Some("invalid_api_key"),
            ),
            (r#"{"detail":{"type":"t","code":"c","message":"…","param":null,"status":"s"}}"#, Some("s")),
            (
                r#"{"detail":[{"loc":["body","agent_id"],"msg":"field required","type":"value_error.missing"}]}"#,
                Some("value_error.missing"),
            ),
            (r#"{"detail":"Number +15550100 is busy"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(fault_word(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_conversation_is_opened_in_the_open_only_beside_an_open_api() {
        assert!(is_socket("wss://api.elevenlabs.io/v1/convai/conversation?token=x", "https"));
        assert!(is_socket("ws://127.0.0.1:1/v1/convai/conversation", "http"));
        assert!(!is_socket("ws://api.elevenlabs.io/x", "https"));
        assert!(!is_socket("https://api.elevenlabs.io/x", "https"));
        assert!(!is_socket("", "https"));
    }
}
