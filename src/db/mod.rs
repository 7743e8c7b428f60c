//! The only code that knows an SQL driver.
//!
//! Usher runs on SQLite and PostgreSQL with **one SQL text** for both: statements are declared with
//! [`statements!`](crate::db::statements) (a test prepares every one of them on both engines) and run by
//! `fetch_all!`, `fetch_optional!`, `fetch_one!` and `execute!`, which compile the same text and binds for either
//! driver. What the engines cannot agree on lives in [`dialect`] and nowhere else.
//!
//! A unit of work asks for a [`Tx`] on behalf of a [`Scope`]: one organisation, or the whole installation. On
//! PostgreSQL the scope is what row-level security checks.

pub mod dialect;
mod lookups;
mod open;
mod role;
pub mod schema;
mod statement;
mod together;

use std::future::Future;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, SqlSafeStr as _, SqlStr, Sqlite, SqliteConnection, SqlitePool};
use tokio::runtime::Handle;
use usher_conversation::id::OrgId;
use usher_conversation::ports::StoreError;

pub(crate) use lookups::{Found, Lookups, of_each_org};
pub use open::{Access, DatabaseUrl, OpenError};
pub use role::Unbound;
pub use statement::{MAX_ROWS, Repeated, Statement, batches};
pub(crate) use statement::{execute, fetch_all, fetch_one, fetch_optional, on_tx, statements};

/// A unit of work gets so long. PostgreSQL itself ends a statement sooner, so only silence lasts so long.
const SILENCE: Duration = Duration::from_secs(15);

/// A database that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Down, full, too slow, or refusing.
    #[error("{0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database fell silent. Whether what was asked took effect is unknown.
    #[error("the database did not answer in time")]
    Silent,
    /// The node is stopping.
    #[error("the store is stopping")]
    Stopped,
    /// Something stored cannot be read by this version or with this key.
    #[error("{0}")]
    Corrupt(String),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound => Self::Corrupt(error.to_string()),
            other => Self::Unavailable(other),
        }
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) | DbError::Silent | DbError::Stopped => {
                Self::Unavailable(error.to_string())
            }
            DbError::Corrupt(what) => Self::Corrupt(what),
        }
    }
}

/// On whose behalf a transaction acts.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// One organisation: PostgreSQL shows no row of another one.
    Org(&'a OrgId),
    /// The installation: workers that serve every organisation, and the few look-ups that find out which
    /// organisation something belongs to.
    System,
}

/// The pools of one engine.
#[derive(Debug, Clone)]
enum Engine {
    /// One writer, because SQLite has one; readers that cannot write.
    Sqlite { writer: SqlitePool, readers: SqlitePool, together: together::Queue },
    /// One pool for all.
    Postgres(PgPool),
}

/// The database. Clones share the pools.
#[derive(Debug, Clone)]
pub struct Db {
    engine: Engine,
    runtime: Handle,
    /// Keeps a second process away from a SQLite file until this one closes it or ends.
    lock: Option<std::sync::Arc<std::fs::File>>,
}

/// A connection with a transaction on behalf of a [`Scope`]. Dropped without [`Tx::commit`], it changes nothing.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(SqliteTx),
    /// On PostgreSQL.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// SQLite's side of a [`Tx`].
#[derive(Debug)]
pub enum SqliteTx {
    /// `BEGIN IMMEDIATE` on the one writer.
    Write(sqlx::Transaction<'static, Sqlite>),
    /// A reader; each statement is its own snapshot.
    Read(PoolConnection<Sqlite>),
}

impl SqliteTx {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Write(tx) => tx,
            Self::Read(connection) => connection,
        }
    }
}

