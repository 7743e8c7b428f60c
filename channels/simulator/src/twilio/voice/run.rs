//! The interpreter: asks for documents and follows their verbs in order.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::json;
use url::Url;

use super::document::{self, DocumentError, Element};
use super::reports::{self, Reporter};
use super::stream::{Stream, Tracks};
use super::{dial, gather, recording};
use crate::calls::{Instructions, Live, Phase, play, silence, telephone};
use crate::sim::{Sim, lock};
use crate::speech::{Resampler, g711, wav};
use crate::twilio::webhook::{self, WebhookParams};
use crate::world::{Call, CallStatus, WebhookOutcome};

/// What the vendor says to a caller whose server cannot be understood.
const APPLICATION_ERROR: &str = "We are sorry, an application error has occurred. Goodbye.";
/// A call that only redirects is stopped after this many documents.
const MAX_DOCUMENTS: usize = 500;
/// For ever, as far as one call goes.
const MAX_LOOPS: u64 = 1_000;

/// What a verb leads to.
pub(crate) enum Flow {
    /// The next verb.
    Next,
    /// Another document, asked for with these parameters.
    Go(Instructions, WebhookParams),
    /// The end.
    HangUp,
}

/// A call and what following its instructions needs.
pub(crate) struct Context {
    pub(crate) sim: Arc<Sim>,
    pub(crate) live: Arc<Live>,
    pub(crate) auth_token: String,
    pub(crate) reporter: Rc<RefCell<Reporter>>,
    /// The address of the document that is followed.
    pub(crate) base: RefCell<String>,
    /// Streams that only listen.
    streams: RefCell<Vec<Stream>>,
}

impl Context {
    pub(crate) fn new(sim: &Arc<Sim>, live: &Arc<Live>, reporter: Reporter) -> Self {
        Self {
            sim: Arc::clone(sim),
            live: Arc::clone(live),
            auth_token: reporter.auth_token().to_owned(),
            reporter: Rc::new(RefCell::new(reporter)),
            base: RefCell::default(),
            streams: RefCell::default(),
        }
    }

    /// The call as the vendor knows it now.
    pub(crate) fn call(&self) -> Call {
        let call = self.sim.read(|world| world.call(&self.live.sid).cloned());
        call.expect("a call is in the world before it lives")
    }

    /// Moves the call to a status and tells who wants to know.
    pub(crate) fn enter(&self, status: CallStatus) {
        self.reporter.borrow_mut().enter(status, Vec::new());
    }

    /// An address as it stands in a document, which may be relative to the document's own.
    pub(crate) fn absolute(&self, url: &str) -> String {
        let base = self.base.borrow();
        match Url::parse(url) {
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                let joined = Url::parse(&base).and_then(|base| base.join(url));
                joined.map_or_else(|_| url.to_owned(), String::from)
            }
            _ => url.to_owned(),
        }
    }

    /// Where a verb's `action` leads; without one, to the document it stands in.
    pub(crate) fn action(&self, verb: &Element) -> Instructions {
        let url =
            verb.attribute("action").map_or_else(|| self.base.borrow().clone(), |url| self.absolute(url));
        Instructions::Url { url, method: verb.method() }
    }

    /// Notes an error as the vendor's debugger would.
    pub(crate) fn error(&self, code: u32, message: &str) {
        self.live.note(&self.sim, "error", code.to_string(), json!({ "code": code, "message": message }));
    }

    /// Says words to the handset and waits until they were played.
    pub(crate) async fn say(&self, words: &str) {
        if !words.trim().is_empty() {
            let phrase = self.sim.phrases.phrase(words).await;
            play(&self.live, telephone(&phrase)).await;
        }
    }

    /// The handset and the vendor are connected.
    pub(crate) fn answer(&self) {
        if self.live.phase() == Phase::Ringing {
            self.enter(CallStatus::InProgress);
            self.live.enter(&self.sim, Phase::Talking);
            actix_web::rt::spawn(Arc::clone(&self.live).run_line(Arc::clone(&self.sim)));
        }
    }
}

/// Why there is nothing more to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The document ended.
    Document,
    /// A verb hung up, or the instructions could not be understood.
    HangUp,
}

