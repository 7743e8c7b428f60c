//! The contract of the conversation socket: what a client may send, and when.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use usher_conversation::voice::AudioFormat;

use super::agents::{AgentConfig, merge};

/// Why a conversation is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: u16,
    pub(crate) error_type: String,
    pub(crate) reason: String,
}

impl Violation {
    pub(crate) fn new(code: u16, error_type: &str, reason: impl Into<String>) -> Self {
        Self { code, error_type: error_type.to_owned(), reason: reason.into() }
    }
}

fn violation(error_type: &str, reason: impl Into<String>) -> Violation {
    Violation::new(1_008, error_type, reason)
}

/// What a conversation is begun with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Initiation {
    pub(crate) first_message: String,
    pub(crate) variables: Map<String, Value>,
    pub(crate) overrides: Value,
    pub(crate) user_id: Option<String>,
    pub(crate) text_only: bool,
}

/// What a client sends once a conversation has begun.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FromClient {
    Audio(Vec<u8>),
    Pong(i64),
    Message(String),
    Activity,
    Context(Option<String>, String),
    ToolResult { id: String, result: String, is_error: bool },
    Other,
}

/// Reads the first message, which must be the initiation data.
pub(crate) fn initiation(text: &str, config: &AgentConfig) -> Result<Initiation, Violation> {
    let message = object(text)?;
    if message.get("type").and_then(Value::as_str) != Some("conversation_initiation_client_data") {
        let reason = "the first message must be conversation_initiation_client_data";
        return Err(violation("invalid_message", reason));
    }
    let overrides = message.get("conversation_config_override").cloned().unwrap_or(Value::Null);
    check_overrides(&overrides, &config.overrides, &mut Vec::new())?;
    if message
        .get("custom_llm_extra_body")
        .is_some_and(|body| body.as_object().is_some_and(|body| !body.is_empty()))
        && !config.custom_llm_extra_body
    {
        return Err(violation(
            "override_error",
            "Override for field 'custom_llm_extra_body' is not allowed by config.",
        ));
    }
    let variables = match message.get("dynamic_variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables.clone(),
        Some(_) => return Err(violation("value_error", "dynamic_variables must be an object")),
    };
    for (name, value) in &variables {
        if name.starts_with("system__") {
            return Err(violation("value_error", format!("dynamic variable {name} is reserved")));
        }
        if !(value.is_string() || value.is_number() || value.is_boolean()) {
            return Err(violation(
                "value_error",
                format!("dynamic variable {name} must be a string, number or boolean"),
            ));
        }
    }
    let overridden = |path: &[&str]| {
        let found = path.iter().try_fold(&overrides, |value, key| value.get(*key));
        found.and_then(Value::as_str).map(str::to_owned)
    };
    let first = overridden(&["agent", "first_message"]).unwrap_or_else(|| config.first_message.clone());
    let prompt = overridden(&["agent", "prompt", "prompt"]).unwrap_or_else(|| config.prompt.clone());
    let mut known = config.placeholders.clone();
    known.extend(variables.clone());
    let first_message = filled(&first, &known, "first message")?;
    filled(&prompt, &known, "prompt")?;
    let text_only = overrides["conversation"]["text_only"].as_bool().unwrap_or(config.text_only);
    let user_id = message.get("user_id").and_then(Value::as_str).map(str::to_owned);
    Ok(Initiation { first_message, variables, overrides, user_id, text_only })
}

fn object(text: &str) -> Result<Map<String, Value>, Violation> {
    match serde_json::from_str(text) {
        Ok(Value::Object(message)) => Ok(message),
        Ok(_) => Err(violation("invalid_message", "a message must be a JSON object")),
        Err(error) => Err(violation("invalid_message", format!("Invalid JSON: {error}"))),
    }
}

