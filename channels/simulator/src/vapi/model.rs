//! The two kinds of model: a server's own, asked as `OpenAI` would be, and the vendor's, which has rules in place of a mind
//! and uses the server's tools.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::Vapi;
use crate::calls::brain::{Act, Brain};

const MODEL_TIMEOUT_SECONDS: u64 = 20;
/// Tools a turn may use.
const MOST_STEPS: usize = 8;

/// What the assistant does next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) words: String,
    pub(super) then: Then,
}

/// What becomes of the call when its words have been heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Then {
    #[default]
    Listen,
    End,
    Transfer,
}

/// The model of a call.
pub(super) enum Model {
    /// A server's.
    Custom,
    /// The vendor's.
    Own(Box<Brain>),
}

impl Model {
    pub(super) fn of(assistant: &Value) -> Self {
        if assistant["model"]["provider"] == "custom-llm" {
            return Self::Custom;
        }
        let tools = assistant["model"]["tools"].as_array().map_or(&[][..], Vec::as_slice);
        let names = tools.iter().filter_map(|tool| tool["function"]["name"].as_str().map(str::to_owned));
        Self::Own(Box::new(Brain::new(names, super::talk::first_message(assistant).unwrap_or_default())))
    }

    /// The next turn of the assistant; `Err` holds why there can be none.
    pub(super) async fn turn(&mut self, vapi: &Vapi, messages: &[Value]) -> Result<Turn, &'static str> {
        match self {
            Self::Custom => complete(vapi, messages).await,
            Self::Own(brain) => {
                let heard = messages.last().filter(|last| last["role"] == "user");
                let acts = match heard {
                    Some(heard) => brain.heard(heard["content"].as_str().unwrap_or_default()),
                    None => brain.begin(),
                };
                Ok(think(vapi, brain, acts).await)
            }
        }
    }
}

