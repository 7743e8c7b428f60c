//! Making an agent at ElevenLabs that works with our tools.

use secrecy::SecretString;
use serde_json::{Map, Value};
use usher_channels::ApiError;
use usher_channels::elevenlabs::ElevenLabsClient;
use usher_channels::elevenlabs::setup::{AgentSetup, tool_body};
use usher_conversation::session::tools;

/// What the model is told of its work; `{{names}}` are the variables of a briefing.
const PROMPT: &str = include_str!("prompt.txt");
/// Creates the tools and the agent; gives the agent's id.
///
/// # Errors
/// What the vendor refused. Tools that were made before remain.
pub(super) async fn provision(
    client: &ElevenLabsClient,
    key: &SecretString,
    (name, language, voice): (&str, &str, Option<&str>),
    max_seconds: u32,
    post_call_webhook: Option<&str>,
) -> Result<String, ApiError> {
    let mut made = Vec::new();
    for tool in &tools::definitions() {
        made.push(client.create_tool(key, &tool_body(tool)).await?);
    }
    let placeholders: Map<String, Value> =
        variables(PROMPT).chain(["first_message"]).map(|name| (name.to_owned(), Value::from(""))).collect();
    let agent = AgentSetup {
        name,
        prompt: PROMPT,
        first_message: "{{first_message}}",
        language,
        placeholders: &placeholders,
        tools: &made,
        max_seconds,
        voice,
        speech_model: None,
        llm: None,
        post_call_webhook,
    };
    client.create_agent(key, &agent.body()).await
}

/// The names between double braces.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_names_only_what_a_briefing_tells() {
        let told = [
            "agent_name",
            "client_name",
            "org_name",
            "pending_field",
            "pending_question",
            "known_answers",
            "questions_left",
            "is_returning",
            "resume_from",
        ];
        let named: Vec<&str> = variables(PROMPT).collect();
        assert!(named.len() > 5, "{named:?}");
        assert!(named.iter().all(|name| told.contains(name)), "{named:?}");
    }

    #[test]
    fn the_prompt_and_the_tools_speak_of_the_same_things() {
        for tool in ["record_answer", "correct_answer", "answer_question", "escalate", "transfer", "end_call"]
        {
            assert!(PROMPT.contains(tool), "{tool}");
            assert!(tools::definitions().iter().any(|definition| definition.name == tool), "{tool}");
        }
    }
}
