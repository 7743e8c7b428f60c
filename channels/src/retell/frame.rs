//! The custom-LLM socket: Retell dials us for each call, hears and speaks by itself, and asks for the words.
//!
//! Text frames only: a binary one breaks the call. Only the newest `response_id` is listened to, so a new request makes
//! everything still being said for an older one obsolete.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::Call;
use crate::frame::{FrameError, read, write};

/// The largest frame taken, in bytes: each holds the whole conversation so far, with the time of each word.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;
/// What stands for speech that could not be understood.
pub const UNINTELLIGIBLE: &str = "(unintelligible audio)";

/// A frame from Retell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "interaction_type", rename_all = "snake_case")]
pub enum Request {
    /// Comes first, when asked for by [`Config::call_details`].
    CallDetails {
        /// The call.
        call: Box<Call>,
    },
    /// To be echoed at once.
    PingPong {
        /// In milliseconds since 1970.
        timestamp: i64,
    },
    /// Something was said. Never to be answered.
    UpdateOnly {
        /// Everything said so far.
        #[serde(default)]
        transcript: Vec<Turn>,
        /// Whose turn it has become, at changes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turntaking: Option<Turntaking>,
    },
    /// The contact waits for words.
    ResponseRequired {
        /// To be repeated in the answer.
        #[serde(default)]
        response_id: u64,
        /// Everything said so far.
        #[serde(default)]
        transcript: Vec<Turn>,
    },
    /// The contact has been silent for long: speak, or answer with no words.
    ReminderRequired {
        /// To be repeated in the answer.
        #[serde(default)]
        response_id: u64,
        /// Everything said so far.
        #[serde(default)]
        transcript: Vec<Turn>,
    },
    /// A frame not known here: to be ignored.
    #[serde(other)]
    Other,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turntaking {
    /// Ours.
    AgentTurn,
    /// The contact's.
    UserTurn,
}

/// Something said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// `agent` or `user`.
    pub role: String,
    /// The words.
    pub content: String,
}

impl Request {
    /// Reads a text frame.
    pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(MAX_FRAME_BYTES));
        }
        read(frame, "interaction")
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut String) {
        write(self, out);
    }
}

/// The contact's words since we last spoke; `None` when there are none that were understood.
pub fn heard(transcript: &[Turn]) -> Option<String> {
    let after = transcript.iter().rposition(|turn| turn.role != "user").map_or(0, |last| last + 1);
    let words: Vec<&str> = transcript[after..]
        .iter()
        .map(|turn| turn.content.trim())
        .filter(|words| !words.is_empty() && *words != UNINTELLIGIBLE)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A frame to Retell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "response_type", rename_all = "snake_case")]
pub enum Response {
    /// Once, as soon as the socket is open.
    Config {
        /// What the socket is to do.
        config: Config,
    },
    /// Echoes a ping.
    PingPong {
        /// The ping's.
        timestamp: i64,
    },
    /// Words for the contact, or a part of them.
    Response(Words),
    /// Words that nobody asked for, spoken at once.
    AgentInterrupt {
        /// Counts these, from 1.
        interrupt_id: u64,
        /// The words.
        content: String,
        /// Nothing follows.
        content_complete: bool,
        /// The contact cannot speak over it.
        #[serde(default, skip_serializing_if = "is_false")]
        no_interruption_allowed: bool,
    },
    /// A note in the vendor's transcript; it runs nothing.
    ToolCallInvocation {
        /// Ours.
        tool_call_id: String,
        /// The tool.
        name: String,
        /// JSON as text.
        arguments: String,
    },
    /// The note's counterpart.
    ToolCallResult {
        /// The invocation's.
        tool_call_id: String,
        /// What came of it.
        content: String,
        /// Whether it worked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        successful: Option<bool>,
    },
    /// Changes the agent for this call.
    UpdateAgent {
        /// What to change.
        agent_config: AgentConfig,
    },
    /// A note for whoever looks on.
    Metadata {
        /// Anything.
        metadata: Map<String, Value>,
    },
}

/// What the socket is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Config {
    /// Exchange pings and connect again when they cease.
    pub auto_reconnect: bool,
    /// Begin with [`Request::CallDetails`].
    pub call_details: bool,
    /// Add our notes to each transcript.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transcript_with_tool_calls: bool,
}

/// Words for the contact.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Words {
    /// The request's; 0 for the greeting.
    pub response_id: u64,
    /// The words, or the next of them.
    pub content: String,
    /// Nothing follows.
    pub content_complete: bool,
    /// Hang up once they were spoken, unless the contact interrupts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub end_call: bool,
    /// Connect to this number once they were spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_number: Option<String>,
    /// Show the contact's number to whom they are transferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_transferee_as_caller: Option<bool>,
    /// Press this key once they were spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digit_to_press: Option<String>,
    /// The contact cannot speak over them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_interruption_allowed: bool,
}

/// Settings of the agent that may change during a call.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct AgentConfig {
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsiveness: Option<f64>,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption_sensitivity: Option<f64>,
    /// Silence before a reminder, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_trigger_ms: Option<u64>,
    /// Reminders in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_max_count: Option<u32>,
}

impl Response {
    /// Appends the frame.
    pub fn encode(&self, out: &mut String) {
        write(self, out);
    }

    /// Reads a text frame, as Retell does: without a type it is words.
    pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            response_type: Option<serde::de::IgnoredAny>,
        }
        match read::<Head>(frame, "response")?.response_type {
            Some(_) => read(frame, "response"),
            None => read(frame, "response").map(Self::Response),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
