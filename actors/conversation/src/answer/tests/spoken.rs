//! What people say rather than write: numbers in other words, halves, ranges that must be asked about.

use super::*;

#[test]
fn phone_numbers_are_said_in_hundreds_and_tens() {
    check_table(
        FieldType::Phone,
        &context(),
        &[
            ("four hundred fifteen five five five zero one four two", "+14155550142"),
            ("two one two, five five five, twenty-three forty-five", "+12125552345"),
            ("eight hundred five five five one two three four", "+18005551234"),
            ("800-GO-FEDEX", "+18004633339"),
        ],
    );
    check_table(
        FieldType::Phone,
        &ParseContext { region: "MX", ..context() },
        &[("cincuenta y cinco doce treinta y cuatro cincuenta y seis setenta y ocho", "+525512345678")],
    );
    check_table(
        FieldType::Phone,
        &ParseContext { region: "GB", ..context() },
        &[("07700900", "!phone_too_short"), ("07700 900123", "+447700900123")],
    );
}

#[test]
fn addresses_are_spelled_out() {
    check_table(
        FieldType::Email,
        &context(),
        &[
            ("all lowercase dana at acme dot com", "dana@acme.com"),
            ("dana guion bajo smith arroba gmail punto com", "dana_smith@gmail.com"),
            ("j as in john, smith at gmail dot com", "jsmith@gmail.com"),
        ],
    );
}

#[test]
fn numbers_are_said_in_two_languages() {
    check_table(
        FieldType::Number,
        &context(),
        &[
            ("1 000 000", "1000000"),
            ("point five", "0.5"),
            (".5", "0.5"),
            ("hundred", "100"),
            ("veinticinco", "25"),
            ("ciento veinte", "120"),
            ("mil quinientos", "1500"),
            ("doscientos treinta y cinco", "235"),
            ("dos mil", "2000"),
            ("1.2.3", "!not_recognised"),
            ("I don't have one", "!not_recognised"),
            ("we have one", "1"),
        ],
    );
}

#[test]
fn money_is_said_with_its_cents_and_never_as_a_range() {
    let usd = |minor: i64| format!(r#"{{"currency":"USD","minor":{minor}}}"#);
    let expected = [usd(50), usd(520), usd(150), usd(100_000), usd(50_000)];
    check_table(
        FieldType::Currency,
        &context(),
        &[
            ("$.50", &expected[0]),
            ("five dollars twenty", &expected[1]),
            ("a buck fifty", &expected[2]),
            ("a grand", &expected[3]),
            ("quinientos dólares", &expected[4]),
            ("$500-1000", "!ambiguous"),
            ("$1k-2k", "!ambiguous"),
            ("don't have one", "!not_recognised"),
        ],
    );
    let pence = r#"{"currency":"GBP","minor":50}"#;
    let pounds = r#"{"currency":"GBP","minor":550}"#;
    check_table(
        FieldType::Currency,
        &ParseContext { region: "GB", ..context() },
        &[("50p", pence), ("fifty p", pence), ("five pounds fifty", pounds)],
    );
}

#[test]
fn days_are_said_from_other_days() {
    check_table(
        FieldType::Date,
        &context(),
        &[
            ("two days before christmas", "2026-12-23"),
            ("the day after thanksgiving", "2026-11-27"),
            ("the day after tomorrow", "2026-11-23"),
            ("in a day or two", "!ambiguous"),
            ("in a week or so", "2026-11-28"),
        ],
    );
}

#[test]
fn times_are_said_in_halves_and_quarters() {
    check_table(
        FieldType::Time,
        &context(),
        &[
            ("half nine", "09:30"),
            ("half past 3", "15:30"),
            ("las nueve y cuarto", "09:15"),
            ("cuarto para las cinco", "16:45"),
            ("cinco menos cuarto", "16:45"),
            ("tres y media de la tarde", "15:30"),
            ("friday afternoon around 2", "14:00"),
            ("3-4pm", "!ambiguous"),
            ("between 3 and 4", "!ambiguous"),
            ("03:30", "03:30"),
            ("3:30 in the morning", "03:30"),
        ],
    );
}

#[test]
fn choices_are_made_by_what_they_hold_and_by_what_they_are_not() {
    let sizes = options(&[("s", "1-5 people"), ("m", "6-20 people"), ("l", "More than 20")]);
    check_table(
        FieldType::Select,
        &ParseContext { options: &sizes, ..context() },
        &[
            ("12", "m"),
            ("about 12 people", "m"),
            ("over 20", "l"),
            ("20+", "l"),
            ("just 3 of us", "s"),
            ("2", "m"),
            ("5 or 12", "!not_an_option"),
        ],
    );
    let services = options(&[("web", "Website"), ("ads", "Google Ads"), ("social", "Social media")]);
    check_table(
        FieldType::Select,
        &ParseContext { options: &services, ..context() },
        &[
            ("not ads, social", "social"),
            ("social not ads", "social"),
            ("no not website, ads", "ads"),
            ("letter c", "social"),
            ("not ads", "!not_an_option"),
        ],
    );
    let days = options(&[
        ("mon", "Monday"),
        ("tue", "Tuesday"),
        ("wed", "Wednesday"),
        ("thu", "Thursday"),
        ("fri", "Friday"),
    ]);
    check_table(
        FieldType::MultiSelect,
        &ParseContext { options: &days, ..context() },
        &[
            ("mon wed fri", r#"["mon","wed","fri"]"#),
            ("monday through wednesday", r#"["mon","tue","wed"]"#),
            ("mon-fri", r#"["mon","tue","wed","thu","fri"]"#),
            ("A C", r#"["mon","wed"]"#),
        ],
    );
}

#[test]
fn yes_and_no_are_drawn_out_or_said_by_the_way() {
    check_table(
        FieldType::Boolean,
        &context(),
        &[
            ("yesssss", "true"),
            ("nopee", "false"),
            ("we already have one", "true"),
            ("I would", "true"),
            ("I'd rather not", "false"),
            ("nah we're good", "false"),
            ("claro que no", "false"),
            ("by all means", "true"),
        ],
    );
}
