//! When a message nobody asked for may arrive: 08:00 to 21:00 where the recipient is.

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, ToSpan};

use super::zones::candidates;
use crate::time::Timestamp;

/// The first permitted hour of the recipient's day.
const OPENS: i8 = 8;
/// The first hour that is not permitted any more.
const CLOSES: i8 = 21;
/// How many openings are looked at: with every zone on Earth the days overlap within one of them, or never.
const OPENINGS: usize = 64;

/// Whether an unasked message may go out at `now`, and if not, the next instant at which it may.
///
/// A known `zone` (IANA) decides. Without one it must be permitted everywhere the number may be: in the zones of its area
/// code or country, and where those share no hour, in the first of them.
///
/// # Errors
/// The next permitted instant.
pub fn permitted_at(now: Timestamp, zone: Option<&str>, phone: &str) -> Result<(), Timestamp> {
    let zones = match zone.and_then(|zone| TimeZone::get(zone).ok()) {
        Some(zone) => vec![zone],
        None => candidates(phone).iter().filter_map(|zone| TimeZone::get(zone).ok()).collect(),
    };
    next_permitted(now.to_jiff(), &zones).map_err(Timestamp::from)
}

/// The beginning every number of a region has, e.g. `+44` for `GB`; stands in for a number that is not known.
pub fn calling_code(region: &str) -> String {
    phonenumber::metadata::DATABASE
        .by_id(region)
        .map_or_else(|| "+1".to_owned(), |plan| format!("+{}", plan.country_code()))
}

fn next_permitted(now: Moment, zones: &[TimeZone]) -> Result<(), Moment> {
    let everywhere = |at: Moment| zones.iter().all(|zone| is_day(at, zone));
    if everywhere(now) {
        return Ok(());
    }
    // A shared span of hours begins when one of the zones opens.
    let mut at = now;
    for _ in 0..OPENINGS {
        let Some(next) = zones.iter().filter_map(|zone| next_opening(at, zone)).min() else { break };
        if everywhere(next) {
            return Err(next);
        }
        at = next;
    }
    match zones.first() {
        Some(first) if is_day(now, first) => Ok(()),
        Some(first) => Err(next_opening(now, first).unwrap_or(now)),
        None => Ok(()),
    }
}

fn is_day(at: Moment, zone: &TimeZone) -> bool {
    (OPENS..CLOSES).contains(&at.to_zoned(zone.clone()).hour())
}

/// The first opening strictly after `at`. When the clock jumps over 08:00 the day opens where it lands.
fn next_opening(at: Moment, zone: &TimeZone) -> Option<Moment> {
    let today = at.to_zoned(zone.clone()).date();
    (0..3).find_map(|days| {
        let day = today.checked_add(days.days()).ok()?;
        let opening = zone.to_timestamp(day.to_datetime(time(OPENS, 0, 0, 0))).ok()?;
        (opening > at).then_some(opening)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<Moment>().expect("an RFC 3339 instant"))
    }

    #[test]
    fn a_known_zone_decides() {
        let zone = Some("America/New_York");
        for (now, expected) in [
            ("2026-11-21T13:00:00Z", Ok(())),
            ("2026-11-21T12:59:59Z", Err(at("2026-11-21T13:00:00Z"))),
            ("2026-11-22T01:59:59Z", Ok(())),
            ("2026-11-22T02:00:00Z", Err(at("2026-11-22T13:00:00Z"))),
            // The clock goes forward on 8 March 2026: eight o'clock comes an hour sooner.
            ("2026-03-08T03:00:00Z", Err(at("2026-03-08T12:00:00Z"))),
            // It goes back on 1 November 2026.
            ("2026-11-01T02:00:00Z", Err(at("2026-11-01T13:00:00Z"))),
        ] {
            assert_eq!(permitted_at(at(now), zone, "+14155550100"), expected, "{now}");
        }
    }

    #[test]
    fn an_unknown_zone_means_every_zone_the_number_may_be_in() {
        for (phone, now, expected) in [
            ("+14155550100", "2026-11-21T15:00:00Z", Err(at("2026-11-21T16:00:00Z"))),
            ("+14155550100", "2026-11-21T16:00:00Z", Ok(())),
            ("+12125550100", "2026-11-21T13:00:00Z", Ok(())),
            // Toll-free: from Hawaii's eight o'clock to New York's nine at night.
            ("+18005550100", "2026-11-21T17:59:00Z", Err(at("2026-11-21T18:00:00Z"))),
            ("+18005550100", "2026-11-22T01:59:59Z", Ok(())),
            ("+18005550100", "2026-11-22T02:00:00Z", Err(at("2026-11-22T18:00:00Z"))),
            ("+442079460958", "2026-11-21T08:00:00Z", Ok(())),
            ("+442079460958", "2026-11-21T07:00:00Z", Err(at("2026-11-21T08:00:00Z"))),
            ("+61255501234", "2026-11-21T00:00:00Z", Ok(())),
            ("", "2026-11-21T07:00:00Z", Err(at("2026-11-21T08:00:00Z"))),
            ("+999", "2026-11-21T12:00:00Z", Ok(())),
        ] {
            assert_eq!(permitted_at(at(now), None, phone), expected, "{phone} {now}");
        }
        assert_eq!(
            permitted_at(at("2026-11-21T15:00:00Z"), Some("Not/AZone"), "+14155550100"),
            Err(at("2026-11-21T16:00:00Z"))
        );
    }

    proptest! {
        #[test]
        fn the_next_permitted_instant_is_permitted_and_the_first(
            hour in 0..(3 * 365 * 24_i64),
            minute in 0..60_i64,
            area in 200..1000_u32,
            zone in prop::sample::select(vec![None, Some("America/New_York"), Some("Europe/London"), Some("Australia/Lord_Howe"),
                Some("America/St_Johns"), Some("Africa/Casablanca"), Some("Pacific/Apia"), Some("America/Santiago")]),
        ) {
            let phone = format!("+1{area}5550100");
            let now = at("2025-01-01T00:00:00Z").plus_millis((hour * 60 + minute) * 60_000);
            if let Err(next) = permitted_at(now, zone, &phone) {
                prop_assert!(next > now);
                prop_assert!(next.millis_since(now) <= 26 * 3_600_000, "within the next day");
                prop_assert_eq!(permitted_at(next, zone, &phone), Ok(()));
                prop_assert!(permitted_at(next.plus_millis(-1), zone, &phone).is_err());
            } else if let Some(zone) = zone {
                let hour = now.to_jiff().to_zoned(TimeZone::get(zone).expect("a real zone")).hour();
                prop_assert!((8..21).contains(&hour));
            }
        }
    }
}
