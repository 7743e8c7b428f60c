//! Days made of numbers and moved by spans, with what does not exist refused.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::ParseErrorCause as Cause;

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
