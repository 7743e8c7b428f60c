//! Sockets that carry audio: the frames of `actix-http`'s WebSocket codec over a request's body and a response's body,
//! with no actor between.
//!
//! A call moves a hundred frames a second each way. Here a frame that comes in is a slice of what was read from the
//! network, and frames that go out are written one after the other into one buffer, which the connection takes whole: as
//! many frames as waited leave with one system call. Both halves live on the worker thread that accepted the connection.
//! Everything else uses [`super::socket`].

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix_http::ws::{self, CloseCode, Codec, Item, OpCode, Parser};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::{HttpRequest, HttpResponse, dev, web};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use tokio_util::codec::Decoder as _;
use usher_conversation::problem::Problem;

use super::Fault;

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Text; not checked to be UTF-8, which reading it as JSON does.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// Why a socket ended without being closed by its peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The connection broke.
    #[error("the connection broke")]
    Lost,
    /// The peer does not speak the protocol, or sends more than is accepted.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
}

/// Accepts a socket. What comes is read from [`Incoming`], what goes is given to [`Outgoing`]; frames of more than
/// `max_bytes` end it.
///
/// # Errors
/// [`Problem::MalformedRequest`] for a request that is no WebSocket handshake.
pub fn accept(
    request: &HttpRequest,
    payload: web::Payload,
    max_bytes: usize,
) -> Result<(HttpResponse, Incoming, Outgoing), Fault> {
    let malformed = |error: ws::HandshakeError| {
        Fault::new(Problem::MalformedRequest, format!("This is no WebSocket handshake: {error}"))
    };
    let mut response = ws::handshake(request.head()).map_err(malformed)?;
    let outgoing = Outgoing::default();
    let body = BoxBody::new(Body(outgoing.clone()));
    let incoming = Incoming {
        payload: payload.into_inner(),
        unread: BytesMut::new(),
        codec: Codec::new().max_size(max_bytes),
        partial: None,
        max_bytes,
        outgoing: outgoing.clone(),
        ended: false,
    };
    Ok((response.message_body(body).map_err(Fault::internal)?.into(), incoming, outgoing))
}

/// What the peer sends. Ends when the peer closes in order; pings are answered on the way.
pub struct Incoming {
    payload: dev::Payload,
    unread: BytesMut,
    codec: Codec,
    partial: Option<Partial>,
    max_bytes: usize,
    outgoing: Outgoing,
    ended: bool,
}

/// A message that comes in pieces.
struct Partial {
    text: bool,
    so_far: BytesMut,
}

impl Incoming {
    /// The next whole message among the bytes that were read.
    fn take(&mut self) -> Result<Option<Taken>, Broken> {
        loop {
            let frame = self.codec.decode(&mut self.unread);
            let Some(frame) = frame.map_err(|error| Broken::Protocol(error.to_string()))? else {
                return Ok(None);
            };
            return Ok(Some(match frame {
                ws::Frame::Text(bytes) => Taken::Frame(Frame::Text(bytes)),
                ws::Frame::Binary(bytes) => Taken::Frame(Frame::Binary(bytes)),
                ws::Frame::Close(_) => Taken::Close,
                ws::Frame::Continuation(piece) => match self.assemble(piece)? {
                    Some(frame) => Taken::Frame(frame),
                    None => continue,
                },
                ws::Frame::Ping(bytes) => {
                    self.outgoing.pong(bytes);
                    continue;
                }
                ws::Frame::Pong(_) => continue,
            }));
        }
    }

    fn assemble(&mut self, piece: Item) -> Result<Option<Frame>, Broken> {
        let (bytes, last) = match piece {
            Item::FirstText(bytes) => {
                self.partial = Some(Partial { text: true, so_far: BytesMut::new() });
                (bytes, false)
            }
            Item::FirstBinary(bytes) => {
                self.partial = Some(Partial { text: false, so_far: BytesMut::new() });
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(partial) = &mut self.partial else { return Ok(None) };
        if partial.so_far.len() + bytes.len() > self.max_bytes {
            return Err(Broken::Protocol("a message is too large".to_owned()));
        }
        partial.so_far.extend_from_slice(&bytes);
        Ok(self.partial.take_if(|_| last).map(|Partial { text, so_far }| {
            if text { Frame::Text(so_far.freeze()) } else { Frame::Binary(so_far.freeze()) }
        }))
    }

    /// Adds what was read; copies nothing when nothing waits, which is the rule.
    fn feed(&mut self, bytes: Bytes) {
        if self.unread.is_empty() {
            match bytes.try_into_mut() {
                Ok(unread) => self.unread = unread,
                Err(shared) => self.unread.extend_from_slice(&shared),
            }
        } else {
            self.unread.extend_from_slice(&bytes);
        }
    }

    fn end(&mut self, code: CloseCode) {
        self.ended = true;
        self.outgoing.close(code);
    }
}

enum Taken {
    Frame(Frame),
    Close,
}

impl Stream for Incoming {
    type Item = Result<Frame, Broken>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while !this.ended {
            match this.take() {
                Ok(Some(Taken::Frame(frame))) => return Poll::Ready(Some(Ok(frame))),
                Ok(Some(Taken::Close)) => {
                    this.end(CloseCode::Normal);
                    break;
                }
                Ok(None) => {}
                Err(broken) => {
                    this.end(CloseCode::Protocol);
                    return Poll::Ready(Some(Err(broken)));
                }
            }
            match this.payload.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(bytes))) => this.feed(bytes),
                Poll::Ready(Some(Err(_)) | None) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(Broken::Lost)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }
}

