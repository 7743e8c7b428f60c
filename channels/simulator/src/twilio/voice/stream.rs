//! Media Streams: the vendor dials the server and exchanges the call's audio with it in real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use url::{Host, Url};
use usher_channels::twilio::SigningKey;

use super::document::Element;
use super::frames::{Frames, FromServer};
use super::run::Context;
use crate::calls::{Live, Tapped};
use crate::faults::{FaultKind, Moment, Subject, Timed};
use crate::sim::{Sim, lock};
use crate::twilio::webhook;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that takes nothing for this long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Which audio a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracks {
    /// `<Connect>`: the handset's voice there, the server's back.
    BothWays,
    Inbound,
    Outbound,
    Both,
}

/// A stream that runs. Dropping it stops it: the server is sent `stop`.
pub(crate) struct Stream {
    /// `<Stop>` names it.
    pub(crate) name: Option<String>,
    _stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Stream {
    /// Dials the server of a `<Stream>` in the background.
    pub(crate) fn open(cx: &Context, stream: &Element, tracks: Tracks) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, ended) = oneshot::channel();
        let run = Run::new(cx, stream, tracks);
        actix_web::rt::spawn(async move {
            run.run(stopped).await;
            // Whoever opened it may not wait.
            let _ = tell.send(());
        });
        Self { name: stream.attribute("name").map(str::to_owned), _stop: stop, ended }
    }

    /// Resolves when the stream is over.
    pub(crate) async fn ended(&mut self) {
        // A stream whose task is gone is over, too.
        let _ = (&mut self.ended).await;
    }
}

/// What went over a stream.
#[derive(Debug, Default)]
pub(crate) struct StreamCounts {
    frames_sent: AtomicU64,
    media_received: AtomicU64,
    bytes_received: AtomicU64,
    marks_received: AtomicU64,
    marks_echoed: AtomicU64,
    clears: AtomicU64,
    malformed: AtomicU64,
    /// The most audio that waited to be played, in milliseconds.
    waiting_max: AtomicU64,
}

impl StreamCounts {
    fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }

    fn json(&self) -> Value {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "frames_sent": of(&self.frames_sent), "media_received": of(&self.media_received),
            "bytes_received": of(&self.bytes_received), "marks_received": of(&self.marks_received),
            "marks_echoed": of(&self.marks_echoed), "clears": of(&self.clears),
            "malformed": of(&self.malformed), "waiting_max_ms": of(&self.waiting_max),
        })
    }
}

/// Why a stream cannot be.
struct StreamError {
    code: u32,
    message: String,
}

struct Run {
    sim: Arc<Sim>,
    live: Arc<Live>,
    auth_token: String,
    account_sid: String,
    url: String,
    name: String,
    stream_sid: String,
    tracks: Tracks,
    parameters: Vec<(String, String)>,
    callback: Option<(String, String)>,
    faults: Vec<FaultKind>,
    counts: StreamCounts,
}

impl Run {
    fn new(cx: &Context, stream: &Element, tracks: Tracks) -> Self {
        let url = stream.attribute("url").unwrap_or_default().to_owned();
        let stream_sid = cx.sim.sid("MZ");
        let of_child = |child: &Element, name| child.attribute(name).unwrap_or_default().to_owned();
        let parameters: Vec<_> =
            stream.children.iter().map(|child| (of_child(child, "name"), of_child(child, "value"))).collect();
        let call = cx.call();
        let subject = Subject { to: &call.to, from: &call.from, body: &url };
        let faults = lock(&cx.sim.faults).draw(Moment::Stream, subject);
        let method = stream.attribute("statusCallbackMethod").unwrap_or("POST").to_ascii_uppercase();
        Self {
            sim: Arc::clone(&cx.sim),
            live: Arc::clone(&cx.live),
            auth_token: cx.auth_token.clone(),
            account_sid: call.account_sid.clone(),
            name: stream.attribute("name").map_or_else(|| stream_sid.clone(), str::to_owned),
            callback: stream.attribute("statusCallback").map(|url| (cx.absolute(url), method)),
            counts: StreamCounts::default(),
            url,
            stream_sid,
            tracks,
            parameters,
            faults,
        }
    }

