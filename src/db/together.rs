//! Small writes that come at one time share a transaction on SQLite, which has one writer and pays for every commit
//! with a sync. (Turns have a writer of their own, which knows more about them.) PostgreSQL commits side by side.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use sqlx::SqlitePool;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use usher_conversation::id::OrgId;
use usher_conversation::ports::BoxFuture;

use super::{Db, DbError, Engine, Scope, SqliteTx, Tx, dialect};

/// Units of one transaction: the journal's writer waits until they are done.
const TOGETHER: usize = 64;

/// The way to the task that runs them.
pub(super) type Queue = mpsc::Sender<Box<dyn Unit>>;

/// A unit of work and whoever waits for it.
pub(super) trait Unit: Send {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), DbError>>;
    fn answer(self: Box<Self>, outcome: Result<(), DbError>);
}

struct Waiting<W, T> {
    work: W,
    output: Option<T>,
    answer: oneshot::Sender<Result<T, DbError>>,
}

impl<W, T> Unit for Waiting<W, T>
where
    W: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, DbError>> + Send,
    T: Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            // A unit that panics must not take the others with it.
            let done = AssertUnwindSafe((self.work)(tx)).catch_unwind().await;
            self.output = Some(done.unwrap_or(Err(DbError::Stopped))?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), DbError>) {
        let Self { output, answer, .. } = *self;
        // Whoever went away need not be told.
        let _ = answer.send(outcome.and_then(|()| output.ok_or(DbError::Stopped)));
    }
}

impl Db {
    /// Runs a small unit of work to its end, even when the caller goes away, and commits it. It may run twice: when it
    /// shared a transaction with one that failed, it is rolled back and runs again alone.
    pub(crate) async fn write_together<T: Send + 'static>(
        &self,
        org: &OrgId,
        work: impl for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, DbError>> + Send + Sync + 'static,
    ) -> Result<T, DbError> {
        match &self.engine {
            Engine::Sqlite { together, .. } => {
                let (answer, outcome) = oneshot::channel();
                let waiting = Box::new(Waiting { work, output: None, answer });
                together.send(waiting).await.map_err(|_| DbError::Stopped)?;
                outcome.await.map_err(|_| DbError::Stopped)?
            }
            Engine::Postgres(_) => {
                let (db, org) = (self.clone(), org.clone());
                self.detached(async move {
                    let mut tx = db.write(Scope::Org(&org)).await?;
                    let output = work(&mut tx).await?;
                    tx.commit().await?;
                    Ok(output)
                })
                .await
            }
        }
    }
}

/// Starts the task. It ends when the last sender is gone, after everything queued is done.
pub(super) fn start(runtime: &Handle, writer: SqlitePool) -> Queue {
    let (sender, queue) = mpsc::channel(TOGETHER);
    runtime.spawn(run(writer, queue));
    sender
}

async fn run(writer: SqlitePool, mut queue: mpsc::Receiver<Box<dyn Unit>>) {
    let mut units = Vec::new();
    while queue.recv_many(&mut units, TOGETHER).await > 0 {
        match share(&writer, &mut units).await {
            Ok(()) => units.drain(..).for_each(|unit| unit.answer(Ok(()))),
            Err(error) if units.len() == 1 => {
                units.drain(..).zip([error]).for_each(|(unit, error)| unit.answer(Err(error)));
            }
            // What is wrong with one must not hold the others.
            Err(_) => {
                for mut unit in units.drain(..) {
                    let alone = share(&writer, std::slice::from_mut(&mut unit)).await;
                    unit.answer(alone);
                }
            }
        }
    }
}

async fn share(writer: &SqlitePool, units: &mut [Box<dyn Unit>]) -> Result<(), DbError> {
    let mut tx = Tx::Sqlite(SqliteTx::Write(writer.begin_with(dialect::SQLITE_BEGIN).await?));
    for unit in units {
        unit.run(&mut tx).await?;
    }
    tx.commit().await
}
