//! Voice providers as their documents describe them: strict about what we answer, and signing by code of their own.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than any healthy server takes to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the contact hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// The words.
    pub words: String,
    /// The call ends after them.
    pub hangs_up: bool,
    /// The call goes to this number after them.
    pub transfer: Option<String>,
}

fn mac(key: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes any key");
    for part in parts {
        mac.update(part);
    }
    let bytes = mac.finalize().into_bytes();
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Retell's signature of a body at a time in milliseconds.
pub fn retell_signature(key: &str, body: &[u8], millis: i64) -> String {
    let time = millis.to_string();
    format!("v={time},d={}", mac(key, &[body, time.as_bytes()]))
}

/// Vapi's signature of a body at a time in seconds.
pub fn vapi_signature(secret: &str, body: &[u8], seconds: &str) -> String {
    mac(secret, &[seconds.as_bytes(), b".", body])
}

/// Retell's side of one call.
#[derive(Debug)]
pub struct RetellCall {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    transcript: Vec<Value>,
    newest: u64,
}

impl RetellCall {
    /// Dials the socket at `url` for a call, whose details it tells once it is asked for them.
    ///
    /// # Errors
    /// When the socket does not open, or does not begin as it must.
    pub async fn dial(url: &str, call: &Value) -> Result<Self> {
        let id = call["call_id"].as_str().context("a call has an id")?;
        let (socket, _) = connect_async(format!("{url}/{id}")).await?;
        let mut dialled = Self { socket, transcript: Vec::new(), newest: 0 };
        let config = dialled.frame().await?;
        ensure!(config["response_type"] == "config", "the first frame is {config}");
        ensure!(config["config"]["auto_reconnect"] == true, "{config}");
        if config["config"]["call_details"] == true {
            dialled.send(&json!({ "interaction_type": "call_details", "call": call })).await?;
        }
        Ok(dialled)
    }

    /// The same conversation on a new socket, after the old one broke without a word.
    ///
    /// # Errors
    /// As [`Self::dial`].
    pub async fn redial(self, url: &str, call: &Value) -> Result<Self> {
        let Self { socket, transcript, newest } = self;
        drop(socket);
        Ok(Self { transcript, newest, ..Self::dial(url, call).await? })
    }

    /// The first words.
    ///
    /// # Errors
    /// When something else comes.
    pub async fn greeting(&mut self) -> Result<Spoken> {
        self.answer(0).await
    }

    /// The contact speaks; what they hear then.
    ///
    /// # Errors
    /// When no answer to exactly this comes, or a ping is not echoed.
    pub async fn says(&mut self, words: &str) -> Result<Spoken> {
        self.ask(words).await?;
        self.send(&json!({ "interaction_type": "ping_pong", "timestamp": 1_703_302_407_333_i64 })).await?;
        self.answer(self.newest).await
    }

    /// The contact speaks, and Retell asks for words without waiting for them.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn ask(&mut self, words: &str) -> Result<()> {
        match self.transcript.last_mut() {
            // Who goes on speaking makes their turn longer.
            Some(turn) if turn["role"] == "user" => turn["content"] = words.into(),
            _ => self.transcript.push(json!({ "role": "user", "content": words })),
        }
        self.request("response_required").await
    }

    /// The contact is silent for long; what they hear then.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn is_silent(&mut self) -> Result<Spoken> {
        self.request("reminder_required").await?;
        self.answer(self.newest).await
    }

    /// What came for the last words was never spoken: the contact went on speaking.
    pub fn forget_the_answer(&mut self) {
        if self.transcript.last().is_some_and(|turn| turn["role"] == "agent") {
            self.transcript.pop();
        }
    }

    /// Only so much of our last words was heard.
    pub fn heard_only(&mut self, words: &str) {
        if let Some(turn) = self.transcript.iter_mut().rfind(|turn| turn["role"] == "agent") {
            turn["content"] = words.into();
        }
    }

    async fn request(&mut self, kind: &str) -> Result<()> {
        self.newest += 1;
        let (id, transcript) = (self.newest, self.transcript.clone());
        self.send(&json!({ "interaction_type": kind, "response_id": id, "transcript": transcript })).await
    }

    /// The answer to the request with this id.
    ///
    /// # Errors
    /// When something comes that Retell would not understand.
    pub async fn answer(&mut self, id: u64) -> Result<Spoken> {
        let mut words = String::new();
        loop {
            let frame = self.frame().await?;
            match frame["response_type"].as_str() {
                Some("ping_pong") => ensure!(frame["timestamp"] == 1_703_302_407_333_i64, "{frame}"),
                Some("response") if frame["response_id"] == id => {
                    words.push_str(frame["content"].as_str().context("words")?);
                    if frame["content_complete"] == true {
                        if !words.is_empty() {
                            self.transcript.push(json!({ "role": "agent", "content": words }));
                        }
                        let hangs_up = frame["end_call"] == true;
                        let transfer = frame["transfer_number"].as_str().map(str::to_owned);
                        return Ok(Spoken { words, hangs_up, transfer });
                    }
                }
                // Retell drops answers to what it does not ask any more.
                Some("response") if frame["response_id"].as_u64().is_some_and(|older| older < id) => {}
                _ => bail!("{id} was asked for, {frame} came"),
            }
        }
    }

    /// Any frame, also one that breaks the rules.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send_raw(&mut self, message: Message) -> Result<()> {
        Ok(self.socket.send(message).await?)
    }

    async fn send(&mut self, frame: &Value) -> Result<()> {
        self.send_raw(Message::text(frame.to_string())).await
    }

    async fn frame(&mut self) -> Result<Value> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.context("the socket said nothing")?.context("the socket ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Ping(_) | Message::Pong(_) => {}
                other => bail!("{other:?} breaks the call"),
            }
        }
    }

    /// The call is over.
    ///
    /// # Errors
    /// When the socket is gone already.
    pub async fn hang_up(mut self) -> Result<()> {
        Ok(self.socket.close(None).await?)
    }
}