/// Every leaf of the override must be allowed by name.
fn check_overrides<'v>(given: &'v Value, allowed: &Value, path: &mut Vec<&'v str>) -> Result<(), Violation> {
    match given {
        Value::Null => Ok(()),
        Value::Object(given) => given.iter().try_for_each(|(key, value)| {
            path.push(key);
            check_overrides(value, allowed.get(key).unwrap_or(&Value::Null), path)?;
            path.pop();
            Ok(())
        }),
        _ if *allowed == true => Ok(()),
        _ => {
            let reason = format!("Override for field '{}' is not allowed by config.", path.join("."));
            Err(violation("override_error", reason))
        }
    }
}

/// A text with its `{{names}}` filled in.
fn filled(template: &str, variables: &Map<String, Value>, place: &str) -> Result<String, Violation> {
    let (mut text, mut rest, mut missing) = (String::new(), template, BTreeSet::new());
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        text.push_str(before);
        match variables.get(name.trim()) {
            Some(Value::String(value)) => text.push_str(value),
            Some(value) => text.push_str(&value.to_string()),
            // The vendor's own always have a value.
            None if name.trim().starts_with("system__") => {}
            None => drop(missing.insert(name.trim().to_owned())),
        }
        rest = after;
    }
    text.push_str(rest);
    if missing.is_empty() {
        return Ok(text);
    }
    let names = missing.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let reason = format!("Missing required dynamic variables in {place}: {{{names}}}");
    Err(violation("missing_dynamic_variable", reason))
}

/// Reads any later message.
pub(crate) fn message(text: &str, input: AudioFormat) -> Result<FromClient, Violation> {
    let message = object(text)?;
    let string = |name: &str| message.get(name).and_then(Value::as_str).map(str::to_owned);
    let needed =
        |name: &str| string(name).ok_or_else(|| violation("missing_fields", format!("{name} is required")));
    if let Some(chunk) = message.get("user_audio_chunk") {
        if message.contains_key("type") {
            return Err(violation("invalid_message", "user_audio_chunk has no type"));
        }
        let audio = chunk.as_str().and_then(|chunk| STANDARD.decode(chunk).ok());
        let audio = audio.ok_or_else(|| violation("invalid_message", "user_audio_chunk is no base64"))?;
        if input != AudioFormat::Mulaw8k && audio.len() % 2 == 1 {
            return Err(violation("value_error", "16-bit audio must have an even number of bytes"));
        }
        return Ok(FromClient::Audio(audio));
    }
    match string("type").as_deref() {
        Some("pong") => {
            let id = message.get("event_id").and_then(Value::as_i64);
            id.map(FromClient::Pong).ok_or_else(|| violation("missing_fields", "event_id is required"))
        }
        Some("user_message") => Ok(FromClient::Message(string("text").unwrap_or_default())),
        Some("user_activity") => Ok(FromClient::Activity),
        Some("contextual_update") => Ok(FromClient::Context(string("context_id"), needed("text")?)),
        Some("client_tool_result") => {
            let is_error = message.get("is_error").and_then(Value::as_bool);
            let is_error = is_error.ok_or_else(|| violation("missing_fields", "is_error is required"))?;
            if message.get("result").is_some_and(|result| !result.is_string()) {
                return Err(violation("value_error", "result must be a string"));
            }
            Ok(FromClient::ToolResult { id: needed("tool_call_id")?, result: needed("result")?, is_error })
        }
        Some("feedback" | "mcp_tool_approval_result" | "multimodal_message") => Ok(FromClient::Other),
        Some("conversation_initiation_client_data") => {
            Err(violation("invalid_message", "the conversation has been initiated already"))
        }
        Some(other) => Err(violation("invalid_message", format!("unknown message type {other}"))),
        None => Err(violation("invalid_message", "a message needs a type")),
    }
}

