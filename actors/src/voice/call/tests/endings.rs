//! Ending: goodbye, hang-up, transfer, loss of either side, drain.

use serde_json::json;
use usher_conversation::session::EscalationReason;
use usher_conversation::voice::{AgentEvent, CallEnd, CallNews, CarrierEvent, Fault, Refusal, Utterance};

use super::super::words::say;
use super::super::{Action, Call, Done, Order, Route, SessionNews};
use super::{Rig, setup};
use crate::voice::ports::{Handover, Outcome};

const BYE: &str = "Thank you, and goodbye!";

fn ended(end: CallEnd) -> Outcome {
    Outcome::Ended(end)
}

#[test]
fn the_call_ends_only_after_the_last_mark() {
    let mut rig = Rig::live();
    rig.speaks(5, BYE, 2_000);
    rig.agent(AgentEvent::Goodbye);
    rig.pass(1_990);
    assert_eq!(rig.outcome(), None);
    rig.pass(10);
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::Finished)));
    assert_eq!(rig.played(), [(1, BYE, true)]);
    assert_eq!(rig.count(|action| *action == Action::HangUp), 1);
}

#[test]
fn a_mark_that_never_comes_back_holds_the_call_two_seconds() {
    let mut rig = Rig::live();
    rig.echoes = false;
    rig.speaks(5, BYE, 2_000);
    rig.agent(AgentEvent::Goodbye);
    rig.pass(3_999);
    assert_eq!(rig.outcome(), None);
    rig.pass(1);
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::Finished)));
}

#[test]
fn an_agent_that_ends_the_conversation_is_heard_to_its_end() {
    let mut rig = Rig::live();
    rig.speaks(5, BYE, 2_000);
    rig.agent(AgentEvent::Gone(Fault::Ended));
    rig.pass(1_900);
    assert_eq!(rig.outcome(), None);
    rig.pass(100);
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::Finished)));
}

#[test]
fn a_goodbye_that_is_still_to_come_is_waited_for() {
    let mut rig = Rig::live();
    rig.tool("a", "end_call", json!({}));
    rig.answer();
    rig.pass(2_000);
    rig.speaks(5, BYE, 3_000);
    rig.pass(2_990);
    assert_eq!(rig.outcome(), None);
    rig.pass(300);
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::Finished)));
}

#[test]
fn a_contact_who_goes_on_talking_keeps_the_line() {
    let mut rig = Rig::live();
    rig.tool("a", "end_call", json!({}));
    rig.answer();
    rig.heard("Wait, one more thing");
    rig.pass(20_000);
    assert_eq!(rig.outcome(), None);
}

#[test]
fn hanging_up_twice_is_hanging_up_once() {
    let mut rig = Rig::live();
    rig.agent(AgentEvent::Goodbye);
    rig.pass(3_000);
    rig.carrier(CarrierEvent::Hangup);
    rig.step(|call, now, out| call.on_session(SessionNews::Stop, now, out));
    rig.step(Call::on_line_lost);
    rig.pass(100_000);
    assert_eq!(rig.count(|action| matches!(action, Action::Finish(_))), 1);
    assert_eq!(rig.count(|action| *action == Action::HangUp), 1);
    assert_eq!(rig.news().iter().filter(|news| matches!(news, CallNews::Ended { .. })).count(), 1);
}

#[test]
fn the_last_words_before_a_hang_up_are_waited_for() {
    let mut rig = Rig::live();
    rig.carrier(CarrierEvent::Hangup);
    assert_eq!(rig.count(|action| *action == Action::Silence), 1, "the agent's recogniser hears an end");
    rig.pass(1_000);
    rig.heard("It is acme dot com");
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.pass(1_000);
    assert_eq!(rig.outcome(), None, "a tool is under way");
    rig.answer();
    rig.pass(8_000);
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::ContactHungUp)));
    let news = rig.news();
    assert!(matches!(
        news[..],
        [CallNews::Heard { .. }, CallNews::Ended { end: CallEnd::ContactHungUp, .. }]
    ));
}

