//! The custom-LLM socket: the vendor dials the server, tells it what was heard, and speaks what it answers.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::call::Retell;
use crate::calls::{LineEvent, Order, telephone};
use crate::faults::{FaultKind, Moment, Subject, Timed};
use crate::sim::lock;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(7);
const CONNECT_PAUSE: Duration = Duration::from_secs(3);
const CONNECT_TRIES: u32 = 3;
const RECONNECTS: u32 = 4;
const PING_EVERY: Duration = Duration::from_secs(2);
const PONG_TIMEOUT: Duration = Duration::from_secs(5);

/// Messages that are none, and one of a kind that nobody knows.
const MALFORMED: [&str; 4] = [
    "{",
    "[]",
    r#"{"interaction_type":"response_required","response_id":"x"}"#,
    r#"{"interaction_type":"something_new"}"#,
];

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a conversation is over.
pub(crate) enum Over {
    AgentHungUp,
    UserHungUp,
    Stopped,
    NotOpened,
    Lost,
    Corrupt,
    Transferred,
}

/// What happens when the words being spoken have been played.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Listen,
    HangUp,
    Transfer,
}

struct Talk<'r> {
    retell: &'r Retell,
    transcript: Vec<Value>,
    /// The newest request for an answer.
    asked: u64,
    /// Words of the open answer that have not been spoken yet.
    words: String,
    protected: bool,
    then: Then,
    auto_reconnect: bool,
    last_pong: Instant,
}

/// Why a connection is no longer used.
enum Break {
    Over(Over),
    Reconnect,
}

/// Talks until the call is over.
pub(crate) async fn converse(retell: &Retell, orders: &mut Receiver<Order>) -> Over {
    let mut talk = Talk {
        retell,
        transcript: Vec::new(),
        asked: 0,
        words: String::new(),
        protected: false,
        then: Then::Listen,
        auto_reconnect: false,
        last_pong: Instant::now(),
    };
    lock(&retell.live.line).recognise(true);
    let call = retell.call();
    let number = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let (to, from) = (number("to_number"), number("from_number"));
    let drawn = lock(&retell.sim.faults).draw(Moment::Peer, Subject { to: &to, from: &from, body: "" });
    let mut faults = Timed::new(&drawn);
    let mut reconnects = 0;
    loop {
        let Some(socket) = connect(retell).await else {
            return if reconnects == 0 { Over::NotOpened } else { Over::Lost };
        };
        match talk.exchange(socket, orders, &mut faults).await {
            Break::Over(over) => return over,
            Break::Reconnect if reconnects == RECONNECTS => return Over::Lost,
            Break::Reconnect => reconnects += 1,
        }
        retell.live.note(&retell.sim, "stream", "reconnecting", json!({}));
    }
}

async fn connect(retell: &Retell) -> Option<Socket> {
    for attempt in 0..CONNECT_TRIES {
        if attempt > 0 {
            sleep(CONNECT_PAUSE).await;
        }
        if let Ok(Ok((socket, _))) = timeout(CONNECT_TIMEOUT, connect_async(retell.llm_url())).await {
            retell.live.note(&retell.sim, "stream", "started", json!({}));
            return Some(socket);
        }
    }
    None
}

