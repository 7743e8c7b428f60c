//! A turn made ready for the disk. Encoding and sealing happen in the caller's task, in parallel, so that the one
//! writer only moves bytes.

use std::sync::Arc;

use usher_conversation::channel::Channel;
use usher_conversation::consent::ConsentChange;
use usher_conversation::id::{ContactId, DeliveryId, EscalationId, OrgId, SessionId, TimerId};
use usher_conversation::journal::{self, Turn};
use usher_conversation::ports::{Append, Entropy};
use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{Effect, Event, MessageKind, OutboundMessage, SessionState};
use usher_conversation::time::Timestamp;

use super::writer::Committed;
use crate::crypto::{DataKey, Place};
use crate::db::DbError;

/// A turn and everything that must be atomic with it, as rows.
#[derive(Debug)]
pub(super) struct SealedTurn {
    pub(super) org: OrgId,
    pub(super) session: SessionId,
    pub(super) contact: ContactId,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) dedup: Option<String>,
    pub(super) key_id: Box<str>,
    pub(super) body: Vec<u8>,
    pub(super) snapshot: Option<Vec<u8>>,
    pub(super) messages: Vec<SealedMessage>,
    pub(super) supersedes: bool,
    pub(super) timers: Vec<(TimerId, Timestamp)>,
    pub(super) ended_timers: Vec<TimerId>,
    pub(super) consent: Option<ConsentChange>,
    pub(super) escalations: Vec<(EscalationId, EscalationReason)>,
    turn: Arc<Turn>,
    state: Arc<SessionState>,
}

/// An outbox row.
#[derive(Debug)]
pub(super) struct SealedMessage {
    pub(super) delivery: DeliveryId,
    pub(super) position: i64,
    pub(super) channel: Channel,
    pub(super) kind: MessageKind,
    pub(super) epoch: u64,
    pub(super) body: Vec<u8>,
    pub(super) due: Timestamp,
    pub(super) line: Option<String>,
}

impl SealedTurn {
    pub(super) fn seal(append: Append, key: &DataKey, entropy: &dyn Entropy) -> Result<Self, DbError> {
        let Append { org, session, contact, turn, effects, state, snapshot } = append;
        let unreadable = |error: &dyn std::fmt::Display| DbError::Corrupt(error.to_string());
        let plain = journal::encode(&turn.events).map_err(|error| unreadable(&error))?;
        let body = key.seal(entropy, &org, Place::Turn { session: &session, seq: turn.seq }, &plain);
        let snapshot = snapshot
            .then(|| serde_json::to_vec(&*state))
            .transpose()
            .map_err(|error| unreadable(&error))?
            .map(|plain| {
                key.seal(entropy, &org, Place::Snapshot { session: &session, seq: turn.seq }, &plain)
            });
        let fired = turn.events.iter().filter_map(|event| match event {
            Event::TimerFired { timer } => Some(timer.clone()),
            _ => None,
        });
        let mut sealed = Self {
            seq: turn.seq,
            at: turn.at,
            key_id: key.id().into(),
            body,
            snapshot,
            messages: Vec::new(),
            supersedes: false,
            timers: Vec::new(),
            ended_timers: fired.collect(),
            consent: None,
            escalations: Vec::new(),
            dedup: turn.dedup.clone(),
            org,
            session,
            contact,
            turn,
            state,
        };
        for effect in effects {
            sealed.add(effect, key, entropy);
        }
        Ok(sealed)
    }

    /// What followers of the journal learn of it.
    pub(super) fn committed(self) -> Committed {
        Committed { org: self.org, session: self.session, turn: self.turn, state: self.state }
    }

    fn add(&mut self, effect: Effect, key: &DataKey, entropy: &dyn Entropy) {
        match effect {
            Effect::Send(message) => {
                let OutboundMessage { delivery, channel, kind, text, not_before, epoch, line } = message;
                let place = Place::Delivery { id: delivery.as_str() };
                let body = key.seal(entropy, &self.org, place, text.as_bytes());
                let position = i64::try_from(self.messages.len()).unwrap_or(i64::MAX);
                let due = not_before.unwrap_or(self.at);
                let message = SealedMessage { delivery, position, channel, kind, epoch, body, due, line };
                self.messages.push(message);
            }
            Effect::SupersedeReplies => self.supersedes = true,
            Effect::SetTimer { timer, kind: _, due } => self.timers.push((timer, due)),
            Effect::CancelTimer { timer } => self.ended_timers.push(timer),
            Effect::ChangeConsent { change } => self.consent = Some(change),
            Effect::Escalate { escalation, reason } => self.escalations.push((escalation, reason)),
        }
    }
}
