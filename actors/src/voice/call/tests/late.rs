//! What comes before the agent is there, what comes too late, and what is too much.

use serde_json::json;
use usher_conversation::flow::FieldId;
use usher_conversation::session::EscalationReason;
use usher_conversation::session::tools::{Tool, ToolAnswer};
use usher_conversation::voice::{AgentEvent, CallEnd, CallNews, CarrierEvent, Fault};

use super::super::playback::LONGEST_TEXT;
use super::super::words::say;
use super::super::{Action, Call, Done, Entry, Order, SessionNews, Transferred};
use super::{NOON, Rig, setup};
use crate::voice::ports::{Handover, Outcome};
use crate::voice::settings::{Emergency, People, Setup};

/// Something texted in this turn.
fn texted(turn: u64) -> SessionNews {
    SessionNews::Elsewhere {
        turn,
        context: format!("Recorded in turn {turn}."),
        message: Some(format!("I have texted in turn {turn}.")),
    }
}

impl Rig {
    fn news_of(&mut self, turn: u64) {
        self.step(|call, now, out| call.on_session(texted(turn), now, out));
    }

    fn entries(&self) -> Vec<&str> {
        let entered = self.log.iter().filter_map(|action| match action {
            Action::Enter(entry) => Some(entry.text.as_str()),
            _ => None,
        });
        entered.collect()
    }
}

#[test]
fn what_is_texted_while_the_agent_is_dialled_is_told_once_it_is_there() {
    let mut rig = Rig::with(setup());
    rig.news_of(4);
    rig.done(Done::Briefed { utterances: 0, turn: 5, contact_said: None });
    rig.news_of(5);
    rig.news_of(6);
    assert!(rig.messages().is_empty(), "nobody is there to be told");
    rig.briefed_to(5);
    assert_eq!(rig.messages(), ["I have texted in turn 6."], "and only what the briefing does not hold");
    rig.news_of(5);
    rig.news_of(7);
    assert_eq!(rig.messages()[1..], ["I have texted in turn 7."], "news that lag behind are known");
}

#[test]
fn what_is_texted_during_a_transfer_that_fails_is_told_afterwards() {
    let mut rig = Rig::live();
    rig.tool("a", "transfer", json!({}));
    rig.answer();
    rig.pass(3_000);
    rig.news_of(8);
    rig.done(Done::Transferred(Transferred::Refused));
    assert_eq!(rig.messages(), [say::TRANSFER_FAILED, "I have texted in turn 8."]);
}

#[test]
fn what_is_typed_before_the_agent_is_there_waits_for_it() {
    let mut rig = Rig::with(setup());
    rig.carrier(CarrierEvent::Typed("dana@acme.com".to_owned()));
    assert!(rig.messages().is_empty());
    rig.dialed();
    assert_eq!(rig.messages(), ["dana@acme.com"]);
}

#[test]
fn what_was_typed_before_a_briefing_that_holds_it_is_said_once() {
    let mut rig = Rig::with(setup());
    rig.carrier(CarrierEvent::Typed("dana@acme.com".to_owned()));
    rig.carrier(CarrierEvent::Typed("and more".to_owned()));
    let contact_said = Some("My email is dana@acme.com".to_owned());
    rig.done(Done::Briefed { utterances: 1, turn: 1, contact_said });
    rig.ready();
    assert_eq!(rig.messages(), ["My email is dana@acme.com", "and more"]);
}

#[test]
fn digits_that_were_taken_while_the_agent_is_dialled_are_told_unless_it_knows_them() {
    let taken = |rig: &mut Rig, turn| {
        let answer = ToolAnswer { json: "{}".to_owned(), is_error: false };
        rig.entered(Entry { text: format!("{turn}"), keyed: true, asked: None }, Some(answer), Some(turn));
    };
    let mut rig = Rig::with(setup());
    taken(&mut rig, 3);
    rig.done(Done::Briefed { utterances: 0, turn: 3, contact_said: None });
    taken(&mut rig, 4);
    rig.briefed_to(3);
    assert_eq!(rig.messages(), [say::typed("4")]);
}

#[test]
fn digits_that_wait_for_more_are_an_answer_however_the_call_ends() {
    let ends: [fn(&mut Rig); 4] = [
        |rig| rig.step(Call::on_line_lost),
        |rig| {
            let drain = Order::Leave(Outcome::HandedOver(Handover::Drain));
            rig.step(|call, now, out| call.on_order(drain, now, out));
        },
        |rig| rig.step(|call, now, out| call.on_session(SessionNews::Stop, now, out)),
        |rig| {
            rig.agent(AgentEvent::Goodbye);
            rig.carrier(CarrierEvent::Hangup);
        },
    ];
    for (number, ends) in ends.iter().enumerate() {
        let mut rig = Rig::live();
        rig.digits("5035550142");
        ends(&mut rig);
        assert!(rig.outcome().is_some(), "end {number}");
        assert_eq!(rig.entries(), ["5035550142"], "end {number}");
    }
}