/// The configuration a conversation runs with, as it is told afterwards.
pub(crate) fn effective(agent: &Value, overrides: &Value) -> Value {
    let mut config = agent["conversation_config"].clone();
    if !overrides.is_null() {
        merge(&mut config, overrides.clone());
    }
    config
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Vendor;
    use super::*;

    fn config(agent: &Value) -> AgentConfig {
        AgentConfig::read(agent, &Vendor::default()).expect("a configuration")
    }

    fn refusal(agent: &Value, message: &Value) -> String {
        let violation = initiation(&message.to_string(), &config(agent)).expect_err("a violation");
        assert_eq!(violation.code, 1_008);
        violation.error_type
    }

    #[test]
    fn the_first_message_must_be_the_initiation_data_and_keep_to_what_is_allowed() {
        let agent = json!({
            "conversation_config": { "agent": {
                "first_message": "Hi {{name}}",
                "dynamic_variables": { "dynamic_variable_placeholders": { "name": "there" } },
            } },
            "platform_settings": { "overrides": { "conversation_config_override": {
                "agent": { "first_message": true },
            } } },
        });
        let kind = "conversation_initiation_client_data";
        let begun = |message: Value| initiation(&message.to_string(), &config(&agent));
        assert_eq!(
            begun(json!({ "type": kind })).map(|begun| begun.first_message).as_deref(),
            Ok("Hi there")
        );
        let named = json!({ "type": kind, "dynamic_variables": { "name": "Ana" } });
        assert_eq!(begun(named).map(|begun| begun.first_message).as_deref(), Ok("Hi Ana"));
        let overridden = json!({
            "type": kind, "conversation_config_override": { "agent": { "first_message": "Hello {{x}}", "language": null } },
            "dynamic_variables": { "x": 7 },
        });
        assert_eq!(begun(overridden).map(|begun| begun.first_message).as_deref(), Ok("Hello 7"));

        assert_eq!(refusal(&agent, &json!({ "user_audio_chunk": "AA==" })), "invalid_message");
        let language =
            json!({ "type": kind, "conversation_config_override": { "agent": { "language": "de" } } });
        assert_eq!(refusal(&agent, &language), "override_error");
        let root = json!({ "type": kind, "conversation_config_override": { "text_only": true } });
        assert_eq!(refusal(&agent, &root), "override_error");
        let missing = json!({ "type": kind, "conversation_config_override": { "agent": { "first_message": "{{y}}" } } });
        assert_eq!(refusal(&agent, &missing), "missing_dynamic_variable");
        for variables in
            [json!({ "system__time": "x" }), json!({ "list": [1] }), json!({ "none": null }), json!([])]
        {
            assert_eq!(
                refusal(&agent, &json!({ "type": kind, "dynamic_variables": variables })),
                "value_error"
            );
        }
    }

    #[test]
    fn later_messages_have_all_their_fields_or_none_is_taken() {
        let read = |text: &str| message(text, AudioFormat::Mulaw8k).map_err(|violation| violation.error_type);
        assert_eq!(read(r#"{"user_audio_chunk":"AAE="}"#), Ok(FromClient::Audio(vec![0, 1])));
        assert_eq!(read(r#"{"type":"pong","event_id":0}"#), Ok(FromClient::Pong(0)));
        assert_eq!(read(r#"{"type":"user_message","text":null}"#), Ok(FromClient::Message(String::new())));
        for (text, error) in [
            ("{", "invalid_message"),
            ("[]", "invalid_message"),
            (r#"{"text":"x"}"#, "invalid_message"),
            (r#"{"type":"speak"}"#, "invalid_message"),
            (r#"{"type":"conversation_initiation_client_data"}"#, "invalid_message"),
            (r#"{"type":"user_audio_chunk","user_audio_chunk":"AA=="}"#, "invalid_message"),
            (r#"{"user_audio_chunk":"%"}"#, "invalid_message"),
            (r#"{"type":"pong"}"#, "missing_fields"),
            (r#"{"type":"contextual_update"}"#, "missing_fields"),
            (r#"{"type":"client_tool_result","tool_call_id":"c","result":"x"}"#, "missing_fields"),
            (
                r#"{"type":"client_tool_result","tool_call_id":"c","result":{},"is_error":false}"#,
                "value_error",
            ),
        ] {
            assert_eq!(read(text), Err(error.to_owned()), "{text}");
        }
        let odd = message(r#"{"user_audio_chunk":"AA=="}"#, AudioFormat::Pcm16 { hz: 16_000 });
        assert_eq!(odd.map_err(|violation| violation.error_type), Err("value_error".to_owned()));
    }
}
