//! What every handler shares: the world, its file, the clock, and who watches.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::Value;
use tokio::sync::broadcast;
use usher_channels::http::HttpStack;
use usher_conversation::ports::{Clock, Entropy};

use crate::StartError;
use crate::calls::{Live, Phase};
use crate::elevenlabs;
use crate::faults::Faults;
use crate::retell;
use crate::speech::{PhraseBook, SpeechVoice};
use crate::store::StateFile;
use crate::twilio::voice::recording::Callback;
use crate::vapi;
use crate::world::{CallStatus, Line, LineState, Record, World};

/// A handset's screen changed.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    pub(crate) phone: Arc<str>,
    pub(crate) what: What,
}

/// What changed on it.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Line(Arc<Line>),
    /// A call, as [`Live::shown`] has it.
    Call(Value),
}

/// Calls whose lines and logs are kept after their end.
const MAX_CALLS: usize = 2_000;
/// Bytes of recordings that are kept; the oldest are forgotten first.
const MAX_RECORDED: usize = 128 * 1024 * 1024;

/// Calls that live or have lived, oldest first.
#[derive(Default)]
struct Calls {
    by_sid: HashMap<String, Arc<Live>>,
    order: VecDeque<String>,
}

/// The files of recordings, and where their progress is reported.
#[derive(Default)]
pub(crate) struct Recordings {
    files: HashMap<String, Bytes>,
    order: VecDeque<String>,
    size: usize,
    pub(crate) callbacks: HashMap<String, Callback>,
}

impl Recordings {
    pub(crate) fn keep(&mut self, sid: &str, file: Bytes) {
        self.size += file.len();
        self.files.insert(sid.to_owned(), file);
        self.order.push_back(sid.to_owned());
        while self.size > MAX_RECORDED
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(&oldest);
        }
    }

    pub(crate) fn file(&self, sid: &str) -> Option<Bytes> {
        self.files.get(sid).cloned()
    }

    pub(crate) fn forget(&mut self, sid: &str) {
        self.size -= self.files.remove(sid).map_or(0, |file| file.len());
        self.callbacks.remove(sid);
    }
}

/// Watchers that lag further behind than this reload the screen.
const WATCH_BUFFER: usize = 256;

pub(crate) struct Sim {
    state: Mutex<State>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    pub(crate) http: HttpStack,
    /// Time between two statuses of an outgoing message.
    pub(crate) pace: Duration,
    /// Where the simulator is reached; set once it listens.
    pub(crate) url: OnceLock<String>,
    pub(crate) watchers: broadcast::Sender<Changed>,
    pub(crate) in_flight: Mutex<HashMap<String, u32>>,
    /// When each sending number is free again, in milliseconds of the clock.
    pub(crate) lanes: Mutex<HashMap<String, f64>>,
    /// When each account may begin its next call, in milliseconds of the clock.
    pub(crate) call_turns: Mutex<HashMap<String, i64>>,
    pub(crate) phrases: PhraseBook,
    calls: Mutex<Calls>,
    pub(crate) recordings: Mutex<Recordings>,
    /// The vendor's own store of documents, by name.
    pub(crate) bins: Mutex<HashMap<String, String>>,
    pub(crate) elevenlabs: Mutex<elevenlabs::Vendor>,
    pub(crate) retell: Mutex<retell::Vendor>,
    pub(crate) vapi: Mutex<vapi::Vendor>,
}

struct State {
    world: World,
    file: Option<StateFile>,
}

