//! The simulator's control API, as a person at the handset uses it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use url::Url;

use crate::phone::Entry;

/// An answer comes so long after what was waited for at most.
const MARGIN: Duration = Duration::from_secs(10);

/// Some questions are answered once something has happened.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A client of a running simulator.
#[derive(Debug, Clone)]
pub struct SimulatorClient {
    base: String,
    http: reqwest::Client,
}

impl SimulatorClient {
    /// A client of the simulator at `base`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str) -> Result<Self> {
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http: crate::http::client()? })
    }

    /// Posts to the control API.
    ///
    /// # Errors
    /// When the simulator refuses, with what it says.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let response = self.http.post(format!("{}{path}", self.base)).json(body).send().await?;
        let status = response.status();
        let text = response.text().await?;
        anyhow::ensure!(status.is_success(), "POST {path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Asks the control API.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.base)).timeout(LONGEST_WAIT);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Asks one of the simulated vendors' APIs, with a key as `Authorization: Bearer`.
    ///
    /// # Errors
    /// When the vendor refuses, with what it says.
    pub async fn vendor(&self, key: &str, method: &str, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.request(method.parse()?, format!("{}{path}", self.base));
        let response = request.bearer_auth(key).json(body).send().await?;
        let status = response.status();
        let text = response.text().await?;
        anyhow::ensure!(status.is_success(), "{method} {path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Waits for the first entry of a log after a number that fits.
    pub(crate) async fn wait(
        &self,
        path: &str,
        what: &str,
        after: &str,
        patience: Duration,
    ) -> Result<Entry> {
        let millis = patience.as_millis().to_string();
        let mut url = Url::parse(&format!("{}{path}", self.base))?;
        url.query_pairs_mut().extend_pairs([("until", what), ("after", after), ("timeout_ms", &millis)]);
        let request = self.http.get(url).timeout(patience + MARGIN);
        let answer = request.send().await?.error_for_status();
        Ok(answer.with_context(|| format!("waiting for {what}"))?.json().await?)
    }

    /// The phone texts the number; answers when the simulator took it, which is before the webhook ends.
    ///
    /// # Errors
    /// When the simulator refuses or is not there.
    pub async fn text(&self, phone: &str, to: &str, body: &str) -> Result<Value> {
        self.post(&format!("/_sim/handsets/{phone}/messages"), &json!({ "to": to, "body": body })).await
    }

    /// Everything the phone sent and got, oldest first.
    ///
    /// # Errors
    /// When the simulator is not there.
    pub async fn conversation(&self, phone: &str) -> Result<Vec<Value>> {
        Ok(list(self.get(&format!("/_sim/handsets/{phone}/messages")).await?))
    }

    /// Every message of every phone, newest first.
    ///
    /// # Errors
    /// When the simulator is not there.
    pub async fn messages(&self) -> Result<Vec<Value>> {
        Ok(list(self.get("/_sim/messages?limit=1000000").await?))
    }

    /// Makes the simulator misbehave.
    ///
    /// # Errors
    /// When it does not know the fault.
    pub async fn fault(&self, fault: &Value) -> Result<Value> {
        self.post("/_sim/faults", fault).await
    }
}

/// A list, bare or under `messages`.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Object(mut object) => match object.remove("messages") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
