//! What all actors and services of a runtime share, and how a request reaches its session.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use actix::Addr;
use tokio::sync::{Notify, oneshot};
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::session::Command;
use usher_conversation::time::Timestamp;

use crate::admission::{Admission, Caller, SessionKey};
use crate::config::{Ports, RuntimeConfig};
use crate::error::RuntimeError;
use crate::mailbox::{Envelope, Reply, Request, post};
use crate::meters::Meters;
use crate::owner::Handled;
use crate::registry::Registry;

/// Shared by everything that runs here.
pub(crate) struct Node {
    pub(crate) config: RuntimeConfig,
    pub(crate) ports: Ports,
    pub(crate) meters: Meters,
    pub(crate) admission: Arc<Admission>,
    /// Wakes the relay: a turn with messages became durable.
    pub(crate) outbox_bell: Notify,
    pub(crate) timer_bell: TimerBell,
    pub(crate) active: AtomicUsize,
    pub(crate) watchers: AtomicUsize,
    pub(crate) in_flight: AtomicUsize,
    /// Claims that were given back untried, ever.
    pub(crate) put_back: AtomicUsize,
}

impl Node {
    pub(crate) fn new(config: RuntimeConfig, ports: Ports) -> Self {
        Self {
            admission: Arc::new(Admission::new(config.session_bound, config.node_bound)),
            meters: Meters::new(),
            outbox_bell: Notify::new(),
            timer_bell: TimerBell::default(),
            active: AtomicUsize::new(0),
            watchers: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            put_back: AtomicUsize::new(0),
            config,
            ports,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Makes the services look for themselves: a turn whose commit was not heard of may be durable, with effects that
    /// nobody was told of.
    pub(crate) fn ring_all(&self) {
        self.outbox_bell.notify_one();
        self.timer_bell.rung.notify_one();
    }

    /// Keeps a count and its gauge together.
    pub(crate) fn count(counter: &AtomicUsize, gauge: &metrics::Gauge, change: isize) {
        counter.fetch_add(change.cast_unsigned(), Ordering::Relaxed);
        if change < 0 {
            gauge.decrement(1.0);
        } else {
            gauge.increment(1.0);
        }
    }
}

/// The longest sleep of the outbox relay and the timer service: another node's turn may be durable without a bell here.
pub(crate) const LOOK_AGAIN_MILLIS: i64 = 30_000;

/// Wakes the timer service, but only for a timer that is due before the one it already waits for: nudges are set far
/// ahead by almost every turn, and each wake costs a query.
pub(crate) struct TimerBell {
    waits_until: AtomicI64,
    pub(crate) rung: Notify,
}

impl Default for TimerBell {
    fn default() -> Self {
        Self { waits_until: AtomicI64::new(i64::MAX), rung: Notify::new() }
    }
}

impl TimerBell {
    pub(crate) fn timer_set(&self, due: Timestamp) {
        if due.as_millis() < self.waits_until.load(Ordering::SeqCst) {
            self.rung.notify_one();
        }
    }

    /// Called before the service looks for the next due time, so that no timer set meanwhile is missed.
    pub(crate) fn listen_to_all(&self) {
        self.waits_until.store(i64::MAX, Ordering::SeqCst);
    }

    pub(crate) fn listen_before(&self, until: Timestamp) {
        self.waits_until.store(until.as_millis(), Ordering::SeqCst);
    }
}

/// Routes requests to the registries. The services hold one, the front door holds one.
#[derive(Clone)]
pub(crate) struct Router {
    pub(crate) node: Arc<Node>,
    pub(crate) registries: Arc<[Addr<Registry>]>,
}

impl Router {
    /// Admits a request and posts it to the registry its session lives under. From here on it is carried out even
    /// when the caller stops waiting.
    pub(crate) async fn ask<T>(
        &self,
        caller: Caller,
        org: &OrgId,
        session: &SessionId,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, RuntimeError> {
        let key = SessionKey::of(session);
        let permit =
            self.node.admission.admit(caller, key).inspect_err(|refusal| self.count_refusal(refusal))?;
        let (reply, answer) = oneshot::channel();
        let envelope =
            Envelope { org: org.clone(), session: session.clone(), request: request(reply), permit };
        post(&self.registries[key.place(self.registries.len())], envelope)
            .map_err(|_returned| self.gone())?;
        answer.await.unwrap_or_else(|_dropped| Err(self.gone()))
    }

    /// Carries out a command.
    pub(crate) async fn handle(
        &self,
        caller: Caller,
        org: &OrgId,
        session: &SessionId,
        dedup: Option<String>,
        command: Command,
    ) -> Result<Handled, RuntimeError> {
        let command = Box::new(command);
        self.ask(caller, org, session, |reply| Request::Handle { dedup, command, reply }).await
    }

    /// Why nobody is there to answer: only a stop ends the actors.
    fn gone(&self) -> RuntimeError {
        if self.node.admission.is_open() { RuntimeError::Failed } else { RuntimeError::ShuttingDown }
    }

    fn count_refusal(&self, refusal: &RuntimeError) {
        let meters = &self.node.meters;
        match refusal {
            RuntimeError::SessionBusy => meters.refused_busy.increment(1),
            RuntimeError::Overloaded => meters.refused_overloaded.increment(1),
            RuntimeError::ShuttingDown
            | RuntimeError::UnknownSession
            | RuntimeError::Store(_)
            | RuntimeError::Failed => meters.refused_stopping.increment(1),
        }
    }
}