    async fn run(mut self, stopped: oneshot::Receiver<()>) {
        let socket = match self.connect().await {
            Ok(socket) => socket,
            Err(error) => return self.fail(&error),
        };
        self.note("started", json!({ "stream_sid": self.stream_sid, "url": self.url }));
        self.report("stream-started", None);
        let ended = self.exchange(socket, stopped).await;
        // When the call has other instructions, what waits on the line is theirs.
        if self.tracks == Tracks::BothWays && !matches!(ended, Ok("call")) {
            lock(&self.live.line).clear();
        }
        match ended {
            Ok(why) => {
                self.note(
                    "stopped",
                    json!({ "stream_sid": self.stream_sid, "why": why, "counts": self.counts.json() }),
                );
                self.report("stream-stopped", None);
            }
            Err(error) => self.fail(&error),
        }
    }

    fn note(&self, text: &str, detail: Value) {
        self.live.note(&self.sim, "stream", text, detail);
    }

    fn fail(&self, error: &StreamError) {
        let detail = json!({
            "stream_sid": self.stream_sid, "code": error.code, "message": error.message,
            "counts": self.counts.json(),
        });
        self.note("error", detail.clone());
        self.live.note(&self.sim, "error", error.code.to_string(), detail);
        self.report("stream-error", Some(error));
    }

    fn report(&self, event: &str, error: Option<&StreamError>) {
        let Some((url, method)) = self.callback.clone() else { return };
        let mut params = vec![
            ("AccountSid", self.account_sid.clone()),
            ("CallSid", self.live.sid.clone()),
            ("StreamSid", self.stream_sid.clone()),
            ("StreamName", self.name.clone()),
            ("StreamEvent", event.to_owned()),
            ("Timestamp", jiff::Timestamp::from_millisecond(self.sim.now()).unwrap_or_default().to_string()),
        ];
        params.extend(error.map(|error| ("StreamError", error.message.clone())));
        let (sim, token) = (Arc::clone(&self.sim), self.auth_token.clone());
        actix_web::rt::spawn(async move { webhook::fetch(&sim, &token, &url, &method, &params).await });
    }

