//! "What was my email?", "what did I say for the phone?": questions about an answer that was given.

use crate::flow::Field;
use crate::session::state::{SessionMeta, SessionState};

use super::correction::Names;
use super::words::Words;

/// What such questions begin with; the name of the field follows.
const BEFORE: &[&str] = &[
    "what was",
    "what is",
    "whats",
    "what are",
    "what were",
    "what did i say for",
    "what did i say was",
    "what did i put for",
    "what did i put as",
    "what did i put down for",
    "what did i give you for",
    "what did i give for",
    "what did i answer for",
    "what did i answer to",
    "what did i tell you for",
    "what did i enter for",
    "what do you have for",
    "what do you have as",
    "what do you have down for",
    "what have you got for",
    "which",
    "what",
    "did you get",
    "do you have",
    "have you got",
    "did i give you",
    "did i give",
    "did i tell you",
    "is",
    "show me",
    "tell me",
    "remind me of",
    "remind me what",
    "cual es",
    "cual era",
    "que dije para",
    "que puse en",
    "tienes",
    "read back",
];
/// What must follow where the beginning alone could ask anything: "which email do you have".
const AFTER: &[&str] = &[
    "do you have",
    "did i give",
    "did i say",
    "did i put",
    "did i enter",
    "did i tell you",
    "have you got",
    "right",
    "correct",
    "again",
    "was it",
    "for me",
    "was",
    "is",
    "on file",
    "already",
];

/// The answered field that the message asks about.
pub(super) fn find<'a>(words: &Words<'_>, state: &SessionState, meta: &'a SessionMeta) -> Option<&'a Field> {
    let before = words.longest(0, BEFORE)?;
    let (field, end) = Names { words, state, meta }.named(before)?;
    let after = words.longest(end, AFTER);
    let bare =
        words.matches(0, "what").or_else(|| words.matches(0, "which")).or_else(|| words.matches(0, "is"));
    let complete =
        if bare == Some(before) { after.is_some() } else { words.len() <= end + after.unwrap_or(0) + 2 };
    (complete && state.answer(&field.id).is_some()).then_some(field)
}