#[test]
fn a_hang_up_in_mid_sentence_tells_how_much_was_heard() {
    let mut rig = Rig::live();
    rig.speaks(5, "Great. Shall we start with your address?", 4_000);
    rig.pass(1_650);
    rig.carrier(CarrierEvent::Hangup);
    rig.pass(2_000);
    assert_eq!(rig.played_in_the_end(), [(1, "Great. Shall we", false)]);
}

#[test]
fn a_line_that_breaks_is_no_hang_up() {
    let mut rig = Rig::live();
    rig.step(Call::on_line_lost);
    assert_eq!(rig.outcome(), Some(&Outcome::HandedOver(Handover::LineLost)));
    assert!(rig.news().is_empty(), "the call may live on: its session is not told of an end");
    assert_eq!(rig.count(|action| *action == Action::HangUp), 0);
}

#[test]
fn a_lost_agent_is_dialled_once_more_behind_a_filler() {
    let mut rig = Rig::live();
    rig.speaks(5, "One moment please.", 1_000);
    rig.pass(400);
    rig.agent(AgentEvent::Gone(Fault::Lost("1006".to_owned())));
    assert_eq!(rig.count(|action| *action == Action::Dial), 0, "what it said last is played out");
    assert_eq!(rig.call.on_voice(), Route::Hold, "what the contact says meanwhile is kept");
    rig.pass(600);
    let after: Vec<_> = rig.log.iter().rev().take(3).rev().collect();
    assert!(matches!(
        after[..],
        [Action::Tell(CallNews::Played { whole: true, .. }), Action::Filler, Action::Dial]
    ));
    rig.dialed();
    assert_eq!(rig.call.on_voice(), Route::Forward);
    assert!(
        !rig.news().iter().any(|news| matches!(news, CallNews::Connected { .. })),
        "one call, one connection"
    );
    rig.agent(AgentEvent::Gone(Fault::Lost("1006".to_owned())));
    assert!(matches!(rig.outcome(), Some(Outcome::HandedOver(Handover::AgentUnavailable(_)))));
}

#[test]
fn an_agent_lost_in_a_long_sentence_is_cut_off_and_its_heard_words_are_known_before_it_is_dialled() {
    let mut rig = Rig::live();
    rig.speaks(5, "Great. Shall we start with your address?", 8_000);
    rig.pass(3_300);
    rig.agent(AgentEvent::Gone(Fault::Lost("1006".to_owned())));
    let played = rig.log.iter().rposition(|action| matches!(action, Action::Tell(CallNews::Played { .. })));
    let dialled = rig.log.iter().position(|action| *action == Action::Dial);
    assert!(played.expect("told") < dialled.expect("dialled"), "the briefing must know it");
    assert_eq!(rig.played().last(), Some(&(1, "Great. Shall we", false)));
    assert_eq!(rig.count(|action| *action == Action::Clear), 1);
}

#[test]
fn an_agent_lost_again_much_later_is_dialled_again() {
    let mut rig = Rig::live();
    for _ in 0..3 {
        for _ in 0..4 {
            rig.pass(10_000);
            rig.heard("Yes");
        }
        rig.agent(AgentEvent::Gone(Fault::Lost("1006".to_owned())));
        rig.dialed();
    }
    assert_eq!((rig.count(|action| *action == Action::Dial), rig.outcome()), (3, None));
}

#[test]
fn an_agent_that_refuses_hands_the_call_to_the_keypad_and_calls_a_human() {
    for refuse in [
        (|rig: &mut Rig| rig.done(Done::NotDialed(Refusal::Refused("quota".to_owned())))) as fn(&mut Rig),
        |rig| rig.agent(AgentEvent::Gone(Fault::Refused("1008".to_owned()))),
    ] {
        let mut rig = Rig::with(setup());
        refuse(&mut rig);
        assert_eq!(rig.count(|action| *action == Action::Dial), 1, "dialling again is useless");
        let called = Action::Escalate(EscalationReason::VoiceUnavailable);
        assert_eq!(rig.count(|action| *action == called), 1);
        assert!(matches!(rig.outcome(), Some(Outcome::HandedOver(Handover::AgentUnavailable(_)))));
        assert_eq!(rig.count(|action| *action == Action::HangUp), 0);
    }
}

