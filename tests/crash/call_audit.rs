//! The auditor of a call that lost its server: a pure judgement of what the handset, the agent and the journal have of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use usher_conversation::journal::Turn;
use usher_conversation::session::Event;
use usher_conversation::session::tools::Tool;
use usher_conversation::voice::CallNews;
use usher_testkit::Entry;

use crate::audit::Breach;

/// A call is attached again so soon after there is somebody to attach it, in milliseconds.
const ATTACHED_WITHIN: i64 = 3_000;
/// What is said about a break is not what was said before it.
pub(crate) const APOLOGY: &str = "sorry, the line was gone for a moment.";

/// What is left of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallHistory {
    /// What happened on the handset's line.
    pub(crate) line: Vec<Entry>,
    /// The conversations with the agent, oldest first.
    pub(crate) dialogues: Vec<Dialogue>,
    /// The session's journal.
    pub(crate) turns: Vec<Turn>,
    /// Each death of the server.
    pub(crate) breaks: Vec<Break>,
}

/// A conversation with the agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dialogue {
    /// What the agent was told at its beginning.
    pub(crate) variables: Value,
    /// What happened in it.
    pub(crate) log: Vec<Entry>,
}

/// When a server died, and when there was another: milliseconds of the simulator's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Break {
    pub(crate) killed: i64,
    pub(crate) ready: i64,
}

/// Something the agent said, as the handset heard it.
#[derive(Debug, Clone)]
pub(crate) struct Utterance {
    pub(crate) began: i64,
    /// Its sentences, lower-cased, and whether any word of each was heard.
    pub(crate) sentences: Vec<(String, bool)>,
}

/// Everything that is wrong with a call; nothing, when the promises were kept. `questions` are a field and words of the
/// question about it.
pub(crate) fn audit(history: &CallHistory, questions: &[(&str, &str)]) -> Vec<Breach> {
    let heard = utterances(&history.line);
    let mut breaches = Vec::new();
    for (number, broken) in history.breaks.iter().enumerate() {
        breaches.extend(attached(&history.line, *broken));
        breaches.extend(continuity(history, &heard, *broken));
        let next = history.breaks.get(number + 1).map_or(i64::MAX, |next| next.killed);
        breaches.extend(briefed(history, &heard, broken.killed, next));
    }
    breaches.extend(asked_again(&history.turns, questions));
    breaches.extend(lost_answers(history));
    breaches
}

/// The carrier has the call on a stream again in time.
fn attached(line: &[Entry], broken: Break) -> Option<Breach> {
    let again = line
        .iter()
        .find(|entry| entry.event == "stream" && entry.text == "started" && entry.at > broken.killed);
    match again {
        None => Some("the call was not attached again".to_owned()),
        Some(entry) if entry.at > broken.ready + ATTACHED_WITHIN => {
            Some(format!("the call was attached {} ms after there was a server", entry.at - broken.ready))
        }
        Some(_) => None,
    }
}

/// After a break the contact hears what was not heard before, and at most one sentence a second time.
fn continuity(history: &CallHistory, heard: &[Utterance], broken: Break) -> Vec<Breach> {
    let spoke = |from: i64, to: i64| {
        let speaks = move |entry: &&Entry| entry.event == "saying" && (from..to).contains(&entry.at);
        history.line.iter().filter(speaks).map(|entry| entry.at)
    };
    let turns: Vec<i64> = spoke(0, broken.killed).collect();
    let two_turns_ago = turns.len().checked_sub(2).map_or(0, |turn| turns[turn]);
    let reply = spoke(broken.killed, i64::MAX).next().unwrap_or(i64::MAX);
    let before = heard.iter().filter(|said| (two_turns_ago..broken.killed).contains(&said.began));
    let known: BTreeSet<&str> = before.flat_map(Utterance::heard).collect();
    let after: Vec<&str> = heard
        .iter()
        .filter(|said| (broken.killed..reply).contains(&said.began))
        .flat_map(Utterance::heard)
        .filter(|sentence| *sentence != APOLOGY)
        .collect();
    let mut breaches = Vec::new();
    let repeated: Vec<_> = after.iter().filter(|sentence| known.contains(*sentence)).collect();
    if repeated.len() > 1 {
        breaches.push(format!("more than one sentence was repeated: {repeated:?}"));
    }
    // Words nobody replied to before the break are still due after it.
    let last = heard.iter().rfind(|said| said.began < broken.killed);
    if let Some(last) = last.filter(|last| turns.last().is_none_or(|spoke| *spoke < last.began)) {
        let skipped = last.unheard().filter(|sentence| !after.contains(sentence));
        breaches.extend(skipped.map(|sentence| format!("a sentence was never heard: {sentence:?}")));
    }
    breaches
}

