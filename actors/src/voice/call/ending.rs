//! How a call ends: goodbye, transfer, hang-up, hand-over. Whatever the way, it ends once.

use usher_conversation::session::EscalationReason;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallEnd, CallNews};

use super::held::Note;
use super::playback::Playback;
use super::words::say;
use super::{Action, Call, Order, Stage, Transferred};
use crate::voice::ports::{Handover, Outcome, TransferPlan};

/// A mark that has not come back so long after its audio must have ended will not come back.
pub(super) const LATE_MARK_MILLIS: i64 = 2_000;
/// The agent may begin its last words so long after it asked for the end.
const LINGER_MILLIS: i64 = 2_500;
/// Whether the network took a transfer is known within it: more than its REST API gets to answer in.
const TRANSFER_MILLIS: i64 = 20_000;
/// The network closes the line so soon after it took a transfer.
const CLOSING_MILLIS: i64 = 3_000;

/// What follows the last words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The end.
    HangUp(CallEnd),
    /// A person.
    Transfer,
}

/// The contact's line while the network is asked to give the call to somebody. It is closed in order by a contact who hangs
/// up, and by the network when it does as it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineState {
    Open,
    Closed,
    /// Its socket broke.
    Lost,
}

/// When everything sent must have been played and its marks be back.
pub(super) fn bound(playback: &Playback, now: Timestamp) -> Timestamp {
    let remaining = i64::try_from(playback.remaining(now) / 1_000).unwrap_or(i64::MAX);
    now.plus_millis(remaining).plus_millis(LATE_MARK_MILLIS)
}

impl Call {
    /// The agent has said goodbye, or is about to.
    pub(super) fn goodbye(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if let Stage::Live { .. } | Stage::Closing { .. } = self.stage {
            self.close_with(After::HangUp(CallEnd::Finished), LINGER_MILLIS, false, now, out);
        }
    }

    /// The agent is gone for good reason: only what was sent is still to be heard.
    pub(super) fn goodbye_now(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        self.close_with(After::HangUp(CallEnd::Finished), 0, false, now, out);
        self.no_more_words(now, out);
    }

    /// The agent's tool asked for the end.
    pub(super) fn close_call(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if let Stage::Live { .. } = self.stage {
            self.close_with(After::HangUp(CallEnd::Finished), LINGER_MILLIS, true, now, out);
        }
    }

    /// The agent's tool asked for a person.
    pub(super) fn close_for_a_person(&mut self, wish: Option<&str>, now: Timestamp, out: &mut Vec<Action>) {
        if let Stage::Live { .. } = self.stage {
            self.person = self.setup.people.person(wish).cloned();
            self.close_with(After::Transfer, LINGER_MILLIS, false, now, out);
        }
    }

    /// The call must end; the agent is asked for last words.
    pub(super) fn close_asking(&mut self, words: &str, end: CallEnd, now: Timestamp, out: &mut Vec<Action>) {
        out.push(Action::Message(words.to_owned()));
        let last_words = self.setup.limits.last_words;
        self.close_with(After::HangUp(end), last_words, false, now, out);
        if let Stage::Closing { begun, .. } = &mut self.stage {
            // What is playing now is not the goodbye yet.
            *begun = false;
        }
    }

    fn close_with(
        &mut self,
        after: After,
        linger: i64,
        cancellable: bool,
        now: Timestamp,
        out: &mut Vec<Action>,
    ) {
        self.doubt = None;
        let begun = self.playback.is_playing();
        out.extend(self.playback.mark_end().filter(|_| begun).map(Action::Mark));
        let until = if begun { bound(&self.playback, now) } else { now };
        let until = until.max(now.plus_millis(linger));
        self.stage = Stage::Closing { after, until, begun, cancellable };
    }

    /// A mark came back: were these the last words?
    pub(super) fn after_words(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if self.playback.is_playing() || self.playback.tail_due().is_some() {
            return;
        }
        match self.stage {
            Stage::Closing { begun: true, .. } => self.conclude(now, out),
            Stage::PlayingOut { .. } => self.dial(now, out),
            Stage::Closing { begun: false, .. }
            | Stage::Screening { .. }
            | Stage::Dialing { .. }
            | Stage::Live { .. }
            | Stage::Transferring { .. }
            | Stage::Grace { .. }
            | Stage::Over => {}
        }
    }

