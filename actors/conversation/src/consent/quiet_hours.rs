//! When a message nobody asked for may arrive: 08:00 to 21:00 where the recipient is.

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan};

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

fn next_permitted(now: Instant, zones: &[TimeZone]) -> Result<(), Instant> {
    let everywhere = |at: Instant| zones.iter().all(|zone| is_day(at, zone));
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

fn is_day(at: Instant, zone: &TimeZone) -> bool {
    (OPENS..CLOSES).contains(&at.to_zoned(zone.clone()).hour())
}

/// The first opening strictly after `at`. When the clock jumps over 08:00 the day opens where it lands.
fn next_opening(at: Instant, zone: &TimeZone) -> Option<Instant> {
    let today = at.to_zoned(zone.clone()).date();
    (0..3).find_map(|days| {
        let day = today.checked_add(days.days()).ok()?;
        let opening = zone.to_timestamp(day.to_datetime(time(OPENS, 0, 0, 0))).ok()?;
        (opening > at).then_some(opening)
    })
}

const ATLANTIC: &str = "America/Puerto_Rico";
const EASTERN: &str = "America/New_York";
const CENTRAL: &str = "America/Chicago";
const MOUNTAIN: &str = "America/Denver";
const ARIZONA: &str = "America/Phoenix";
const PACIFIC: &str = "America/Los_Angeles";
const ALASKA: &str = "America/Anchorage";
const HAWAII: &str = "Pacific/Honolulu";

/// Where a number may be when its area code does not say, first the most likely.
const UNITED_STATES: &[&str] = &[EASTERN, CENTRAL, MOUNTAIN, ARIZONA, PACIFIC, ALASKA, HAWAII];

/// The zones in which a number may be. Mobile numbers move with their owners, so an area code means its own zones and
/// nothing more precise.
fn candidates(phone: &str) -> &'static [&'static str] {
    if let Some(national) = phone.strip_prefix("+1") {
        return national.get(..3).and_then(|area| area.parse().ok()).map_or(UNITED_STATES, area_code);
    }
    let country = phone.strip_prefix('+').and_then(|digits| {
        // The longest code wins: +1 apart, no country code is the beginning of another.
        (1..=3).rev().find_map(|len| digits.get(..len).and_then(country_code))
    });
    country.unwrap_or(&["UTC"])
}

/// Area codes of the North American plan by zone. Codes that straddle a border, toll-free and unknown ones mean the whole of
/// the United States.
fn area_code(area: u32) -> &'static [&'static str] {
    match area {
        201..=203
        | 207
        | 212
        | 215
        | 216
        | 220
        | 223
        | 229
        | 234
        | 239..=240
        | 252
        | 267
        | 272
        | 276
        | 301..=302
        | 304
        | 305
        | 313
        | 315
        | 321
        | 326
        | 330
        | 332
        | 336
        | 339
        | 343
        | 347
        | 351
        | 352
        | 380
        | 386
        | 401
        | 404
        | 407
        | 410
        | 412
        | 413
        | 416
        | 419
        | 434
        | 437
        | 438
        | 440
        | 443
        | 445
        | 450
        | 470
        | 475
        | 478
        | 484
        | 508
        | 513..=516
        | 518
        | 519
        | 540
        | 551
        | 561
        | 567
        | 570
        | 571
        | 585
        | 586
        | 601..=603
        | 607
        | 609
        | 610
        | 613
        | 614
        | 617
        | 631
        | 640
        | 646
        | 647
        | 656
        | 667
        | 678
        | 680
        | 689
        | 703
        | 704
        | 705
        | 706
        | 716
        | 717
        | 718
        | 724
        | 727
        | 728
        | 732
        | 734
        | 740
        | 743
        | 754
        | 757
        | 762
        | 770
        | 771
        | 772
        | 774
        | 781
        | 786
        | 802..=804
        | 810
        | 813
        | 814
        | 819
        | 826
        | 828
        | 835
        | 838
        | 839
        | 843
        | 845
        | 848
        | 854
        | 856
        | 857
        | 860
        | 862
        | 863
        | 864
        | 873
        | 878
        | 904
        | 905
        | 908
        | 910
        | 912
        | 914
        | 917
        | 919
        | 929
        | 934
        | 937
        | 941
        | 943
        | 947
        | 948
        | 954
        | 959
        | 973
        | 978
        | 980
        | 984
        | 989 => &[EASTERN],
        205 | 210 | 214 | 217 | 218 | 224 | 225 | 228 | 251 | 254 | 256 | 262 | 281 | 309 | 312 | 314
        | 316 | 318 | 319 | 320 | 325 | 331 | 334 | 337 | 346 | 361 | 405 | 409 | 414 | 417 | 430 | 432
        | 447 | 464 | 469 | 479 | 501 | 504 | 507 | 512 | 515 | 534 | 539 | 563 | 573 | 580 | 608 | 612
        | 615 | 618 | 629 | 630 | 636 | 641 | 651 | 659 | 660 | 662 | 682 | 708 | 712 | 713 | 715 | 726
        | 730 | 731 | 737 | 763 | 769 | 773 | 779 | 806 | 815 | 816 | 817 | 830 | 832 | 847 | 870 | 872
        | 901 | 903 | 913 | 918 | 920 | 936 | 938 | 940 | 945 | 952 | 956 | 972 | 975 | 979 | 985 => {
            &[CENTRAL]
        }
        303 | 307 | 385 | 406 | 435 | 505 | 575 | 719 | 720 | 801 | 970 | 983 => &[MOUNTAIN],
        480 | 520 | 602 | 623 => &[ARIZONA],
        206 | 209 | 213 | 253 | 279 | 310 | 323 | 341 | 350 | 360 | 408 | 415 | 424 | 425 | 442 | 503
        | 509 | 510 | 530 | 559 | 562 | 564 | 604 | 619 | 626 | 628 | 650 | 657 | 661 | 669 | 702 | 707
        | 714 | 725 | 747 | 760 | 775 | 778 | 805 | 818 | 820 | 831 | 840 | 858 | 909 | 916 | 925 | 949
        | 951 | 971 => &[PACIFIC],
        907 => &[ALASKA, "America/Adak"],
        808 => &[HAWAII],
        787 | 939 | 340 => &[ATLANTIC],
        671 => &["Pacific/Guam"],
        _ => UNITED_STATES,
    }
}

