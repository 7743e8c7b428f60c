//! An in-memory store with the promises of the real one, faults on demand, and switches that break a promise.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;
use usher_conversation::id::{ContactId, DeliveryId, OrgId, SessionId, TimerId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{
    Append, Appended, BoxFuture, Claimed, DueTimer, Journal, Outbox, Settlement, StoreError, StoredSession,
    Timers,
};
use usher_conversation::session::{Effect, Event, OutboundMessage, SessionMeta, SessionState};
use usher_conversation::time::Timestamp;

/// What goes wrong with the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is written, and the caller is told so.
    Refused,
    /// The turn is durable, but the answer is lost.
    AnswerLost,
    /// The port panics after the turn is durable.
    Panics,
}

/// Promises a broken store does not keep.
#[derive(Default)]
pub(crate) struct Broken {
    pub(crate) forgets_dedup_keys: AtomicBool,
    pub(crate) has_no_fence: AtomicBool,
    pub(crate) loses_a_turn_of_the_gap: AtomicBool,
    pub(crate) forgets_interrupted_sends: AtomicBool,
    pub(crate) wants_everything: AtomicBool,
}

#[derive(Clone)]
pub(crate) struct Row {
    claimed: Claimed,
    due: Timestamp,
    lease_until: Option<Timestamp>,
    pub(crate) settled: Option<Settlement>,
}

#[derive(Default)]
pub(crate) struct Inner {
    metas: HashMap<SessionId, SessionMeta>,
    pub(crate) turns: HashMap<SessionId, Vec<Turn>>,
    snapshots: HashMap<SessionId, Arc<SessionState>>,
    dedup: HashMap<(OrgId, String), (SessionId, u64)>,
    pub(crate) outbox: BTreeMap<DeliveryId, Row>,
    pub(crate) timers: BTreeMap<TimerId, DueTimer>,
    /// Turns that took the place of replies that may wait.
    pub(crate) superseding: Vec<u64>,
    /// Sessions whose contact has opted out.
    pub(crate) unwanted: HashSet<SessionId>,
    /// Sessions whose journal cannot be read.
    pub(crate) unreadable: HashSet<SessionId>,
    faults: VecDeque<Fault>,
    appending: HashSet<SessionId>,
    /// Two appends of one session were under way at once.
    pub(crate) overlapped: bool,
    pub(crate) appends_begun: usize,
    pub(crate) loads: usize,
    /// Turns that were folded from a snapshot or from nothing at the last load.
    pub(crate) last_tail: usize,
    /// Turns read for watchers.
    pub(crate) turns_read: usize,
    pub(crate) reads_fail: bool,
}

pub(crate) struct FakeStore {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
    open: watch::Sender<bool>,
    pub(crate) broken: Broken,
}

impl Default for FakeStore {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            changed: watch::Sender::new(0),
            open: watch::Sender::new(true),
            broken: Broken::default(),
        }
    }
}

