//! Places for calls, also for those that no connection of ours holds: a provider's, of which only webhooks tell.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use usher_actors::voice::ports::CallRef;
use usher_actors::voice::{Line, NoLine, Switchboard};
use usher_conversation::id::CallId;
use usher_conversation::time::Timestamp;

use super::{Voice, VoiceProfile};

/// The lines of calls without a connection, and until when such a call may last: what tells of its end may never come.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<CallId, (Timestamp, Line)>>);

impl Lines {
    fn lock(&self) -> MutexGuard<'_, HashMap<CallId, (Timestamp, Line)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, call: &CallId, until: Timestamp, line: Line) {
        self.lock().insert(call.clone(), (until, line));
    }

    fn release(&self, call: &CallId) {
        let line = self.lock().remove(call);
        drop(line);
    }

    /// A line at the switchboard, once those of calls that cannot last any longer were given back.
    fn admit(
        &self,
        board: &Switchboard,
        call: &CallRef,
        cap: Option<usize>,
        now: Timestamp,
    ) -> Result<Line, NoLine> {
        self.expire(now);
        board.admit(call, cap)
    }

    fn expire(&self, now: Timestamp) {
        self.lock().retain(|_, (until, _)| *until > now);
    }
}

fn cap(profile: &VoiceProfile) -> Option<usize> {
    profile.max_calls.and_then(|cap| usize::try_from(cap).ok())
}

impl Voice {
    /// A line for a call.
    ///
    /// # Errors
    /// When the organisation or the node has as many calls as it may.
    pub(super) fn line(&self, call: &CallRef, profile: &VoiceProfile) -> Result<Line, NoLine> {
        self.lines.admit(&self.switchboard, call, cap(profile), self.node.clock.now())
    }

    /// A line for a call that must be its session's only one.
    ///
    /// # Errors
    /// As [`Voice::line`], and when the session has a call.
    pub(super) fn only_line(&self, call: &CallRef, profile: &VoiceProfile) -> Result<Line, NoLine> {
        self.lines.expire(self.node.clock.now());
        self.switchboard.admit_alone(call, cap(profile))
    }

    /// Keeps the line of a call that no connection of ours holds, until it is over or can last no longer.
    pub(super) fn hold_line(&self, call: &CallId, line: Line) {
        self.lines.hold(call, self.node.clock.now().plus_millis(self.limits.longest), line);
    }

    /// A call without a connection of ours is over.
    pub(super) fn release_line(&self, call: &CallId) {
        self.lines.release(call);
    }

    /// Lets go of every call that goes on without this node.
    pub(crate) fn release_lines(&self) {
        let lines = std::mem::take(&mut *self.lines.lock());
        drop(lines);
    }
}

#[cfg(test)]
mod tests {
    use usher_conversation::id::{OrgId, SessionId};
    use usher_conversation::voice::CallDirection;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn call(number: u8) -> CallRef {
        CallRef {
            call: CallId::new(NOON, [number; 16]),
            org: OrgId::new(NOON, [1; 16]),
            session: SessionId::new(NOON, [number; 16]),
            vendor_call: None,
            direction: CallDirection::Inbound,
            attachment: 0,
        }
    }

    #[test]
    fn a_call_whose_end_nobody_told_gives_its_line_back_to_the_next() {
        let (board, lines) = (Switchboard::new(1, 1), Lines::default());
        let line = lines.admit(&board, &call(1), None, NOON).expect("a line");
        lines.hold(&call(1).call, NOON.plus_millis(60_000), line);
        let early = lines.admit(&board, &call(2), None, NOON.plus_millis(59_999));
        assert_eq!(early.err(), Some(NoLine::NodeFull));
        assert!(lines.admit(&board, &call(2), None, NOON.plus_millis(60_000)).is_ok());
    }
}
