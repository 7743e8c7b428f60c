//! A handset that calls and is called, and a server that takes media streams.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use usher_simulator::RunningSimulator;
use usher_simulator::world::Account;

use crate::support::{Http, NUMBER, PHONE, account, start};

/// A simulator whose number asks `voice_url`.
pub(crate) fn start_with_voice(voice_url: &str) -> RunningSimulator {
    start(with_voice(voice_url))
}

pub(crate) fn with_voice(voice_url: &str) -> Account {
    let mut account = account(None);
    account.numbers[0].voice_url = Some(voice_url.to_owned());
    account
}

/// A call as its handset has it.
pub(crate) struct Phone<'h> {
    http: &'h Http,
    pub(crate) sid: String,
    /// The last entry of the log that was waited for.
    seen: u64,
}

impl<'h> Phone<'h> {
    /// The handset calls the account's number.
    pub(crate) async fn dials(http: &'h Http) -> Self {
        Self::dials_to(http, NUMBER).await
    }

    /// The handset calls any number.
    pub(crate) async fn dials_to(http: &'h Http, to: &str) -> Self {
        let path = format!("handsets/{PHONE}/calls");
        let (status, call) = http.sim("POST", &path, Some(json!({ "to": to }))).await;
        assert_eq!(status, 201, "{call}");
        Self::of(http, &call)
    }

    /// The next call that reaches a handset.
    pub(crate) async fn rings(http: &'h Http, phone: &str, after: usize) -> Self {
        let (status, call) =
            http.sim("GET", &format!("handsets/{phone}/calls/wait?after={after}"), None).await;
        assert_eq!(status, 200, "{call}");
        Self::of(http, &call)
    }

    fn of(http: &'h Http, call: &Value) -> Self {
        Self { http, sid: call["sid"].as_str().expect("a call").to_owned(), seen: 0 }
    }

    /// Waits for the next entry of that kind.
    pub(crate) async fn until(&mut self, until: &str) -> Value {
        let part: String = form_urlencoded::byte_serialize(until.as_bytes()).collect();
        let path = format!("calls/{}/wait?until={part}&after={}", self.sid, self.seen);
        let (status, entry) = self.http.sim("GET", &path, None).await;
        assert_eq!(status, 200, "{until}: {entry}\n{:#}", self.look().await["log"]);
        self.seen = entry["seq"].as_u64().expect("a number");
        entry
    }

    /// Does something on the handset.
    pub(crate) async fn does(&self, what: &str, body: Value) {
        let (status, answer) = self.http.sim("POST", &format!("calls/{}/{what}", self.sid), Some(body)).await;
        assert!(status < 300, "{what}: {answer}");
    }

    pub(crate) async fn says(&self, text: &str) {
        self.does("say", json!({ "text": text })).await;
    }

    /// Everything about the call.
    pub(crate) async fn look(&self) -> Value {
        self.http.sim("GET", &format!("calls/{}", self.sid), None).await.1
    }
}

/// A server for media streams.
pub(crate) struct MediaServer {
    pub(crate) url: String,
    listener: TcpListener,
}

impl MediaServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/media", listener.local_addr().expect("bound"));
        Self { url, listener }
    }

    /// The next stream.
    pub(crate) async fn accept(&self) -> MediaStream {
        let (socket, _) = self.listener.accept().await.expect("a connection");
        let mut signature = String::new();
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let keep = |request: &Request, response: Response| {
            let header = request.headers().get("x-twilio-signature").expect("a signature");
            header.to_str().expect("text").clone_into(&mut signature);
            Ok(response)
        };
        let socket = accept_hdr_async(socket, keep).await.expect("a handshake");
        MediaStream { socket, signature, stream_sid: String::new() }
    }
}

/// A media stream as the server has it.
pub(crate) struct MediaStream {
    socket: WebSocketStream<TcpStream>,
    pub(crate) signature: String,
    pub(crate) stream_sid: String,
}

impl MediaStream {
    /// The next message; `Null` when the stream is closed.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value =
                        serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
                    if message["event"] == "start" {
                        message["streamSid"].as_str().expect("an id").clone_into(&mut self.stream_sid);
                    }
                    return message;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Value::Null,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message of a kind; audio before it is sent back when `echo` says so.
    pub(crate) async fn until(&mut self, event: &str, echo: bool) -> Value {
        loop {
            let message = self.next().await;
            if message["event"] == event || message.is_null() {
                return message;
            }
            if echo && message["event"] == "media" {
                self.send("media", json!({ "payload": message["media"]["payload"] })).await;
            }
        }
    }

    /// Sends a message of a kind.
    pub(crate) async fn send(&mut self, event: &str, body: Value) {
        let mut message = json!({ "event": event, "streamSid": self.stream_sid });
        message[event] = body;
        self.send_text(message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.expect("the stream is open");
    }

    pub(crate) async fn close(mut self) {
        self.socket.close(None).await.expect("the stream is open");
        while self.socket.next().await.is_some() {}
    }
}
