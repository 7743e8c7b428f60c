//! Several answers in one message: what says by itself, or by its label, which field it answers.
//!
//! Careful on purpose: an answer taken wrongly costs more than a question asked. A value counts when it stands with its
//! field's label ("website: acme.com", "12 employees", "the pro plan") or is of a kind that cannot be mistaken (an email
//! address, a number of ten digits, an amount with its sign) and only one open field takes that kind.

mod clauses;
mod labelled;

use std::ops::Range;

use super::words::{Word, ordinal, words};
use super::{
    AnswerValue, ParseContext, boolean, currency, cut, date, email, hours, name, parse, phone, time, url,
};
use crate::flow::{Field, FieldType};

pub use clauses::first_statement;

/// A value that says by itself what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The normalised value.
    pub value: AnswerValue,
    /// Where it stands in the message, in bytes.
    pub at: Range<usize>,
}

/// The one value of this type that stands in a message and cannot be mistaken for anything else; nothing when there are
/// none or several.
pub fn find(kind: FieldType, text: &str, ctx: &ParseContext<'_>) -> Option<Found> {
    let mut found = find_all(kind, cut(text), ctx);
    found.dedup_by(|a, b| a.value == b.value);
    if found.len() == 1 { found.pop() } else { None }
}

fn find_all(kind: FieldType, text: &str, ctx: &ParseContext<'_>) -> Vec<Found> {
    match kind {
        FieldType::Email => email::find(text)
            .into_iter()
            .map(|(found, at)| Found { value: AnswerValue::Email(found), at })
            .collect(),
        FieldType::Phone => {
            let found = phone::find(text, ctx).into_iter();
            found.map(|found| Found { value: AnswerValue::Phone(found.number), at: found.at }).collect()
        }
        FieldType::Url => {
            let certain = |(_, at): &(String, Range<usize>)| is_certain_url(&text[at.clone()]);
            let found = url::find(text).into_iter().filter(certain);
            found.map(|(found, at)| Found { value: AnswerValue::Url(found), at }).collect()
        }
        FieldType::Currency => {
            let marked = currency::find(text, ctx).into_iter().filter(|amount| amount.marked);
            marked
                .filter_map(|amount| Some(Found { value: amount.check(ctx).ok()?, at: amount.at }))
                .collect()
        }
        FieldType::Date => dates(text, ctx, true),
        // Beside a day only: elsewhere a time may belong to opening hours or to a story.
        FieldType::Time => {
            let days = date::find(text, ctx);
            let found = time::find(text).into_iter().filter(|_| !days.is_empty());
            let found = found.filter(|found| days.iter().all(|day| !overlap(&day.at, &found.at)));
            found.filter_map(|found| Some(Found { value: found.beside_a_day(text)?, at: found.at })).collect()
        }
        FieldType::Text
        | FieldType::LongText
        | FieldType::PersonName
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Select
        | FieldType::MultiSelect
        | FieldType::Address
        | FieldType::BusinessHours
        | FieldType::File => Vec::new(),
    }
}

/// A scheme, `www.` or a well-known top-level domain: "thanks.bye" is no web address.
fn is_certain_url(written: &str) -> bool {
    const TOP_LEVELS: [&str; 34] = [
        "com", "net", "org", "io", "co", "ai", "app", "dev", "agency", "biz", "info", "us", "uk", "ca", "de",
        "fr", "es", "mx", "it", "nl", "au", "nz", "eu", "shop", "store", "online", "site", "tech", "studio",
        "design", "health", "law", "dental", "edu",
    ];
    let lower = written.to_ascii_lowercase();
    let host = lower.split('/').next().unwrap_or_default();
    lower.contains("://")
        || lower.starts_with("www.")
        || host.rsplit('.').next().is_some_and(|top| TOP_LEVELS.contains(&top))
}

/// The days in a message; only those that name month and day, when `full`.
fn dates(text: &str, ctx: &ParseContext<'_>, full: bool) -> Vec<Found> {
    let days = date::find(text, ctx).into_iter().filter(|found| found.full || !full);
    days.filter_map(|found| Some(Found { value: date::check(found.day.ok()?, ctx).ok()?, at: found.at }))
        .collect()
}

