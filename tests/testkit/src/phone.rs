//! Telephone calls from a simulated handset, and what was heard on them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::simulator::SimulatorClient;

/// Longer than the longest sentence and what comes before it; speech takes its time.
const SPEECH: Duration = Duration::from_secs(40);

/// Something that happened on a call, or in a conversation with the agent, by the simulator's clock.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    /// Counts from 1.
    pub seq: u64,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// What kind of thing.
    pub event: String,
    /// Its words.
    pub text: String,
    /// The rest.
    pub detail: Value,
}

/// A call as the handset has it, and how much of its log was looked at.
#[derive(Debug)]
pub struct Phone {
    simulator: SimulatorClient,
    sid: String,
    seen: u64,
}

impl Phone {
    /// The handset `from` calls `to`.
    ///
    /// # Errors
    /// When the simulator knows no such number.
    pub async fn dials(simulator: SimulatorClient, from: &str, to: &str) -> Result<Self> {
        let call = simulator.post(&format!("/_sim/handsets/{from}/calls"), &json!({ "to": to })).await?;
        Self::of(simulator, &call)
    }

    /// A handset's next call, once it rings.
    ///
    /// # Errors
    /// When it does not ring.
    pub async fn rings(simulator: SimulatorClient, phone: &str, calls_before: usize) -> Result<Self> {
        let path = format!("/_sim/handsets/{phone}/calls/wait?after={calls_before}&timeout_ms=40000");
        let call = simulator.get(&path).await?;
        Self::of(simulator, &call)
    }

    fn of(simulator: SimulatorClient, call: &Value) -> Result<Self> {
        let sid = call["sid"].as_str().context("a call has an id")?.to_owned();
        Ok(Self { simulator, sid, seen: 0 })
    }

    /// The carrier's id of the call.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Waits for an entry of the log (`event` or `event:part of its text`), after the last one that was waited for.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn until(&mut self, what: &str) -> Result<Entry> {
        let after = self.seen.to_string();
        let entry =
            self.simulator.wait(&format!("/_sim/calls/{}/wait", self.sid), what, &after, SPEECH).await?;
        self.seen = entry.seq;
        Ok(entry)
    }

    /// The handset's owner says something.
    ///
    /// # Errors
    /// When nobody is connected.
    pub async fn says(&self, text: &str) -> Result<()> {
        self.does("say", &json!({ "text": text })).await
    }

    /// The handset's owner answers, declines, presses keys.
    ///
    /// # Errors
    /// When the call is over.
    pub async fn does(&self, what: &str, body: &Value) -> Result<()> {
        self.simulator.post(&format!("/_sim/calls/{}/{what}", self.sid), body).await.map(drop)
    }

    /// The handset's owner presses keys.
    ///
    /// # Errors
    /// When nobody is connected.
    pub async fn presses(&self, digits: &str) -> Result<()> {
        self.does("digits", &json!({ "digits": digits })).await
    }

    /// The handset's owner picks up.
    ///
    /// # Errors
    /// When the call is over.
    pub async fn answers(&self) -> Result<()> {
        self.does("answer", &json!({})).await
    }

    /// The handset's owner hangs up.
    ///
    /// # Errors
    /// When the call is over.
    pub async fn hangs_up(&self) -> Result<()> {
        self.does("hangup", &json!({})).await
    }

    /// The log as lines of `event:text`.
    ///
    /// # Errors
    /// When the simulator is not there.
    pub async fn lines(&self) -> Result<Vec<String>> {
        Ok(self.log().await?.iter().map(Entry::line).collect())
    }

    /// Everything that happened on the call.
    ///
    /// # Errors
    /// When the simulator is not there.
    pub async fn log(&self) -> Result<Vec<Entry>> {
        let mut call = self.simulator.get(&format!("/_sim/calls/{}", self.sid)).await?;
        Ok(serde_json::from_value(call["log"].take())?)
    }
}

impl Entry {
    /// `event:text`, as it is waited for.
    pub fn line(&self) -> String {
        format!("{}:{}", self.event, self.text)
    }
}

/// A conversation with the simulated agent.
#[derive(Debug, Clone, Deserialize)]
pub struct Conversation {
    /// The vendor's id.
    pub id: String,
    /// What it was begun with; filled in when the initiation data has come.
    #[serde(default)]
    pub client_data: Value,
}

impl SimulatorClient {
    /// Every conversation with an agent, oldest first.
    ///
    /// # Errors
    /// When the simulator is not there.
    pub async fn conversations(&self) -> Result<Vec<Conversation>> {
        Ok(serde_json::from_value(self.get("/_sim/elevenlabs/conversations").await?)?)
    }

    /// Everything that happened in a conversation with an agent.
    ///
    /// # Errors
    /// When the simulator is not there.
    pub async fn conversation_log(&self, id: &str) -> Result<Vec<Entry>> {
        let mut known = self.get(&format!("/_sim/elevenlabs/conversations/{id}")).await?;
        Ok(serde_json::from_value(known["log"].take())?)
    }

    /// Waits for the first entry of a conversation's log after `after` that fits.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn conversation_until(&self, id: &str, what: &str, after: u64) -> Result<Entry> {
        let path = format!("/_sim/elevenlabs/conversations/{id}/wait");
        self.wait(&path, what, &after.to_string(), SPEECH).await
    }
}
