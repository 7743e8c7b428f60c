//! A raw socket relay: what passing frames between two sockets costs at least. `ws://relay/<port>/<name>` is joined with
//! `ws://127.0.0.1:<port>/raw/<name>`.

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// Serves until killed; prints its port.
///
/// # Errors
/// When it cannot listen.
#[expect(clippy::print_stdout, reason = "the parent reads the port")]
pub fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (stream, _) = listener.accept().await?;
            // A call that ends badly shows at the generator.
            tokio::spawn(async move { drop(relay(stream).await) });
        }
    })
}

async fn relay(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let note = |request: &Request, response: Response| {
        request.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let near = tokio_tungstenite::accept_hdr_async(stream, note).await?;
    let (port, name) = path.trim_start_matches('/').split_once('/').context("a port and a name")?;
    let far = TcpStream::connect(("127.0.0.1", port.parse()?)).await?;
    far.set_nodelay(true)?;
    let (far, _) = tokio_tungstenite::client_async(format!("ws://127.0.0.1:{port}/raw/{name}"), far).await?;
    let ((near_out, near_in), (far_out, far_in)) = (near.split(), far.split());
    tokio::select! {
        ended = near_in.forward(far_out) => ended?,
        ended = far_in.forward(near_out) => ended?,
    }
    Ok(())
}
