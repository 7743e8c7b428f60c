//! The agent socket: JSON in text frames, audio among them as base64.
//!
//! We send [`ClientEvent::ConversationInitiationClientData`] at once and before any audio, then the contact's voice with
//! [`user_audio`]. Events that the bridge has no use for (scores, reasoning, typing, rich content) are [`ServerEvent::Other`].

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use usher_conversation::voice::{
    AgentEvent, Audio, AudioFormat, Fault, Opening, ToolCall, ToolResult, Utterance,
};

use crate::frame::{FrameError, NotBase64, Text, push_audio, read, write};

/// The largest frame taken, in bytes: as much as the official client takes.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// The close code of an ordinary end, from either side.
pub const CLOSE_NORMAL: u16 = 1000;
/// The close code of a breach of contract: credentials, overrides, variables, malformed messages.
const CLOSE_CONTRACT: u16 = 1008;
/// The longest text kept of a vendor's explanation, in characters.
const MAX_REASON_CHARS: usize = 200;
/// The tool by which the agent ends the conversation.
const END_CALL: &str = "end_call";

/// A frame from the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerFrame {
    /// A piece of speech. The data is a slice of the frame.
    Audio {
        /// Never decreases; pieces of one utterance may share it.
        event: u64,
        /// The sound, in the agent's output format.
        audio: Audio,
    },
    /// Everything else.
    Event(ServerEvent),
}

/// What an agent's frame asks of the bridge.
#[derive(Debug, Clone, PartialEq)]
pub enum Reaction {
    /// To be told to the call.
    Tell(AgentEvent),
    /// To be answered at once with [`ClientEvent::Pong`] of this number.
    Pong(u64),
    /// Nothing.
    Ignore,
}

impl ServerFrame {
    /// Reads a text frame.
    pub fn decode(frame: &Bytes) -> Result<Self, FrameError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(MAX_FRAME_BYTES));
        }
        let head: ServerHead<'_> = read(frame, "agent frame")?;
        if head.kind.as_str() != "audio" {
            return read(frame, "agent event").map(Self::Event);
        }
        let piece = head.audio_event.ok_or(FrameError::Malformed("audio event"))?;
        Ok(Self::Audio { event: piece.event_id, audio: Audio::base64(piece.audio_base_64.bytes(frame)) })
    }

    /// Appends the frame as the agent's side writes it. On an error `out` is as it was.
    pub fn encode(&self, out: &mut String) -> Result<(), NotBase64> {
        match self {
            Self::Audio { event, audio } => {
                let before = out.len();
                out.push_str(r#"{"type":"audio","audio_event":{"audio_base_64":""#);
                if let Err(error) = push_audio(audio, out) {
                    out.truncate(before);
                    return Err(error);
                }
                out.extend([r#"","event_id":"#, &event.to_string(), "}}"]);
            }
            Self::Event(event) => write(event, out),
        }
        Ok(())
    }

    /// What it asks of the bridge.
    pub fn react(self) -> Reaction {
        match self {
            Self::Audio { event, audio } => Reaction::Tell(AgentEvent::Audio { event, audio }),
            Self::Event(event) => event.react(),
        }
    }
}

#[derive(Deserialize)]
struct ServerHead<'f> {
    #[serde(borrow, rename = "type")]
    kind: Text<'f>,
    #[serde(borrow)]
    audio_event: Option<AudioPart<'f>>,
}

#[derive(Deserialize)]
struct AudioPart<'f> {
    #[serde(borrow)]
    audio_base_64: Text<'f>,
    #[serde(default)]
    event_id: u64,
}

/// An event that is not audio, in the vendor's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerEvent {
    /// The first event.
    ConversationInitiationMetadata {
        /// Ids and formats.
        #[serde(rename = "conversation_initiation_metadata_event")]
        metadata: Metadata,
    },
    /// The contact's words, final.
    UserTranscript {
        /// The words.
        #[serde(rename = "user_transcription_event")]
        transcript: UserTranscript,
    },
    /// The contact's words so far.
    TentativeUserTranscript {
        /// The words.
        #[serde(rename = "tentative_user_transcription_event")]
        transcript: UserTranscript,
    },
    /// The full text of a turn, around its first audio.
    AgentResponse {
        /// The words.
        #[serde(rename = "agent_response_event")]
        response: AgentResponse,
    },
    /// What was spoken of an interrupted turn.
    AgentResponseCorrection {
        /// Before and after.
        #[serde(rename = "agent_response_correction_event")]
        correction: Correction,
    },
    /// The contact speaks over the agent.
    Interruption {
        /// Audio up to this is stale.
        #[serde(rename = "interruption_event")]
        interruption: EventId,
    },
    /// Wants a pong.
    Ping {
        /// Which.
        #[serde(rename = "ping_event")]
        ping: Ping,
    },
    /// One of our tools is wanted.
    ClientToolCall {
        /// Which, and with what.
        #[serde(rename = "client_tool_call")]
        call: ClientToolCall,
    },
    /// One of the agent's own tools has run.
    AgentToolResponse {
        /// Which.
        #[serde(rename = "agent_tool_response")]
        response: AgentToolResponse,
    },
    /// Comes just before the socket is closed.
    Error {
        /// Why.
        #[serde(rename = "error_event")]
        error: ErrorEvent,
    },
    /// An event the bridge has no use for.
    #[serde(other)]
    Other,
}

