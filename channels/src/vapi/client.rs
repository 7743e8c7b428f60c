//! The REST side: place a call, look at one, steer one that lasts.

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::message::{Call, Customer};
use crate::http::HttpStack;
use crate::rest::{ApiError, InvalidApiBase, api_base, body, resource, send};

/// Where the API is, unless configured otherwise.
pub const DEFAULT_API_BASE: &str = "https://api.vapi.ai";

/// Talks to Vapi for every organisation; the key comes with each call.
#[derive(Debug, Clone)]
pub struct VapiClient {
    http: HttpStack,
    base: Url,
}

/// A call to be placed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewCall<'c> {
    /// The assistant that talks.
    pub assistant: &'c str,
    /// The vendor's id of our number.
    pub phone_number: &'c str,
    /// Whom; `external_id` tells a call whose answer got lost.
    pub customer: Customer,
    /// Values for the assistant's variables.
    pub variables: Map<String, Value>,
    /// For the vendor's list.
    pub name: Option<&'c str>,
}

impl NewCall<'_> {
    fn body(&self) -> Value {
        let mut body = json!({
            "assistantId": self.assistant,
            "phoneNumberId": self.phone_number,
            "customer": self.customer,
        });
        if !self.variables.is_empty() {
            body["assistantOverrides"] = json!({ "variableValues": self.variables });
        }
        if let Some(name) = self.name {
            body["name"] = json!(name);
        }
        body
    }
}

/// What a call that lasts is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Control<'c> {
    /// Say this.
    Say {
        /// The words.
        content: &'c str,
        /// And hang up.
        end_call_after_spoken: bool,
    },
    /// Connect to a number.
    Transfer {
        /// Where.
        destination: Destination<'c>,
        /// The words before.
        content: &'c str,
    },
}

/// Where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Destination<'c> {
    /// A number.
    Number {
        /// In E.164 form.
        number: &'c str,
    },
}

impl VapiClient {
    /// A client for the API at `base`.
    pub fn new(http: HttpStack, base: &str) -> Result<Self, InvalidApiBase> {
        Ok(Self { http, base: api_base(base)? })
    }

    /// Places a call.
    pub async fn create_call(&self, key: &SecretString, call: &NewCall<'_>) -> Result<Call, ApiError> {
        let request = self.request(key, Method::POST, &["call"]).json(&call.body());
        body(&send(&self.http, request, no_word).await?)
    }

    /// Looks at a call.
    pub async fn call(&self, key: &SecretString, id: &str) -> Result<Call, ApiError> {
        let request = self.request(key, Method::GET, &["call", id]);
        body(&send(&self.http, request, no_word).await?)
    }

    /// Steers a call that lasts, at the address of [`super::message::Monitor::control_url`], which is its own permission.
    pub async fn control(&self, url: &str, control: &Control<'_>) -> Result<(), ApiError> {
        let url = self.control_url(url).ok_or_else(|| ApiError::unfit("control_url"))?;
        send(&self.http, self.http.client().post(url).json(control), no_word).await.map(drop)
    }

    /// The address comes from outside, so it must be https and a name, unless it is where the API itself is.
    fn control_url(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let named = url.scheme() == "https" && matches!(url.host(), Some(url::Host::Domain(_)));
        (named || url.origin() == self.base.origin()).then_some(url)
    }

    fn request(&self, key: &SecretString, method: Method, path: &[&str]) -> RequestBuilder {
        let url = resource(&self.base, path.iter().copied());
        self.http.client().request(method, url).bearer_auth(key.expose_secret())
    }
}

/// Errors are sentences only.
const fn no_word(_: &[u8]) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpSettings;

    #[test]
    fn a_call_is_asked_for_as_documented() {
        let call = NewCall {
            assistant: "5b0a4a08",
            phone_number: "42b4b25d",
            customer: Customer {
                number: Some("+12345678913".into()),
                name: Some("Jane".into()),
                external_id: Some("cc_9".into()),
            },
            variables: Map::from_iter([("first_name".to_owned(), json!("Jane"))]),
            name: Some("spring-campaign"),
        };
        assert_eq!(
            call.body(),
            json!({"assistantId":"5b0a4a08","phoneNumberId":"42b4b25d",
                "customer":{"number":"+12345678913","name":"Jane","externalId":"cc_9"},
                "assistantOverrides":{"variableValues":{"first_name":"Jane"}},"name":"spring-campaign"})
        );
    }

    #[test]
    fn controls_are_written_as_documented() {
        for (control, text) in [
            (
                Control::Say { content: "Bye.", end_call_after_spoken: true },
                r#"{"type":"say","content":"Bye.","endCallAfterSpoken":true}"#,
            ),
            (
                Control::Transfer {
                    destination: Destination::Number { number: "+1" },
                    content: "Transferring",
                },
                r#"{"type":"transfer","destination":{"type":"number","number":"+1"},"content":"Transferring"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&control).expect("JSON"), text);
        }
    }

    #[test]
    fn a_call_is_steered_only_at_a_named_https_host_or_beside_the_api() {
        let http = HttpStack::new(HttpSettings::default()).expect("TLS");
        let client = VapiClient::new(http, "http://127.0.0.1:9000").expect("a base");
        assert!(client.control_url("https://phone-call.example/c/control").is_some());
        assert!(client.control_url("http://127.0.0.1:9000/control").is_some());
        for foreign in
            ["http://phone-call.example/c", "https://169.254.169.254/c", "http://127.0.0.1:9001/c", ""]
        {
            assert!(client.control_url(foreign).is_none(), "{foreign}");
        }
    }
}
