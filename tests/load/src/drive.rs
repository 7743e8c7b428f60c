//! Two ways to load a server: as fast as it answers, and at a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::http::Connection;
use crate::stats::{number, quantile};

/// The bytes of the n-th request.
pub type Requests = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// What a run showed.
#[derive(Debug, Clone)]
pub struct Run {
    /// Requests answered with 2xx; anything else fails the run.
    pub answered: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Of every request, in milliseconds.
    pub latencies: Vec<f64>,
}

impl Run {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        number(self.answered) / self.seconds
    }

    /// The slowest answer of the fastest 99 %.
    pub fn p99(&self) -> f64 {
        quantile(&self.latencies, 0.99)
    }
}

/// Requests `first..first + count` over `connections`, each asking again as soon as it has its answer.
///
/// # Errors
/// When an answer is not 2xx or a connection ends.
pub async fn saturate(
    port: u16,
    connections: u64,
    first: u64,
    count: u64,
    requests: Requests,
) -> Result<Run> {
    let next = Arc::new(AtomicU64::new(first));
    let begin = Instant::now();
    let mut strands = JoinSet::new();
    for _ in 0..connections {
        let (next, requests) = (Arc::clone(&next), Arc::clone(&requests));
        let mut connection = Connection::open(port).await?;
        strands.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= first + count {
                    return Ok(latencies);
                }
                let request = requests(number);
                let asked = Instant::now();
                let status = connection.ask(&request).await?;
                ensure!((200..300).contains(&status), "request {number} was answered {status}");
                latencies.push(millis(asked.elapsed()));
            }
        });
    }
    gather(strands, begin).await
}

/// `per_second` requests for `seconds`, each at its own instant. A late answer delays nobody but its connection's
/// next request, and that delay is counted in the latency.
///
/// # Errors
/// When an answer is not 2xx or a connection ends.
pub async fn pace(
    port: u16,
    connections: u64,
    first: u64,
    per_second: u64,
    seconds: u64,
    requests: Requests,
) -> Result<Run> {
    let total = per_second * seconds;
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(port).await?);
    }
    let begin = Instant::now();
    let mut strands = JoinSet::new();
    for (strand, mut connection) in (0..connections).zip(opened) {
        let requests = Arc::clone(&requests);
        strands.spawn(async move {
            let mut latencies = Vec::new();
            let mut turn = strand;
            while turn < total {
                let request = requests(first + turn);
                let due = begin + Duration::from_nanos(turn * 1_000_000_000 / per_second);
                sleep_until(due).await;
                let status = connection.ask(&request).await?;
                ensure!((200..300).contains(&status), "request {} was answered {status}", first + turn);
                latencies.push(millis(due.elapsed()));
                turn += connections;
            }
            Ok(latencies)
        });
    }
    gather(strands, begin).await
}

async fn gather(mut strands: JoinSet<Result<Vec<f64>>>, begin: Instant) -> Result<Run> {
    let mut latencies = Vec::new();
    while let Some(strand) = strands.join_next().await {
        latencies.extend(strand??);
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Run { answered: u64::try_from(latencies.len())?, seconds, latencies })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