/// The agent that came after a break was told what was heard last, which is true, and what is asked.
fn briefed(history: &CallHistory, heard: &[Utterance], killed: i64, next: i64) -> Vec<Breach> {
    let began =
        |dialogue: &&Dialogue| dialogue.log.first().is_some_and(|entry| (killed..next).contains(&entry.at));
    let Some(dialogue) = history.dialogues.iter().find(began) else {
        return vec!["no agent came after the break".to_owned()];
    };
    let told = |name: &str| dialogue.variables[name].as_str().unwrap_or_default().to_lowercase();
    let known: BTreeSet<&str> =
        heard.iter().filter(|said| said.began < killed).flat_map(Utterance::heard).collect();
    let mut breaches = Vec::new();
    let resume = told("resume_from");
    if resume.is_empty() {
        breaches.push("the agent was not told what was heard last".to_owned());
    }
    if let Some(last) = sentences(&resume).last().filter(|last| !known.contains(last.as_str())) {
        breaches.push(format!("the agent was told that this was heard, and it was not: {last:?}"));
    }
    if told("pending_question").is_empty() && dialogue.variables["questions_left"] != 0 {
        breaches.push("the agent was not told what is asked".to_owned());
    }
    breaches
}

/// A question whose answer stands is not asked aloud.
fn asked_again(turns: &[Turn], questions: &[(&str, &str)]) -> Vec<Breach> {
    let mut standing = BTreeSet::new();
    let mut breaches = Vec::new();
    for event in turns.iter().flat_map(|turn| &turn.events) {
        match event {
            Event::Answered { field, .. } | Event::Skipped { field, .. } => {
                standing.insert(field.as_str());
            }
            Event::Invalidated { field } => {
                standing.remove(field.as_str());
            }
            Event::Call { news: CallNews::Spoke { text, .. }, .. } => {
                let text = text.to_lowercase();
                let again = questions
                    .iter()
                    .filter(|(field, words)| standing.contains(field) && text.contains(words));
                breaches.extend(again.map(|(field, _)| format!("{field} was asked again, and was answered")));
            }
            _ => {}
        }
    }
    breaches
}

/// Whatever the agent was told is recorded is in the journal, as often.
fn lost_answers(history: &CallHistory) -> Vec<Breach> {
    let mut kept: BTreeMap<String, i64> = BTreeMap::new();
    for event in history.turns.iter().flat_map(|turn| &turn.events) {
        if let Event::ToolUsed { tool: Tool::RecordAnswer { value, .. }, .. } = event {
            *kept.entry(value.to_string()).or_default() += 1;
        }
    }
    for (value, count) in history.dialogues.iter().flat_map(acknowledged) {
        *kept.entry(value).or_default() -= count;
    }
    let lost = kept.into_iter().filter(|(_, left)| *left < 0);
    lost.map(|(value, _)| format!("{value} was acknowledged and is not in the journal")).collect()
}

/// The answers whose recording was confirmed to the agent.
fn acknowledged(dialogue: &Dialogue) -> Vec<(String, i64)> {
    let of = |event: &str| {
        let event = event.to_owned();
        dialogue.log.iter().filter(move |entry| entry.event == event)
    };
    let confirmed: BTreeSet<&str> = of("tool_result")
        .filter(|entry| entry.detail["is_error"] == false)
        .filter_map(|entry| entry.detail["tool_call_id"].as_str())
        .collect();
    of("tool_call")
        .filter(|entry| entry.text == "record_answer")
        .filter(|entry| entry.detail["tool_call_id"].as_str().is_some_and(|id| confirmed.contains(id)))
        .map(|entry| (entry.detail["parameters"]["value"].to_string(), 1))
        .collect()
}

/// What the handset heard the agent say.
pub(crate) fn utterances(line: &[Entry]) -> Vec<Utterance> {
    let mut all: Vec<Utterance> = Vec::new();
    for entry in line {
        match entry.event.as_str() {
            "hearing" => {
                let sentences = sentences(&entry.text).into_iter().map(|sentence| (sentence, false));
                all.push(Utterance { began: entry.at, sentences: sentences.collect() });
            }
            "heard" => {
                let mut words = entry.text.split_whitespace().count();
                for (sentence, heard) in all.last_mut().into_iter().flat_map(|last| &mut last.sentences) {
                    *heard = words > 0;
                    words = words.saturating_sub(sentence.split_whitespace().count());
                }
            }
            _ => {}
        }
    }
    all
}

impl Utterance {
    pub(crate) fn heard(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().filter(|(_, heard)| *heard).map(|(sentence, _)| sentence.as_str())
    }

    fn unheard(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().filter(|(_, heard)| !*heard).map(|(sentence, _)| sentence.as_str())
    }
}

/// The sentences of a text, lower-cased.
fn sentences(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for word in text.to_lowercase().split_whitespace() {
        let last = all.len() - 1;
        if !all[last].is_empty() {
            all[last].push(' ');
        }
        all[last].push_str(word);
        if word.ends_with(['.', '!', '?', '…']) {
            all.push(String::new());
        }
    }
    all.retain(|sentence| !sentence.is_empty());
    all
}
