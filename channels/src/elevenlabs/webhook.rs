//! What `ElevenLabs` posts after a call. Deliveries may be lost or repeated: a conversation can also be fetched, and its kind
//! and id name it.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use usher_conversation::time::Timestamp;

use crate::frame::{FrameError, Text, read};
use crate::proof::{ProofError, check, fresh, hmac_sha256};

/// The header that holds the signature.
pub const SIGNATURE_HEADER: &str = "elevenlabs-signature";
/// The largest body taken, in bytes: a transcript of a long call. Do not subscribe to audio.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// How old a signature may be, as in the official clients.
const PAST_MILLIS: i64 = 30 * 60 * 1_000;
/// How far ahead of ours the vendor's clock may be.
const AHEAD_MILLIS: i64 = 5 * 60 * 1_000;

/// Checks `t=<seconds>,v0=<hex>` over the raw body.
pub fn verify(
    secret: &SecretString,
    header: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), ProofError> {
    let header = header.filter(|header| !header.is_empty()).ok_or(ProofError::Missing)?;
    if secret.expose_secret().is_empty() {
        return Err(ProofError::Malformed);
    }
    let part = |name| header.split(',').find_map(|part| part.strip_prefix(name));
    let (time, given) = part("t=").zip(part("v0=")).ok_or(ProofError::Malformed)?;
    let seconds: i64 = time.parse().map_err(|_| ProofError::Malformed)?;
    let signed = Timestamp::from_millis(seconds.saturating_mul(1_000));
    check(&hmac_sha256(secret, &[time.as_bytes(), b".", body]), given)?;
    fresh(signed, now, PAST_MILLIS, AHEAD_MILLIS)
}

/// Signs a body as the vendor does.
pub fn sign(secret: &SecretString, body: &[u8], at: Timestamp) -> String {
    let seconds = (at.as_millis() / 1_000).to_string();
    let digest = hmac_sha256(secret, &[seconds.as_bytes(), b".", body]);
    format!("t={seconds},v0={digest}")
}

/// What is posted.
#[derive(Debug, Clone, PartialEq)]
pub enum PostCall {
    /// A conversation is over and was looked through.
    Transcription(Box<Conversation>),
    /// The vendor's own outbound call was not answered.
    InitiationFailure(InitiationFailure),
    /// A kind not known here: answer 200 and forget it.
    Other,
}

/// A call of the vendor's own that was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InitiationFailure {
    /// The agent.
    pub agent_id: String,
    /// The conversation that was to be.
    pub conversation_id: String,
    /// `busy`, `no-answer`, `unknown`.
    pub failure_reason: String,
}

#[derive(Deserialize)]
struct Kind<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
}

#[derive(Deserialize)]
struct Posted<T> {
    data: T,
}

impl PostCall {
    /// Reads a body whose signature was checked.
    pub fn parse(body: &[u8]) -> Result<Self, FrameError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(FrameError::TooLarge(MAX_BODY_BYTES));
        }
        let Kind { kind } = read(body, "post-call webhook")?;
        Ok(match kind.as_str() {
            "post_call_transcription" => {
                Self::Transcription(read::<Posted<_>>(body, "post-call transcription")?.data)
            }
            "call_initiation_failure" => {
                Self::InitiationFailure(read::<Posted<_>>(body, "call initiation failure")?.data)
            }
            _ => Self::Other,
        })
    }
}

/// A conversation, as the webhook and the API tell it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Conversation {
    /// The agent.
    pub agent_id: String,
    /// `conv_…`.
    pub conversation_id: String,
    /// `initiated`, `in-progress`, `processing`, `done`, `failed`.
    #[serde(default)]
    pub status: String,
    /// What we called it when it began.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Who said what.
    #[serde(default)]
    pub transcript: Vec<Turn>,
    /// Times and cost.
    #[serde(default)]
    pub metadata: Metadata,
    /// The vendor's judgement; once `status` is `done`.
    #[serde(default)]
    pub analysis: Option<Analysis>,
    /// How it began.
    #[serde(default)]
    pub conversation_initiation_client_data: Began,
}

/// A turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Turn {
    /// `agent` or `user`.
    pub role: String,
    /// The words; null in a turn of tools only.
    #[serde(default)]
    pub message: Option<String>,
    /// Seconds since the beginning.
    #[serde(default)]
    pub time_in_call_secs: u32,
}

/// Times and cost of a conversation.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Metadata {
    /// When it began, in seconds since 1970.
    #[serde(default)]
    pub start_time_unix_secs: Option<i64>,
    /// How long it lasted, in seconds.
    #[serde(default)]
    pub call_duration_secs: Option<u32>,
    /// In the vendor's credits.
    #[serde(default)]
    pub cost: Option<f64>,
    /// Why it ended, for people.
    #[serde(default)]
    pub termination_reason: Option<String>,
}

/// The vendor's judgement of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Analysis {
    /// `success`, `failure`, `unknown`.
    #[serde(default)]
    pub call_successful: String,
    /// A few sentences.
    #[serde(default)]
    pub transcript_summary: String,
}

/// How a conversation began.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Began {
    /// The variables it was given.
    #[serde(default)]
    pub dynamic_variables: BTreeMap<String, Value>,
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
