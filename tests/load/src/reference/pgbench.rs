//! PostgreSQL's own load generator: one row per transaction, 64 clients.

use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::NamedTempFile;
use tokio::process::Command;
use url::Url;

/// The table has what the journal must have: its key, the dedup key, the body.
const TABLE: &str = "CREATE TABLE raw_journal (session_id TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, \
    dedup TEXT UNIQUE, body BYTEA NOT NULL, PRIMARY KEY (session_id, seq))";

/// No colon in a literal: pgbench takes what follows one for a variable.
const INSERT: &str = r"\set session random(1, 256)
\set number random(1, 9000000000000000)
INSERT INTO raw_journal (session_id, seq, at, dedup, body) VALUES ('ses_' || :session, :number, 1700000000000,
  'twilio-SM' || :number, decode(repeat('07', 320), 'hex'));
";

/// Rows per second of wall time.
///
/// # Errors
/// When pgbench is missing or fails.
pub async fn single_inserts(database: &Url, seconds: u64) -> Result<f64> {
    let mut connection = PgConnection::connect(database.as_str()).await?;
    connection.execute("DROP TABLE IF EXISTS raw_journal").await?;
    connection.execute(TABLE).await?;
    connection.close().await?;
    let mut script = NamedTempFile::new()?;
    script.write_all(INSERT.as_bytes())?;
    let program = std::env::var_os("PGBENCH").unwrap_or_else(|| "pgbench".into());
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol=prepared", "--client=64", "--jobs=2"])
        .arg(format!("--time={seconds}"))
        .arg(format!("--file={}", script.path().display()))
        .arg(database.as_str())
        .output()
        .await
        .context("pgbench starts")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench: {said}{}", String::from_utf8_lossy(&output.stderr));
    parse_rate(&said).with_context(|| format!("pgbench says its rate: {said}"))
}

fn parse_rate(said: &str) -> Option<f64> {
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    rate.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let said = "latency average = 2.6 ms\ntps = 24017.312 (without initial connection time)\n";
        assert_eq!(parse_rate(said), Some(24017.312));
    }
}
