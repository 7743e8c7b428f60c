//! The widget's side of the wire.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than any healthy server takes to say something it has to say.
const PATIENCE: Duration = Duration::from_secs(10);

/// A status and what came with it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// The JSON body, `Null` when there is none.
    pub body: Value,
}

/// A page that shows one session.
#[derive(Debug, Clone)]
pub struct WidgetClient {
    base: String,
    session: String,
    http: reqwest::Client,
}

impl WidgetClient {
    /// A page of `session` (its id or a resume-link token) on the server at `base`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str, session: &str) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { base, session: session.to_owned(), http: crate::http::client()? })
    }

    /// `GET /api/widget/session/{id}`.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn session(&self) -> Result<Answer> {
        let url = format!("{}/api/widget/session/{}", self.base, self.session);
        answer(self.http.get(url).send().await?).await
    }

    /// Answers a field by what a person typed.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn respond(&self, field: &str, value: &str, key: &str) -> Result<Answer> {
        self.post(
            &json!({ "sessionId": self.session, "field": field, "value": value, "idempotencyKey": key }),
        )
        .await
    }

    /// What the client said, of all channels, oldest first.
    ///
    /// # Errors
    /// When the page does not open.
    pub async fn heard(&self) -> Result<Vec<String>> {
        let page = self.session().await?;
        anyhow::ensure!(page.status == 200, "the page answers {} {}", page.status, page.body);
        let lines = page.body["transcript"].as_array().context("a transcript")?;
        let mine = lines.iter().filter(|line| line["from"] == "client");
        Ok(mine.filter_map(|line| line["text"].as_str().map(str::to_owned)).collect())
    }

    /// Says something in the chat.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn say(&self, text: &str, key: &str) -> Result<Answer> {
        self.post(&json!({ "sessionId": self.session, "text": text, "idempotencyKey": key })).await
    }

    async fn post(&self, body: &Value) -> Result<Answer> {
        answer(self.http.post(format!("{}/api/widget/response", self.base)).json(body).send().await?).await
    }

    /// Opens the live socket, as of `since`.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn watch(&self, since: u64) -> Result<WidgetSocket> {
        let base = self.base.replacen("http", "ws", 1);
        let url = format!("{base}/ws/widget?session={}&since={since}", self.session);
        let (stream, _) = connect_async(url).await.context("the widget's socket opens")?;
        Ok(WidgetSocket { stream })
    }
}

async fn answer(response: reqwest::Response) -> Result<Answer> {
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let body = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
    Ok(Answer { status, retry_after, body })
}

/// The live socket of a page.
#[derive(Debug)]
pub struct WidgetSocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl WidgetSocket {
    /// The next JSON frame.
    ///
    /// # Errors
    /// When the socket ends or says nothing for long.
    pub async fn next(&mut self) -> Result<Value> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.stream.next())
                .await
                .context("the socket said nothing")?
                .context("the socket ended")??;
            if let Message::Text(text) = frame {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    /// Frames until `seq` has come, without gaps; acknowledged as a good client does.
    ///
    /// # Errors
    /// When a turn is missing or out of order.
    pub async fn turns_until(&mut self, since: u64, seq: u64) -> Result<Vec<Value>> {
        let mut turns = Vec::new();
        let mut expected = since + 1;
        while expected <= seq {
            let frame = self.next().await?;
            if frame["type"] == "turn" {
                anyhow::ensure!(frame["seq"] == expected, "turn {expected} was due, {} came", frame["seq"]);
                self.send(&json!({ "type": "ack", "seq": expected })).await?;
                turns.push(frame);
                expected += 1;
            }
        }
        Ok(turns)
    }

    /// Sends a JSON frame.
    ///
    /// # Errors
    /// When the socket is closed.
    pub async fn send(&mut self, frame: &Value) -> Result<()> {
        Ok(self.stream.send(Message::text(frame.to_string())).await?)
    }
}
