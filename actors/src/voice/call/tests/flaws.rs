//! The promises of a call's machine, each with a deliberately broken machine that the same check must catch.

use usher_conversation::voice::{AgentEvent, CallEnd, CallNews, CarrierEvent};

use super::super::{Action, Call, SessionNews};
use super::{Rig, setup};
use crate::voice::ports::Outcome;

/// What is wrong with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Sound of an interrupted utterance is played after all.
    PlaysStaleSound,
    /// An interruption leaves what waits on the line where it is.
    ClearsNothing,
    /// Whatever is being said is cut off.
    ClearsProtected,
    /// A goodbye ends the call at once.
    EndsAtGoodbye,
    /// What was spoken counts as heard.
    TakesSpokenForHeard,
    /// Every end hangs up, however often it comes.
    HangsUpAgain,
}

impl Flaw {
    /// What such a machine makes of what the agent did.
    pub(super) fn bend(self, event: &AgentEvent, actions: &mut Vec<Action>) {
        match (self, event) {
            (Self::ClearsNothing, AgentEvent::Interrupted { .. }) => {
                actions.retain(|action| *action != Action::Clear);
            }
            (Self::ClearsProtected, AgentEvent::Interrupted { .. }) => actions.push(Action::Clear),
            (Self::EndsAtGoodbye, AgentEvent::Goodbye) => {
                actions.extend([Action::HangUp, Action::Finish(Outcome::Ended(CallEnd::Finished))]);
            }
            (Self::TakesSpokenForHeard, AgentEvent::Said(said)) => {
                let text = said.text.clone();
                actions.push(Action::Tell(CallNews::Played { utterance: 1, text, whole: true }));
            }
            _ => {}
        }
    }
}

/// A promise: whether a machine with this flaw, or none, keeps it.
type Promise = fn(Option<Flaw>) -> bool;

const LONG: &str = "Great. Shall we start with your address? It takes only a minute.";

fn interrupted(flaw: Option<Flaw>) -> Rig {
    let mut rig = Rig { flaw, ..Rig::live() };
    rig.speaks(5, LONG, 6_400);
    rig.pass(1_650);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig
}

fn stale_sound_is_dropped(flaw: Option<Flaw>) -> bool {
    let mut rig = interrupted(flaw);
    let stale = rig.sound(5, 200);
    rig.heard("Yes");
    stale == 0 && rig.sound(6, 200) == 10
}

fn an_interruption_clears_the_line(flaw: Option<Flaw>) -> bool {
    interrupted(flaw).count(|action| *action == Action::Clear) == 1
}

fn what_is_protected_is_heard_to_its_end(flaw: Option<Flaw>) -> bool {
    let mut rig = Rig { flaw, ..Rig::live_with(super::Setup { protected: 1, ..setup() }) };
    rig.speaks(1, "This call may be recorded.", 2_000);
    rig.pass(500);
    rig.agent(AgentEvent::Interrupted { event: 1 });
    rig.pass(2_000);
    rig.line.sounded("This call may be recorded.", rig.now) == 2_000
}

fn the_call_ends_after_the_last_mark(flaw: Option<Flaw>) -> bool {
    let mut rig = Rig { flaw, ..Rig::live() };
    rig.speaks(5, "Goodbye!", 2_000);
    rig.agent(AgentEvent::Goodbye);
    rig.pass(1_990);
    let early = rig.outcome().is_some();
    rig.pass(10);
    !early && rig.outcome().is_some()
}

fn what_was_heard_is_told_apart_from_what_was_spoken(flaw: Option<Flaw>) -> bool {
    let mut rig = interrupted(flaw);
    rig.pass(1_000);
    // Sentence by sentence on the way, and never more than was played.
    rig.played() == [(1, "Great.", false), (1, "Great. Shall we", false)]
}

fn a_call_is_hung_up_once(flaw: Option<Flaw>) -> bool {
    let mut rig = Rig { flaw, ..Rig::live() };
    rig.agent(AgentEvent::Goodbye);
    rig.pass(3_000);
    rig.carrier(CarrierEvent::Hangup);
    rig.step(|call, now, out| call.on_session(SessionNews::Stop, now, out));
    rig.step(Call::on_line_lost);
    rig.pass(100_000);
    rig.count(|action| *action == Action::HangUp) == 1
}

const PROMISES: [(Promise, Flaw, &str); 6] = [
    (stale_sound_is_dropped, Flaw::PlaysStaleSound, "stale sound is dropped"),
    (an_interruption_clears_the_line, Flaw::ClearsNothing, "an interruption clears the line"),
    (what_is_protected_is_heard_to_its_end, Flaw::ClearsProtected, "what is protected is heard to its end"),
    (the_call_ends_after_the_last_mark, Flaw::EndsAtGoodbye, "the call ends after the last mark"),
    (what_was_heard_is_told_apart_from_what_was_spoken, Flaw::TakesSpokenForHeard, "heard is not spoken"),
    (a_call_is_hung_up_once, Flaw::HangsUpAgain, "a call is hung up once"),
];

#[test]
fn the_machine_keeps_every_promise() {
    for (promise, _, what) in PROMISES {
        assert!(promise(None), "{what}");
    }
}

#[test]
fn a_machine_that_breaks_a_promise_is_caught() {
    for (promise, flaw, what) in PROMISES {
        assert!(!promise(Some(flaw)), "{what}: {flaw:?} was not noticed");
    }
}
