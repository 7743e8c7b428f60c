//! The widget's weight and its first paint in Chromium.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use super::Size;
use super::product::Product;
use crate::report::{Figure, Report};

#[derive(Debug, Deserialize)]
struct Seen {
    first_paint_ms: f64,
    script_bytes: f64,
}

/// Opens the hosted page of the seeded session.
///
/// # Errors
/// When Chromium or the page fails.
pub async fn first_paint(size: Size, report: &mut Report) -> Result<()> {
    let mut product = Product::start().await?;
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let output = Command::new("node")
        .arg(format!("{top}/tests/load/first-paint.mjs"))
        .args([product.server.ready().widget_url.as_str(), &(size.rounds * 2 + 1).to_string()])
        .current_dir(format!("{top}/widget"))
        .output()
        .await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Seen = serde_json::from_slice(&output.stdout).context("the page script prints JSON")?;
    ensure!(seen.script_bytes > 0.0, "the widget is not in this binary: build it first");
    report
        .add("first-paint", Figure::alone("hosted page, first contentful paint", seen.first_paint_ms, "ms"));
    report.add(
        "bundle",
        Figure::alone("scripts of the hosted page, gzip", seen.script_bytes / 1024.0, "KiB")
            .bounds(50.0, 26.5),
    );
    product.server.kill().await
}