/// A field that a message may answer.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The field.
    pub field: &'a Field,
    /// Whether it waits for an answer. One that has its answer takes another only with its label.
    pub open: bool,
}

/// An answer in a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Which of the wanted fields it answers.
    pub field: usize,
    /// The normalised value.
    pub value: AnswerValue,
    /// Where the words stand that it was read from, in bytes.
    pub at: Range<usize>,
    /// The same with the label, for what is left of the message.
    pub whole: Range<usize>,
    /// Where its statement begins.
    pub from: usize,
}

/// The answers that a message holds beyond doubt, in the order of the message.
///
/// `ctx` supplies the time, zone and region; options and limits are those of each field. `words_wanted` says that the
/// pending question takes nearly any words: then the beginning of the message belongs to it.
pub fn extract(
    message: &str,
    wanted: &[Wanted<'_>],
    words_wanted: bool,
    ctx: &ParseContext<'_>,
) -> Vec<Claim> {
    let message = cut(message);
    let words = words(message);
    let labels = labelled::Labels::of(wanted);
    let clauses = clauses::clauses(&words, &|at| labels.at(&words, at).is_some());
    let places = clauses.iter().map(|clause| range(&words[clause.clone()])).collect();
    let mut claims = Claims { message, wanted, ctx, clauses: places, found: Vec::new() };
    for (index, clause) in clauses.iter().enumerate() {
        let clause = &words[clause.clone()];
        claims.labelled(clause, &labels);
        claims.introduced(clause);
        // The first words answer a question for words.
        let leading = words_wanted && index == 0;
        claims.hours(clause);
        claims.said_yes_or_no(clause);
        claims.days(clause, leading);
        claims.wished_for(clause, leading);
    }
    claims.speaking_for_themselves();
    claims.found.sort_by_key(|claim| claim.at.start);
    claims.found
}

/// The answers found so far.
struct Claims<'a, 'c> {
    message: &'a str,
    wanted: &'a [Wanted<'a>],
    ctx: &'a ParseContext<'c>,
    /// Where the statements stand.
    clauses: Vec<Range<usize>>,
    found: Vec<Claim>,
}

impl Claims<'_, '_> {
    fn has(&self, field: usize) -> bool {
        self.found.iter().any(|claim| claim.field == field)
    }

    fn is_free(&self, at: &Range<usize>) -> bool {
        self.found.iter().all(|claim| !overlap(at, &claim.at))
    }

    fn claim(&mut self, field: usize, value: AnswerValue, at: Range<usize>, whole: Range<usize>) {
        if !self.has(field) && self.is_free(&at) {
            let from = self
                .clauses
                .iter()
                .rev()
                .map(|clause| clause.start)
                .find(|start| *start <= whole.start)
                .unwrap_or(0);
            self.found.push(Claim { field, value, at, whole, from });
        }
    }

    /// The one open field of this kind, if there is just one.
    fn only(&self, kind: FieldType) -> Option<usize> {
        let waits = |at: &usize| self.wanted[*at].open && !self.has(*at);
        let mut open = (0..self.wanted.len()).filter(|at| waits(at) && self.wanted[*at].field.kind == kind);
        let first = open.next()?;
        open.next().is_none().then_some(first)
    }

    /// "I'm Dana Smith from Acme Plumbing": a person, and perhaps their business.
    fn introduced(&mut self, clause: &[Word]) {
        let Some(introduction) = name::introduction(self.message, clause) else { return };
        if let Some(field) = self.only(FieldType::PersonName) {
            let ctx = self.ctx.for_field(self.wanted[field].field);
            if let Ok(value) = name::parse(&self.message[introduction.name.clone()], &ctx) {
                self.claim(
                    field,
                    value,
                    introduction.name.clone(),
                    clause[0].at.start..introduction.name.end,
                );
            }
        }
        let business = (0..self.wanted.len())
            .find(|at| self.wanted[*at].open && self.wanted[*at].field.asks_for_a_business());
        if let (Some(field), Some(at)) = (business, introduction.of) {
            let text = self.message[at.clone()].trim_end_matches(['.', '!', ',', ' ']);
            let at = at.start..at.start + text.len();
            self.claim(
                field,
                AnswerValue::Text(text.to_owned()),
                at.clone(),
                introduction.name.start..at.end,
            );
        }
    }

