//! How much may wait: bounded per session and per node, counted by us because actix mailboxes are not bounded in
//! practice (`do_send` ignores the capacity and every clone of an address adds a slot).
//!
//! A permit travels inside the message and gives its place back when it is dropped, so a message that is lost in a
//! dying actor cannot leak one. Callers are refused in their own thread: a flood of one session never reaches the
//! arbiter that other sessions live on.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use usher_conversation::id::SessionId;

use crate::error::RuntimeError;

/// A session id as 64 bits: places it on an arbiter and counts what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionKey(u64);

impl SessionKey {
    pub(crate) fn of(session: &SessionId) -> Self {
        Self(BuildHasherDefault::<DefaultHasher>::default().hash_one(session))
    }

    /// Which of `count` places is this session's.
    pub(crate) fn place(self, count: usize) -> usize {
        usize::try_from(self.0 >> 32).unwrap_or_default() % count
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A client: bounded, and refused while draining.
    Outside,
    /// The relay or the timers, which bound themselves: their reports must get through a flood and during a drain.
    Inside,
}

const SHARDS: usize = 64;

pub(crate) struct Admission {
    session_bound: usize,
    node_bound: usize,
    open: AtomicBool,
    node: AtomicUsize,
    sessions: [Mutex<HashMap<u64, usize>>; SHARDS],
    empty: Notify,
}

impl Admission {
    pub(crate) fn new(session_bound: usize, node_bound: usize) -> Self {
        Self {
            session_bound,
            node_bound,
            open: AtomicBool::new(true),
            node: AtomicUsize::new(0),
            sessions: std::array::from_fn(|_| Mutex::default()),
            empty: Notify::new(),
        }
    }

    /// A place in the queue of `key`, or why there is none.
    pub(crate) fn admit(self: &Arc<Self>, caller: Caller, key: SessionKey) -> Result<Permit, RuntimeError> {
        let waiting = self.node.fetch_add(1, SeqCst);
        let refusal = if caller == Caller::Inside {
            None
        } else if !self.open.load(SeqCst) {
            Some(RuntimeError::ShuttingDown)
        } else if waiting >= self.node_bound {
            Some(RuntimeError::Overloaded)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.leave_node();
            return Err(refusal);
        }
        let mut sessions = self.shard(key);
        let count = sessions.entry(key.0).or_default();
        if caller == Caller::Outside && *count >= self.session_bound {
            drop(sessions);
            self.leave_node();
            return Err(RuntimeError::SessionBusy);
        }
        *count += 1;
        drop(sessions);
        Ok(Permit { admission: Arc::clone(self), key })
    }

    /// Inputs of one session that wait or are being handled.
    pub(crate) fn waiting_for(&self, key: SessionKey) -> usize {
        self.shard(key).get(&key.0).copied().unwrap_or(0)
    }

    /// Inputs of all sessions that wait or are being handled.
    pub(crate) fn waiting(&self) -> usize {
        self.node.load(SeqCst)
    }

    /// From now on outside callers are refused.
    pub(crate) fn close(&self) {
        self.open.store(false, SeqCst);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(SeqCst)
    }

    /// Completes when nothing waits any more; only after [`Admission::close`].
    pub(crate) async fn emptied(&self) {
        loop {
            let mut empty = std::pin::pin!(self.empty.notified());
            empty.as_mut().enable();
            if self.waiting() == 0 {
                return;
            }
            empty.await;
        }
    }

    fn shard(&self, key: SessionKey) -> MutexGuard<'_, HashMap<u64, usize>> {
        let index = usize::try_from(key.0 % SHARDS as u64).unwrap_or_default();
        self.sessions[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave_node(&self) {
        if self.node.fetch_sub(1, SeqCst) == 1 && !self.is_open() {
            self.empty.notify_waiters();
        }
    }
}

/// A place in a session's queue.
pub(crate) struct Permit {
    admission: Arc<Admission>,
    key: SessionKey,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut sessions = self.admission.shard(self.key);
        if let Some(count) = sessions.get_mut(&self.key.0) {
            *count -= 1;
            if *count == 0 {
                sessions.remove(&self.key.0);
            }
        }
        drop(sessions);
        self.admission.leave_node();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_session_refuses_and_another_session_does_not() {
        let admission = Arc::new(Admission::new(2, 100));
        let busy: Vec<_> = (0..2).map(|_| admission.admit(Caller::Outside, SessionKey(7)).ok()).collect();
        assert!(busy.iter().all(Option::is_some));
        assert!(matches!(admission.admit(Caller::Outside, SessionKey(7)), Err(RuntimeError::SessionBusy)));
        assert!(admission.admit(Caller::Outside, SessionKey(8)).is_ok());
        drop(busy);
        assert_eq!(admission.waiting(), 0);
        assert!(admission.admit(Caller::Outside, SessionKey(7)).is_ok());
    }

    #[test]
    fn a_full_node_refuses_clients_but_not_its_own_reports() {
        let admission = Arc::new(Admission::new(10, 1));
        let first = admission.admit(Caller::Outside, SessionKey(1));
        assert!(first.is_ok());
        assert!(matches!(admission.admit(Caller::Outside, SessionKey(2)), Err(RuntimeError::Overloaded)));
        assert!(admission.admit(Caller::Inside, SessionKey(2)).is_ok());
    }

    #[test]
    fn a_refusal_leaves_no_count_behind() {
        let admission = Arc::new(Admission::new(1, 1));
        admission.close();
        assert!(matches!(admission.admit(Caller::Outside, SessionKey(1)), Err(RuntimeError::ShuttingDown)));
        assert_eq!((admission.waiting(), admission.waiting_for(SessionKey(1))), (0, 0));
    }
}
