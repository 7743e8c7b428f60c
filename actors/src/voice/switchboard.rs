//! Which calls are live on this node, how many there may be, and how they leave when the node stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use usher_conversation::id::{CallId, OrgId, SessionId};

use super::call::Order;
use super::channel::CallHandle;
use super::meters::Meters;
use super::ports::{CallRef, Handover, Outcome};
use crate::runtime::Drained;

/// Why a call is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLine {
    /// The organisation has as many calls as it may.
    #[error("the organisation has no free line")]
    OrgFull,
    /// The session has a call already.
    #[error("there is a call already")]
    SessionBusy,
    /// The node has as many calls as it may.
    #[error("the node has no free line")]
    NodeFull,
    /// The node stops.
    #[error("the node takes no calls any more")]
    ShuttingDown,
}

/// The calls of a node. A cheap handle, usable from any thread.
#[derive(Clone)]
pub struct Switchboard(Arc<Board>);

struct Board {
    per_org: usize,
    per_node: usize,
    calls: Mutex<Calls>,
    changed: Notify,
    pub(super) meters: Meters,
}

#[derive(Default)]
struct Calls {
    closed: bool,
    /// Every call is handed over, also one that comes to life only now.
    draining: bool,
    /// Tells two attachments of one call apart.
    tickets: u64,
    live: HashMap<CallId, Entry>,
    /// Attachments whose place was taken by a newer one and that are not gone yet.
    leaving: usize,
}

struct Entry {
    ticket: u64,
    org: OrgId,
    session: SessionId,
    handle: Option<CallHandle>,
}

impl Switchboard {
    /// A switchboard with room for so many calls, of one organisation and of all.
    pub fn new(per_org: usize, per_node: usize) -> Self {
        Self(Arc::new(Board {
            per_org,
            per_node,
            calls: Mutex::default(),
            changed: Notify::new(),
            meters: Meters::default(),
        }))
    }

    /// A line for this call, before anything is dialled for it. `cap` is the organisation's own bound, if it has one. A
    /// call that is live already gives its line to the newer attachment.
    pub fn admit(&self, call: &CallRef, cap: Option<usize>) -> Result<Line, NoLine> {
        self.take(call, cap, false)
    }

    /// The same for a call that must be its session's only one.
    pub fn admit_alone(&self, call: &CallRef, cap: Option<usize>) -> Result<Line, NoLine> {
        self.take(call, cap, true)
    }

    fn take(&self, call: &CallRef, cap: Option<usize>, alone: bool) -> Result<Line, NoLine> {
        let mut calls = self.0.lock();
        let replaced = calls.live.contains_key(&call.call);
        let of_org = || calls.live.values().filter(|entry| entry.org == call.org).count();
        let of_session = || calls.live.values().any(|entry| entry.session == call.session);
        let refusal = if calls.closed {
            Some((NoLine::ShuttingDown, &self.0.meters.refused_stopping))
        } else if replaced {
            None
        } else if alone && of_session() {
            Some((NoLine::SessionBusy, &self.0.meters.refused_session))
        } else if calls.live.len() >= self.0.per_node {
            Some((NoLine::NodeFull, &self.0.meters.refused_node))
        } else if of_org() >= cap.unwrap_or(self.0.per_org) {
            Some((NoLine::OrgFull, &self.0.meters.refused_org))
        } else {
            None
        };
        if let Some((refusal, counter)) = refusal {
            counter.increment(1);
            return Err(refusal);
        }
        calls.tickets += 1;
        let ticket = calls.tickets;
        let (org, session) = (call.org.clone(), call.session.clone());
        let before = calls.live.insert(call.call.clone(), Entry { ticket, org, session, handle: None });
        if let Some(before) = before {
            calls.leaving += 1;
            drop(calls);
            if let Some(handle) = before.handle {
                handle.order(Order::Leave(Outcome::HandedOver(Handover::Superseded)));
            }
        }
        self.0.meters.live.increment(1.0);
        Ok(Line { board: Arc::clone(&self.0), call: call.call.clone(), ticket })
    }

    /// Whether calls are taken at all; not any more once the node stops.
    pub fn is_open(&self) -> bool {
        !self.0.lock().closed
    }

    /// The live calls of a session.
    pub fn calls_of(&self, session: &SessionId) -> Vec<CallId> {
        let calls = self.0.lock();
        calls
            .live
            .iter()
            .filter(|(_, entry)| entry.session == *session)
            .map(|(call, _)| call.clone())
            .collect()
    }

    /// A live call of this node.
    pub fn find(&self, call: &CallId) -> Option<CallHandle> {
        self.0.lock().live.get(call)?.handle.clone()
    }

    /// Resolves when no call is live.
    pub async fn emptied(&self) {
        self.0.emptied().await;
    }

    /// Takes no more calls, waits `patience` for those that are live, then hands the rest to the redirect behind their
    /// stream and waits `farewell` for that. Before [`crate::Runtime::drain`]: calls journal to their end.
    pub async fn drain(&self, patience: Duration, farewell: Duration) -> Drained {
        self.0.lock().closed = true;
        if tokio::time::timeout(patience, self.0.emptied()).await.is_ok() {
            return Drained::Clean;
        }
        let handles: Vec<_> = {
            let mut calls = self.0.lock();
            calls.draining = true;
            calls.live.values().filter_map(|entry| entry.handle.clone()).collect()
        };
        for handle in handles {
            handle.order(Order::Leave(Outcome::HandedOver(Handover::Drain)));
        }
        match tokio::time::timeout(farewell, self.0.emptied()).await {
            Ok(()) => Drained::Clean,
            Err(_) => Drained::Deadline,
        }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn emptied(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let calls = self.lock();
                if calls.live.is_empty() && calls.leaving == 0 {
                    return;
                }
            }
            changed.await;
        }
    }
}

/// A place for one attachment of a call; given back when it is dropped.
pub struct Line {
    board: Arc<Board>,
    call: CallId,
    ticket: u64,
}

impl Line {
    /// From now on the call can be reached. One that was replaced meanwhile, or whose node is leaving, is told so at once.
    pub(super) fn connect(&self, handle: &CallHandle) {
        let mut calls = self.board.lock();
        let draining = calls.draining;
        let leave = match calls.live.get_mut(&self.call) {
            Some(entry) if entry.ticket == self.ticket => {
                entry.handle = Some(handle.clone());
                draining.then_some(Handover::Drain)
            }
            Some(_) | None => Some(Handover::Superseded),
        };
        drop(calls);
        if let Some(reason) = leave {
            handle.order(Order::Leave(Outcome::HandedOver(reason)));
        }
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.board.meters
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut calls = self.board.lock();
        if calls.live.get(&self.call).is_some_and(|entry| entry.ticket == self.ticket) {
            calls.live.remove(&self.call);
        } else {
            calls.leaving -= 1;
        }
        drop(calls);
        self.board.meters.live.decrement(1.0);
        self.board.changed.notify_waiters();
    }
}
