//! The front door. A [`Runtime`] is a cheap handle, usable from any thread and any tokio runtime.
//!
//! Sessions live on dedicated arbiter threads, apart from HTTP workers; the relay, the channel actors and the timers
//! share one more thread, which also owns the arbiters.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use actix::Addr;
use actix_rt::{Arbiter, System};
use futures_util::future::{join_all, try_join_all};
use tokio::sync::{oneshot, watch};
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::session::Command;

use crate::admission::Caller;
use crate::config::{Ports, RuntimeConfig};
use crate::error::RuntimeError;
use crate::hub::Subscription;
use crate::mailbox::{Request, post};
use crate::node::{Node, Router};
use crate::outbox::Relay;
use crate::owner::{Current, Handled};
use crate::registry::{CloseTopics, Registry, Sweep};
use crate::timers::TimerService;

/// A running runtime. When the last handle is dropped its threads stop at once, as in a crash; see [`Runtime::drain`].
#[derive(Clone)]
pub struct Runtime {
    router: Router,
    services: Arc<Services>,
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Sessions in memory.
    pub active_sessions: usize,
    /// Requests that wait or are being carried out.
    pub waiting: usize,
    /// Messages claimed and not yet settled.
    pub sends_in_flight: usize,
    /// Watchers.
    pub watchers: usize,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything that was queued is done.
    Clean,
    /// The deadline came first; what was left is durable or was never acknowledged.
    Deadline,
}

struct Services {
    stopping: watch::Sender<bool>,
    /// Ends the service thread, which ends the arbiters; dropping it does too.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    ended: watch::Receiver<Phase>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    ServicesDone,
    ThreadsDone,
}

impl Runtime {
    /// Starts the threads, the registries, the relay and the timers.
    pub fn start(config: RuntimeConfig, ports: Ports) -> io::Result<Self> {
        let arbiters = match config.arbiters {
            Some(arbiters) => arbiters.get(),
            None => thread::available_parallelism().map_or(2, usize::from),
        };
        let node = Arc::new(Node::new(config, ports));
        let (stopping, stopped) = watch::channel(false);
        let (stop, on_stop) = oneshot::channel();
        let (phase, ended) = watch::channel(Phase::Running);
        let (ready, on_ready) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new().name("usher-actors".to_owned()).spawn(move || {
            System::new().block_on(async move {
                let arbiters: Vec<_> = (0..arbiters).map(|_| Arbiter::new()).collect();
                let Ok(registries) = start_registries(&node, &arbiters).await else { return };
                let router = Router { node, registries };
                let services = [
                    actix_rt::spawn(Relay::new(router.clone(), stopped.clone()).run()),
                    actix_rt::spawn(TimerService::new(router.clone(), stopped).run()),
                ];
                drop(ready.send(router));
                let finish = async {
                    join_all(services).await;
                    phase.send_replace(Phase::ServicesDone);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    _ = on_stop => {}
                    () = finish => {}
                }
                for arbiter in &arbiters {
                    arbiter.stop();
                }
                for arbiter in arbiters {
                    drop(arbiter.join());
                }
                phase.send_replace(Phase::ThreadsDone);
            });
        })?;
        let router =
            on_ready.recv().map_err(|_| io::Error::other("the actor threads could not be started"))?;
        let services = Services { stopping, stop: Mutex::new(Some(stop)), ended };
        Ok(Self { router, services: Arc::new(services) })
    }

    /// Carries out a command and answers once its turn is durable. From the first poll on it is carried out even when the
    /// caller stops waiting. With a `dedup` key it takes effect once, and every repeat gets the first answer.
    pub async fn handle(
        &self,
        org: &OrgId,
        session: &SessionId,
        dedup: Option<String>,
        command: Command,
    ) -> Result<Handled, RuntimeError> {
        self.router.handle(Caller::Outside, org, session, dedup, command).await
    }

    /// The session as its owner sees it, after everything that was queued before.
    pub async fn read(&self, org: &OrgId, session: &SessionId) -> Result<Current, RuntimeError> {
        self.router.ask(Caller::Outside, org, session, |reply| Request::Read { reply }).await
    }

    /// Every turn after `since`, in order and without a gap: first what the journal has, then live.
    pub async fn subscribe(
        &self,
        org: &OrgId,
        session: &SessionId,
        since: u64,
    ) -> Result<Subscription, RuntimeError> {
        let watch = |reply| Request::Watch { since, reply };
        let joined = self.router.ask(Caller::Outside, org, session, watch).await?;
        Ok(Subscription::open(org.clone(), joined, since).await?)
    }

    /// Lets idle sessions leave memory now (they do by themselves, too). Answers how many left.
    pub async fn sweep(&self) -> usize {
        let asked = self.router.registries.iter().filter_map(|registry| {
            let (reply, answer) = oneshot::channel();
            post(registry, Sweep(reply)).is_ok().then_some(answer)
        });
        join_all(asked).await.into_iter().filter_map(Result::ok).sum()
    }

    /// What is going on.
    pub fn stats(&self) -> Stats {
        let node = &self.router.node;
        Stats {
            active_sessions: node.active.load(Ordering::Relaxed),
            waiting: node.admission.waiting(),
            sends_in_flight: node.in_flight.load(Ordering::Relaxed),
            watchers: node.watchers.load(Ordering::Relaxed),
        }
    }

    /// Stops gracefully: new requests are refused, what is queued is finished, sends that began are settled, watchers are
    /// told, threads end. Past `deadline` the rest is dropped as a crash would drop it, which loses nothing that
    /// was acknowledged.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        self.router.node.admission.close();
        self.services.stopping.send_replace(true);
        let mut ended = self.services.ended.clone();
        let finished = tokio::time::timeout(deadline, async {
            // The services report to sessions while they finish, so the queues are empty only after they ended.
            drop(ended.wait_for(|phase| *phase >= Phase::ServicesDone).await);
            self.router.node.admission.emptied().await;
        })
        .await;
        self.close_watchers().await;
        self.services.stop();
        drop(ended.wait_for(|phase| *phase == Phase::ThreadsDone).await);
        if finished.is_ok() { Drained::Clean } else { Drained::Deadline }
    }

    async fn close_watchers(&self) {
        let asked = self.router.registries.iter().filter_map(|registry| {
            let (reply, answer) = oneshot::channel();
            post(registry, CloseTopics(reply)).is_ok().then_some(answer)
        });
        join_all(asked).await;
    }
}

impl Services {
    fn stop(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// One registry on each arbiter.
async fn start_registries(
    node: &Arc<Node>,
    arbiters: &[Arbiter],
) -> Result<Arc<[Addr<Registry>]>, oneshot::error::RecvError> {
    let count = arbiters.len();
    let started = arbiters.iter().map(|arbiter| {
        let node = Arc::clone(node);
        let (address, started) = oneshot::channel();
        arbiter.spawn_fn(move || drop(address.send(Registry::start(node, count))));
        started
    });
    Ok(try_join_all(started).await?.into())
}
