//! What the two sides of a call tell the call actor, and what it tells the agent.

use std::collections::BTreeMap;

use serde_json::Value;

use super::audio::{Audio, AudioFormat};

/// What comes from the carrier: the contact's side.
#[derive(Debug, Clone, PartialEq)]
pub enum CarrierEvent {
    /// The contact's voice, in the carrier's format. Order of arrival is order of speech.
    Audio(Audio),
    /// A key was pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    Digit(char),
    /// Everything sent before the mark of this number was played, or thrown away by a later `clear`.
    Played(u64),
    /// The contact typed instead of speaking (the widget's text fallback).
    Typed(String),
    /// The line is closed from the other side; nothing more will come.
    Hangup,
}

/// What comes from the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The agent is there.
    Ready {
        /// The vendor's id of the conversation.
        conversation: String,
        /// What it wants to hear.
        input: AudioFormat,
        /// What it speaks.
        output: AudioFormat,
    },
    /// A piece of speech in the agent's output format. `event` never decreases; pieces of one utterance may share it.
    Audio {
        /// The vendor's event number.
        event: u64,
        /// The sound.
        audio: Audio,
    },
    /// The full text of what the agent says next, or is saying; before or after its first audio.
    Said(Utterance),
    /// The contact interrupted: of this utterance only so much was spoken, by the agent's own estimate.
    Corrected(Utterance),
    /// The contact's words, recognised and final.
    Heard(Utterance),
    /// The contact's words so far, for captions.
    Hearing(String),
    /// The contact speaks over the agent: audio with a number up to and including `event` is stale.
    Interrupted {
        /// The vendor's event number.
        event: u64,
    },
    /// The agent wants something done and waits for the [`ToolResult`].
    Tool(ToolCall),
    /// The agent has said goodbye: the call ends when its words have been played.
    Goodbye,
    /// The agent's side is gone. Nothing more comes.
    Gone(Fault),
}

/// Words with their place in the vendor's order of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// The vendor's event number.
    pub event: u64,
    /// The words.
    pub text: String,
}

/// What the agent wants done.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The vendor's id of this request.
    pub id: String,
    /// The tool, e.g. `record_answer`.
    pub name: String,
    /// Its parameters, unchecked.
    pub parameters: Value,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The request.
    pub id: String,
    /// JSON as text, for the model to read.
    pub result: String,
    /// Whether it failed; the text then says why.
    pub is_error: bool,
}

/// Why the agent's side is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It ended the conversation in order.
    Ended,
    /// It broke, and may work again at once: dial once more.
    Lost(String),
    /// It will not talk to us as we are set up (credentials, quota, overrides): do not dial again, tell staff.
    Refused(String),
}

/// Why an agent could not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Try again.
    #[error("the agent cannot be reached: {0}")]
    Unreachable(String),
    /// Trying again is useless.
    #[error("the agent refuses: {0}")]
    Refused(String),
}

/// How an agent is greeted: everything it must know before the first word.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Opening {
    /// Values for the `{{names}}` in the agent's prompt and first message; strings, numbers or booleans.
    pub variables: BTreeMap<String, Value>,
    /// The first words, when the agent lets us choose them; empty when it shall wait.
    pub first_message: Option<String>,
    /// The contact's last words before a break of the line, of which nothing has come: an agent that can be told them
    /// waits for them instead of saying the first message.
    pub contact_said: Option<String>,
    /// Language of the conversation, e.g. `en`.
    pub language: String,
    /// Words it should listen for: names, labels.
    pub keywords: Vec<String>,
}