impl Tx {
    /// Makes everything done in it durable.
    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(SqliteTx::Write(tx)) => tx.commit().await?,
            Self::Sqlite(SqliteTx::Read(_)) => {}
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Db {
    /// Whether no other process can write as long as this one does not close it.
    pub(crate) const fn is_ours_alone(&self) -> bool {
        self.lock.is_some()
    }

    /// Begins a transaction that may write. Only inside [`Db::detached`].
    pub async fn write(&self, scope: Scope<'_>) -> Result<Tx, DbError> {
        Ok(match &self.engine {
            Engine::Sqlite { writer, .. } => Tx::Sqlite(SqliteTx::Write(begin_writing(writer).await?)),
            Engine::Postgres(pool) => Tx::Postgres(pool.begin_with(dialect::postgres_begin(scope)).await?),
        })
    }

    /// A connection to read from. Only inside [`Db::detached`].
    pub async fn read(&self, scope: Scope<'_>) -> Result<Tx, DbError> {
        Ok(match &self.engine {
            Engine::Sqlite { readers, .. } => Tx::Sqlite(SqliteTx::Read(readers.acquire().await?)),
            Engine::Postgres(pool) => Tx::Postgres(pool.begin_with(dialect::postgres_begin(scope)).await?),
        })
    }

    /// Runs a unit of work to its end even when the caller goes away, on the runtime the store was opened on.
    ///
    /// A `begin()` dropped half-way leaves a pooled PostgreSQL connection inside a transaction (sqlx 0.9), and
    /// pooled connections belong to the runtime that opened them. So callers wait for a task; they never poll a
    /// driver future themselves.
    pub async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        let db = self.clone();
        match self.runtime.spawn(async move { db.in_time(work).await }).await {
            Ok(result) => result,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(DbError::Stopped),
            },
        }
    }

    /// Gives work on a database across a network its time. A server that is cut off without a word would otherwise be
    /// waited for until the system gives the connection up, a quarter of an hour later. Only inside a task that
    /// nobody cancels: what is dropped here is put in order when its connection goes back to the pool.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        match self.engine {
            Engine::Sqlite { .. } => work.await,
            Engine::Postgres(_) => tokio::time::timeout(SILENCE, work).await.unwrap_or(Err(DbError::Silent)),
        }
    }

    /// Starts a background task on the store's runtime.
    pub(crate) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        self.runtime.spawn(work)
    }

    /// Closes every connection once its work is done.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
        if let Some(Err(error)) = self.lock.as_ref().map(|lock| lock.unlock()) {
            tracing::warn!(%error, "the database's lock stays until the process ends");
        }
    }
}

/// Begins on the one writer. When a write fails for want of room, SQLite ends the transaction by itself, and the driver,
/// whose own rollback then fails, believes in it for ever (sqlx 0.9): that connection is given up for a new one.
async fn begin_writing(writer: &SqlitePool) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
    match writer.begin_with(dialect::SQLITE_BEGIN).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            writer.acquire().await?.close().await?;
            writer.begin_with(dialect::SQLITE_BEGIN).await
        }
        begun => begun,
    }
}

/// Every statement whose text does not repeat anything.
fn all_statements() -> Vec<Statement> {
    [
        crate::store::statements().as_slice(),
        crate::tenancy::STATEMENTS,
        crate::catalog::STATEMENTS,
        crate::files::STATEMENTS,
        crate::onboarding::store::STATEMENTS,
        crate::inbound::store::STATEMENTS,
        crate::outbound::store::STATEMENTS,
        crate::projector::store::STATEMENTS,
        crate::voice::store::STATEMENTS,
        crate::voice::outbound::STATEMENTS,
        crate::voice::peers::STATEMENTS,
    ]
    .concat()
}

/// Every text of the program with what declares it, the repeated ones in their smallest sizes and their largest, with
/// numbered placeholders as PostgreSQL wants them or without as SQLite does.
pub fn all_texts(numbered: bool) -> Vec<(&'static str, SqlStr)> {
    let fixed =
        all_statements().into_iter().map(|statement| (statement.name, statement.sql().into_sql_str()));
    let repeated = crate::store::REPEATED
        .iter()
        .chain(&crate::store::READING)
        .chain(&crate::onboarding::store::REPEATED)
        .chain(&crate::projector::store::REPEATED);
    fixed
        .chain(repeated.flat_map(|statement| {
            [1, 2, MAX_ROWS].map(|count| (statement.name, statement.written(numbered, count).into_sql_str()))
        }))
        .collect()
}
