//! What the runtime needs from a store and from the vendors. Implemented at the edge; the runtime and its tests
//! know only these traits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::channel::Channel;
use crate::id::{ContactId, DeliveryId, OrgId, SessionId, TimerId};
use crate::journal::Turn;
use crate::session::{DeliveryStatus, Effect, MessageKind, SessionMeta, SessionState};
use crate::time::Timestamp;

/// A boxed future, so that the ports can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The current time. Only the edge reads the system clock.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness for ids. Only the edge reads the system's.
pub trait Entropy: Send + Sync + 'static {
    /// 128 fresh random bits.
    fn bits(&self) -> [u8; 16];
}

/// A store that failed. Nothing was acknowledged; the caller may try again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database is down, full, or too slow. 503 with Retry-After.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store holds something this version cannot read (wrong key, unknown format).
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

/// A turn on its way into the journal, with everything that must be atomic with it.
#[derive(Debug, Clone)]
pub struct Append {
    /// The tenant.
    pub org: OrgId,
    /// The session.
    pub session: SessionId,
    /// The person, whose key seals the events and whom consent changes concern.
    pub contact: ContactId,
    /// The row: `turn.seq` must be the head plus one. Shared with the watchers, who see it after the commit.
    pub turn: Arc<Turn>,
    /// Outbox rows, timers, consent and escalations to write in the same transaction.
    pub effects: Vec<Effect>,
    /// The state after the turn: what the read model shows.
    pub state: Arc<SessionState>,
    /// Whether it is time to keep that state as a snapshot.
    pub snapshot: bool,
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Durable.
    Committed,
    /// The dedup key is already in the journal: this input took effect before, in that turn of that session.
    Duplicate {
        /// The session whose journal has it.
        session: SessionId,
        /// The turn.
        seq: u64,
    },
    /// `(session, seq)` exists: another owner wrote. The caller must drop its state and reload.
    Conflict,
}

/// A session as it lies in the store.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// What does not change.
    pub meta: SessionMeta,
    /// The newest snapshot.
    pub snapshot: Option<SessionState>,
    /// The turns after the snapshot, in order.
    pub tail: Vec<Turn>,
}

/// The journal: the truth.
pub trait Journal: Send + Sync + 'static {
    /// Makes a turn durable. Answers only after the commit.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, StoreError>>;

    /// Loads a session for activation; `None` when there is no such session in that organisation.
    fn load<'a>(
        &'a self,
        org: &'a OrgId,
        session: &'a SessionId,
    ) -> BoxFuture<'a, Result<Option<StoredSession>, StoreError>>;

    /// The turns with `seq > since`, at most `limit`, in order: the gap a watcher missed.
    fn turns<'a>(
        &'a self,
        org: &'a OrgId,
        session: &'a SessionId,
        since: u64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Turn>, StoreError>>;
}

/// An outgoing message claimed by the relay: nobody else sends it until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The message.
    pub delivery: DeliveryId,
    /// The tenant.
    pub org: OrgId,
    /// The session.
    pub session: SessionId,
    /// The person.
    pub contact: ContactId,
    /// The channel.
    pub channel: Channel,
    /// Why it is sent.
    pub kind: MessageKind,
    /// The recipient's address on the channel.
    pub to: String,
    /// The number or messaging service of ours it leaves from; `None` = the organisation's first.
    pub line: Option<String>,
    /// The words.
    pub text: String,
    /// Tries before this one.
    pub attempts: u32,
    /// The earlier try ended without our knowing whether the vendor took it: look before sending.
    pub uncertain: bool,
    /// This claim's token; a completion with an older one is refused.
    pub lease: u64,
    /// When the message was first put in the outbox.
    pub created_at: Timestamp,
}

