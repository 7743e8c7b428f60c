//! The versioned definition of the questions.
//!
//! | file | what lives there |
//! |---|---|
//! | `mod.rs` | the types, and which fields are visible |
//! | `called.rs` | what people call a field |
//! | `condition.rs` | when a field is asked |
//! | `wire.rs`, `expression.rs` | the shapes a condition may be written in |
//! | `file.rs` | flow files, with defaults for what authors leave out |
//! | `validate.rs` | what must be true of a flow before it is saved |

mod called;
mod condition;
mod expression;
mod file;
mod validate;
mod wire;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use called::Called;
pub use condition::Condition;
pub use file::FlowFileError;
pub use validate::FlowProblem;

use crate::answer::AnswerValue;
use crate::id::FlowId;

/// The id of a field inside its flow: 1-64 characters of `a-z 0-9 _`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldId(Box<str>);

impl FieldId {
    /// Wraps text as it stands; [`Flow`] validation checks its form.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of answer a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One line of free text.
    Text,
    /// Several lines of free text.
    LongText,
    /// A person's name.
    PersonName,
    /// A telephone number, normalised to E.164.
    Phone,
    /// An email address, lower-cased.
    Email,
    /// A web address with scheme.
    Url,
    /// A decimal number.
    Number,
    /// An amount of money in minor units and its ISO 4217 currency.
    Currency,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// A time of day, `HH:MM`.
    Time,
    /// Yes or no.
    Boolean,
    /// Exactly one of the options.
    Select,
    /// One or more of the options.
    MultiSelect,
    /// A postal address.
    Address,
    /// Opening hours by weekday.
    BusinessHours,
    /// An uploaded or texted file.
    File,
}

impl FieldType {
    /// Whether nearly any words will do as an answer.
    pub(crate) const fn takes_words(self) -> bool {
        matches!(self, Self::Text | Self::LongText | Self::PersonName | Self::Address)
    }
}

/// One choice of a `select` or `multi_select` field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The stable value.
    pub id: String,
    /// What the client sees.
    pub label: String,
}

/// Limits on an answer beyond its type. Absent members do not limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Validation {
    /// Fewest characters of a text, fewest choices of a `multi_select`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Most characters of a text, most choices of a `multi_select`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Smallest number (for currency: in major units).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number (for currency: in major units).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Only whole numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub integer: bool,
    /// Earliest date, `YYYY-MM-DD` or `today`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// Latest date, `YYYY-MM-DD` or `today`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// Accepted media types of a file, e.g. `image/*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
    /// Largest file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Unique inside the flow.
    pub id: FieldId,
    /// Short name, e.g. `Website`; used in progress, corrections and summaries.
    pub label: String,
    /// The question as the client reads or hears it; may hold `{client_name}`, `{org_name}` and `{answer:field_id}`.
    pub prompt: String,
    /// More words, given when the client asks for help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What kind of answer it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether the session needs it to complete.
    #[serde(default = "yes")]
    pub required: bool,
    /// The choices of a `select` or `multi_select`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// Limits beyond the type.
    #[serde(default)]
    pub validation: Validation,
    /// When it is asked; always, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Read the understood answer back and wait for a yes before taking it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
    /// Keep the value out of summaries and watchers' screens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// What people call it; begins empty.
    #[serde(skip)]
    pub called: Called,
}

const fn yes() -> bool {
    true
}

/// One version of the questions of a session. A session is pinned to its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// This version's id.
    pub id: FlowId,
    /// Counts up from 1 with every saved change of the same flow.
    pub version: u32,
    /// What staff call it.
    pub name: String,
    /// The questions in order.
    pub fields: Vec<Field>,
    /// What the completion screen and message tell the client comes next.
    #[serde(default)]
    pub next_steps: Vec<String>,
}

impl Flow {
    /// The field with this id.
    pub fn field(&self, id: &FieldId) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == *id)
    }

    /// The fields that are asked given these answers, in order. The answer of a field that is itself not asked does
    /// not count.
    pub fn visible<'a>(&self, answer: &impl Fn(&FieldId) -> Option<&'a AnswerValue>) -> Vec<&Field> {
        let mut visible: Vec<&Field> = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let known =
                |id: &FieldId| visible.iter().any(|field| field.id == *id).then(|| answer(id)).flatten();
            if field.when.as_ref().is_none_or(|when| when.holds(&known)) {
                visible.push(field);
            }
        }
        visible
    }

    /// The fields whose being asked hangs on `field`, directly or through others, in order.
    pub fn depends_on(&self, field: &FieldId) -> Vec<&FieldId> {
        let mut dependents: Vec<&FieldId> = Vec::new();
        for other in &self.fields {
            let reads = |when: &Condition| {
                when.fields().into_iter().any(|read| read == field || dependents.contains(&read))
            };
            if other.when.as_ref().is_some_and(reads) {
                dependents.push(&other.id);
            }
        }
        dependents
    }
}
