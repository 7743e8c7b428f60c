//! Reading typed values out of words, with what the session knows: the one place where the session meets the parsers.

use serde_json::Value;

use crate::answer::{self, AnswerValue, FileAnswer, ParseContext, ParseErrorCause};
use crate::flow::{Condition, Field, FieldType};
use crate::session::state::{SessionMeta, SessionState};
use crate::time::Timestamp;

/// What a parser may know about an answer to `field` at `now`.
fn context<'a>(meta: &'a SessionMeta, now: Timestamp, field: &'a Field) -> ParseContext<'a> {
    ParseContext {
        now,
        zone: meta.zone.as_deref().unwrap_or("UTC"),
        region: &meta.region,
        options: &field.options,
        validation: &field.validation,
    }
}

/// What a person wrote or said, as an answer to `field`.
pub(super) fn parse(
    meta: &SessionMeta,
    now: Timestamp,
    field: &Field,
    text: &str,
) -> Result<AnswerValue, ParseErrorCause> {
    answer::parse(field.kind, text, &context(meta, now, field)).map_err(|error| error.cause)
}

/// What a form sent: the normalised JSON of the type, or text as a person would write it.
pub(super) fn from_form(
    meta: &SessionMeta,
    now: Timestamp,
    field: &Field,
    value: &Value,
) -> Result<AnswerValue, ParseErrorCause> {
    AnswerValue::from_json(field.kind, value, &context(meta, now, field)).map_err(|error| error.cause)
}

/// Whether a stored file may answer `field`.
pub(super) fn accept_file(
    meta: &SessionMeta,
    now: Timestamp,
    field: &Field,
    file: &FileAnswer,
) -> Result<AnswerValue, ParseErrorCause> {
    match field.kind {
        FieldType::File => {
            answer::check_file(file, &context(meta, now, field)).map(|()| AnswerValue::File(file.clone()))
        }
        _ => Err(ParseErrorCause::NotRecognised),
    }
}

/// Whether `field` is asked at all, given the answers that stand.
pub(crate) fn is_visible(state: &SessionState, field: &Field) -> bool {
    field.when.as_ref().is_none_or(|condition| holds(state, condition))
}

fn holds(state: &SessionState, condition: &Condition) -> bool {
    let known = |field| state.answer(field).map(|answer| answer.value.to_json());
    match condition {
        Condition::Equals { field, value } => known(field).as_ref() == Some(value),
        Condition::In { field, values } => known(field).is_some_and(|known| values.contains(&known)),
        Condition::Answered { field } => state.answer(field).is_some(),
        Condition::GreaterThan { .. } | Condition::LessThan { .. } => false,
        Condition::All(all) => all.iter().all(|one| holds(state, one)),
        Condition::Any(any) => any.iter().any(|one| holds(state, one)),
        Condition::Not(one) => !holds(state, one),
    }
}

/// An answer read out of a message.
pub(super) struct Found {
    pub(super) field: crate::flow::FieldId,
    pub(super) value: AnswerValue,
    pub(super) raw: String,
}

pub(super) fn extract(
    _state: &SessionState,
    _meta: &SessionMeta,
    _now: Timestamp,
    _text: &str,
) -> Vec<Found> {
    Vec::new()
}

pub(super) fn is_normalised(answer: &AnswerValue, value: &Value) -> bool {
    answer.to_json() == *value
}

pub(super) fn depends_on(condition: &Condition, changed: &crate::flow::FieldId) -> bool {
    match condition {
        Condition::Equals { field, .. }
        | Condition::In { field, .. }
        | Condition::Answered { field }
        | Condition::GreaterThan { field, .. }
        | Condition::LessThan { field, .. } => field == changed,
        Condition::All(all) | Condition::Any(all) => all.iter().any(|one| depends_on(one, changed)),
        Condition::Not(one) => depends_on(one, changed),
    }
}

pub(super) fn keyword(text: &str, opted_out: bool) -> Option<crate::consent::Keyword> {
    use crate::consent::Keyword;
    match text.trim().to_ascii_lowercase().as_str() {
        "stop" | "stopall" | "unsubscribe" | "cancel" | "end" | "quit" | "revoke" | "optout" => {
            Some(Keyword::Stop)
        }
        "start" | "unstop" => Some(Keyword::Start),
        "yes" if opted_out => Some(Keyword::Start),
        "help" | "info" => Some(Keyword::Help),
        _ => None,
    }
}

pub(super) fn plain_opt_out(text: &str) -> bool {
    text.to_ascii_lowercase().contains("stop texting")
}

pub(super) const fn permitted_at(at: Timestamp) -> Timestamp {
    at
}
