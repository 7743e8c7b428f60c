//! Opening hours of a week: "9-5 weekdays, closed sunday", "Mon-Fri 9am-5pm, Sat 10-2", "24/7".
//!
//! Days that are not mentioned are closed; hours without any day are those of every day. "9-5" is 09:00-17:00, and
//! hours that run past midnight continue on the next day.

use super::time::{Clock, Half, on_half, plain_clock_at, written};
use super::words::{Word, longest_phrase, phrase_at, words};
use super::{AnswerValue, BusinessHours, ParseContext, ParseErrorCause as Cause};

/// Days as a set, Monday in the lowest bit.
pub(super) type Days = u8;
const EVERY_DAY: Days = 0b111_1111;
const WEEKDAYS: Days = 0b001_1111;
const WEEKEND: Days = 0b110_0000;
/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// What a message says about the week, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Days(Days),
    /// The days nothing else speaks of.
    Rest,
    /// Open from, to, in minutes; `to` may lie past midnight.
    Open(u32, u32),
    Closed,
    Except,
}

pub(super) fn parse(text: &str, _: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let items = items(&words(text))?;
    let week = week(&items);
    if week.iter().all(Vec::is_empty) {
        return Err(Cause::NotRecognised);
    }
    Ok(AnswerValue::Hours(written_week(&week)))
}

/// Checks hours that came as data: real times, in order, not overlapping.
pub(super) fn check(week: BusinessHours) -> Result<BusinessHours, Cause> {
    let minutes = |text: &String| -> Result<u32, Cause> {
        let (hour, minute) = text
            .split_once(':')
            .filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)
            .ok_or(Cause::NoSuchTime)?;
        let (hour, minute): (u32, u32) =
            hour.parse().ok().zip(minute.parse().ok()).ok_or(Cause::NoSuchTime)?;
        let total = hour * 60 + minute;
        if minute < 60 && total <= DAY { Ok(total) } else { Err(Cause::NoSuchTime) }
    };
    for open in &week.days {
        let mut free_from = 0;
        for (from, to) in open {
            let (from, to) = (minutes(from)?, minutes(to)?);
            if from < free_from || to <= from {
                return Err(Cause::NoSuchTime);
            }
            free_from = to;
        }
    }
    Ok(week)
}

fn items(words: &[Word]) -> Result<Vec<Item>, Cause> {
    let mut items = Vec::new();
    // The days named last of those that stand together, and whether a comma or an "and" sets them apart.
    let (mut latest, mut apart): (Days, bool) = (0, false);
    let mut at = 0;
    while at < words.len() {
        if let Some(next) = six_days(words, at).or_else(|| holidays(words, at)) {
            at = next;
        } else if let Some((item, next)) = phrase_item(words, at) {
            let of_others =
                days_at(words, next + usize::from(words.get(next).is_some_and(|word| word.is("on"))));
            if item == Item::Closed && !is_joint(words, at) && of_others.is_none() {
                part(&mut items, latest);
            }
            items.push(item);
            at = next;
        } else if let Some((days, next)) = days_at(words, at) {
            // "friday and saturday" behind a comma go together.
            let goes_on = apart && matches!(items.last(), Some(Item::Days(_))) && is_and(words, at);
            (latest, apart) = (if goes_on { latest | days } else { days }, is_joint(words, at));
            match items.last_mut() {
                Some(Item::Days(before)) if !ends_a_sentence(words, at) => *before |= days,
                _ => items.push(Item::Days(days)),
            }
            at = next;
        } else if let Some((from, to, next)) = span_at(words, at) {
            let (open, close) = resolve(from, to).ok_or(Cause::NoSuchTime)?;
            if apart && !is_joint(words, at) {
                part(&mut items, latest);
            }
            items.push(Item::Open(open, close));
            at = next;
        } else if words[at].is_number() || words[at].is_any(&["noon", "midday", "midnight", "mediodia"]) {
            // A number or a time that belongs to nothing means that we read the rest wrong too.
            return Err(Cause::NotRecognised);
        } else {
            at += 1;
        }
    }
    Ok(items)
}

fn is_and(words: &[Word], at: usize) -> bool {
    at > 0 && words[at - 1].is_any(&["and", "&", "y"])
}

