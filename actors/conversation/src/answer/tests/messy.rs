//! What people write in a hurry: shorthand, second thoughts, halves of millions; and what only looks like an answer.

use super::*;

/// Checks that none of the texts is taken for an answer, whatever the cause.
fn check_refused(kind: FieldType, ctx: &ParseContext<'_>, texts: &[&str]) {
    let taken: Vec<String> = texts
        .iter()
        .filter_map(|text| Some(format!("{text:?}: {:?}", parse(kind, text, ctx).ok()?)))
        .collect();
    assert!(taken.is_empty(), "{} of {} were taken:\n{}", taken.len(), texts.len(), taken.join("\n"));
}

#[test]
fn numbers_are_written_with_powers_and_said_in_parts_of_millions() {
    check_table(
        FieldType::Number,
        &context(),
        &[
            ("1e3", "1000"),
            ("2.5E6", "2500000"),
            ("2e+3", "2000"),
            ("1e-3", "0.001"),
            ("1e3 employees", "1000"),
            ("quarter million", "250000"),
            ("quarter of a million", "250000"),
            ("a quarter of a million", "250000"),
            ("half a million", "500000"),
            ("three quarters of a million", "750000"),
            ("a million and a half", "1500000"),
            ("two and a half thousand", "2500"),
            ("a hundred and one", "101"),
            ("a hundred and fifty thousand", "150000"),
            ("a thousand and one", "1001"),
            ("3¾", "3.75"),
            ("½", "0.5"),
            ("un millón y medio", "1500000"),
            ("un millon", "1000000"),
            ("tres cuartos de millón", "750000"),
            ("un cuarto de millón", "250000"),
            ("not 12, 15", "15"),
            ("1e999", "!too_large"),
            ("12, no 13", "13"),
            ("2.5 mil", "!ambiguous"),
        ],
    );
    check_refused(
        FieldType::Number,
        &context(),
        &["1e", "12e", "0x10", "2+2", "10^3", "six figures", "a few hundred", "several thousand", "hundreds"],
    );
}

