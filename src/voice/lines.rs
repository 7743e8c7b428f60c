//! Places for calls, also for those that no connection of ours holds: one in documents, of which only the carrier's requests
//! tell, and a provider's, of which only its webhooks do.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use usher_actors::voice::ports::CallRef;
use usher_actors::voice::{Line, NoLine, Switchboard};
use usher_conversation::id::CallId;
use usher_conversation::time::Timestamp;

use super::{Voice, VoiceProfile};

/// Between two documents of a call: words of ours, a pause and words of the contact's, each of a minute at most. A call that
/// does not ask again in this time has its line no more; another process may hold it by then.
const DOCUMENT_MILLIS: i64 = 3 * 60_000;

/// A call without a connection.
struct Held {
    line: Line,
    /// It cannot last longer: what tells of its end may never come.
    until: Timestamp,
    /// Which it is, when its next document is asked of us: a provider's call goes on without this node.
    asks: Option<CallRef>,
}

/// The lines of calls without a connection.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<CallId, Held>>);

impl Lines {
    fn lock(&self) -> MutexGuard<'_, HashMap<CallId, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, call: &CallId, held: Held) {
        // The line that was there before is given back after the lock.
        let before = self.lock().insert(call.clone(), held);
        drop(before);
    }

    /// A call asks again; `false` when it has no line here.
    fn renew(&self, call: &CallId, until: Timestamp) -> bool {
        self.lock().get_mut(call).map(|held| held.until = until).is_some()
    }

    fn holds(&self, call: &CallId) -> bool {
        self.lock().contains_key(call)
    }

    fn release(&self, call: &CallId) {
        let held = self.lock().remove(call);
        drop(held);
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
        self.lock().retain(|_, held| held.until > now);
    }

    /// The calls that ask us for their documents, or the others; they are not held here any more.
    fn take(&self, asking: bool) -> Vec<Held> {
        self.lock().extract_if(|_, held| held.asks.is_some() == asking).map(|(_, held)| held).collect()
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

    /// Keeps the line of a provider's call until it is over or can last no longer.
    pub(super) fn hold_line(&self, call: &CallId, line: Line) {
        let until = self.node.clock.now().plus_millis(self.limits.longest);
        self.lines.hold(call, Held { line, until, asks: None });
    }

    /// Keeps the line of a call that is held in documents, or takes one, until it should have asked for its next.
    ///
    /// # Errors
    /// As [`Voice::line`].
    pub(super) fn keep_line(&self, call: &CallRef, profile: &VoiceProfile) -> Result<(), NoLine> {
        let until = self.node.clock.now().plus_millis(DOCUMENT_MILLIS);
        if !self.lines.renew(&call.call, until) {
            let line = self.line(call, profile)?;
            self.lines.hold(&call.call, Held { line, until, asks: Some(call.clone()) });
        }
        Ok(())
    }

    /// Whether a call without a connection has its line here.
    pub(super) fn keeps_line(&self, call: &CallId) -> bool {
        self.lines.holds(call)
    }

    /// A call without a connection of ours is over, or with a person.
    pub(super) fn release_line(&self, call: &CallId) {
        self.lines.release(call);
    }

    /// Lets go of every call that goes on without this node.
    pub(crate) fn release_lines(&self) {
        drop(self.lines.take(false));
    }

    /// Waits `patience` for the end of all calls, then has those that ask for documents hold the line and ask whoever answers
    /// then; `farewell` bounds that. Those with a connection leave by [`Switchboard::drain`].
    pub(crate) async fn hand_over(&self, patience: Duration, farewell: Duration) {
        if tokio::time::timeout(patience, self.switchboard.emptied()).await.is_ok() {
            return;
        }
        let leaving = self.lines.take(true).into_iter().map(|Held { line, asks, .. }| async move {
            if let Some(call) = asks
                && let Err(error) = self.node.telephony.hold(&call).await
            {
                tracing::warn!(call = %call.call, %error, "a call is left to the carrier");
            }
            drop(line);
        });
        if tokio::time::timeout(farewell, join_all(leaving)).await.is_err() {
            tracing::warn!("not every call could be told to hold the line");
        }
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
        let held = Held { line, until: NOON.plus_millis(60_000), asks: None };
        lines.hold(&call(1).call, held);
        let early = lines.admit(&board, &call(2), None, NOON.plus_millis(59_999));
        assert_eq!(early.err(), Some(NoLine::NodeFull));
        assert!(lines.admit(&board, &call(2), None, NOON.plus_millis(60_000)).is_ok());
    }

    #[test]
    fn a_call_that_asks_again_keeps_its_line() {
        let (board, lines) = (Switchboard::new(1, 1), Lines::default());
        let line = lines.admit(&board, &call(1), None, NOON).expect("a line");
        let held = Held { line, until: NOON.plus_millis(60_000), asks: Some(call(1)) };
        lines.hold(&call(1).call, held);
        assert!(lines.renew(&call(1).call, NOON.plus_millis(90_000)));
        assert!(lines.admit(&board, &call(2), None, NOON.plus_millis(60_000)).is_err());
        assert!(lines.take(false).is_empty(), "it does not go on without this node");
        assert_eq!(lines.take(true).len(), 1);
        assert!(lines.admit(&board, &call(2), None, NOON.plus_millis(60_000)).is_ok());
    }
}
