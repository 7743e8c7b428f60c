//! Calendar dates, as days of the contact's own calendar.
//!
//! What the phrases mean, on a given today:
//! - a weekday, with or without "on" or "coming", is the first such day strictly after today; "this friday" may be today;
//! - "next friday" and "friday next week" are the one of the week that starts next Monday: on a Wednesday nine days away,
//!   because the Friday in two days is "this friday" to most people. "El próximo viernes" is the nearest one;
//! - a date without a year is the next one that is today or later, unless the field only takes past days;
//! - "the 15th" is the next 15th, today included; `4/5` is read in the order of the contact's region.

mod weekday;

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::Date;

use super::calendar::{
    FURTHEST, compact, day_of, dotted, is_no_day_or_hour, on_day, shift, span, spoken_year,
};
use super::occasion::{self, Occasion, month, weekday};
use super::words::{Word, folded, ordinal, phrase_at, small_number, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

/// A date found in a message.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The day, or why there is no such day.
    pub(super) day: Result<Date, Cause>,
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// Written with a month and a day: unmistakably a date.
    pub(super) full: bool,
}

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut days: Vec<Date> = Vec::new();
    let mut missing = None;
    let found = find(text, ctx);
    let full: Vec<Date> =
        found.iter().filter(|found| found.full).filter_map(|found| found.day.clone().ok()).collect();
    for found in found {
        match found.day {
            Ok(day) if days.contains(&day) => {}
            Ok(day) => days.push(day),
            Err(cause) => missing = Some(cause),
        }
    }
    // "May 1st, it's a friday": a weekday that agrees with a whole date only confirms it.
    if let [only] = &full[..] {
        days.retain(|day| day == only || day.weekday() != only.weekday());
    }
    match (&days[..], missing) {
        ([day], None) => check(*day, ctx),
        (_, Some(cause)) => Err(cause),
        // "12-25" can be no span of hours, which "9-5" is.
        ([], None) => match text.split_once(['-', '.']) {
            Some((first, second)) if are_month_and_day(first, second) => {
                parse(&format!("{first}/{second}"), ctx)
            }
            // "2 weeks" answers when.
            _ if folded(text) == "now" => check(ctx.today(), ctx),
            _ if is_span(text) => parse(&format!("in {text}"), ctx),
            _ => Err(Cause::NotRecognised),
        },
        (many, None) => Err(Cause::Ambiguous { readings: many.iter().map(Date::to_string).collect() }),
    }
}

/// A number of days, weeks or months and nothing else.
fn is_span(text: &str) -> bool {
    let words = words(text);
    let number =
        small_number(&words, 0).map_or(usize::from(words.first().is_some_and(|word| word.is("a"))), |n| n.1);
    number > 0 && words.len() == number + 1 && span(1, &words[number].text).is_some()
}

fn are_month_and_day(first: &str, second: &str) -> bool {
    let above_twelve = |text: &str| text.parse::<u8>().is_ok_and(|number| number > 12);
    is_short(first) && is_short(second) && above_twelve(first) != above_twelve(second)
}

fn is_short(number: &str) -> bool {
    matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit())
}

/// Applies the field's limits to a day.
pub(super) fn check(day: Date, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let bound = |limit: &Option<String>| limit.as_deref().and_then(|limit| bound(limit, ctx));
    if let Some(min) = bound(&ctx.validation.not_before).filter(|min| day < *min) {
        return Err(Cause::TooSmall { min: min.to_string() });
    }
    if let Some(max) = bound(&ctx.validation.not_after).filter(|max| day > *max) {
        return Err(Cause::TooLarge { max: max.to_string() });
    }
    Ok(AnswerValue::Date(day.to_string()))
}

fn bound(limit: &str, ctx: &ParseContext<'_>) -> Option<Date> {
    if limit == "today" { Some(ctx.today()) } else { limit.parse().ok() }
}

