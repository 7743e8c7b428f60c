//! P13: kill -9 with many sessions; how long until the last of them has answered again.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use super::Size;
use super::product::{CONNECTIONS, Product};
use crate::drive::{Requests, saturate};
use crate::http::get;
use crate::report::{Figure, Report};
use crate::stats::{median, number};

/// Requests for the whole state of every session, each once.
fn views(port: u16, sessions: Vec<String>) -> Requests {
    Arc::new(move |number| {
        let at = usize::try_from(number).unwrap_or(0) % sessions.len();
        get(port, &format!("/api/widget/session/{}", sessions[at]))
    })
}

/// Kills, restarts and asks everyone.
///
/// # Errors
/// When a session does not answer.
pub async fn kill(size: Size, report: &mut Report) -> Result<()> {
    let mut product = Product::start().await?;
    product.grow(size.sessions).await?;
    let views = views(product.port, product.sessions().await?);
    let (mut until_ready, mut until_all) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        // All awake before the blow, as in life.
        saturate(product.port, CONNECTIONS, 0, size.sessions, Arc::clone(&views)).await?;
        product.server.kill().await?;
        let begin = Instant::now();
        product.server.restart().await?;
        until_ready.push(begin.elapsed().as_secs_f64());
        saturate(product.port, CONNECTIONS, 0, size.sessions, Arc::clone(&views)).await?;
        until_all.push(begin.elapsed().as_secs_f64());
    }
    report.add(
        "P13",
        Figure::alone("kill -9 until every session has answered (less is better)", median(&until_all), "s")
            .bounds(5.0, 1.0)
            .with("sessions", number(size.sessions))
            .with("seconds until ready", median(&until_ready)),
    );
    product.server.kill().await
}
