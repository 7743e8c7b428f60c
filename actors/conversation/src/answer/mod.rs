//! Typed answers: one parser and normaliser per field type.

use serde::{Deserialize, Serialize};

use crate::flow::{Choice, FieldType, Validation};
use crate::id::FileId;
use crate::time::Timestamp;

/// A normalised answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum AnswerValue {
    /// Text of one or several lines, a name, or an address, trimmed.
    Text(String),
    /// E.164, e.g. `+14155550100`.
    Phone(String),
    /// Lower-cased address.
    Email(String),
    /// Absolute `http(s)` address.
    Url(String),
    /// A decimal number.
    Number(f64),
    /// Money.
    Currency {
        /// Minor units (cents).
        minor: i64,
        /// ISO 4217 code.
        currency: String,
    },
    /// `YYYY-MM-DD`.
    Date(String),
    /// `HH:MM`, 24 hours.
    Time(String),
    /// Yes or no.
    Boolean(bool),
    /// The chosen option's id.
    Choice(String),
    /// The chosen options' ids, in the flow's order, without repeats.
    Choices(Vec<String>),
    /// Opening hours, Monday first: for each weekday the open intervals (`HH:MM`, end may be `24:00`); empty = closed.
    Hours(BusinessHours),
    /// A stored file.
    File(FileAnswer),
}

/// Opening hours of a week.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BusinessHours {
    /// Index 0 is Monday. Each interval is `[open, close]` as `HH:MM`.
    pub days: [Vec<(String, String)>; 7],
}

/// A file given as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAnswer {
    /// Where it is stored.
    pub file: FileId,
    /// The name it was given, cleaned.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a parser may know besides the text.
#[derive(Debug, Clone)]
pub struct ParseContext<'a> {
    /// The reference instant ("tomorrow" is relative to it).
    pub now: Timestamp,
    /// The contact's time zone (IANA), `UTC` when unknown.
    pub zone: &'a str,
    /// Region for national phone numbers and date order, ISO 3166 alpha-2, e.g. `US`.
    pub region: &'a str,
    /// The choices of a `select` or `multi_select`.
    pub options: &'a [Choice],
    /// Limits beyond the type.
    pub validation: &'a Validation,
}

/// Why a text is not an answer of the wanted type. Each cause has its own sentence in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{cause:?}")]
pub struct ParseError {
    /// What is wrong.
    pub cause: ParseErrorCause,
}

/// The closed list of reasons an answer is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum ParseErrorCause {
    /// Nothing was said.
    Empty,
    /// It does not look like the type at all.
    NotRecognised,
    /// Too few digits in a phone number.
    PhoneTooShort,
    /// Too many digits in a phone number.
    PhoneTooLong,
    /// A well-formed number that no one can have.
    PhoneInvalid,
    /// No `@`, or more than one.
    EmailNoAt,
    /// The part after the `@` is not a domain.
    EmailDomain,
    /// Two readings are possible, e.g. `4/5` or `at 7`.
    Ambiguous {
        /// The readings, normalised.
        readings: Vec<String>,
    },
    /// No such day, e.g. 30 February.
    NoSuchDate,
    /// No such time, e.g. 25:00.
    NoSuchTime,
    /// None of the options, or more than one where one is wanted.
    NotAnOption,
    /// Fewer than allowed.
    TooShort {
        /// The fewest.
        min: u32,
    },
    /// More than allowed.
    TooLong {
        /// The most.
        max: u32,
    },
    /// Below the smallest value, formatted for reading.
    TooSmall {
        /// The smallest.
        min: String,
    },
    /// Above the largest value, formatted for reading.
    TooLarge {
        /// The largest.
        max: String,
    },
    /// A fraction where whole numbers are wanted.
    NotWhole,
    /// A file was wanted and none came.
    FileExpected,
    /// The file's media type is not accepted.
    FileType,
}

/// Understands `text` as an answer of `kind`: what people really write or say, normalised.
///
/// # Errors
/// The one most helpful cause, when the text is not such an answer.
pub fn parse(kind: FieldType, text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, ParseError> {
    let _ = (kind, text, ctx);
    Err(ParseError { cause: ParseErrorCause::NotRecognised })
}
