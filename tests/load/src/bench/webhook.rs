//! P6 and P7: turns over HTTP, by signed SMS webhook and by widget request; beside a raw actix hello world.

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use super::Size;
use super::product::{CONNECTIONS, Product};
use crate::child::Serving;
use crate::drive::{Requests, pace, saturate};
use crate::http::{get, post};
use crate::report::{Figure, Report};
use crate::stats::{median, number};

/// The rate at which the latency is quoted.
const STEADY: u64 = 2_000;
/// Sessions of P7 itself.
const USUAL: u64 = 100;

/// P7, and how it changes with the number of sessions.
///
/// # Errors
/// When either side gives a wrong answer.
pub async fn signed_sms(size: Size, report: &mut Report) -> Result<()> {
    let hello = Serving::reference("hello").await?;
    let hello_port = hello.port;
    let hellos: Requests = Arc::new(move |_| get(hello_port, "/"));
    let mut product = Product::start().await?;
    product.grow(USUAL).await?;

    let (mut ours, mut raw, mut wall) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let cpu = hello.cpu_seconds()?;
        let run = saturate(hello.port, CONNECTIONS, 0, size.requests * 4, Arc::clone(&hellos)).await?;
        raw.push(number(run.answered) / (hello.cpu_seconds()? - cpu));
        let (per_cpu_second, per_second) = texts(&mut product, size.requests).await?;
        ours.push(per_cpu_second);
        wall.push(per_second);
    }
    let (first, requests) = product.texts(STEADY * size.seconds);
    let steady = pace(product.port, CONNECTIONS, first, STEADY, size.seconds, requests).await?;
    report.add(
        "P7",
        Figure::rate(
            "signed SMS webhook, durable, 100 sessions",
            median(&ours),
            median(&raw),
            "per CPU-second",
        )
        .bounds(0.05, 0.12)
        .with("requests per second of wall time", median(&wall))
        .with("p99 in ms at 2,000 per second (goal 50)", steady.p99()),
    );
    for sessions in [1_000, 10_000, 100_000].into_iter().filter(|count| *count <= size.most_sessions) {
        product.grow(sessions).await?;
        let (per_cpu_second, per_second) = texts(&mut product, size.requests).await?;
        report.add(
            format!("P7-{sessions}"),
            Figure::rate("the same with more sessions", per_cpu_second, median(&raw), "per CPU-second")
                .with("requests per second of wall time", per_second),
        );
    }
    product.server.kill().await
}

/// Answered texts per CPU-second of the server, and per second.
async fn texts(product: &mut Product, count: u64) -> Result<(f64, f64)> {
    let (first, requests) = product.texts(count);
    let cpu = product.cpu_seconds()?;
    let run = saturate(product.port, CONNECTIONS, first, count, requests).await?;
    Ok((number(run.answered) / (product.cpu_seconds()? - cpu), run.rate()))
}

/// P6's reference is another product: a Node bot framework that keeps its sessions in memory made 1,600 turns per
/// CPU-second where raw actix answered 155,000 requests. What it would make here is told by raw actix here.
const ANOTHER_PRODUCT: (f64, f64) = (1_600.0, 155_000.0);

/// P6.
///
/// # Errors
/// When an answer is wrong.
pub async fn turns(size: Size, report: &mut Report) -> Result<()> {
    let hello = Serving::reference("hello").await?;
    let hello_port = hello.port;
    let hellos: Requests = Arc::new(move |_| get(hello_port, "/"));
    let mut product = Product::start().await?;
    product.grow(USUAL).await?;
    let (port, sessions) = (product.port, product.sessions().await?);
    let messages: Requests = Arc::new(move |number| {
        let at = usize::try_from(number).unwrap_or(0) % sessions.len();
        let text = "It is a long story, honestly";
        let body = json!({ "sessionId": sessions[at], "text": text, "idempotencyKey": format!("k{number}") });
        post(port, "/api/widget/response", &[("content-type", "application/json")], &body.to_string())
    });
    let (mut per_cpu_second, mut raw, mut wall) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..size.rounds {
        let cpu = hello.cpu_seconds()?;
        let run = saturate(hello.port, CONNECTIONS, 0, size.requests * 4, Arc::clone(&hellos)).await?;
        raw.push(number(run.answered) / (hello.cpu_seconds()? - cpu));
        let cpu = product.cpu_seconds()?;
        let first = round * size.requests;
        let run = saturate(port, CONNECTIONS, first, size.requests, Arc::clone(&messages)).await?;
        per_cpu_second.push(number(run.answered) / (product.cpu_seconds()? - cpu));
        wall.push(run.rate());
    }
    let (turns, of_hellos) = ANOTHER_PRODUCT;
    let reference = median(&raw) * turns / of_hellos;
    report.add(
        "P6",
        Figure::rate(
            "deterministic turns over HTTP, fsynced",
            median(&per_cpu_second),
            reference,
            "per CPU-second",
        )
        .bounds(5.0, 12.0)
        .with("turns per second of wall time", median(&wall))
        .with("raw actix hello world per CPU-second, same run", median(&raw)),
    );
    product.server.kill().await
}
