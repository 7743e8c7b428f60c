//! Where telephone numbers are: the time zones behind area codes and country codes.

const ATLANTIC: &str = "America/Puerto_Rico";
const EASTERN: &str = "America/New_York";
const CENTRAL: &str = "America/Chicago";
const MOUNTAIN: &str = "America/Denver";
const ARIZONA: &str = "America/Phoenix";
const PACIFIC: &str = "America/Los_Angeles";
const ALASKA: &str = "America/Anchorage";
const HAWAII: &str = "Pacific/Honolulu";

type Zones = &'static [&'static str];

/// Where a number of the United States may be when its area code does not say, first the most likely.
const UNITED_STATES: Zones = &[EASTERN, CENTRAL, MOUNTAIN, ARIZONA, PACIFIC, ALASKA, HAWAII];

/// The zones in which a number may be. Mobile numbers move with their owners, so an area code means its own zones and
/// nothing more precise. Codes that straddle a border, toll-free and unknown ones mean the whole of the United States.
pub(super) fn candidates(phone: &str) -> Zones {
    if let Some(national) = phone.strip_prefix("+1") {
        let area = national.get(..3).and_then(|area| area.parse().ok());
        return area.map_or(UNITED_STATES, area_code);
    }
    // No country code is the beginning of another.
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let country = COUNTRIES.iter().find(|(code, _)| digits.starts_with(code));
    country.map_or(&["UTC"], |(_, zones)| zones)
}

fn area_code(area: u16) -> Zones {
    AREA_CODES.iter().find(|(_, codes)| codes.contains(&area)).map_or(UNITED_STATES, |(zones, _)| zones)
}

/// Area codes of the North American plan that lie in known zones.
const AREA_CODES: [(Zones, &[u16]); 9] = [
    (
        &[EASTERN],
        &[
            201, 202, 203, 207, 212, 215, 216, 220, 223, 229, 234, 239, 240, 252, 267, 272, 276, 301, 302,
            304, 305, 313, 315, 321, 326, 330, 332, 336, 339, 343, 347, 351, 352, 380, 386, 401, 404, 407,
            410, 412, 413, 416, 419, 434, 437, 438, 440, 443, 445, 450, 470, 475, 478, 484, 508, 513, 514,
            515, 516, 518, 519, 540, 551, 561, 567, 570, 571, 585, 586, 601, 602, 603, 607, 609, 610, 613,
            614, 617, 631, 640, 646, 647, 656, 667, 678, 680, 689, 703, 704, 705, 706, 716, 717, 718, 724,
            727, 728, 732, 734, 740, 743, 754, 757, 762, 770, 771, 772, 774, 781, 786, 802, 803, 804, 810,
            813, 814, 819, 826, 828, 835, 838, 839, 843, 845, 848, 854, 856, 857, 860, 862, 863, 864, 873,
            878, 904, 905, 908, 910, 912, 914, 917, 919, 929, 934, 937, 941, 943, 947, 948, 954, 959, 973,
            978, 980, 984, 989,
        ],
    ),
    (&[MOUNTAIN], &[303, 307, 385, 406, 435, 505, 575, 719, 720, 801, 970, 983]),
    (&[ARIZONA], &[480, 520, 623]),
    (
        &[PACIFIC],
        &[
            206, 209, 213, 253, 279, 310, 323, 341, 350, 360, 408, 415, 424, 425, 442, 503, 509, 510, 530,
            559, 562, 564, 604, 619, 626, 628, 650, 657, 661, 669, 702, 707, 714, 725, 747, 760, 775, 778,
            805, 818, 820, 831, 840, 858, 909, 916, 925, 949, 951, 971,
        ],
    ),
    (&[ALASKA, "America/Adak"], &[907]),
    (&[HAWAII], &[808]),
    (&[ATLANTIC], &[340, 787, 939]),
    (&["Pacific/Guam"], &[671]),
    (UNITED_STATES, &[]),
];

