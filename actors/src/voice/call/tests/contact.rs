//! What the contact says, types and presses: whom it reaches, what it answers, and what it takes back.

use serde_json::json;
use usher_conversation::flow::FieldId;
use usher_conversation::session::EscalationReason;
use usher_conversation::session::tools::ToolAnswer;
use usher_conversation::voice::{AgentEvent, CallEnd, CallNews, CarrierEvent};

use super::super::words::say;
use super::super::{Action, Done, Entry, Question};
use super::{Rig, setup};
use crate::voice::ports::{Outcome, TransferReason};
use crate::voice::settings::{Emergency, People, Setup};

const BYE: &str = "Thank you, and goodbye!";

/// An agent that says goodbye and has asked for the end, with a second of its words still to be played.
fn leaving() -> Rig {
    let mut rig = Rig::live();
    rig.speaks(5, BYE, 2_000);
    rig.tool("a", "end_call", json!({}));
    rig.answer();
    rig.pass(1_000);
    rig
}

#[test]
fn a_contact_who_interrupts_a_goodbye_is_listened_to() {
    let mut rig = leaving();
    rig.agent(AgentEvent::Interrupted { event: 5 });
    // The network returns every mark that waited.
    rig.pass(1_200);
    assert_eq!(rig.outcome(), None, "nobody hangs up on a contact who speaks");
    rig.heard("Wait, my email is dana at acme dot com");
    rig.pass(20_000);
    assert_eq!(rig.outcome(), None, "the goodbye was too early");
}

#[test]
fn a_contact_who_begins_to_speak_before_the_last_mark_is_listened_to() {
    let mut rig = leaving();
    rig.pass(900);
    rig.agent(AgentEvent::Hearing("Wait".to_owned()));
    rig.pass(1_500);
    assert_eq!(rig.outcome(), None);
    rig.heard("Wait, one more thing");
    rig.pass(20_000);
    assert_eq!(rig.outcome(), None);
}

#[test]
fn a_goodbye_that_was_interrupted_by_nothing_ends_the_call_all_the_same() {
    let mut rig = leaving();
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig.pass(9_999);
    assert_eq!(rig.outcome(), None);
    rig.pass(1);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
}

#[test]
fn digits_answer_the_question_that_was_asked_at_the_first_of_them() {
    let mut rig = Rig::live();
    let (plan, size) = (FieldId::new("plan"), FieldId::new("size"));
    rig.asked(&plan, false);
    rig.digits("1");
    rig.asked(&size, false);
    rig.pass(2_000);
    rig.digits("*");
    rig.digits("2#");
    let asked: Vec<_> = rig
        .log
        .iter()
        .filter_map(|action| match action {
            Action::Enter(entry) => Some((entry.text.as_str(), entry.asked.as_ref()?.field.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [("1", plan), ("2", size)]);
}

#[test]
fn the_agent_gets_its_time_for_last_words_that_were_recognised_after_the_hang_up() {
    let mut rig = Rig::live();
    rig.carrier(CarrierEvent::Hangup);
    rig.pass(1_400);
    rig.heard("It is acme dot com");
    rig.pass(3_000);
    rig.heard("Thank you");
    assert_eq!(rig.outcome(), None, "its model needs a while");
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.answer();
    rig.pass(1_000);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::ContactHungUp)), "waited for once");
    assert_eq!(rig.count(|action| matches!(action, Action::Use { .. })), 1);
}

#[test]
fn an_emergency_that_is_heard_after_the_hang_up_is_told_to_a_human() {
    let mut rig = Rig::live();
    rig.carrier(CarrierEvent::Hangup);
    rig.heard("There is a gas leak!");
    assert_eq!(rig.count(|action| *action == Action::Escalate(EscalationReason::Emergency)), 1);
    assert_eq!(rig.count(|action| matches!(action, Action::Transfer(_))), 0, "nobody is on the line");
}

