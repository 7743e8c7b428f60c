//! What Vapi posts while a call goes on, and the answers to the few messages that want one.
//!
//! There is no event id: a message is known by its call, type and time, a report by its call.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use usher_conversation::voice::{CallEnd, ToolCall, ToolResult};

use crate::frame::{FrameError, read};

/// The largest body taken, in bytes: a report with the whole conversation.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A message with what all have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerMessage {
    /// The call; absent only in messages about none.
    pub call: Option<Call>,
    /// In milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// What happened.
    pub news: News,
}

/// A call, as the messages and the API tell it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The vendor's id.
    pub id: String,
    /// `inboundPhoneCall`, `outboundPhoneCall`, `webCall`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `queued`, `ringing`, `in-progress`, `forwarding`, `ended`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// The assistant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant_id: Option<String>,
    /// The vendor's id of our number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The carrier's id of the call, e.g. `CA…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_call_provider_id: Option<String>,
    /// Where the call can be followed and steered while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// Why it ended: an open set of words, see [`call_end`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_reason: Option<String>,
    /// In dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// The contact of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// In E.164 form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What we call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// Addresses of a call that lasts. Whoever knows them may listen and steer.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Monitor {
    /// A socket with the sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_url: Option<String>,
    /// Where [`super::client::Control`] is posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_url: Option<String>,
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum News {
    /// Somebody calls a number without an assistant: [`AssistantAnswer`] within 7.5 s.
    AssistantRequest,
    /// Tools are wanted: [`tool_results`].
    ToolCalls {
        /// Which; in two documented shapes.
        #[serde(default)]
        tool_call_list: Vec<WantedTool>,
    },
    /// How far the call has come.
    StatusUpdate {
        /// As in [`Call::status`].
        status: String,
        /// Why it ended.
        #[serde(default)]
        ended_reason: Option<String>,
    },
    /// The call is over.
    EndOfCallReport(Box<Report>),
    /// Something was said.
    #[serde(alias = "transcript[transcriptType=\"final\"]")]
    Transcript {
        /// `user` or `assistant`.
        role: String,
        /// `partial` or `final`.
        #[serde(default)]
        transcript_type: String,
        /// The words.
        transcript: String,
    },
    /// Somebody begins or ceases to speak.
    SpeechUpdate {
        /// `started` or `stopped`.
        status: String,
        /// `user` or `assistant`.
        role: String,
    },
    /// The contact spoke over the assistant.
    UserInterrupted,
    /// The assistant took too long to answer.
    Hang,
    /// The whole conversation so far.
    ConversationUpdate,
    /// A piece of the model's output.
    ModelOutput,
    /// Where should the call go? Answer with [`destination`].
    TransferDestinationRequest,
    /// The call goes elsewhere.
    TransferUpdate,
    /// The network should do something; only where the network is ours.
    PhoneCallControl {
        /// `forward` or `hang-up`.
        request: String,
    },
    /// Knowledge is wanted: `{"documents":[…]}`.
    KnowledgeBaseRequest {
        /// The conversation.
        #[serde(default)]
        messages: Vec<Value>,
    },
    /// The contact speaks another language.
    LanguageChangeDetected {
        /// Which.
        language: String,
    },
    /// A message not known here: answer 200 and forget it.
    #[serde(other)]
    Other,
}

/// How a call went.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// Why it ended: an open set of words, see [`call_end`].
    pub ended_reason: String,
    /// ISO 8601.
    pub started_at: Option<String>,
    /// ISO 8601.
    pub ended_at: Option<String>,
    /// In dollars.
    pub cost: Option<f64>,
    /// What was said.
    pub artifact: Artifact,
    /// The vendor's judgement.
    pub analysis: Analysis,
}

/// What was said on a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Artifact {
    /// As one text.
    pub transcript: Option<String>,
    /// Where the recording is.
    pub recording_url: Option<String>,
}

/// The vendor's judgement of a call.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Analysis {
    /// A few sentences.
    pub summary: Option<String>,
    /// What was asked to be found in it.
    pub structured_data: Option<Value>,
    /// As text, e.g. `true`.
    pub success_evaluation: Option<Value>,
}

