//! Follows the journal and keeps the read model up to date: the rows that pages and search read.
//!
//! The writer tells it every commit with the states that the session actors hold, so a turn is normally projected
//! without being read again; what it was not told (a crash, another node) it finds in the journal.
//!
//! The read model is a copy. It lags a moment behind the journal, a reader who needs a certain turn asks for it with
//! [`Store::catch_up`], and it can be thrown away and made again with [`Store::rebuild`].

mod news;
pub(crate) mod store;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use usher_conversation::ports::StoreError;

use crate::store::{Committed, Store};

use self::news::News;

/// Turns that are committed within this time are projected together: of a session that goes on talking, the last state
/// is written and not each.
const PACE: Duration = Duration::from_millis(200);
/// How often the projector goes back to its watermark, for turns that another node committed late.
const SWEEP: Duration = Duration::from_secs(5);

/// The background task that follows the journal.
#[derive(Debug)]
pub struct Projector {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Projector {
    /// Starts to follow, from where the last one stopped.
    pub fn start(store: Store) -> Self {
        let (stop, stopped) = oneshot::channel();
        let db = store.db().clone();
        let task = db.spawn(follow(store, stopped));
        Self { stop, task }
    }

    /// Projects what is committed by now, and ends.
    pub async fn stop(self) {
        // A task that has ended needs no telling.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the projector failed");
        }
    }
}

async fn follow(store: Store, mut stopped: oneshot::Receiver<()>) {
    let mut commits = store.commits();
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut swept = 0;
    loop {
        let outcome = tokio::select! {
            _ = &mut stopped => break,
            // The first tick comes at once: what a crash left behind is caught up on start.
            _ = sweep.tick() => go_over(&store, &mut commits, &mut swept).await,
            commit = commits.recv() => match commit {
                Ok(commit) => {
                    tokio::time::sleep(PACE).await;
                    store.project_news(gather(Some(commit), &mut commits)).await
                }
                // Too far behind to be told: the journal has it all.
                Err(RecvError::Lagged(_)) => go_over(&store, &mut commits, &mut swept).await,
                Err(RecvError::Closed) => break,
            },
        };
        outcome.unwrap_or_else(|error| stays_behind(&error));
    }
    go_over(&store, &mut commits, &mut swept).await.unwrap_or_else(|error| stays_behind(&error));
}

/// Writes what was told by now, and reads from the journal only what is left of it: a turn that is still on its way to us
/// must not be found there first, nor be told again after it.
async fn go_over(
    store: &Store,
    commits: &mut broadcast::Receiver<Arc<[Committed]>>,
    swept: &mut i64,
) -> Result<(), StoreError> {
    let head = store.head().await?;
    let told = store.project_news(gather(None, commits)).await;
    told.and(store.sweep(*swept, head).await)?;
    *swept = head;
    Ok(())
}

/// Everything that was told by now.
fn gather(first: Option<Arc<[Committed]>>, commits: &mut broadcast::Receiver<Arc<[Committed]>>) -> News {
    let mut news = News::default();
    let told = first.into_iter().chain(std::iter::from_fn(|| commits.try_recv().ok()));
    told.for_each(|commit| news.add(&commit));
    news
}

fn stays_behind(error: &StoreError) {
    tracing::warn!(%error, "the read model stays behind for now");
}
