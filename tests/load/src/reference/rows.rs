//! Raw durable inserts: what the database itself gives, one row per commit and in batches.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Executor, QueryBuilder, Sqlite, SqliteConnection};

use crate::process::cpu_seconds;

/// As large as the sealed body of an ordinary turn.
const BODY: usize = 320;

/// The table has what the journal must have: its key, the dedup key, the body.
const TABLE: &str = "CREATE TABLE journal (session_id TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, \
    dedup TEXT UNIQUE, body BLOB NOT NULL, PRIMARY KEY (session_id, seq)) WITHOUT ROWID";

/// What a durable writer did.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Written {
    /// Rows made durable.
    pub rows: u64,
    /// Wall time.
    pub seconds: f64,
    /// CPU time of the whole process.
    pub cpu_seconds: f64,
    /// The slowest acknowledgement of the fastest 99 %, in milliseconds; zero where nobody waits for one row.
    pub p99_ms: f64,
}

/// Inserts for `seconds`, `batch` rows per commit.
///
/// # Errors
/// When the database fails.
pub async fn sqlite(folder: &Path, seconds: u64, batch: u64) -> Result<Written> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("raw.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    connection.execute(TABLE).await?;
    let (begin, cpu) = (Instant::now(), cpu_seconds(std::process::id())?);
    let body = vec![7_u8; BODY];
    let mut rows = 0_u64;
    while begin.elapsed() < Duration::from_secs(seconds) {
        let mut insert =
            QueryBuilder::<Sqlite>::new("INSERT INTO journal (session_id, seq, at, dedup, body) ");
        insert.push_values(rows..rows + batch, |mut row, number| {
            row.push_bind(format!("ses_{:036}", number % 256))
                .push_bind(i64::try_from(number).unwrap_or(i64::MAX))
                .push_bind(1_700_000_000_000_i64)
                .push_bind(format!("twilio:SM{number:032x}"))
                .push_bind(&body[..]);
        });
        insert.build().execute(&mut connection).await?;
        rows += batch;
    }
    Ok(Written {
        rows,
        seconds: begin.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(std::process::id())? - cpu,
        p99_ms: 0.0,
    })
}
