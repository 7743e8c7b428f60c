//! A door that a test can shut or lead elsewhere: before a server's database, or before the server itself.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everything.
    Open,
    /// Nothing: connections end, and new ones end at once, as when the server behind is down.
    Shut,
    /// Nothing, and nobody is told, as when a cable is cut.
    Silent,
}

/// A TCP proxy to one address.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    door: watch::Sender<Door>,
    target: watch::Sender<SocketAddr>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// An open door to `target`, on a free port.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (door, state) = watch::channel(Door::Open);
        let (target, behind) = watch::channel(target);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let target = *behind.borrow();
                tokio::spawn(pass(stream, target, state.clone()));
            }
        });
        Ok(Self { address, door, target, task })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads whoever comes from now on to another address, as a load balancer does when a node is gone.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// Opens or shuts the door.
    pub fn set(&self, door: Door) {
        self.door.send_replace(door);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut stream: TcpStream, target: SocketAddr, mut door: watch::Receiver<Door>) {
    if *door.borrow() == Door::Open
        && let Ok(mut behind) = TcpStream::connect(target).await
    {
        tokio::select! {
            _ = copy_bidirectional(&mut stream, &mut behind) => return,
            _ = door.wait_for(|door| *door != Door::Open) => {}
        }
    }
    // Both streams stay open, unread, while it is silent; a connection that was cut does not come back.
    let _ = door.wait_for(|door| *door != Door::Silent).await;
}