#[test]
fn money_is_said_in_grands_nations_and_halves() {
    let usd = |major: i64| format!(r#"{{"currency":"USD","minor":{}}}"#, major * 100);
    let table = [
        ("quarter million", usd(250_000)),
        ("a quarter of a million dollars", usd(250_000)),
        ("cuarto de millón de dólares", usd(250_000)),
        ("$1e3", usd(1_000)),
        ("a hundred fifty", usd(150)),
        ("a grand and a half", usd(1_500)),
        ("two and a half grand", usd(2_500)),
        ("5 Gs", usd(5_000)),
        ("5 hundo", usd(500)),
        ("usd2500", usd(2_500)),
        ("not 500, 600", usd(600)),
        ("2k not 3k", usd(2_000)),
        ("1 234,50 €", r#"{"currency":"EUR","minor":123450}"#.to_owned()),
        ("250 canadian dollars", r#"{"currency":"CAD","minor":25000}"#.to_owned()),
        ("2500 mexican pesos", r#"{"currency":"MXN","minor":250000}"#.to_owned()),
        ("$2.5 mil", "!ambiguous".to_owned()),
    ];
    let table: Vec<(&str, &str)> = table.iter().map(|(text, json)| (*text, json.as_str())).collect();
    check_table(FieldType::Currency, &context(), &table);
    check_refused(
        FieldType::Currency,
        &context(),
        &["five figures", "mid five figures", "few thousand", "don't have one yet", "10% of revenue"],
    );
}

#[test]
fn days_are_found_from_holidays_and_never_from_half_of_a_name() {
    check_table(
        FieldType::Date,
        &context(),
        &[
            ("black friday", "2026-11-27"),
            ("cyber monday", "2026-11-30"),
            ("the monday after thanksgiving", "2026-11-30"),
            ("the friday before christmas", "2026-12-18"),
            ("a week from tuesday", "2026-12-01"),
            ("tuesday week", "2026-12-01"),
            ("decmber 1", "2026-12-01"),
            ("12-25", "2026-12-25"),
            ("hace dos días", "2026-11-19"),
            ("saturday the 5th", "2026-12-05"),
            ("dec 3 - 3pm", "2026-12-03"),
            ("friday the 13th", "!ambiguous"),
            ("dec 1-5", "!ambiguous"),
            ("dec 3rd or 4th", "!ambiguous"),
        ],
    );
    check_refused(FieldType::Date, &context(), &["good friday", "ash wednesday", "easter sunday", "9-5"]);
}

#[test]
fn times_are_said_on_the_clock_of_soldiers_and_with_an_ish() {
    check_table(
        FieldType::Time,
        &context(),
        &[
            ("noon-ish", "12:00"),
            ("noonish", "12:00"),
            ("about threeish in the afternoon", "15:00"),
            ("12 noon", "12:00"),
            ("12 midnight", "00:00"),
            ("fifteen hundred hours", "15:00"),
            ("oh eight hundred hours", "08:00"),
            ("zero eight thirty", "08:30"),
            ("a las 3 y media de la tarde", "15:30"),
            ("a las 8 menos cuarto de la mañana", "07:45"),
            ("from 5 to 6pm", "!ambiguous"),
            ("13am", "!no_such_time"),
            ("half an hour before noon", "!not_recognised"),
        ],
    );
}

/// `Mon-Fri 09:00-17:00` and the like: the days by their bits, Monday first, and one interval for all of them.
fn open(days: &str, from: &str, to: &str) -> String {
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let week = names.iter().zip(days.chars()).map(|(name, bit)| {
        let hours = if bit == '1' { serde_json::json!([[from, to]]) } else { serde_json::json!([]) };
        ((*name).to_owned(), hours)
    });
    serde_json::Value::Object(week.collect()).to_string()
}

#[test]
fn exceptions_from_the_opening_hours_are_closed() {
    let table = [
        ("every day except sunday 9 to 5", open("1111110", "09:00", "17:00")),
        ("every day but sunday 9-5", open("1111110", "09:00", "17:00")),
        ("everyday but monday 9-5", open("0111111", "09:00", "17:00")),
        ("9-5 every day except sunday", open("1111110", "09:00", "17:00")),
        ("6 days a week 9-5 closed sunday", open("1111110", "09:00", "17:00")),
        ("5 days a week 9-5", open("1111100", "09:00", "17:00")),
        ("cerrado los lunes, los demás días de 10 a 6", open("0111111", "10:00", "18:00")),
        ("todos los días menos domingo 9 a 6", open("1111110", "09:00", "18:00")),
        ("lun-vie 9-18", open("1111100", "09:00", "18:00")),
        ("mon-fri 9 to 12 noon", open("1111100", "09:00", "12:00")),
    ];
    let table: Vec<(&str, &str)> = table.iter().map(|(text, json)| (*text, json.as_str())).collect();
    check_table(FieldType::BusinessHours, &context(), &table);
    check_refused(
        FieldType::BusinessHours,
        &context(),
        &["mon-fri 9-5 except wednesday we close at noon", "6 days a week", "we close at noon"],
    );
}

#[test]
fn courtesy_gives_way_to_a_no() {
    check_table(
        FieldType::Boolean,
        &context(),
        &[
            ("no problem no", "false"),
            ("ok no", "false"),
            ("I'd love to but no", "false"),
            ("we sure don't", "false"),
            ("ni hablar", "false"),
            ("no problemo", "true"),
            ("not a problem at all", "true"),
            ("I don't mind", "true"),
            ("without a doubt", "true"),
            ("without question", "true"),
            ("I guess", "true"),
            ("mm-hmm", "true"),
            ("okey dokey", "true"),
            ("afraid so", "true"),
            ("on", "true"),
        ],
    );
    check_refused(
        FieldType::Boolean,
        &context(),
        &["working on it", "do I need one?", "no I do", "no, we do have one"],
    );
}

#[test]
fn what_is_turned_away_is_not_chosen() {
    let colours = options(&[("red", "Red"), ("green", "Dark green"), ("blue", "Sky blue")]);
    let ctx = ParseContext { options: &colours, ..context() };
    check_refused(FieldType::Select, &ctx, &["I hate red", "no red please", "never blue", "not red"]);
    check_table(FieldType::Select, &ctx, &[("no, red", "red"), ("not red, blue", "blue")]);
    let services =
        options(&[("web", "Website"), ("seo", "SEO"), ("ads", "Google Ads"), ("social", "Social media")]);
    check_table(
        FieldType::MultiSelect,
        &ParseContext { options: &services, ..context() },
        &[
            ("website not seo", r#"["web"]"#),
            ("I need a website and some ads", r#"["web","ads"]"#),
            ("all four", r#"["web","seo","ads","social"]"#),
            ("all three", "!not_an_option"),
            ("website, not seo, ads", "!not_an_option"),
        ],
    );
}

#[test]
fn names_are_no_sentences_and_addresses_no_remarks() {
    check_table(
        FieldType::PersonName,
        &context(),
        &[
            ("it's spelled D-A-N-A", "Dana"),
            ("It's D A N A", "Dana"),
            ("I'm dana, the owner", "Dana"),
            ("no I meant Diana", "Diana"),
            ("Do Kwon", "Do Kwon"),
            ("Will May", "Will May"),
        ],
    );
    check_refused(
        FieldType::PersonName,
        &context(),
        &[
            "what's it to you",
            "none of your business",
            "I already told you",
            "not telling",
            "I'd rather not say",
            "who is this?",
            "the owner",
            "nobody",
            "haha",
        ],
    );
    check_table(FieldType::Address, &context(), &[("no I meant 5 Elm Ave", "5 Elm Ave")]);
    check_refused(FieldType::Address, &context(), &["12 people work here", "call me at 5"]);
}

#[test]
fn addresses_of_the_net_are_no_words_that_stand_side_by_side() {
    check_table(
        FieldType::Email,
        &context(),
        &[
            ("info at the bakery dot co dot uk", "info@thebakery.co.uk"),
            ("support at my acme dot io", "support@myacme.io"),
            ("hello at bright dash agency dot co", "hello@bright-agency.co"),
            ("dana plus sign usher at gmail dot com", "dana+usher@gmail.com"),
            ("all one word danareyes at gmail dot com", "danareyes@gmail.com"),
            ("use dana@acme.com, not dana@acme.org", "dana@acme.com"),
        ],
    );
    check_refused(
        FieldType::Email,
        &context(),
        &["I work at acme.com", "we met at cafe dot com", "send it to my office at 5 dot com"],
    );
    check_table(FieldType::Url, &context(), &[("not acme.com, acme.io", "https://acme.io")]);
    check_refused(
        FieldType::Url,
        &context(),
        &["Hello.There", "here it is.thanks", "have one.Maybe later", "it's just acme with a dot com"],
    );
    check_table(
        FieldType::Phone,
        &context(),
        &[
            ("1 800 flowers", "+18003569377"),
            ("not 415-555-0142, 415-555-0199", "+14155550199"),
            ("415-555-0142, no wait, 0143", "!phone_too_short"),
        ],
    );
}
