//! The outbox relay: claims messages under a lease and hands each to the channel actor of its lane.
//!
//! It reacts at once to the bell that a commit rings, and otherwise sleeps until the next message is due. Under load the
//! messages of a moment are claimed together. It claims no more than it may have in flight, so a slow vendor is felt
//! here and not in memory.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::Addr;
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use usher_conversation::channel::Channel;
use usher_conversation::ports::{Claimed, Lane, SendOutcome, StoreError};
use usher_conversation::time::Timestamp;

use crate::lane::{Courier, Dispatch, SmsChannel};
use crate::mailbox::post;
use crate::node::{LOOK_AGAIN_MILLIS, Node, Router};

/// After a claim that found something the next one waits so long: a claim is a transaction, and a reply that is not
/// claimed yet is replaced when the client goes on writing.
const PACE: Duration = Duration::from_millis(50);
/// When most of a claim had to be put back, because its lanes are busy for longer than a lease, there is no hurry.
const BACKLOG_PACE: Duration = Duration::from_millis(450);
/// A claim that found nothing although something seemed due looks again after this long.
const RELOOK_MILLIS: i64 = 250;
/// The longest pause after store errors.
const STORE_PAUSE_LIMIT: i64 = 10_000;

/// The pause after `failures` store errors in a row.
pub(crate) fn store_pause(failures: u32) -> i64 {
    100_i64.saturating_mul(2_i64.saturating_pow(failures.min(16))).min(STORE_PAUSE_LIMIT)
}

/// Counts a message in flight; its end makes room for the next claim.
pub(crate) struct Flight {
    node: Arc<Node>,
    landed: Arc<Notify>,
}

impl Flight {
    fn take_off(node: &Arc<Node>, landed: &Arc<Notify>) -> Self {
        Node::count(&node.in_flight, &node.meters.in_flight, 1);
        Self { node: Arc::clone(node), landed: Arc::clone(landed) }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        Node::count(&self.node.in_flight, &self.node.meters.in_flight, -1);
        self.landed.notify_one();
        // The session's next message waited for this one.
        self.node.outbox_bell.notify_one();
    }
}

pub(crate) struct Relay {
    router: Router,
    stopping: watch::Receiver<bool>,
    landed: Arc<Notify>,
    /// One for each number or service that sent something: as many as organisations own, never as strangers cause, so none
    /// is ever let go.
    lanes: HashMap<(Channel, String), Addr<SmsChannel>>,
}

impl Relay {
    pub(crate) fn new(router: Router, stopping: watch::Receiver<bool>) -> Self {
        Self { router, stopping, landed: Arc::default(), lanes: HashMap::new() }
    }

    /// Runs until the runtime stops, and returns when everything in flight is settled.
    pub(crate) async fn run(mut self) {
        let mut failures = 0;
        while !*self.stopping.borrow() {
            let round = AssertUnwindSafe(self.round()).catch_unwind().await;
            let pause = match round {
                Ok(Ok(wait)) => {
                    failures = 0;
                    wait
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    self.pause_after(&mut failures)
                }
                Err(_panic) => {
                    tracing::error!("the outbox relay panicked; going on");
                    self.pause_after(&mut failures)
                }
            };
            self.wait(pause, failures > 0).await;
        }
        self.all_landed().await;
    }

    /// Claims and dispatches once; says how long to sleep if nothing rings.
    async fn round(&mut self) -> Result<Wait, StoreError> {
        let node = Arc::clone(&self.router.node);
        let config = &node.config.relay;
        let room = config.in_flight.saturating_sub(node.in_flight.load(Ordering::Relaxed));
        let Some(limit) = u32::try_from(room).ok().filter(|room| *room > 0) else {
            return Ok(Wait::ForLanding);
        };
        let now = node.now();
        let lease_until = now.plus_millis(config.lease_millis);
        let claims = node.ports.outbox.claim(now, lease_until, limit).await?;
        let (found, full) = (claims.len(), claims.len() >= room);
        let put_back = node.put_back.load(Ordering::Relaxed);
        self.dispatch(claims, lease_until).await;
        if found > 0 {
            tokio::time::sleep(PACE).await;
            if (node.put_back.load(Ordering::Relaxed) - put_back) * 2 > found {
                tokio::time::sleep(BACKLOG_PACE).await;
            }
        }
        if full {
            return Ok(Wait::ForLanding);
        }
        let look_again = now.plus_millis(LOOK_AGAIN_MILLIS);
        Ok(Wait::Until(match node.ports.outbox.next_due().await? {
            Some(due) if found > 0 => due.min(look_again),
            Some(due) => due.clamp(now.plus_millis(RELOOK_MILLIS), look_again),
            None => look_again,
        }))
    }

    /// Hands every claim to its lane's actor, in the order of the claim.
    async fn dispatch(&mut self, claims: Vec<Claimed>, lease_until: Timestamp) {
        let node = Arc::clone(&self.router.node);
        let lanes = join_all(claims.iter().map(|claimed| lane_of(&node, claimed))).await;
        for (claimed, lane) in claims.into_iter().zip(lanes) {
            let courier = Courier {
                router: self.router.clone(),
                stopping: self.stopping.clone(),
                lease_until,
                _flight: Flight::take_off(&node, &self.landed),
                claimed,
            };
            match lane {
                Ok(lane) => self.hand_over(lane, courier),
                Err(outcome) => drop(actix_rt::spawn(courier.conclude(outcome))),
            }
        }
    }

    fn hand_over(&mut self, lane: Lane, courier: Courier) {
        let key = (courier.claimed.channel, lane.key.clone());
        let node = &self.router.node;
        let start = || SmsChannel::start(Arc::clone(node));
        let address = self.lanes.entry(key).or_insert_with(start);
        if let Err(dispatch) = post(address, Dispatch { lane, courier }) {
            tracing::error!("a channel actor was gone; starting another");
            *address = start();
            // Should even that fail, the lease runs out and the message is looked up before any repeat.
            drop(post(address, dispatch));
        }
    }

    fn pause_after(&self, failures: &mut u32) -> Wait {
        let pause = store_pause(*failures);
        *failures += 1;
        Wait::Until(self.router.node.now().plus_millis(pause))
    }

    async fn wait(&mut self, wait: Wait, failing: bool) {
        let node = Arc::clone(&self.router.node);
        let due = async {
            match wait {
                Wait::Until(due) => node.ports.alarm.until(due).await,
                Wait::ForLanding => self.landed.notified().await,
            }
        };
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = due => {}
            // A failing store is not asked faster because more turns need it.
            () = node.outbox_bell.notified(), if !failing => {}
            _ = stopping.changed() => {}
        }
    }

    async fn all_landed(&self) {
        while self.router.node.in_flight.load(Ordering::Relaxed) > 0 {
            self.landed.notified().await;
        }
    }
}

enum Wait {
    Until(Timestamp),
    ForLanding,
}

async fn lane_of(node: &Node, claimed: &Claimed) -> Result<Lane, SendOutcome> {
    let Some(transport) = node.ports.transports.get(&claimed.channel) else {
        return Err(SendOutcome::Permanent {
            error_code: None,
            reason: format!("there is no way out on {}", claimed.channel),
            consequence: usher_conversation::ports::Consequence::Misconfigured,
        });
    };
    AssertUnwindSafe(transport.lane(claimed)).catch_unwind().await.unwrap_or_else(|_panic| {
        Err(SendOutcome::Transient {
            after_millis: None,
            error_code: None,
            reason: "choosing a sender failed".to_owned(),
        })
    })
}