/// Countries by their calling code; large ones by their easternmost, westernmost and capital zones.
const COUNTRIES: [(&str, Zones); 58] = [
    ("7", &["Europe/Moscow", "Asia/Kamchatka", "Europe/Kaliningrad"]),
    ("20", &["Africa/Cairo"]),
    ("27", &["Africa/Johannesburg"]),
    ("30", &["Europe/Athens"]),
    ("31", &["Europe/Amsterdam"]),
    ("32", &["Europe/Brussels"]),
    ("33", &["Europe/Paris"]),
    ("34", &["Europe/Madrid", "Atlantic/Canary"]),
    ("36", &["Europe/Budapest"]),
    ("39", &["Europe/Rome"]),
    ("40", &["Europe/Bucharest"]),
    ("41", &["Europe/Zurich"]),
    ("43", &["Europe/Vienna"]),
    ("44", &["Europe/London"]),
    ("45", &["Europe/Copenhagen"]),
    ("46", &["Europe/Stockholm"]),
    ("47", &["Europe/Oslo"]),
    ("48", &["Europe/Warsaw"]),
    ("49", &["Europe/Berlin"]),
    ("51", &["America/Lima"]),
    ("52", &["America/Mexico_City", "America/Cancun", "America/Tijuana"]),
    ("54", &["America/Argentina/Buenos_Aires"]),
    ("55", &["America/Sao_Paulo", "America/Noronha", "America/Rio_Branco"]),
    ("56", &["America/Santiago", "Pacific/Easter"]),
    ("57", &["America/Bogota"]),
    ("58", &["America/Caracas"]),
    ("60", &["Asia/Kuala_Lumpur"]),
    ("61", &["Australia/Sydney", "Australia/Brisbane", "Australia/Perth"]),
    ("62", &["Asia/Jakarta", "Asia/Jayapura"]),
    ("63", &["Asia/Manila"]),
    ("64", &["Pacific/Auckland"]),
    ("65", &["Asia/Singapore"]),
    ("66", &["Asia/Bangkok"]),
    ("81", &["Asia/Tokyo"]),
    ("82", &["Asia/Seoul"]),
    ("84", &["Asia/Ho_Chi_Minh"]),
    ("86", &["Asia/Shanghai"]),
    ("90", &["Europe/Istanbul"]),
    ("91", &["Asia/Kolkata"]),
    ("92", &["Asia/Karachi"]),
    ("234", &["Africa/Lagos"]),
    ("254", &["Africa/Nairobi"]),
    ("351", &["Europe/Lisbon", "Atlantic/Azores"]),
    ("353", &["Europe/Dublin"]),
    ("358", &["Europe/Helsinki"]),
    ("420", &["Europe/Prague"]),
    ("502", &["America/Guatemala"]),
    ("503", &["America/El_Salvador"]),
    ("504", &["America/Tegucigalpa"]),
    ("505", &["America/Managua"]),
    ("506", &["America/Costa_Rica"]),
    ("507", &["America/Panama"]),
    ("593", &["America/Guayaquil", "Pacific/Galapagos"]),
    ("595", &["America/Asuncion"]),
    ("598", &["America/Montevideo"]),
    ("966", &["Asia/Riyadh"]),
    ("971", &["Asia/Dubai"]),
    ("972", &["Asia/Jerusalem"]),
];

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn every_zone_in_the_tables_exists() {
        let countries = COUNTRIES.iter().flat_map(|(_, zones)| zones.iter());
        let areas = AREA_CODES.iter().flat_map(|(zones, _)| zones.iter());
        for zone in countries.chain(areas).chain(UNITED_STATES) {
            assert!(TimeZone::get(zone).is_ok(), "{zone}");
        }
    }

    #[test]
    fn no_area_code_stands_twice() {
        let mut codes: Vec<u16> = AREA_CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
