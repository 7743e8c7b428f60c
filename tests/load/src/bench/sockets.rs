//! P8: what an idle widget session costs in memory, its socket and its actor; beside a bare socket actor.

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Size;
use super::product::Product;
use crate::child::Serving;
use crate::process::resident_kib;
use crate::report::{Figure, Report};
use crate::stats::number;

/// Sockets opened before the first measurement, so that pools and arenas have their size.
const WARM: usize = 200;

/// Opens a socket and leaves it: no client could be cheaper for the generator.
async fn open(port: u16, path: &str, origin: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: {origin}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut answer).await? == 0 {
            bail!("the socket of {path} closed during the handshake");
        }
    }
    ensure!(answer.starts_with(b"HTTP/1.1 101"), "{path}: {}", String::from_utf8_lossy(&answer));
    Ok(stream)
}

/// KiB per idle socket beyond the first few.
async fn cost(pid: u32, port: u16, origin: &str, paths: &[String]) -> Result<f64> {
    let (warm, counted) = paths.split_at(WARM.min(paths.len() / 2));
    let mut idle = Vec::with_capacity(paths.len());
    for path in warm {
        idle.push(open(port, path, origin).await?);
    }
    let before = resident_kib(pid)?;
    for path in counted {
        idle.push(open(port, path, origin).await?);
    }
    let after = resident_kib(pid)?;
    drop(idle);
    Ok((after - before) / number(u64::try_from(counted.len())?))
}

/// Measures both.
///
/// # Errors
/// When a handshake is refused.
pub async fn idle(size: Size, report: &mut Report) -> Result<()> {
    let mut product = Product::start().await?;
    product.grow(size.sessions).await?;
    // A fresh process: what the texts needed must not be counted, and all sessions are cold when their page opens.
    product.server.kill().await?;
    product.server.restart().await?;
    let origin = product.server.ready().base_url.origin().ascii_serialization();
    let ours: Vec<String> =
        product.sessions().await?.iter().map(|id| format!("/ws/widget?session={id}&since=0")).collect();
    let raw = vec!["/".to_owned(); ours.len()];

    let echo = Serving::reference("echo").await?;
    let reference = cost(echo.pid()?, echo.port, &origin, &raw).await?;
    drop(echo);
    let value = cost(product.pid()?, product.port, &origin, &ours).await?;
    let mut figure = Figure::rate("memory per idle widget session (less is better)", value, reference, "KiB")
        .bounds(1.6, 1.15);
    figure = figure.with("sockets", number(size.sessions));
    report.add("P8", figure);
    product.server.stop().await
}
