//! What a session remembers of the messages it sent.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::id::DeliveryId;
use crate::session::effect::{DeliveryStatus, OutboundMessage};

/// How many outgoing messages a session remembers, to judge delivery reports. Reports arrive within minutes; older
/// messages than these have long reached their end.
const REMEMBERED_DELIVERIES: usize = 32;

/// How far an outgoing message has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: DeliveryId,
    pub(super) channel: Channel,
    pub(super) status: DeliveryStatus,
}

/// Remembers a message that goes out, and forgets the oldest.
pub(super) fn remember(deliveries: &mut VecDeque<Delivery>, message: &OutboundMessage) {
    if deliveries.len() == REMEMBERED_DELIVERIES {
        deliveries.pop_front();
    }
    deliveries.push_back(Delivery {
        id: message.delivery.clone(),
        channel: message.channel,
        status: DeliveryStatus::Pending,
    });
}

/// The last message, while nothing was heard from the contact since: it may have to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unanswered {
    /// Its newest delivery.
    pub(super) delivery: DeliveryId,
    /// The words.
    pub(super) text: String,
    /// How often it was sent again.
    pub(super) repeats: u8,
}

impl Unanswered {
    pub(super) fn new(message: &OutboundMessage) -> Self {
        Self { delivery: message.delivery.clone(), text: message.text.clone(), repeats: 0 }
    }

    pub(super) fn repeated(&mut self, message: &OutboundMessage) {
        self.delivery = message.delivery.clone();
        self.repeats = self.repeats.saturating_add(1);
    }
}
