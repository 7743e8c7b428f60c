//! Answers as a person reads them back.

use super::{AnswerValue, BusinessHours, currency, number, phone, url};
use crate::flow::Choice;

const DAYS_EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAYS_ES: [&str; 7] = ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"];

impl AnswerValue {
    /// The answer for reading back and for summaries, in the language `locale` (`en`, `es`).
    pub fn display(&self, options: &[Choice], locale: &str) -> String {
        let label = |id: &str| {
            options.iter().find(|option| option.id == id).map_or(id, |option| &option.label).to_owned()
        };
        match self {
            Self::Text(text) | Self::Email(text) => text.clone(),
            Self::Phone(number) => phone::display(number),
            Self::Url(address) => url::display(address),
            Self::Number(value) => number::plain(*value),
            Self::Currency { minor, currency } => currency::display(*minor, currency),
            Self::Date(date) => date_words(date, locale).unwrap_or_else(|| date.clone()),
            Self::Time(time) => {
                let words = if reads_twelve_hours(locale) { twelve_hours(time) } else { None };
                words.unwrap_or_else(|| time.clone())
            }
            Self::Boolean(yes) => match (yes, is_spanish(locale)) {
                (true, false) => "Yes",
                (true, true) => "Sí",
                (false, _) => "No",
            }
            .to_owned(),
            Self::Choice(id) => label(id),
            Self::Choices(ids) => ids.iter().map(|id| label(id)).collect::<Vec<_>>().join(", "),
            Self::Hours(hours) => week_words(hours, locale),
            Self::File(file) => file.name.clone(),
        }
    }
}

fn is_spanish(locale: &str) -> bool {
    locale.starts_with("es")
}

/// `Thu, Mar 5, 2027`; in Spanish `jue 5/3/2027`.
fn date_words(date: &str, locale: &str) -> Option<String> {
    let day: jiff::civil::Date = date.parse().ok()?;
    if is_spanish(locale) {
        let weekday = DAYS_ES[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
        return Some(format!("{weekday} {}/{}/{}", day.day(), day.month(), day.year()));
    }
    Some(day.strftime("%a, %b %-d, %Y").to_string())
}

/// Whether clocks of this locale have twelve hours, as CLDR has it (`supplemental/dayPeriods`, `timeData`). A language
/// without a country is read as where we have most of its speakers: `en` in the United States, `es` in Spain.
fn reads_twelve_hours(locale: &str) -> bool {
    let (language, country) = locale.split_once(['-', '_']).unwrap_or((locale, ""));
    let country = country.to_ascii_uppercase();
    if language == "es" {
        ["US", "PR", "CO", "VE", "PA", "DO", "HN", "GT", "SV", "NI"].contains(&country.as_str())
    } else {
        !["GB", "IE", "ZA"].contains(&country.as_str())
    }
}

/// `15:30` as `3:30 PM`; `None` for what is no time of a day.
fn twelve_hours(time: &str) -> Option<String> {
    let time: jiff::civil::Time = time.parse().ok()?;
    Some(time.strftime("%-I:%M %p").to_string())
}

/// `Mon–Fri 9 AM to 5 PM, Sat 10 AM to 2:30 PM`, or `lun–vie 9:00–17:00` where clocks have 24 hours: neighbouring days with
/// the same hours are one range.
fn week_words(week: &BusinessHours, locale: &str) -> String {
    let names = if is_spanish(locale) { DAYS_ES } else { DAYS_EN };
    let mut parts: Vec<String> = Vec::new();
    let mut day = 0;
    while day < 7 {
        let same = week.days[day..].iter().take_while(|open| **open == week.days[day]).count();
        let last = day + same - 1;
        if !week.days[day].is_empty() {
            let days =
                if same == 1 { names[day].to_owned() } else { format!("{}–{}", names[day], names[last]) };
            parts.push(format!("{days} {}", intervals(&week.days[day], locale)));
        }
        day = last + 1;
    }
    parts.join(", ")
}

fn intervals(open: &[(String, String)], locale: &str) -> String {
    let parts = open.iter().map(|(from, to)| {
        if reads_twelve_hours(locale) {
            let until = if is_spanish(locale) { "a" } else { "to" };
            format!("{} {until} {}", short_twelve_hours(from), short_twelve_hours(to))
        } else {
            format!("{}–{}", short(from), short(to))
        }
    });
    parts.collect::<Vec<_>>().join(" & ")
}

/// `09:00` as `9:00`.
fn short(time: &str) -> &str {
    time.strip_prefix('0').unwrap_or(time)
}

/// `09:00` as `9 AM`. The end of a day, `24:00`, is the next midnight.
fn short_twelve_hours(time: &str) -> String {
    let words = twelve_hours(if time == "24:00" { "00:00" } else { time });
    words.map_or_else(|| time.to_owned(), |words| words.replace(":00 ", " "))
}
