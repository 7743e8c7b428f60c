//! The auditor of a call that is held by the rules alone and lost its server: a pure judgement of what was heard on its line and
//! is in its journal.

use std::collections::BTreeSet;

use usher_conversation::channel::Channel;
use usher_conversation::journal::Turn;
use usher_conversation::session::Event;
use usher_testkit::Entry;

use crate::audit::Breach;
use crate::call_audit::{APOLOGY, utterances};

/// What is left of such a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpokenHistory {
    /// What happened on the handset's line.
    pub(crate) line: Vec<Entry>,
    /// The session's journal.
    pub(crate) turns: Vec<Turn>,
    /// When nobody was there for what was said: milliseconds of the simulator's clock.
    pub(crate) breaks: Vec<i64>,
}

/// Everything that is wrong with a call; nothing, when the promises were kept. `questions` are a field and words of the
/// question about it.
pub(crate) fn audit(history: &SpokenHistory, questions: &[(&str, &str)]) -> Vec<Breach> {
    let mut breaches: Vec<_> = history.breaks.iter().filter_map(|at| repeated(history, *at)).collect();
    breaches.extend(asked_again(history, questions));
    breaches.extend(lost_answers(history));
    breaches
}

/// After a break at most the question is heard again that waited for its answer: nothing of what came before it.
fn repeated(history: &SpokenHistory, broken: i64) -> Option<Breach> {
    let heard = utterances(&history.line);
    let last = heard.iter().rfind(|said| said.began < broken)?;
    let next = heard.iter().find(|said| said.began >= broken)?;
    let before: Vec<&str> = last.heard().filter(|sentence| *sentence != APOLOGY).collect();
    let after: Vec<&str> = next.heard().filter(|sentence| *sentence != APOLOGY).collect();
    let again = after.iter().filter(|sentence| before.contains(sentence)).count();
    let question = again == after.len() && before.ends_with(&after);
    (again > 0 && !question).then(|| format!("more than the question was repeated: {before:?} {after:?}"))
}

/// A question whose answer stands is not asked aloud.
fn asked_again(history: &SpokenHistory, questions: &[(&str, &str)]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for spoken in history.line.iter().filter(|entry| entry.event == "hearing") {
        let mut standing = BTreeSet::new();
        let before = history.turns.iter().take_while(|turn| turn.at.as_millis() < spoken.at);
        for event in before.flat_map(|turn| &turn.events) {
            match event {
                Event::Answered { field, .. } | Event::Skipped { field, .. } => {
                    standing.insert(field.as_str());
                }
                Event::Invalidated { field } => {
                    standing.remove(field.as_str());
                }
                _ => {}
            }
        }
        let words = spoken.text.to_lowercase();
        let again =
            questions.iter().filter(|(field, asked)| standing.contains(field) && words.contains(asked));
        breaches.extend(again.map(|(field, _)| format!("{field} was asked again, and was answered")));
    }
    breaches
}

/// Whatever the carrier was answered about is in the journal, as often.
fn lost_answers(history: &SpokenHistory) -> Option<Breach> {
    let acknowledged = history.line.iter().filter(|entry| {
        let asked = entry.detail["url"].as_str().is_some_and(|url| url.contains("/voice/gather?"));
        entry.event == "twiml" && asked && entry.detail["outcome"]["delivered"] == true
    });
    let said = acknowledged.count();
    let events = history.turns.iter().flat_map(|turn| &turn.events);
    let spoken =
        |event: &&Event| matches!(event, Event::Received { origin, .. } if origin.channel == Channel::Voice);
    let kept = events.filter(spoken).count();
    (kept < said).then(|| format!("{said} answers were acknowledged and {kept} are in the journal"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use usher_conversation::answer::AnswerValue;
    use usher_conversation::flow::FieldId;
    use usher_conversation::session::Origin;
    use usher_conversation::time::Timestamp;

    use super::*;

    const QUESTIONS: [(&str, &str); 2] = [("name", "your name?"), ("town", "which town?")];

    fn entry(at: i64, event: &str, text: &str, detail: Value) -> Entry {
        Entry { seq: 1, at, event: event.to_owned(), text: text.to_owned(), detail }
    }

    fn spoken(at: i64, text: &str) -> [Entry; 2] {
        [entry(at, "hearing", text, Value::Null), entry(at + 500, "heard", text, Value::Null)]
    }

    fn taken(at: i64) -> Entry {
        let url = "http://usher/api/webhooks/twilio/voice/gather?call=1&n=1";
        entry(at, "twiml", "", json!({ "url": url, "outcome": { "delivered": true } }))
    }

    /// "Hello there. What is your name?", asked again when nobody heard the answer, and then the next question.
    fn honest() -> SpokenHistory {
        let origin = Origin { channel: Channel::Voice, address: String::new(), line: None };
        let received = Event::Received { origin: origin.clone(), text: "Dana".to_owned(), media: Vec::new() };
        let answered = Event::Answered {
            field: FieldId::new("name"),
            value: AnswerValue::Text("Dana".into()),
            raw: "Dana".into(),
            origin,
        };
        let line = [
            spoken(10, "Hello there. What is your name?").into(),
            spoken(3_000, "Sorry, the line was gone for a moment. What is your name?").into(),
            vec![taken(5_100)],
            spoken(5_200, "Thank you. Which town?").to_vec(),
        ];
        let turn =
            Turn { seq: 1, at: Timestamp::from_millis(5_000), dedup: None, events: vec![received, answered] };
        SpokenHistory { line: line.concat(), turns: vec![turn], breaks: vec![1_000] }
    }

    /// The one breach of a call broken on purpose.
    #[track_caller]
    fn only_breach(breaks: impl FnOnce(&mut SpokenHistory)) -> String {
        let mut history = honest();
        breaks(&mut history);
        let mut breaches = audit(&history, &QUESTIONS);
        assert_eq!(breaches.len(), 1, "{breaches:#?}");
        breaches.remove(0)
    }

    #[test]
    fn an_honest_call_passes() {
        assert_eq!(audit(&honest(), &QUESTIONS), Vec::<String>::new());
    }

    #[test]
    fn a_second_greeting_is_flagged() {
        let breach = only_breach(|history| {
            for entry in &mut history.line[2..4] {
                "Hello there. Which day?".clone_into(&mut entry.text);
            }
        });
        assert!(breach.contains("more than the question was repeated"), "{breach}");
    }

    #[test]
    fn an_answered_question_that_is_asked_again_is_flagged() {
        let breach = only_breach(|history| history.line.extend(spoken(7_000, "And what is your name?")));
        assert!(breach.contains("name was asked again"), "{breach}");
    }

    #[test]
    fn an_acknowledged_answer_that_is_not_in_the_journal_is_flagged() {
        let breach = only_breach(|history| drop(history.turns[0].events.remove(0)));
        assert!(breach.contains("1 answers were acknowledged and 0 are in the journal"), "{breach}");
    }
}
