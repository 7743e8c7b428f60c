//! P1 and P2: durable appends through the product's store, beside the database's own raw speed.

use anyhow::Result;

use super::Size;
use crate::child::measure;
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