/// The way to the peer. Clones write to the same socket.
#[derive(Clone, Default)]
pub struct Outgoing(Rc<RefCell<Queue>>);

/// A peer that takes so little that more than this waits is lost: it is minutes of audio behind.
const MAX_BACKLOG_BYTES: usize = 4 * 1024 * 1024;

#[derive(Default)]
struct Queue {
    bytes: BytesMut,
    /// What the last ping that was not answered yet carried. One answer stands for all of them (RFC 6455, 5.5.3).
    pong: Option<Bytes>,
    /// No more frames are accepted; the connection ends when what waits was written.
    closed: bool,
    /// The connection, waiting for something to write.
    idle: Option<Waker>,
}

impl Outgoing {
    /// Sends a text.
    pub fn text(&self, text: &str) {
        self.write(text.as_bytes(), OpCode::Text);
    }

    /// Sends bytes.
    pub fn binary(&self, bytes: &[u8]) {
        self.write(bytes, OpCode::Binary);
    }

    /// Says goodbye after what waits, and ends the connection. Again: changes nothing.
    pub fn close(&self, code: CloseCode) {
        let mut queue = self.0.borrow_mut();
        if !std::mem::replace(&mut queue.closed, true) {
            Parser::write_close(&mut queue.bytes, Some(code.into()), false);
            queue.wake();
        }
    }

    /// Bytes that wait for the peer to take them.
    pub fn backlog(&self) -> usize {
        self.0.borrow().bytes.len()
    }

    fn write(&self, message: &[u8], code: OpCode) {
        let mut queue = self.0.borrow_mut();
        if queue.closed {
            return;
        }
        if queue.bytes.len() + message.len() > MAX_BACKLOG_BYTES {
            // The body ends here, and with it the connection: nobody would read a goodbye either.
            queue.closed = true;
            queue.pong = None;
            queue.bytes = BytesMut::new();
        } else {
            Parser::write_message(&mut queue.bytes, message, code, true, false);
        }
        queue.wake();
    }

    fn pong(&self, ping: Bytes) {
        let mut queue = self.0.borrow_mut();
        if !queue.closed {
            queue.pong = Some(ping);
            queue.wake();
        }
    }
}

impl Queue {
    fn wake(&mut self) {
        if let Some(idle) = self.idle.take() {
            idle.wake();
        }
    }
}

