//! Answers as normalised JSON: what the API shows, what typed forms send and what conditions compare.

use serde_json::{Map, Value, json};

use super::{
    AnswerValue, BusinessHours, FileAnswer, ParseContext, ParseError, ParseErrorCause as Cause, currency,
    hours, number, parse,
};
use crate::flow::FieldType;

/// The weekdays as the API names them, Monday first.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl AnswerValue {
    /// The size of a number or an amount (in major units), as conditions compare it.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Currency { minor, currency } => Some(currency::to_major(*minor, currency)),
            _ => None,
        }
    }

    /// The answer as normalised JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text)
            | Self::Phone(text)
            | Self::Email(text)
            | Self::Url(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Choice(text) => Value::from(text.as_str()),
            Self::Number(value) => number_json(*value),
            Self::Currency { minor, currency } => json!({ "minor": minor, "currency": currency }),
            Self::Boolean(value) => Value::from(*value),
            Self::Choices(ids) => json!(ids),
            Self::Hours(hours) => Value::Object(
                DAYS.iter().zip(&hours.days).map(|(day, open)| ((*day).to_owned(), json!(open))).collect(),
            ),
            Self::File(file) => {
                json!({ "file": file.file, "name": file.name, "mediaType": file.media_type, "bytes": file.bytes })
            }
        }
    }

    /// An answer from a typed form: normalised JSON, or text as a person would write it. The same rules apply.
    ///
    /// # Errors
    /// The one most helpful cause, as [`parse`] gives it.
    pub fn from_json(kind: FieldType, value: &Value, ctx: &ParseContext<'_>) -> Result<Self, ParseError> {
        match (kind, value) {
            (_, Value::Null) => Err(Cause::Empty.into()),
            (FieldType::File, Value::Object(object)) => file(object, ctx).map_err(ParseError::from),
            // A form holds the text itself: nothing in it announces the rest.
            (FieldType::Text, Value::String(text)) if !text.trim().is_empty() => {
                super::text::line(text, ctx).map_err(ParseError::from)
            }
            (_, Value::String(text)) => parse(kind, text, ctx),
            (FieldType::Number, Value::Number(value)) => {
                let value = value.as_f64().ok_or(Cause::NotRecognised)?;
                Ok(Self::Number(number::check(value, ctx)?))
            }
            (FieldType::Boolean, Value::Bool(value)) => Ok(Self::Boolean(*value)),
            (FieldType::Currency, Value::Object(object)) => money(object, ctx).map_err(ParseError::from),
            (FieldType::MultiSelect, Value::Array(ids)) => choices(ids, ctx).map_err(ParseError::from),
            (FieldType::BusinessHours, Value::Object(object)) => week(object).map_err(ParseError::from),
            (_, Value::Number(value)) => parse(kind, &value.to_string(), ctx),
            (_, _) => Err(Cause::NotRecognised.into()),
        }
    }
}

/// Whole numbers print without a fraction.
fn number_json(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers within 2^53 are converted")]
    let whole = value as i64;
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        Value::from(whole)
    } else {
        Value::from(value)
    }
}

fn money(object: &Map<String, Value>, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let minor = object.get("minor").and_then(Value::as_i64).ok_or(Cause::NotRecognised)?;
    let code = object
        .get("currency")
        .and_then(Value::as_str)
        .filter(|code| currency::is_code(code))
        .ok_or(Cause::NotRecognised)?;
    let whole = super::Validation { integer: false, ..ctx.validation.clone() };
    number::check(currency::to_major(minor, code), &ParseContext { validation: &whole, ..ctx.clone() })?;
    Ok(AnswerValue::Currency { minor, currency: code.to_owned() })
}

/// Ids in any order; they are kept in the flow's order, each once.
fn choices(ids: &[Value], ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let known = |id: &Value| ctx.options.iter().any(|option| id.as_str() == Some(option.id.as_str()));
    if !ids.iter().all(known) {
        return Err(Cause::NotAnOption);
    }
    let chosen: Vec<bool> = ctx
        .options
        .iter()
        .map(|option| ids.iter().any(|id| id.as_str() == Some(option.id.as_str())))
        .collect();
    super::choice::check_count(&chosen, ctx)?;
    let picked: Vec<String> = ctx
        .options
        .iter()
        .zip(chosen)
        .filter(|(_, taken)| *taken)
        .map(|(option, _)| option.id.clone())
        .collect();
    if picked.is_empty() { Err(Cause::Empty) } else { Ok(AnswerValue::Choices(picked)) }
}

fn week(object: &Map<String, Value>) -> Result<AnswerValue, Cause> {
    let mut week = BusinessHours::default();
    for (day, intervals) in object {
        let index = DAYS.iter().position(|name| name == day).ok_or(Cause::NotRecognised)?;
        let intervals: Vec<(String, String)> =
            serde_json::from_value(intervals.clone()).map_err(|_| Cause::NotRecognised)?;
        week.days[index] = intervals;
    }
    hours::check(week).map(AnswerValue::Hours)
}

fn file(object: &Map<String, Value>, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).ok_or(Cause::FileExpected);
    let file = FileAnswer {
        file: text("file")?.parse().map_err(|_| Cause::FileExpected)?,
        name: text("name")?.to_owned(),
        media_type: text("mediaType")?.to_owned(),
        bytes: object.get("bytes").and_then(Value::as_u64).ok_or(Cause::FileExpected)?,
    };
    super::check_file(&file, ctx)?;
    Ok(AnswerValue::File(file))
}
