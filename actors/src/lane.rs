//! The channel actor of one sending lane, and the courier that carries one message across the border.
//!
//! The actor owns what is peculiar to the lane: order and pace. A courier owns what is peculiar to a message: its lease,
//! its look-up, its outcome. No send begins unless the whole of it fits into what is left of the lease, so a message
//! whose lease was lost is never being sent by two at once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, Addr, Context, Handler, Message};
use futures_util::FutureExt;
use tokio::sync::watch;
use usher_conversation::ports::{Claimed, Lane, Lookup, SendOutcome, Settlement, StoreError, Transport};
use usher_conversation::problem::Problem;
use usher_conversation::session::{Command, DeliveryStatus};
use usher_conversation::time::Timestamp;

use crate::admission::Caller;
use crate::crash_point;
use crate::error::RuntimeError;
use crate::mailbox;
use crate::node::{Node, Router};
use crate::outbox::{Flight, store_pause};
use crate::pace::Pace;
use crate::retry::{self, AfterLookup, Verdict};

/// A message that waits for its turn wakes a little late; it must not find its lease just too short then.
const WAKES_LATE_MILLIS: i64 = 1_000;
/// The claim itself saw that a message was wanted; one that waited longer than this since is asked about again.
const FRESH_MILLIS: i64 = 100;

/// Sends the messages of one sending number (or service) in order and at its pace.
pub(crate) struct SmsChannel {
    node: Arc<Node>,
    pace: Pace,
}

impl SmsChannel {
    pub(crate) fn start(node: Arc<Node>) -> Addr<Self> {
        let room = node.config.relay.in_flight;
        mailbox::start(Self { node, pace: Pace::default() }, room)
    }
}

impl Actor for SmsChannel {
    type Context = Context<Self>;
}

/// A message for the lane.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Dispatch {
    pub(crate) lane: Lane,
    pub(crate) courier: Courier,
}

impl Handler<Dispatch> for SmsChannel {
    type Result = ();

    fn handle(&mut self, Dispatch { lane, courier }: Dispatch, _context: &mut Self::Context) {
        let latest = courier.latest_start().plus_millis(-WAKES_LATE_MILLIS);
        // Not `context.spawn`: actix polls every future of a context whenever one of them wakes.
        let Lane { segments, segments_per_second, .. } = lane;
        let delivery = &courier.claimed.delivery;
        let now = self.node.now();
        match self.pace.reserve(delivery, now, segments, segments_per_second, latest) {
            Ok(start) => actix_rt::spawn(courier.deliver(start)),
            // It comes back some time before its turn, because claims are not made at every instant.
            Err(start) => {
                let early = (latest.millis_since(now) / 2).max(0);
                actix_rt::spawn(courier.put_back(start.plus_millis(-early)))
            }
        };
    }
}

/// One claimed message on its way.
pub(crate) struct Courier {
    pub(crate) router: Router,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) lease_until: Timestamp,
    pub(crate) claimed: Claimed,
    pub(crate) _flight: Flight,
}

impl Courier {
    /// The last instant at which a send may begin.
    fn latest_start(&self) -> Timestamp {
        self.lease_until.plus_millis(-self.router.node.config.relay.send_millis)
    }

    fn claimed_at(&self) -> Timestamp {
        self.lease_until.plus_millis(-self.router.node.config.relay.lease_millis)
    }

    fn may_begin(&self) -> bool {
        !*self.stopping.borrow() && self.router.node.now() <= self.latest_start()
    }

    /// Waits for its turn, sends, settles.
    async fn deliver(mut self, start: Timestamp) {
        let turn = self.router.node.ports.alarm.until(start);
        tokio::select! {
            () = turn => {}
            _ = self.stopping.changed() => {}
        }
        let node = Arc::clone(&self.router.node);
        let Some(transport) = node.ports.transports.get(&self.claimed.channel) else { return };
        if self.claimed.uncertain {
            if !self.may_begin() {
                return self.put_back(node.now()).await;
            }
            let lookup = self.look_up(&**transport).await;
            match retry::after_lookup(&node.config.relay, &self.claimed, lookup, node.now()) {
                AfterLookup::Send if self.may_begin() => {}
                AfterLookup::Send => return self.settle(retry::after_slow_lookup(node.now())).await,
                AfterLookup::Settle(verdict) => return self.settle(verdict).await,
            }
        }
        if node.now() > self.claimed_at().plus_millis(FRESH_MILLIS) {
            match node.ports.outbox.is_wanted(&self.claimed).await {
                Ok(true) => {}
                Ok(false) => return self.settle(retry::unwanted()).await,
                Err(error) => {
                    tracing::warn!(%error, "whether a message is still wanted cannot be read");
                    return self.put_back(node.now().plus_millis(store_pause(0))).await;
                }
            }
        }
        if !self.may_begin() {
            return self.put_back(node.now()).await;
        }
        crash_point("before-send");
        let outcome = self.send(&**transport).await;
        crash_point("after-send");
        self.conclude(outcome).await;
    }

