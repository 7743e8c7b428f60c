//! What a session is told of a call.

use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::session::Origin;

/// Who called whom, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// The contact telephoned us.
    Inbound,
    /// We telephoned the contact.
    Outbound,
    /// The contact pressed the widget's microphone.
    Browser,
}

impl CallDirection {
    /// The stable name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Browser => "browser",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// The contact hung up.
    ContactHungUp,
    /// We said goodbye.
    Finished,
    /// A person took the call over.
    Transferred,
    /// A machine answered; our message was left on it.
    Voicemail,
    /// Nobody answered.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// It could not be connected, or broke.
    Failed,
    /// It was called off before it was answered.
    Canceled,
    /// It lasted as long as a call may.
    TooLong,
    /// The contact called outside of the business hours.
    AfterHours,
    /// The contact called when every line was taken.
    LinesBusy,
}

impl CallEnd {
    /// The stable name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContactHungUp => "contact_hung_up",
            Self::Finished => "finished",
            Self::Transferred => "transferred",
            Self::Voicemail => "voicemail",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::TooLong => "too_long",
            Self::AfterHours => "after_hours",
            Self::LinesBusy => "lines_busy",
        }
    }

    /// Whether the contact was not spoken to.
    pub const fn is_unreached(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Busy | Self::Failed)
    }
}

/// How long the stages of one spoken turn took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TurnLatency {
    /// From the contact's last recognised word to the agent's text.
    pub thinking: Option<u32>,
    /// From the agent's text (or the contact's last word) to its first audio.
    pub speaking: Option<u32>,
    /// Inside our tools.
    pub tools: Option<u32>,
}

/// What happened on a call, as its session is told. Each becomes one journaled event, once, by its dedup key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum CallNews {
    /// The two sides are connected. A call whose node died and that was attached again is connected again.
    Connected {
        /// Where the contact is: `voice` and their number, empty for the widget's microphone.
        origin: Origin,
        /// Who called whom.
        direction: CallDirection,
    },
    /// The contact's words, as recognised. Words alone answer nothing: the agent's tools do.
    Heard {
        /// The words.
        text: String,
    },
    /// The agent's words, as generated: the contact may not have heard them yet.
    Spoke {
        /// Counts the agent's utterances of this call, from 1.
        utterance: u32,
        /// The words.
        text: String,
        /// How long the turn took.
        #[serde(default)]
        latency: TurnLatency,
    },
    /// How much of a long utterance the contact has heard so far; more of it is being played.
    Playing {
        /// Which.
        utterance: u32,
        /// The words up to here.
        text: String,
    },
    /// How much of an utterance the contact has really heard, in the end.
    Played {
        /// Which.
        utterance: u32,
        /// The words that were played.
        text: String,
        /// Whether that is all of it; otherwise the contact spoke over it or the line broke.
        whole: bool,
    },
    /// The call was to go to a person, nobody took it, and the contact comes back to us.
    Returned,
    /// The call is over.
    Ended {
        /// How.
        end: CallEnd,
        /// Seconds of conversation.
        seconds: u32,
    },
}

impl CallNews {
    /// The channel calls are made on.
    pub const CHANNEL: Channel = Channel::Voice;
}