/// The zones of a country by its calling code; large countries by their easternmost, westernmost and capital zones.
fn country_code(code: &str) -> Option<&'static [&'static str]> {
    Some(match code {
        "7" => &["Europe/Moscow", "Asia/Kamchatka", "Europe/Kaliningrad"],
        "20" => &["Africa/Cairo"],
        "27" => &["Africa/Johannesburg"],
        "30" => &["Europe/Athens"],
        "31" => &["Europe/Amsterdam"],
        "32" => &["Europe/Brussels"],
        "33" => &["Europe/Paris"],
        "34" => &["Europe/Madrid", "Atlantic/Canary"],
        "36" => &["Europe/Budapest"],
        "39" => &["Europe/Rome"],
        "40" => &["Europe/Bucharest"],
        "41" => &["Europe/Zurich"],
        "43" => &["Europe/Vienna"],
        "44" => &["Europe/London"],
        "45" => &["Europe/Copenhagen"],
        "46" => &["Europe/Stockholm"],
        "47" => &["Europe/Oslo"],
        "48" => &["Europe/Warsaw"],
        "49" => &["Europe/Berlin"],
        "51" => &["America/Lima"],
        "52" => &["America/Mexico_City", "America/Cancun", "America/Tijuana"],
        "54" => &["America/Argentina/Buenos_Aires"],
        "55" => &["America/Sao_Paulo", "America/Noronha", "America/Rio_Branco"],
        "56" => &["America/Santiago", "Pacific/Easter"],
        "57" => &["America/Bogota"],
        "58" => &["America/Caracas"],
        "60" => &["Asia/Kuala_Lumpur"],
        "61" => &["Australia/Sydney", "Australia/Brisbane", "Australia/Perth"],
        "62" => &["Asia/Jakarta", "Asia/Jayapura"],
        "63" => &["Asia/Manila"],
        "64" => &["Pacific/Auckland"],
        "65" => &["Asia/Singapore"],
        "66" => &["Asia/Bangkok"],
        "81" => &["Asia/Tokyo"],
        "82" => &["Asia/Seoul"],
        "84" => &["Asia/Ho_Chi_Minh"],
        "86" => &["Asia/Shanghai"],
        "90" => &["Europe/Istanbul"],
        "91" => &["Asia/Kolkata"],
        "92" => &["Asia/Karachi"],
        "234" => &["Africa/Lagos"],
        "254" => &["Africa/Nairobi"],
        "351" => &["Europe/Lisbon", "Atlantic/Azores"],
        "353" => &["Europe/Dublin"],
        "358" => &["Europe/Helsinki"],
        "420" => &["Europe/Prague"],
        "502" => &["America/Guatemala"],
        "503" => &["America/El_Salvador"],
        "504" => &["America/Tegucigalpa"],
        "505" => &["America/Managua"],
        "506" => &["America/Costa_Rica"],
        "507" => &["America/Panama"],
        "593" => &["America/Guayaquil", "Pacific/Galapagos"],
        "595" => &["America/Asuncion"],
        "598" => &["America/Montevideo"],
        "966" => &["Asia/Riyadh"],
        "971" => &["Asia/Dubai"],
        "972" => &["Asia/Jerusalem"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<Instant>().expect("an RFC 3339 instant"))
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

    #[test]
    fn every_zone_in_the_tables_exists() {
        let countries = (1..1000).filter_map(|code: u32| country_code(&code.to_string())).flatten();
        let areas = (200..1000).flat_map(area_code);
        for zone in countries.chain(areas) {
            assert!(TimeZone::get(zone).is_ok(), "{zone}");
        }
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