/// The response's body: everything that waits, whenever the connection takes more.
struct Body(Outgoing);

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let mut queue = self.0.0.borrow_mut();
        if let Some(ping) = queue.pong.take() {
            // A goodbye, when there is one, is the last frame.
            let waiting = queue.bytes.split();
            Parser::write_message(&mut queue.bytes, &ping, OpCode::Pong, true, false);
            queue.bytes.unsplit(waiting);
        }
        if !queue.bytes.is_empty() {
            return Poll::Ready(Some(Ok(queue.bytes.split().freeze())));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        if !queue.idle.as_ref().is_some_and(|idle| idle.will_wake(context.waker())) {
            queue.idle = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Body {
    /// The connection is gone: nothing that is written later has a reader.
    fn drop(&mut self) {
        let mut queue = self.0.0.borrow_mut();
        queue.closed = true;
        queue.pong = None;
        queue.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use futures_util::stream;

    /// What a browser would send: masked frames.
    fn masked(message: &[u8], code: OpCode, last: bool) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        Parser::write_message(&mut bytes, message, code, last, true);
        bytes.to_vec()
    }

    fn reading(chunks: Vec<Vec<u8>>) -> (Incoming, Outgoing) {
        let chunks = stream::iter(chunks.into_iter().map(|chunk| Ok(Bytes::from(chunk))));
        let outgoing = Outgoing::default();
        let incoming = Incoming {
            payload: dev::Payload::Stream { payload: Box::pin(chunks) },
            unread: BytesMut::new(),
            codec: Codec::new().max_size(64),
            partial: None,
            max_bytes: 64,
            outgoing: outgoing.clone(),
            ended: false,
        };
        (incoming, outgoing)
    }

    async fn read(chunks: Vec<Vec<u8>>) -> Vec<Result<Frame, Broken>> {
        reading(chunks).0.collect().await
    }

    fn text(words: &'static str) -> Frame {
        Frame::Text(Bytes::from_static(words.as_bytes()))
    }

    #[actix_web::test]
    async fn messages_are_read_however_the_network_cuts_them() {
        let whole = [
            masked(b"one", OpCode::Text, true),
            masked(b"tw", OpCode::Text, false),
            masked(b"o", OpCode::Continue, true),
            masked(b"\0\x01", OpCode::Binary, true),
            masked(b"", OpCode::Close, true),
        ]
        .concat();
        let expected = [Ok(text("one")), Ok(text("two")), Ok(Frame::Binary(Bytes::from_static(b"\0\x01")))];
        assert_eq!(read(vec![whole.clone()]).await, expected);
        assert_eq!(read(whole.chunks(1).map(<[u8]>::to_vec).collect()).await, expected);
    }

    #[actix_web::test]
    async fn a_socket_that_ends_without_a_goodbye_is_lost() {
        assert_eq!(
            read(vec![masked(b"one", OpCode::Text, true)]).await,
            [Ok(text("one")), Err(Broken::Lost)]
        );
    }

    #[actix_web::test]
    async fn a_message_that_is_too_large_ends_the_socket_whole_or_in_pieces() {
        let large = [b'x'; 65];
        let whole = read(vec![masked(&large, OpCode::Text, true)]).await;
        assert!(matches!(whole[..], [Err(Broken::Protocol(_))]), "{whole:?}");
        let pieces =
            [masked(&large[..40], OpCode::Text, false), masked(&large[..40], OpCode::Continue, true)];
        let pieces = read(pieces.into()).await;
        assert!(matches!(pieces[..], [Err(Broken::Protocol(_))]), "{pieces:?}");
    }

    #[actix_web::test]
    async fn a_ping_is_answered_and_what_waits_leaves_together() {
        let (mut incoming, outgoing) =
            reading(vec![masked(b"still there?", OpCode::Ping, true), masked(b"one", OpCode::Text, true)]);
        assert_eq!(incoming.next().await, Some(Ok(text("one"))));
        outgoing.text("two");
        outgoing.close(CloseCode::Normal);
        outgoing.text("nobody hears this");
        let mut body = std::pin::pin!(Body(outgoing));
        let first = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await;
        let bytes = first.expect("bytes").expect("no error");
        let mut unread = BytesMut::from(&bytes[..]);
        let mut codec = Codec::new().client_mode();
        let frames: Vec<_> = std::iter::from_fn(|| codec.decode(&mut unread).expect("frames")).collect();
        assert_eq!(frames.len(), 3, "{frames:?}");
        assert_eq!(frames[0], ws::Frame::Pong(Bytes::from_static(b"still there?")));
        assert_eq!(frames[1], ws::Frame::Text(Bytes::from_static(b"two")));
        assert!(matches!(frames[2], ws::Frame::Close(_)));
        assert!(std::future::poll_fn(|context| body.as_mut().poll_next(context)).await.is_none());
    }

    #[actix_web::test]
    async fn pings_of_a_peer_that_takes_nothing_do_not_pile_up() {
        let pings = (0..1_000).map(|_| masked(&[b'x'; 60], OpCode::Ping, true)).collect();
        let (mut incoming, outgoing) = reading(pings);
        assert_eq!(incoming.next().await, Some(Err(Broken::Lost)));
        assert_eq!(outgoing.backlog(), 0);
        let mut body = std::pin::pin!(Body(outgoing));
        let bytes = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await;
        assert_eq!(bytes.map(|bytes| bytes.map(|bytes| bytes.len())), Some(Ok(62)), "one answer for all");
    }

    #[actix_web::test]
    async fn a_peer_that_falls_minutes_behind_is_cut_off() {
        let outgoing = Outgoing::default();
        let second = vec![0; 8_000];
        while !outgoing.0.borrow().closed {
            outgoing.binary(&second);
            assert!(outgoing.backlog() <= MAX_BACKLOG_BYTES + 8_100, "it has no end");
        }
        assert_eq!(outgoing.backlog(), 0, "and holds no memory");
        let mut body = std::pin::pin!(Body(outgoing));
        assert!(std::future::poll_fn(|context| body.as_mut().poll_next(context)).await.is_none());
    }

    #[actix_web::test]
    async fn a_plain_request_is_no_handshake() {
        let (request, mut payload) = TestRequest::get().to_http_parts();
        let payload = <web::Payload as actix_web::FromRequest>::from_request(&request, &mut payload).await;
        let refused = accept(&request, payload.expect("a payload"), 64).err().map(|fault| fault.problem());
        assert_eq!(refused, Some(Problem::MalformedRequest));
    }
}
