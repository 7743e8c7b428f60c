//! The auditor of calls is itself tested: it accepts an honest call and flags every way of breaking it.

use serde_json::{Value, json};
use usher_conversation::answer::AnswerValue;
use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::id::CallId;
use usher_conversation::journal::Turn;
use usher_conversation::session::tools::Tool;
use usher_conversation::session::{Event, Origin};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallNews, TurnLatency};
use usher_testkit::Entry;

use crate::call_audit::{Break, CallHistory, Dialogue, audit};

const QUESTIONS: [(&str, &str); 1] = [("name", "your name?")];
const APOLOGY: &str = "Sorry, the line was gone for a moment.";

fn entry(at: i64, event: &str, text: &str, detail: Value) -> Entry {
    Entry { seq: 1, at, event: event.to_owned(), text: text.to_owned(), detail }
}

fn spoken(at: i64, text: &str, heard: &str) -> [Entry; 2] {
    [entry(at, "hearing", text, Value::Null), entry(at + 500, "heard", heard, Value::Null)]
}

fn turn(seq: u64, events: Vec<Event>) -> Turn {
    Turn { seq, at: Timestamp::from_millis(1), dedup: None, events }
}

fn spoke(text: &str) -> Event {
    let call = CallId::new(Timestamp::from_millis(1), [1; 16]);
    let news = CallNews::Spoke { utterance: 1, text: text.to_owned(), latency: TurnLatency::default() };
    Event::Call { call, news }
}

/// "Hello there. We have a question. What is your name?", broken off in the second sentence; then the rest and the answer.
fn honest() -> CallHistory {
    let line = [
        vec![entry(0, "stream", "started", Value::Null)],
        spoken(10, "Hello there. We have a question. What is your name?", "Hello there. We").into(),
        vec![entry(3_500, "stream", "started", Value::Null)],
        spoken(
            3_600,
            &format!("{APOLOGY} We have a question. What is your name?"),
            &format!("{APOLOGY} We have a question. What is your name?"),
        )
        .into(),
        vec![entry(5_000, "saying", "Dana", Value::Null)],
        spoken(5_500, "Thank you. Goodbye!", "Thank you. Goodbye!").into(),
    ];
    let value = json!("Dana");
    let answered = vec![
        Event::ToolUsed {
            call: CallId::new(Timestamp::from_millis(1), [1; 16]),
            tool: Tool::RecordAnswer { field: None, value: value.clone() },
        },
        Event::Answered {
            field: FieldId::new("name"),
            value: AnswerValue::Text("Dana".into()),
            raw: "Dana".into(),
            origin: Origin { channel: Channel::Voice, address: String::new(), line: None },
        },
    ];
    let log = vec![
        entry(3_550, "opened", "", Value::Null),
        entry(
            5_100,
            "tool_call",
            "record_answer",
            json!({ "tool_call_id": "1", "parameters": { "value": value } }),
        ),
        entry(5_110, "tool_result", "{}", json!({ "tool_call_id": "1", "is_error": false })),
    ];
    let variables = json!({ "resume_from": "Hello there.", "pending_question": "What is your name?", "questions_left": 1 });
    CallHistory {
        line: line.concat(),
        dialogues: vec![
            Dialogue { variables: Value::Null, log: vec![entry(5, "opened", "", Value::Null)] },
            Dialogue { variables, log },
        ],
        turns: vec![
            turn(1, vec![spoke("What is your name?")]),
            turn(2, answered),
            turn(3, vec![spoke("Thank you.")]),
        ],
        breaks: vec![Break { killed: 1_000, ready: 2_000 }],
    }
}

/// The one breach of a call broken on purpose.
#[track_caller]
fn only_breach(breaks: impl FnOnce(&mut CallHistory)) -> String {
    let mut history = honest();
    breaks(&mut history);
    let mut breaches = audit(&history, &QUESTIONS);
    assert_eq!(breaches.len(), 1, "{breaches:#?}");
    breaches.remove(0)
}

/// What the handset heard after the break.
fn resumes_with(history: &mut CallHistory, words: &str) {
    for entry in &mut history.line[4..6] {
        words.clone_into(&mut entry.text);
    }
}

#[test]
fn an_honest_call_passes() {
    assert_eq!(audit(&honest(), &QUESTIONS), Vec::<String>::new());
}

#[test]
fn two_repeated_sentences_are_flagged() {
    let breach = only_breach(|history| {
        resumes_with(history, "Hello there. We have a question. What is your name?");
    });
    assert!(breach.contains("more than one sentence was repeated"), "{breach}");
}

#[test]
fn a_sentence_that_was_left_out_is_flagged() {
    let breach = only_breach(|history| resumes_with(history, "We have a question. Who are you?"));
    assert!(breach.contains("a sentence was never heard: \"what is your name?\""), "{breach}");
}

#[test]
fn a_call_that_stays_away_or_comes_late_is_flagged() {
    let breach = only_breach(|history| history.line[3].at = 5_001);
    assert!(breach.contains("attached 3001 ms after there was a server"), "{breach}");
    let breach = only_breach(|history| drop(history.line.remove(3)));
    assert!(breach.contains("was not attached again"), "{breach}");
}

#[test]
fn an_agent_that_does_not_come_or_knows_nothing_is_flagged() {
    let breach = only_breach(|history| history.dialogues[1].log[0].at = 6);
    assert!(breach.contains("no agent came"), "{breach}");
    let breach = only_breach(|history| history.dialogues[1].variables["resume_from"] = json!(""));
    assert!(breach.contains("not told what was heard last"), "{breach}");
    let breach = only_breach(|history| history.dialogues[1].variables["pending_question"] = json!(""));
    assert!(breach.contains("not told what is asked"), "{breach}");
}

#[test]
fn an_agent_that_believes_what_nobody_heard_is_flagged() {
    let breach = only_breach(|history| {
        history.dialogues[1].variables["resume_from"] =
            json!("Hello there. We have a question. What is your name?");
    });
    assert!(breach.contains("and it was not: \"what is your name?\""), "{breach}");
}

#[test]
fn a_question_asked_aloud_after_its_answer_is_flagged() {
    let breach = only_breach(|history| history.turns.push(turn(4, vec![spoke("And what is your name?")])));
    assert!(breach.contains("name was asked again"), "{breach}");
}

#[test]
fn an_acknowledged_answer_that_is_not_in_the_journal_is_flagged() {
    let breach = only_breach(|history| drop(history.turns[1].events.remove(0)));
    assert!(breach.contains("\"Dana\" was acknowledged and is not in the journal"), "{breach}");
}
