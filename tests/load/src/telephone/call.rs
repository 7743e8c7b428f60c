//! The carrier's side of a call: a media stream as Twilio opens it, 20 ms of sound at a time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use usher_testkit::twilio::{Account, signature};

use super::meter::{Meter, number_in, sound};
use super::wire::{Frames, masked};

/// How long a frame of sound lasts.
const FRAME: Duration = Duration::from_millis(20);

/// How the sound goes from the carrier to the agent.
#[derive(Debug, Clone)]
pub enum Way {
    /// Through the product.
    Product {
        /// Signs requests.
        account: Account,
        /// Where it listens.
        port: u16,
    },
    /// Through a raw relay on this port to an agent on that one.
    Relay {
        /// Where the relay listens.
        port: u16,
        /// Where the agent does.
        agent: u16,
    },
}

/// A call that is going on until it is dropped.
#[derive(Debug)]
pub struct Call {
    /// What its frames went through.
    pub meter: Arc<Meter>,
    tasks: [JoinHandle<()>; 2],
    outgoing: Arc<Mutex<OwnedWriteHalf>>,
}

impl Call {
    /// Connects the `number`-th call. `expect` is told by what name the agent will know it, before the agent is dialled.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn open(way: &Way, number: u64, expect: impl Fn(&str, &Arc<Meter>)) -> Result<Self> {
        let meter = Meter::new();
        let (stream, hello) = match way {
            Way::Relay { port, agent } => {
                let name = format!("{number}-{agent}");
                expect(&name, &meter);
                (handshake(*port, &format!("ws://127.0.0.1:{port}/{agent}/{name}"), None).await?, Vec::new())
            }
            Way::Product { account, port } => {
                let sid = format!("CA{number:032x}");
                let twiml = ring(account, *port, number, &sid).await?;
                let call = between(&twiml, "name=\"call\" value=\"", "\"")?;
                let token = between(&twiml, "name=\"token\" value=\"", "\"")?;
                let url = between(&twiml, "<Stream url=\"", "\"")?;
                expect(call, &meter);
                let signed = signature(&account.auth_token, url, &[]);
                (handshake(*port, url, Some(&signed)).await?, start(account, &sid, call, token))
            }
        };
        let (incoming, mut writer) = stream.into_split();
        for text in hello {
            writer.write_all(&masked(&text)).await?;
        }
        let outgoing = Arc::new(Mutex::new(writer));
        let tasks = [
            tokio::spawn(speak(Arc::clone(&outgoing), Arc::clone(&meter), number)),
            tokio::spawn(listen(Frames::of(incoming), Arc::clone(&outgoing), Arc::clone(&meter))),
        ];
        Ok(Self { meter, tasks, outgoing })
    }

    /// The contact falls silent; what is on its way still arrives.
    pub fn hush(&self) {
        self.tasks[0].abort();
    }

    /// Hangs up as Twilio does.
    pub async fn hang_up(self) {
        self.hush();
        let stop = masked(
            r#"{"event":"stop","sequenceNumber":"9","stop":{"accountSid":"AC","callSid":"CA"},"streamSid":"MZ"}"#,
        );
        let mut outgoing = self.outgoing.lock().await;
        // The other side may be gone already.
        drop(outgoing.write_all(&stop).await);
        drop(outgoing.shutdown().await);
        self.tasks[1].abort();
    }
}

/// Asks the product what to do with a call, as Twilio does when it rings.
async fn ring(account: &Account, port: u16, number: u64, sid: &str) -> Result<String> {
    let url = account.sms_url.replace("/sms", "/voice");
    let from = format!("+1{}", 4_152_000_000 + number);
    let form: Vec<(String, String)> = [
        ("AccountSid", account.sid.as_str()),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", sid),
        ("CallStatus", "ringing"),
        ("Called", &account.number),
        ("Caller", &from),
        ("Direction", "inbound"),
        ("From", &from),
        ("To", &account.number),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let signed = signature(&account.auth_token, &url, &form);
    let query: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>())
        })
        .collect();
    let path = url::Url::parse(&url)?.path().to_owned();
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signed.as_str())];
    let request = crate::http::post(port, &path, &headers, &query.join("&"));
    let mut connection = crate::http::Connection::open(port).await?;
    let status = connection.ask(&request).await?;
    let twiml = String::from_utf8_lossy(connection.body()).into_owned();
    if status != 200 {
        bail!("the call was answered {status}: {twiml}");
    }
    Ok(twiml)
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Result<&'t str> {
    let rest = text.split_once(before).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once(after))
        .map(|(found, _)| found)
        .with_context(|| format!("no {before} in {text}"))
}

async fn handshake(port: u16, url: &str, signed: Option<&str>) -> Result<TcpStream> {
    let mut request = url.into_client_request()?;
    if let Some(signed) = signed {
        request.headers_mut().insert("x-twilio-signature", signed.parse()?);
    }
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket.into_inner())
}

fn start(account: &Account, sid: &str, call: &str, token: &str) -> Vec<String> {
    let account = &account.sid;
    vec![
        r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.to_owned(),
        format!(
            r#"{{"event":"start","sequenceNumber":"1","start":{{"accountSid":"{account}","streamSid":"MZ{}","callSid":"{sid}","tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"customParameters":{{"call":"{call}","token":"{token}"}}}},"streamSid":"MZ{}"}}"#,
            &sid[2..],
            &sid[2..]
        ),
    ]
}

/// Sends a frame every 20 ms, calls spread over the interval.
async fn speak(outgoing: Arc<Mutex<OwnedWriteHalf>>, meter: Arc<Meter>, call: u64) {
    let offset = Duration::from_micros(call * 7_919 % 20_000);
    let mut ticks = interval_at(Instant::now() + offset, FRAME);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        let number = meter.there.depart();
        let text = format!(
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{number}","timestamp":"{}","payload":"{}"}},"streamSid":"MZ00000000000000000000000000000000"}}"#,
            number + 1,
            number * 20,
            sound(number)
        );
        if outgoing.lock().await.write_all(&masked(&text)).await.is_err() {
            return;
        }
    }
}

/// Takes what the agent says, and answers marks at once: a telephone that has played everything.
async fn listen(mut frames: Frames, outgoing: Arc<Mutex<OwnedWriteHalf>>, meter: Arc<Meter>) {
    while let Ok(Some(frame)) = frames.next().await {
        if let Some(number) = number_in(frame) {
            meter.back.arrive(number);
            continue;
        }
        let Ok(text) = std::str::from_utf8(frame) else { continue };
        if let Ok(name) = between(text, "\"name\":\"", "\"") {
            let echo = format!(
                r#"{{"event":"mark","sequenceNumber":"4","streamSid":"MZ","mark":{{"name":"{name}"}}}}"#
            );
            if outgoing.lock().await.write_all(&masked(&echo)).await.is_err() {
                return;
            }
        }
    }
}
