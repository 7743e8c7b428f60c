//! Giving the call to a person: announced, in an emergency at once, and when nobody takes it.

use serde_json::json;
use usher_conversation::session::EscalationReason;
use usher_conversation::voice::{AgentEvent, CallEnd, CarrierEvent, Fault};

use super::super::words::say;
use super::super::{Action, Call, Done, Transferred};
use super::{Rig, setup};
use crate::voice::ports::{Handover, Outcome, TransferReason};

/// A call that the network is asked to give to a person.
fn transferring() -> Rig {
    let mut rig = Rig::live();
    rig.tool("a", "transfer", json!({}));
    rig.answer();
    rig.pass(2_500);
    assert_eq!(rig.count(|action| matches!(action, Action::Transfer(_))), 1);
    rig
}

fn handed(reason: TransferReason) -> Outcome {
    Outcome::HandedOver(Handover::Transfer(reason))
}

#[test]
fn a_transfer_happens_after_the_announcement_was_heard() {
    let mut rig = Rig::live();
    rig.tool("a", "transfer", json!({}));
    rig.answer();
    rig.speaks(5, "I will connect you.", 1_500);
    rig.pass(1_400);
    assert_eq!(rig.count(|action| matches!(action, Action::Transfer(_))), 0);
    rig.pass(300);
    assert_eq!(rig.count(|action| matches!(action, Action::Transfer(_))), 1);
    // The network closes the stream before it answers.
    rig.carrier(CarrierEvent::Hangup);
    rig.pass(500);
    assert_eq!(rig.outcome(), None);
    rig.done(Done::Transferred(Transferred::Taken));
    assert_eq!(rig.outcome(), Some(&Outcome::HandedOver(Handover::Transfer(TransferReason::Requested))));
    assert_eq!(rig.count(|action| *action == Action::HangUp), 0, "the person's line stays");
}

#[test]
fn a_transfer_that_fails_returns_to_the_agent() {
    let mut rig = Rig::live();
    rig.tool("a", "transfer", json!({}));
    rig.answer();
    rig.pass(2_600);
    rig.done(Done::Transferred(Transferred::Refused));
    assert_eq!((rig.messages(), rig.outcome()), (vec![say::TRANSFER_FAILED], None));
    assert_eq!(rig.sound(7, 100), 5, "it talks on");
}

#[test]
fn a_model_cannot_have_a_call_transferred_to_nobody() {
    let mut rig = Rig::live_with(super::Setup { people: super::People::default(), ..setup() });
    rig.tool("a", "transfer", json!({ "to": "+19005550199" }));
    assert_eq!(rig.count(|action| matches!(action, Action::Result(result) if result.is_error)), 1);
    rig.digits("#");
    rig.heard("There is a gas leak");
    rig.pass(5_000);
    assert_eq!(rig.count(|action| matches!(action, Action::Transfer(_) | Action::Use { .. })), 0);
}

#[test]
fn an_emergency_is_put_through_at_once_by_the_pound_key_or_by_a_word() {
    let by_key = |rig: &mut Rig| rig.digits("#");
    let by_word = |rig: &mut Rig| rig.heard("I think there is a gas leak!");
    for trigger in [by_key as fn(&mut Rig), by_word] {
        let mut rig = Rig::live();
        rig.speaks(5, "Let me first ask you something.", 4_000);
        trigger(&mut rig);
        assert_eq!(rig.count(|action| *action == Action::Clear), 1);
        let emergency = |action: &Action| matches!(action, Action::Transfer(plan) if plan.reason == TransferReason::Emergency);
        assert_eq!(rig.count(emergency), 1);
        assert_eq!(rig.count(|action| *action == Action::Escalate(EscalationReason::Emergency)), 1);
        trigger(&mut rig);
        assert_eq!(rig.count(emergency), 1, "asked twice, put through once");
        rig.done(Done::Transferred(Transferred::Refused));
        assert_eq!(rig.count(|action| *action == Action::Dial), 1, "nobody there: the agent comes back");
        rig.dialed();
        assert_eq!(rig.messages(), [say::TRANSFER_FAILED]);
    }
}