/// Everything that the agent was told.
fn told(rig: &Rig) -> String {
    let words = rig.log.iter().filter_map(|action| match action {
        Action::Message(text) | Action::Context { text, .. } => Some(text.as_str()),
        _ => None,
    });
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_typed_as_a_private_answer_goes_to_the_session_and_to_nobody_else() {
    let pin = FieldId::new("pin");
    let typed = |rig: &mut Rig, private| {
        rig.asked(&pin, private);
        rig.carrier(CarrierEvent::Typed("hunter4711".to_owned()));
    };
    let mut rig = Rig::live();
    typed(&mut rig, true);
    let asked = Some(Question { field: pin.clone(), private: true });
    let entry = Entry { text: "hunter4711".to_owned(), keyed: false, asked };
    assert_eq!(rig.count(|action| *action == Action::Enter(entry.clone())), 1);
    let journaled = |rig: &Rig| rig.news().iter().any(|news| matches!(news, CallNews::Heard { .. }));
    assert!(!journaled(&rig), "the next agent would be told it as the contact's last words");
    let answer = Some(ToolAnswer { json: r#"{"ok":true}"#.to_owned(), is_error: false });
    rig.done(Done::Entered { entry, private: true, answer, turn: Some(2), withdrawn: false });
    assert_eq!(rig.messages(), [say::ENTERED]);
    assert!(!told(&rig).contains("4711"));
    // What is nobody's secret is said as before.
    let mut rig = Rig::live();
    typed(&mut rig, false);
    assert!(journaled(&rig) && told(&rig).contains("hunter4711"));
}

#[test]
fn private_digits_are_told_to_nobody_whether_they_are_taken_or_not() {
    for answer in [Some(ToolAnswer { json: r#"{"ok":true}"#.to_owned(), is_error: false }), None] {
        let mut rig = Rig::live();
        let entry = Entry { text: "4711".to_owned(), keyed: true, asked: None };
        rig.done(Done::Entered { entry, private: true, answer, turn: None, withdrawn: false });
        assert_eq!(rig.messages().len(), 1, "the agent knows that something was entered");
        let told = told(&rig);
        assert!(!told.contains("4711") && !told.contains("4 7 1 1"), "{told}");
    }
}

#[test]
fn consent_that_is_withdrawn_in_a_private_answer_ends_the_call() {
    let mut rig = Rig::live();
    let entry = Entry { text: "STOP".to_owned(), keyed: false, asked: None };
    let answer = Some(ToolAnswer { json: "{}".to_owned(), is_error: false });
    rig.done(Done::Entered { entry, private: true, answer, turn: Some(2), withdrawn: true });
    rig.pass(5_000);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
}

#[test]
fn a_word_for_an_emergency_is_noticed_when_it_is_typed() {
    for private in [false, true] {
        let mut rig = Rig::live();
        rig.asked(&FieldId::new("pin"), private);
        rig.carrier(CarrierEvent::Typed("There is a gas leak!".to_owned()));
        let emergency = |action: &Action| matches!(action, Action::Transfer(plan) if plan.reason == TransferReason::Emergency);
        assert_eq!(rig.count(emergency), 1, "private: {private}");
        assert_eq!(rig.count(|action| matches!(action, Action::Enter(_))), 0, "it answers nothing");
    }
    // A page has no telephone network: a human is called.
    let emergency = Emergency { plan: None, pound_key: true, keywords: vec!["gas leak".to_owned()] };
    let people = People { emergency: Some(emergency), ..People::default() };
    let mut rig = Rig::live_with(Setup { people, ..setup() });
    rig.carrier(CarrierEvent::Typed("gas leak".to_owned()));
    assert_eq!(rig.count(|action| *action == Action::Escalate(EscalationReason::Emergency)), 1);
}

#[test]
fn a_mark_that_never_comes_back_does_not_keep_a_silent_line_open() {
    let mut rig = Rig::live();
    rig.echoes = false;
    rig.speaks(5, "Are you the owner?", 2_000);
    rig.pass(3_999);
    assert_eq!(rig.played(), []);
    rig.pass(1);
    assert_eq!(rig.played(), [(1, "Are you the owner?", true)], "long after its end it counts as played");
    rig.pass(setup().limits.silence);
    assert_eq!(rig.messages(), [say::STILL_THERE]);
}