/// Ids and formats of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `conv_…`.
    pub conversation_id: String,
    /// What the agent speaks.
    pub agent_output_audio_format: String,
    /// What it wants to hear; `pcm_16000` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_input_audio_format: Option<String>,
}

/// The contact's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTranscript {
    /// The words.
    pub user_transcript: String,
    /// Place in the order of events.
    #[serde(default)]
    pub event_id: u64,
}

/// The agent's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentResponse {
    /// The words.
    pub agent_response: String,
    /// Place in the order of events.
    #[serde(default)]
    pub event_id: u64,
}

/// An interrupted turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// What would have been said.
    #[serde(default)]
    pub original_agent_response: String,
    /// What was said, by the agent's estimate.
    pub corrected_agent_response: String,
    /// Place in the order of events.
    #[serde(default)]
    pub event_id: u64,
}

/// A number in the order of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventId {
    /// The number.
    pub event_id: u64,
}

/// A question for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// To be repeated in the answer; 0 is a number like any other.
    pub event_id: u64,
    /// The latency measured before, in milliseconds. Not a delay to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping_ms: Option<u64>,
}

/// A wish for one of our tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientToolCall {
    /// The tool, exactly as defined.
    pub tool_name: String,
    /// To be repeated in the result.
    pub tool_call_id: String,
    /// Unchecked.
    #[serde(default)]
    pub parameters: Value,
    /// Place in the order of events.
    #[serde(default)]
    pub event_id: u64,
}

/// One of the agent's own tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentToolResponse {
    /// `end_call`, ….
    pub tool_name: String,
    /// The vendor's id of the call.
    #[serde(default)]
    pub tool_call_id: String,
    /// `system`, `webhook`, ….
    #[serde(default)]
    pub tool_type: String,
    /// It failed.
    #[serde(default)]
    pub is_error: bool,
    /// Place in the order of events.
    #[serde(default)]
    pub event_id: u64,
}

/// Why the agent gives up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// The close code that follows.
    pub code: u16,
    /// `override_error`, `llm_timeout`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For people, shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ServerEvent {
    fn react(self) -> Reaction {
        let words = |event, text: String| Utterance { event, text: text.trim().to_owned() };
        Reaction::Tell(match self {
            Self::ConversationInitiationMetadata { metadata } => metadata.ready(),
            Self::UserTranscript { transcript } => {
                AgentEvent::Heard(words(transcript.event_id, transcript.user_transcript))
            }
            Self::TentativeUserTranscript { transcript } => AgentEvent::Hearing(transcript.user_transcript),
            Self::AgentResponse { response } => {
                AgentEvent::Said(words(response.event_id, response.agent_response))
            }
            Self::AgentResponseCorrection { correction } => {
                AgentEvent::Corrected(words(correction.event_id, correction.corrected_agent_response))
            }
            Self::Interruption { interruption } => AgentEvent::Interrupted { event: interruption.event_id },
            Self::Ping { ping } => return Reaction::Pong(ping.event_id),
            Self::ClientToolCall { call } => AgentEvent::Tool(ToolCall {
                id: call.tool_call_id,
                name: call.tool_name,
                parameters: call.parameters,
            }),
            Self::AgentToolResponse { response } if response.tool_name == END_CALL && !response.is_error => {
                AgentEvent::Goodbye
            }
            Self::Error { error } => AgentEvent::Gone(error.fault()),
            Self::AgentToolResponse { .. } | Self::Other => return Reaction::Ignore,
        })
    }
}

impl Metadata {
    /// A format that is not known is noise on the line: better no agent than that.
    fn ready(self) -> AgentEvent {
        let input = self.user_input_audio_format.as_deref().unwrap_or("pcm_16000");
        match (input.parse::<AudioFormat>(), self.agent_output_audio_format.parse::<AudioFormat>()) {
            (Ok(input), Ok(output)) => {
                AgentEvent::Ready { conversation: self.conversation_id, input, output }
            }
            (Err(unknown), _) | (_, Err(unknown)) => AgentEvent::Gone(Fault::Refused(unknown.to_string())),
        }
    }
}

impl ErrorEvent {
    fn fault(&self) -> Fault {
        let words = self.reason.as_deref().or(self.message.as_deref()).unwrap_or_default();
        let kind = self.error_type.as_deref().unwrap_or("error");
        fault(Some(self.code), &format!("{kind}: {words}"))
    }
}

/// What the end of the socket means. `code` is absent when the connection was lost without a close frame.
pub fn fault(code: Option<u16>, reason: &str) -> Fault {
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect();
    match code {
        Some(CLOSE_NORMAL) => Fault::Ended,
        Some(CLOSE_CONTRACT) => Fault::Refused(reason),
        _ => Fault::Lost(reason),
    }
}

