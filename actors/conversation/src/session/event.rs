//! What happened in a session. Events are journaled for ever: members are only ever added, with a default.

use serde::{Deserialize, Serialize};

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::channel::Channel;
use crate::consent::ConsentChange;
use crate::flow::FieldId;
use crate::id::{CallId, DeliveryId, TimerId};
use crate::session::command::{Media, MissedFile, Origin};
use crate::session::effect::{DeliveryStatus, OutboundMessage, TimerKind};
use crate::session::tools::Tool;
use crate::time::Timestamp;
use crate::voice::CallNews;

/// Why a question is left without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// The contact asked for a person.
    Requested,
    /// The same question was missed three times.
    Misunderstood,
    /// Our messages do not arrive.
    Undeliverable,
    /// The number or address belongs to somebody else.
    WrongPerson,
    /// A message made the engine fail and was set aside.
    Quarantined,
    /// The speaking model could not be had on a call.
    VoiceUnavailable,
    /// The contact asked for help in an emergency.
    Emergency,
    /// A caller was to be put through to a person and nobody took the call.
    TransferFailed,
    /// A caller left a spoken message.
    MessageLeft,
}

/// One fact about a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The session began.
    Started {
        /// Where the greeting went, if it was we who spoke first.
        channel: Option<Channel>,
    },
    /// The contact's words as they arrived (the raw text is kept even when nothing in it was understood).
    Received {
        /// Where from.
        origin: Origin,
        /// The words.
        text: String,
        /// Files with them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        media: Vec<Media>,
    },
    /// A file that came with the message before is not there.
    FileMissed {
        /// Why.
        why: MissedFile,
    },
    /// A field has this answer now. For a field already answered it is a correction.
    Answered {
        /// Which field.
        field: FieldId,
        /// The normalised answer.
        value: AnswerValue,
        /// What was written or said.
        raw: String,
        /// Where from.
        origin: Origin,
    },
    /// An understood answer waits for the contact's yes.
    ConfirmationAsked {
        /// Which field.
        field: FieldId,
        /// What was understood.
        value: AnswerValue,
        /// What was written or said.
        raw: String,
        /// Where from.
        origin: Origin,
    },
    /// The contact said that the read-back is wrong.
    ConfirmationRefused {
        /// Which field.
        field: FieldId,
    },
    /// An answer that depended on a changed one no longer stands and is asked again.
    Invalidated {
        /// Which field.
        field: FieldId,
    },
    /// A field was skipped.
    Skipped {
        /// Which field.
        field: FieldId,
        /// Where from.
        origin: Origin,
    },
    /// An attempt at a field was not understood.
    Missed {
        /// Which field.
        field: FieldId,
        /// Why.
        cause: ParseErrorCause,
    },
    /// The contact would not answer a question that must be answered.
    Declined {
        /// Which field.
        field: FieldId,
    },
    /// The contact cannot go on now: they are not reminded before this instant.
    Postponed {
        /// The instant.
        until: Timestamp,
    },
    /// The cursor moved: this is the pending question now; `None` when nothing is left to ask.
    Asked {
        /// Which field.
        field: Option<FieldId>,
    },
    /// Every required field has its answer.
    Completed,
    /// A completed session was opened again by a correction.
    Reopened,
    /// The bot said something: in the widget's transcript at once, on other channels through the outbox.
    Said {
        /// The message.
        message: OutboundMessage,
    },
    /// A message that was not delivered is sent again, later and as a delivery of its own. It is no new line of the
    /// conversation.
    Repeated {
        /// The delivery that failed.
        of: DeliveryId,
        /// The message as it goes now.
        message: OutboundMessage,
    },
    /// A person must look at this session.
    Escalated {
        /// Why.
        reason: EscalationReason,
    },
    /// Consent changed.
    ConsentChanged {
        /// How.
        change: ConsentChange,
        /// Where from.
        origin: Origin,
    },
    /// The contact opened the page or widget.
    Opened {
        /// Where.
        origin: Origin,
    },
    /// Something happened on a call.
    Call {
        /// Which call.
        call: CallId,
        /// What happened.
        news: CallNews,
    },
    /// The speaking model of a call used a tool; what came of it follows in the same turn.
    ToolUsed {
        /// Which call.
        call: CallId,
        /// The tool with its parameters.
        tool: Tool,
    },
    /// A timer was set.
    TimerSet {
        /// Its id.
        timer: TimerId,
        /// What for.
        kind: TimerKind,
        /// When it is due.
        due: Timestamp,
    },
    /// A timer was cancelled.
    TimerCancelled {
        /// Its id.
        timer: TimerId,
    },
    /// A timer came due and was handled.
    TimerFired {
        /// Its id.
        timer: TimerId,
    },
    /// A delivery moved forward.
    Delivered {
        /// Which.
        delivery: DeliveryId,
        /// Its new status.
        status: DeliveryStatus,
        /// The vendor's error code, when there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_code: Option<u32>,
    },
}
