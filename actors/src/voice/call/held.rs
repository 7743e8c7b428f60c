//! What an agent that is not there, or must not speak now, is told once it can be.

use std::collections::VecDeque;

use super::{Action, Call, Stage};

/// More than can happen while a conversation is opened; the oldest goes first.
const MOST: usize = 32;

/// Something an agent is to be told.
#[derive(Debug, Default)]
pub(super) struct Note {
    /// The turn of the session it comes from, if it comes from one: an agent that was briefed later knows it.
    pub(super) turn: Option<u64>,
    /// What it should know, under an id.
    pub(super) context: Option<(&'static str, String)>,
    /// What is said to it.
    pub(super) message: Option<String>,
}

impl Note {
    pub(super) fn saying(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::default() }
    }

    fn tell(self, out: &mut Vec<Action>) {
        out.extend(self.context.map(|(id, text)| Action::Context { id, text }));
        out.extend(self.message.map(Action::Message));
    }
}

/// Notes that wait, and what need not be told.
#[derive(Debug, Default)]
pub(super) struct Held {
    notes: VecDeque<Note>,
    /// The newest turn that is in the agent's briefing.
    briefed: u64,
    /// Words of the contact from before, of which nothing has come.
    contact_said: Option<String>,
}

impl Held {
    /// The next agent is briefed with everything up to this turn; words of the contact that wait for a reply are said to it.
    pub(super) fn briefed(&mut self, turn: u64, contact_said: Option<String>) {
        (self.briefed, self.contact_said) = (turn, contact_said);
        // What was typed before the briefing was journaled by then: it is not said twice.
        let said = self.contact_said.as_deref().unwrap_or_default();
        let waits = |note: &Note| note.message.as_deref().is_some_and(|message| said.contains(message));
        self.notes.retain(|note| note.turn.map_or_else(|| !waits(note), |of| of > turn));
    }

    fn knows(&self, note: &Note) -> bool {
        note.turn.is_some_and(|turn| turn <= self.briefed)
    }

    fn keep(&mut self, note: Note) {
        if self.notes.len() >= MOST {
            self.notes.pop_front();
        }
        self.notes.push_back(note);
    }

    /// Keeps it before everything else that waits.
    pub(super) fn keep_first(&mut self, note: Note) {
        self.notes.push_front(note);
    }
}

impl Call {
    /// Tells the agent something, now or as soon as it is there.
    pub(super) fn inform(&mut self, note: Note, out: &mut Vec<Action>) {
        if self.held.knows(&note) {
            return;
        }
        match self.stage {
            Stage::Live { .. } | Stage::Closing { .. } => note.tell(out),
            Stage::Screening { .. }
            | Stage::PlayingOut { .. }
            | Stage::Dialing { .. }
            | Stage::Transferring { .. } => self.held.keep(note),
            Stage::Grace { .. } | Stage::Over => {}
        }
    }

    /// The agent is there: it is told what waited.
    pub(super) fn release_notes(&mut self, out: &mut Vec<Action>) {
        out.extend(self.held.contact_said.take().map(Action::Message));
        for note in self.held.notes.drain(..) {
            note.tell(out);
        }
    }
}
