//! A call, as the API, the webhooks and the custom-LLM socket tell it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A call. Which members are there depends on how far it has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Call {
    /// The vendor's id.
    pub call_id: String,
    /// `phone_call` or `web_call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_type: Option<String>,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// `registered`, `not_connected`, `ongoing`, `ended`, `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_status: Option<String>,
    /// `inbound` or `outbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<String>,
    /// Whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_number: Option<String>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timestamp: Option<i64>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_timestamp: Option<i64>,
    /// How long it lasted, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Why it ended: an open set of words, see [`Self::end`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnection_reason: Option<String>,
    /// Where the recording is, for a short time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_url: Option<String>,
    /// The whole conversation as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// What we called it when it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The variables it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retell_llm_dynamic_variables: Option<BTreeMap<String, String>>,
    /// The vendor's judgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_analysis: Option<CallAnalysis>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_cost: Option<CallCost>,
}

/// The vendor's judgement of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallAnalysis {
    /// A few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_summary: Option<String>,
    /// A machine answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_voicemail: Option<bool>,
    /// `Negative`, `Positive`, `Neutral`, `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_sentiment: Option<String>,
    /// It did what it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_successful: Option<bool>,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CallCost {
    /// In cents.
    #[serde(default)]
    pub combined_cost: f64,
}

impl Call {
    /// Why it ended, as far as it matters to us; `None` while it lasts.
    pub fn end(&self) -> Option<usher_conversation::voice::CallEnd> {
        use usher_conversation::voice::CallEnd;
        Some(match self.disconnection_reason.as_deref()? {
            "user_hangup" => CallEnd::ContactHungUp,
            "agent_hangup" | "inactivity" | "manual_stopped" => CallEnd::Finished,
            "call_transfer" | "transfer_bridged" | "call_take_over" => CallEnd::Transferred,
            "voicemail_reached" | "ivr_reached" => CallEnd::Voicemail,
            "dial_no_answer" | "registered_call_timeout" | "error_user_not_joined" => CallEnd::NoAnswer,
            "dial_busy" | "user_declined" => CallEnd::Busy,
            "max_duration_reached" => CallEnd::TooLong,
            // Everything else is a fault of a line, a limit or a machine.
            _ => CallEnd::Failed,
        })
    }
}
