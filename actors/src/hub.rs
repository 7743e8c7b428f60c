//! The hub: watchers see every committed turn of a session once, in order, without a gap.
//!
//! A session's [`Topic`] lives beside its actor, on the same thread, so publishing takes no lock that is shared
//! between sessions and costs nothing when nobody watches. A watcher joins through the session's mailbox, hence
//! between two commits: it knows the exact head at that moment, reads what it missed from the journal and takes the
//! rest live. Should a live turn ever not follow the last one it saw (another node wrote, or a commit whose outcome was
//! unknown), it fills the gap from the journal by `seq`: losing a notification costs time, never a turn.
//!
//! Windows are bounded twice: frames that wait here unread, and frames handed out but not acknowledged. A watcher
//! that falls behind is closed as [`CloseReason::Slow`] and may come back with the last `seq` it has.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use usher_conversation::id::OrgId;
use usher_conversation::journal::Turn;
use usher_conversation::ports::StoreError;
use usher_conversation::session::{SessionMeta, SessionState};

use crate::node::Node;
use crate::replay;

/// A committed turn and the state after it; one allocation shared by all watchers.
#[derive(Debug)]
pub struct Published {
    /// What happened.
    pub turn: Arc<Turn>,
    /// The state after it.
    pub state: Arc<SessionState>,
    rendered: OnceLock<Box<str>>,
}

impl Published {
    pub(crate) fn new(turn: Arc<Turn>, state: Arc<SessionState>) -> Arc<Self> {
        Arc::new(Self { turn, state, rendered: OnceLock::new() })
    }

    /// The turn as text for the wire, made by the first watcher that needs it and shared by the rest.
    pub fn rendered(&self, render: impl FnOnce(&Self) -> String) -> &str {
        self.rendered.get_or_init(|| render(self).into_boxed_str())
    }
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The node stops, or cannot read the journal now: connect again.
    Restart,
    /// The watcher left too many frames unread or unacknowledged: connect again with the last `seq` it has.
    Slow,
}

impl CloseReason {
    /// The stable name used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Slow => "slow",
        }
    }
}

/// What a subscription yields.
#[derive(Debug, Clone)]
pub enum Update {
    /// The next turn.
    Turn(Arc<Published>),
    /// Nothing comes any more.
    Closing(CloseReason),
}

/// The window between a session's thread and one watcher.
struct Watch {
    bound: usize,
    inner: Mutex<Window>,
    changed: Notify,
}

#[derive(Default)]
struct Window {
    unread: VecDeque<Arc<Published>>,
    acked: u64,
    closed: Option<CloseReason>,
    abandoned: bool,
}

/// What became of a frame for one watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pushed {
    /// It waits to be read.
    Kept,
    /// There was no room: the watcher is closed.
    Slow,
    /// Nobody watches there any more.
    Gone,
}

impl Watch {
    fn new(bound: usize, acked: u64) -> Arc<Self> {
        let window = Window { acked, ..Window::default() };
        Arc::new(Self { bound, inner: Mutex::new(window), changed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, reason: CloseReason) {
        let mut window = self.lock();
        window.closed.get_or_insert(reason);
        window.unread.clear();
        drop(window);
        self.changed.notify_one();
    }

    fn push(&self, frame: &Arc<Published>) -> Pushed {
        let mut window = self.lock();
        if window.abandoned || window.closed.is_some() {
            return Pushed::Gone;
        }
        if window.unread.len() == self.bound {
            drop(window);
            self.close(CloseReason::Slow);
            return Pushed::Slow;
        }
        window.unread.push_back(Arc::clone(frame));
        drop(window);
        self.changed.notify_one();
        Pushed::Kept
    }
}

/// The watchers of one session, owned by its thread.
#[derive(Default)]
pub(crate) struct Topic {
    watches: Vec<Arc<Watch>>,
    head: u64,
}

impl Topic {
    /// The last turn the watchers were told of.
    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// Whether anybody watches; forgets those who left.
    pub(crate) fn is_watched(&mut self) -> bool {
        self.watches.retain(|watch| !watch.lock().abandoned);
        !self.watches.is_empty()
    }

    /// Adds a watcher, and forgets those who left: where nothing happens nothing is published, and pages come and go.
    fn admit(&mut self, watch: Arc<Watch>) {
        self.watches.retain(|watch| !watch.lock().abandoned);
        self.watches.push(watch);
    }

    /// Hands a turn to every watcher; the slow are closed. Returns how many were.
    pub(crate) fn publish(&mut self, turn: &Arc<Turn>, state: &Arc<SessionState>) -> usize {
        if self.watches.is_empty() {
            return 0;
        }
        self.head = turn.seq;
        let frame = Published::new(Arc::clone(turn), Arc::clone(state));
        let mut slow = 0;
        self.watches.retain(|watch| {
            let pushed = watch.push(&frame);
            slow += usize::from(pushed == Pushed::Slow);
            pushed == Pushed::Kept
        });
        slow
    }

    pub(crate) fn close(&mut self, reason: CloseReason) {
        for watch in self.watches.drain(..) {
            watch.close(reason);
        }
    }

    /// Adds a watcher at `state`, the head of the session right now.
    pub(crate) fn join(
        &mut self,
        node: &Arc<Node>,
        meta: &Arc<SessionMeta>,
        state: &Arc<SessionState>,
        since: u64,
    ) -> Joined {
        let watch = Watch::new(node.config.watcher_window, since.min(state.seq()));
        self.admit(Arc::clone(&watch));
        self.head = state.seq();
        Node::count(&node.watchers, &node.meters.watchers, 1);
        let seat = Seat { node: Arc::clone(node), watch };
        Joined { seat, meta: Arc::clone(meta), head: Arc::clone(state) }
    }
}

impl Drop for Topic {
    /// The session's actor is gone without a word: who watches must come back.
    fn drop(&mut self) {
        self.close(CloseReason::Restart);
    }
}

/// Leaves the topic when dropped.
struct Seat {
    node: Arc<Node>,
    watch: Arc<Watch>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut window = self.watch.lock();
        window.abandoned = true;
        window.unread.clear();
        drop(window);
        Node::count(&self.node.watchers, &self.node.meters.watchers, -1);
    }
}

/// What the session's owner gives to a new watcher.
pub(crate) struct Joined {
    seat: Seat,
    meta: Arc<SessionMeta>,
    head: Arc<SessionState>,
}

/// A gap-free stream of a session's turns.
pub struct Subscription {
    seat: Seat,
    org: OrgId,
    meta: Arc<SessionMeta>,
    /// The session as it was when the watcher joined.
    head: Arc<SessionState>,
    /// The state after the last turn read, whether from the journal or live.
    state: Arc<SessionState>,
    /// Known to be in the journal up to here.
    known: u64,
    /// Read from the journal, not yet handed out.
    backlog: VecDeque<Arc<Published>>,
    /// Handed out up to here.
    delivered: u64,
}

impl Subscription {
    pub(crate) async fn open(org: OrgId, joined: Joined, since: u64) -> Result<Self, StoreError> {
        let Joined { seat, meta, head } = joined;
        let since = since.min(head.seq());
        let state = if since == head.seq() {
            Arc::clone(&head)
        } else {
            let journal = &*seat.node.ports.journal;
            Arc::new(replay::since_snapshot(journal, &org, &meta, since).await?)
        };
        let known = head.seq();
        Ok(Self { seat, org, meta, head, state, known, backlog: VecDeque::new(), delivered: since })
    }

