//! Being the language model of an assistant: Vapi posts the conversation as it would to `OpenAI`, and we stream the words back.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_conversation::time::Timestamp;

use super::message::Call;
use crate::frame::{FrameError, read, write};

/// What the answer is served as.
pub const CONTENT_TYPE: &str = "text/event-stream";
/// The largest request taken, in bytes: a whole conversation.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The last event.
const DONE: &str = "data: [DONE]\n\n";

/// A request for the assistant's next words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CompletionRequest {
    /// The model's name, as set up.
    #[serde(default)]
    pub model: String,
    /// The conversation so far.
    #[serde(default)]
    pub messages: Vec<ChatMessage>,
    /// Whether the words are to be streamed; a telephone call always asks for it.
    #[serde(default)]
    pub stream: bool,
    /// The call, unless its metadata are switched off.
    #[serde(default)]
    pub call: Option<Call>,
    /// What was set up with the call.
    #[serde(default)]
    pub metadata: Option<Value>,
}

/// A message of the conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant`, `tool`.
    pub role: String,
    /// Text, or parts of it; see [`Self::text`].
    #[serde(default)]
    pub content: Value,
}

impl ChatMessage {
    /// The words, whichever way they came.
    pub fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        }
    }
}

impl CompletionRequest {
    /// Reads a body whose sender was checked.
    pub fn parse(body: &[u8]) -> Result<Self, FrameError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(FrameError::TooLarge(MAX_BODY_BYTES));
        }
        read(body, "completion request")
    }

    /// The contact's words since the assistant last spoke; `None` when there are none.
    pub fn heard(&self) -> Option<String> {
        let after =
            self.messages.iter().rposition(|message| message.role != "user").map_or(0, |last| last + 1);
        let words: Vec<String> = self.messages[after..]
            .iter()
            .map(|message| message.text().trim().to_owned())
            .filter(|words| !words.is_empty())
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// A built-in tool of the assistant's, which steers the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer<'s> {
    /// `endCall`.
    End,
    /// `transferCall`.
    Transfer {
        /// The number.
        destination: &'s str,
    },
}

/// Writes an answer, event by event.
#[derive(Debug, Clone)]
pub struct Stream<'s> {
    /// Ours.
    id: &'s str,
    model: &'s str,
    created: i64,
}

#[derive(Serialize)]
struct Chunk<'s> {
    id: &'s str,
    object: &'static str,
    created: i64,
    model: &'s str,
    choices: [Choice; 1],
}

#[derive(Serialize)]
struct Choice {
    index: u32,
    delta: Value,
    finish_reason: Option<&'static str>,
}

impl<'s> Stream<'s> {
    /// An answer with an id of ours, by the model that was asked for.
    pub const fn new(id: &'s str, model: &'s str, now: Timestamp) -> Self {
        Self { id, model, created: now.as_millis() / 1_000 }
    }

    /// Appends some words.
    pub fn words(&self, words: &str, out: &mut String) {
        self.event(json!({ "role": "assistant", "content": words }), None, out);
    }

    /// Appends the end of an answer, which may steer the call.
    pub fn end(&self, steer: Option<Steer<'_>>, out: &mut String) {
        let call = steer.map(|steer| match steer {
            Steer::End => ("endCall", "{}".to_owned()),
            Steer::Transfer { destination } => {
                ("transferCall", json!({ "destination": destination }).to_string())
            }
        });
        let reason = if let Some((name, arguments)) = call {
            let function = json!({ "name": name, "arguments": arguments });
            let tool = json!({ "index": 0, "id": self.id, "type": "function", "function": function });
            self.event(json!({ "tool_calls": [tool] }), None, out);
            "tool_calls"
        } else {
            "stop"
        };
        self.event(json!({}), Some(reason), out);
        out.push_str(DONE);
    }

    fn event(&self, delta: Value, finish_reason: Option<&'static str>, out: &mut String) {
        out.push_str("data: ");
        let choices = [Choice { index: 0, delta, finish_reason }];
        let Self { id, model, created } = *self;
        write(&Chunk { id, object: "chat.completion.chunk", created, model, choices }, out);
        out.push_str("\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_holds_the_conversation_and_the_call() {
        let request = CompletionRequest::parse(
            br#"{"model":"reception-1","messages":[{"role":"system","content":"You are"},{"role":"user","content":"Old"},
                {"role":"assistant","content":null,"tool_calls":[]},{"role":"user","content":" Hi "},
                {"role":"user","content":[{"type":"text","text":"there"},{"type":"image_url"}]}],
                "temperature":0.4,"max_tokens":250,"tools":[],"stream":true,"call":{"id":"c"},"phoneNumber":{},"customer":{},"metadata":{"a":1}}"#,
        )
        .expect("well formed");
        assert_eq!(request.heard().as_deref(), Some("Hi there"));
        assert_eq!(request.call.map(|call| call.id).as_deref(), Some("c"));
        assert!(request.stream);
        let silent = CompletionRequest::parse(
            br#"{"messages":[{"role":"user","content":"Old"},{"role":"assistant","content":"x"}]}"#,
        );
        assert_eq!(silent.map(|request| request.heard()), Ok(None));
        assert_eq!(
            CompletionRequest::parse(br#"{"messages":7}"#),
            Err(FrameError::Malformed("completion request"))
        );
    }

    #[test]
    fn words_are_streamed_as_a_language_model_does() {
        let stream = Stream::new("answer_1", "reception-1", Timestamp::from_millis(1_694_268_190_123));
        let head = r#"data: {"id":"answer_1","object":"chat.completion.chunk","created":1694268190,"model":"reception-1","choices":[{"index":0,"delta":"#;
        let mut out = String::new();
        stream.words("Hello\n\"Ana\"", &mut out);
        stream.end(None, &mut out);
        assert_eq!(
            out,
            format!(
                "{head}{}\n\n{head}{}\n\ndata: [DONE]\n\n",
                r#"{"content":"Hello\n\"Ana\"","role":"assistant"},"finish_reason":null}]}"#,
                r#"{},"finish_reason":"stop"}]}"#
            )
        );
    }

    #[test]
    fn an_answer_may_steer_the_call() {
        let stream = Stream::new("answer_1", "m", Timestamp::default());
        let mut out = String::new();
        stream.end(Some(Steer::Transfer { destination: "+14155550100" }), &mut out);
        stream.end(Some(Steer::End), &mut out);
        let events: Vec<Value> = out
            .split("\n\n")
            .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
            .collect();
        let function = |event: &Value| event["choices"][0]["delta"]["tool_calls"][0]["function"].clone();
        assert_eq!(
            function(&events[0]),
            json!({ "name": "transferCall", "arguments": "{\"destination\":\"+14155550100\"}" })
        );
        assert_eq!(events[1]["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(function(&events[2]), json!({ "name": "endCall", "arguments": "{}" }));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic_and_no_words_break_an_event(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), words in ".{0,40}") {
            let _ = CompletionRequest::parse(&body);
            let mut out = String::new();
            Stream::new("a", "m", Timestamp::default()).words(&words, &mut out);
            proptest::prop_assert_eq!(out.matches('\n').count(), 2);
        }
    }
}