impl FakeStore {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no poison")
    }

    fn touched(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    pub(crate) fn create(&self, meta: SessionMeta) {
        let mut inner = self.inner();
        inner.turns.insert(meta.session.clone(), Vec::new());
        inner.metas.insert(meta.session.clone(), meta);
    }

    /// Holds every append that begins from now on, until [`FakeStore::release`].
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn release(&self) {
        self.open.send_replace(true);
    }

    pub(crate) fn fail_next(&self, fault: Fault) {
        self.inner().faults.push_back(fault);
    }

    pub(crate) fn fail_reads(&self, fail: bool) {
        self.inner().reads_fail = fail;
        self.touched();
    }

    /// Completes once `condition` holds.
    pub(crate) async fn until(&self, condition: impl Fn(&Inner) -> bool) {
        let mut changed = self.changed.subscribe();
        while !condition(&self.inner()) {
            changed.changed().await.expect("the store lives");
        }
    }

    pub(crate) fn journal_of(&self, session: &SessionId) -> Vec<Turn> {
        self.inner().turns.get(session).cloned().unwrap_or_default()
    }

    pub(crate) fn events_of(&self, session: &SessionId) -> Vec<Event> {
        self.journal_of(session).into_iter().flat_map(|turn| turn.events).collect()
    }

    pub(crate) fn settlement_of(&self, delivery: &DeliveryId) -> Option<Settlement> {
        self.inner().outbox.get(delivery).and_then(|row| row.settled.clone())
    }

    pub(crate) fn set_timer(&self, org: &OrgId, session: &SessionId, timer: &TimerId, due: Timestamp) {
        let row = DueTimer { org: org.clone(), session: session.clone(), timer: timer.clone(), due };
        self.inner().timers.insert(timer.clone(), row);
    }

    /// Another node's append, which this store's runtime knows nothing of.
    pub(crate) fn write_behind_its_back(&self, session: &SessionId, at: Timestamp, events: Vec<Event>) {
        let mut inner = self.inner();
        let turns = inner.turns.get_mut(session).expect("a known session");
        let seq = turns.len() as u64 + 1;
        turns.push(Turn { seq, at, dedup: None, events });
    }

    fn commit(&self, append: Append) -> Appended {
        let mut inner = self.inner();
        let Append { org, session, contact, turn, effects, state, snapshot } = append;
        if let Some(key) = turn.dedup.clone()
            && !self.broken.forgets_dedup_keys.load(Ordering::SeqCst)
        {
            if let Some((session, seq)) = inner.dedup.get(&(org.clone(), key.clone())) {
                return Appended::Duplicate { session: session.clone(), seq: *seq };
            }
            inner.dedup.insert((org.clone(), key), (session.clone(), turn.seq));
        }
        let turns = inner.turns.get_mut(&session).expect("a known session");
        if turn.seq != turns.len() as u64 + 1 && !self.broken.has_no_fence.load(Ordering::SeqCst) {
            if let Some(key) = turn.dedup.clone() {
                inner.dedup.remove(&(org, key));
            }
            return Appended::Conflict;
        }
        turns.push(Turn::clone(&turn));
        if snapshot {
            inner.snapshots.insert(session.clone(), state);
        }
        for event in &turn.events {
            if let Event::TimerFired { timer } = event {
                inner.timers.remove(timer);
            }
        }
        for effect in effects {
            match effect {
                Effect::Send(message) => {
                    let row = Row::new(&org, &session, &contact, message, turn.at);
                    inner.outbox.insert(row.claimed.delivery.clone(), row);
                }
                Effect::SetTimer { timer, due, .. } => {
                    let row =
                        DueTimer { org: org.clone(), session: session.clone(), timer: timer.clone(), due };
                    inner.timers.insert(timer, row);
                }
                Effect::SupersedeReplies => inner.superseding.push(turn.seq),
                Effect::CancelTimer { .. } | Effect::ChangeConsent { .. } | Effect::Escalate { .. } => {}
            }
        }
        Appended::Committed
    }

    fn readable(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.inner();
        if inner.reads_fail {
            Err(StoreError::Unavailable("as the test asked".to_owned()))
        } else {
            Ok(inner)
        }
    }
}

impl Row {
    fn new(
        org: &OrgId,
        session: &SessionId,
        contact: &ContactId,
        message: OutboundMessage,
        at: Timestamp,
    ) -> Self {
        let claimed = Claimed {
            delivery: message.delivery,
            org: org.clone(),
            session: session.clone(),
            contact: contact.clone(),
            line: None,
            channel: message.channel,
            kind: message.kind,
            to: "+15550001111".to_owned(),
            text: message.text,
            attempts: 0,
            uncertain: false,
            lease: 0,
            created_at: at,
        };
        Self { claimed, due: at, lease_until: None, settled: None }
    }

    /// When it can be claimed, unless somebody has it or it is settled.
    pub(crate) fn waiting_for(&self) -> Option<Timestamp> {
        (self.settled.is_none() && self.lease_until.is_none()).then_some(self.due)
    }

    /// It was put back, and is not due before `millis` after it was written.
    pub(crate) fn waits_until(&self, millis: i64) -> bool {
        self.lease_until.is_none() && self.due == self.claimed.created_at.plus_millis(millis)
    }

    /// Its first try is over.
    pub(crate) fn was_tried(&self) -> bool {
        self.lease_until.is_none() && self.claimed.attempts > 0
    }

    pub(crate) fn is_claimed(&self) -> bool {
        self.lease_until.is_some()
    }

    fn claimable_at(&self) -> Timestamp {
        self.lease_until.unwrap_or(self.due)
    }
}