/// Whether something begins at `at` after what joins it to the rest.
fn is_joint(words: &[Word], at: usize) -> bool {
    at > 0 && words[at - 1].is_any(&[",", ";", ".", "&", "+", "and", "y", "\n"])
}

/// "9 to 5 monday to friday, saturday 10 to 2" begins with hours and goes on with days: of the days between, the last
/// belong to the hours that follow.
fn part(items: &mut Vec<Item>, latest: Days) {
    if let [Item::Open(..), .., Item::Days(before)] = &mut items[..]
        && *before != latest
        && latest & *before == latest
    {
        *before &= !latest;
        items.push(Item::Days(latest));
    }
}

/// The hours in words that name days as well, which nothing else does.
pub(super) fn certain(text: &str) -> Option<AnswerValue> {
    let items = items(&words(text)).ok()?;
    let days = items.iter().any(|item| matches!(item, Item::Days(_)));
    let open = items.iter().any(|item| matches!(item, Item::Open(..)));
    if !(days && open) {
        return None;
    }
    let week = written_week(&week(&items));
    check(week.clone()).is_ok().then_some(AnswerValue::Hours(week))
}

/// Hours with what a text says about some days ("and saturday 10-2"), or about when the open ones begin or end ("we close
/// at 6"); nothing where it speaks of neither.
pub fn amend(known: &BusinessHours, text: &str) -> Option<BusinessHours> {
    let words = words(text);
    let mut changed = known.clone();
    let edge = |phrases: &[&str]| {
        (0..words.len()).find_map(|at| {
            let (_, used) = longest_phrase(&words, at, phrases)?;
            let (clock, next) = plain_clock_at(&words, at + used)?;
            (next == words.len() || !words[next].is("-")).then_some(clock)
        })
    };
    let items = items(&words).unwrap_or_default();
    let spoken_of =
        items.iter().fold(0, |days, item| if let Item::Days(more) = item { days | more } else { days });
    if spoken_of != 0 {
        let said = items.iter().any(|item| matches!(item, Item::Open(..) | Item::Closed | Item::Except));
        let new = written_week(&week(&items));
        for day in (0..7).filter(|day| said && spoken_of & (1 << day) != 0) {
            changed.days[day].clone_from(&new.days[day]);
        }
    } else if let Some(clock) = edge(&["close at", "closing at", "till", "until", "cerramos a las"]) {
        let hour = on_half(clock.hour, clock.half)?;
        let hour = if clock.half == Half::Open && hour < 12 { hour + 12 } else { hour };
        let last = changed.days.iter_mut().filter_map(|day| day.last_mut());
        last.for_each(|open| open.1 = written(hour, clock.minute));
    } else {
        let clock = edge(&["open at", "opening at", "open from", "start at", "abrimos a las"])?;
        let hour = on_half(clock.hour, clock.half)?;
        let first = changed.days.iter_mut().filter_map(|day| day.first_mut());
        first.for_each(|open| open.0 = written(hour, clock.minute));
    }
    check(changed).ok().filter(|changed| changed != known)
}

/// "6 days a week" where the seventh is named as well.
fn six_days(words: &[Word], at: usize) -> Option<usize> {
    let (_, used) = longest_phrase(words, at, &["6 days a week", "six days a week", "6 days", "six days"])?;
    let seventh = words.iter().any(|word| word.is_any(&["closed", "except", "but", "cerrado"]));
    seventh.then_some(at + used)
}

/// "Closed holidays" says nothing about any week.
fn holidays(words: &[Word], at: usize) -> Option<usize> {
    const HOLIDAYS: [&str; 6] = [
        "closed holidays",
        "closed on holidays",
        "closed for holidays",
        "closed major holidays",
        "closed on major holidays",
        "cerrado dias festivos",
    ];
    longest_phrase(words, at, &HOLIDAYS).map(|(_, used)| at + used)
}

/// Whether a sentence ended before `at`; the dot of "Mon." ends none.
fn ends_a_sentence(words: &[Word], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &words[before]) else { return false };
    let abbreviated = at >= 2 && words[at - 2].text.len() <= 5;
    before.is_any(&["\n", ";"]) || (before.is(".") && !abbreviated)
}

