//! The agent's side: answers as an ElevenLabs agent does, and says back at once what it hears, frame by frame.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::meter::{Meter, number_in, sound};
use super::wire::{Frames, plain};

/// The conversation as a raw relay passes it on has no greeting: the first frame tells.
const GREETING: &[u8] = b"conversation_initiation_client_data";

/// Calls by the name they carry.
type Meters = Arc<Mutex<HashMap<String, Arc<Meter>>>>;

/// A listening agent.
#[derive(Debug)]
pub struct Agent {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    meters: Meters,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Agent {
    /// Starts to listen.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let meters = Meters::default();
        let known = Arc::clone(&meters);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let known = Arc::clone(&known);
                // A call that ends badly shows as frames that never arrived.
                tokio::spawn(async move { drop(answer(stream, port, known).await) });
            }
        });
        Ok(Self { port, meters, task })
    }

    /// Expects the call that names itself `name` (the product: its call id; a relay: its path).
    pub fn expect(&self, name: &str, meter: &Arc<Meter>) {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(meter));
    }
}

/// Whatever the vendor's API is asked: the address of a conversation, a new agent, a new tool.
async fn api(mut stream: TcpStream, port: u16) -> Result<()> {
    let mut request = Vec::new();
    let complete = |request: &[u8]| {
        let text = String::from_utf8_lossy(request);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let head = head.to_ascii_lowercase();
        let length =
            head.split_once("content-length:").and_then(|(_, rest)| rest.lines().next()?.trim().parse().ok());
        (body.len() >= length.unwrap_or(0_usize)).then_some(())
    };
    while complete(&request).is_none() {
        ensure!(stream.read_buf(&mut request).await? > 0, "a request in pieces");
    }
    let body = format!(
        r#"{{"id":"tool_bench","agent_id":"agent_bench","signed_url":"ws://127.0.0.1:{port}/v1/convai/conversation?conversation_signature=x"}}"#
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Ok(stream.write_all(answer.as_bytes()).await?)
}

async fn answer(stream: TcpStream, port: u16, meters: Meters) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut head = [0; 2048];
    let length = stream.peek(&mut head).await?;
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    if !head.to_ascii_lowercase().contains("upgrade: websocket") {
        return api(stream, port).await;
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let stream = tokio_tungstenite::accept_async(stream).await?.into_inner();
    let (incoming, mut outgoing) = stream.into_split();
    let mut frames = Frames::of(incoming);
    let mut meter =
        meters.lock().unwrap_or_else(PoisonError::into_inner).get(path.trim_start_matches("/raw/")).cloned();
    let raw = meter.is_some();
    while let Some(frame) = frames.next().await? {
        if let Some(number) = number_in(frame) {
            let meter = meter.as_ref().context("sound before a greeting")?;
            meter.there.arrive(number);
            let number = meter.back.depart();
            let text = if raw {
                format!(r#"{{"event":"media","streamSid":"MZ","media":{{"payload":"{}"}}}}"#, sound(number))
            } else {
                format!(
                    r#"{{"audio_event":{{"audio_base_64":"{}","event_id":{number}}},"type":"audio"}}"#,
                    sound(number)
                )
            };
            outgoing.write_all(&plain(&text)).await?;
        } else if frame.windows(GREETING.len()).any(|window| window == GREETING) {
            let text = std::str::from_utf8(frame)?;
            meter = meters
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .find(|(name, _)| text.contains(name.as_str()))
                .map(|(_, meter)| Arc::clone(meter));
            ensure!(meter.is_some(), "a conversation nobody expects");
            let ready = r#"{"conversation_initiation_metadata_event":{"conversation_id":"conv_bench","agent_output_audio_format":"ulaw_8000","user_input_audio_format":"ulaw_8000"},"type":"conversation_initiation_metadata"}"#;
            outgoing.write_all(&plain(ready)).await?;
        }
    }
    Ok(())
}
