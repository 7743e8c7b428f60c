//! Several answers in one message: what says by itself, or by its label, which field it answers.
//!
//! Careful on purpose: an answer taken wrongly costs more than a question asked. A value counts when it stands behind its
//! field's label ("website: acme.com", "my budget is $500") or is of a kind that cannot be mistaken (an email address, a
//! number of ten digits, an amount with its sign) and only one open field takes that kind.

use std::ops::Range;

use super::words::{Word, phrase_at, words};
use super::{AnswerValue, ParseContext, currency, cut, date, email, parse, phone, time, url};
use crate::flow::{Field, FieldId, FieldType};

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
        FieldType::Date => {
            let full = date::find(text, ctx).into_iter().filter(|found| found.full);
            full.filter_map(|found| {
                Some(Found { value: date::check(found.day.ok()?, ctx).ok()?, at: found.at })
            })
            .collect()
        }
        // Beside a day only: elsewhere a time may belong to opening hours or to a story.
        FieldType::Time if !date::find(text, ctx).is_empty() => {
            let found = time::find(text).into_iter();
            found.filter_map(|found| Some(Found { value: found.certain()?, at: found.at })).collect()
        }
        FieldType::Time
        | FieldType::Text
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

/// The answers to `fields` that a message holds beyond doubt, each with the words it was read from.
///
/// `ctx` supplies the time, zone and region; options and limits are those of each field.
pub fn extract(
    message: &str,
    fields: &[&Field],
    ctx: &ParseContext<'_>,
) -> Vec<(FieldId, AnswerValue, String)> {
    let message = cut(message);
    let words = words(message);
    let mentions = mentions(&words, fields);
    let mut answers: Vec<(usize, AnswerValue, Range<usize>)> = Vec::new();
    for (index, mention) in mentions.iter().enumerate() {
        let until = mentions.get(index + 1).map_or(words.len(), |next| next.start);
        let field = fields[mention.field];
        if answers.iter().all(|(other, _, _)| *other != mention.field)
            && let Some((value, at)) =
                labelled(message, &words[mention.end..until], field, &ctx.for_field(field))
        {
            answers.push((mention.field, value, at));
        }
    }
    for (index, field) in fields.iter().enumerate() {
        let alone = fields.iter().filter(|other| other.kind == field.kind).count() == 1;
        if !alone || answers.iter().any(|(other, _, _)| *other == index) {
            continue;
        }
        let mut rest = find_all(field.kind, message, &ctx.for_field(field));
        rest.retain(|found| {
            answers.iter().all(|(_, _, taken)| found.at.end <= taken.start || found.at.start >= taken.end)
        });
        rest.dedup_by(|a, b| a.value == b.value);
        if let [found] = &rest[..] {
            answers.push((index, found.value.clone(), found.at.clone()));
        }
    }
    answers.sort_by_key(|(_, _, at)| at.start);
    answers
        .into_iter()
        .map(|(index, value, at)| (fields[index].id.clone(), value, message[at].to_owned()))
        .collect()
}

/// A field's label in the message, as a range of words.
#[derive(Debug)]
struct Mention {
    field: usize,
    start: usize,
    end: usize,
}

/// Every label in the message, the longest at each place.
fn mentions(words: &[Word], fields: &[&Field]) -> Vec<Mention> {
    let names: Vec<(usize, String)> = fields
        .iter()
        .enumerate()
        .flat_map(|(at, field)| names(field, fields).into_iter().map(move |name| (at, name)))
        .collect();
    let mut found = Vec::new();
    let mut start = 0;
    while start < words.len() {
        let hits = names.iter().filter(|(_, name)| phrase_at(words, start, name));
        let longest = hits.max_by_key(|(_, name)| name.split(' ').count());
        let inside_an_address =
            words[start].glued && start > 0 && words[start - 1].is_any(&["@", ".", "-", "_", "/"]);
        match longest.filter(|_| !inside_an_address) {
            Some((field, name)) => {
                let end = start + name.split(' ').count();
                found.push(Mention { field: *field, start, end });
                start = end;
            }
            None => start += 1,
        }
    }
    found
}

/// What people call a field: its label, its id, and the noun of its kind when no other field has it.
fn names(field: &Field, fields: &[&Field]) -> Vec<String> {
    let nouns: &[&str] = match field.kind {
        FieldType::Email => &["email", "email address", "e mail"],
        FieldType::Phone => &["phone", "phone number", "cell", "number", "mobile"],
        FieldType::Url => &["website", "site", "web site", "url"],
        FieldType::PersonName => &["name"],
        FieldType::Address => &["address"],
        FieldType::BusinessHours => &["hours", "opening hours"],
        FieldType::Currency => &["budget"],
        _ => &[],
    };
    let only = fields.iter().filter(|other| other.kind == field.kind).count() == 1;
    let mut names =
        vec![super::words::folded(&field.label), super::words::folded(&field.id.as_str().replace('_', " "))];
    if only {
        names.extend(nouns.iter().map(|noun| (*noun).to_owned()));
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The value behind a label, if it is announced ("is", ":") or cannot be mistaken.
fn labelled(
    message: &str,
    behind: &[Word],
    field: &Field,
    ctx: &ParseContext<'_>,
) -> Option<(AnswerValue, Range<usize>)> {
    let announced = behind.first().is_some_and(|word| word.is_any(&[":", "=", "is", "are", "es", "-"]));
    let skipped =
        behind.iter().take_while(|word| word.is_any(&[":", "=", "is", "are", "es", "-", "at"])).count();
    let value = &behind[skipped..];
    let end = value.iter().position(|word| word.is_any(&["\n", ";"])).unwrap_or(value.len());
    let value = trim_links(&value[..end]);
    let (first, last) = (value.first()?, value.last()?);
    let at = first.at.start..last.at.end;
    let raw = &message[at.clone()];
    if announced {
        return parse(field.kind, raw, ctx).ok().map(|value| (value, at));
    }
    let found = find(field.kind, raw, ctx)?;
    Some((found.value, at.start + found.at.start..at.start + found.at.end))
}

/// Without the words that lead on to the next label: ", and my".
fn trim_links(mut words: &[Word]) -> &[Word] {
    while let [rest @ .., last] = words
        && last.is_any(&["and", "my", "our", "the", "y", "mi", "also", ",", "."])
    {
        words = rest;
    }
    words
}
