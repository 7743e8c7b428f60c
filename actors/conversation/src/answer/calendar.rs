//! Days made of numbers and moved by spans, with what does not exist refused.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::ParseErrorCause as Cause;
use super::words::{Word, small_number};

/// The furthest "in N days" that is taken seriously.
pub(super) const FURTHEST: u32 = 9_999;

/// `5.3.2027` written as one word.
pub(super) fn dotted(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.split('.').collect();
    let [first, second, third] = parts[..] else { return None };
    let short = |part: &str| (1..=2).contains(&part.len());
    let fits = (short(first) && short(second) && matches!(third.len(), 2 | 4))
        || (first.len() == 4 && short(second) && short(third));
    fits.then_some(parts)
}

/// `20270305`
pub(super) fn compact(text: &str) -> Option<Result<Date, Cause>> {
    let written = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    if !written || !matches!(&text[..2], "19" | "20") {
        return None;
    }
    let part = |at: std::ops::Range<usize>| text[at].parse::<u32>().map_err(|_| Cause::NoSuchDate);
    Some((|| day_of(part(0..4)?, part(4..6)?, part(6..8)?))())
}

/// Two digits behind a day and a month that can only be the year: `12 jun 85`.
pub(super) fn is_no_day_or_hour(word: &Word) -> bool {
    word.digits().is_some_and(|value| value > 31)
}

/// `nineteen eighty five`, `twenty twenty six`, `two thousand and five`: the year and how many words it takes.
pub(super) fn spoken_year(words: &[Word], at: usize) -> Option<(u32, usize)> {
    words.get(at).filter(|word| word.is_letters())?;
    let (century, used) = small_number(words, at)?;
    let next = at + used;
    if century == 2 && words.get(next)?.is("thousand") {
        let and = usize::from(words.get(next + 1).is_some_and(|word| word.is("and")));
        let rest = small_number(words, next + 1 + and).filter(|(rest, _)| *rest < 100);
        return Some(rest.map_or((2000, used + 1), |(rest, more)| (2000 + rest, used + 1 + and + more)));
    }
    let oh = usize::from(words.get(next)?.is_any(&["oh", "o"]));
    let (rest, more) = small_number(words, next + oh).filter(|(rest, _)| (oh == 1) == (*rest < 10))?;
    (matches!(century, 19 | 20) && rest < 100 && words[next + oh].is_letters())
        .then_some((century * 100 + rest, used + oh + more))
}

pub(super) fn day_of(year: u32, month: u32, day: u32) -> Result<Date, Cause> {
    let part = |value: u32| i8::try_from(value).map_err(|_| Cause::NoSuchDate);
    let year = i16::try_from(year).map_err(|_| Cause::NoSuchDate)?;
    Date::new(year, part(month)?, part(day)?).map_err(|_| Cause::NoSuchDate)
}

pub(super) fn on_day(first: Date, day: u32) -> Result<Date, Cause> {
    let day = i8::try_from(day).map_err(|_| Cause::NoSuchDate)?;
    Date::new(first.year(), first.month(), day).map_err(|_| Cause::NoSuchDate)
}

pub(super) fn shift(day: Date, span: Span) -> Result<Date, Cause> {
    day.checked_add(span).map_err(|_| Cause::NoSuchDate)
}

pub(super) fn span(count: u32, unit: &str) -> Option<Span> {
    let count = i64::from(count.min(FURTHEST));
    Some(match unit {
        "day" | "days" | "dia" | "dias" => count.days(),
        "week" | "weeks" | "wk" | "wks" | "semana" | "semanas" => count.weeks(),
        "fortnight" | "fortnights" => (count * 2).weeks(),
        "month" | "months" | "mes" | "meses" => count.months(),
        "year" | "years" | "yr" | "yrs" | "ano" | "anos" => count.years(),
        _ => return None,
    })
}