/// A wish for a tool. Documents show `{id, function: {name, arguments}}` and `{id, name, parameters}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WantedTool {
    id: String,
    #[serde(default)]
    function: Option<Function>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, alias = "arguments")]
    parameters: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Function {
    name: String,
    #[serde(default, alias = "parameters")]
    arguments: Option<Value>,
}

impl WantedTool {
    /// The wish; parameters that came as JSON text are read, and what is no JSON is left as it is.
    pub fn into_call(self) -> ToolCall {
        let (name, parameters) = match self.function {
            Some(function) => (function.name, function.arguments.or(self.parameters)),
            None => (self.name.unwrap_or_default(), self.parameters),
        };
        let parameters = match parameters {
            Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            Some(value) => value,
            None => Value::Object(Map::new()),
        };
        ToolCall { id: self.id, name, parameters }
    }
}

impl ServerMessage {
    /// Reads a body whose sender was checked.
    pub fn parse(body: &[u8]) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            message: T,
        }
        #[derive(Deserialize)]
        struct Common {
            #[serde(default)]
            call: Option<Call>,
            #[serde(default)]
            timestamp: Option<i64>,
        }
        if body.len() > MAX_BODY_BYTES {
            return Err(FrameError::TooLarge(MAX_BODY_BYTES));
        }
        let Envelope { message: Common { call, timestamp } } = read(body, "server message")?;
        let Envelope { message: news } = read(body, "server message")?;
        Ok(Self { call, timestamp, news })
    }
}

/// Why a call ended, as far as it matters to us.
pub fn call_end(reason: &str) -> CallEnd {
    match reason {
        "customer-ended-call" => CallEnd::ContactHungUp,
        "assistant-ended-call" | "assistant-said-end-call-phrase" | "silence-timed-out" => CallEnd::Finished,
        "assistant-forwarded-call" => CallEnd::Transferred,
        "voicemail" => CallEnd::Voicemail,
        "customer-did-not-answer" => CallEnd::NoAnswer,
        "customer-busy" => CallEnd::Busy,
        "exceeded-max-duration" => CallEnd::TooLong,
        "manually-canceled" | "scheduled-call-deleted" => CallEnd::Canceled,
        // Hundreds of names for faults of one part or another.
        _ => CallEnd::Failed,
    }
}

/// Who takes a call.
#[derive(Debug, Clone, PartialEq)]
pub enum AssistantAnswer<'a> {
    /// This assistant, with these values for its variables.
    Assistant {
        /// The vendor's id.
        id: &'a str,
        /// The values.
        variables: Map<String, Value>,
    },
    /// This number.
    Number(&'a str),
    /// Nobody; the caller hears why.
    Error(&'a str),
}

impl AssistantAnswer<'_> {
    /// The body of the answer.
    pub fn body(&self) -> Value {
        match self {
            Self::Assistant { id, variables } if variables.is_empty() => json!({ "assistantId": id }),
            Self::Assistant { id, variables } => {
                json!({ "assistantId": id, "assistantOverrides": { "variableValues": variables } })
            }
            Self::Number(number) => destination(number, None),
            Self::Error(words) => json!({ "error": words }),
        }
    }
}

/// The answer that sends a call to a number, with words for the caller before.
pub fn destination(number: &str, message: Option<&str>) -> Value {
    let mut destination = json!({ "type": "number", "number": number });
    if let Some(message) = message {
        destination["message"] = json!(message);
    }
    json!({ "destination": destination })
}

/// The answer to [`News::ToolCalls`]: HTTP 200 even when tools failed. Results are put on one line, as the vendor asks.
pub fn tool_results<'r>(results: impl IntoIterator<Item = (&'r str, &'r ToolResult)>) -> Value {
    let results = results.into_iter().map(|(name, result)| {
        let key = if result.is_error { "error" } else { "result" };
        let line =
            result.result.split(['\n', '\r']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        json!({ "name": name, "toolCallId": result.id, key: line })
    });
    json!({ "results": results.collect::<Vec<_>>() })
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
