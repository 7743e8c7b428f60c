//! A call that is going on, whichever vendor carries it: its line, its log, and how to give it orders.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::line::{Line, Tapped, Tick};
use super::log::Log;
use crate::sim::{Sim, lock};
use crate::speech::{Hearing, Phrase, Sound, g711};

const TICK: Duration = Duration::from_millis(20);
/// Orders and line events that may wait for whoever takes them.
const WAITING: usize = 256;

/// Where a call is, as the handset shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Ringing,
    Talking,
    Ended,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Ended => "ended",
        }
    }
}

/// What a call is told to do, by its handset or by the vendor's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// The handset picks up.
    Answer,
    /// The handset does not want to.
    Decline,
    /// The handset hangs up.
    HangUp,
    /// The API ends it.
    End,
    /// The API gives new instructions.
    Run(super::Instructions),
}

/// What happens on the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineEvent {
    /// A key was pressed.
    Digit(char),
    /// The handset's owner began to speak.
    Voice,
    /// The vendor recognised what the handset said.
    Recognised(Hearing),
    /// The handset heard a phrase to its end.
    Heard(Hearing),
}

/// A call that is going on.
pub(crate) struct Live {
    pub(crate) sid: String,
    /// The vendor that carries it: `twilio`, `retell`, `vapi`.
    pub(crate) vendor: &'static str,
    /// The handset.
    pub(crate) handset: String,
    /// The number on the other side.
    pub(crate) peer: String,
    /// The handset dialled.
    pub(crate) outgoing: bool,
    pub(crate) line: Mutex<Line>,
    pub(crate) log: Mutex<Log>,
    phase: Mutex<Phase>,
    logged: watch::Sender<u64>,
    orders: mpsc::Sender<Order>,
    events: broadcast::Sender<LineEvent>,
    audio: broadcast::Sender<Bytes>,
    /// The other leg of a `<Dial>`.
    bridge: Mutex<Weak<Live>>,
}

impl Live {
    /// A call that rings, and what will take its orders.
    pub(crate) fn new(
        sid: String,
        vendor: &'static str,
        handset: &str,
        peer: &str,
        outgoing: bool,
    ) -> (Arc<Self>, mpsc::Receiver<Order>) {
        let (orders, taken) = mpsc::channel(WAITING);
        let live = Self {
            sid,
            vendor,
            handset: handset.to_owned(),
            peer: peer.to_owned(),
            outgoing,
            line: Mutex::default(),
            log: Mutex::default(),
            phase: Mutex::new(Phase::Ringing),
            logged: watch::channel(0).0,
            orders,
            events: broadcast::channel(WAITING).0,
            audio: broadcast::channel(WAITING).0,
            bridge: Mutex::new(Weak::new()),
        };
        (Arc::new(live), taken)
    }

    /// Gives an order; `false` when the call is over.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.phase() != Phase::Ended && self.orders.try_send(order).is_ok()
    }

    pub(crate) fn phase(&self) -> Phase {
        *lock(&self.phase)
    }

    /// Moves the call on and tells the handset.
    pub(crate) fn enter(&self, sim: &Sim, phase: Phase) {
        *lock(&self.phase) = phase;
        if phase == Phase::Ended {
            let last = lock(&self.line).close();
            self.note_sounds(sim, last.into_iter().collect());
            *lock(&self.bridge) = Weak::new();
        }
        sim.show_call(self);
    }

    /// The call as its handset shows it.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "sid": self.sid, "vendor": self.vendor, "peer": self.peer,
            "direction": if self.outgoing { "outgoing" } else { "incoming" },
            "phase": self.phase().as_str(),
        })
    }

    /// Notes something in the log.
    pub(crate) fn note(&self, sim: &Sim, event: &'static str, text: impl Into<String>, detail: Value) {
        let seq = lock(&self.log).add(sim.now(), event, text.into(), detail);
        self.logged.send_replace(seq);
    }

    /// The number of the newest entry, whenever it changes.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.logged.subscribe()
    }

    /// What happens on the line from now on.
    pub(crate) fn events(&self) -> broadcast::Receiver<LineEvent> {
        self.events.subscribe()
    }

    /// What the handset hears from now on, in frames.
    pub(crate) fn audio(&self) -> broadcast::Receiver<Bytes> {
        self.audio.subscribe()
    }

    /// The handset's owner says something.
    pub(crate) fn say(&self, sim: &Sim, phrase: &Phrase, at_once: bool) {
        let mut line = lock(&self.line);
        if at_once {
            line.hush();
        }
        line.say(phrase);
        drop(line);
        self.note(sim, "typed", phrase.text.clone(), Value::Null);
    }

    /// The handset's owner presses a key.
    pub(crate) fn press(&self, sim: &Sim, digit: char) {
        lock(&self.line).tell(&Tapped::Digit(digit));
        // Nobody listening for keys is usual.
        let _ = self.events.send(LineEvent::Digit(digit));
        self.note(sim, "digit", digit, Value::Null);
    }

    /// Connects two legs: each hears what the other says.
    pub(crate) fn connect(self: &Arc<Self>, other: &Arc<Self>) {
        *lock(&self.bridge) = Arc::downgrade(other);
        *lock(&other.bridge) = Arc::downgrade(self);
    }

    /// Plays 20 ms after 20 ms for as long as the call lasts, each when it is due whatever came before.
    pub(crate) async fn run_line(self: Arc<Self>, sim: Arc<Sim>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while self.phase() != Phase::Ended {
            ticks.tick().await;
            self.tick(&sim);
            // When many are due at once, others have their turn between them.
            tokio::task::yield_now().await;
        }
    }

    fn tick(&self, sim: &Sim) {
        let tick = lock(&self.line).tick(&sim.phrases);
        if let Some(other) = lock(&self.bridge).upgrade() {
            lock(&other.line).play(Bytes::copy_from_slice(&tick.said));
        }
        let Tick { played, begun, spoken, heard, recognised, said: _ } = tick;
        if self.audio.receiver_count() > 0 {
            // Somebody may just have stopped listening.
            let _ = self.audio.send(Bytes::copy_from_slice(&played));
        }
        for text in begun {
            self.note(sim, "saying", text, Value::Null);
        }
        for text in spoken {
            self.note(sim, "said", text, Value::Null);
        }
        self.note_sounds(sim, heard);
        for sound in recognised {
            let event = match sound {
                Sound::Voice => LineEvent::Voice,
                Sound::Heard(hearing) => LineEvent::Recognised(hearing),
                Sound::Began(_) => continue,
            };
            // Nobody listening is usual.
            let _ = self.events.send(event);
        }
    }

    fn note_sounds(&self, sim: &Sim, sounds: Vec<Sound>) {
        for sound in sounds {
            match sound {
                Sound::Voice => {}
                Sound::Began(text) => self.note(sim, "hearing", text, Value::Null),
                Sound::Heard(hearing) => {
                    self.note(sim, "heard", hearing.text.clone(), json!(hearing));
                    // Nobody listening is usual.
                    let _ = self.events.send(LineEvent::Heard(hearing));
                }
            }
        }
    }
}

/// Plays telephone audio and waits until it was played; `false` when it was thrown away.
pub(crate) async fn play(call: &Live, bytes: Bytes) -> bool {
    let played = {
        let mut line = lock(&call.line);
        line.play(bytes);
        line.played()
    };
    played.await.is_ok()
}

/// Silence for a pause.
pub(crate) fn silence(millis: usize) -> Bytes {
    vec![g711::SILENCE; millis * 8].into()
}
