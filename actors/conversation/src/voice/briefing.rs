//! What a speaking model must know before its first word.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::events::Opening;
use crate::catalogue::Sentence;
use crate::id::CallId;
use crate::session::speech::Speech;
use crate::session::{SessionMeta, SessionState};
use crate::view::Progress;

/// The automated side's name on the telephone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Persona {
    /// What it calls itself; empty when it does not.
    pub name: String,
}

/// Puts together the variables and the first words for this call of the session as it stands. A call that was attached
/// again goes on from what the contact heard last, and does not greet a second time. What is going on in another call of
/// the session is no part of it.
///
/// All of it goes to a vendor, so nothing in it may open anything: neither the session's id nor its link.
pub fn briefing(meta: &SessionMeta, state: &SessionState, persona: &Persona, call: &CallId) -> Opening {
    let speech = Speech::of(meta).aloud();
    let pending = state.pending().and_then(|id| meta.flow.field(id));
    let question = pending.map(|field| speech.question(state, field)).unwrap_or_default();
    let progress = Progress::of(meta, state);
    let resumes = state.call().filter(|live| live.id == *call && live.attachments > 0);
    let first_message = match resumes {
        None => speech.call_greeting(&persona.name, state.answers().is_empty(), &question),
        Some(live) if live.returned => {
            format!("{} {question}", speech.plain(Sentence::CallNobodyFree))
        }
        Some(live) => {
            resumed(&speech.plain(Sentence::CallResumes), &live.unheard().unwrap_or_else(|| question.clone()))
        }
    };
    let text = |value: &str| Value::String(value.to_owned());
    let variables = BTreeMap::from([
        ("agent_name".to_owned(), text(&persona.name)),
        ("client_name".to_owned(), text(&meta.contact_name)),
        ("org_name".to_owned(), text(&meta.org_name)),
        ("pending_field".to_owned(), text(pending.map_or("", |field| field.id.as_str()))),
        ("pending_question".to_owned(), text(&question)),
        ("known_answers".to_owned(), Value::String(speech.known_answers(state))),
        ("questions_left".to_owned(), json!(progress.total.saturating_sub(progress.answered))),
        ("is_returning".to_owned(), Value::Bool(!state.answers().is_empty())),
        ("resume_from".to_owned(), text(resumes.and_then(|live| live.heard.as_deref()).unwrap_or_default())),
    ]);
    Opening {
        variables,
        first_message: Some(first_message.trim().to_owned()),
        contact_said: resumes.and_then(|live| live.unanswered()).map(str::to_owned),
        language: meta.locale.clone(),
        keywords: [&meta.org_name, &meta.contact_name]
            .into_iter()
            .filter(|word| !word.is_empty())
            .cloned()
            .collect(),
    }
}

/// What is said after a break; a second break in these words adds no second apology.
fn resumed(apology: &str, words: &str) -> String {
    if words.starts_with(apology) { words.to_owned() } else { format!("{apology} {words}") }
}
