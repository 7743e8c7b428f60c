//! Durable timers come due: each fires its command through the session's one mailbox, and the ones a session no longer
//! knows are discarded. On start whatever is overdue fires once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::watch;
use usher_conversation::ports::{DueTimer, StoreError};
use usher_conversation::session::{Command, Event};
use usher_conversation::time::Timestamp;

use crate::admission::Caller;
use crate::error::RuntimeError;
use crate::node::{LOOK_AGAIN_MILLIS, Router};
use crate::outbox::store_pause;

/// Timers read at once.
const BATCH: u32 = 256;
/// How long a timer rests whose session cannot be read: it must not keep the others waiting, and a program that can read the
/// session may come.
const POSTPONED_MILLIS: i64 = 10 * 60 * 1000;
/// Timers fired at one time.
pub(crate) const TIMERS_AT_ONCE: usize = 32;

pub(crate) struct TimerService {
    router: Router,
    stopping: watch::Receiver<bool>,
}

impl TimerService {
    pub(crate) const fn new(router: Router, stopping: watch::Receiver<bool>) -> Self {
        Self { router, stopping }
    }

    /// Runs until the runtime stops.
    pub(crate) async fn run(mut self) {
        let node = Arc::clone(&self.router.node);
        let mut failures = 0;
        while !*self.stopping.borrow() {
            node.timer_bell.listen_to_all();
            let round = AssertUnwindSafe(self.round()).catch_unwind().await;
            let failed = match round {
                Ok(Ok(Round::More)) => continue,
                Ok(Ok(Round::Done { next })) => {
                    failures = 0;
                    let look_again = node.now().plus_millis(LOOK_AGAIN_MILLIS);
                    let until = next.map_or(look_again, |due| due.min(look_again));
                    node.timer_bell.listen_before(until);
                    self.wait(until, true).await;
                    continue;
                }
                Ok(Ok(Round::SomeFailed)) => "some timers could not fire".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_panic) => "the timer service panicked".to_owned(),
            };
            tracing::warn!(reason = failed, "timers wait");
            let again = node.now().plus_millis(store_pause(failures));
            failures += 1;
            self.wait(again, false).await;
        }
    }

    /// Fires one batch of what is due.
    async fn round(&self) -> Result<Round, StoreError> {
        let node = &self.router.node;
        let due = node.ports.timers.due(node.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(Round::Done { next: node.ports.timers.next_due().await? });
        }
        let fired = stream::iter(due).map(|timer| self.fire(timer)).buffer_unordered(TIMERS_AT_ONCE);
        let settled = fired.fold(true, |all, settled| async move { all && settled }).await;
        Ok(if settled { Round::More } else { Round::SomeFailed })
    }

    /// Fires one timer; whether its row is gone now, or due later.
    async fn fire(&self, due: DueTimer) -> bool {
        let DueTimer { org, session, timer, .. } = due;
        let node = &self.router.node;
        let command = Command::Fire { timer: timer.clone() };
        match self.router.handle(Caller::Inside, &org, &session, None, command).await {
            Ok(handled) => {
                let fired = handled.turn.is_some_and(|turn| {
                    turn.events
                        .iter()
                        .any(|event| matches!(event, Event::TimerFired { timer: id } if *id == timer))
                });
                if fired {
                    node.meters.timers_fired.increment(1);
                    return true;
                }
            }
            Err(RuntimeError::UnknownSession) => {}
            Err(error @ (RuntimeError::Failed | RuntimeError::Store(StoreError::Corrupt(_)))) => {
                tracing::error!(%session, %error, "a timer's session is broken; the timer rests");
                let later = node.now().plus_millis(POSTPONED_MILLIS);
                return node.ports.timers.postpone(&timer, later).await.is_ok();
            }
            Err(_later) => return false,
        }
        node.meters.timers_discarded.increment(1);
        node.ports.timers.discard(&timer).await.is_ok()
    }

    async fn wait(&mut self, until: Timestamp, listen: bool) {
        let node = Arc::clone(&self.router.node);
        tokio::select! {
            () = node.ports.alarm.until(until) => {}
            () = node.timer_bell.rung.notified(), if listen => {}
            _ = self.stopping.changed() => {}
        }
    }
}

enum Round {
    /// A batch fired; there may be another.
    More,
    /// Nothing is due before `next`.
    Done { next: Option<Timestamp> },
    /// Some stay due.
    SomeFailed,
}
