//! Breaking a connection on purpose.

use std::any::Any;
use std::net::Shutdown;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse};
use socket2::{SockRef, Socket};

/// The socket a request came by.
struct Peer(Socket);

/// Remembers the socket of a new connection.
pub(crate) fn remember(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(socket) = SockRef::from(stream).try_clone()
    {
        extensions.insert(Peer(socket));
    }
}

/// Closes the connection of a request without an answer. The response that is returned cannot reach anybody.
pub(crate) fn reset(request: &HttpRequest) -> HttpResponse {
    cut(request);
    HttpResponse::InternalServerError().force_close().finish()
}

/// Breaks the connection that a request came by.
pub(crate) fn cut(request: &HttpRequest) {
    if let Some(Peer(socket)) = request.conn_data::<Peer>() {
        // Without lingering the peer sees a reset where the platform sends one, and an early end otherwise.
        let _ = socket.set_linger(Some(Duration::ZERO));
        let _ = socket.shutdown(Shutdown::Both);
    }
}
