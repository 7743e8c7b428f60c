//! Times of day, `HH:MM` of 24 hours.
//!
//! Without "am" or "pm" the hours of business decide: 9 to 11 are in the morning, 12 is noon, 1 to 6 are in the
//! afternoon; 7 and 8 could be either and are asked about, unless they are written with minutes ("7:30"), which is taken
//! as written. `07:00` and hours above 12 are on the 24-hour clock. `930` and `900` are times; `100` to `600` alone would have
//! to be guessed twice, that they are times and of which half of the day, and are more likely counts of something.

use std::ops::Range;

use super::words::{Word, phrase_at, small_number, unit, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause, date};

/// Which half of the day was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// "am", "in the morning".
    Morning,
    /// "pm", "in the afternoon", "at night".
    Afternoon,
    /// Written on the 24-hour clock.
    Exact,
    /// Not said.
    Open,
}

/// A time as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) half: Half,
}

/// A time found in a message.
#[derive(Debug, Clone)]
pub(super) struct Found {
    clock: Clock,
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// A bare number, which may be anything else as well.
    bare: bool,
}

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut found = find(text);
    // The day of "april 2" is no hour.
    let days = date::find(text, ctx);
    let in_a_date = |time: &Found| {
        days.iter().any(|day| day.full && day.at.start <= time.at.start && time.at.end <= day.at.end)
    };
    found.retain(|time| !(time.bare && in_a_date(time)));
    if found.iter().any(|time| !time.bare) {
        found.retain(|time| !time.bare);
    }
    found.dedup_by(|a, b| a.clock == b.clock);
    match &found[..] {
        [] => Err(Cause::NotRecognised),
        [time] => resolve(time.clock).map(|(hour, minute)| AnswerValue::Time(written(hour, minute))),
        many => {
            let readings: Vec<String> =
                many.iter().filter_map(|time| resolve(time.clock).ok()).map(|(h, m)| written(h, m)).collect();
            Err(if readings.is_empty() { Cause::NotRecognised } else { Cause::Ambiguous { readings } })
        }
    }
}

impl Found {
    /// The time, if it says by itself that it is one ("3pm", "15:30") and which.
    pub(super) fn certain(&self) -> Option<AnswerValue> {
        let (hour, minute) = resolve(self.clock).ok().filter(|_| self.clock.half != Half::Open)?;
        Some(AnswerValue::Time(written(hour, minute)))
    }

    /// The time, if beside a day it can be nothing else ("friday at 3", "tuesday half past two") and it says which.
    pub(super) fn beside_a_day(&self, text: &str) -> Option<AnswerValue> {
        let before = text[..self.at.start].trim_end();
        let announced = ["at", "around", "about", "by", "@", "a las", "a la"]
            .iter()
            .any(|word| before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric)));
        // "1500" may be money.
        let figure = self.bare || text[self.at.clone()].bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) = resolve(self.clock).ok().filter(|_| !figure || announced)?;
        Some(AnswerValue::Time(written(hour, minute)))
    }
}

/// `HH:MM`.
pub(super) fn written(hour: u32, minute: u32) -> String {
    format!("{hour:02}:{minute:02}")
}

/// The hour and minute on the 24-hour clock.
fn resolve(clock: Clock) -> Result<(u32, u32), Cause> {
    let Clock { hour, minute, half } = clock;
    if minute > 59 || hour > 24 || (hour == 24 && minute > 0) {
        return Err(Cause::NoSuchTime);
    }
    match half {
        Half::Exact => Ok((hour % 24, minute)),
        Half::Morning | Half::Afternoon => {
            on_half(hour, half).map(|hour| (hour, minute)).ok_or(Cause::NoSuchTime)
        }
        Half::Open => match hour {
            0 | 9..=24 => Ok((hour % 24, minute)),
            1..=6 => Ok((hour + 12, minute)),
            _ => Err(Cause::Ambiguous { readings: vec![written(hour, minute), written(hour + 12, minute)] }),
        },
    }
}

/// An hour said with "am" or "pm" on the 24-hour clock. "15 pm" is odd but clear.
pub(super) fn on_half(hour: u32, half: Half) -> Option<u32> {
    match (half, hour) {
        (Half::Morning, 12) => Some(0),
        (Half::Morning, 0..=11) | (Half::Afternoon, 12..=23) | (Half::Exact | Half::Open, 0..=24) => {
            Some(hour)
        }
        (Half::Afternoon, 1..=11) => Some(hour + 12),
        _ => None,
    }
}