#[test]
fn the_longest_call_is_counted_from_its_first_stream() {
    let limit = setup().limits.longest;
    let mut rig = Rig::live_with(Setup { began: Some(NOON.plus_millis(20_000 - limit)), ..setup() });
    rig.pass(19_000);
    assert!(!rig.messages().contains(&say::TIME_IS_UP));
    rig.pass(1_000);
    assert!(rig.messages().contains(&say::TIME_IS_UP), "{:?}", rig.messages());
    rig.pass(20_000);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::TooLong)));
}

#[test]
fn an_answer_that_was_given_up_and_taken_after_all_is_told_and_not_repeated() {
    let mut rig = Rig::live();
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.pass(8_000);
    let late = |is_error| Done::Used {
        id: "a".to_owned(),
        tool: Tool::GetNextQuestion,
        answer: ToolAnswer { json: r#"{"ok":true}"#.to_owned(), is_error },
        withdrawn: false,
    };
    let told = |rig: &Rig| {
        rig.count(|action| matches!(action, Action::Context { id: "late", text } if text.contains(r#"{"ok":true}"#)))
    };
    rig.done(late(true));
    assert_eq!(told(&rig), 0, "that it failed is known");
    rig.done(late(false));
    assert_eq!(told(&rig), 1);
}

#[test]
fn an_answer_is_about_the_question_that_was_asked_when_it_came() {
    let mut rig = Rig::live();
    let website = FieldId::new("website");
    rig.asked(&website, false);
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.tool("b", "record_answer", json!({ "value": "twelve" }));
    let fields: Vec<_> = rig
        .log
        .iter()
        .filter_map(|action| match action {
            Action::Use { tool: Tool::RecordAnswer { field, .. }, .. } => Some(field.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(fields, [Some(website), None], "what comes beside it is about what follows");
}

#[test]
fn consent_that_is_withdrawn_late_still_ends_the_call() {
    let mut rig = Rig::live();
    rig.tool("a", "record_answer", json!({ "value": "stop calling me" }));
    rig.pass(8_000);
    let answer = ToolAnswer { json: "{}".to_owned(), is_error: false };
    rig.done(Done::Used { id: "a".to_owned(), tool: Tool::GetNextQuestion, answer, withdrawn: true });
    rig.pass(5_000);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
}

#[test]
fn an_emergency_where_nobody_can_be_put_through_is_told_to_a_human_and_keeps_the_call() {
    let emergency = Emergency { plan: None, pound_key: true, keywords: vec!["gas leak".to_owned()] };
    let people = People { emergency: Some(emergency), ..People::default() };
    let mut rig = Rig::live_with(Setup { people, ..setup() });
    rig.heard("There is a gas leak!");
    rig.heard("A gas leak, I say");
    assert_eq!(rig.count(|action| *action == Action::Escalate(EscalationReason::Emergency)), 1);
    assert_eq!(rig.messages(), [say::NOBODY_TO_HELP]);
    assert_eq!(rig.count(|action| matches!(action, Action::Transfer(_) | Action::CloseAgent)), 0);
    assert_eq!(rig.outcome(), None);
}

#[test]
fn an_agent_that_closes_before_it_is_ready_leaves_the_line_to_the_keypad() {
    let mut rig = Rig::with(setup());
    rig.done(Done::Briefed { utterances: 0, turn: 1, contact_said: None });
    rig.agent(AgentEvent::Gone(Fault::Ended));
    assert!(
        matches!(rig.outcome(), Some(Outcome::HandedOver(Handover::AgentUnavailable(_)))),
        "{:?}",
        rig.outcome()
    );
}

#[test]
fn the_filler_takes_its_time_on_the_line() {
    let mut rig = Rig::live();
    rig.echoes = false;
    rig.agent(AgentEvent::Gone(Fault::Lost(String::new())));
    rig.step(|call, now, _| call.on_filler(500_000, now));
    rig.line.send(500, rig.now);
    rig.dialed();
    rig.speaks(1, "Goodbye!", 1_000);
    rig.agent(AgentEvent::Goodbye);
    rig.pass(3_499);
    assert_eq!(rig.outcome(), None, "the goodbye ends half a second later");
    rig.pass(1);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
}

#[test]
fn what_an_agent_sends_is_bounded_before_it_is_kept() {
    let mut rig = Rig::live();
    rig.heard(&"é".repeat(LONGEST_TEXT));
    let longest = rig.news().into_iter().filter_map(|news| match news {
        CallNews::Heard { text } => Some(text.len()),
        _ => None,
    });
    assert_eq!(longest.max(), Some(LONGEST_TEXT));
    rig.tool(&"x".repeat(10_000), "get_next_question", json!({}));
    assert_eq!(rig.count(|action| matches!(action, Action::Use { .. } | Action::Result(_))), 0);
}
