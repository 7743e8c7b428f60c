//! What must be done outside after a turn is durable.

use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::consent::ConsentChange;
use crate::id::{DeliveryId, EscalationId, TimerId};
use crate::session::event::EscalationReason;
use crate::time::Timestamp;

/// Why a message is sent; the relay and quiet hours treat them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The first outreach.
    Greeting,
    /// An answer to what the contact just said: may go at any hour, replaced by a newer reply while it waits.
    Reply,
    /// A reminder nobody asked for: only inside the recipient's permitted hours.
    Nudge,
    /// The one confirmation of an opt-out or opt-in, or the legally required HELP text.
    Compliance,
}

/// A message the bot says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundMessage {
    /// Its id, derived from session, turn and position.
    pub delivery: DeliveryId,
    /// Where it goes.
    pub channel: Channel,
    /// Why.
    pub kind: MessageKind,
    /// The words.
    pub text: String,
    /// Not before this instant (quiet hours); `None` = at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The control epoch it was said in; the relay refuses an older one than the session's.
    #[serde(default)]
    pub epoch: u64,
    /// The number or messaging service of ours it leaves from: the one the contact wrote to; `None` = the organisation's
    /// first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// The life of an outgoing message. Order is rank: a report of a lower or equal rank changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// In our outbox.
    Pending,
    /// The vendor has it.
    Queued,
    /// The carrier has it.
    Sent,
    /// The handset has it.
    Delivered,
    /// It was read.
    Read,
    /// It cannot be delivered.
    Failed,
    /// It was never sent: a newer reply took its place, or consent was withdrawn.
    Superseded,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// Remind a contact who went silent; the number counts the reminders before it.
    Nudge {
        /// 0 for the first.
        attempt: u8,
    },
}

/// What must be done outside. The store takes `Send`, `SetTimer`, `CancelTimer`, `ChangeConsent`, `Escalate` in
/// the same transaction as the turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Put a message in the outbox (never for the widget, whose transcript *is* the delivery).
    Send(OutboundMessage),
    /// Replies still waiting in the outbox are obsolete.
    SupersedeReplies,
    /// Set a durable timer.
    SetTimer {
        /// Its id.
        timer: TimerId,
        /// What for.
        kind: TimerKind,
        /// When.
        due: Timestamp,
    },
    /// Forget a timer.
    CancelTimer {
        /// Its id.
        timer: TimerId,
    },
    /// Suppress or restore the person for the whole organisation.
    ChangeConsent {
        /// How.
        change: ConsentChange,
    },
    /// Show a human.
    Escalate {
        /// Its id.
        escalation: EscalationId,
        /// Why.
        reason: EscalationReason,
    },
}
