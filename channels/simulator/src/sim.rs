//! What every handler shares: the world, its file, the clock, and who watches.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use usher_channels::http::HttpStack;
use usher_conversation::ports::{Clock, Entropy};

use crate::StartError;
use crate::faults::Faults;
use crate::store::StateFile;
use crate::world::{Line, LineState, Record, World};

/// A handset's screen changed.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    pub(crate) phone: Arc<str>,
    pub(crate) line: Arc<Line>,
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
        state_file: Option<&Path>,
    ) -> Result<Self, StartError> {
        let mut world = World::default();
        let file = state_file.map(|path| StateFile::open(path, &mut world)).transpose()?;
        Ok(Self {
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
        })
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
                    .send(Changed { phone: phone.as_str().into(), line: Arc::new(line.clone()) });
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
