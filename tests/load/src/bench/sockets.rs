//! P8: what an idle widget session costs in memory, its socket and its actor; beside a bare socket actor.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Size;
use super::product::Product;
use crate::child::Serving;
use crate::http::{Connection, get};
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

/// The sockets of one server.
struct Server {
    pid: u32,
    port: u16,
    origin: String,
}

impl Server {
    /// KiB per idle socket beyond the first few; `open` opens the n-th.
    async fn cost(&self, sockets: usize, open: impl AsyncFn(usize) -> Result<TcpStream>) -> Result<f64> {
        let warm = WARM.min(sockets / 2);
        let mut idle = Vec::with_capacity(sockets);
        for number in 0..warm {
            idle.push(open(number).await?);
        }
        let before = resident_kib(self.pid)?;
        for number in warm..sockets {
            idle.push(open(number).await?);
        }
        let after = resident_kib(self.pid)?;
        drop(idle);
        Ok((after - before) / number(u64::try_from(sockets - warm)?))
    }

    /// A page as the widget opens it: it asks for the session, and follows it from the turn it was shown.
    async fn page(&self, session: &str) -> Result<TcpStream> {
        let mut connection = Connection::open(self.port).await?;
        let status = connection.ask(&get(self.port, &format!("/api/widget/session/{session}"))).await?;
        ensure!(status == 200, "the page of {session} was answered {status}");
        let view: View = serde_json::from_slice(connection.body()).context("a view has a turn's number")?;
        open(self.port, &format!("/ws/widget?session={session}&since={}", view.session.seq), &self.origin)
            .await
    }
}

/// What the measurement needs of a session's view.
#[derive(Debug, Deserialize)]
struct View {
    session: Head,
}

#[derive(Debug, Deserialize)]
struct Head {
    seq: u64,
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
    let sessions = product.sessions().await?;

    let echo = Serving::reference("echo").await?;
    let raw = Server { pid: echo.pid()?, port: echo.port, origin: origin.clone() };
    let reference = raw.cost(sessions.len(), async |_| open(raw.port, "/", &raw.origin).await).await?;
    drop(echo);
    let ours = Server { pid: product.pid()?, port: product.port, origin };
    let value = ours.cost(sessions.len(), async |number| ours.page(&sessions[number]).await).await?;
    report.add(
        "P8",
        Figure::rate("memory per idle widget session (less is better)", value, reference, "KiB")
            .bounds(1.6, 1.15)
            .with("sockets", number(size.sessions)),
    );
    product.server.kill().await
}