    /// The agent cannot say more; what was sent may still be playing.
    pub(super) fn no_more_words(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        let bound = bound(&self.playback, now);
        if !self.playback.is_playing() {
            return self.conclude(now, out);
        }
        if let Stage::Closing { until, begun, .. } = &mut self.stage {
            (*until, *begun) = (bound, true);
        }
    }

    /// What follows the last words.
    pub(super) fn conclude(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        let Stage::Closing { after, .. } = self.stage else { return };
        match after {
            After::HangUp(end) => self.end(end, now, out),
            After::Transfer => match self.person.take() {
                Some(plan) => self.transfer(plan, now, out),
                None => self.not_transferred(now, out),
            },
        }
    }

    fn transfer(&mut self, plan: TransferPlan, now: Timestamp, out: &mut Vec<Action>) {
        self.stage = Stage::Transferring {
            until: now.plus_millis(TRANSFER_MILLIS),
            reason: plan.reason,
            line: LineState::Open,
            unsure: false,
        };
        out.push(Action::Transfer(plan));
    }

    /// The contact needs help now: nobody is let finish a sentence.
    pub(super) fn emergency(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        let Some(emergency) = &self.setup.people.emergency else { return };
        let Some(plan) = emergency.plan.clone() else { return self.alarm(out) };
        match self.stage {
            Stage::Grace { .. } => self.alarm(out),
            Stage::Transferring { .. } | Stage::Over => {}
            Stage::Screening { .. }
            | Stage::PlayingOut { .. }
            | Stage::Dialing { .. }
            | Stage::Live { .. }
            | Stage::Closing { .. } => {
                out.push(Action::Escalate(EscalationReason::Emergency));
                self.cut(now, out);
                self.forget_agent();
                out.push(Action::CloseAgent);
                self.transfer(plan, now, out);
            }
        }
    }

    /// The contact needs help, and nobody can be put through on this line: a human is called, and the contact told so.
    fn alarm(&mut self, out: &mut Vec<Action>) {
        // Once is enough.
        self.setup.people.emergency = None;
        out.push(Action::Escalate(EscalationReason::Emergency));
        self.inform(Note::saying(say::NOBODY_TO_HELP), out);
    }

    /// What the network made of the transfer. It closes the line before it answers: when its answer says nothing, a line
    /// that was closed says that the person's telephone rings.
    pub(super) fn transferred(&mut self, answer: Transferred, now: Timestamp, out: &mut Vec<Action>) {
        let Stage::Transferring { reason, line, .. } = self.stage else { return };
        match (answer, line) {
            (Transferred::Taken, _) | (Transferred::Unknown, LineState::Closed) => {
                self.hand_over(Handover::Transfer(reason), now, out);
            }
            (Transferred::Unknown, LineState::Open) => {
                let until = now.plus_millis(CLOSING_MILLIS);
                self.stage = Stage::Transferring { until, reason, line, unsure: true };
            }
            (Transferred::Refused | Transferred::Unknown, LineState::Lost) => {
                self.hand_over(Handover::LineLost, now, out);
            }
            (Transferred::Refused, LineState::Closed) => self.end(CallEnd::ContactHungUp, now, out),
            (Transferred::Refused, LineState::Open) => self.not_transferred(now, out),
        }
    }

    /// The network has not said in time what became of the transfer; or it has, and the line has not.
    pub(super) fn transfer_due(&mut self, unsure: bool, now: Timestamp, out: &mut Vec<Action>) {
        self.transferred(if unsure { Transferred::Refused } else { Transferred::Unknown }, now, out);
    }

