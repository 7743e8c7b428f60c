//! When a field is asked.

use serde_json::Value;

use super::FieldId;
use crate::answer::AnswerValue;

/// When a field is asked. Conditions read earlier answers in their normalised JSON form
/// ([`AnswerValue::to_json`]); a field without an answer satisfies none of the comparisons.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The field has an answer equal to this JSON value; for `multi_select`, contains it.
    Equals {
        /// Which earlier field.
        field: FieldId,
        /// The value it must have.
        value: Value,
    },
    /// The field has an answer that is one of these.
    In {
        /// Which earlier field.
        field: FieldId,
        /// The values, any of which will do.
        values: Vec<Value>,
    },
    /// The field has any answer.
    Answered {
        /// Which earlier field.
        field: FieldId,
    },
    /// A number or currency answer greater than this (currency in major units).
    GreaterThan {
        /// Which earlier field.
        field: FieldId,
        /// The bound, excluded.
        value: f64,
    },
    /// A number or currency answer of this or more.
    AtLeast {
        /// Which earlier field.
        field: FieldId,
        /// The bound, included.
        value: f64,
    },
    /// A number or currency answer less than this.
    LessThan {
        /// Which earlier field.
        field: FieldId,
        /// The bound, excluded.
        value: f64,
    },
    /// A number or currency answer of this or less.
    AtMost {
        /// Which earlier field.
        field: FieldId,
        /// The bound, included.
        value: f64,
    },
    /// Every one holds.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

impl Condition {
    /// Whether it holds given these answers.
    pub fn holds<'a>(&self, answer: &impl Fn(&FieldId) -> Option<&'a AnswerValue>) -> bool {
        let amount = |field: &FieldId| answer(field).and_then(AnswerValue::as_number);
        match self {
            Self::Equals { field, value } => answer(field).is_some_and(|answer| matches(answer, value)),
            Self::In { field, values } => {
                answer(field).is_some_and(|answer| values.iter().any(|value| matches(answer, value)))
            }
            Self::Answered { field } => answer(field).is_some(),
            Self::GreaterThan { field, value } => amount(field).is_some_and(|amount| amount > *value),
            Self::AtLeast { field, value } => amount(field).is_some_and(|amount| amount >= *value),
            Self::LessThan { field, value } => amount(field).is_some_and(|amount| amount < *value),
            Self::AtMost { field, value } => amount(field).is_some_and(|amount| amount <= *value),
            Self::All(parts) => parts.iter().all(|part| part.holds(answer)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(answer)),
            Self::Not(part) => !part.holds(answer),
        }
    }

    /// The fields it reads, in the order they stand in it.
    pub fn fields(&self) -> Vec<&FieldId> {
        match self {
            Self::Equals { field, .. }
            | Self::In { field, .. }
            | Self::Answered { field }
            | Self::GreaterThan { field, .. }
            | Self::AtLeast { field, .. }
            | Self::LessThan { field, .. }
            | Self::AtMost { field, .. } => vec![field],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Not(part) => part.fields(),
        }
    }

    /// The values it compares answers of a field with, for change.
    pub(super) fn values_mut(&mut self) -> Vec<(&FieldId, &mut Value)> {
        match self {
            Self::Equals { field, value } => vec![(field, value)],
            Self::In { field, values } => values.iter_mut().map(|value| (&*field, value)).collect(),
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().flat_map(Self::values_mut).collect(),
            Self::Not(part) => part.values_mut(),
            Self::Answered { .. }
            | Self::GreaterThan { .. }
            | Self::AtLeast { .. }
            | Self::LessThan { .. }
            | Self::AtMost { .. } => Vec::new(),
        }
    }
}

fn matches(answer: &AnswerValue, wanted: &Value) -> bool {
    match (answer, wanted) {
        (AnswerValue::Number(number), Value::Number(wanted)) => wanted.as_f64() == Some(*number),
        (AnswerValue::Choices(ids), Value::String(wanted)) => ids.contains(wanted),
        (answer, wanted) => answer.to_json() == *wanted,
    }
}
