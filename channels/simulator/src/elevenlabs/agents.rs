//! What an agent is configured to do, read from the JSON its owner sent.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use usher_conversation::voice::AudioFormat;

use super::Vendor;

/// A tool that the client runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientTool {
    pub(crate) name: String,
    /// `None` waits for ever.
    pub(crate) timeout: Option<Duration>,
    pub(crate) expects_response: bool,
}

/// An agent's configuration with the vendor's defaults.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the vendor's configuration"
)]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgentConfig {
    pub(crate) input: AudioFormat,
    pub(crate) output: AudioFormat,
    pub(crate) first_message: String,
    pub(crate) prompt: String,
    pub(crate) placeholders: Map<String, Value>,
    pub(crate) client_events: BTreeSet<String>,
    pub(crate) tools: Vec<ClientTool>,
    pub(crate) may_end_call: bool,
    pub(crate) needs_signature: bool,
    /// Which overrides are allowed: a tree of booleans.
    pub(crate) overrides: Value,
    pub(crate) custom_llm_extra_body: bool,
    pub(crate) turn_timeout: Duration,
    pub(crate) silence_end: Option<Duration>,
    pub(crate) max_duration: Duration,
    pub(crate) text_only: bool,
}

/// Events that arrive when the configuration names none.
const DEFAULT_EVENTS: [&str; 7] = [
    "audio",
    "interruption",
    "agent_response",
    "user_transcript",
    "tentative_user_transcript",
    "conversation_initiation_metadata",
    "ping",
];

/// What is wrong with a configuration: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) at: &'static str,
    pub(crate) why: String,
}

impl AgentConfig {
    /// Reads an agent's JSON; tools are looked up in `vendor`.
    pub(crate) fn read(agent: &Value, vendor: &Vendor) -> Result<Self, Invalid> {
        let config = &agent["conversation_config"];
        if !config.is_object() {
            return Err(Invalid { at: "conversation_config", why: "field required".to_owned() });
        }
        let format = |at: &'static str, value: &Value| match value {
            Value::Null => Ok(AudioFormat::Pcm16 { hz: 16_000 }),
            value => {
                let known = value.as_str().and_then(|name| name.parse::<AudioFormat>().ok());
                known.ok_or_else(|| Invalid { at, why: format!("{value} is not a permitted format") })
            }
        };
        let seconds =
            |value: &Value, default: f64| Duration::from_secs_f64(value.as_f64().unwrap_or(default).max(0.0));
        let conversation = &config["conversation"];
        let prompt = &config["agent"]["prompt"];
        let events = match conversation["client_events"].as_array() {
            Some(events) => events.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => DEFAULT_EVENTS.into_iter().map(str::to_owned).collect(),
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self {
            input: format("asr.user_input_audio_format", &config["asr"]["user_input_audio_format"])?,
            output: format("tts.agent_output_audio_format", &config["tts"]["agent_output_audio_format"])?,
            first_message: text(&config["agent"]["first_message"]),
            prompt: text(&prompt["prompt"]),
            placeholders: config["agent"]["dynamic_variables"]["dynamic_variable_placeholders"]
                .as_object()
                .cloned()
                .unwrap_or_default(),
            client_events: events,
            tools: tools(prompt, vendor)?,
            may_end_call: prompt["built_in_tools"]["end_call"].is_object(),
            needs_signature: agent["platform_settings"]["auth"]["enable_auth"] == true,
            overrides: agent["platform_settings"]["overrides"]["conversation_config_override"].clone(),
            custom_llm_extra_body: agent["platform_settings"]["overrides"]["custom_llm_extra_body"] == true,
            turn_timeout: seconds(&config["turn"]["turn_timeout"], 7.0),
            silence_end: config["turn"]["silence_end_call_timeout"]
                .as_f64()
                .filter(|seconds| *seconds > 0.0)
                .map(Duration::from_secs_f64),
            max_duration: seconds(&conversation["max_duration_seconds"], 600.0),
            text_only: conversation["text_only"] == true,
        })
    }

    /// Whether an event is sent to the client.
    pub(crate) fn sends(&self, event: &str) -> bool {
        self.client_events.contains(event)
    }

    /// The client tool of a name.
    pub(crate) fn tool(&self, name: &str) -> Option<&ClientTool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

fn tools(prompt: &Value, vendor: &Vendor) -> Result<Vec<ClientTool>, Invalid> {
    let at = "agent.prompt.tool_ids";
    let mut configs: Vec<&Value> = Vec::new();
    for id in prompt["tool_ids"].as_array().into_iter().flatten() {
        let known = id.as_str().and_then(|id| vendor.tools.get(id));
        configs.push(known.ok_or_else(|| Invalid { at, why: format!("there is no tool {id}") })?);
    }
    configs.extend(prompt["tools"].as_array().into_iter().flatten());
    let client = configs.into_iter().filter(|tool| tool["type"] == "client").filter_map(|tool| {
        let timeout = tool["response_timeout_secs"].as_f64().unwrap_or(20.0);
        Some(ClientTool {
            name: tool["name"].as_str()?.to_owned(),
            timeout: (timeout > 0.0).then(|| Duration::from_secs_f64(timeout)),
            expects_response: tool["expects_response"] == true,
        })
    });
    Ok(client.collect())
}

/// Checks a tool before it is kept.
pub(crate) fn check_tool(tool: &Value) -> Result<(), Invalid> {
    let wrong = |at: &'static str, why: &str| Err(Invalid { at, why: why.to_owned() });
    match tool["type"].as_str() {
        Some("client" | "webhook" | "system") => {}
        _ => return wrong("tool_config.type", "must be client, webhook or system"),
    }
    let name = tool["name"].as_str().unwrap_or_default();
    if name.is_empty()
        || name.len() > 64
        || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    {
        return wrong("tool_config.name", "must match ^[a-zA-Z0-9_-]{1,64}$");
    }
    if !tool["description"].is_string() {
        return wrong("tool_config.description", "field required");
    }
    let timeout = tool["response_timeout_secs"].as_f64().unwrap_or(20.0);
    if !((1.0..=120.0).contains(&timeout) || timeout < 0.0) {
        return wrong("tool_config.response_timeout_secs", "must be between 1 and 120, or -1");
    }
    let parameters = &tool["parameters"];
    if parameters.is_null() {
        return Ok(());
    }
    if parameters["type"] != "object" {
        return wrong("tool_config.parameters.type", "must be object");
    }
    let properties = parameters["properties"].as_object();
    for property in properties.into_iter().flatten().map(|(_, property)| property) {
        let sources = ["description", "dynamic_variable", "constant_value"];
        let given =
            sources.iter().filter(|source| property.get(**source).is_some_and(|value| value != "")).count();
        if property["type"] != "object" && property["type"] != "array" && given != 1 {
            let why = "exactly one of description, dynamic_variable and constant_value is required";
            return wrong("tool_config.parameters.properties", why);
        }
    }
    Ok(())
}

/// Changes only what `change` names, at every depth.
pub(crate) fn merge(base: &mut Value, change: Value) {
    match (base, change) {
        (Value::Object(base), Value::Object(change)) => {
            for (key, value) in change {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, change) => *base = change,
    }
}
