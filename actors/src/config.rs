//! Settings, ports and engine: everything the runtime is built from, as values.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use usher_conversation::channel::Channel;
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Clock, Journal, Outbox, Timers, Transport};
use usher_conversation::session::{self, Command, Effect, Event, SessionMeta, SessionState};
use usher_conversation::time::Timestamp;

use crate::alarm::{Alarm, ClockAlarm};

/// A command and a state give the events of one turn.
pub type Decide = dyn Fn(&SessionMeta, &SessionState, Timestamp, Command) -> Vec<Event> + Send + Sync;
/// What must be done outside once a turn is durable.
pub type EffectsOf = dyn Fn(&SessionMeta, &Turn) -> Vec<Effect> + Send + Sync;

/// The pure functions of the conversation engine, as values: a test can make them fail.
#[derive(Clone)]
pub struct Engine {
    /// Normally [`session::decide`].
    pub decide: Arc<Decide>,
    /// Normally [`session::effects_of`].
    pub effects: Arc<EffectsOf>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { decide: Arc::new(session::decide), effects: Arc::new(session::effects_of) }
    }
}

/// What the runtime needs from the outside.
#[derive(Clone)]
pub struct Ports {
    /// The truth.
    pub journal: Arc<dyn Journal>,
    /// Messages to be sent.
    pub outbox: Arc<dyn Outbox>,
    /// Durable timers.
    pub timers: Arc<dyn Timers>,
    /// The way out, per channel. A message of a channel without one is dead at once.
    pub transports: BTreeMap<Channel, Arc<dyn Transport>>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Waiting for an instant of that clock.
    pub alarm: Arc<dyn Alarm>,
}

impl Ports {
    /// Ports over one store and a real clock.
    pub fn new<S>(
        store: Arc<S>,
        transports: BTreeMap<Channel, Arc<dyn Transport>>,
        clock: Arc<dyn Clock>,
    ) -> Self
    where
        S: Journal + Outbox + Timers,
    {
        Self {
            journal: Arc::clone(&store) as Arc<dyn Journal>,
            outbox: Arc::clone(&store) as Arc<dyn Outbox>,
            timers: store,
            transports,
            alarm: Arc::new(ClockAlarm::new(Arc::clone(&clock))),
            clock,
        }
    }
}

/// Settings of the runtime. The defaults suit one node of two to sixteen cores.
#[derive(Clone)]
pub struct RuntimeConfig {
    /// Session threads; `None` = one per core.
    pub arbiters: Option<NonZeroUsize>,
    /// Inputs of one session that may wait.
    pub session_bound: usize,
    /// Inputs of all sessions that may wait.
    pub node_bound: usize,
    /// A session nobody spoke to for so long leaves memory.
    pub idle_millis: i64,
    /// Sessions in memory, of all arbiters; beyond it the longest idle leave first.
    pub active_bound: usize,
    /// A snapshot goes with every so many turns.
    pub snapshot_every: u64,
    /// Frames a watcher may leave unread, or unacknowledged.
    pub watcher_window: usize,
    /// The relay and its retries.
    pub relay: RelayConfig,
    /// The engine.
    pub engine: Engine,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            arbiters: None,
            session_bound: 64,
            node_bound: 20_000,
            idle_millis: 5 * 60 * 1000,
            active_bound: 200_000,
            snapshot_every: 50,
            watcher_window: 64,
            relay: RelayConfig::default(),
            engine: Engine::default(),
        }
    }
}

/// Settings of the outbox relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayConfig {
    /// How long a claim is ours. When its node dies, the message waits so long for the next one.
    pub lease_millis: i64,
    /// The longest one send may take; a send begins only when so much of its lease is left.
    pub send_millis: i64,
    /// Messages claimed and not settled at one time.
    pub in_flight: usize,
    /// Tries before a message is dead.
    pub max_attempts: u32,
    /// The pause after the first failed try; it quadruples with each further one.
    pub backoff_millis: i64,
    /// The longest pause.
    pub backoff_limit_millis: i64,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            lease_millis: 20_000,
            send_millis: 16_000,
            in_flight: 256,
            max_attempts: 5,
            backoff_millis: 2_000,
            backoff_limit_millis: 5 * 60 * 1000,
        }
    }
}
