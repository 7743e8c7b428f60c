//! What is kept of a call.

use serde::Serialize;
use usher_conversation::id::{CallId, ContactId, SessionId};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallDirection, CallEnd};

use super::Provider;

/// Where a call stands at the carrier. It only moves on: `rank` grows, and an end is an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// We shall call when it is due.
    Planned,
    /// The carrier is being asked.
    Placing,
    /// The carrier has it.
    Queued,
    /// It rings.
    Ringing,
    /// The two sides are connected.
    InProgress,
    /// It was answered and is over.
    Completed,
    /// The line was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// It could not be connected.
    Failed,
    /// It was called off before it was answered.
    Canceled,
}

impl CallStatus {
    const ALL: [Self; 10] = [
        Self::Planned,
        Self::Placing,
        Self::Queued,
        Self::Ringing,
        Self::InProgress,
        Self::Completed,
        Self::Busy,
        Self::NoAnswer,
        Self::Failed,
        Self::Canceled,
    ];

    /// The stable name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Placing => "placing",
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The status of this stored name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing comes after it.
    pub const fn is_end(self) -> bool {
        self.rank() == Self::END
    }

    const END: u8 = 5;

    /// How far along it is. Grows with the carrier's `SequenceNumber`, so comparing it puts reports in order.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Planned => 0,
            Self::Placing => 1,
            Self::Queued => 2,
            Self::Ringing => 3,
            Self::InProgress => 4,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => Self::END,
        }
    }

    /// How a call ended that never was, or was not, ended by us; `None` while it lives.
    pub const fn end(self) -> Option<CallEnd> {
        match self {
            Self::Completed => Some(CallEnd::ContactHungUp),
            Self::Busy => Some(CallEnd::Busy),
            Self::NoAnswer => Some(CallEnd::NoAnswer),
            Self::Failed => Some(CallEnd::Failed),
            Self::Canceled => Some(CallEnd::Canceled),
            Self::Planned | Self::Placing | Self::Queued | Self::Ringing | Self::InProgress => None,
        }
    }
}

/// A call about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// The conversation it is part of.
    pub session: SessionId,
    /// Who called whom.
    pub direction: CallDirection,
    /// Who speaks for us.
    pub provider: Provider,
    /// The contact's number, E.164; none for an anonymous caller and for the widget's microphone.
    pub phone: Option<String>,
    /// Our number, E.164.
    pub line: Option<String>,
    /// The carrier's id, when it called us.
    pub vendor_call: Option<String>,
    /// Where it stands.
    pub status: CallStatus,
    /// When to place it, if we call.
    pub due: Option<Timestamp>,
}

/// A call as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// The conversation it is part of.
    pub session: SessionId,
    /// With whom.
    pub contact: ContactId,
    /// Who spoke for us.
    pub provider: Provider,
    /// Who called whom.
    pub direction: CallDirection,
    /// The contact's number, E.164.
    pub phone: Option<String>,
    /// Our number, E.164.
    pub line: Option<String>,
    /// The carrier's id.
    pub vendor_call: Option<String>,
    /// The agent provider's id of the newest conversation.
    pub conversation: Option<String>,
    /// Where it stands at the carrier.
    pub status: CallStatus,
    /// What machine detection said.
    pub answered_by: Option<String>,
    /// Why the last attachment let go of the call before it was over.
    pub handover: Option<String>,
    /// How it ended for us.
    pub outcome: Option<String>,
    /// Media streams it has had.
    pub attachments: u32,
    /// The carrier's recording.
    pub recording: Option<Recording>,
    /// Which try of reaching the contact it is, from 1.
    pub attempt: u32,
    /// When it is to be placed.
    pub due: Option<Timestamp>,
    /// When we learned of it.
    pub created_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How long it lasted, by the carrier's count.
    pub seconds: Option<u32>,
}

/// Where the carrier keeps a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recording {
    /// The carrier's id.
    pub id: String,
    /// Where it can be fetched with the account's credentials.
    pub url: String,
}

/// A carrier's report on a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// Where it stands now.
    pub status: CallStatus,
    /// How long it lasted, once it is over.
    pub seconds: Option<u32>,
    /// What machine detection said.
    pub answered_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_ranks_above_everything_that_is_none() {
        for status in CallStatus::ALL {
            assert_eq!(status.is_end(), status.end().is_some(), "{status:?}");
            assert_eq!(status.is_end(), status.rank() > CallStatus::InProgress.rank(), "{status:?}");
        }
    }

    #[test]
    fn stored_names_are_read_back() {
        for status in CallStatus::ALL {
            assert_eq!(CallStatus::named(status.as_str()), Some(status));
        }
        assert_eq!(CallStatus::named("exploded"), None);
    }
}
