//! Binds the HTTP server and runs it until it is told to stop.

use std::any::Any;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::Server;
use actix_web::rt::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::app::App;
use crate::lifecycle::Signals;

/// Connections the system may hold before we accept them.
const BACKLOG: i32 = 4096;
/// A client that takes no bytes for so long is gone; without it a browser that never reads keeps its socket's actor
/// and its buffers for ever.
const USER_TIMEOUT: Duration = Duration::from_secs(20);
/// An idle connection is probed after so long.
const KEEP_ALIVE_PROBE: Duration = Duration::from_mins(1);
/// An idle HTTP connection is kept for the next request; longer than common proxies do, so that they close first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client has so long to send its request's head. As long as an idle connection is kept: to a proxy, a connection it
/// has opened to spare is one, and would take the refusal for the answer to what it sends there next.
const REQUEST_HEAD: Duration = KEEP_ALIVE;

/// Takes the address. Separate from [`serve`], because what is built on the public address needs the port.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the process before it to fade.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A server that answers, and obeys the signals that stop it.
pub struct Serving {
    server: Server,
    signals: Signals,
}

/// Starts answering on `listener`.
///
/// # Errors
/// When the worker threads cannot be started or signals cannot be watched.
pub fn serve(app: &Arc<App>, listener: TcpListener) -> io::Result<Serving> {
    let shared = Arc::clone(app);
    let mut server = HttpServer::new(move || shared.service())
        .on_connect(prepare)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_HEAD)
        .client_disconnect_timeout(Duration::from_secs(1))
        .shutdown_timeout(app.settings.drain_seconds)
        .disable_signals();
    if app.settings.http_workers > 0 {
        server = server.workers(app.settings.http_workers);
    }
    Ok(Serving { signals: Signals::watch()?, server: server.listen(listener)?.run() })
}

fn prepare(connection: &dyn Any, _extensions: &mut actix_web::dev::Extensions) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    let socket = SockRef::from(stream);
    let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE_PROBE);
    let prepared = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(USER_TIMEOUT)))
        .and_then(|()| socket.set_tcp_keepalive(&keep_alive));
    if let Err(error) = prepared {
        // The peer may be gone already; the connection then ends by itself.
        tracing::debug!(%error, "socket options were not set");
    }
}

/// Runs until a signal (or [`crate::lifecycle::Lifecycle::stop`]) ends it: `/readyz` says no, nothing new is accepted,
/// what is under way is finished, calls first, pages are told to come back, then it returns.
///
/// # Errors
/// When the server dies by itself.
pub async fn run(app: Arc<App>, Serving { server, signals }: Serving) -> anyhow::Result<()> {
    let handle = server.handle();
    let mut running = actix_web::rt::spawn(server);
    let last_call = async {
        app.lifecycle.obey(signals).await;
        app.drain_calls().await;
    };
    tokio::select! {
        () = last_call => {}
        ended = &mut running => {
            ended??;
            anyhow::bail!("the server ended by itself");
        }
    }
    // Open pages keep their sockets until the runtime tells them to move, so both ends go on together.
    let ((), ()) = tokio::join!(handle.stop(true), app.drain());
    running.await??;
    Ok(())
}

/// An actix system on a Tokio runtime with threads: the database's tasks run there and outlive every HTTP worker.
///
/// # Panics
/// When the process begins with no room for its threads.
pub fn system() -> actix_web::rt::SystemRunner {
    actix_web::rt::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("usher-store")
            .worker_threads(store_threads())
            .build()
            .expect("threads can be started when the process begins")
    })
}

/// Threads for the database's tasks and other background work, which mostly wait for the database's own threads: a
/// second one on a small machine only adds wake-ups.
fn store_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(1, 4)
}
