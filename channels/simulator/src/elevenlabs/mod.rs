//! ElevenLabs Agents: the REST API and the conversation socket, with an agent that follows rules in place of a model.

mod agents;
mod contract;
mod control;
mod conversation;
mod post_call;
mod rest;
mod socket;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use control::routes as control_routes;
pub(crate) use rest::routes;

use conversation::Conversation;

/// The key that is accepted from the start.
pub const API_KEY: &str = "sk_simulator";
/// The agent that is there from the start: µ-law both ways, all client tools of a voice session, every override allowed.
pub const AGENT_ID: &str = "agent_simulator";

/// What the vendor knows. It lasts as long as the simulator.
pub(crate) struct Vendor {
    keys: BTreeSet<String>,
    agents: BTreeMap<String, Value>,
    tools: BTreeMap<String, Value>,
    signed: HashMap<String, Signed>,
    /// Where a workspace is told how conversations went, by id.
    webhooks: BTreeMap<String, post_call::Webhook>,
    pub(crate) conversations: Vec<Arc<Conversation>>,
}

/// A signed address that was given out.
struct Signed {
    agent: String,
    /// Milliseconds since the epoch.
    until: i64,
    once: bool,
}

impl Default for Vendor {
    fn default() -> Self {
        let tools: BTreeMap<String, Value> = [
            "get_next_question",
            "record_answer",
            "correct_answer",
            "answer_question",
            "escalate",
            "transfer",
            "end_call",
        ]
        .into_iter()
        .map(|name| {
            let config = json!({
                "type": "client", "name": name, "description": "", "expects_response": true,
                "response_timeout_secs": 20, "parameters": { "type": "object", "properties": {} },
            });
            (format!("tool_{name}"), config)
        })
        .collect();
        let agent = json!({
            "name": "Simulator",
            "conversation_config": {
                "asr": { "user_input_audio_format": "ulaw_8000" },
                "tts": { "agent_output_audio_format": "ulaw_8000" },
                "conversation": { "client_events": [
                    "conversation_initiation_metadata", "audio", "interruption", "agent_response",
                    "agent_response_correction", "user_transcript", "client_tool_call", "agent_tool_response",
                    "ping",
                ] },
                "agent": {
                    "first_message": "", "language": "en",
                    "prompt": {
                        "prompt": "", "tool_ids": tools.keys().collect::<Vec<_>>(),
                        "built_in_tools": { "end_call": { "type": "system", "name": "end_call" } },
                    },
                },
            },
            "platform_settings": {
                "auth": { "enable_auth": true },
                "overrides": { "conversation_config_override": {
                    "agent": { "first_message": true, "language": true, "prompt": { "prompt": true, "llm": true } },
                    "asr": { "keywords": true },
                    "tts": { "voice_id": true, "stability": true, "speed": true, "similarity_boost": true },
                    "conversation": { "text_only": true, "max_duration_seconds": true },
                } },
            },
        });
        Self {
            keys: BTreeSet::from([API_KEY.to_owned()]),
            agents: BTreeMap::from([(AGENT_ID.to_owned(), agent)]),
            tools,
            signed: HashMap::new(),
            webhooks: BTreeMap::new(),
            conversations: Vec::new(),
        }
    }
}
