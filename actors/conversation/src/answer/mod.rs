//! Typed answers: one parser and normaliser per field type.

mod address;
mod boolean;
mod calendar;
mod choice;
mod currency;
mod date;
mod display;
mod email;
mod extract;
mod hours;
mod json;
mod later;
mod name;
mod number;
mod occasion;
mod phone;
mod spelled;
mod text;
mod time;
mod url;
pub(crate) mod words;

use serde::{Deserialize, Serialize};

pub use extract::{Claim, Found, Wanted, extract, find, first_statement};
pub use hours::amend as amend_hours;
pub use later::postponed_until;

use crate::flow::{Choice, Field, FieldType, Validation};
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

impl<'a> ParseContext<'a> {
    /// The same context for a field: its options and limits.
    #[must_use]
    pub fn for_field(&self, field: &'a Field) -> Self {
        Self { options: &field.options, validation: &field.validation, ..self.clone() }
    }

    /// The calendar day it is where the contact lives.
    fn today(&self) -> jiff::civil::Date {
        let zone = jiff::tz::TimeZone::get(self.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        self.now.to_jiff().to_zoned(zone).date()
    }
}

/// Why a text is not an answer of the wanted type. Each cause has its own sentence in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{cause:?}")]
pub struct ParseError {
    /// What is wrong.
    pub cause: ParseErrorCause,
}

impl From<ParseErrorCause> for ParseError {
    fn from(cause: ParseErrorCause) -> Self {
        Self { cause }
    }
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

/// The most characters of a message that are read; nobody answers a question with more.
const MAX_CHARS: usize = 4_000;

/// Understands `text` as an answer of `kind`: what people really write or say, normalised.
///
/// # Errors
/// The one most helpful cause, when the text is not such an answer.
pub fn parse(kind: FieldType, text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, ParseError> {
    let text = cut(text).trim();
    if kind == FieldType::File {
        return Err(ParseErrorCause::FileExpected.into());
    }
    if text.is_empty() {
        return Err(ParseErrorCause::Empty.into());
    }
    let figures = matches!(kind, FieldType::Number | FieldType::Currency | FieldType::Date | FieldType::Time);
    if let Some(second_thought) = second_thought(text, figures).filter(|_| !is_free_text(kind)) {
        match parse_whole(kind, second_thought.text, ctx) {
            Ok(value) => return Ok(value),
            // "415-555-0142, no wait, 0143": the first value is wrong, and the second is only a part of one.
            Err(cause)
                if second_thought.certain && second_thought.text.contains(|c: char| c.is_ascii_digit()) =>
            {
                return Err(cause.into());
            }
            Err(_) => {}
        }
    }
    parse_whole(kind, text, ctx)
        .or_else(|cause| match (&cause, without_denied(text)) {
            (ParseErrorCause::Ambiguous { .. }, Some(rest)) if !is_free_text(kind) => {
                parse_whole(kind, &rest, ctx).map_err(|_| cause)
            }
            _ => Err(cause),
        })
        .map_err(ParseError::from)
}

fn parse_whole(kind: FieldType, text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, ParseErrorCause> {
    match kind {
        FieldType::Text => text::said_line(text, ctx),
        FieldType::LongText => text::lines(text, ctx),
        FieldType::PersonName => name::parse(text, ctx),
        FieldType::Phone => phone::parse(text, ctx),
        FieldType::Email => email::parse(text, ctx),
        FieldType::Url => url::parse(text, ctx),
        FieldType::Number => number::parse(text, ctx),
        FieldType::Currency => currency::parse(text, ctx),
        FieldType::Date => date::parse(text, ctx),
        FieldType::Time => time::parse(text, ctx),
        FieldType::Boolean => boolean::parse(text, ctx),
        FieldType::Select => choice::select(text, ctx),
        FieldType::MultiSelect => choice::multi_select(text, ctx),
        FieldType::Address => address::parse(text, ctx),
        FieldType::BusinessHours => hours::parse(text, ctx),
        FieldType::File => Err(ParseErrorCause::FileExpected),
    }
}

const fn is_free_text(kind: FieldType) -> bool {
    matches!(kind, FieldType::Text | FieldType::LongText | FieldType::Address)
}

/// A value that takes the place of one said before it.
struct SecondThought<'t> {
    text: &'t str,
    /// Said in words that mean nothing else; "sorry" and "actually" do.
    certain: bool,
}

/// What follows "no wait", "I mean" or "scratch that": people correct themselves in mid-sentence. Between `figures` a mere
/// "no" does as well.
fn second_thought(text: &str, figures: bool) -> Option<SecondThought<'_>> {
    const TURNS: [&str; 13] = [
        "no wait",
        "wait no",
        "i mean",
        "i meant",
        "make that",
        "make it",
        "scratch that",
        "correction",
        "sorry",
        "actually",
        "digo",
        "perdon",
        "mejor dicho",
    ];
    let words = words::words(text);
    (1..words.len()).rev().find_map(|at| {
        let said = words::longest_phrase(&words, at, &TURNS);
        let (turn, used) = said.or_else(|| figures.then(|| corrects(&words, at)).flatten())?;
        let text = &text[words.get(at + used)?.at.start..];
        Some(SecondThought {
            text,
            certain: !matches!(turn, "sorry" | "actually" | "perdon" | "make it" | "no"),
        })
    })
}

/// "12, no 13", "tuesday... no wednesday": a no that takes back what stands before it.
fn corrects(words: &[words::Word], at: usize) -> Option<(&'static str, usize)> {
    const OTHERWISE: [&str; 10] =
        ["later", "earlier", "sooner", "more", "less", "problem", "need", "rush", "matter", "one"];
    let apart = words[at - 1].is_any(&[",", ".", ";", "-", "\u{2026}"]);
    let goes_on = words.get(at + 1).is_some_and(|next| !next.is_any(&OTHERWISE));
    (words[at].is("no") && apart && goes_on).then_some(("no", 1))
}

/// The text without what it denies: "2k, not 3k", "not 12 but 15".
fn without_denied(text: &str) -> Option<String> {
    let words = words::words(text);
    let not = words.iter().position(|word| word.is("not"))?;
    let end = words[not..].iter().find(|word| word.is_any(&[",", ";", "but", "\n"]));
    let rest = end.map_or("", |end| &text[end.at.end..]);
    Some(format!("{} {rest}", &text[..words[not].at.start]))
}

/// The first [`MAX_CHARS`] characters.
fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// `text` without the longest of the phrases it begins with, as long as something follows.
fn strip_lead<'t>(text: &'t str, leads: &[&str]) -> &'t str {
    let words = words::words(text);
    let Some((_, used)) = words::longest_phrase(&words, 0, leads) else { return text };
    let rest = words[used..].iter().find(|word| word.is_letters() || word.is_number() || word.is("#"));
    rest.map_or(text, |word| &text[word.at.start..])
}

/// The yes or no of a short statement about what a field is called and nothing else: "we don't have a website anymore",
/// but not "no website redesign".
pub fn said_about(field: &Field, text: &str) -> Option<bool> {
    boolean::only_about(&words::words(cut(text)), field)
}

/// Whether a stored file satisfies the field's limits.
///
/// # Errors
/// [`ParseErrorCause::FileType`] or [`ParseErrorCause::TooLarge`].
pub fn check_file(file: &FileAnswer, ctx: &ParseContext<'_>) -> Result<(), ParseErrorCause> {
    let accepted = &ctx.validation.media_types;
    let media_type = file.media_type.to_ascii_lowercase();
    let fits = |pattern: &String| match pattern.strip_suffix("/*") {
        Some(family) => media_type.split('/').next() == Some(family),
        None => *pattern == media_type || pattern == "*",
    };
    if !accepted.is_empty() && !accepted.iter().any(fits) {
        return Err(ParseErrorCause::FileType);
    }
    match ctx.validation.max_bytes.filter(|max| file.bytes > *max) {
        Some(max) => Err(ParseErrorCause::TooLarge { max: readable_bytes(max) }),
        None => Ok(()),
    }
}

fn readable_bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests;
