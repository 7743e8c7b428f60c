//! What is wrong with the members of a request: all of it at once, so that it can be put right in one go.

use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use usher_channels::twilio::codec::{is_e164, is_sid};
use usher_conversation::problem::Problem;

use super::Fault;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It must be given.
    #[error("is needed")]
    Missing,
    /// It must not be given beside the others.
    #[error("does not go with {0}")]
    NotWith(&'static str),
    /// It is longer than anybody needs.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// A list with more entries than anybody needs.
    #[error("has more than {0} entries")]
    TooMany(usize),
    /// A number outside of its limits.
    #[error("must be from {0} to {1}")]
    Range(u32, u32),
    /// It must be one of these.
    #[error("must be one of {0}")]
    OneOf(&'static str),
    /// No E.164.
    #[error("must be a telephone number with its country, e.g. +14155550123")]
    Phone,
    /// No email address.
    #[error("must be an email address")]
    Email,
    /// No id of Twilio's.
    #[error("must be {0} and 32 characters")]
    Sid(&'static str),
    /// No time zone.
    #[error("must be a time zone, e.g. America/New_York")]
    Zone,
    /// Hours that cannot be.
    #[error(
        "must be opening hours, e.g. \"9-5 weekdays, closed sunday\" or {{\"mon\":[[\"09:00\",\"17:00\"]]}}"
    )]
    Hours,
    /// No origin of a browser.
    #[error("must be an origin, e.g. https://example.com")]
    Origin,
    /// No region.
    #[error("must be two capital letters, e.g. US")]
    Region,
    /// A character that cannot be in it.
    #[error("has a character that cannot be in it")]
    Character,
    /// There is no such member.
    #[error("is not known")]
    Unknown,
    /// It is of another kind.
    #[error("cannot be read: {0}")]
    Kind(String),
}

/// The members that are wrong so far.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<(String, Wrong)>);

impl Mistakes {
    /// Notes what is wrong with `member`, if anything.
    pub fn note(&mut self, member: impl Into<String>, checked: Result<(), Wrong>) {
        if let Err(wrong) = checked {
            self.0.push((member.into(), wrong));
        }
    }

    /// The members that are wrong, and why.
    pub fn found(&self) -> &[(String, Wrong)] {
        &self.0
    }

    /// Goes on when nothing was wrong.
    ///
    /// # Errors
    /// [`Problem::MalformedRequest`] that names every member.
    pub fn none(self) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let fault = Fault::new(Problem::MalformedRequest, "Some of it cannot be used.");
        Err(self.0.into_iter().fold(fault, |fault, (member, wrong)| {
            let message = format!("{member} {wrong}");
            fault.with_field(member, message)
        }))
    }
}

/// Text that says something, in at most `most` characters.
pub fn text(value: &str, most: usize) -> Result<(), Wrong> {
    match value.chars().count() {
        _ if value.trim().is_empty() => Err(Wrong::Missing),
        count if count > most => Err(Wrong::TooLong(most)),
        _ => Ok(()),
    }
}

/// An id or a key: visible ASCII, which can stand in a header.
pub fn token(value: &str, most: usize) -> Result<(), Wrong> {
    text(value, most)?;
    if value.bytes().all(|b| b.is_ascii_graphic()) { Ok(()) } else { Err(Wrong::Character) }
}

/// A telephone number in E.164 form.
pub fn phone(value: &str) -> Result<(), Wrong> {
    if is_e164(value) { Ok(()) } else { Err(Wrong::Phone) }
}

/// An id of Twilio's.
pub fn sid(value: &str, prefix: &'static str) -> Result<(), Wrong> {
    if is_sid(value, prefix) { Ok(()) } else { Err(Wrong::Sid(prefix)) }
}

/// A number within its limits.
pub fn within(value: u32, limits: &RangeInclusive<u32>) -> Result<(), Wrong> {
    if limits.contains(&value) { Ok(()) } else { Err(Wrong::Range(*limits.start(), *limits.end())) }
}

/// A time zone that is known here.
pub fn zone(value: &str) -> Result<(), Wrong> {
    TimeZone::get(value).map(drop).map_err(|_| Wrong::Zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_that_is_wrong_is_named_with_its_reason() {
        let mut mistakes = Mistakes::default();
        mistakes.note("name", text("  ", 80));
        mistakes.note("phone", phone("+14155550123"));
        mistakes.note("attempts", within(99, &(1..=10)));
        let found: Vec<_> = mistakes.found().iter().map(|(member, _)| member.as_str()).collect();
        assert_eq!(found, ["name", "attempts"]);
        let fault = mistakes.none().expect_err("two are wrong");
        assert_eq!(fault.problem(), Problem::MalformedRequest);
        assert!(Mistakes::default().none().is_ok());
    }

    #[test]
    fn a_value_is_held_to_what_it_must_be() {
        assert_eq!(text("Reyes", 4), Err(Wrong::TooLong(4)));
        assert_eq!(token("sk_\n", 10), Err(Wrong::Character));
        assert_eq!(phone("4155550123"), Err(Wrong::Phone));
        assert_eq!(sid("AC12", "AC"), Err(Wrong::Sid("AC")));
        assert_eq!(zone("Mars/Base"), Err(Wrong::Zone));
        assert_eq!(zone("America/New_York"), Ok(()));
    }
}
