//! The REST side: place a call, register one of our own, look at one, stop one.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use super::call::Call;
use crate::http::{Answer, HttpStack};
use crate::rest::{ApiError, InvalidApiBase, api_base, body, resource, send};

/// Where the API is, unless configured otherwise.
pub const DEFAULT_API_BASE: &str = "https://api.retellai.com";

/// Talks to Retell for every organisation; the key comes with each call.
#[derive(Debug, Clone)]
pub struct RetellClient {
    http: HttpStack,
    base: Url,
}

/// A call to be placed by Retell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct NewCall<'c> {
    /// A number kept at Retell.
    pub from_number: &'c str,
    /// Whom.
    pub to_number: &'c str,
    /// The agent, when it is not the number's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_agent_id: Option<&'c str>,
    /// What we call it; comes back with every event, and tells a call whose answer got lost.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Values for the agent's variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub retell_llm_dynamic_variables: BTreeMap<String, String>,
}

impl RetellClient {
    /// A client for the API at `base`.
    pub fn new(http: HttpStack, base: &str) -> Result<Self, InvalidApiBase> {
        Ok(Self { http, base: api_base(base)? })
    }

    /// Places a call.
    pub async fn create_call(&self, key: &SecretString, call: &NewCall<'_>) -> Result<Call, ApiError> {
        self.post(key, "create-phone-call", call).await
    }

    /// Looks at a call.
    pub async fn call(&self, key: &SecretString, id: &str) -> Result<Call, ApiError> {
        let request = self.request(key, Method::GET, ["v2", "get-call", id]);
        body(&self.send(request).await?)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        key: &SecretString,
        what: &str,
        json: &impl Serialize,
    ) -> Result<T, ApiError> {
        let request = self.request(key, Method::POST, ["v2", what]).json(json);
        body(&self.send(request).await?)
    }

    fn request<'s>(
        &self,
        key: &SecretString,
        method: Method,
        path: impl IntoIterator<Item = &'s str>,
    ) -> RequestBuilder {
        let url = resource(&self.base, path);
        self.http.client().request(method, url).bearer_auth(key.expose_secret())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, ApiError> {
        // Errors are sentences only.
        send(&self.http, request, |_| None).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_hold_what_is_documented_and_no_empty_members() {
        let call = NewCall {
            from_number: "+14157774444",
            to_number: "+12137774445",
            override_agent_id: Some("oBeDLoLOeuAbiuaMFXRtDOLriTJ5tSxD"),
            metadata: Map::from_iter([("call".to_owned(), json!("call_1"))]),
            retell_llm_dynamic_variables: BTreeMap::from([(
                "customer_name".to_owned(),
                "John Doe".to_owned(),
            )]),
        };
        assert_eq!(
            serde_json::to_value(&call).expect("JSON"),
            json!({"from_number":"+14157774444","to_number":"+12137774445","override_agent_id":"oBeDLoLOeuAbiuaMFXRtDOLriTJ5tSxD",
                "metadata":{"call":"call_1"},"retell_llm_dynamic_variables":{"customer_name":"John Doe"}})
        );
    }
}
