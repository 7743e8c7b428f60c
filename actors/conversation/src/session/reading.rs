//! Reading typed values out of words, with what the session knows: the one place where the session meets the parsers.

use serde_json::Value;

use crate::answer::{self, AnswerValue, FileAnswer, ParseContext, ParseErrorCause};
use crate::consent::{self, Keyword};
use crate::flow::{Condition, Field, FieldId, FieldType};
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
    let answer = |id: &FieldId| state.answer(id).map(|answer| &answer.value);
    field.when.as_ref().is_none_or(|condition| condition.holds(&answer))
}

/// The one value that stands in a message and cannot be anything but an answer to `field`.
pub(super) fn find(meta: &SessionMeta, now: Timestamp, field: &Field, text: &str) -> Option<AnswerValue> {
    answer::find(field.kind, text, &context(meta, now, field)).map(|found| found.value)
}

/// An answer read out of a message.
pub(super) struct Found {
    pub(super) field: FieldId,
    pub(super) value: AnswerValue,
    pub(super) raw: String,
}

/// The answers to open questions that a message holds beyond doubt.
pub(super) fn extract(state: &SessionState, meta: &SessionMeta, now: Timestamp, text: &str) -> Vec<Found> {
    let is_open = |field: &&Field| !state.is_settled(&field.id) && is_visible(state, field);
    let fields: Vec<&Field> = meta.flow.fields.iter().filter(is_open).collect();
    let Some(first) = fields.first() else { return Vec::new() };
    let found = answer::extract(text, &fields, &context(meta, now, first));
    found.into_iter().map(|(field, value, raw)| Found { field, value, raw }).collect()
}

pub(super) fn is_normalised(answer: &AnswerValue, value: &Value) -> bool {
    answer.to_json() == *value
}

pub(super) fn depends_on(condition: &Condition, changed: &FieldId) -> bool {
    condition.fields().contains(&changed)
}

/// The reserved word that the message is; `YES` is one only for a person who has opted out.
pub(super) fn keyword(text: &str, opted_out: bool) -> Option<Keyword> {
    consent::keyword(text).or_else(|| (opted_out && consent::opted_in_again(text)).then_some(Keyword::Start))
}

/// Whether the message withdraws consent in plain words.
pub(super) fn plain_opt_out(text: &str) -> bool {
    consent::plain_opt_out(text)
}

/// The first instant from `at` on at which a reminder may reach the contact. Where the zone is unknown, every zone of the
/// session's region counts.
pub(super) fn permitted_at(meta: &SessionMeta, at: Timestamp) -> Timestamp {
    let number = consent::calling_code(&meta.region);
    consent::permitted_at(at, meta.zone.as_deref(), &number).err().unwrap_or(at)
}