/// Every time in a message, in order.
pub(super) fn find(text: &str) -> Vec<Found> {
    let words: Vec<Word> = words(text).into_iter().map(without_ish).collect();
    let mut found = Vec::new();
    let mut at = 0;
    let mut ends_range = false;
    while at < words.len() {
        match clock_at(&words, at).filter(|(clock, _)| {
            !is_hours_from(&words, at) && !is_count(&words, at, *clock) && !counts_things(&words, at, *clock)
        }) {
            Some((clock, next)) => {
                // "3-4pm" and "between 3 and 4" are two times, however the first is written.
                let ranges = words.get(next).is_some_and(|word| word.is_any(&["-", "to", "or", "and", "o"]))
                    && plain_clock_at(&words, next + 1).is_some();
                let bare = next == at + 1 && clock.half == Half::Open && !ranges && !ends_range;
                ends_range = ranges;
                let place = words[at].at.start..words[next - 1].at.end;
                let colon = text[place.clone()].contains(':');
                let as_written = colon && matches!(clock.hour, 7 | 8) && clock.half == Half::Open;
                let clock = if as_written { Clock { half: Half::Exact, ..clock } } else { clock };
                found.push(Found { clock, at: place, bare });
                at = next;
            }
            None => at += 1,
        }
    }
    // "friday afternoon around 2": the half of the day may stand apart.
    if let [only] = &mut found[..]
        && only.clock.half == Half::Open
        && only.clock.hour <= 12
        && let Some((half, _)) = (0..words.len()).find_map(|at| half_at(&words, at))
    {
        only.clock.half = half;
        only.bare = false;
    }
    found
}

/// "noonish", "threeish" without what makes them vague.
fn without_ish(word: Word) -> Word {
    let stem = word.text.strip_suffix("ish").filter(|stem| *stem == "noon" || unit(stem).is_some());
    match stem.map(str::to_owned) {
        Some(text) => Word { text, ..word },
        None => word,
    }
}

/// "half an hour before noon" is not noon.
fn is_hours_from(words: &[Word], at: usize) -> bool {
    at >= 2 && words[at - 1].is_any(&["before", "after"]) && words[at - 2].is_any(&["hour", "hours"])
}

/// "3 dogs", "2 weeks": a bare number of things.
fn counts_things(words: &[Word], at: usize, clock: Clock) -> bool {
    let thing = words.get(at + 1).is_some_and(|next| {
        next.text.len() > 3
            && next.is_letters()
            && next.text.ends_with('s')
            && !next.is_any(&["hours", "works", "thanks", "thats"])
    });
    thing && words[at].is_number() && clock.half == Half::Open
}

/// "100" alone; "at 100" and "100 pm" are times.
fn is_count(words: &[Word], at: usize, clock: Clock) -> bool {
    let announced =
        at > 0 && words[at - 1].is_any(&["at", "around", "about", "by", "after", "before", "until"]);
    let hundreds = words[at].digits().is_some_and(|value| matches!(value, 100 | 200 | 300 | 400 | 500 | 600));
    hundreds && clock.half == Half::Open && !announced
}

/// The time that begins at `at`, and the index after it.
fn clock_at(words: &[Word], at: usize) -> Option<(Clock, usize)> {
    match past_or_to(words, at) {
        Some((clock, next)) => Some(with_half(words, clock, next)),
        None => plain_clock_at(words, at),
    }
}

/// A time without "past" and "to": in opening hours "10 to 5" is a span.
pub(super) fn plain_clock_at(words: &[Word], at: usize) -> Option<(Clock, usize)> {
    let word = words.get(at)?;
    let exact = |hour| Some((Clock { hour, minute: 0, half: Half::Exact }, at + 1));
    match word.text.as_str() {
        "noon" | "midday" | "mediodia" | "noontime" => return exact(12),
        "midnight" | "medianoche" => return exact(0),
        _ => {}
    }
    let (clock, next) = military(words, at).or_else(|| digital(words, at)).or_else(|| spoken(words, at))?;
    Some(with_half(words, clock, next))
}

/// The clock with the half of the day that is said behind it.
fn with_half(words: &[Word], clock: Clock, next: usize) -> (Clock, usize) {
    // "12 noon"
    let twelve = words.get(next).filter(|_| clock.hour == 12 && clock.minute == 0);
    if let Some(which) = twelve.filter(|which| which.is_any(&["noon", "midday", "midnight"])) {
        let hour = if which.is("midnight") { 0 } else { 12 };
        return (Clock { hour, half: Half::Exact, ..clock }, next + 1);
    }
    let next = after_any(words, next, &["oclock", "hours", "hrs", "sharp", "en punto"]).unwrap_or(next);
    match half_at(words, next) {
        // "13 am" is no time; "15 pm" is odd but clear.
        Some((half, next)) if clock.half == Half::Open || clock.hour <= 12 || half == Half::Morning => {
            (Clock { half, ..clock }, next)
        }
        Some((_, next)) => (clock, next),
        None => (clock, next),
    }
}