/// Does what the rules say, tool by tool.
async fn think(vapi: &Vapi, brain: &mut Brain, mut acts: Vec<Act>) -> Turn {
    let mut turn = Turn::default();
    for _ in 0..MOST_STEPS {
        let mut next = Vec::new();
        for act in acts {
            match act {
                Act::Speak(words) if turn.words.is_empty() => turn.words = words,
                Act::Speak(words) => turn.words = format!("{} {words}", turn.words),
                Act::End => turn.then = Then::End,
                Act::Call { tool, parameters } => {
                    let (result, is_error) = use_tool(vapi, tool, &parameters).await;
                    next.extend(brain.result(tool, &result, is_error));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        acts = next;
    }
    turn
}

/// Has the server run a tool; what it says must be a single line.
async fn use_tool(vapi: &Vapi, name: &str, arguments: &Value) -> (String, bool) {
    let id = format!("call_{}", vapi.sim.sid(""));
    let function = json!({ "name": name, "arguments": arguments.to_string() });
    let call = json!({ "id": id, "type": "function", "function": function });
    let answer = vapi.tell("tool-calls", json!({ "toolCallList": [call] })).await.unwrap_or_default();
    let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(result) = results.iter().find(|result| result["toolCallId"] == *id) else {
        return ("No result returned.".to_owned(), true);
    };
    match (result["result"].as_str(), result["error"].as_str()) {
        (Some(line), _) if !line.contains('\n') => (line.to_owned(), false),
        (_, Some(error)) => (error.to_owned(), true),
        _ => ("The result is no single line.".to_owned(), true),
    }
}

/// Asks a server's model for the next words.
async fn complete(vapi: &Vapi, messages: &[Value]) -> Result<Turn, &'static str> {
    const FAILED: &str = "call.in-progress.error-pipeline-error-custom-llm-llm-failed";
    let model = &vapi.assistant["model"];
    let mut body = json!({
        "model": model["model"].as_str().unwrap_or("gpt-4o"), "messages": messages, "temperature": 0.5,
        "max_tokens": 250, "stream": true, "call": vapi.call(), "phoneNumber": vapi.number(),
        "customer": { "number": vapi.live.handset },
    });
    if model["tools"].is_array() {
        body["tools"] = model["tools"].clone();
    }
    if model["metadataSendMode"].as_str().unwrap_or("variable") == "variable" {
        body["metadata"] = vapi.assistant.get("metadata").cloned().unwrap_or_else(|| json!({}));
    }
    let url = model["url"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
    let patience = Duration::from_secs(model["timeoutSeconds"].as_u64().unwrap_or(MODEL_TIMEOUT_SECONDS));
    let mut request =
        vapi.sim.http.client().post(format!("{url}/chat/completions")).timeout(patience).json(&body);
    for id in vapi.assistant["credentialIds"].as_array().into_iter().flatten() {
        if let Some(key) = vapi.credential(id)["apiKey"].as_str() {
            request = request.bearer_auth(key);
        }
    }
    let answer = vapi.sim.http.send(request).await.map_err(|_| FAILED)?;
    let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let status = answer.status.as_u16();
    vapi.live.note(&vapi.sim, "callback", "chat/completions", json!({ "url": url, "status": status }));
    if !answer.status.is_success() || !kind.starts_with("text/event-stream") {
        return Err(FAILED);
    }
    let text = String::from_utf8_lossy(&answer.body);
    read_stream(&text).ok_or(FAILED)
}

/// Reads a stream of chunks as an `OpenAI` client does; `None` when it is none, or has no end.
fn read_stream(text: &str) -> Option<Turn> {
    let mut turn = Turn::default();
    let (mut finished, mut done) = (false, false);
    let mut tool: Option<(String, String)> = None;
    for event in text.split("\n\n").filter(|event| !event.is_empty()) {
        let data = event.strip_prefix("data: ")?;
        if done {
            return None;
        }
        if data == "[DONE]" {
            done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(data).ok()?;
        if chunk["object"] != "chat.completion.chunk" {
            return None;
        }
        let choice = &chunk["choices"][0];
        turn.words.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        let function = &choice["delta"]["tool_calls"][0]["function"];
        if let Some(name) = function["name"].as_str() {
            tool = Some((name.to_owned(), String::new()));
        }
        if let (Some((_, arguments)), Some(more)) = (&mut tool, function["arguments"].as_str()) {
            arguments.push_str(more);
        }
        finished |= choice["finish_reason"].is_string();
    }
    turn.then = match &tool {
        None => Then::Listen,
        Some((name, _)) if name == "endCall" => Then::End,
        Some((name, arguments)) if name == "transferCall" => {
            let arguments: Value = serde_json::from_str(arguments).ok()?;
            arguments["destination"].as_str().map(|_| Then::Transfer)?
        }
        Some(_) => return None,
    };
    (finished && done).then_some(turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(delta: &Value, finish: &Value) -> String {
        let chunk = json!({ "object": "chat.completion.chunk",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] });
        format!("data: {chunk}\n\n")
    }

    #[test]
    fn a_stream_is_read_to_its_end_and_no_further() {
        let said = event(&json!({ "content": "Hello" }), &Value::Null)
            + &event(&json!({ "content": " Dana." }), &Value::Null);
        let end = event(&json!({}), &json!("stop"));
        let whole = format!("{said}{end}data: [DONE]\n\n");
        assert_eq!(read_stream(&whole), Some(Turn { words: "Hello Dana.".to_owned(), then: Then::Listen }));
        assert_eq!(read_stream(&format!("{said}{end}")), None, "without [DONE] it was cut off");
        assert_eq!(read_stream(&format!("{said}data: [DONE]\n\n")), None, "nothing says why it stopped");
        assert_eq!(read_stream(&format!("{whole}{said}")), None, "nothing comes after the end");
        assert_eq!(read_stream("{\"choices\":[]}"), None);
    }

    #[test]
    fn the_tools_that_steer_the_call_are_the_only_ones() {
        let with = |name: &str, arguments: &str| {
            let function = json!({ "name": name, "arguments": arguments });
            let call = event(&json!({ "tool_calls": [{ "index": 0, "function": function }] }), &Value::Null);
            read_stream(&format!("{call}{}data: [DONE]\n\n", event(&json!({}), &json!("tool_calls"))))
        };
        assert_eq!(with("endCall", "{}").map(|turn| turn.then), Some(Then::End));
        let number = r#"{"destination":"+14155550111"}"#;
        assert_eq!(with("transferCall", number).map(|turn| turn.then), Some(Then::Transfer));
        assert_eq!(with("transferCall", "{}"), None);
        assert_eq!(with("lookUp", "{}"), None);
    }
}