/// Follows instructions to their end.
pub(crate) async fn follow(cx: &Context, first: Instructions, params: WebhookParams) -> Ending {
    let (mut instructions, mut params) = (first, params);
    for _ in 0..MAX_DOCUMENTS {
        let verbs = match load(cx, &instructions, &params).await {
            Ok(verbs) => verbs,
            Err(error) => {
                cx.error(error.code, &error.message);
                cx.answer();
                cx.say(APPLICATION_ERROR).await;
                return Ending::HangUp;
            }
        };
        let mut next = None;
        for verb in &verbs {
            match follow_verb(cx, verb).await {
                Flow::Next => {}
                Flow::Go(instructions, params) => {
                    next = Some((instructions, params));
                    break;
                }
                Flow::HangUp => return Ending::HangUp,
            }
        }
        let Some(go) = next else { return Ending::Document };
        (instructions, params) = go;
    }
    cx.error(12_400, "too many documents in one call");
    Ending::HangUp
}

/// Asks for a document; when it cannot be had or understood, whichever of the call's it is, the call's fallback.
async fn load(
    cx: &Context,
    instructions: &Instructions,
    params: &WebhookParams,
) -> Result<Vec<Element>, DocumentError> {
    let (url, method) = match instructions {
        Instructions::Inline(xml) => {
            cx.live.note(&cx.sim, "twiml", xml.clone(), json!({}));
            return document::parse(xml);
        }
        Instructions::Url { url, method } => (url, method),
    };
    let mut all = reports::standard(&cx.call());
    all.extend(params.iter().cloned());
    let error = match ask(cx, url, method, &all).await {
        Ok(verbs) => return Ok(verbs),
        Err(error) => error,
    };
    let Some(fallback) = cx.call().fallback else { return Err(error) };
    cx.error(error.code, &error.message);
    all.push(("ErrorCode", error.code.to_string()));
    all.push(("ErrorUrl", url.clone()));
    ask(cx, &fallback, "POST", &all).await
}

async fn ask(
    cx: &Context,
    url: &str,
    method: &str,
    params: &WebhookParams,
) -> Result<Vec<Element>, DocumentError> {
    let url = cx.absolute(url);
    let (outcome, answer) = webhook::fetch(&cx.sim, &cx.auth_token, &url, method, params).await;
    let document = answer.as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
    note_document(cx, &url, &outcome, document);
    let Some((content_type, body)) = answer else {
        let code = outcome.error_code.unwrap_or(11_200);
        return Err(DocumentError { code, message: format!("HTTP retrieval failure at {url}") });
    };
    let verbs = document::read(&content_type, &body)?;
    *cx.base.borrow_mut() = url;
    Ok(verbs)
}

fn note_document(cx: &Context, url: &str, outcome: &WebhookOutcome, document: String) {
    cx.live.note(&cx.sim, "twiml", document, json!({ "url": url, "outcome": outcome }));
}

async fn follow_verb(cx: &Context, verb: &Element) -> Flow {
    let attributes: serde_json::Map<_, _> =
        verb.attributes.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    cx.live.note(&cx.sim, "verb", verb.name.clone(), json!({ "attributes": attributes, "text": verb.text }));
    if verb.name == "Reject" && cx.live.phase() == Phase::Ringing {
        let busy = verb.attribute("reason") == Some("busy");
        cx.enter(if busy { CallStatus::Busy } else { CallStatus::NoAnswer });
        return Flow::HangUp;
    }
    cx.answer();
    match verb.name.as_str() {
        "Say" | "Play" | "Pause" => {
            speak(cx, verb).await;
            Flow::Next
        }
        "Gather" => gather::gather(cx, verb).await,
        "Connect" => connect(cx, verb).await,
        "Start" => start(cx, verb),
        "Stop" => stop(cx, verb),
        "Dial" => Box::pin(dial::dial(cx, verb)).await,
        "Redirect" => {
            let (url, method) = (cx.absolute(&verb.text), verb.method());
            Flow::Go(Instructions::Url { url, method }, Vec::new())
        }
        "Record" => recording::record(cx, verb).await,
        // `<Hangup>`, and `<Reject>` of a call that was answered already.
        _ => Flow::HangUp,
    }
}