    async fn connect(&self) -> Result<Socket, StreamError> {
        let url = check(&self.url)?;
        let refused = |code, message: &str| StreamError { code, message: message.to_owned() };
        let mut request = url.as_str().into_client_request().map_err(|_| refused(31_923, "malformed URL"))?;
        // What is signed is the URL as it was written, not as it was understood.
        let mut signature = SigningKey::new(self.auth_token.as_str().into()).sign(&self.url, None);
        if self.faults.contains(&FaultKind::StreamBadSignature) {
            signature = signature.chars().rev().collect();
        }
        let headers = request.headers_mut();
        for (name, value) in
            [("x-twilio-signature", signature), ("user-agent", "Twilio.TmeWs/1.0".to_owned())]
        {
            let value = value.parse().map_err(|_| refused(31_923, "malformed URL"))?;
            headers.insert(name, value);
        }
        match timeout(CONNECT_TIMEOUT, connect_async(request)).await {
            Err(_elapsed) => Err(refused(31_901, "connection timeout")),
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(tungstenite::Error::Http(answer))) => {
                Err(refused(31_920, &format!("the handshake answered {}", answer.status())))
            }
            Ok(Err(error)) => Err(refused(31_902, &format!("connection refused: {error}"))),
        }
    }

    /// Sends and receives until one side has enough. Says who ended it.
    async fn exchange(
        &mut self,
        socket: Socket,
        stopped: oneshot::Receiver<()>,
    ) -> Result<&'static str, StreamError> {
        let call_sid = if self.faults.contains(&FaultKind::StreamForeignCall) {
            self.sim.sid("CA")
        } else {
            self.live.sid.clone()
        };
        for fault in &self.faults {
            if let FaultKind::StreamParameter { name, value } = fault {
                self.parameters.retain(|(known, _)| known != name);
                self.parameters.push((name.clone(), value.clone()));
            }
        }
        let frames = Frames::new(self.stream_sid.clone(), call_sid, self.account_sid.clone());
        let reads = Frames::new(self.stream_sid.clone(), String::new(), String::new());
        let tapped = lock(&self.live.line).tap();
        let (sink, stream) = socket.split();
        let mut sender = Sender { run: self, frames, sink };
        let send = sender.run(tapped, stopped);
        let receive = self.receive(stream, &reads);
        tokio::select! {
            ended = send => ended,
            ended = receive => ended,
        }
    }

    async fn receive(
        &self,
        mut stream: futures_util::stream::SplitStream<Socket>,
        frames: &Frames,
    ) -> Result<&'static str, StreamError> {
        loop {
            self.stall().await;
            let text = match stream.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Binary(_))) => {
                    self.malformed();
                    continue;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) != 1000 => {
                    let message =
                        format!("the server closed with {}: {}", u16::from(close.code), close.reason);
                    return Err(StreamError { code: 31_921, message });
                }
                Some(Ok(Message::Close(_))) => return Ok("server"),
                Some(Err(tungstenite::Error::Protocol(error))) => {
                    return Err(StreamError { code: 31_924, message: error.to_string() });
                }
                None | Some(Err(_)) => {
                    return Err(StreamError { code: 31_921, message: "the connection broke".to_owned() });
                }
            };
            match frames.read(&text) {
                None => self.malformed(),
                // Nothing can be said on a stream that only listens.
                Some(_) if self.tracks != Tracks::BothWays => {}
                Some(message) => self.take(message),
            }
        }
    }

    fn malformed(&self) {
        // The vendor warns once.
        if self.counts.malformed.fetch_add(1, Ordering::Relaxed) == 0 {
            let message = json!({ "message": "malformed message from server" });
            self.live.note(&self.sim, "error", "31950", message);
        }
    }

    fn take(&self, message: FromServer) {
        let counts = &self.counts;
        let mut line = lock(&self.live.line);
        match message {
            FromServer::Media(audio) => {
                StreamCounts::add(&counts.media_received, 1);
                StreamCounts::add(&counts.bytes_received, audio.len() as u64);
                if !line.play(audio.into()) {
                    StreamCounts::add(&counts.malformed, 1);
                }
                counts.waiting_max.fetch_max(line.waiting_ms() as u64, Ordering::Relaxed);
            }
            FromServer::Mark(name) => {
                StreamCounts::add(&counts.marks_received, 1);
                if let Some(reached) = line.mark(name) {
                    line.tell(&Tapped::Mark(reached));
                }
            }
            FromServer::Clear => {
                StreamCounts::add(&counts.clears, 1);
                let dropped = line.waiting_ms();
                for mark in line.clear() {
                    line.tell(&Tapped::Mark(mark));
                }
                drop(line);
                self.live.note(&self.sim, "clear", dropped.to_string(), json!({ "dropped_ms": dropped }));
            }
        }
    }

    /// Waits as long as a fault says, once its time has come.
    async fn stall(&self) {
        let stalled = lock(&self.live.line).stalled_until;
        if let Some(until) = stalled {
            sleep_until(until).await;
        }
    }
}

/// The half that sends.
struct Sender<'r> {
    run: &'r Run,
    frames: Frames,
    sink: futures_util::stream::SplitSink<Socket, Message>,
}