fn phrase_item(words: &[Word], at: usize) -> Option<(Item, usize)> {
    const ALWAYS: [&str; 16] = [
        "never close",
        "never closed",
        "never closes",
        "dont close",
        "nunca cerramos",
        "round the clock",
        "24 / 7",
        "24 hours a day",
        "24 hours",
        "24 hrs",
        "24 h",
        "around the clock",
        "all day",
        "always open",
        "twenty four seven",
        "24 horas",
    ];
    const CLOSED: [&str; 6] = ["closed", "close", "cerrado", "cerramos", "not open", "off"];

    const EXCEPT: [&str; 8] =
        ["except", "excluding", "but not", "not on", "apart from", "other than", "excepto", "menos"];
    const REST: [&str; 13] = [
        "los demas dias",
        "los otros dias",
        "el resto",
        "resto de la semana",
        "otherwise",
        "other days",
        "all other days",
        "rest of the week",
        "the rest",
        "every other day",
        "the other days",
        "remaining days",
        "rest of week",
    ];
    let found = |phrases: &[&str]| longest_phrase(words, at, phrases).map(|(_, used)| at + used);
    let but_days = words[at].is("but") && days_at(words, at + 1).is_some();
    // "no weekends"
    let no_days = words[at].is_any(&["no", "not"]) && days_at(words, at + 1).is_some();
    if no_days {
        return Some((Item::Closed, at + 1));
    }
    found(&ALWAYS)
        .map(|next| (Item::Open(0, DAY), next))
        .or_else(|| but_days.then_some((Item::Except, at + 1)))
        .or_else(|| found(&EXCEPT).map(|next| (Item::Except, next)))
        .or_else(|| found(&REST).map(|next| (Item::Rest, next)))
        .or_else(|| found(&CLOSED).filter(|_| !is_closing_time(words, at)).map(|next| (Item::Closed, next)))
}

/// "open at 9, close at 5": a time, not a day off.
fn is_closing_time(words: &[Word], at: usize) -> bool {
    words[at].is("close") && words.get(at + 1).is_some_and(|next| next.is("at") || next.is_number())
}

/// `weekdays`, `mon`, `M-F`, `tuesday through saturday`, `every day`, `MWF`.
pub(super) fn days_at(words: &[Word], at: usize) -> Option<(Days, usize)> {
    const GROUPS: [(&str, Days); 24] = [
        ("5 days a week", WEEKDAYS),
        ("five days a week", WEEKDAYS),
        ("weekdays", WEEKDAYS),
        ("weekday", WEEKDAYS),
        ("week days", WEEKDAYS),
        ("business days", WEEKDAYS),
        ("during the week", WEEKDAYS),
        ("entre semana", WEEKDAYS),
        ("weekends", WEEKEND),
        ("weekend", WEEKEND),
        ("fin de semana", WEEKEND),
        ("fines de semana", WEEKEND),
        ("every day", EVERY_DAY),
        ("everyday", EVERY_DAY),
        ("each day", EVERY_DAY),
        ("daily", EVERY_DAY),
        ("7 days a week", EVERY_DAY),
        ("7 days", EVERY_DAY),
        ("seven days a week", EVERY_DAY),
        ("all week", EVERY_DAY),
        ("todos los dias", EVERY_DAY),
        ("all days", EVERY_DAY),
        ("mwf", 0b001_0101),
        ("tth", 0b000_1010),
    ];
    if let Some((_, days, used)) = GROUPS
        .iter()
        .filter(|(name, _)| phrase_at(words, at, name))
        .map(|(name, days)| (name, *days, name.split(' ').count()))
        .max_by_key(|(_, _, used)| *used)
    {
        return Some((days, at + used));
    }
    let (first, next) = day_at(words, at)?;
    let through = words
        .get(next)
        .is_some_and(|word| word.is_any(&["-", "to", "through", "thru", "til", "till", "until", "a"]));
    match day_at(words, next + 1).filter(|_| through) {
        Some((last, next)) => Some((day_range(first, last), next)),
        None => Some((1 << first, next)),
    }
}

/// The days from `first` to `last`, around the weekend when they must.
fn day_range(first: u32, last: u32) -> Days {
    (0..7)
        .map(|step| (first + step) % 7)
        .take((last + 7 - first) as usize % 7 + 1)
        .fold(0, |days, day| days | 1 << day)
}

