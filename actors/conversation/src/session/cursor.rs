//! Which question is pending, and where to return when it is settled.

use serde::{Deserialize, Serialize};

use crate::flow::{FieldId, Flow};
use crate::session::state::Confirmation;

/// The cursor of a session. It moves only by events: [`Event::Asked`](crate::session::Event::Asked) and what settles a
/// question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(super) struct Cursor {
    pending: Option<FieldId>,
    /// The pending question got what it asked for; the next `Asked` does not interrupt it.
    settled: bool,
    /// Questions that a correction or a step back interrupted, the latest last.
    interrupted: Vec<FieldId>,
    /// What "no wait, it's …" is about.
    last_answered: Option<FieldId>,
    confirmation: Option<Confirmation>,
}

impl Cursor {
    pub(super) const fn pending(&self) -> Option<&FieldId> {
        self.pending.as_ref()
    }

    pub(super) const fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    pub(super) const fn last_answered(&self) -> Option<&FieldId> {
        self.last_answered.as_ref()
    }

    /// The pending question, unless it got what it asked for.
    pub(super) fn open(&self) -> Option<&FieldId> {
        self.pending.as_ref().filter(|_| !self.settled)
    }

    /// Interrupted questions, the latest first.
    pub(super) fn interrupted(&self) -> impl Iterator<Item = &FieldId> {
        self.interrupted.iter().rev()
    }

    pub(super) fn answered(&mut self, field: &FieldId) {
        self.last_answered = Some(field.clone());
        self.settle(field);
    }

    pub(super) fn skipped(&mut self, field: &FieldId) {
        self.settle(field);
    }

    pub(super) fn confirm(&mut self, confirmation: Confirmation) {
        self.confirmation = Some(confirmation);
    }

    pub(super) fn refused(&mut self, field: &FieldId) {
        self.confirmation.take_if(|waiting| waiting.field == *field);
    }

    pub(super) fn invalidated(&mut self, field: &FieldId) {
        self.refused(field);
        self.interrupted.retain(|waiting| waiting != field);
        self.last_answered.take_if(|last| last == field);
    }

    /// Moves to `field`. A question that was left unsettled is remembered; the flow's length bounds the memory.
    pub(super) fn ask(&mut self, field: Option<&FieldId>, flow: &Flow) {
        let left = self.pending.take().filter(|left| !self.settled && Some(left) != field);
        match (field, left) {
            (Some(field), left) => {
                self.interrupted.retain(|waiting| waiting != field && Some(waiting) != left.as_ref());
                self.interrupted.extend(left.filter(|_| self.interrupted.len() < flow.fields.len()));
            }
            (None, _) => self.interrupted.clear(),
        }
        self.confirmation.take_if(|waiting| Some(&waiting.field) != field);
        self.pending = field.cloned();
        self.settled = false;
    }

    fn settle(&mut self, field: &FieldId) {
        self.refused(field);
        self.interrupted.retain(|waiting| waiting != field);
        if self.pending.as_ref() == Some(field) {
            self.settled = true;
        }
    }
}