impl Talk<'_> {
    async fn exchange(
        &mut self,
        mut socket: Socket,
        orders: &mut Receiver<Order>,
        faults: &mut Timed,
    ) -> Break {
        let live = &self.retell.live;
        let mut events = live.events();
        let mut pings = interval(PING_EVERY);
        let mut played = None;
        self.last_pong = Instant::now();
        loop {
            let out = tokio::select! {
                fault = faults.next() => match fault {
                    FaultKind::PeerStall { millis, .. } => {
                        sleep(Duration::from_millis(millis)).await;
                        Vec::new()
                    }
                    FaultKind::PeerMalformed { .. } => {
                        for text in MALFORMED {
                            if socket.send(Message::text(text)).await.is_err() {
                                return Break::Reconnect;
                            }
                        }
                        Vec::new()
                    }
                    // Without a close, as a connection that breaks.
                    _ => return Break::Reconnect,
                },
                order = orders.recv() => match order {
                    Some(Order::HangUp | Order::Decline) => return Break::Over(Over::UserHungUp),
                    Some(Order::End) | None => return Break::Over(Over::Stopped),
                    Some(Order::Answer | Order::Run(_)) => Vec::new(),
                },
                _ = pings.tick(), if self.auto_reconnect => {
                    if self.last_pong.elapsed() > PONG_TIMEOUT {
                        return Break::Reconnect;
                    }
                    vec![json!({ "interaction_type": "ping_pong", "timestamp": self.retell.sim.now() })]
                }
                Some(done) = async { match &mut played { Some(told) => Some(std::pin::Pin::new(told).await), None => std::future::pending().await } } => {
                    played = None;
                    match (done, self.then) {
                        (Ok(()), Then::HangUp) => return Break::Over(Over::AgentHungUp),
                        (Ok(()), Then::Transfer) => return Break::Over(Over::Transferred),
                        _ => vec![self.update("user_turn")],
                    }
                }
                event = events.recv() => match event {
                    Ok(LineEvent::Voice) if played.is_some() && !self.protected => {
                        lock(&live.line).clear();
                        self.then = Then::Listen;
                        vec![self.update("user_turn")]
                    }
                    Ok(LineEvent::Recognised(hearing)) => {
                        let words = if hearing.text.is_empty() { "(unintelligible audio)" } else { &hearing.text };
                        self.transcript.push(json!({ "role": "user", "content": words }));
                        self.keep();
                        self.asked += 1;
                        self.words.clear();
                        vec![json!({ "interaction_type": "response_required", "response_id": self.asked, "transcript": self.transcript })]
                    }
                    _ => Vec::new(),
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        let frame: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                        let mut out = Vec::new();
                        if let Some(told) = self.take(&frame, &mut out).await {
                            played = Some(told);
                        }
                        out
                    }
                    Some(Ok(Message::Binary(_))) => return Break::Over(Over::Corrupt),
                    Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 1_000 => {
                        return Break::Over(Over::AgentHungUp);
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Break::Reconnect,
                    Some(Ok(_)) => Vec::new(),
                },
            };
            for message in out {
                if socket.send(Message::text(message.to_string())).await.is_err() {
                    return Break::Reconnect;
                }
            }
        }
    }

    fn update(&self, turn: &str) -> Value {
        json!({ "interaction_type": "update_only", "turntaking": turn, "transcript": self.transcript })
    }

    /// Keeps the transcript in the call object.
    fn keep(&self) {
        let lines = self.transcript.iter().map(|line| {
            let who = if line["role"] == "agent" { "Agent" } else { "User" };
            format!("{who}: {}\n", line["content"].as_str().unwrap_or_default())
        });
        let text = lines.collect::<Vec<_>>().concat();
        self.retell.change(|call| {
            call["transcript"] = json!(text);
            call["transcript_object"] = json!(self.transcript);
        });
    }

    /// Takes a frame of the server. Malformed and unknown ones are ignored.
    async fn take(
        &mut self,
        frame: &Value,
        out: &mut Vec<Value>,
    ) -> Option<tokio::sync::oneshot::Receiver<()>> {
        match frame["response_type"].as_str().unwrap_or("response") {
            "config" => {
                self.auto_reconnect = frame["config"]["auto_reconnect"] == true;
                if frame["config"]["call_details"] == true {
                    out.push(json!({ "interaction_type": "call_details", "call": self.retell.call() }));
                }
                None
            }
            "ping_pong" => {
                self.last_pong = Instant::now();
                None
            }
            // Only the newest request is answered.
            "response" if frame["response_id"].as_u64() == Some(self.asked) => self.answer(frame, out).await,
            "agent_interrupt" => self.answer(frame, out).await,
            _ => None,
        }
    }

    async fn answer(
        &mut self,
        frame: &Value,
        out: &mut Vec<Value>,
    ) -> Option<tokio::sync::oneshot::Receiver<()>> {
        self.words.push_str(frame["content"].as_str().unwrap_or_default());
        if frame["content_complete"] != true {
            return None;
        }
        self.protected = frame["no_interruption_allowed"] == true;
        self.then = if frame["end_call"] == true {
            Then::HangUp
        } else if frame["transfer_number"].is_string() {
            Then::Transfer
        } else {
            Then::Listen
        };
        let words = std::mem::take(&mut self.words);
        if words.trim().is_empty() && self.then == Then::Listen {
            return None;
        }
        self.transcript.push(json!({ "role": "agent", "content": words.trim() }));
        self.keep();
        out.push(self.update("agent_turn"));
        let phrase = self.retell.sim.phrases.phrase(&words).await;
        let mut line = lock(&self.retell.live.line);
        line.play(telephone(&phrase));
        Some(line.played())
    }
}
