//! Telephone calls as the vendor remembers them.

use serde::{Deserialize, Serialize};

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallDirection {
    /// From a handset.
    Inbound,
    /// Created through the API.
    OutboundApi,
    /// Dialled by another call's `<Dial>`.
    OutboundDial,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Waits for its turn.
    Queued,
    /// The telephone rings.
    Ringing,
    /// Somebody talks.
    InProgress,
    /// Over, after an answer.
    Completed,
    /// The other side was busy or declined.
    Busy,
    /// It could not be connected.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Called off before an answer.
    Canceled,
}

impl CallStatus {
    /// The vendor's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing follows it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Ringing | Self::InProgress)
    }
}

/// Where a call's progress is reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReports {
    /// The URL.
    pub url: Option<String>,
    /// `GET` or `POST`.
    pub method: String,
    /// `initiated`, `ringing`, `answered`, `completed`.
    pub events: Vec<String>,
    /// The number of the next report.
    pub next: u32,
}

/// A call at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// `CA…`.
    pub sid: String,
    /// The account.
    pub account_sid: String,
    /// The call whose `<Dial>` made it.
    pub parent: Option<String>,
    /// Which way it went.
    pub direction: CallDirection,
    /// The caller.
    pub from: String,
    /// The called.
    pub to: String,
    /// How far it has come.
    pub status: CallStatus,
    /// `human`, `machine_start`, …
    pub answered_by: Option<String>,
    /// Milliseconds since the epoch.
    pub created: i64,
    /// When it was answered.
    pub started: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// Milliseconds it waited for its turn.
    pub queue_time: i64,
    /// Where its progress is reported.
    pub reports: CallReports,
    /// Who is asked when a document of it cannot be had.
    #[serde(default)]
    pub fallback: Option<String>,
}

impl Call {
    /// The handset of this call.
    pub fn handset(&self) -> &str {
        if self.direction == CallDirection::Inbound { &self.from } else { &self.to }
    }

    /// The number the handset sees.
    pub fn peer(&self) -> &str {
        if self.direction == CallDirection::Inbound { &self.to } else { &self.from }
    }

    /// Whole seconds of conversation, when it is over.
    pub fn seconds(&self) -> Option<i64> {
        let ended = self.ended?;
        Some(self.started.map_or(0, |started| (ended - started + 999) / 1_000))
    }
}

/// A recording of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// `RE…`.
    pub sid: String,
    /// The account.
    pub account_sid: String,
    /// The call.
    pub call_sid: String,
    /// `in-progress`, `paused`, `stopped`, `completed`, `absent`.
    pub status: String,
    /// 1, or 2 with the handset's side first.
    pub channels: u16,
    /// `StartCallRecordingAPI`, `OutboundAPI`, `RecordVerb`, `StartCallRecordingTwiML`, `DialVerb`.
    pub source: String,
    /// `inbound`, `outbound` or `both`.
    pub track: String,
    /// Milliseconds since the epoch.
    pub started: i64,
    /// Whole seconds, once it is completed.
    pub seconds: Option<i64>,
    /// 16101 when it is too short.
    pub error_code: Option<u32>,
}

/// What a handset does when it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallHabits {
    /// Who answers.
    pub answers: Answers,
    /// After how many milliseconds of ringing.
    pub after_ms: u64,
    /// What machine detection takes it for: `human`, `machine`, `fax` or `unknown`; absent follows `answers`.
    pub taken_for: Option<TakenFor>,
    /// What a machine says before its beep.
    pub greeting: String,
}

impl Default for CallHabits {
    fn default() -> Self {
        Self {
            answers: Answers::Person,
            after_ms: 50,
            taken_for: None,
            greeting: "You have reached my voicemail. Please leave a message.".to_owned(),
        }
    }
}

/// Who answers a handset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Whoever holds it, by the page or the control API.
    #[default]
    Person,
    /// It answers by itself and waits.
    Always,
    /// It declines.
    Busy,
    /// It rings until the caller gives up.
    Never,
    /// It cannot be reached.
    Unreachable,
    /// An answering machine, with a greeting and a beep.
    Machine,
}

/// What machine detection makes of whoever answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenFor {
    /// A person.
    Human,
    /// A machine.
    Machine,
    /// A fax.
    Fax,
    /// Nobody can tell.
    Unknown,
}
