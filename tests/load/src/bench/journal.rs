//! P1 and P2: durable appends through the product's store, beside the database's own raw speed.

use anyhow::Result;
use usher_testkit::Database;

use super::Size;
use crate::child::measure;
use crate::reference::pgbench::single_inserts;
use crate::reference::rows::Written;
use crate::report::{Figure, Report};
use crate::stats::{median, number};

/// Rows per second of wall time, and per CPU-second, of several runs.
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
    let (mut single, mut batched) = (Rates::default(), Rates::default());
    for _ in 0..size.rounds {
        single.add(&measure(&["rows", "--seconds", &seconds, "--batch", "1"]).await?);
        batched.add(&measure(&["rows", "--seconds", &seconds, "--batch", "128"]).await?);
    }
    let (one, many) = (median(&single.wall), median(&batched.wall));
    report.add("P1-raw", Figure::rate("raw SQLite, 128 rows per commit against 1", many, one, "rows/s"));
    Ok(())
}

/// P2.
///
/// # Errors
/// When a writer or pgbench fails.
pub async fn postgres(size: Size, report: &mut Report) -> Result<()> {
    let Database::Postgres(database) = Database::fresh_postgres("bench").await? else {
        unreachable!("a fresh PostgreSQL database is one")
    };
    let mut raw = Vec::new();
    for _ in 0..size.rounds {
        raw.push(single_inserts(&database, size.seconds).await?);
    }
    report.add("P2-raw", Figure::alone("pgbench, single inserts, 64 clients", median(&raw), "rows/s"));
    Ok(())
}