impl Sender<'_> {
    async fn run(
        &mut self,
        mut tapped: mpsc::Receiver<Tapped>,
        mut stopped: oneshot::Receiver<()>,
    ) -> Result<&'static str, StreamError> {
        let names: &[&str] = match self.run.tracks {
            Tracks::BothWays | Tracks::Inbound => &["inbound"],
            Tracks::Outbound => &["outbound"],
            Tracks::Both => &["inbound", "outbound"],
        };
        self.send(Frames::connected()).await?;
        let start = self.frames.start(names, &self.run.parameters);
        self.send(start).await?;
        let mut faults = Timed::new(&self.run.faults);
        loop {
            let news = tokio::select! {
                biased;
                _ = &mut stopped => return self.stop().await,
                fault = faults.next() => {
                    match fault {
                        FaultKind::StreamDrop { .. } => return Ok("fault"),
                        FaultKind::StreamStall { millis, .. } => {
                            let until = Instant::now() + Duration::from_millis(millis);
                            lock(&self.run.live.line).stalled_until = Some(until);
                            sleep_until(until).await;
                            lock(&self.run.live.line).stalled_until = None;
                        }
                        FaultKind::StreamMalformed { .. } => {
                            for text in ["{", "[]", r#"{"event":"media"}"#, r#"{"event":"media","media":{"payload":"%"}}"#] {
                                self.send(text.to_owned()).await?;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                news = tapped.recv() => news,
            };
            let Some(news) = news else { return self.stop().await };
            let both_ways = self.run.tracks == Tracks::BothWays;
            let text = match news {
                Tapped::Inbound(frame) if names[0] == "inbound" => self.frames.media(0, &frame),
                Tapped::Outbound(frame) if names.contains(&"outbound") => self.frames.media(1, &frame),
                Tapped::Mark(name) if both_ways => {
                    StreamCounts::add(&self.run.counts.marks_echoed, 1);
                    self.run.live.note(&self.run.sim, "mark", name.clone(), Value::Null);
                    self.frames.mark(&name)
                }
                Tapped::Digit(digit) if both_ways => self.frames.dtmf(digit),
                _ => continue,
            };
            self.send(text).await?;
        }
    }

    async fn stop(&mut self) -> Result<&'static str, StreamError> {
        let stop = self.frames.stop();
        self.send(stop).await?;
        // The server may be faster to close.
        let _ = timeout(CLOSE_TIMEOUT, self.sink.close()).await;
        Ok("call")
    }

    async fn send(&mut self, text: String) -> Result<(), StreamError> {
        StreamCounts::add(&self.run.counts.frames_sent, 1);
        match timeout(WRITE_TIMEOUT, self.sink.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(StreamError { code: 31_921, message: "the connection broke".to_owned() }),
            Err(_elapsed) => {
                Err(StreamError { code: 31_921, message: "the server takes nothing".to_owned() })
            }
        }
    }
}

/// What the vendor demands of a stream's address. Without TLS it may only lead to this machine.
fn check(text: &str) -> Result<Url, StreamError> {
    let refused = |code, message: &str| Err(StreamError { code, message: message.to_owned() });
    let Ok(url) = Url::parse(text) else { return refused(31_923, "malformed URL") };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return refused(31_923, "malformed URL"),
    };
    match url.scheme() {
        "wss" => {}
        "ws" if loopback => {}
        _ => return refused(31_922, "the scheme must be wss"),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused(31_920, "a stream's URL has no query string; use <Parameter>");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_secure_or_here_and_has_no_query() {
        let code = |url: &str| check(url).err().map(|error| error.code);
        for fine in ["wss://a.example/s", "ws://127.0.0.1:8080/s", "ws://localhost/s", "ws://[::1]/s"] {
            assert_eq!(code(fine), None, "{fine}");
        }
        assert_eq!(code("ws://a.example/s"), Some(31_922));
        assert_eq!(code("https://a.example/s"), Some(31_922));
        assert_eq!(code("wss://a.example/s?call=1"), Some(31_920));
        assert_eq!(code("/s"), Some(31_923));
    }
}
