//! Opening a database: pools, settings, and the refusals that keep data safe.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::runtime::Handle;

use super::{Db, DbError, Engine, dialect, together};

/// How long a caller waits for a connection before the store counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite readers: a thread each.
const SQLITE_READERS: u32 = 4;
/// PostgreSQL connections of one node.
const POSTGRES_CONNECTIONS: u32 = 16;
/// A PostgreSQL connection that rested longer is asked whether it lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Write-ahead log pages between checkpoints (64 MiB). A commit seldom pays for one, and a page that is written again and
/// again, as the ends of tables and indexes are, goes into the database file once.
const WAL_PAGES: &str = "16000";
/// KiB of pages the SQLite writer keeps (negative: not a number of pages). It touches pages all over the journal's
/// indexes; with SQLite's own 2 MiB it reads most of them again.
const PAGE_CACHE: &str = "-8192";
/// Drivers keep this many prepared texts per connection: all of ours.
const STATEMENT_CACHE: usize = 512;

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `postgres://…`, which may hold a password.
    Postgres(SecretString),
}

impl FromStr for DatabaseUrl {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() { Err(OpenError::Url) } else { Ok(Self::Sqlite(path.into())) }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.into()))
        } else {
            Err(OpenError::Url)
        }
    }
}

/// What a process wants from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Serve: read and write, alone when it is SQLite.
    Own,
    /// Look only, also beside a process that serves.
    Look,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not an address we know.
    #[error("the database URL must be sqlite:PATH or postgres://…")]
    Url,
    /// Another process serves from this file.
    #[error("another process is using the database {}", .0.display())]
    InUse(PathBuf),
    /// Nothing to look at.
    #[error("there is no database {}; `usher serve` or `usher migrate` makes it", .0.display())]
    Missing(PathBuf),
    /// SQLite is too old to be trusted with data.
    #[error("SQLite {found} has a bug that can corrupt data; {}.{}.{} or newer is needed",
        dialect::SQLITE_MINIMUM.0, dialect::SQLITE_MINIMUM.1, dialect::SQLITE_MINIMUM.2)]
    OldSqlite {
        /// The version that is linked.
        found: String,
    },
    /// The schema is newer than this program, or was changed by hand.
    #[error("the database schema does not fit this version of Usher: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// The master key is missing, unreadable or not a key.
    #[error("{0}")]
    MasterKey(#[from] crate::crypto::MasterKeyError),
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] sqlx::Error),
    /// What the last process left could not be put in order.
    #[error("the database cannot be used: {0}")]
    Recovery(#[from] DbError),
}

impl Db {
    /// Opens the pools and checks that it is safe to use them. The schema is not touched.
    pub async fn open(url: &DatabaseUrl, access: Access) -> Result<Self, OpenError> {
        match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, access).await,
            DatabaseUrl::Postgres(url) => open_postgres(url, access).await,
        }
    }
}

async fn open_sqlite(path: &Path, access: Access) -> Result<Db, OpenError> {
    if access == Access::Look && !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let lock = if access == Access::Own { Some(Arc::new(lock_file(path)?)) } else { None };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(access == Access::Own)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE_TIMEOUT)
        .statement_cache_capacity(STATEMENT_CACHE)
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .pragma("temp_store", "memory")
        // What an erased person said must not live on in free pages.
        .pragma("secure_delete", "on")
        .disable_statement_logging();
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writable =
        if access == Access::Own { options.clone() } else { options.clone().pragma("query_only", "on") };
    let writer = pool()
        .max_connections(1)
        .after_release(|connection, _| Box::pin(is_at_rest(connection)))
        .connect_with(writable.pragma("cache_size", PAGE_CACHE))
        .await?;
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await?;
    if !is_safe_sqlite(&found) {
        return Err(OpenError::OldSqlite { found });
    }
    let readers =
        pool().max_connections(SQLITE_READERS).connect_with(options.pragma("query_only", "on")).await?;
    let runtime = Handle::current();
    let together = together::start(&runtime, writer.clone());
    Ok(Db { engine: Engine::Sqlite { writer, readers, together }, runtime, lock })
}

/// SQLite ends a transaction by itself when the disk is full. The driver's own ROLLBACK fails then, and sqlx 0.9 counts
/// the transaction as open for ever: such a connection is closed, and the pool opens another.
async fn is_at_rest(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    if connection.is_in_transaction() {
        // The rollback of a dropped transaction may still be on its way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// The operating system frees the lock when the process ends, however it ends.
fn lock_file(database: &Path) -> Result<std::fs::File, OpenError> {
    let path = database.with_added_extension("lock");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

fn is_safe_sqlite(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= dialect::SQLITE_MINIMUM
}

async fn open_postgres(url: &SecretString, access: Access) -> Result<Db, OpenError> {
    let mut settings = vec![
        ("application_name", "usher"),
        // ROLLBACK outside a transaction is our habit, not news.
        ("client_min_messages", "error"),
        ("statement_timeout", "10s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("tcp_user_timeout", "10s"),
        // Short statements: compiling them costs more than running them.
        ("jit", "off"),
    ];
    if access == Access::Look {
        settings.push(("default_transaction_read_only", "on"));
    }
    let options = url
        .expose_secret()
        .parse::<PgConnectOptions>()?
        .options(settings)
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.execute("SELECT 1").await?;
                }
                Ok(true)
            })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                let cleaned = connection.execute(dialect::POSTGRES_AFTER_RELEASE);
                // A connection that fell silent must not keep its place in the pool for ever.
                let in_time = tokio::time::timeout(ACQUIRE_TIMEOUT, cleaned).await;
                in_time.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
                Ok(true)
            })
        })
        .connect_with(options.clone())
        .await;
    let pool = match pool {
        // The pool tried until its time was up and does not tell what stood in its way.
        Err(sqlx::Error::PoolTimedOut) => {
            let reason = options.connect().await.err().unwrap_or(sqlx::Error::PoolTimedOut);
            return Err(reason.into());
        }
        pool => pool?,
    };
    Ok(Db { engine: Engine::Postgres(pool), runtime: Handle::current(), lock: None })
}

#[cfg(test)]
mod tests {
    use super::is_safe_sqlite;

    #[test]
    fn versions_with_the_write_ahead_log_bug_are_refused() {
        assert!(!is_safe_sqlite("3.51.2"));
        assert!(!is_safe_sqlite("3.7.17"));
        assert!(is_safe_sqlite("3.51.3"));
        assert!(is_safe_sqlite("4.0.0"));
    }
}
