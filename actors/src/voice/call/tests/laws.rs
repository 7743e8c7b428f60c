//! What holds whatever happens. Each law is a function that a log which breaks it must fail.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use serde_json::json;
use usher_conversation::voice::{AgentEvent, CallEnd, CallNews, CarrierEvent, Fault, TurnLatency, Utterance};

use super::super::{Action, Call, Order, SessionNews};
use super::{Rig, setup};
use crate::voice::ports::{Handover, Outcome};

const MILLIS: i64 = 1_600;

/// Something that happens to a call.
#[derive(Debug, Clone)]
enum Step {
    Speak,
    Sound,
    Say,
    Interrupt,
    Correct(usize),
    Hear,
    Hearing,
    Tool(&'static str),
    Answer,
    Goodbye,
    Lose,
    AgentEnds,
    Refuse,
    Dialed,
    Digits(&'static str),
    Hangup,
    LineLost,
    Stop,
    Drain,
    Echo(bool),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Speak),
        2 => Just(Step::Sound),
        1 => Just(Step::Say),
        3 => Just(Step::Interrupt),
        2 => (0_usize..40).prop_map(Step::Correct),
        3 => Just(Step::Hear),
        1 => Just(Step::Hearing),
        2 => prop_oneof![
            Just("record_answer"), Just("get_next_question"), Just("transfer"), Just("end_call"), Just("dance")
        ].prop_map(Step::Tool),
        3 => Just(Step::Answer),
        1 => Just(Step::Goodbye),
        1 => Just(Step::Lose),
        1 => Just(Step::AgentEnds),
        1 => Just(Step::Refuse),
        3 => Just(Step::Dialed),
        1 => prop_oneof![Just("1"), Just("#"), Just("12#"), Just("*")].prop_map(Step::Digits),
        1 => Just(Step::Hangup),
        1 => Just(Step::LineLost),
        1 => Just(Step::Stop),
        1 => Just(Step::Drain),
        1 => any::<bool>().prop_map(Step::Echo),
        8 => (0_i64..3_000).prop_map(Step::Pass),
        1 => (0_i64..200_000).prop_map(Step::Pass),
    ]
}

/// The words of the agent's `event`-th utterance.
fn words(event: u64) -> String {
    format!("This is sentence {event} of mine. It has a second half.")
}

fn run(steps: &[Step]) -> Rig {
    let mut rig = Rig::with(super::Setup { protected: 1, ..setup() });
    let mut event = 0;
    for step in steps {
        match step {
            Step::Speak => {
                event += 1;
                rig.speaks(event, &words(event), MILLIS);
            }
            Step::Sound => drop(rig.sound(event, 200)),
            Step::Say => {
                event += 1;
                rig.said(event, &words(event));
            }
            Step::Interrupt => rig.agent(AgentEvent::Interrupted { event }),
            Step::Correct(chars) => {
                let text = words(event).chars().take(*chars).collect();
                rig.agent(AgentEvent::Corrected(Utterance { event, text }));
            }
            Step::Hear => rig.heard("I see"),
            Step::Hearing => rig.agent(AgentEvent::Hearing("I".to_owned())),
            Step::Tool(name) => {
                let id = rig.log.len().to_string();
                rig.tool(&id, name, json!({ "value": "x" }));
            }
            Step::Answer => rig.answer(),
            Step::Goodbye => rig.agent(AgentEvent::Goodbye),
            Step::Lose => rig.agent(AgentEvent::Gone(Fault::Lost(String::new()))),
            Step::AgentEnds => rig.agent(AgentEvent::Gone(Fault::Ended)),
            Step::Refuse => rig.agent(AgentEvent::Gone(Fault::Refused(String::new()))),
            Step::Dialed => rig.dialed(),
            Step::Digits(keys) => rig.digits(keys),
            Step::Hangup => rig.carrier(CarrierEvent::Hangup),
            Step::LineLost => rig.step(Call::on_line_lost),
            Step::Stop => rig.step(|call, now, out| call.on_session(SessionNews::Stop, now, out)),
            Step::Drain => {
                let order = Order::Leave(Outcome::HandedOver(Handover::Drain));
                rig.step(|call, now, out| call.on_order(order, now, out));
            }
            Step::Echo(echoes) => rig.echoes = *echoes,
            Step::Pass(millis) => rig.pass(*millis),
        }
    }
    rig
}

/// What is wrong with a call's actions.
fn violations(log: &[Action]) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut finished = None;
    let (mut ended, mut hung_up, mut last_mark) = (0, 0, 0);
    let mut spoke: HashMap<u32, &str> = HashMap::new();
    let mut known: HashMap<u32, usize> = HashMap::new();
    let mut open = HashSet::new();
    for action in log {
        if finished.is_some() {
            wrong.push("something was wanted after the end");
        }
        match action {
            Action::Finish(outcome) => finished = Some(outcome),
            Action::HangUp => hung_up += 1,
            Action::Mark(number) if *number <= last_mark => wrong.push("a mark was used twice"),
            Action::Mark(number) => last_mark = *number,
            Action::Use { id, .. } if !open.insert(id) => wrong.push("a tool was carried out twice"),
            Action::Tell(CallNews::Ended { .. }) => ended += 1,
            Action::Tell(CallNews::Spoke { utterance, text, .. }) => {
                let before = spoke.insert(*utterance, text);
                wrong.extend(before.map(|_| "an utterance was told twice"));
            }
            Action::Tell(
                news @ (CallNews::Played { utterance, text, .. } | CallNews::Playing { utterance, text }),
            ) => {
                let said = spoke.get(utterance).copied().unwrap_or_default();
                let all = matches!(news, CallNews::Played { whole: true, .. });
                if text.is_empty() || !said.starts_with(text.as_str()) || (all && said != text) {
                    wrong.push("what was heard is not what was said");
                }
                if known.insert(*utterance, text.len()).is_some_and(|before| before > text.len()) {
                    wrong.push("what was heard became unheard");
                }
            }
            _ => {}
        }
    }
    let over = matches!(finished, Some(Outcome::Ended(_)));
    if ended != usize::from(over) {
        wrong.push("the session is told of the end if and only if the call is over");
    }
    if hung_up > usize::from(over) {
        wrong.push("a call that goes on elsewhere, or is over already, was hung up");
    }
    wrong
}