/// One weekday, named in full, shortened, in the plural or by its letter.
fn day_at(words: &[Word], at: usize) -> Option<(u32, usize)> {
    let word = words.get(at)?;
    let name = word.text.as_str();
    let letter_context = |at: usize| {
        let beside = |word: Option<&Word>| {
            word.is_none_or(|word| {
                !word.is_letters() || word.is_any(&["to", "thru", "through", "and"]) || word.text.len() <= 2
            })
        };
        beside(words.get(at + 1)) && (at == 0 || beside(words.get(at - 1)))
    };
    let day = match name {
        "lun" => 0,
        "mie" => 2,
        "jue" => 3,
        "vie" => 4,
        "sab" => 5,
        "m" | "mo" if letter_context(at) => 0,
        "tu" | "mar" => 1,
        "t" if letter_context(at) => 1,
        "w" if letter_context(at) => 2,
        "th" | "r" if letter_context(at) => 3,
        "f" | "fr" if letter_context(at) => 4,
        "sa" if letter_context(at) => 5,
        "su" | "dom" => 6,
        _ => {
            let singular = || name.strip_suffix('s').and_then(super::occasion::weekday);
            let day = super::occasion::weekday(name).or_else(singular)?;
            u32::from(day.to_monday_zero_offset().unsigned_abs())
        }
    };
    let dot = words.get(at + 1).is_some_and(|next| next.is(".") && next.glued);
    Some((day, at + 1 + usize::from(dot)))
}

/// `9-5`, `9am to 5:30pm`, `from 10 until 2`, `open at 9 close at 5`.
fn span_at(words: &[Word], at: usize) -> Option<(Clock, Clock, usize)> {
    const BETWEEN: [&str; 17] = [
        "-",
        "to",
        "til",
        "till",
        "until",
        "through",
        "thru",
        "and close at",
        "close at",
        "closing at",
        ", close at",
        "and closing at",
        "a",
        "hasta",
        "to about",
        "- -",
        "hasta las",
    ];
    const BETWEEN_AND: [&str; 1] = ["and"];

    let (from, mut next) = plain_clock_at(words, at)?;
    let after_between = at > 0 && words[at - 1].is("between");
    let joint = longest_phrase(words, next.min(words.len()), &BETWEEN)
        .or_else(|| longest_phrase(words, next, &BETWEEN_AND).filter(|_| after_between))?;
    next += joint.1;
    if words.get(next).is_some_and(|word| word.is_any(&["las", "la"])) {
        next += 1;
    }
    let (to, next) = plain_clock_at(words, next)?;
    let is_midnight = words[next - 1].is_any(&["midnight", "medianoche"]);
    let to = if is_midnight { Clock { hour: 24, minute: 0, half: Half::Exact } } else { to };
    Some((from, to, next))
}

/// A span in minutes. What is not said is what a business would mean: it opens in the morning unless the number is
/// from 1 to 5, and closes after it opens.
fn resolve(from: Clock, to: Clock) -> Option<(u32, u32)> {
    if from.minute > 59 || to.minute > 59 || from.hour > 24 || to.hour > 24 {
        return None;
    }
    let exact = |clock: Clock| clock.half == Half::Exact && clock.hour != 12 && clock.hour != 24;
    let minutes = |clock: Clock, hour: u32| hour * 60 + clock.minute;
    let open = match from.half {
        Half::Open if exact(to) && from.hour >= 6 => from.hour,
        Half::Open if (1..=5).contains(&from.hour) && !matches!(to.half, Half::Morning) => from.hour + 12,
        Half::Open => from.hour,
        half => on_half(from.hour, half)?,
    };
    let open = minutes(from, open);
    let close = match to.half {
        Half::Open => {
            let plain = minutes(to, to.hour);
            // "9-12" closes at noon, "9-5" in the afternoon, "6pm-2" in the small hours.
            if plain > open { plain } else { plain + 12 * 60 }
        }
        half => minutes(to, on_half(to.hour, half)?),
    };
    let close = if close <= open { close + DAY } else { close };
    (open < DAY && close > open && close - open <= DAY).then_some((open, close))
}

