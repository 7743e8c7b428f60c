//! One conversation's socket. Sending only queues; what waits is written when the socket is flushed, as many frames at once as
//! it takes, and pings are answered while reading.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use usher_conversation::voice::{AgentEvent, Audio, Fault, Refusal};

use super::frame::{ClientEvent, MAX_FRAME_BYTES, Reaction, ServerFrame, fault, user_audio};
use crate::frame::FrameError;

/// Bytes that may wait for a socket that takes none.
const MOST_UNSENT: usize = 4 * 1024 * 1024;

/// The socket of one conversation.
pub struct AgentSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Bytes handed to the socket since it was last empty.
    unsent: usize,
    /// Bytes of the last frame of audio: the room the next one gets.
    usual: usize,
    /// Why nothing can be sent any more.
    lost: Option<String>,
    gone: bool,
}

impl fmt::Debug for AgentSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSocket").field("unsent", &self.unsent).finish_non_exhaustive()
    }
}

impl AgentSocket {
    /// Opens the socket at `url`, which may be a secret. Small frames leave at once.
    ///
    /// # Errors
    /// Whether it may be tried again; nothing of the address is repeated.
    pub async fn open(url: &SecretString, tls: Arc<ClientConfig>) -> Result<Self, Refusal> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES))
            .max_write_buffer_size(MOST_UNSENT);
        let connector = Connector::Rustls(tls);
        let opened = connect_async_tls_with_config(url.expose_secret(), Some(config), true, Some(connector));
        let (socket, _) = opened.await.map_err(|error| refusal(&error))?;
        Ok(Self { socket, unsent: 0, usual: 0, lost: None, gone: false })
    }

    /// Queues the contact's voice, in the agent's input format. What is no base64 is left out.
    pub fn audio(&mut self, audio: &Audio) {
        let mut text = String::with_capacity(self.usual);
        if user_audio(audio, &mut text).is_ok() {
            self.usual = text.len();
            self.send(Message::text(text));
        }
    }

    /// Queues an event.
    pub fn event(&mut self, event: &ClientEvent) {
        let mut text = String::new();
        event.encode(&mut text);
        self.send(Message::text(text));
    }

    /// Ends the conversation in order, after what is queued.
    pub fn close(&mut self) {
        self.send(Message::Close(None));
    }

    /// Bytes that wait; 0 once nothing can be sent any more.
    pub const fn unsent(&self) -> usize {
        if self.lost.is_some() { 0 } else { self.unsent }
    }

    /// Writes as much as the network takes now, and wakes `task` when it takes more.
    pub fn flush(&mut self, task: &mut Context<'_>) {
        if self.unsent() == 0 {
            return;
        }
        match Pin::new(&mut self.socket).poll_flush(task) {
            Poll::Ready(Ok(())) => self.unsent = 0,
            Poll::Ready(Err(error)) => self.lost = Some(plain(&error)),
            Poll::Pending => {}
        }
    }

    /// What the agent does next; [`AgentEvent::Gone`] comes last, then `None`. A frame that cannot be read is an error of that
    /// frame alone.
    pub fn poll_event(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<AgentEvent, FrameError>>> {
        if self.gone {
            return Poll::Ready(None);
        }
        loop {
            if let Some(why) = self.lost.clone() {
                return self.end(Fault::Lost(why));
            }
            let message = match Pin::new(&mut self.socket).poll_next(task) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(message))) => message,
                Poll::Ready(Some(Err(error))) => return self.end(Fault::Lost(plain(&error))),
                Poll::Ready(None) => return self.end(Fault::Lost("its socket ended".to_owned())),
            };
            match message {
                Message::Text(text) => {
                    match ServerFrame::decode(&Bytes::from(text)).map(ServerFrame::react) {
                        Ok(Reaction::Tell(event)) => {
                            self.gone = matches!(event, AgentEvent::Gone(_));
                            return Poll::Ready(Some(Ok(event)));
                        }
                        Ok(Reaction::Pong(event_id)) => self.event(&ClientEvent::Pong { event_id }),
                        Ok(Reaction::Ignore) => {}
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
                Message::Close(frame) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                    return self.end(fault(code, reason));
                }
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    fn end(&mut self, fault: Fault) -> Poll<Option<Result<AgentEvent, FrameError>>> {
        self.gone = true;
        Poll::Ready(Some(Ok(AgentEvent::Gone(fault))))
    }

    fn send(&mut self, message: Message) {
        if self.lost.is_none() {
            self.unsent += message.len();
            if let Err(error) = Pin::new(&mut self.socket).start_send(message) {
                self.lost = Some(plain(&error));
            }
        }
    }
}

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::Http(answer) => {
            let words = format!("its socket answered {}", answer.status().as_u16());
            let refused = answer.status().is_client_error();
            if refused { Refusal::Refused(words) } else { Refusal::Unreachable(words) }
        }
        _ => Refusal::Unreachable("its socket could not be opened".to_owned()),
    }
}

fn plain(error: &Error) -> String {
    match error {
        Error::Io(error) => format!("its socket broke: {}", error.kind()),
        Error::ConnectionClosed | Error::AlreadyClosed => "its socket was closed".to_owned(),
        Error::Capacity(_) => "it sent too much at once".to_owned(),
        _ => "its socket broke the protocol".to_owned(),
    }
}
