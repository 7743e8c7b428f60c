//! The benches, one module per question.

pub mod journal;
pub mod page;
pub mod product;
pub mod recovery;
pub mod sockets;
pub mod voice;
pub mod webhook;

use std::time::Instant;

use anyhow::{Context, Result};

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
        Self { rounds: 1, seconds: 1, requests: 2_000, sessions: 500, calls: 20, most_sessions: 1_000 }
    }
}

/// Runs the benches named in `only` (all when empty) and collects their figures, telling each as it comes.
///
/// # Errors
/// When a bench cannot run or an answer is wrong: a wrong answer has no speed.
pub async fn run(size: Size, only: &[String]) -> Result<Report> {
    let (mut report, begin) = (Report::default(), Instant::now());
    for id in ["P1", "P2", "P12", "P6", "P7", "P8", "P11", "P13", "widget"] {
        if !only.is_empty() && !only.iter().any(|name| name.eq_ignore_ascii_case(id)) {
            continue;
        }
        say(&format!("{:4} s  measuring {id}", begin.elapsed().as_secs()));
        let mut fresh = Report::default();
        let measured = match id {
            "P1" => journal::sqlite(size, &mut fresh).await,
            "P2" => journal::postgres(size, &mut fresh).await,
            "P12" => journal::activation(size, &mut fresh).await,
            "P6" => webhook::turns(size, &mut fresh).await,
            "P7" => webhook::signed_sms(size, &mut fresh).await,
            "P8" => sockets::idle(size, &mut fresh).await,
            "P11" => voice::bridge(size, &mut fresh).await,
            "P13" => recovery::kill(size, &mut fresh).await,
            _ => page::first_paint(size, &mut fresh).await,
        };
        measured.with_context(|| id.to_owned())?;
        say(&fresh.table());
        report.absorb(fresh);
    }
    Ok(report)
}

#[expect(clippy::print_stderr, reason = "progress of a run that takes minutes")]
fn say(line: &str) {
    eprintln!("{line}");
}
