//! What a person at a screen sees of a session: derived from the state, never stored.

use crate::journal::Turn;
use crate::session::event::Event;
use crate::session::state::TranscriptEntry;

/// The lines that a turn adds to the conversation as people read it.
pub fn transcript_of(turn: &Turn) -> Vec<TranscriptEntry> {
    let _: Option<&Event> = turn.events.first();
    Vec::new()
}
