//! What the caller of a command is told.

use crate::answer::ParseErrorCause;
use crate::flow::{Field, FieldId};
use crate::journal::Turn;
use crate::session::event::Event;
use crate::session::speech::Speech;
use crate::session::state::{SessionMeta, SessionState, SessionStatus};

/// A form's value that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Which field.
    pub field: FieldId,
    /// The friendly sentence, with an example.
    pub message: String,
}

/// What the caller of a command is told. It depends on the turn and the state right after it alone, so a duplicate is
/// told exactly the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The turn; the head of the journal when the command changed nothing.
    pub seq: u64,
    /// What the bot said in the turn, on any channel.
    pub text: Option<String>,
    /// The question that is pending after it.
    pub pending: Option<FieldId>,
    /// The attempt that was refused.
    pub error: Option<FieldError>,
    /// Whether nothing is left to ask.
    pub complete: bool,
    /// Where the session stands.
    pub status: SessionStatus,
}

/// Why an answer to `field` was refused, in the session's language, with an example of one that would do.
pub fn refusal(meta: &SessionMeta, field: &Field, cause: &ParseErrorCause) -> String {
    Speech::of(meta).refusal(field, cause)
}

/// The reply to the command that caused `turn`; `after` is the state folded up to and including it.
pub fn reply_of(meta: &SessionMeta, after: &SessionState, turn: &Turn) -> Reply {
    let speech = Speech::of(meta);
    let mut reply = Reply { seq: turn.seq, ..reply_to_nothing(after) };
    for event in &turn.events {
        match event {
            Event::Said { message } => reply.text.get_or_insert_default().push_str(&message.text),
            Event::Missed { field, cause } => {
                reply.error = meta
                    .flow
                    .field(field)
                    .map(|known| FieldError { field: field.clone(), message: speech.refusal(known, cause) });
            }
            Event::Started { .. }
            | Event::Received { .. }
            | Event::FileMissed { .. }
            | Event::Repeated { .. }
            | Event::Answered { .. }
            | Event::ConfirmationAsked { .. }
            | Event::ConfirmationRefused { .. }
            | Event::Invalidated { .. }
            | Event::Skipped { .. }
            | Event::Declined { .. }
            | Event::Postponed { .. }
            | Event::Asked { .. }
            | Event::Completed
            | Event::Reopened
            | Event::Escalated { .. }
            | Event::ConsentChanged { .. }
            | Event::Opened { .. }
            | Event::Call { .. }
            | Event::ToolUsed { .. }
            | Event::TimerSet { .. }
            | Event::TimerCancelled { .. }
            | Event::TimerFired { .. }
            | Event::Delivered { .. } => {}
        }
    }
    reply
}

/// The reply to a command that changed nothing.
pub fn reply_to_nothing(state: &SessionState) -> Reply {
    Reply {
        seq: state.seq(),
        text: None,
        pending: state.pending().cloned(),
        error: None,
        complete: state.is_complete(),
        status: state.status(),
    }
}
