//! Reading typed values out of words, with what the session knows: the one place where the session meets the parsers.

use std::ops::Range;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::answer::{
    self, AnswerValue, BusinessHours, Claim, FileAnswer, ParseContext, ParseErrorCause, Wanted,
};
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
#[derive(Debug)]
pub(super) struct Found {
    pub(super) field: FieldId,
    pub(super) value: AnswerValue,
    /// The words it was read from.
    pub(super) raw: String,
    /// Where they stand with their label, and where their statement begins.
    pub(super) at: Range<usize>,
    pub(super) from: usize,
}

/// The answers that a message holds beyond doubt, in its order. One to a question that is not asked as things stand
/// brings the answer along that makes it one: who sends the address of their website has a website.
pub(super) fn extract(state: &SessionState, meta: &SessionMeta, now: Timestamp, text: &str) -> Vec<Found> {
    let Some(first) = meta.flow.fields.first() else { return Vec::new() };
    let words_wanted =
        state.pending().and_then(|id| meta.flow.field(id)).is_some_and(|field| field.kind.takes_words());
    let mut grounds: Vec<Option<(&Field, AnswerValue)>> = Vec::with_capacity(meta.flow.fields.len());
    let mut wanted: Vec<Wanted<'_>> = Vec::with_capacity(meta.flow.fields.len());
    for field in &meta.flow.fields {
        if is_visible(state, field) {
            wanted.push(Wanted { field, open: !state.is_settled(&field.id) });
            grounds.push(None);
        } else if let Some((ground, value)) = ground(state, meta, field) {
            // An address says that there is a website, whatever was said before.
            let says_otherwise = matches!(field.kind, FieldType::Url | FieldType::Email | FieldType::Phone);
            let open = !state.is_settled(&ground.id) || (says_otherwise && !words_wanted);
            wanted.push(Wanted { field, open });
            grounds.push(Some((ground, value)));
        }
    }
    let claims = answer::extract(text, &wanted, words_wanted, &context(meta, now, first));
    let mut found: Vec<Found> = Vec::with_capacity(claims.len());
    for Claim { field, value, at, whole, from } in claims {
        let raw = text[at].to_owned();
        if let Some((ground, needed)) = &grounds[field]
            && !found.iter().any(|found| found.field == ground.id)
        {
            let (field, value) = (ground.id.clone(), needed.clone());
            found.push(Found { field, value, raw: raw.clone(), at: whole.clone(), from });
        }
        found.push(Found { field: wanted[field].field.id.clone(), value, raw, at: whole, from });
    }
    found
}

/// The first field behind `field` that is asked because `field` has just this answer.
pub(super) fn next_because_of<'a>(
    state: &SessionState,
    meta: &'a SessionMeta,
    field: &Field,
    value: &AnswerValue,
) -> Option<&'a Field> {
    let hidden = meta.flow.fields.iter().filter(|other| !is_visible(state, other));
    hidden.into_iter().find(|other| {
        ground(state, meta, other).is_some_and(|(ground, needed)| ground.id == field.id && needed == *value)
    })
}

/// The yes or no that a short statement says about what `field` is called.
pub(super) fn about(field: &Field, text: &str) -> Option<AnswerValue> {
    answer::said_about(field, text).map(AnswerValue::Boolean)
}

/// The one answer to another question that would have `field` asked.
fn ground<'a>(
    state: &SessionState,
    meta: &'a SessionMeta,
    field: &Field,
) -> Option<(&'a Field, AnswerValue)> {
    let when = field.when.as_ref()?;
    let [other] = when.fields()[..] else { return None };
    let other = meta.flow.field(other).filter(|other| is_visible(state, other))?;
    let values = match other.kind {
        FieldType::Boolean => vec![AnswerValue::Boolean(true), AnswerValue::Boolean(false)],
        FieldType::Select => {
            other.options.iter().map(|option| AnswerValue::Choice(option.id.clone())).collect()
        }
        _ => return None,
    };
    let mut fitting = values.into_iter().filter(|value| when.holds(&|id| (*id == other.id).then_some(value)));
    let value = fitting.next()?;
    fitting.next().is_none().then_some((other, value))
}

/// The first statement of a message where plainly other ones follow.
pub(super) fn first_statement(text: &str) -> &str {
    answer::first_statement(text)
}

/// Opening hours with what a message says about some days, or about all their beginnings or ends.
pub(super) fn amended_hours(known: &BusinessHours, text: &str) -> Option<AnswerValue> {
    answer::amend_hours(known, text).map(AnswerValue::Hours)
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

/// The first instant from `at` on at which a reminder may reach the contact. Where the zone is unknown, every zone counts
/// in which their number may be, or any number of the session's region.
pub(super) fn permitted_at(meta: &SessionMeta, at: Timestamp) -> Timestamp {
    let number = meta.phone.clone().unwrap_or_else(|| consent::calling_code(&meta.region));
    consent::permitted_at(at, meta.zone.as_deref(), &number).err().unwrap_or(at)
}

/// When someone who cannot go on now says or means that they can.
pub(super) fn postponed_until(meta: &SessionMeta, now: Timestamp, text: &str) -> Option<Timestamp> {
    answer::postponed_until(text, &context(meta, now, meta.flow.fields.first()?))
}

/// How many days lie between two instants where the contact lives.
pub(super) fn days_between(meta: &SessionMeta, from: Timestamp, to: Timestamp) -> i64 {
    let zone = meta.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    let day = |at: Timestamp| at.to_jiff().to_zoned(zone.clone()).date();
    i64::from(day(from).until(day(to)).map_or(0, |span| span.get_days()))
}

/// The day of an instant where the contact lives.
pub(super) fn day_of(meta: &SessionMeta, at: Timestamp) -> AnswerValue {
    let zone = meta.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    AnswerValue::Date(at.to_jiff().to_zoned(zone).date().to_string())
}
