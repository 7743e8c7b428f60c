//! What is asked of a session.

use serde::{Deserialize, Serialize};

use crate::answer::FileAnswer;
use crate::channel::Channel;
use crate::consent::Keyword;
use crate::flow::FieldId;
use crate::id::{CallId, DeliveryId, TimerId};
use crate::session::effect::DeliveryStatus;
use crate::session::event::EscalationReason;
use crate::session::tools::Tool;
use crate::voice::CallNews;

/// Where an input came from, kept with every answer as its provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The channel.
    pub channel: Channel,
    /// The sender's address on it: E.164 for SMS, empty for the widget.
    pub address: String,
    /// Which of the organisation's numbers or messaging services they wrote to, where it has several: the answer leaves
    /// from the same, or the conversation would fall apart on their handset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// Media that came with a message and is already stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The stored file.
    pub file: FileAnswer,
}

/// Why a file that came with a message is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedFile {
    /// It could not be fetched; sent again, it may come.
    Unavailable,
    /// It is of a kind or size that is not accepted.
    Refused,
}

/// Something the contact wrote or said, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// Where it came from.
    pub origin: Origin,
    /// The words as they arrived; may be empty when there is media.
    pub text: String,
    /// Files that came with it.
    pub media: Vec<Media>,
    /// What became of the files that should have come with it and are not there.
    pub missed: Vec<MissedFile>,
    /// An opt-out class the vendor already recognised *and answered* (Twilio's `OptOutType`): we must not reply.
    pub vendor_keyword: Option<Keyword>,
}

/// What is asked of a session. Every command goes through the session's one mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Begin: greet the contact on `channel` (the first outreach), or silently when `channel` is `None`
    /// (the contact spoke first; their message is the next command).
    Start {
        /// Where to send the greeting.
        channel: Option<Channel>,
    },
    /// The contact wrote something.
    Receive(Inbound),
    /// A typed form sent a value for one field: the pending one, or an earlier one being edited.
    Submit {
        /// Where it came from.
        origin: Origin,
        /// Which field.
        field: FieldId,
        /// What was entered: text, or the normalised JSON of the type.
        value: serde_json::Value,
    },
    /// A stored file is offered as the answer to a field.
    Attach {
        /// Where it came from.
        origin: Origin,
        /// Which field.
        field: FieldId,
        /// The file.
        file: FileAnswer,
    },
    /// A form asked to skip a field that is not required.
    Skip {
        /// Where it came from.
        origin: Origin,
        /// Which field.
        field: FieldId,
    },
    /// The contact opened the hosted page or a widget: nudges wait.
    Open {
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
    /// The speaking model of a call uses a tool.
    Use {
        /// Which call.
        call: CallId,
        /// Where the contact is.
        origin: Origin,
        /// The tool with its parameters.
        tool: Tool,
    },
    /// A person must look at the session.
    Escalate {
        /// Where the contact is.
        origin: Origin,
        /// Why.
        reason: EscalationReason,
    },
    /// A durable timer came due.
    Fire {
        /// Which; stale ones are ignored.
        timer: TimerId,
    },
    /// What became of an outgoing message.
    Report {
        /// Which message.
        delivery: DeliveryId,
        /// What happened; a report that goes backwards changes nothing.
        status: DeliveryStatus,
        /// The vendor's error code, when there is one.
        error_code: Option<u32>,
        /// Another try of the same message may succeed, after so many milliseconds.
        retry_after: Option<i64>,
    },
}

impl Command {
    /// Whether the answer will be heard and not read.
    pub fn is_spoken(&self) -> bool {
        let origin = match self {
            Self::Receive(inbound) => &inbound.origin,
            Self::Submit { origin, .. }
            | Self::Attach { origin, .. }
            | Self::Skip { origin, .. }
            | Self::Open { origin }
            | Self::Use { origin, .. }
            | Self::Escalate { origin, .. } => origin,
            Self::Start { channel } => return *channel == Some(Channel::Voice),
            Self::Call { .. } => return true,
            Self::Fire { .. } | Self::Report { .. } => return false,
        };
        origin.channel == Channel::Voice
    }
}