/// Vapi's side of one call whose model we are.
#[derive(Debug)]
pub struct VapiCall {
    http: reqwest::Client,
    url: String,
    secret: String,
    call: Value,
    messages: Vec<Value>,
}

impl VapiCall {
    /// A call whose model is at the base address `url`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(url: &str, secret: &str, call: Value) -> Result<Self> {
        let messages = vec![json!({ "role": "system", "content": "You are an assistant." })];
        Ok(Self {
            http: crate::http::client()?,
            url: url.to_owned(),
            secret: secret.to_owned(),
            call,
            messages,
        })
    }

    /// The first words.
    ///
    /// # Errors
    /// When no stream comes.
    pub async fn greeting(&mut self) -> Result<Spoken> {
        self.complete().await
    }

    /// The contact speaks; what they hear then.
    ///
    /// # Errors
    /// When no stream comes.
    pub async fn says(&mut self, words: &str) -> Result<Spoken> {
        self.messages.push(json!({ "role": "user", "content": words }));
        self.complete().await
    }

    /// What came for the last words was never spoken.
    pub fn forget_the_answer(&mut self) {
        self.messages.truncate(self.messages.len() - 2);
    }

    async fn complete(&mut self) -> Result<Spoken> {
        let body = json!({ "model": "usher", "messages": self.messages, "temperature": 0.4, "max_tokens": 250,
            "tools": [{ "type": "function", "function": { "name": "endCall" } }], "stream": true, "call": self.call,
            "metadata": {} });
        let request = self.http.post(format!("{}/chat/completions", self.url)).bearer_auth(&self.secret);
        let response = request.json(&body).send().await?;
        let status = response.status();
        let kind = response.headers().get("content-type").cloned();
        let text = response.text().await?;
        ensure!(status == 200, "{status}: {text}");
        ensure!(kind.is_some_and(|kind| kind == "text/event-stream"), "it must be a stream");
        let spoken = read_stream(&text)?;
        if !spoken.words.is_empty() {
            self.messages.push(json!({ "role": "assistant", "content": spoken.words }));
        }
        Ok(spoken)
    }
}

/// Reads a stream of chat completion chunks as an `OpenAI` client does.
fn read_stream(text: &str) -> Result<Spoken> {
    let mut spoken = Spoken { words: String::new(), hangs_up: false, transfer: None };
    let mut finished = false;
    let mut done = false;
    for event in text.split("\n\n").filter(|event| !event.is_empty()) {
        let data = event.strip_prefix("data: ").with_context(|| format!("an event: {event}"))?;
        ensure!(!done, "nothing comes after the end");
        if data == "[DONE]" {
            done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(data)?;
        ensure!(chunk["object"] == "chat.completion.chunk", "{chunk}");
        let choice = &chunk["choices"][0];
        spoken.words.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        let function = &choice["delta"]["tool_calls"][0]["function"];
        match function["name"].as_str() {
            Some("endCall") => spoken.hangs_up = true,
            Some("transferCall") => {
                let arguments: Value =
                    serde_json::from_str(function["arguments"].as_str().unwrap_or_default())?;
                spoken.transfer = arguments["destination"].as_str().map(str::to_owned);
            }
            Some(other) => bail!("there is no tool {other}"),
            None => {}
        }
        finished |= choice["finish_reason"].is_string();
    }
    ensure!(finished && done, "the stream has no end: {text}");
    Ok(spoken)
}
