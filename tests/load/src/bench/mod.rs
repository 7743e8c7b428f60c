//! The benches, one module per question.

pub mod journal;
pub mod page;
pub mod product;
pub mod recovery;
pub mod sockets;
pub mod voice;
pub mod webhook;

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::report::Report;

/// How much work a run is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Interleaved repetitions of product and reference.
    pub rounds: u64,
    /// Length of one timed run.
    pub seconds: u64,
    /// Requests of one saturating run.
    pub requests: u64,
    /// Sessions of the large runs.
    pub sessions: u64,
    /// Telephone calls of the largest run.
    pub calls: u64,
    /// Sessions of the largest run.
    pub most_sessions: u64,
}

impl Size {
    /// To quote.
    pub fn full() -> Self {
        Self {
            rounds: 3,
            seconds: 5,
            requests: 30_000,
            sessions: 10_000,
            calls: 1_000,
            most_sessions: 100_000,
        }
    }

    /// To try the harness.
    pub fn quick() -> Self {
        Self { rounds: 1, seconds: 1, requests: 20_000, sessions: 500, calls: 20, most_sessions: 1_000 }
    }
}

/// A row that has not ended by then never will.
const ROW: Duration = Duration::from_mins(8);

/// Runs the benches named in `only` (all when empty), telling each figure as it comes. A row that fails does not keep the
/// others from being measured; those that failed are the second part of the answer.
pub async fn run(size: Size, only: &[String]) -> (Report, Vec<String>) {
    let (mut report, mut failed, begin) = (Report::default(), Vec::new(), Instant::now());
    let rows = ["P1", "P2", "P12", "P6", "P7", "P8", "P11", "P13", "widget"];
    let wanted = |id: &&str| only.is_empty() || only.iter().any(|name| name.eq_ignore_ascii_case(id));
    let rows: Vec<&str> = rows.into_iter().filter(wanted).collect();
    say(&format!("{} rows, each within {} minutes, most within two", rows.len(), ROW.as_secs() / 60));
    for id in rows {
        say(&format!("{:4} s  measuring {id}", begin.elapsed().as_secs()));
        let mut fresh = Report::default();
        let measured = match tokio::time::timeout(ROW, measure(id, size, &mut fresh)).await {
            Ok(measured) => measured,
            Err(_) => Err(anyhow::anyhow!("it took too long")),
        };
        if let Err(error) = measured {
            say(&format!("{id} failed: {error:#}"));
            failed.push(id.to_owned());
        }
        say(&fresh.table());
        report.absorb(fresh);
    }
    say(&format!("{:4} s  done", begin.elapsed().as_secs()));
    (report, failed)
}

/// Fails when a bench cannot run or an answer is wrong: a wrong answer has no speed.
async fn measure(id: &str, size: Size, report: &mut Report) -> Result<()> {
    match id {
        "P1" => journal::sqlite(size, report).await,
        "P2" => journal::postgres(size, report).await,
        "P12" => journal::activation(size, report).await,
        "P6" => webhook::turns(size, report).await,
        "P7" => webhook::signed_sms(size, report).await,
        "P8" => sockets::idle(size, report).await,
        "P11" => voice::bridge(size, report).await,
        "P13" => recovery::kill(size, report).await,
        _ => page::first_paint(size, report).await,
    }
}

#[expect(clippy::print_stderr, reason = "progress of a run that takes minutes")]
fn say(line: &str) {
    eprintln!("{line}");
}