impl Journal for FakeStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, StoreError>> {
        Box::pin(async move {
            let session = append.session.clone();
            {
                let mut inner = self.inner();
                inner.appends_begun += 1;
                let alone = inner.appending.insert(session.clone());
                inner.overlapped |= !alone;
            }
            self.touched();
            self.open.subscribe().wait_for(|open| *open).await.expect("the store lives");
            let fault = {
                let mut inner = self.inner();
                inner.appending.remove(&session);
                inner.faults.pop_front()
            };
            let lost = || StoreError::Unavailable("as the test asked".to_owned());
            if fault == Some(Fault::Refused) {
                return Err(lost());
            }
            let appended = self.commit(append);
            self.touched();
            match fault {
                Some(Fault::AnswerLost) => Err(lost()),
                Some(Fault::Panics) => panic!("as the test asked"),
                Some(Fault::Refused) | None => Ok(appended),
            }
        })
    }

    fn load<'a>(
        &'a self,
        org: &'a OrgId,
        session: &'a SessionId,
    ) -> BoxFuture<'a, Result<Option<StoredSession>, StoreError>> {
        Box::pin(async move {
            let mut inner = self.readable()?;
            inner.loads += 1;
            if inner.unreadable.contains(session) {
                return Err(StoreError::Corrupt("as the test asked".to_owned()));
            }
            let Some(meta) = inner.metas.get(session).filter(|meta| meta.org == *org).cloned() else {
                return Ok(None);
            };
            let snapshot = inner.snapshots.get(session).map(|state| SessionState::clone(state));
            let from = snapshot.as_ref().map_or(0, SessionState::seq);
            let tail: Vec<_> = inner.turns[session].iter().filter(|turn| turn.seq > from).cloned().collect();
            inner.last_tail = tail.len();
            Ok(Some(StoredSession { meta, snapshot, tail }))
        })
    }

    fn turns<'a>(
        &'a self,
        _org: &'a OrgId,
        session: &'a SessionId,
        since: u64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Turn>, StoreError>> {
        Box::pin(async move {
            let mut inner = self.readable()?;
            let mut turns: Vec<_> = inner.turns[session]
                .iter()
                .filter(|turn| turn.seq > since)
                .take(limit as usize)
                .cloned()
                .collect();
            if self.broken.loses_a_turn_of_the_gap.load(Ordering::SeqCst) && turns.len() > 1 {
                turns.remove(0);
            }
            inner.turns_read += turns.len();
            Ok(turns)
        })
    }
}

impl Outbox for FakeStore {
    fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(async move {
            let mut inner = self.readable()?;
            let mut sessions = HashSet::new();
            let mut claims = Vec::new();
            let forgets = self.broken.forgets_interrupted_sends.load(Ordering::SeqCst);
            let mut rows: Vec<_> = inner.outbox.values_mut().filter(|row| row.settled.is_none()).collect();
            rows.sort_by_key(|row| (row.claimed.created_at, row.claimed.delivery.clone()));
            for row in rows {
                let oldest = sessions.insert(row.claimed.session.clone());
                if !oldest || row.claimable_at() > now || claims.len() == limit as usize {
                    continue;
                }
                row.claimed.uncertain |= row.lease_until.is_some() && !forgets;
                row.claimed.lease += 1;
                row.lease_until = Some(lease_until);
                claims.push(row.claimed.clone());
            }
            drop(inner);
            self.touched();
            Ok(claims)
        })
    }

    fn is_wanted<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let unwanted = self.readable()?.unwanted.contains(&claimed.session);
            Ok(!unwanted || self.broken.wants_everything.load(Ordering::SeqCst))
        })
    }

    fn settle<'a>(
        &'a self,
        claimed: &'a Claimed,
        settlement: Settlement,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut inner = self.readable()?;
            let row = inner.outbox.get_mut(&claimed.delivery).expect("a known delivery");
            if row.claimed.lease != claimed.lease || row.lease_until.is_none() {
                return Ok(false);
            }
            row.lease_until = None;
            match settlement {
                Settlement::Retry { at, .. } => {
                    row.due = at;
                    row.claimed.attempts += 1;
                    row.claimed.uncertain = false;
                }
                Settlement::Uncertain { at, .. } => {
                    row.due = at;
                    row.claimed.attempts += 1;
                    row.claimed.uncertain = true;
                }
                Settlement::Defer { at } => row.due = at,
                Settlement::Accepted { .. } | Settlement::Dead { .. } | Settlement::Dropped { .. } => {
                    row.settled = Some(settlement);
                }
            }
            drop(inner);
            self.touched();
            Ok(true)
        })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let inner = self.readable()?;
            Ok(inner.outbox.values().filter(|row| row.settled.is_none()).map(Row::claimable_at).min())
        })
    }
}

impl Timers for FakeStore {
    fn due(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>> {
        Box::pin(async move {
            let inner = self.readable()?;
            let mut due: Vec<_> = inner.timers.values().filter(|timer| timer.due <= now).cloned().collect();
            due.sort_by_key(|timer| timer.due);
            due.truncate(limit as usize);
            Ok(due)
        })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move { Ok(self.readable()?.timers.values().map(|timer| timer.due).min()) })
    }

    fn postpone<'a>(&'a self, timer: &'a TimerId, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(row) = self.readable()?.timers.get_mut(timer) {
                row.due = until;
            }
            self.touched();
            Ok(())
        })
    }

    fn discard<'a>(&'a self, timer: &'a TimerId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.readable()?.timers.remove(timer);
            self.touched();
            Ok(())
        })
    }
}