/// `<Say>`, `<Play>` and `<Pause>`, alone or inside `<Gather>`.
pub(crate) async fn speak(cx: &Context, verb: &Element) {
    let loops = match verb.number("loop") {
        Some(0) => MAX_LOOPS,
        times => times.unwrap_or(1).min(MAX_LOOPS),
    };
    if verb.name == "Pause" {
        let seconds = usize::try_from(verb.number("length").unwrap_or(1)).unwrap_or(1);
        play(&cx.live, silence(seconds.min(3_600) * 1_000)).await;
        return;
    }
    for _ in 0..loops {
        if verb.name == "Say" {
            cx.say(&document::words(verb)).await;
        } else if let Some(digits) = verb.attribute("digits") {
            play(&cx.live, keys(digits)).await;
        } else if let Some(sound) = file(cx, &cx.absolute(&verb.text)).await {
            play(&cx.live, sound).await;
        } else {
            return;
        }
    }
}

/// The tones of keys; `w` waits half a second.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a sample is what is left of it"
)]
pub(crate) fn keys(digits: &str) -> Bytes {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let mut bytes = Vec::new();
    for digit in digits.chars() {
        if let Some(key) = "123A456B789C*0#D".find(digit) {
            let (row, column) = (ROWS[key / 4], COLUMNS[key % 4]);
            bytes.extend((0..800).map(|n| {
                let turn = std::f32::consts::TAU * n as f32 / 8_000.0;
                g711::encode((((turn * row).sin() + (turn * column).sin()) * 5_000.0) as i16)
            }));
        }
        let rest = if digit.eq_ignore_ascii_case(&'w') { 4_000 } else { 800 };
        bytes.extend(std::iter::repeat_n(g711::SILENCE, rest));
    }
    bytes.into()
}

/// A sound file from a server. Only WAV can be played here; for anything else the vendor's code is noted.
async fn file(cx: &Context, url: &str) -> Option<Bytes> {
    let answer = cx.sim.http.send_up_to(cx.sim.http.client().get(url), 8 * 1024 * 1024).await;
    let sound = match answer {
        Ok(answer) if answer.status.is_success() => wav::read(&answer.body).ok(),
        _ => {
            cx.error(11_200, &format!("HTTP retrieval failure at {url}"));
            return None;
        }
    };
    if sound.is_none() {
        cx.error(12_300, &format!("{url} is not a WAV file with 16-bit or µ-law samples"));
    }
    sound.map(|sound| g711::encode_all(&Resampler::new(sound.hz, g711::HZ).convert(&sound.samples)).into())
}

async fn connect(cx: &Context, verb: &Element) -> Flow {
    let Some(noun) = verb.children.first() else { return Flow::HangUp };
    let mut stream = Stream::open(cx, noun, Tracks::BothWays);
    stream.ended().await;
    if verb.attribute("action").is_some() {
        return Flow::Go(cx.action(verb), Vec::new());
    }
    Flow::Next
}

fn start(cx: &Context, verb: &Element) -> Flow {
    for noun in &verb.children {
        if noun.name == "Recording" {
            let wish = recording::Wish::of_noun(cx, noun, "StartCallRecordingTwiML");
            if let Err(message) = recording::start(&cx.sim, &cx.live, &cx.call(), wish) {
                cx.error(21_220, message);
            }
        } else {
            let tracks = match noun.attribute("track") {
                Some("outbound_track") => Tracks::Outbound,
                Some("both_tracks") => Tracks::Both,
                _ => Tracks::Inbound,
            };
            cx.streams.borrow_mut().push(Stream::open(cx, noun, tracks));
        }
    }
    Flow::Next
}

fn stop(cx: &Context, verb: &Element) -> Flow {
    for noun in &verb.children {
        if noun.name == "Recording" {
            recording::finish(&cx.sim, &cx.live);
        } else {
            let name = noun.attribute("name");
            cx.streams.borrow_mut().retain(|stream| stream.name.as_deref() != name);
        }
    }
    Flow::Next
}

/// How long verbs wait, in seconds, within what the vendor allows.
pub(crate) fn seconds(verb: &Element, name: &str, default: u64, most: u64) -> Duration {
    Duration::from_secs(verb.number(name).unwrap_or(default).min(most))
}

/// Drops what listens to a call that is over.
pub(crate) fn release(cx: &Context) {
    cx.streams.borrow_mut().clear();
    recording::finish(&cx.sim, &cx.live);
    lock(&cx.live.line).recognise(false);
}