/// A frame to the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientFrame {
    /// The contact's voice, in the agent's input format.
    Audio(Audio),
    /// Everything else.
    Event(ClientEvent),
}

impl ClientFrame {
    /// Reads a text frame as the agent's side does: an event that is not known is an error (`invalid_message`).
    pub fn decode(frame: &Bytes) -> Result<Self, FrameError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(MAX_FRAME_BYTES));
        }
        let head: ClientHead<'_> = read(frame, "client frame")?;
        match head.user_audio_chunk {
            Some(chunk) => Ok(Self::Audio(Audio::base64(chunk.bytes(frame)))),
            None => read(frame, "client event").map(Self::Event),
        }
    }

    /// Appends the frame. On an error `out` is as it was.
    pub fn encode(&self, out: &mut String) -> Result<(), NotBase64> {
        match self {
            Self::Audio(audio) => user_audio(audio, out),
            Self::Event(event) => {
                event.encode(out);
                Ok(())
            }
        }
    }
}

#[derive(Deserialize)]
struct ClientHead<'f> {
    #[serde(borrow)]
    user_audio_chunk: Option<Text<'f>>,
}

/// Appends the frame that lets the agent hear `audio`; the only one without a type. On an error `out` is as it was.
pub fn user_audio(audio: &Audio, out: &mut String) -> Result<(), NotBase64> {
    let before = out.len();
    out.push_str(r#"{"user_audio_chunk":""#);
    if let Err(error) = push_audio(audio, out) {
        out.truncate(before);
        return Err(error);
    }
    out.push_str(r#""}"#);
    Ok(())
}

/// What we tell the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientEvent {
    /// The first frame, before any audio.
    ConversationInitiationClientData(Box<Initiation>),
    /// Answers a ping.
    Pong {
        /// The ping's.
        event_id: u64,
    },
    /// As if the contact had said it: the agent answers.
    UserMessage {
        /// The words.
        text: String,
    },
    /// Somebody is there: puts off the agent's next turn.
    UserActivity,
    /// For the model to know; no answer.
    ContextualUpdate {
        /// What to know.
        text: String,
        /// Only the newest text of an id is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context_id: Option<String>,
    },
    /// What came of a tool.
    ClientToolResult {
        /// The call's.
        tool_call_id: String,
        /// JSON as text.
        result: String,
        /// It failed.
        is_error: bool,
    },
}

impl ClientEvent {
    /// Appends the frame.
    pub fn encode(&self, out: &mut String) {
        write(self, out);
    }
}

impl From<ToolResult> for ClientEvent {
    fn from(ToolResult { id, result, is_error }: ToolResult) -> Self {
        Self::ClientToolResult { tool_call_id: id, result, is_error }
    }
}

/// How a conversation begins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Initiation {
    /// Settings of the agent changed for this conversation. Each must be enabled on the agent, or it refuses to talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_config_override: Option<ConfigOverride>,
    /// Values for the `{{names}}` of prompt, first message and tools.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dynamic_variables: BTreeMap<String, Value>,
    /// Comes back in the post-call webhook: our id of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The settings that may be changed for one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConfigOverride {
    /// Of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentOverride>,
    /// Of its recogniser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asr: Option<AsrOverride>,
}

/// Settings of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentOverride {
    /// The first words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_message: Option<String>,
    /// `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Settings of the recogniser.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AsrOverride {
    /// Words to listen for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
}

impl Initiation {
    /// The beginning of a conversation. Variables need nobody's permission, so the first message is always among them, as
    /// `first_message`; `overrides` says whether the agent also allows its settings to be changed, as those made with
    /// [`super::setup`] do.
    pub fn new(opening: &Opening, user_id: &str, overrides: bool) -> Self {
        let mut dynamic_variables: BTreeMap<String, Value> = (opening.variables.iter())
            // Reserved for the vendor.
            .filter(|(name, _)| !name.starts_with("system__"))
            .map(|(name, value)| (name.clone(), scalar(value)))
            .collect();
        if let Some(first) = &opening.first_message {
            dynamic_variables.insert("first_message".to_owned(), Value::from(first.as_str()));
        }
        let conversation_config_override = overrides.then(|| ConfigOverride {
            agent: Some(AgentOverride {
                first_message: opening.first_message.clone(),
                language: (!opening.language.is_empty()).then(|| opening.language.clone()),
            }),
            asr: (!opening.keywords.is_empty()).then(|| AsrOverride { keywords: opening.keywords.clone() }),
        });
        Self { conversation_config_override, dynamic_variables, user_id: Some(user_id.to_owned()) }
    }
}

/// Variables are strings, numbers or booleans; anything else goes as text, nothing as empty text.
fn scalar(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => value.clone(),
        Value::Null => Value::from(""),
        Value::Array(_) | Value::Object(_) => Value::from(value.to_string()),
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