    /// "We're open Mon-Fri 9-5": days and hours together are nothing else.
    fn hours(&mut self, clause: &[Word]) {
        let Some(field) = self.only(FieldType::BusinessHours).filter(|field| !self.has(*field)) else {
            return;
        };
        let at = range(clause);
        if let Some(value) = hours::certain(&self.message[at.clone()]) {
            self.claim(field, value, at.clone(), at);
        }
    }

    /// "We don't have a website", "it's urgent": a yes or a no about what a field is called.
    fn said_yes_or_no(&mut self, clause: &[Word]) {
        for (index, wanted) in self.wanted.iter().enumerate() {
            if wanted.open
                && wanted.field.kind == FieldType::Boolean
                && let Some(value) = boolean::about(clause, wanted.field)
            {
                let at = range(clause);
                self.claim(index, AnswerValue::Boolean(value), at.clone(), at);
            }
        }
    }

    /// "tomorrow", "next tuesday": a day as people say it, where it is not part of a name.
    fn days(&mut self, clause: &[Word], leading: bool) {
        let Some(field) = self.only(FieldType::Date).filter(|_| !leading) else { return };
        let ctx = self.ctx.for_field(self.wanted[field].field);
        let at = range(clause);
        let days: Vec<Found> = dates(&self.message[at.clone()], &ctx, false)
            .into_iter()
            .filter(|found| !is_bare_ordinal(&self.message[at.clone()][found.at.clone()]))
            .collect();
        if let [found] = &days[..] {
            let at = at.start + found.at.start..at.start + found.at.end;
            self.claim(field, found.value.clone(), at.clone(), at);
        }
    }

    /// "I need a repair", "we want the pro one": a choice by its whole label.
    fn wished_for(&mut self, clause: &[Word], leading: bool) {
        if leading || !labelled::is_wish(clause) {
            return;
        }
        for (index, wanted) in self.wanted.iter().enumerate().filter(|(_, wanted)| wanted.open) {
            if let Some((value, at)) = labelled::chosen(clause, wanted.field) {
                self.claim(index, value, at.clone(), at);
            }
        }
    }

    /// An email address, a number of ten digits: values that cannot be anything else.
    fn speaking_for_themselves(&mut self) {
        for (index, wanted) in self.wanted.iter().enumerate().filter(|(_, wanted)| wanted.open) {
            if self.has(index) || self.only(wanted.field.kind) != Some(index) {
                continue;
            }
            let mut rest = find_all(wanted.field.kind, self.message, &self.ctx.for_field(wanted.field));
            rest.retain(|found| self.is_free(&found.at));
            rest.dedup_by(|a, b| a.value == b.value);
            match &rest[..] {
                [found] => self.claim(index, found.value.clone(), found.at.clone(), found.at.clone()),
                [] => self.said_aloud(index),
                _ => {}
            }
        }
    }

    /// "its acme dot com", "dana at acme dot com": an address with its dots in words.
    fn said_aloud(&mut self, field: usize) {
        let kind = self.wanted[field].field.kind;
        if !matches!(kind, FieldType::Email | FieldType::Url) {
            return;
        }
        let ctx = self.ctx.for_field(self.wanted[field].field);
        for clause in self.clauses.clone() {
            let spoken =
                words(&self.message[clause.clone()]).iter().any(|word| word.is_any(&["dot", "punto"]));
            if spoken
                && self.is_free(&clause)
                && let Ok(value) = parse(kind, &self.message[clause.clone()], &ctx)
            {
                return self.claim(field, value, clause.clone(), clause);
            }
        }
    }
}

/// "The second", "2nd": as likely a place in a list as a day of a month.
fn is_bare_ordinal(text: &str) -> bool {
    let words = words(text);
    let from = usize::from(words.first().is_some_and(|word| word.is_any(&["the", "el", "la"])));
    ordinal(&words, from).is_some_and(|(_, used)| from + used == words.len())
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Where these words stand.
fn range(words: &[Word]) -> Range<usize> {
    match words {
        [first, .., last] => first.at.start..last.at.end,
        [only] => only.at.clone(),
        [] => 0..0,
    }
}