/// Every date in a message, in order.
pub(super) fn find(text: &str, ctx: &ParseContext<'_>) -> Vec<Found> {
    let words = words(text);
    let reader = Reader {
        words: &words,
        today: ctx.today(),
        month_first: matches!(ctx.region, "" | "US" | "PH" | "PR" | "GU" | "VI"),
        latest: ctx.validation.not_after.as_deref().and_then(|limit| bound(limit, ctx)),
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let refused = at > 0 && words[at - 1].is("not");
        match reader.date_at(at) {
            Some((day, next, full)) => {
                if !refused {
                    found.push(Found { day, at: words[at].at.start..words[next - 1].at.end, full });
                }
                at = next;
            }
            None => at += 1,
        }
    }
    found
}

/// A day or why not, the index after it, and whether it names month and day.
type Reading = (Result<Date, Cause>, usize, bool);

struct Reader<'a> {
    words: &'a [Word],
    today: Date,
    month_first: bool,
    /// The latest day the field takes.
    latest: Option<Date>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.text.as_str())
    }

    fn is(&self, at: usize, phrase: &str) -> bool {
        at < self.words.len() && phrase_at(self.words, at, phrase)
    }

    /// The index after the first of the phrases that stands at `at`.
    fn after(&self, at: usize, phrases: &[&str]) -> Option<usize> {
        phrases.iter().find(|phrase| self.is(at, phrase)).map(|phrase| at + phrase.split(' ').count())
    }

    fn date_at(&self, at: usize) -> Option<Reading> {
        self.numeric(at)
            .or_else(|| self.nth_weekday(at))
            .or_else(|| self.holiday(at))
            .or_else(|| self.loose_week(at))
            .or_else(|| self.month_then_day(at))
            .or_else(|| self.day_then_month(at))
            .or_else(|| self.distance(at))
            .or_else(|| self.edge_of_period(at))
            .or_else(|| self.named_day(at))
            .or_else(|| self.weekday(at))
            .or_else(|| self.day_of_month(at))
    }

    /// `2027-03-05`, `3/5`, `3/5/27`, `5.3.2027`.
    fn numeric(&self, at: usize) -> Option<Reading> {
        let first = self.words.get(at).filter(|word| word.is_number())?;
        if at > 0 && self.words[at - 1].is_any(&["/", "-", "$"]) && first.glued {
            return None;
        }
        if let Some(day) = compact(&first.text) {
            return Some((day, at + 1, true));
        }
        if let Some(parts) = dotted(&first.text) {
            return Some((self.day_from(&parts), at + 1, true));
        }
        let separator = self.words.get(at + 1).filter(|word| word.is_any(&["/", "-", "."]))?;
        let second = self.words.get(at + 2)?;
        let third = self
            .words
            .get(at + 4)
            .filter(|_| self.word(at + 3) == separator.text)
            .map(|word| word.text.as_str());
        let third = third.filter(|year| year.len() <= 4 && year.bytes().all(|b| b.is_ascii_digit()));
        let (first, second) = (first.text.as_str(), second.text.as_str());
        if !(is_short(second) && (is_short(first) || (first.len() == 4 && third.is_some()))) {
            return None;
        }
        match third {
            Some(third) => Some((self.day_from(&[first, second, third]), at + 5, true)),
            // "9-5" is a span of hours and "10-12" a range; only a slash makes a date of two numbers.
            None if separator.is("/") => Some((self.day_from(&[first, second]), at + 3, true)),
            None => None,
        }
    }

    fn day_from(&self, parts: &[&str]) -> Result<Date, Cause> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| Cause::NoSuchDate);
        if let [year, month, day] = parts
            && year.len() == 4
        {
            return day_of(number(year)?, number(month)?, number(day)?);
        }
        let (first, second) = (number(parts[0])?, number(parts[1])?);
        let month_first = if first > 12 { false } else { second > 12 || self.month_first };
        let (month, day) = if month_first { (first, second) } else { (second, first) };
        match parts.get(2) {
            Some(year) => day_of(self.year(year)?, month, day),
            None => self.without_year(month, day),
        }
    }

    /// Two-digit years belong to this century, or the last one when they would lie more than 30 years ahead.
    fn year(&self, text: &str) -> Result<u32, Cause> {
        let year: u32 = text.parse().map_err(|_| Cause::NoSuchDate)?;
        if text.len() > 2 {
            return Ok(year);
        }
        let horizon = u32::try_from(self.today.year()).unwrap_or(2000) + 30;
        Ok(if 2000 + year > horizon { 1900 + year } else { 2000 + year })
    }

    /// The next such day, or the last one when the field only takes days that have been.
    fn without_year(&self, month: u32, day: u32) -> Result<Date, Cause> {
        let year = u32::try_from(self.today.year()).map_err(|_| Cause::NoSuchDate)?;
        // 29 February comes at most eight years later.
        let ahead = (year..=year + 8)
            .filter_map(|year| day_of(year, month, day).ok())
            .find(|date| *date >= self.today);
        let next = ahead.ok_or(Cause::NoSuchDate)?;
        if self.latest.is_none_or(|latest| next <= latest) {
            return Ok(next);
        }
        let behind = (year - 8..=year).rev().filter_map(|year| day_of(year, month, day).ok());
        Ok(behind.into_iter().find(|date| self.latest.is_none_or(|latest| *date <= latest)).unwrap_or(next))
    }

    /// `march 5th`, `mar 5, 2027`, `march the fifth`.
    fn month_then_day(&self, at: usize) -> Option<Reading> {
        let month = month(self.word(at))?;
        let mut next = at + 1;
        while matches!(self.word(next), "." | "the" | "on") {
            next += 1;
        }
        let (day, used) = ordinal(self.words, next).or_else(|| small_number(self.words, next))?;
        Some(self.until(month, day, next + used).unwrap_or_else(|| self.with_year(month, day, next + used)))
    }

    /// `dec 1-5`, `march 3 or 4`: two days of one month to choose from.
    fn until(&self, month: u32, day: u32, next: usize) -> Option<Reading> {
        let joint = self.after(next, &["-", "to", "through", "thru", "or", "or the"])?;
        let (last, used) = ordinal(self.words, joint).or_else(|| small_number(self.words, joint))?;
        let end = joint + used;
        let timed = matches!(self.word(end), ":" | "am" | "pm" | "-" | "/" | "a" | "p" | "in");
        if last > 31 || last <= day || timed {
            return None;
        }
        let days = [day, last].map(|day| self.without_year(month, day));
        let readings = days.into_iter().filter_map(|day| Some(day.ok()?.to_string())).collect();
        Some((Err(Cause::Ambiguous { readings }), end, true))
    }

    /// `5 march 2027`, `the 5th of march`, `5 de marzo de 2027`.
    fn day_then_month(&self, at: usize) -> Option<Reading> {
        let at = self.after(at, &["on the", "the", "el dia", "el"]).unwrap_or(at);
        let (day, used) = ordinal(self.words, at).or_else(|| small_number(self.words, at))?;
        let mut next = at + used;
        while matches!(self.word(next), "of" | "de" | "-" | "." | "/" | "day") {
            next += 1;
        }
        let month = month(self.word(next))?;
        // "5 may" with nothing more is a date; "2 may not" is a sentence.
        if self.word(next) == "may" && matches!(self.word(next + 1), "not" | "be" | "have" | "need") {
            return None;
        }
        Some(self.with_year(month, day, next + 1))
    }

    fn with_year(&self, month: u32, day: u32, mut next: usize) -> Reading {
        if self.word(next) == "." {
            next += 1;
        }
        let from = self.after(next, &[", of", ",", "of", "de", "del", "in", "-", "/", "'"]).unwrap_or(next);
        let year = self.words.get(from).filter(|word| {
            word.digits().is_some_and(|year| (1900..2200).contains(&year))
                || (word.text.len() == 2
                    && (matches!(self.word(next), "'" | "/" | "-") || is_no_day_or_hour(word)))
        });
        if let Some((year, used)) = spoken_year(self.words, from) {
            return (day_of(year, month, day), from + used, true);
        }
        let this_or_next = match self.word(next) {
            "next" if self.word(next + 1) == "year" => Some(1),
            "this" if self.word(next + 1) == "year" => Some(0),
            _ => None,
        };
        if let Some(offset) = this_or_next {
            let year = u32::try_from(self.today.year()).unwrap_or(0) + offset;
            return (day_of(year, month, day), next + 2, true);
        }
        match year {
            Some(year) => (self.year(&year.text).and_then(|year| day_of(year, month, day)), from + 1, true),
            None => (self.without_year(month, day), next, true),
        }
    }

    /// `first monday of december`, `the last friday of next month`, `2nd tuesday in march`.
    fn nth_weekday(&self, at: usize) -> Option<Reading> {
        let from = self.after(at, &["the", "on the", "el"]).unwrap_or(at);
        let (nth, used) = occasion::nth(self.words, from)?;
        let weekday = weekday(self.word(from + used))?;
        let behind = self.after(from + used + 1, &["of", "in", "de", "of the", "del", "of this"])?;
        let months = self
            .after(behind, &["the month", "this month", "month", "mes", "este mes"])
            .map(|next| (0, next));
        let months =
            months.or_else(|| self.after(behind, &["next month", "the next month"]).map(|next| (1, next)));
        let (day, next) = if let Some((months, next)) = months {
            let first = shift(self.today.first_of_month(), months.months());
            let day = first
                .and_then(|first| first.nth_weekday_of_month(nth, weekday).map_err(|_| Cause::NoSuchDate));
            (day, next)
        } else {
            let month = i8::try_from(month(self.word(behind))?).ok()?;
            (self.next(Occasion::Nth { month, nth, weekday }), behind + 1)
        };
        Some((day, next, true))
    }

    fn holiday(&self, at: usize) -> Option<Reading> {
        if self.word(at) == "last" {
            let (occasion, later, used) = occasion::holiday(self.words, at + 1)?;
            let gone = (0..=1)
                .filter_map(|ago| occasion.in_year(self.today.year() - ago))
                .find(|day| *day < self.today);
            return Some((
                gone.ok_or(Cause::NoSuchDate).and_then(|day| shift(day, later.days())),
                at + 1 + used,
                false,
            ));
        }
        let (occasion, later, used) = occasion::holiday(self.words, at)?;
        Some((self.next(occasion).and_then(|day| shift(day, later.days())), at + used, false))
    }

    /// The next day of this occasion, today included.
    fn next(&self, occasion: Occasion) -> Result<Date, Cause> {
        let year = self.today.year();
        let coming = (year..=year + 1).filter_map(|year| occasion.in_year(year));
        coming.into_iter().find(|day| *day >= self.today).ok_or(Cause::NoSuchDate)
    }

    /// `in 2 weeks`, `three days from now`, `two weeks from monday`, `a week after next tuesday`, `5 days ago`.
    fn distance(&self, at: usize) -> Option<Reading> {
        if let Some(base) = self.after(at, &["the day after", "day after", "el dia despues de"]) {
            let (day, next, _) = self.date_at(base)?;
            return Some((day.and_then(|day| shift(day, 1.day())), next, false));
        }
        if let Some(base) = self.after(at, &["the day before", "day before"]) {
            let (day, next, _) = self.date_at(base)?;
            return Some((day.and_then(|day| shift(day, -1.day())), next, false));
        }
        // A week and a fortnight, as Spanish counts them.
        if let Some(next) = self.after(at, &["hoy en ocho", "hoy en quince"]) {
            let days = if self.word(next - 1) == "ocho" { 7 } else { 14 };
            return Some((shift(self.today, days.days()), next, false));
        }
        if let Some(from) = self.after(at, &["hace"]) {
            let (count, next) = self.count(from)?;
            return Some((shift(self.today, span(count, self.word(next))?.negate()), next + 1, false));
        }
        let start = self.after(at, &["in", "within", "en", "dentro de"]);
        let from = start.unwrap_or(at);
        let from = self.after(from, &["about", "like"]).unwrap_or(from);
        let (count, next) = self.count(from)?;
        let span = span(count, self.word(next))?;
        let next = next + 1;
        if let Some(after) = self.after(next, &["ago", "back"]) {
            return Some((shift(self.today, span.negate()), after, false));
        }
        if let Some(base) = self.after(next, &["before"]) {
            let (day, after, _) = self.date_at(base)?;
            return Some((day.and_then(|day| shift(day, span.negate())), after, false));
        }
        if let Some(after) = self.after(next, &["or two", "or so"]).filter(|_| start.is_some()) {
            if self.is(next, "or so") {
                return Some((shift(self.today, span), after, false));
            }
            let readings = [span, span.checked_mul(2).unwrap_or(span)].into_iter();
            let readings = readings.filter_map(|span| Some(shift(self.today, span).ok()?.to_string()));
            return Some((Err(Cause::Ambiguous { readings: readings.collect() }), after, false));
        }
        if let Some(base) = self.after(next, &["from", "after"]) {
            if let Some(after) = self.after(base, &["now", "today"]) {
                return Some((shift(self.today, span), after, false));
            }
            let (day, after, _) = self.date_at(base)?;
            return Some((day.and_then(|day| shift(day, span)), after, false));
        }
        if let Some(after) = self.after(next, &["later", "out", "away", "hence"]) {
            return Some((shift(self.today, span), after, false));
        }
        start.map(|_| (shift(self.today, span), next, false))
    }

    fn count(&self, at: usize) -> Option<(u32, usize)> {
        // "week from today"
        if self.is(at, "week") && matches!(self.word(at + 1), "from" | "after") {
            return Some((1, at));
        }
        if let Some(next) = self.after(at, &["a couple of", "a couple", "couple of", "couple"]) {
            return Some((2, next));
        }
        if let Some(next) = self.after(at, &["a", "an", "un", "una"]) {
            return Some((1, next));
        }
        let (count, used) = small_number(self.words, at)?;
        (count <= FURTHEST).then_some((count, at + used))
    }

    /// `end of month`, `the end of next week`, `start of the year`, `first of the month`.
    fn edge_of_period(&self, at: usize) -> Option<Reading> {
        let from = self.after(at, &["at", "by", "the", "by the", "at the"]).unwrap_or(at);
        let at_end = self.after(from, &["end of", "last day of", "fin de", "final de"]);
        let next = at_end.or_else(|| self.after(from, &["start of", "beginning of", "first day of"]))?;
        let next = self.after(next, &["the", "this", "el", "la"]).unwrap_or(next);
        let (offset, next) = self.after(next, &["next"]).map_or((0, next), |next| (1, next));
        let start = match self.word(next) {
            "month" | "mes" => shift(self.today.first_of_month(), offset.months()),
            "year" | "ano" => shift(self.today.first_of_year(), offset.years()),
            "week" | "semana" => shift(self.monday(), offset.weeks()),
            name => {
                let first = month(name).map(|month| self.without_year_or_now(month))?;
                return Some((
                    first.map(|day| if at_end.is_some() { day.last_of_month() } else { day }),
                    next + 1,
                    false,
                ));
            }
        };
        let edge = |start: Date| match self.word(next) {
            _ if at_end.is_none() => start,
            "month" | "mes" => start.last_of_month(),
            "year" | "ano" => start.last_of_year(),
            // The working week ends on Friday.
            _ => start.saturating_add(4.days()),
        };
        // The first day of the running period has usually gone: then the next period is meant.
        let day = start.map(edge).map(|day| {
            if day < self.today && offset == 0 { self.next_edge(next, at_end.is_some()) } else { day }
        });
        Some((day, next + 1, false))
    }

    fn next_edge(&self, unit: usize, at_end: bool) -> Date {
        match self.word(unit) {
            "month" | "mes" => self.today.first_of_month().saturating_add(1.month()),
            "year" | "ano" => self.today.first_of_year().saturating_add(1.year()),
            _ if at_end => self.monday().saturating_add(11.days()),
            _ => self.monday().saturating_add(7.days()),
        }
    }

    fn without_year_or_now(&self, month: u32) -> Result<Date, Cause> {
        let this = u32::from(self.today.month().unsigned_abs());
        if this == month { Ok(self.today.first_of_month()) } else { self.without_year(month, 1) }
    }

    /// Monday of this week.
    fn monday(&self) -> Date {
        self.today.saturating_sub(i64::from(self.today.weekday().to_monday_zero_offset()).days())
    }

    /// `today`, `tomorrow`, `the day after tomorrow`, `yesterday`.
    fn named_day(&self, at: usize) -> Option<Reading> {
        const NAMED: [(i64, &[&str]); 5] = [
            (
                2,
                &[
                    "the day after tomorrow",
                    "day after tomorrow",
                    "day after tmrw",
                    "overmorrow",
                    "pasado manana",
                ],
            ),
            (-2, &["the day before yesterday", "day before yesterday", "anteayer"]),
            (
                1,
                &[
                    "tomorrow",
                    "tomorow",
                    "tommorow",
                    "tommorrow",
                    "tomoro",
                    "tomrrow",
                    "2morrow",
                    "tmrw",
                    "tmw",
                    "tmr",
                    "2moro",
                    "manana",
                ],
            ),
            (
                0,
                &[
                    "today",
                    "tonight",
                    "this morning",
                    "this afternoon",
                    "this evening",
                    "right now",
                    "hoy",
                    "asap",
                    "right away",
                    "immediately",
                    "as soon as possible",
                    "ahora mismo",
                ],
            ),
            (-1, &["yesterday", "last night", "ayer"]),
        ];
        NAMED.iter().find_map(|(days, names)| {
            let next = self.after(at, names)?;
            let in_the_morning =
                self.word(next - 1) == "manana" && at > 0 && matches!(self.word(at - 1), "la");
            // "de hoy en ocho" is a week from today.
            let counted_from = self.word(next - 1) == "hoy" && self.word(next) == "en";
            (!in_the_morning && !counted_from).then(|| (shift(self.today, days.days()), next, false))
        })
    }

    /// `the 15th`, `15th`, `the 3rd of next month`, `next month on the 3rd`, `the first of the month`.
    fn day_of_month(&self, at: usize) -> Option<Reading> {
        if let Some(next) = self.after(at, &["next month", "this month"]) {
            let months = i64::from(self.word(at) == "next");
            let next = self.after(next, &["on the", "the", "on", ", the"])?;
            let (day, used) = ordinal(self.words, next).or_else(|| small_number(self.words, next))?;
            return Some((self.in_month(months, day), next + used, false));
        }
        let from = self.after(at, &["on the", "the", "el dia", "el"]);
        let start = from.unwrap_or(at);
        let (day, used) = ordinal(self.words, start)?;
        let next = start + used;
        // "first" alone is an order, not a day.
        let of_month = ["of next month", "of this month", "of the month", "of every month"];
        if from.is_none() && !self.words[at].is_number() && self.after(next, &of_month).is_none() {
            return None;
        }
        if let Some(after) = self.after(next, &["of next month", "next month", "del proximo mes"]) {
            return Some((self.in_month(1, day), after, false));
        }
        if let Some(after) = self.after(next, &["of this month", "this month", "de este mes"]) {
            return Some((self.in_month(0, day), after, false));
        }
        let after = self.after(next, &["of the month", "of every month"]).unwrap_or(next);
        // "the first one" and "the second option" are choices.
        let word = self.word(after);
        if !self.words[start].is_number()
            && (word == "one" || word == "option" || word == "time" || word == "week")
        {
            return None;
        }
        Some((self.next_day_of_month(day), after, false))
    }

    fn in_month(&self, months: i64, day: u32) -> Result<Date, Cause> {
        let first = shift(self.today.first_of_month(), months.months())?;
        on_day(first, day)
    }

    /// The next such day of a month, today included; months without it are passed over.
    fn next_day_of_month(&self, day: u32) -> Result<Date, Cause> {
        let months = (0..=2).filter_map(|months| self.in_month(months, day).ok());
        months.into_iter().find(|date| *date >= self.today).ok_or(Cause::NoSuchDate)
    }
}