/// A lock that was held by a handler that panicked: the world is still whole, because records are applied one by one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        http: HttpStack,
        pace: Duration,
        speech: SpeechVoice,
        state_file: Option<&Path>,
    ) -> Result<Self, StartError> {
        let mut world = World::default();
        let file = state_file.map(|path| StateFile::open(path, &mut world)).transpose()?;
        let sim = Self {
            state: Mutex::new(State { world, file }),
            faults: Mutex::default(),
            clock,
            entropy,
            http,
            pace,
            url: OnceLock::new(),
            watchers: broadcast::channel(WATCH_BUFFER).0,
            in_flight: Mutex::default(),
            lanes: Mutex::default(),
            call_turns: Mutex::default(),
            phrases: PhraseBook::new(speech),
            calls: Mutex::default(),
            recordings: Mutex::default(),
            bins: Mutex::default(),
            elevenlabs: Mutex::default(),
            retell: Mutex::default(),
            vapi: Mutex::default(),
        };
        sim.end_lost_calls();
        Ok(sim)
    }

    /// A carrier that was switched off has dropped its calls.
    fn end_lost_calls(&self) {
        let now = self.now();
        self.change(|world| {
            let lost = world.calls().filter(|call| !call.status.is_final()).cloned();
            let ended = lost.map(|mut call| {
                call.status = if call.started.is_some() { CallStatus::Completed } else { CallStatus::Failed };
                call.ended = Some(now);
                Record::Call { call: Box::new(call) }
            });
            (ended.collect(), ())
        });
    }

    /// A call begins to live.
    pub(crate) fn add_call(&self, live: &Arc<Live>) {
        let mut calls = lock(&self.calls);
        calls.order.push_back(live.sid.clone());
        calls.by_sid.insert(live.sid.clone(), Arc::clone(live));
        while calls.order.len() > MAX_CALLS
            && let Some(oldest) = calls.order.pop_front()
        {
            match calls.by_sid.get(&oldest).map(|live| live.phase()) {
                Some(Phase::Ended) | None => drop(calls.by_sid.remove(&oldest)),
                Some(Phase::Ringing | Phase::Talking) => {
                    calls.order.push_back(oldest);
                    return;
                }
            }
        }
    }

    /// A call that lives or has lived lately.
    pub(crate) fn live_call(&self, sid: &str) -> Option<Arc<Live>> {
        lock(&self.calls).by_sid.get(sid).cloned()
    }

    /// All of them, oldest first.
    pub(crate) fn live_calls(&self) -> Vec<Arc<Live>> {
        let calls = lock(&self.calls);
        calls.order.iter().filter_map(|sid| calls.by_sid.get(sid).cloned()).collect()
    }

    /// Wakes whoever waits for something that no handset shows.
    pub(crate) fn ring(&self) {
        // Nobody waiting is the usual case.
        let _ = self.watchers.send(Changed { phone: "".into(), what: What::Call(Value::Null) });
    }

    /// Shows a call on its handset.
    pub(crate) fn show_call(&self, live: &Live) {
        // Nobody watching is the usual case.
        let _ = self
            .watchers
            .send(Changed { phone: live.handset.as_str().into(), what: What::Call(live.shown()) });
    }

    /// From now on nothing is kept.
    pub(crate) fn close_file(&self) {
        lock(&self.state).file = None;
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millis()
    }

    /// A new id with the vendor's prefix.
    pub(crate) fn sid(&self, prefix: &str) -> String {
        format!("{prefix}{}", hex::encode(self.entropy.bits()))
    }

    /// A new id, for vendors that use UUIDs.
    pub(crate) fn uuid(&self) -> String {
        let hex = hex::encode(self.entropy.bits());
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    pub(crate) fn base_url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    /// Reads the world.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.state).world)
    }

    /// Changes the world: `decide` sees it and answers with the records to apply, all under one lock.
    pub(crate) fn change<T>(&self, decide: impl FnOnce(&World) -> (Vec<Record>, T)) -> T {
        let mut state = lock(&self.state);
        let (records, answer) = decide(&state.world);
        for record in records {
            if let Some(file) = &mut state.file {
                file.append(&record);
            }
            if let Record::Line { phone, line } = &record {
                // Nobody watching is the usual case.
                let _ = self
                    .watchers
                    .send(Changed { phone: phone.as_str().into(), what: What::Line(Arc::new(line.clone())) });
            }
            state.world.apply(record);
        }
        answer
    }

    /// Applies records that need no look at the world.
    pub(crate) fn record(&self, records: Vec<Record>) {
        self.change(|_| (records, ()));
    }

    /// Shows a new line on a handset.
    pub(crate) fn show(&self, phone: &str, line: NewLine) {
        self.change(|world| (vec![line.record(world, phone, self.now())], ()));
    }

    /// Changes how far the line of a message has come.
    pub(crate) fn mark_line(&self, phone: &str, message_sid: &str, to: LineState) {
        self.change(|world| {
            let lines = world.handset(phone).map(|handset| handset.lines.as_slice()).unwrap_or_default();
            let line = lines.iter().rev().find(|line| line.message_sid.as_deref() == Some(message_sid));
            let record = line.map(|line| Record::Line {
                phone: phone.to_owned(),
                line: Line { state: to, ..line.clone() },
            });
            (record.into_iter().collect(), ())
        });
    }
}

/// A line that has no place in the history yet.
pub(crate) struct NewLine {
    pub(crate) peer: String,
    pub(crate) mine: bool,
    pub(crate) text: String,
    pub(crate) media: Vec<crate::world::LineMedia>,
    pub(crate) message_sid: Option<String>,
}

impl NewLine {
    pub(crate) fn record(self, world: &World, phone: &str, at: i64) -> Record {
        let last = world.handset(phone).and_then(|handset| handset.lines.last()).map_or(0, |line| line.id);
        let state = if self.mine { LineState::Sending } else { LineState::Delivered };
        let line = Line {
            id: last + 1,
            peer: self.peer,
            mine: self.mine,
            text: self.text,
            media: self.media,
            at,
            state,
            message_sid: self.message_sid,
        };
        Record::Line { phone: phone.to_owned(), line }
    }
}