#[test]
fn a_person_whose_telephone_rings_is_not_hung_up_on_because_the_networks_answer_was_lost() {
    let closes: fn(&mut Rig) = |rig| rig.carrier(CarrierEvent::Hangup);
    let answers: fn(&mut Rig) = |rig| rig.done(Done::Transferred(Transferred::Unknown));
    for (first, second) in [(closes, answers), (answers, closes)] {
        let mut rig = transferring();
        first(&mut rig);
        rig.pass(500);
        assert_eq!(rig.outcome(), None);
        second(&mut rig);
        assert_eq!(rig.outcome(), Some(&handed(TransferReason::Requested)));
        assert_eq!(rig.count(|action| *action == Action::HangUp), 0, "the person's line stays");
        assert!(rig.news().is_empty(), "and nobody is texted that the call is over");
    }
}

#[test]
fn a_transfer_of_which_nothing_is_heard_and_whose_line_stays_open_has_failed() {
    for told in [true, false] {
        let mut rig = transferring();
        if told {
            rig.done(Done::Transferred(Transferred::Unknown));
        }
        rig.pass(if told { 2_999 } else { 22_999 });
        assert!(rig.messages().is_empty());
        rig.pass(1);
        assert_eq!((rig.messages(), rig.outcome()), (vec![say::TRANSFER_FAILED], None));
    }
}

#[test]
fn a_contact_who_hangs_up_before_a_transfer_is_refused_has_hung_up() {
    let mut rig = transferring();
    rig.carrier(CarrierEvent::Hangup);
    rig.done(Done::Transferred(Transferred::Refused));
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::ContactHungUp)));
}

#[test]
fn a_line_that_breaks_during_a_transfer_is_no_hang_up() {
    let breaks: fn(&mut Rig) = |rig| rig.step(Call::on_line_lost);
    let refused: fn(&mut Rig) = |rig| rig.done(Done::Transferred(Transferred::Refused));
    let unknown: fn(&mut Rig) = |rig| rig.done(Done::Transferred(Transferred::Unknown));
    for (first, second) in [(breaks, refused), (breaks, unknown), (unknown, breaks)] {
        let mut rig = transferring();
        first(&mut rig);
        second(&mut rig);
        assert_eq!(rig.outcome(), Some(&Outcome::HandedOver(Handover::LineLost)));
        assert_eq!(rig.count(|action| *action == Action::HangUp), 0);
    }
}

#[test]
fn an_agent_that_comes_after_a_failed_emergency_is_heard_and_answers_for_itself() {
    let mut rig = Rig::live();
    rig.speaks(20, "Let me first ask you something.", 4_000);
    rig.pass(500);
    rig.agent(AgentEvent::Interrupted { event: 20 });
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.digits("#");
    rig.done(Done::Transferred(Transferred::Refused));
    rig.dialed();
    assert_eq!(rig.sound(1, 200), 10, "its events are numbered afresh");
    rig.pass(9_000);
    assert_eq!(rig.count(|action| matches!(action, Action::Result(_))), 0, "it has asked for nothing");
}

#[test]
fn an_agent_that_ends_during_a_transfer_has_a_successor_that_is_heard() {
    for fault in [Fault::Ended, Fault::Lost(String::new())] {
        let mut rig = Rig::live();
        rig.speaks(20, "Let me first ask you something.", 4_000);
        rig.agent(AgentEvent::Interrupted { event: 20 });
        rig.tool("a", "transfer", json!({}));
        rig.answer();
        rig.pass(2_600);
        rig.agent(AgentEvent::Gone(fault));
        rig.done(Done::Transferred(Transferred::Refused));
        assert_eq!(rig.count(|action| *action == Action::Dial), 1);
        rig.dialed();
        assert_eq!(rig.sound(1, 200), 10);
    }
}
