//! A toy engine: it repeats what it hears, and does what certain words tell it.
//!
//! | words | what happens |
//! |---|---|
//! | `boom` | panics, always |
//! | `flaky` | panics the first time only |
//! | `remind N` | sets a timer due in N milliseconds |
//! | `nothing` | decides that nothing happened |

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use usher_actors::Engine;
use usher_conversation::channel::Channel;
use usher_conversation::id::{DeliveryId, TimerId};
use usher_conversation::journal::Turn;
use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{
    Command, DeliveryStatus, Effect, Event, Inbound, MessageKind, OutboundMessage, SessionMeta, SessionState,
    TimerKind,
};
use usher_conversation::time::Timestamp;

#[derive(Default)]
pub(crate) struct Toy {
    pub(crate) panics: AtomicUsize,
    flaky_failed: Mutex<HashSet<String>>,
    /// Timers that sessions no longer know.
    pub(crate) stale: Mutex<HashSet<TimerId>>,
}

impl Toy {
    pub(crate) fn engine(self: &Arc<Self>) -> Engine {
        let toy = Arc::clone(self);
        Engine {
            decide: Arc::new(move |meta, state, now, command| toy.decide(meta, state, now, command)),
            effects: Arc::new(effects),
        }
    }

    fn decide(
        &self,
        meta: &SessionMeta,
        state: &SessionState,
        now: Timestamp,
        command: Command,
    ) -> Vec<Event> {
        match command {
            Command::Receive(inbound) => self.hear(meta, state, now, inbound),
            Command::Fire { timer } if self.stale.lock().expect("no poison").contains(&timer) => Vec::new(),
            Command::Fire { timer } => vec![Event::TimerFired { timer }],
            Command::Report { delivery, status, error_code, retry_after: _ } => {
                let escalated = (status == DeliveryStatus::Failed)
                    .then_some(Event::Escalated { reason: EscalationReason::Undeliverable });
                let delivered = Event::Delivered { delivery, status, error_code };
                std::iter::once(delivered).chain(escalated).collect()
            }
            Command::Start { channel } => vec![Event::Started { channel }],
            Command::Open { origin } => vec![Event::Opened { origin }],
            Command::Submit { .. } => panic!("the toy cannot read forms"),
            Command::Call { call, news } => vec![Event::Call { call, news }],
            Command::Use { call, tool, .. } => vec![Event::ToolUsed { call, tool }],
            Command::Escalate { reason, .. } => vec![Event::Escalated { reason }],
            Command::Attach { .. } | Command::Skip { .. } => Vec::new(),
        }
    }

    fn hear(&self, meta: &SessionMeta, state: &SessionState, now: Timestamp, inbound: Inbound) -> Vec<Event> {
        let Inbound { origin, text, media, .. } = inbound;
        let flaky =
            text == "flaky" && self.flaky_failed.lock().expect("no poison").insert(meta.session.to_string());
        if flaky || text == "boom" {
            self.panics.fetch_add(1, Ordering::SeqCst);
            panic!("as the test asked");
        }
        if text == "nothing" {
            return Vec::new();
        }
        let seq = state.seq() + 1;
        let reply = match text.strip_prefix("remind ").and_then(|millis| millis.parse().ok()) {
            Some(millis) => Event::TimerSet {
                timer: TimerId::derive(&meta.session, seq, 0),
                kind: TimerKind::Nudge { attempt: 0 },
                due: now.plus_millis(millis),
            },
            None => Event::Said {
                message: OutboundMessage {
                    delivery: DeliveryId::derive(&meta.session, seq, 0),
                    channel: origin.channel,
                    kind: MessageKind::Reply,
                    text: format!("you said {text}"),
                    not_before: None,
                    epoch: 0,
                    line: None,
                },
            },
        };
        vec![Event::Received { origin, text, media }, reply]
    }
}

fn effects(_meta: &SessionMeta, turn: &Turn) -> Vec<Effect> {
    let effect = |event: &Event| match event {
        Event::Received { .. } => Some(Effect::SupersedeReplies),
        Event::Said { message } if message.channel != Channel::Widget => Some(Effect::Send(message.clone())),
        Event::TimerSet { timer, kind, due } => {
            Some(Effect::SetTimer { timer: timer.clone(), kind: *kind, due: *due })
        }
        _ => None,
    };
    turn.events.iter().filter_map(effect).collect()
}

/// The words a turn received.
pub(crate) fn heard(turn: &Turn) -> Option<&str> {
    turn.events.iter().find_map(|event| match event {
        Event::Received { text, .. } => Some(text.as_str()),
        _ => None,
    })
}