    /// Settles what a vendor said.
    pub(crate) async fn conclude(self, outcome: SendOutcome) {
        let node = &self.router.node;
        let verdict = retry::after_send(&node.config.relay, &self.claimed, outcome, node.now());
        self.settle(verdict).await;
    }

    /// Gives the message back untried.
    async fn put_back(self, at: Timestamp) {
        self.router.node.put_back.fetch_add(1, Ordering::Relaxed);
        self.settle(Verdict { settlement: Settlement::Defer { at }, report: None }).await;
    }

    async fn send(&self, transport: &dyn Transport) -> SendOutcome {
        let node = &self.router.node;
        let too_late = node.ports.alarm.until(node.now().plus_millis(node.config.relay.send_millis));
        let sent = AssertUnwindSafe(transport.send(&self.claimed)).catch_unwind();
        tokio::select! {
            sent = sent => sent.unwrap_or_else(|_panic| ambiguous("the transport failed while sending")),
            () = too_late => ambiguous("the transport did not answer in time"),
        }
    }

    async fn look_up(&self, transport: &dyn Transport) -> Lookup {
        let node = &self.router.node;
        let too_late = node.ports.alarm.until(node.now().plus_millis(node.config.relay.send_millis));
        let looked = AssertUnwindSafe(transport.look_up(&self.claimed)).catch_unwind();
        let unknown = |reason: &str| Lookup::Unknown { reason: reason.to_owned() };
        tokio::select! {
            looked = looked => looked.unwrap_or_else(|_panic| unknown("the look-up failed")),
            () = too_late => unknown("the look-up did not answer in time"),
        }
    }

    /// Records the verdict and tells the session.
    ///
    /// A message the vendor took is settled first: a crash before the session hears of it costs a status, a crash before
    /// the settlement would cost a look-up. A dead one is told first: a crash in between repeats a refused try, whereas
    /// the other order could lose the escalation.
    async fn settle(self, Verdict { settlement, report }: Verdict) {
        self.count(&settlement);
        match (&settlement, report) {
            (Settlement::Accepted { .. }, Some((status, code))) => {
                if self.write(settlement).await {
                    crash_point("send-settled");
                    self.report(status, code).await;
                }
            }
            (_, Some((status, code))) => {
                if self.report(status, code).await {
                    self.write(settlement).await;
                }
            }
            (_, None) => {
                self.write(settlement).await;
            }
        }
    }

    /// Writes the settlement, through store errors, as long as the lease holds. `false` when it was lost: whoever claims
    /// the message next finds it uncertain and looks before sending.
    async fn write(&self, settlement: Settlement) -> bool {
        let node = &self.router.node;
        let written = self
            .insist(|| async {
                node.ports.outbox.settle(&self.claimed, settlement.clone(), node.now()).await.map_err(Some)
            })
            .await
            .unwrap_or(false);
        if !written {
            node.meters.leases_lost.increment(1);
            tracing::warn!(delivery = %self.claimed.delivery, "a lease was lost before its settlement");
        }
        written
    }

    /// Tells the session; `false` when it could not be told now but may be later.
    async fn report(&self, status: DeliveryStatus, error_code: Option<u32>) -> bool {
        let Claimed { org, session, delivery, .. } = &self.claimed;
        let told = self
            .insist(|| async {
                let delivery = delivery.clone();
                let command = Command::Report { delivery, status, error_code, retry_after: None };
                match self.router.handle(Caller::Inside, org, session, None, command).await {
                    Ok(_handled) => Ok(true),
                    Err(RuntimeError::Store(error)) => Err(Some(error)),
                    Err(error) if error.problem().retryable() && error.problem() != Problem::Internal => {
                        Err(None)
                    }
                    // A session that is gone or broken cannot be told; that must not hold the message.
                    Err(_error) => Ok(true),
                }
            })
            .await;
        told.unwrap_or(false)
    }

    /// Tries until it works or the lease ends.
    async fn insist<F>(&self, attempt: impl Fn() -> F) -> Option<bool>
    where
        F: Future<Output = Result<bool, Option<StoreError>>>,
    {
        let node = &self.router.node;
        let mut failures = 0;
        loop {
            match attempt().await {
                Ok(done) => return Some(done),
                Err(error) => {
                    let again = node.now().plus_millis(store_pause(failures));
                    if again >= self.lease_until {
                        tracing::warn!(delivery = %self.claimed.delivery, ?error, "gave up until the lease ends");
                        return None;
                    }
                    failures += 1;
                    node.ports.alarm.until(again).await;
                }
            }
        }
    }

    fn count(&self, settlement: &Settlement) {
        let meters = &self.router.node.meters;
        match settlement {
            Settlement::Accepted { .. } => meters.sends_accepted.increment(1),
            Settlement::Retry { .. } => meters.sends_retried.increment(1),
            Settlement::Uncertain { .. } => meters.sends_uncertain.increment(1),
            Settlement::Dead { .. } | Settlement::Dropped { .. } => meters.sends_dead.increment(1),
            Settlement::Defer { .. } => meters.sends_deferred.increment(1),
        }
    }
}

fn ambiguous(reason: &str) -> SendOutcome {
    SendOutcome::Ambiguous { reason: reason.to_owned() }
}