/// The week as sets of spans in minutes.
type Week = [Vec<(u32, u32)>; 7];

/// Pairs days with hours: hours belong to the days before them, or to those behind when none stand before.
fn week(items: &[Item]) -> Week {
    let mut week = Week::default();
    let mut spoken_of: Days = 0;
    let mut rest: Vec<Item> = Vec::new();
    let mut base: Vec<Item> = Vec::new();
    let mut at = 0;
    while at < items.len() {
        let hours_len = |from: usize| hours_len(&items[from..]);
        match &items[at] {
            Item::Except => {
                let Some(Item::Days(days)) = items.get(at + 1) else {
                    at += 1;
                    continue;
                };
                let used = hours_len(at + 2);
                set(&mut week, *days, &items[at + 2..at + 2 + used]);
                spoken_of |= days;
                at += 2 + used;
            }
            Item::Days(days) => {
                // "every day except sunday 9-5": the hours are those of the days that are left.
                let (days, used_up) = match items.get(at + 1..at + 3) {
                    Some([Item::Except, Item::Days(excepted)]) => (days & !excepted, 3),
                    _ => (*days, 1),
                };
                let used = hours_len(at + used_up);
                set(&mut week, days, &items[at + used_up..at + used_up + used]);
                spoken_of |= days;
                at += used_up + used;
            }
            Item::Rest => {
                let used = hours_len(at + 1);
                rest = items[at + 1..at + 1 + used].to_vec();
                at += 1 + used;
            }
            Item::Open(..) | Item::Closed => {
                let used = hours_len(at);
                let hours = &items[at..at + used];
                at += used;
                match items.get(at) {
                    // "9-5, Sat 10-2": the days belong to the hours behind them.
                    Some(Item::Days(days)) if hours_len(at + 1) == 0 || !comes_first(&items[at + 1..]) => {
                        set(&mut week, *days, hours);
                        spoken_of |= days;
                        at += 1;
                    }
                    Some(Item::Rest) => {
                        rest = hours.to_vec();
                        at += 1;
                    }
                    _ => base = hours.to_vec(),
                }
            }
        }
    }
    let others = if rest.is_empty() { base } else { rest };
    set(&mut week, EVERY_DAY & !spoken_of, &others);
    week
}

/// How many items at the front are hours that go together: spans, or one "closed".
fn hours_len(items: &[Item]) -> usize {
    match items.first() {
        Some(Item::Closed) => 1,
        _ => items.iter().take_while(|item| matches!(item, Item::Open(..))).count(),
    }
}

/// Whether in "… D H …" the hours H belong to the days D before them: they do unless more days follow ("9-5 weekdays,
/// closed sunday" reads hours first throughout).
fn comes_first(after_days: &[Item]) -> bool {
    let used = hours_len(after_days);
    used > 0 && !matches!(after_days.get(used), Some(Item::Days(_)))
}

fn set(week: &mut Week, days: Days, hours: &[Item]) {
    for day in (0..7).filter(|day| days & (1 << day) != 0) {
        week[day] = hours
            .iter()
            .filter_map(|item| match item {
                Item::Open(from, to) => Some((*from, *to)),
                Item::Days(_) | Item::Rest | Item::Closed | Item::Except => None,
            })
            .collect();
    }
}

/// Hours past midnight move to the next day; touching and overlapping spans become one.
fn written_week(week: &Week) -> BusinessHours {
    let mut split = Week::default();
    for (day, open) in week.iter().enumerate() {
        for (from, to) in open {
            split[day].push((*from, (*to).min(DAY)));
            if *to > DAY {
                split[(day + 1) % 7].push((0, to - DAY));
            }
        }
    }
    let mut out = BusinessHours::default();
    for (day, mut open) in split.into_iter().enumerate() {
        open.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(open.len());
        for (from, to) in open {
            match merged.last_mut().filter(|last| from <= last.1) {
                Some(last) => last.1 = last.1.max(to),
                None => merged.push((from, to)),
            }
        }
        let clock = |minutes: u32| written(minutes / 60, minutes % 60);
        out.days[day] = merged.into_iter().map(|(from, to)| (clock(from), clock(to))).collect();
    }
    out
}