/// `15:30`, `3.30`, `3:30`, `1530`, `15h30`, `3`.
fn digital(words: &[Word], at: usize) -> Option<(Clock, usize)> {
    let word = words.get(at).filter(|word| word.is_number())?;
    let inside = at > 0
        && word.glued
        && (words[at - 1].is_letters() || words[at - 1].is_any(&["/", "$", "#", "€", "£"]));
    if inside {
        return None;
    }
    let make = |hour: u32, minute: u32, leading_zero: bool| {
        let half = if leading_zero || hour > 12 || hour == 0 { Half::Exact } else { Half::Open };
        Clock { hour, minute, half }
    };
    let leading_zero = word.text.starts_with('0');
    if let Some((hour, minute)) = word.text.split_once('.') {
        let (hour, minute) = (hour.parse().ok()?, minute_of(minute)?);
        return Some((make(hour, minute, leading_zero), at + 1));
    }
    let value = word.digits()?;
    let separator = words.get(at + 1).filter(|next| next.glued && next.is_any(&[":", ";", "h"]));
    if let Some(minutes) = separator.and_then(|_| words.get(at + 2)).filter(|next| next.glued) {
        let minute = minute_of(&minutes.text)?;
        let seconds = words.get(at + 3).is_some_and(|next| next.glued && next.is(":"))
            && words.get(at + 4).is_some_and(|next| next.glued && next.is_number());
        return Some((make(value, minute, leading_zero), at + if seconds { 5 } else { 3 }));
    }
    if separator.is_some_and(|separator| separator.is("h")) {
        return Some((Clock { hour: value, minute: 0, half: Half::Exact }, at + 2));
    }
    match word.text.len() {
        1 | 2 if (1..=12).contains(&value) && !leading_zero => {
            let minutes = spanish_minutes(words, value, at + 1).or_else(|| apart(words, value, at + 1));
            Some(minutes.unwrap_or((make(value, 0, false), at + 1)))
        }
        1 | 2 => Some((make(value, 0, leading_zero && value > 0 && word.text.len() == 2), at + 1)),
        3 | 4 => Some((make(value / 100, value % 100, leading_zero), at + 1)),
        _ => None,
    }
}

/// "9 30 am", "11 fifteen": the minutes of an hour behind a space.
fn apart(words: &[Word], hour: u32, at: usize) -> Option<(Clock, usize)> {
    let (minute, used) = small_number(words, at).filter(|(minute, _)| (10..60).contains(minute))?;
    let said = words[at].is_letters();
    let marked = !words[at].glued && words[at].text.len() == 2 && half_at(words, at + used).is_some();
    (said || marked).then_some((Clock { hour, minute, half: Half::Open }, at + used))
}

fn minute_of(text: &str) -> Option<u32> {
    if text.len() == 2 { text.parse().ok() } else { None }
}

/// `three`, `three thirty`, `seven oh five`.
fn spoken(words: &[Word], at: usize) -> Option<(Clock, usize)> {
    // "la una de la tarde"
    let una =
        words[at].is("una") && words.get(at + 1).is_some_and(|next| next.is_any(&["de", "y", "en", "menos"]));
    let hour = if una { Some((1, 1)) } else { small_number(words, at) };
    let (hour, used) = hour.filter(|(hour, _)| (1..=12).contains(hour))?;
    let next = at + used;
    let open = |minute, next| Some((Clock { hour, minute, half: Half::Open }, next));
    if let Some(found) = spanish_minutes(words, hour, next) {
        return Some(found);
    }
    if words.get(next).is_some_and(|word| word.is_any(&["oh", "o"])) {
        let (minute, used) = small_number(words, next + 1).filter(|(minute, _)| *minute < 10)?;
        return open(minute, next + 1 + used);
    }
    match small_number(words, next).filter(|(minute, _)| (10..60).contains(minute)) {
        Some((minute, used)) => open(minute, next + used),
        None => open(0, next),
    }
}

/// `y media`, `y cuarto`, `menos diez`: the clock of an hour with the minutes said at `at`.
fn spanish_minutes(words: &[Word], hour: u32, at: usize) -> Option<(Clock, usize)> {
    let open = |hour, minute, next| Some((Clock { hour, minute, half: Half::Open }, next));
    match words.get(at)?.text.as_str() {
        "y" if words.get(at + 1)?.is("media") => open(hour, 30, at + 2),
        "y" => quarter_or_number(words, at + 1).and_then(|(minute, used)| open(hour, minute, at + 1 + used)),
        "menos" => {
            let (less, used) = quarter_or_number(words, at + 1)?;
            open(if hour == 1 { 12 } else { hour - 1 }, 60 - less, at + 1 + used)
        }
        _ => None,
    }
}

