//! Making an agent that talks as the bridge expects: telephone sound both ways, the events it relies on, our tools.

use serde_json::{Map, Value, json};

/// Seconds a tool may take before the agent goes on without it.
const TOOL_SECONDS: u32 = 20;

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

/// One of our tools.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToolSetup<'a> {
    /// Its name, e.g. `record_answer`.
    pub name: &'a str,
    /// When the model should use it.
    pub description: &'a str,
    /// A JSON schema: an object whose properties have a description.
    pub parameters: &'a Value,
    /// Let the agent finish its sentence first: for a transfer or a goodbye.
    pub after_speech: bool,
}

impl ToolSetup<'_> {
    /// The body of a request that creates or changes the tool.
    pub fn body(&self) -> Value {
        let mut config = json!({
            "type": "client",
            "name": self.name,
            "description": self.description,
            "expects_response": true,
            "response_timeout_secs": TOOL_SECONDS,
            "parameters": self.parameters,
        });
        if self.after_speech {
            config["execution_mode"] = json!("post_tool_speech");
        }
        json!({ "tool_config": config })
    }
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
        let mut prompt = json!({
            "prompt": self.prompt,
            "tool_ids": self.tools,
            "built_in_tools": { "end_call": {
                "type": "system", "name": "end_call", "description": "",
                "params": { "system_tool_type": "end_call" },
            } },
        });
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
    use super::*;

    #[test]
    fn a_tool_is_defined_as_documented() {
        let parameters = json!({ "type": "object", "required": ["department"], "properties": {
            "department": { "type": "string", "description": "billing or support" } } });
        let tool = ToolSetup {
            name: "transfer",
            description: "Transfer the caller to a person.",
            parameters: &parameters,
            after_speech: true,
        };
        assert_eq!(
            tool.body(),
            json!({ "tool_config": {
                "type": "client", "name": "transfer", "description": "Transfer the caller to a person.",
                "expects_response": true, "response_timeout_secs": 20, "execution_mode": "post_tool_speech",
                "parameters": parameters } })
        );
        let plain = ToolSetup { after_speech: false, ..tool }.body();
        assert_eq!(plain["tool_config"].get("execution_mode"), None);
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
