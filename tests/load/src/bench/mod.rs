//! The benches, one module per question.

pub mod journal;
pub mod page;
pub mod product;
pub mod recovery;
pub mod sockets;
pub mod webhook;

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
    /// Sessions of the largest run.
    pub most_sessions: u64,
}

impl Size {
    /// To quote.
    pub fn full() -> Self {
        Self { rounds: 3, seconds: 5, requests: 30_000, sessions: 10_000, most_sessions: 100_000 }
    }

    /// To try the harness.
    pub fn quick() -> Self {
        Self { rounds: 1, seconds: 1, requests: 2_000, sessions: 500, most_sessions: 1_000 }
    }
}

/// Runs the benches named in `only` (all when empty) and collects their figures.
///
/// # Errors
/// When a bench cannot run or an answer is wrong: a wrong answer has no speed.
pub async fn run(size: Size, only: &[String]) -> Result<Report> {
    let mut report = Report::default();
    let wanted = |id: &str| {
        let wanted = only.is_empty() || only.iter().any(|name| name.eq_ignore_ascii_case(id));
        if wanted {
            say(id);
        }
        wanted
    };
    if wanted("P1") {
        journal::sqlite(size, &mut report).await.context("P1")?;
    }
    if wanted("P2") {
        journal::postgres(size, &mut report).await.context("P2")?;
    }
    if wanted("P12") {
        journal::activation(size, &mut report).await.context("P12")?;
    }
    if wanted("P6") {
        webhook::turns(size, &mut report).await.context("P6")?;
    }
    if wanted("P7") {
        webhook::signed_sms(size, &mut report).await.context("P7")?;
    }
    if wanted("P8") {
        sockets::idle(size, &mut report).await.context("P8")?;
    }
    if wanted("P13") {
        recovery::kill(size, &mut report).await.context("P13")?;
    }
    if wanted("widget") {
        page::first_paint(size, &mut report).await.context("widget")?;
    }
    Ok(report)
}

#[expect(clippy::print_stderr, reason = "progress of a run that takes minutes")]
fn say(id: &str) {
    eprintln!("measuring {id}");
}
