//! P1, P2 and P12: the product's store, beside the database's own raw speed.

use anyhow::{Result, bail};
use usher_testkit::Database;

use super::Size;
use crate::child::measure;
use crate::reference::pgbench::single_inserts;
use crate::reference::rows::Written;
use crate::report::{Figure, Report};
use crate::stats::{median, number};
use crate::worker::Activated;

/// Conversations that write at the same time.
const SESSIONS: &str = "256";

/// Rows per second of wall time and per CPU-second, of several runs.
#[derive(Debug, Default)]
struct Rates {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    p99: Vec<f64>,
}

impl Rates {
    fn add(&mut self, written: &Written) {
        self.wall.push(number(written.rows) / written.seconds);
        self.cpu.push(number(written.rows) / written.cpu_seconds);
        self.p99.push(written.p99_ms);
    }
}

/// P1.
///
/// # Errors
/// When a writer fails.
pub async fn sqlite(size: Size, report: &mut Report) -> Result<()> {
    let seconds = size.seconds.to_string();
    let (mut single, mut batched, mut ours) = (Rates::default(), Rates::default(), Rates::default());
    for _ in 0..size.rounds {
        single.add(&measure(&["rows", "--seconds", &seconds, "--batch", "1"]).await?);
        ours.add(&measure(&["append", "--seconds", &seconds, "--sessions", SESSIONS]).await?);
        batched.add(&measure(&["rows", "--seconds", &seconds, "--batch", "128"]).await?);
    }
    let (value, many) = (median(&ours.wall), median(&batched.wall));
    report.add(
        "P1",
        Figure::rate("durable appends, SQLite FULL, 256 sessions", value, median(&single.wall), "rows/s")
            .bounds(6.0, 12.0)
            .with("p99 of an acknowledgement in ms (goal 20)", median(&ours.p99))
            .with("rows per CPU-second", median(&ours.cpu))
            .with("rows per CPU-second, raw single", median(&single.cpu))
            .with("raw, 128 rows per commit, rows/s", many)
            .with("of raw batched (goal 0.75)", value / many),
    );
    Ok(())
}

/// P2.
///
/// # Errors
/// When a writer or pgbench fails.
pub async fn postgres(size: Size, report: &mut Report) -> Result<()> {
    let seconds = size.seconds.to_string();
    let (mut raw, mut ours) = (Vec::new(), Rates::default());
    for _ in 0..size.rounds {
        let Database::Postgres(database) = Database::fresh_postgres("bench").await? else {
            bail!("a fresh PostgreSQL database is one")
        };
        raw.push(single_inserts(&database, size.seconds).await?);
        let url = database.as_str();
        let arguments = ["append", "--seconds", &seconds, "--sessions", SESSIONS, "--database-url", url];
        ours.add(&measure(&arguments).await?);
    }
    report.add(
        "P2",
        Figure::rate("durable appends, PostgreSQL, 256 sessions", median(&ours.wall), median(&raw), "rows/s")
            .bounds(1.0, 4.0)
            .with("p99 of an acknowledgement in ms", median(&ours.p99))
            .with("rows per CPU-second of the store's process", median(&ours.cpu)),
    );
    Ok(())
}

/// P12.
///
/// # Errors
/// When the store fails.
pub async fn activation(size: Size, report: &mut Report) -> Result<()> {
    let sessions = (size.sessions / 10).to_string();
    let (mut ours, mut raw, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let activated: Activated = measure(&["activate", "--sessions", &sessions, "--turns", "100"]).await?;
        ours.push(activated.activations);
        raw.push(activated.selects);
        p99.push(activated.p99_ms);
    }
    report.add(
        "P12",
        Figure::rate("cold activation of 100 turns", median(&ours), median(&raw), "sessions/s")
            .bounds(0.3, 0.7)
            .with("p99 in ms (goal 5)", median(&p99)),
    );
    Ok(())
}