    /// What does not change about the session.
    pub const fn meta(&self) -> &Arc<SessionMeta> {
        &self.meta
    }

    /// The session as it was at the moment of joining.
    pub const fn head(&self) -> &Arc<SessionState> {
        &self.head
    }

    /// A handle that acknowledges frames while [`Subscription::next`] is being awaited elsewhere.
    pub fn acker(&self) -> Acker {
        Acker(Arc::clone(&self.seat.watch))
    }

    /// The next turn, or why there will be none. Waits while the window of unacknowledged frames is full.
    /// May be dropped and called again without losing a turn.
    pub async fn next(&mut self) -> Update {
        loop {
            let wait = {
                let mut window = self.seat.watch.lock();
                if let Some(reason) = window.closed {
                    return Update::Closing(reason);
                }
                let unacked = self.delivered.saturating_sub(window.acked);
                if unacked >= self.seat.watch.bound as u64 {
                    true
                } else if let Some(frame) = self.backlog.pop_front() {
                    self.delivered = frame.turn.seq;
                    return Update::Turn(frame);
                } else if self.state.seq() < self.known {
                    false
                } else if let Some(frame) = window.unread.pop_front() {
                    match frame.turn.seq.checked_sub(self.state.seq()) {
                        Some(1) => {
                            self.delivered = frame.turn.seq;
                            self.known = frame.turn.seq;
                            self.state = Arc::clone(&frame.state);
                            return Update::Turn(frame);
                        }
                        Some(2..) => self.known = frame.turn.seq,
                        Some(0) | None => {}
                    }
                    continue;
                } else {
                    true
                }
            };
            if wait {
                self.seat.watch.changed.notified().await;
            } else if let Err(error) = self.fill().await {
                tracing::warn!(session = %self.meta.session, %error, "a watcher's gap could not be read");
                self.seat.watch.close(CloseReason::Restart);
            }
        }
    }

    /// Reads the next page of missed turns from the journal.
    async fn fill(&mut self) -> Result<(), StoreError> {
        let journal = &*self.seat.node.ports.journal;
        for turn in replay::page(journal, &self.org, &self.meta.session, self.state.seq()).await? {
            let mut state = Arc::clone(&self.state);
            Arc::make_mut(&mut state).apply(&self.meta, &turn);
            self.state = Arc::clone(&state);
            self.known = self.known.max(turn.seq);
            self.backlog.push_back(Published::new(Arc::new(turn), state));
        }
        Ok(())
    }
}

/// Acknowledges frames of one subscription.
#[derive(Clone)]
pub struct Acker(Arc<Watch>);

impl Acker {
    /// The watcher has everything up to `seq`.
    pub fn ack(&self, seq: u64) {
        let mut window = self.0.lock();
        window.acked = window.acked.max(seq);
        drop(window);
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_come_back_to_a_quiet_session_leave_nothing_behind() {
        let mut topic = Topic::default();
        for _ in 0..100 {
            let watch = Watch::new(4, 0);
            topic.admit(Arc::clone(&watch));
            watch.lock().abandoned = true;
        }
        assert_eq!(topic.watches.len(), 1, "the last one leaves with the next");
    }

    #[test]
    fn who_watches_a_session_whose_actor_died_is_told() {
        let mut topic = Topic::default();
        let watch = Watch::new(4, 0);
        topic.admit(Arc::clone(&watch));
        drop(topic);
        assert_eq!(watch.lock().closed, Some(CloseReason::Restart));
    }
}