    /// Nobody has the call: it goes on with the agent, or another.
    fn not_transferred(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        out.push(Action::Escalate(EscalationReason::TransferFailed));
        if self.agent {
            self.stage = Stage::Live { since: now };
            // A telephone that rang somewhere else is not silence.
            self.silence.postpone(now);
            out.push(Action::Message(say::TRANSFER_FAILED.to_owned()));
            self.release_notes(out);
        } else {
            self.held.keep_first(Note::saying(say::TRANSFER_FAILED));
            self.dial(now, out);
        }
    }

    /// The line was closed in order.
    pub(super) fn hung_up(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        match &mut self.stage {
            Stage::Live { .. } => {
                self.playback.cut(now);
                out.push(Action::Silence);
                out.extend(self.keys.take().map(Action::Enter));
                let until = now.plus_millis(self.setup.limits.grace);
                self.stage = Stage::Grace { until, heard: false };
            }
            Stage::Closing { after: After::HangUp(end), .. } => {
                let end = *end;
                self.end(end, now, out);
            }
            // Giving the call to somebody closes the line; the network's answer says which it was, unless it came already.
            Stage::Transferring { unsure: true, reason, .. } => {
                let to = Handover::Transfer(*reason);
                self.hand_over(to, now, out);
            }
            Stage::Transferring { line, .. } => *line = LineState::Closed,
            Stage::Screening { .. }
            | Stage::PlayingOut { .. }
            | Stage::Dialing { .. }
            | Stage::Closing { after: After::Transfer, .. } => self.end(CallEnd::ContactHungUp, now, out),
            Stage::Grace { .. } | Stage::Over => {}
        }
    }

    /// The line's socket ended without a word: the call may live.
    pub(crate) fn on_line_lost(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        match &mut self.stage {
            Stage::Closing { after: After::HangUp(end), .. } => {
                let end = *end;
                self.end(end, now, out);
            }
            Stage::Transferring { unsure: false, line, .. } => *line = LineState::Lost,
            Stage::Grace { .. } | Stage::Over => {}
            Stage::Screening { .. }
            | Stage::PlayingOut { .. }
            | Stage::Dialing { .. }
            | Stage::Live { .. }
            | Stage::Transferring { unsure: true, .. }
            | Stage::Closing { after: After::Transfer, .. } => {
                self.hand_over(Handover::LineLost, now, out);
            }
        }
    }

    /// What others want.
    pub(crate) fn on_order(&mut self, order: Order, now: Timestamp, out: &mut Vec<Action>) {
        match order {
            Order::Answered => {
                self.listen(out);
                if let Stage::Screening { .. } = self.stage {
                    self.dial(now, out);
                }
            }
            Order::Leave(outcome) => self.finish(outcome, false, now, out),
        }
    }

    /// The call is over.
    pub(super) fn end(&mut self, end: CallEnd, now: Timestamp, out: &mut Vec<Action>) {
        let open = !matches!(self.stage, Stage::Grace { .. });
        self.finish(Outcome::Ended(end), open, now, out);
    }

    /// The call goes on without us.
    pub(super) fn hand_over(&mut self, to: Handover, now: Timestamp, out: &mut Vec<Action>) {
        self.finish(Outcome::HandedOver(to), false, now, out);
    }

    fn finish(&mut self, outcome: Outcome, hang_up: bool, now: Timestamp, out: &mut Vec<Action>) {
        if self.stage == Stage::Over {
            return;
        }
        self.stage = Stage::Over;
        self.tools.clear();
        self.playback.cut(now);
        if let Outcome::HandedOver(_) = outcome {
            self.playback.goes_on();
        }
        self.tell(now, out);
        // Digits that wait for more of them are an answer however the call ends.
        out.extend(self.keys.take().map(Action::Enter));
        out.push(Action::CloseAgent);
        if hang_up {
            out.push(Action::HangUp);
        }
        if outcome == Outcome::HandedOver(Handover::Drain) {
            out.push(Action::Hold);
        }
        if let Outcome::Ended(end) = outcome {
            let seconds = u32::try_from(now.millis_since(self.connected_at()) / 1_000);
            out.push(Action::Tell(CallNews::Ended { end, seconds: seconds.unwrap_or(0) }));
        }
        out.push(Action::Finish(outcome));
    }
}