/// Claims about what was heard that are more than what sounded.
fn exaggerations(rig: &Rig, log: &[Action]) -> Vec<String> {
    let mut spoke: HashMap<u32, &str> = HashMap::new();
    let mut wrong = Vec::new();
    for action in log {
        match action {
            Action::Tell(CallNews::Spoke { utterance, text, .. }) => drop(spoke.insert(*utterance, text)),
            Action::Tell(
                CallNews::Played { utterance, text, .. } | CallNews::Playing { utterance, text },
            ) => {
                let said = spoke.get(utterance).copied().unwrap_or_default();
                let sounded = rig.line.sounded(said, rig.now);
                // A character more, for rounding.
                let most = i64::try_from(said.len()).unwrap_or(0) * sounded / MILLIS + 1;
                if i64::try_from(text.len()).unwrap_or(0) > most {
                    wrong.push(format!("{text:?} of {said:?} in {sounded} ms"));
                }
            }
            _ => {}
        }
    }
    wrong
}

proptest! {
    #[test]
    fn whatever_happens_a_call_keeps_its_laws(steps in proptest::collection::vec(step(), 0..80)) {
        let rig = run(&steps);
        prop_assert_eq!(violations(&rig.log), Vec::<&str>::new());
    }

    #[test]
    fn a_call_that_is_left_alone_ends(steps in proptest::collection::vec(step(), 0..40)) {
        let mut rig = run(&steps);
        rig.pass(20 * 60_000);
        // Only a conversation that is being opened waits for somebody else, and that is bounded too.
        prop_assert!(rig.outcome().is_some());
        prop_assert_eq!(violations(&rig.log), Vec::<&str>::new());
    }

    #[test]
    fn nothing_is_claimed_heard_that_did_not_sound(steps in proptest::collection::vec(step(), 0..60)) {
        let honest: Vec<_> = steps
            .into_iter()
            .filter(|step| !matches!(step, Step::Correct(_) | Step::Sound | Step::Say))
            .collect();
        let rig = run(&honest);
        prop_assert_eq!(exaggerations(&rig, &rig.log), Vec::<String>::new());
    }

    #[test]
    fn every_tool_is_answered_once(names in proptest::collection::vec(
        prop_oneof![Just("record_answer"), Just("get_next_question"), Just("dance")], 1..30,
    ), answered in any::<bool>()) {
        let mut rig = Rig::live();
        for (id, name) in names.iter().enumerate() {
            rig.tool(&id.to_string(), name, json!({ "value": "x" }));
            if answered {
                rig.answer();
            }
        }
        rig.pass(10_000);
        let mut ids: Vec<_> = rig.log.iter().filter_map(|action| match action {
            Action::Result(result) => result.id.parse::<usize>().ok(),
            _ => None,
        }).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..names.len()).collect::<Vec<_>>());
    }
}

/// A log that breaks no law, to be broken.
fn lawful() -> Vec<Action> {
    let spoke = CallNews::Spoke { utterance: 1, text: "One two".to_owned(), latency: TurnLatency::default() };
    let played = |text: &str, whole| CallNews::Played { utterance: 1, text: text.to_owned(), whole };
    vec![
        Action::Tell(spoke),
        Action::Mark(1),
        Action::Tell(played("One", false)),
        Action::Tell(played("One two", true)),
        Action::HangUp,
        Action::Tell(CallNews::Ended { end: CallEnd::Finished, seconds: 1 }),
        Action::Finish(Outcome::Ended(CallEnd::Finished)),
    ]
}

#[test]
fn logs_that_break_a_law_are_reported() {
    assert_eq!(violations(&lawful()), Vec::<&str>::new());
    let breaks: [fn(&mut Vec<Action>); 8] = [
        |log| log.push(Action::Clear),
        |log| log.insert(2, Action::Mark(1)),
        |log| log.insert(1, log[0].clone()),
        |log| log.insert(4, log[2].clone()),
        |log| drop(log.remove(0)),
        |log| log.insert(5, Action::HangUp),
        |log| drop(log.remove(5)),
        |log| log[6] = Action::Finish(Outcome::HandedOver(Handover::Drain)),
    ];
    for (number, break_it) in breaks.iter().enumerate() {
        let mut log = lawful();
        break_it(&mut log);
        assert!(!violations(&log).is_empty(), "break {number} was not noticed");
    }
}

#[test]
fn a_machine_that_took_cleared_marks_for_played_ones_would_be_reported() {
    let mut rig = Rig::live();
    rig.speaks(5, &words(5), MILLIS);
    rig.pass(300);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig.pass(2_000);
    assert_eq!(exaggerations(&rig, &rig.log), Vec::<String>::new());
    let mut credulous = rig.log.clone();
    credulous.push(Action::Tell(CallNews::Played { utterance: 1, text: words(5), whole: true }));
    assert_eq!(exaggerations(&rig, &credulous).len(), 1);
}

#[test]
fn a_transfer_that_fails_does_not_count_as_silence() {
    let mut rig = run(&[Step::Dialed, Step::Pass(7_500), Step::Tool("transfer"), Step::Answer]);
    rig.pass(20 * 60_000);
    assert!(rig.outcome().is_some());
}
