//! What days and months are called: their names, holidays, and "the first monday of december".

use jiff::civil::{Date, Weekday};

use super::words::{Word, longest_phrase, nearly, ordinal};

/// A day that comes once in a month or a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Always on this day.
    Fixed {
        /// 1 to 12.
        month: i8,
        /// 1 to 31.
        day: i8,
    },
    /// The nth such weekday of a month; -1 is the last.
    Nth {
        /// 1 to 12.
        month: i8,
        /// 1 to 5 or -1.
        nth: i8,
        /// Which weekday.
        weekday: Weekday,
    },
}

impl Occasion {
    /// When it is in a year, if it is in that year at all.
    pub(super) fn in_year(self, year: i16) -> Option<Date> {
        match self {
            Self::Fixed { month, day } => Date::new(year, month, day).ok(),
            Self::Nth { month, nth, weekday } => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
        }
    }
}

/// The holiday that is named at `at`: what it goes by, how many days later it is, and how many words its name takes.
pub(super) fn holiday(words: &[Word], at: usize) -> Option<(Occasion, i64, usize)> {
    const THANKSGIVING: Occasion = Occasion::Nth { month: 11, nth: 4, weekday: Weekday::Thursday };
    const DAYS_AFTER: [(Occasion, i64, &[&str]); 2] =
        [(THANKSGIVING, 1, &["black friday"]), (THANKSGIVING, 4, &["cyber monday"])];
    const fn fixed(month: i8, day: i8) -> Occasion {
        Occasion::Fixed { month, day }
    }
    const HOLIDAYS: [(Occasion, &[&str]); 15] = [
        (fixed(12, 24), &["christmas eve", "xmas eve", "nochebuena"]),
        (fixed(12, 25), &["christmas", "christmas day", "xmas", "xmas day", "navidad"]),
        (fixed(12, 26), &["boxing day", "day after christmas", "the day after christmas"]),
        (fixed(12, 31), &["new years eve", "new year eve", "nochevieja"]),
        (fixed(1, 1), &["new years", "new years day", "new year", "new year day", "ano nuevo"]),
        (fixed(2, 14), &["valentines", "valentines day", "valentine day", "san valentin"]),
        (fixed(3, 17), &["st patricks day", "saint patricks day"]),
        (fixed(7, 4), &["independence day", "the fourth of july", "fourth of july"]),
        (fixed(10, 31), &["halloween"]),
        (THANKSGIVING, &["thanksgiving", "thanksgiving day"]),
        (Occasion::Nth { month: 9, nth: 1, weekday: Weekday::Monday }, &["labor day"]),
        (Occasion::Nth { month: 5, nth: -1, weekday: Weekday::Monday }, &["memorial day"]),
        (fixed(6, 19), &["juneteenth"]),
        (fixed(4, 1), &["april fools day", "april fools"]),
        (fixed(11, 11), &["veterans day"]),
    ];
    let holidays = HOLIDAYS.iter().map(|(occasion, names)| (*occasion, 0, *names)).chain(DAYS_AFTER);
    holidays
        .filter_map(|(occasion, later, names)| {
            longest_phrase(words, at, names).map(|(_, used)| (occasion, later, used))
        })
        .max_by_key(|(_, _, used)| *used)
}

/// "first", "2nd", "last" at `at`: which one of a month's weekdays, and how many words it takes.
pub(super) fn nth(words: &[Word], at: usize) -> Option<(i8, usize)> {
    if words.get(at)?.is_any(&["last", "ultimo"]) {
        return Some((-1, 1));
    }
    if words[at].is_any(&["primer", "tercer"]) {
        return Some((if words[at].is("primer") { 1 } else { 3 }, 1));
    }
    let (value, used) = ordinal(words, at).filter(|(value, _)| (1..=5).contains(value))?;
    Some((i8::try_from(value).ok()?, used))
}

/// The number of a month by its name or short form.
pub(super) fn month(word: &str) -> Option<u32> {
    const MONTHS: [&[&str]; 12] = [
        &["january", "jan", "enero", "ene"],
        &["february", "feb", "febuary", "febrero"],
        &["march", "mar", "marzo"],
        &["april", "apr", "abril", "abr"],
        &["may", "mayo"],
        &["june", "jun", "junio"],
        &["july", "jul", "julio"],
        &["august", "aug", "agosto", "ago"],
        &["september", "sept", "sep", "septiembre"],
        &["october", "oct", "octubre"],
        &["november", "nov", "noviembre"],
        &["december", "dec", "diciembre", "dic"],
    ];
    // Only long names can be told from other words with a letter missing.
    let slipped =
        |names: &&[&str]| word.len() >= 6 && names.iter().any(|name| name.len() >= 7 && nearly(name, word));
    let named = MONTHS.iter().position(|names| names.contains(&word));
    let place = named.or_else(|| MONTHS.iter().position(slipped));
    place.and_then(|at| u32::try_from(at + 1).ok())
}

/// A weekday by its name or short form.
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    Some(match word {
        "monday" | "mon" | "lunes" => Weekday::Monday,
        "tuesday" | "tues" | "tue" | "martes" => Weekday::Tuesday,
        "wednesday" | "wensday" | "weds" | "wed" | "miercoles" => Weekday::Wednesday,
        "thursday" | "thurs" | "thur" | "thu" | "jueves" => Weekday::Thursday,
        "friday" | "fri" | "viernes" => Weekday::Friday,
        "saturday" | "sat" | "sabado" => Weekday::Saturday,
        "sunday" | "sun" | "domingo" => Weekday::Sunday,
        // A plural is no slip.
        _ if word.len() < 6 || word.ends_with('s') || !word.contains('y') => return None,
        _ => {
            let alike = |name: &str| super::words::may_begin(name, word) && nearly(name, word);
            NAMES.iter().find(|(name, _)| alike(name))?.1
        }
    })
}
