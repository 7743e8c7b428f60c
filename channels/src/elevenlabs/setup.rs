//! Making an agent that talks as the bridge expects: telephone sound both ways, the events it relies on, our tools.

use serde_json::{Map, Value, json};
use usher_conversation::session::tools::ToolDefinition;

/// Seconds a tool may take before the agent goes on without it.
const TOOL_SECONDS: u32 = 20;

/// Tools that wait until the agent has finished its sentence: they end its part of the call.
const AFTER_SPEECH: [&str; 2] = ["transfer", "end_call"];

/// The events the bridge relies on. Several are not sent unless asked for; without `interruption` there is none.
const CLIENT_EVENTS: [&str; 10] = [
    "conversation_initiation_metadata",
    "audio",
    "interruption",
    "agent_response",
    "agent_response_correction",
    "user_transcript",
    "tentative_user_transcript",
    "client_tool_call",
    "agent_tool_response",
    "ping",
];

/// The body of a request that creates or changes one of our tools.
pub fn tool_body(tool: &ToolDefinition) -> Value {
    let mut config = json!({
        "type": "client",
        "name": tool.name,
        "description": tool.description,
        "expects_response": true,
        "response_timeout_secs": TOOL_SECONDS,
        "parameters": tool.parameters,
    });
    if AFTER_SPEECH.contains(&tool.name) {
        config["execution_mode"] = json!("post_tool_speech");
    }
    json!({ "tool_config": config })
}

/// An agent. What is left at `None` has the vendor's default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgentSetup<'a> {
    /// For the vendor's list.
    pub name: &'a str,
    /// The system prompt; `{{names}}` are variables of the conversation.
    pub prompt: &'a str,
    /// The first words; `{{first_message}}` leaves them to each conversation.
    pub first_message: &'a str,
    /// `en`.
    pub language: &'a str,
    /// What variables are when a conversation gives none: without a value the agent refuses to talk.
    pub placeholders: &'a Map<String, Value>,
    /// The tools' ids.
    pub tools: &'a [String],
    /// Seconds a conversation may last.
    pub max_seconds: u32,
    /// The voice.
    pub voice: Option<&'a str>,
    /// The model that speaks.
    pub speech_model: Option<&'a str>,
    /// The model that thinks.
    pub llm: Option<&'a str>,
    /// The workspace webhook told when a conversation is over.
    pub post_call_webhook: Option<&'a str>,
}

impl AgentSetup<'_> {
    /// The body of a request that creates the agent, or brings one up to date.
    pub fn body(&self) -> Value {
        // The vendor's own `end_call` is left out: ours has that name, and waits until the goodbye was heard.
        let mut prompt = json!({ "prompt": self.prompt, "tool_ids": self.tools });
        if let Some(llm) = self.llm {
            prompt["llm"] = json!(llm);
        }
        let mut tts = json!({ "agent_output_audio_format": "ulaw_8000" });
        if let Some(voice) = self.voice {
            tts["voice_id"] = json!(voice);
        }
        if let Some(model) = self.speech_model {
            tts["model_id"] = json!(model);
        }
        let mut platform = json!({
            "auth": { "enable_auth": true },
            "overrides": { "conversation_config_override": {
                "agent": { "first_message": true, "language": true },
                "asr": { "keywords": true },
            } },
        });
        if let Some(webhook) = self.post_call_webhook {
            let events = ["transcript", "call_initiation_failure"];
            platform["workspace_overrides"] =
                json!({ "webhooks": { "post_call_webhook_id": webhook, "events": events } });
        }
        json!({
            "name": self.name,
            "conversation_config": {
                "asr": { "user_input_audio_format": "ulaw_8000" },
                "tts": tts,
                "conversation": {
                    "text_only": false,
                    "max_duration_seconds": self.max_seconds,
                    "client_events": CLIENT_EVENTS,
                },
                "agent": {
                    "first_message": self.first_message,
                    "language": self.language,
                    "dynamic_variables": { "dynamic_variable_placeholders": self.placeholders },
                    "prompt": prompt,
                },
            },
            "platform_settings": platform,
        })
    }
}

#[cfg(test)]
mod tests {
    use usher_conversation::session::tools::definitions;

    use super::*;

    #[test]
    fn a_tool_is_defined_as_documented() {
        let parameters = json!({ "type": "object", "required": ["to"], "properties": {
            "to": { "type": "string", "description": "billing or support" } } });
        let tool = |name| ToolDefinition { name, description: "Use it.", parameters: parameters.clone() };
        assert_eq!(
            tool_body(&tool("transfer")),
            json!({ "tool_config": {
                "type": "client", "name": "transfer", "description": "Use it.", "expects_response": true,
                "response_timeout_secs": 20, "execution_mode": "post_tool_speech", "parameters": parameters } })
        );
        assert_eq!(tool_body(&tool("record_answer"))["tool_config"].get("execution_mode"), None);
    }

    #[test]
    fn each_of_our_tools_is_one_the_vendor_takes() {
        let tools = definitions();
        for name in AFTER_SPEECH {
            assert!(tools.iter().any(|tool| tool.name == name), "{name} is not a tool of ours");
        }
        for tool in tools {
            let properties = tool.parameters["properties"].as_object().expect("an object");
            for (name, property) in properties {
                // Exactly one of a description, a variable and a constant says where the value comes from.
                assert!(property["description"].is_string(), "{}: {name}", tool.name);
                assert!(
                    property.get("dynamic_variable").is_none() && property.get("constant_value").is_none()
                );
            }
        }
    }

    #[test]
    fn an_agent_hears_and_speaks_telephone_sound_and_sends_the_events_the_bridge_needs() {
        let placeholders = Map::from_iter([("client_name".to_owned(), json!("there"))]);
        let agent = AgentSetup {
            name: "Onboarding",
            prompt: "You are {{agent_name}}.",
            first_message: "{{first_message}}",
            language: "en",
            placeholders: &placeholders,
            tools: &["tool_1".to_owned()],
            max_seconds: 900,
            voice: Some("cjVigY5qzO86Huf0OWal"),
            speech_model: None,
            llm: None,
            post_call_webhook: Some("wh_1"),
        };
        let body = agent.body();
        let config = &body["conversation_config"];
        assert_eq!(config["asr"]["user_input_audio_format"], "ulaw_8000");
        assert_eq!(
            config["tts"],
            json!({ "agent_output_audio_format": "ulaw_8000", "voice_id": "cjVigY5qzO86Huf0OWal" })
        );
        assert_eq!(config["agent"]["prompt"].get("llm"), None, "the vendor's default");
        assert_eq!(config["agent"]["prompt"]["tool_ids"], json!(["tool_1"]));
        assert_eq!(
            config["agent"]["dynamic_variables"],
            json!({ "dynamic_variable_placeholders": { "client_name": "there" } })
        );
        for event in ["interruption", "client_tool_call", "agent_tool_response", "agent_response_correction"]
        {
            let events = config["conversation"]["client_events"].as_array().expect("a list");
            assert!(events.contains(&json!(event)), "{event}");
        }
        let platform = &body["platform_settings"];
        assert_eq!(platform["auth"]["enable_auth"], true);
        assert_eq!(platform["overrides"]["conversation_config_override"]["asr"]["keywords"], true);
        assert_eq!(platform["workspace_overrides"]["webhooks"]["post_call_webhook_id"], "wh_1");
    }
}