#[test]
fn an_agent_that_does_not_answer_is_given_up() {
    let mut rig = Rig::with(setup());
    rig.pass(20_000);
    assert_eq!(rig.count(|action| *action == Action::Dial), 2);
    assert!(matches!(rig.outcome(), Some(Outcome::HandedOver(Handover::AgentUnavailable(_)))));
}

#[test]
fn a_call_that_lasts_too_long_is_told_so_and_ends_after_a_goodbye() {
    let mut rig = Rig::live();
    for _ in 0..90 {
        rig.pass(10_000);
        rig.heard("And another thing");
        if rig.messages() == [say::TIME_IS_UP] {
            break;
        }
    }
    assert_eq!(rig.count(|action| matches!(action, Action::Context { id: "time", .. })), 1);
    assert_eq!(rig.messages(), [say::TIME_IS_UP]);
    rig.speaks(9, BYE, 1_000);
    rig.pass(1_500);
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::TooLong)));
}

#[test]
fn an_agent_that_will_not_stop_talking_does_not_keep_the_line() {
    let mut rig = Rig::live();
    for round in 0..1_000 {
        rig.agent(AgentEvent::Said(Utterance { event: round, text: "And so on.".to_owned() }));
        rig.sound(round, 1_000);
        rig.pass(1_000);
    }
    assert_eq!(rig.outcome(), Some(&ended(CallEnd::TooLong)));
}

#[test]
fn a_drained_call_is_let_go_with_everything_known_about_it() {
    let mut rig = Rig::live();
    rig.speaks(5, "Great. Shall we start with your address?", 4_000);
    rig.pass(1_650);
    let order = Order::Leave(Outcome::HandedOver(Handover::Drain));
    rig.step(|call, now, out| call.on_order(order, now, out));
    assert_eq!(rig.outcome(), Some(&Outcome::HandedOver(Handover::Drain)));
    assert_eq!(rig.played(), [(1, "Great.", false), (1, "Great. Shall we", false)]);
    let over = |news: &&CallNews| matches!(news, CallNews::Ended { .. } | CallNews::Played { .. });
    assert!(!rig.news().iter().any(over), "whoever has the call next says the rest");
}

#[test]
fn a_screened_call_is_not_spoken_on_before_it_is_known_who_answered() {
    let mut rig = Rig::with(super::Setup { screened: true, ..setup() });
    rig.pass(3_999);
    assert_eq!(rig.count(|action| *action == Action::Dial), 0);
    rig.step(|call, now, out| call.on_order(Order::Answered, now, out));
    assert_eq!(rig.count(|action| *action == Action::Dial), 1);
    let mut machine = Rig::with(super::Setup { screened: true, ..setup() });
    let voicemail = Order::Leave(ended(CallEnd::Voicemail));
    machine.step(|call, now, out| call.on_order(voicemail, now, out));
    assert_eq!(machine.count(|action| matches!(action, Action::Dial | Action::HangUp)), 0);
    assert!(matches!(machine.news()[..], [CallNews::Ended { end: CallEnd::Voicemail, .. }]));
    let mut unknown = Rig::with(super::Setup { screened: true, ..setup() });
    unknown.pass(4_000);
    assert_eq!(
        unknown.count(|action| *action == Action::Dial),
        1,
        "a verdict that does not come is not waited for"
    );
}

#[test]
fn a_machines_greeting_is_no_answer_however_late_it_is_known_for_one() {
    let screened = super::Setup { screened: true, ..setup() };
    let mut rig = Rig::with(screened.clone());
    rig.pass(screened.limits.screening);
    rig.dialed();
    assert_eq!(rig.call.on_voice(), Route::Hold, "the agent speaks, and does not hear the greeting");
    rig.step(|call, now, out| call.on_order(Order::Answered, now, out));
    assert_eq!(rig.call.on_voice(), Route::Forward, "it was a person");
    // Nobody ever says: a person must not talk to the wall.
    let mut rig = Rig::with(screened.clone());
    rig.pass(screened.limits.screening);
    rig.dialed();
    rig.pass(screened.limits.unsure - screened.limits.screening);
    assert_eq!(rig.call.on_voice(), Route::Forward);
    // The broken variant: a call that is not screened hears everything at once.
    let rig = Rig::live();
    assert_eq!(rig.call.on_voice(), Route::Forward);
}