/// `oh nine hundred`, `fifteen hundred hours`, `zero eight thirty`: the 24-hour clock said aloud.
fn military(words: &[Word], at: usize) -> Option<(Clock, usize)> {
    let exact = |hour, minute, next| Some((Clock { hour, minute, half: Half::Exact }, next));
    let zero = words.get(at)?.is_any(&["zero", "oh", "o"]);
    let (hour, used) = small_number(words, at + usize::from(zero))
        .filter(|(hour, _)| words[at].is_letters() && *hour < if zero { 10 } else { 24 })?;
    let next = at + usize::from(zero) + used;
    let hundred = words.get(next).is_some_and(|word| word.is("hundred"));
    let hours = words.get(next + 1).is_some_and(|word| word.is_any(&["hours", "hrs"]));
    if hundred && (zero || hours) {
        return exact(hour, 0, next + 1);
    }
    // "zero eight thirty", "sixteen twenty".
    let (minute, used) = small_number(words, next).filter(|(minute, _)| {
        (zero || (hour > 12 && words[next].is_letters())) && (10..60).contains(minute)
    })?;
    exact(hour, minute, next + used)
}

/// `cuarto`, `diez`, `veinte`: the minutes after "y" and "menos".
fn quarter_or_number(words: &[Word], at: usize) -> Option<(u32, usize)> {
    if words.get(at)?.is("cuarto") {
        return Some((15, 1));
    }
    small_number(words, at).filter(|(minutes, _)| (5..60).contains(minutes))
}

/// `half past three`, `quarter to 5`, `ten past 4`, `20 til 6`.
fn past_or_to(words: &[Word], at: usize) -> Option<(Clock, usize)> {
    let start = at + usize::from(words[at].is("a"));
    let (minutes, used) = match words.get(start)?.text.as_str() {
        "half" => (30, 1),
        "quarter" | "cuarto" => (15, 1),
        _ => small_number(words, start).filter(|(minutes, _)| (1..60).contains(minutes))?,
    };
    let next = start + used;
    let next =
        next + usize::from(words.get(next).is_some_and(|word| word.is_any(&["minutes", "min", "mins"])));
    let direction = words.get(next)?;
    // "half nine" is half past nine.
    if minutes == 30
        && words[start].is("half")
        && let Some((hour, used)) = small_number(words, next).filter(|(hour, _)| (1..=12).contains(hour))
    {
        return Some((Clock { hour, minute: 30, half: Half::Open }, next + used));
    }
    let before = (direction.is_any(&["to", "til", "till", "before", "para"]) && minutes != 30)
        || (direction.is("of") && words[start].is("quarter"));
    if !(before || direction.is_any(&["past", "after"])) {
        return None;
    }
    // "9 to 5" and "from 5 to 6" are spans of hours, "20 to 6" a time.
    let spans = at > 0 && words[at - 1].is_any(&["from", "between", "de"]);
    if before && spans {
        return None;
    }
    if before && words[start].is_number() && minutes < 13 && minutes != 5 && minutes != 10 {
        return None;
    }
    let next = next + usize::from(words.get(next + 1).is_some_and(|word| word.is_any(&["las", "la"])));
    let hour_word = words.get(next + 1)?;
    let (hour, used, half) = match hour_word.text.as_str() {
        "noon" | "midday" => (12, 1, Half::Exact),
        "midnight" => (0, 1, Half::Exact),
        _ => small_number(words, next + 1).map(|(hour, used)| (hour, used, Half::Open))?,
    };
    let (hour, minute) =
        if before { (if hour == 0 { 23 } else { hour - 1 }, 60 - minutes) } else { (hour, minutes) };
    let hour = if before && hour == 0 && half == Half::Open { 12 } else { hour };
    Some((Clock { hour, minute, half }, next + 1 + used))
}

/// The half of the day said at `at`.
fn half_at(words: &[Word], at: usize) -> Option<(Half, usize)> {
    let morning = ["am", "a m", "in the morning", "de la manana", "this morning", "tomorrow morning"];
    let afternoon = [
        "pm",
        "p m",
        "in the afternoon",
        "in the evening",
        "at night",
        "this afternoon",
        "this evening",
        "tonight",
        "de la tarde",
        "de la noche",
        "afternoon",
        "evening",
    ];
    let glued_letter = words.get(at).filter(|word| word.glued && word.is_any(&["a", "p"]));
    if let Some(letter) = glued_letter {
        return Some((if letter.is("a") { Half::Morning } else { Half::Afternoon }, at + 1));
    }
    after_any(words, at, &morning)
        .map(|next| (Half::Morning, next))
        .or_else(|| after_any(words, at, &afternoon).map(|next| (Half::Afternoon, next)))
}

fn after_any(words: &[Word], at: usize, phrases: &[&str]) -> Option<usize> {
    let phrase = phrases.iter().find(|phrase| at < words.len() && phrase_at(words, at, phrase))?;
    Some(at + phrase.split(' ').count())
}
