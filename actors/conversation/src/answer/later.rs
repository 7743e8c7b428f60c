//! When somebody who cannot answer now can: "call me tomorrow", "give me an hour", "not now".

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::words::{Word, small_number, words};
use super::{ParseContext, date, time};
use crate::time::Timestamp;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
/// Put it off without saying until when: the same time tomorrow.
const LATER: [&str; 16] = [
    "later", "another", "busy", "remind", "now", "today", "next", "back", "luego", "tarde", "despues",
    "ahora", "ocupado", "ocupada", "finish", "continue",
];

/// The instant that a person who puts it off names or means; nothing where they are only away for a moment.
pub fn postponed_until(text: &str, ctx: &ParseContext<'_>) -> Option<Timestamp> {
    let words = words(text);
    if let Some(millis) = (0..words.len()).find_map(|at| span_at(&words, at)) {
        return Some(ctx.now.plus_millis(millis));
    }
    let zone = TimeZone::get(ctx.zone).unwrap_or(TimeZone::UTC);
    let clock = time::find(text).into_iter().find_map(|found| found.certain());
    let at = |day: Date, hour: i8| {
        let named = clock.as_ref().and_then(|clock| match clock {
            super::AnswerValue::Time(clock) => clock.parse().ok(),
            _ => None,
        });
        let time = named.unwrap_or_else(|| Time::constant(hour, 0, 0, 0));
        zone.to_timestamp(day.to_datetime(time)).ok().map(Timestamp::from).filter(|at| *at > ctx.now)
    };
    let said = |phrases: &[&str]| {
        (0..words.len()).any(|from| super::words::longest_phrase(&words, from, phrases).is_some())
    };
    if said(&["tonight", "this evening", "esta noche"]) {
        return at(ctx.today(), 19);
    }
    if said(&["this afternoon", "esta tarde"]) {
        return at(ctx.today(), 15);
    }
    if said(&["later today", "mas tarde hoy"]) {
        return Some(ctx.now.plus_millis(4 * HOUR));
    }
    if said(&["next week", "la proxima semana", "la semana que viene"]) {
        return Some(ctx.now.plus_millis(7 * 24 * HOUR));
    }
    let day =
        date::find(text, ctx).into_iter().find_map(|found| found.day.ok()).filter(|day| *day > ctx.today());
    if let Some(day) = day {
        // Mid-morning: late enough for those who sleep, early enough to be the first thing.
        return at(day, 10);
    }
    words.iter().any(|word| word.is_any(&LATER)).then(|| ctx.now.plus_millis(24 * HOUR))
}

/// `10 minutes`, `an hour`, `a couple of hours`, `half an hour`.
fn span_at(words: &[Word], at: usize) -> Option<i64> {
    let phrase = |text: &str| super::words::phrase_at(words, at, text).then(|| text.split(' ').count());
    if let Some(used) = phrase("half an hour").or_else(|| phrase("media hora")) {
        return (used > 0).then_some(30 * MINUTE);
    }
    let couple = phrase("a couple of").or_else(|| phrase("a few")).map(|used| (2, used));
    let one = phrase("an").or_else(|| phrase("una")).map(|used| (1, used));
    let (count, used) = couple.or(one).or_else(|| small_number(words, at))?;
    let unit = match words.get(at + used)?.text.as_str() {
        "hour" | "hours" | "hr" | "hrs" | "hora" | "horas" => HOUR,
        "min" | "mins" | "minute" | "minutes" | "minuto" | "minutos" if count > 1 => MINUTE,
        _ => return None,
    };
    Some(i64::from(count) * unit)
}
