//! Days of the week: named alone, beside a holiday, with the number of the day.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::super::calendar::shift;
use super::super::occasion::weekday;
use super::super::words::ordinal;
use super::{Cause, Reader, Reading};

impl Reader<'_> {
    /// `tuesday`, `next tues`, `this friday`, `tuesday next week`, `the tuesday after next`, `last monday`.
    pub(super) fn weekday(&self, at: usize) -> Option<Reading> {
        let lead = self.after(at, &["the", "on", "el"]).unwrap_or(at);
        let (lead, name_at) = match self.word(lead) {
            word @ ("next" | "this" | "last" | "past" | "coming" | "upcoming" | "following" | "proximo"
            | "este") => (word, lead + 1),
            _ => ("", lead),
        };
        let name_at = if self.word(name_at) == "coming" { name_at + 1 } else { name_at };
        if let Some(day_at) = (lead == "next" && self.word(name_at) == "week")
            .then(|| self.after(name_at + 1, &["on"]).unwrap_or(name_at + 1))
        {
            let weekday = weekday(self.word(day_at))?;
            return Some((self.in_next_week(weekday), day_at + 1, false));
        }
        let weekday = weekday(self.word(name_at))?;
        // "Good Friday" and "Ash Wednesday" are days of their own, which we do not know.
        if at > 0
            && matches!(self.word(at - 1), "good" | "easter" | "ash" | "palm" | "fat" | "bowl" | "giving")
        {
            return None;
        }
        // A plural is a habit, not a day: "closed sundays".
        let mut next = name_at + 1;
        if self.word(next) == "."
            && self.words.get(next).is_some_and(|dot| dot.glued)
            && self.word(name_at).len() <= 4
        {
            next += 1;
        }
        let today = i64::from(self.today.weekday().to_monday_zero_offset());
        let ahead = (i64::from(weekday.to_monday_zero_offset()) - today).rem_euclid(7);
        let coming = if ahead == 0 { 7 } else { ahead };
        if let Some(after) = self.after(next, &["next week", "of next week", "the following week"]) {
            return Some((self.in_next_week(weekday), after, false));
        }
        if let Some(after) = self.after(next, &["after next"]) {
            return Some((self.in_next_week(weekday).and_then(|day| shift(day, 7.days())), after, false));
        }
        if let Some(after) = self.after(next, &["week", "after this one", "after this"]) {
            return Some((shift(self.today, (coming + 7).days()), after, false));
        }
        if let Some(reading) = self.weekday_beside(weekday, next) {
            return Some(reading);
        }
        if self.is(next, "proximo") || self.is(next, "que viene") {
            next = self.after(next, &["proximo", "que viene"]).unwrap_or(next);
        }
        let day = match lead {
            "next" | "following" => self.in_next_week(weekday),
            "this" | "este" => shift(self.today, ahead.days()),
            "last" | "past" => shift(self.today, (ahead - 7).days()),
            _ => shift(self.today, coming.days()),
        };
        // "friday, march 5": the date behind the weekday says which one.
        let comma = self.after(next, &[", the", ",", "the"]).unwrap_or(next);
        if let Some(dated) = [comma, next].into_iter().find_map(|at| {
            self.numeric(at).or_else(|| self.month_then_day(at)).or_else(|| self.day_then_month(at))
        }) {
            return Some(dated);
        }
        if let Some((day, used)) = ordinal(self.words, comma).filter(|_| lead.is_empty()) {
            return Some((self.weekday_the(weekday, day), comma + used, false));
        }
        Some((day, next, false))
    }

    /// `monday after thanksgiving`, `the friday before christmas`: the nearest such day on that side.
    fn weekday_beside(&self, weekday: Weekday, at: usize) -> Option<Reading> {
        let (side, base) = match self.word(at) {
            "after" | "following" => (1, at + 1),
            "before" => (-1, at + 1),
            _ => return None,
        };
        let (day, next, _) = self.date_at(base)?;
        let nearest = |day: Date| day.nth_weekday(side, weekday).map_err(|_| Cause::NoSuchDate);
        Some((day.and_then(nearest), next, false))
    }

    /// `friday the 13th`: the next 13th if it is one, else two days to choose from.
    fn weekday_the(&self, weekday: Weekday, day: u32) -> Result<Date, Cause> {
        let date = self.next_day_of_month(day)?;
        if date.weekday() == weekday {
            return Ok(date);
        }
        let nearest = shift(date, -4.days())?.nth_weekday(1, weekday).map_err(|_| Cause::NoSuchDate)?;
        Err(Cause::Ambiguous { readings: vec![date.to_string(), nearest.to_string()] })
    }

    fn in_next_week(&self, weekday: Weekday) -> Result<Date, Cause> {
        shift(self.monday(), (7 + i64::from(weekday.to_monday_zero_offset())).days())
    }

    /// `this weekend`, `next week`: days to choose from.
    pub(super) fn loose_week(&self, at: usize) -> Option<Reading> {
        let from = self.after(at, &["sometime", "any day", "some time", "anytime"]).unwrap_or(at);
        let (first, days, next) = if let Some(next) = self.after(from, &["next weekend"]) {
            (12, 2, next)
        } else if let Some(next) =
            self.after(from, &["this weekend", "the weekend", "over the weekend", "weekend"])
        {
            (5, 2, next)
        } else {
            let next = self.after(from, &["next week", "la proxima semana", "la semana que viene"])?;
            // "next week tuesday" names the day.
            let named = self.after(next, &["on"]).unwrap_or(next);
            if weekday(self.word(named)).is_some() {
                return None;
            }
            (7, 5, next)
        };
        let monday = self.monday();
        let readings = (first..first + days).map(|days: i64| monday.saturating_add(days.days()).to_string());
        Some((Err(Cause::Ambiguous { readings: readings.collect() }), next, false))
    }
}
