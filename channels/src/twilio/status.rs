//! The life of an outgoing message in Twilio's words.

use serde::{Deserialize, Serialize};
use usher_conversation::session::DeliveryStatus;

/// `message_enum_status` of Twilio's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Taken through a messaging service; the sender is not chosen yet.
    Accepted,
    /// Waits for its `SendAt`.
    Scheduled,
    /// A scheduled message that was called back.
    Canceled,
    /// In the sender's queue.
    Queued,
    /// Being handed to the carrier.
    Sending,
    /// The next carrier has it.
    Sent,
    /// The handset has it.
    Delivered,
    /// The carrier or the handset refused it.
    Undelivered,
    /// Twilio did not send it.
    Failed,
    /// It was read (`WhatsApp`, RCS).
    Read,
    /// Some recipients of a group have it.
    PartiallyDelivered,
    /// Inbound, still arriving.
    Receiving,
    /// Inbound, complete.
    Received,
}

impl MessageStatus {
    const ALL: [Self; 13] = [
        Self::Accepted,
        Self::Scheduled,
        Self::Canceled,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Failed,
        Self::Read,
        Self::PartiallyDelivered,
        Self::Receiving,
        Self::Received,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Canceled => "canceled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Read => "read",
            Self::PartiallyDelivered => "partially_delivered",
            Self::Receiving => "receiving",
            Self::Received => "received",
        }
    }

    /// Reads the word on the wire; `None` for one that is newer than this program.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// How far the message has come. Callbacks arrive out of order and more than once: one with a rank that is not higher
    /// than the known one says nothing new. Terminal failures rank highest.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Accepted | Self::Scheduled | Self::Receiving => 0,
            Self::Queued => 1,
            Self::Sending => 2,
            Self::Sent => 3,
            Self::PartiallyDelivered => 4,
            Self::Delivered | Self::Received => 5,
            Self::Read => 6,
            Self::Canceled | Self::Undelivered | Self::Failed => 7,
        }
    }

    /// Nothing more will be reported.
    pub const fn is_final(self) -> bool {
        self.rank() >= 5
    }

    /// The same in the engine's words; `None` for the statuses of inbound messages.
    pub const fn delivery(self) -> Option<DeliveryStatus> {
        match self {
            Self::Accepted | Self::Scheduled | Self::Queued | Self::Sending => Some(DeliveryStatus::Queued),
            Self::Sent | Self::PartiallyDelivered => Some(DeliveryStatus::Sent),
            Self::Delivered => Some(DeliveryStatus::Delivered),
            Self::Read => Some(DeliveryStatus::Read),
            Self::Canceled | Self::Undelivered | Self::Failed => Some(DeliveryStatus::Failed),
            Self::Receiving | Self::Received => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_own_word_in_both_codings() {
        for status in MessageStatus::ALL {
            assert_eq!(MessageStatus::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).expect("plain"), status.as_str());
        }
        assert_eq!(MessageStatus::parse("Delivered"), None);
    }

    #[test]
    fn ranks_follow_the_life_of_a_message() {
        use MessageStatus::{Accepted, Delivered, Failed, Queued, Read, Sending, Sent};
        let life = [Accepted, Queued, Sending, Sent, Delivered, Read, Failed];
        assert!(life.is_sorted_by_key(|status| status.rank()));
    }
}
