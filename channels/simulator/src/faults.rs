//! Faults on demand: what goes wrong, how often, and for which messages.

use std::time::Duration;

use actix_web::http::StatusCode;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// A create request is answered later.
    Latency {
        /// By how much.
        millis: u64,
    },
    /// A create request is refused with 429 and 20429; nothing is created.
    RateLimited,
    /// A create request is refused with a server error; nothing is created.
    ServerError {
        /// The status.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// The message is created and the answer never comes; the connection is closed after `millis`.
    AcceptThenTimeout {
        /// How long the client is kept waiting.
        #[serde(default = "long_wait")]
        millis: u64,
    },
    /// The message is created and the connection is closed without an answer.
    AcceptThenReset,
    /// The message is created and the answer is a server error.
    AcceptThenError {
        /// The status.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// A request to list messages is answered with a server error.
    LookupError {
        /// The status.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// The webhook about an incoming message is posted several more times, at the same time.
    DuplicateWebhooks {
        /// How many more.
        #[serde(default = "one_copy")]
        copies: u32,
    },
    /// Every status callback of a message is posted twice.
    DuplicateCallbacks,
    /// The status callbacks of a message are posted in reverse order, at the end.
    ReorderCallbacks,
    /// The status callbacks of a message are not posted.
    DropCallbacks,
    /// The carrier refuses the message: `undelivered` with this code.
    Undelivered {
        /// Twilio's code.
        error_code: u32,
    },
    /// A request to create a call is refused with 429 and 20429.
    CallRateLimited,
    /// A request to create a call is refused with a server error.
    CallServerError {
        /// The status.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// The call is created and the connection is closed without an answer.
    CallAcceptThenReset,
    /// The call cannot be connected: `failed`.
    CallFails,
    /// Every status callback of a call is posted twice.
    DuplicateCallCallbacks,
    /// The status callbacks of a call are posted in reverse order, at the end.
    ReorderCallCallbacks,
    /// The status callbacks of a call are not posted.
    DropCallCallbacks,
    /// The connection of a media stream breaks, without `stop`.
    StreamDrop {
        /// So long after its start.
        after_ms: u64,
    },
    /// A media stream neither sends nor reads for a while; then everything comes at once.
    StreamStall {
        /// So long after its start.
        after_ms: u64,
        /// For how long.
        millis: u64,
    },
    /// A media stream carries a few messages that are none.
    StreamMalformed {
        /// So long after its start.
        after_ms: u64,
    },
    /// The handshake of a media stream is signed wrongly.
    StreamBadSignature,
    /// The start message of a media stream names another call.
    StreamForeignCall,
    /// A custom parameter of a media stream has another value: a token of another call, or one that was used.
    StreamParameter {
        /// Which.
        name: String,
        /// Instead of what the TwiML says.
        value: String,
    },
    /// A request for a signed URL, or the agent's handshake, is refused with this status.
    AgentHttpError {
        /// The status: 401 (quota), 429, 5xx.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// The agent sends an error and closes right after the initiation data.
    AgentRefuse {
        /// The close code: 1008, 1002, 1011.
        #[serde(default = "contract_violation")]
        code: u16,
        /// The vendor's `error_type`.
        #[serde(default)]
        error_type: String,
        /// In words.
        #[serde(default)]
        reason: String,
    },
    /// The agent's connection breaks without a close frame.
    AgentDrop {
        /// So long after the metadata.
        after_ms: u64,
    },
    /// The agent closes with a code.
    AgentClose {
        /// So long after the metadata.
        after_ms: u64,
        /// The code.
        code: u16,
    },
    /// The agent neither sends nor reads for a while.
    AgentStall {
        /// So long after the metadata.
        after_ms: u64,
        /// For how long.
        millis: u64,
    },
    /// The agent announces and speaks other formats than its configuration has.
    AgentFormats {
        /// What it wants to hear.
        input: String,
        /// What it speaks.
        output: String,
    },
    /// The agent takes a noise for an interruption, though nobody spoke.
    AgentInterrupts {
        /// So long after the metadata.
        after_ms: u64,
    },
    /// The agent sends a few messages that are none, and events nobody knows.
    AgentMalformed {
        /// So long after the metadata.
        after_ms: u64,
    },
    /// The agent's first message and questions are never spoken.
    AgentSilent,
    /// A provider that holds calls (Retell, Vapi) refuses to place one.
    PeerRefuse {
        /// The status.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// Such a provider's connection to the server breaks: Retell dials again, a message of Vapi's is lost.
    PeerDrop {
        /// So long after the call was answered.
        after_ms: u64,
    },
    /// Such a provider neither tells nor hears anything for a while.
    PeerStall {
        /// So long after the call was answered.
        after_ms: u64,
        /// For how long.
        millis: u64,
    },
    /// Such a provider sends a few messages that are none, and some that nobody knows.
    PeerMalformed {
        /// So long after the call was answered.
        after_ms: u64,
    },
}

const fn server_error() -> u16 {
    503
}
const fn long_wait() -> u64 {
    60_000
}
const fn one_copy() -> u32 {
    1
}
const fn contract_violation() -> u16 {
    1_008
}

impl FaultKind {
    /// How long after its beginning a stream or a conversation is struck.
    pub(crate) const fn after(&self) -> Option<Duration> {
        match self {
            Self::StreamDrop { after_ms }
            | Self::StreamStall { after_ms, .. }
            | Self::StreamMalformed { after_ms }
            | Self::AgentDrop { after_ms }
            | Self::AgentClose { after_ms, .. }
            | Self::AgentStall { after_ms, .. }
            | Self::AgentInterrupts { after_ms }
            | Self::AgentMalformed { after_ms }
            | Self::PeerDrop { after_ms }
            | Self::PeerStall { after_ms, .. }
            | Self::PeerMalformed { after_ms } => Some(Duration::from_millis(*after_ms)),
            _ => None,
        }
    }

    const fn moment(&self) -> Moment {
        match self {
            Self::Latency { .. }
            | Self::RateLimited
            | Self::ServerError { .. }
            | Self::AcceptThenTimeout { .. }
            | Self::AcceptThenReset
            | Self::AcceptThenError { .. } => Moment::Create,
            Self::LookupError { .. } => Moment::Lookup,
            Self::DuplicateWebhooks { .. } => Moment::Inbound,
            Self::DuplicateCallbacks
            | Self::ReorderCallbacks
            | Self::DropCallbacks
            | Self::Undelivered { .. } => Moment::Lifecycle,
            Self::CallRateLimited | Self::CallServerError { .. } | Self::CallAcceptThenReset => {
                Moment::CallCreate
            }
            Self::CallFails => Moment::CallRinging,
            Self::DuplicateCallCallbacks | Self::ReorderCallCallbacks | Self::DropCallCallbacks => {
                Moment::CallReports
            }
            Self::StreamDrop { .. }
            | Self::StreamStall { .. }
            | Self::StreamMalformed { .. }
            | Self::StreamBadSignature
            | Self::StreamForeignCall
            | Self::StreamParameter { .. } => Moment::Stream,
            Self::AgentHttpError { .. } => Moment::AgentHttp,
            Self::AgentRefuse { .. }
            | Self::AgentDrop { .. }
            | Self::AgentClose { .. }
            | Self::AgentStall { .. }
            | Self::AgentFormats { .. }
            | Self::AgentInterrupts { .. }
            | Self::AgentMalformed { .. }
            | Self::AgentSilent => Moment::Agent,
            Self::PeerRefuse { .. } => Moment::PeerHttp,
            Self::PeerDrop { .. } | Self::PeerStall { .. } | Self::PeerMalformed { .. } => Moment::Peer,
        }
    }
}

/// When a fault can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Create,
    Lookup,
    Inbound,
    Lifecycle,
    CallCreate,
    CallRinging,
    CallReports,
    Stream,
    AgentHttp,
    Agent,
    PeerHttp,
    Peer,
}

/// Which messages a fault is for; absent means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// The recipient.
    #[serde(default)]
    pub to: Option<String>,
    /// The sender.
    #[serde(default)]
    pub from: Option<String>,
    /// Part of the words.
    #[serde(default)]
    pub body: Option<String>,
}

/// A fault as it is asked for: `{"kind":"accept_then_reset","times":2,"match":{"to":"+1…"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How many times at most. Without it, and without a probability, once.
    #[serde(default)]
    pub times: Option<u32>,
    /// Strikes each time with this probability.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Makes the probability repeatable.
    #[serde(default)]
    pub seed: u64,
    /// For which messages.
    #[serde(default, rename = "match")]
    pub matcher: Matcher,
}

/// What a fault is matched with.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'s> {
    pub(crate) to: &'s str,
    pub(crate) from: &'s str,
    pub(crate) body: &'s str,
}

struct Armed {
    rule: FaultRule,
    left: Option<u32>,
    rng: StdRng,
}

impl Armed {
    fn strikes(&mut self, subject: Subject<'_>) -> bool {
        let is =
            |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
        let matcher = &self.rule.matcher;
        let fits = is(&matcher.to, subject.to)
            && is(&matcher.from, subject.from)
            && matcher.body.as_deref().is_none_or(|part| subject.body.contains(part));
        if !fits || self.left == Some(0) {
            return false;
        }
        if self.rule.probability.is_some_and(|probability| self.rng.random::<f64>() >= probability) {
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct Faults(Vec<Armed>);

impl Faults {
    pub(crate) fn arm(&mut self, rule: FaultRule) {
        let left = rule.times.or(if rule.probability.is_none() { Some(1) } else { None });
        let rng = StdRng::seed_from_u64(rule.seed);
        self.0.push(Armed { rule, left, rng });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.0.iter().map(|armed| FaultRule { times: armed.left, ..armed.rule.clone() }).collect()
    }

    /// The status with which a provider refuses to place this call, if it shall.
    pub(crate) fn refusal(&mut self, subject: Subject<'_>) -> Option<StatusCode> {
        self.draw(Moment::PeerHttp, subject).into_iter().find_map(|fault| match fault {
            FaultKind::PeerRefuse { status } => StatusCode::from_u16(status).ok(),
            _ => None,
        })
    }

    /// The faults that strike now.
    pub(crate) fn draw(&mut self, moment: Moment, subject: Subject<'_>) -> Vec<FaultKind> {
        let striking = self.0.iter_mut().filter(|armed| armed.rule.kind.moment() == moment);
        let struck =
            striking.filter_map(|armed| armed.strikes(subject).then(|| armed.rule.kind.clone())).collect();
        self.0.retain(|armed| armed.left != Some(0));
        struck
    }
}

/// Faults of a stream or a conversation that strike after a while, in their order.
pub(crate) struct Timed {
    begun: Instant,
    faults: Vec<(Duration, FaultKind)>,
}

impl Timed {
    pub(crate) fn new(faults: &[FaultKind]) -> Self {
        let mut faults: Vec<_> =
            faults.iter().filter_map(|fault| fault.after().map(|after| (after, fault.clone()))).collect();
        faults.sort_by_key(|(after, _)| std::cmp::Reverse(*after));
        Self { begun: Instant::now(), faults }
    }

    pub(crate) async fn next(&mut self) -> FaultKind {
        let Some((after, _)) = self.faults.last() else { return std::future::pending().await };
        sleep_until(self.begun + *after).await;
        match self.faults.pop() {
            Some((_, fault)) => fault,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Subject<'static> = Subject { to: "+1", from: "+2", body: "hello" };

    fn rule(json: &str) -> FaultRule {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked_and_only_where_it_fits() {
        let mut faults = Faults::default();
        faults.arm(rule(r#"{"kind":"rate_limited","times":2,"match":{"body":"ell"}}"#));
        faults.arm(rule(r#"{"kind":"drop_callbacks"}"#));
        assert!(faults.draw(Moment::Create, Subject { body: "other", ..ANY }).is_empty());
        assert_eq!(faults.draw(Moment::Create, ANY), [FaultKind::RateLimited]);
        assert_eq!(faults.draw(Moment::Create, ANY), [FaultKind::RateLimited]);
        assert!(faults.draw(Moment::Create, ANY).is_empty());
        assert_eq!(faults.draw(Moment::Lifecycle, ANY), [FaultKind::DropCallbacks]);
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn a_probability_with_the_same_seed_strikes_the_same_messages() {
        let strikes = || {
            let mut faults = Faults::default();
            faults.arm(rule(r#"{"kind":"accept_then_reset","probability":0.5,"seed":7}"#));
            (0..64).map(|_| faults.draw(Moment::Create, ANY).len()).collect::<Vec<_>>()
        };
        let first = strikes();
        assert_eq!(first, strikes());
        assert!(first.contains(&0) && first.contains(&1));
    }
}
