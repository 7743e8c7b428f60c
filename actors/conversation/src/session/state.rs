//! A session's state: a fold over its journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::answer::AnswerValue;
use crate::channel::Channel;
use crate::flow::{FieldId, Flow};
use crate::id::{ContactId, OrgId, SessionId};
use crate::journal::Turn;
use crate::session::command::Origin;
use crate::time::Timestamp;

/// What does not change during a session (kept in its row, not in its journal).
#[derive(Debug, Clone, PartialEq)]
pub struct SessionMeta {
    /// The session.
    pub session: SessionId,
    /// Its tenant.
    pub org: OrgId,
    /// The tenant's name, for `{org_name}`.
    pub org_name: String,
    /// The person.
    pub contact: ContactId,
    /// The person's name, for `{client_name}`; empty when unknown.
    pub contact_name: String,
    /// The pinned questions.
    pub flow: Arc<Flow>,
    /// Language of the sentences: `en` or `es`.
    pub locale: String,
    /// Region for national phone numbers, e.g. `US`.
    pub region: String,
    /// The contact's zone (IANA) when known.
    pub zone: Option<String>,
    /// The hosted page of this session, for messages that carry it; `None` in `usher chat`.
    pub link: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Questions are open.
    Active,
    /// Every required field is answered.
    Complete,
    /// The contact withdrew consent.
    OptedOut,
    /// A human must look; the bot still answers.
    Escalated,
}

/// An answer and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The normalised value.
    pub value: AnswerValue,
    /// What was written or said.
    pub raw: String,
    /// Where from.
    pub origin: Origin,
    /// When.
    pub at: Timestamp,
    /// In which turn.
    pub seq: u64,
}

/// One line of the conversation as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptEntry {
    /// The turn it belongs to.
    pub seq: u64,
    /// Its position in the turn.
    pub index: u32,
    /// Who said it.
    pub from: Speaker,
    /// Where.
    pub channel: Channel,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The contact.
    Client,
    /// The automated side.
    Bot,
    /// A member of the organisation.
    Staff,
}

/// An understood answer that waits for a yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Which field.
    pub field: FieldId,
    /// What was understood.
    pub value: AnswerValue,
    /// What was written or said.
    pub raw: String,
    /// Where from.
    pub origin: Origin,
}

/// The live state. Only [`SessionState::apply`] changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionState {
    status: SessionStatus,
    answers: BTreeMap<FieldId, Answer>,
    skipped: BTreeSet<FieldId>,
    pending: Option<FieldId>,
    confirmation: Option<Confirmation>,
    last_channel: Option<Channel>,
    epoch: u64,
    seq: u64,
}

impl SessionState {
    /// The state before the first turn.
    pub fn new() -> Self {
        Self {
            status: SessionStatus::Active,
            answers: BTreeMap::new(),
            skipped: BTreeSet::new(),
            pending: None,
            confirmation: None,
            last_channel: None,
            epoch: 0,
            seq: 0,
        }
    }

    /// Where the session stands.
    pub const fn status(&self) -> SessionStatus {
        self.status
    }

    /// The answers that stand now.
    pub const fn answers(&self) -> &BTreeMap<FieldId, Answer> {
        &self.answers
    }

    /// Whether the contact skipped the field.
    pub fn is_skipped(&self, field: &FieldId) -> bool {
        self.skipped.contains(field)
    }

    /// The pending question.
    pub const fn pending(&self) -> Option<&FieldId> {
        self.pending.as_ref()
    }

    /// The read-back that waits for a yes, if one does.
    pub const fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    /// The channel the contact used last.
    pub const fn last_channel(&self) -> Option<Channel> {
        self.last_channel
    }

    /// The control epoch; it rises with every takeover.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last turn that was folded in; 0 before the first.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Folds one whole turn in. Live turns, replays and rebuilt read models all go through here.
    pub fn apply(&mut self, meta: &SessionMeta, turn: &Turn) {
        let _ = meta;
        self.seq = turn.seq;
    }
}

impl Default for SessionState {
    fn default() -> Self {
        Self::new()
    }
}

/// The state a stored session has: its snapshot with the tail folded in.
pub fn fold(meta: &SessionMeta, snapshot: Option<SessionState>, tail: &[Turn]) -> SessionState {
    let mut state = snapshot.unwrap_or_default();
    for turn in tail {
        state.apply(meta, turn);
    }
    state
}