/// What the relay decided about a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The vendor has it under this id.
    Accepted {
        /// The vendor's id of the message.
        vendor_id: String,
    },
    /// Try again at `at`.
    Retry {
        /// When.
        at: Timestamp,
        /// Why, for staff.
        reason: String,
    },
    /// We do not know whether the vendor took it: look it up at `at` before any repeat.
    Uncertain {
        /// When.
        at: Timestamp,
        /// Why, for staff.
        reason: String,
    },
    /// Not tried: its sending lane has no room before `at`, or the node is stopping. Does not count as a try.
    Defer {
        /// When.
        at: Timestamp,
    },
    /// It will not be sent: refused by the vendor for good, or five tries failed.
    Dead {
        /// The vendor's code.
        error_code: Option<u32>,
        /// Why, for staff.
        reason: String,
    },
    /// It must not be sent any more: consent was withdrawn or the session was taken over after the claim.
    Dropped {
        /// Why, for staff.
        reason: String,
    },
}

/// The outbox: messages to be sent.
pub trait Outbox: Send + Sync + 'static {
    /// Claims up to `limit` messages that are due, oldest first, only the oldest unsettled one of each session and
    /// channel (so that a session's messages leave in order), never one of a suppressed contact (those are dropped,
    /// except compliance texts), until `lease_until`. A message whose lease ended unsettled comes back `uncertain`:
    /// its owner may have died while sending it.
    fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>>;

    /// Whether a claimed message may still go: its lease holds, its contact has not opted out since (compliance texts go
    /// all the same), and nobody took the session over.
    fn is_wanted<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Records what became of a claim; `false` when the lease was lost in between.
    fn settle<'a>(
        &'a self,
        claimed: &'a Claimed,
        settlement: Settlement,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// When the next message can be claimed, if any waits: its due time, or the end of a lease that still runs.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;
}

/// A timer that came due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// The tenant.
    pub org: OrgId,
    /// The session.
    pub session: SessionId,
    /// Which timer.
    pub timer: TimerId,
    /// When it was due.
    pub due: Timestamp,
}

/// Durable timers. A row is removed by the append that journals its firing or cancellation.
pub trait Timers: Send + Sync + 'static {
    /// Up to `limit` timers due at `now`, oldest first.
    fn due(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>>;

    /// When the next timer is due, if any.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// Makes a timer due at `until`, for a session that cannot be read.
    fn postpone<'a>(&'a self, timer: &'a TimerId, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes a timer that its session no longer knows.
    fn discard<'a>(&'a self, timer: &'a TimerId) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What a vendor said to one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// Taken, under this id, with this first status.
    Accepted {
        /// The vendor's id.
        vendor_id: String,
        /// `Queued` for SMS.
        status: DeliveryStatus,
    },
    /// Not processed; a later try may succeed. `after_millis` when the vendor said how long to wait.
    Transient {
        /// Wait at least this long.
        after_millis: Option<u64>,
        /// The vendor's code.
        error_code: Option<u32>,
        /// For staff.
        reason: String,
    },
    /// The request left and no answer came: the vendor may have it.
    Ambiguous {
        /// For staff.
        reason: String,
    },
    /// Refused for good.
    Permanent {
        /// The vendor's code.
        error_code: Option<u32>,
        /// For staff.
        reason: String,
        /// What else must happen.
        consequence: Consequence,
    },
}

/// What a permanent refusal means for the person or the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// The recipient has opted out at the vendor: suppress (Twilio 21610).
    Suppress,
    /// The recipient cannot be reached on this channel.
    Unreachable,
    /// The organisation's configuration is wrong: staff must look.
    Misconfigured,
}

/// What a look-up of an ambiguous try found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The vendor has it.
    Found {
        /// The vendor's id.
        vendor_id: String,
    },
    /// The vendor never got it: sending again is safe.
    Absent,
    /// The look-up failed too.
    Unknown {
        /// For staff.
        reason: String,
    },
}

/// A channel's way out.
pub trait Transport: Send + Sync + 'static {
    /// One try to send. Never panics, always answers within the transport's own time-out.
    fn send<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, SendOutcome>;

    /// Looks for a message of which an earlier try ended ambiguously.
    fn look_up<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, Lookup>;

    /// The queue a message belongs to: one channel actor (order and rate) per key, e.g. the sending number.
    fn lane<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, Result<Lane, SendOutcome>>;
}

/// A sending queue and its pace.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// The sending number or service.
    pub key: String,
    /// Message segments per second.
    pub segments_per_second: f64,
    /// Segments of this message.
    pub segments: u32,
}
