//! What strangers of every kind write: dictating, in a hurry, with a slip or a story around the answer.

use super::*;

/// Wednesday 18 March 2026, 15:00 in London.
const WEDNESDAY: Timestamp = Timestamp::from_millis(1_773_846_000_000);

fn on_wednesday() -> ParseContext<'static> {
    ParseContext { now: WEDNESDAY, zone: "UTC", ..context() }
}

#[test]
fn next_friday_is_the_one_of_next_week_and_this_friday_is_not() {
    check_table(
        FieldType::Date,
        &on_wednesday(),
        &[
            ("next friday", "2026-03-27"),
            ("next tues", "2026-03-24"),
            ("the following friday", "2026-03-27"),
            ("friday after this one", "2026-03-27"),
            ("monday after next", "2026-03-30"),
            ("this friday", "2026-03-20"),
            ("friday", "2026-03-20"),
            ("this coming friday", "2026-03-20"),
            ("el próximo viernes", "2026-03-20"),
            ("last wednesday", "2026-03-11"),
            ("last christmas", "2025-12-25"),
        ],
    );
}

#[test]
fn years_are_said_aloud_and_spans_and_weekdays_stand_beside_dates() {
    check_table(
        FieldType::Date,
        &on_wednesday(),
        &[
            ("June twelfth nineteen eighty five", "1985-06-12"),
            ("12 jun 85", "1985-06-12"),
            ("april second twenty twenty seven", "2027-04-02"),
            ("jan ninth two thousand and five", "2005-01-09"),
            ("15/may/26", "2026-05-15"),
            ("20260406", "2026-04-06"),
            ("may 1st, it's a friday i think", "2026-05-01"),
            ("2 weeks", "2026-04-01"),
            ("week from today", "2026-03-25"),
            ("de hoy en ocho", "2026-03-25"),
            ("right away", "2026-03-18"),
            ("firday", "2026-03-20"),
            ("on the 30th of april", "2026-04-30"),
            ("el día 30 de abril", "2026-04-30"),
            ("tuesday... no wednesday", "2026-03-25"),
            ("next month", "!not_recognised"),
        ],
    );
}

#[test]
fn a_bare_hundred_and_a_number_of_things_are_no_times() {
    check_table(
        FieldType::Time,
        &context(),
        &[
            ("100", "!not_recognised"),
            ("3 dogs", "!not_recognised"),
            ("100pm", "13:00"),
            ("at 100", "13:00"),
            ("900", "09:00"),
            ("130", "13:30"),
            ("9 30 am", "09:30"),
            ("11 fifteen", "11:15"),
            ("sixteen twenty", "16:20"),
            ("3;30pm", "15:30"),
            ("quarter of two pm", "13:45"),
            ("a la una de la tarde", "13:00"),
        ],
    );
}

#[test]
fn numbers_leave_out_their_hundred_and_pronouns_count_nothing() {
    check_table(
        FieldType::Number,
        &context(),
        &[
            ("just me", "1"),
            ("no employees, it's only me", "1"),
            ("just me and my sister", "!not_recognised"),
            ("the middle one", "!not_recognised"),
            ("three fifty", "350"),
            ("tweleve", "12"),
            ("5oo", "500"),
            ("five thou", "5000"),
            ("about ten, give or take a couple", "10"),
            ("12, no 13", "13"),
            ("me and two others", "3"),
            ("nobody", "0"),
        ],
    );
    check_table(
        FieldType::Currency,
        &context(),
        &[
            ("400/month for 12 months", r#"{"currency":"USD","minor":40000}"#),
            ("five thou", r#"{"currency":"USD","minor":500000}"#),
            ("seven fifty", "!ambiguous"),
            ("nineteen ninety nine", "!ambiguous"),
            ("the middle one", "!not_recognised"),
        ],
    );
}

#[test]
fn addresses_lose_a_comma_or_their_asides_and_stay_the_same() {
    check_table(
        FieldType::Email,
        &context(),
        &[
            ("jsmith@gmail,com", "jsmith@gmail.com"),
            ("jsmith at gmail com", "jsmith@gmail.com"),
            ("sue jones all one word at yahoo dot com", "suejones@yahoo.com"),
        ],
    );
    check_table(
        FieldType::Url,
        &context(),
        &[
            ("acme,com", "https://acme.com"),
            ("acme. com", "https://acme.com"),
            ("http//shop.com", "https://shop.com"),
            ("shop dot com forward slash menu", "https://shop.com/menu"),
        ],
    );
    check_table(
        FieldType::Address,
        &context(),
        &[
            ("The shop is at 12 Main St, Springfield, IL", "12 Main St, Springfield, IL"),
            ("You'll find us at 12 Main St, Springfield, IL, thanks", "12 Main St, Springfield, IL"),
        ],
    );
    check_table(
        FieldType::Phone,
        &context(),
        &[("310_555_0177", "+13105550177"), ("310 triple 5 01 77", "+13105550177")],
    );
}

#[test]
fn names_come_with_stories_about_them() {
    check_table(
        FieldType::PersonName,
        &context(),
        &[
            ("dana is fine", "Dana"),
            ("Dana but everyone calls me D", "Dana"),
            ("Bob, short for Robert", "Bob"),
            ("first: Dana last: Smith", "Dana Smith"),
            ("Dana, last name Smith", "Dana Smith"),
            ("dana smyth with a y", "Dana Smyth"),
            ("no, it's Dana Smyth", "Dana Smyth"),
            ("Dana smith", "Dana Smith"),
            ("my name? Ann Lee", "Ann Lee"),
            ("You're talking to Ann Lee", "Ann Lee"),
            ("Ann Lee (owner)", "Ann Lee"),
            ("this is gary from Gary's Garage", "Gary"),
            ("john smith comma", "John Smith"),
            ("I. M. Pei", "I. M. Pei"),
            ("yeah but it's awful lol. bluedoor.cafe", "!not_recognised"),
            ("I don't want to say", "!not_recognised"),
        ],
    );
}

#[test]
fn choices_are_made_by_letters_sizes_and_turning_others_away() {
    let sizes = options(&[("sm", "Small"), ("md", "Medium"), ("lg", "Large")]);
    let ctx = ParseContext { options: &sizes, ..context() };
    check_table(
        FieldType::Select,
        &ctx,
        &[("M", "md"), ("L", "lg"), ("the biggest", "lg"), ("no, the second one", "md")],
    );
    let work = options(&[
        ("web", "Website redesign"),
        ("seo", "SEO"),
        ("ads", "Google Ads"),
        ("soc", "Social media"),
    ]);
    let ctx = ParseContext { options: &work, ..context() };
    check_table(
        FieldType::Select,
        &ctx,
        &[
            ("S.E.O.", "seo"),
            ("the second to last", "ads"),
            ("the bottom one", "soc"),
            ("instagram and stuff", "soc"),
            ("neither seo nor ads, the redesign", "web"),
            ("not the first one, the second", "seo"),
        ],
    );
    let pets = options(&[("dog", "Dog"), ("cat", "Cat")]);
    let with_pets = ParseContext { options: &pets, ..context() };
    check_table(FieldType::MultiSelect, &with_pets, &[("a cat", r#"["cat"]"#), ("two cats", r#"["cat"]"#)]);
    check_table(
        FieldType::MultiSelect,
        &ctx,
        &[
            ("12", r#"["web","seo"]"#),
            ("the works", r#"["web","seo","ads","soc"]"#),
            ("not seo, ads and social", r#"["ads","soc"]"#),
            ("google and insta", r#"["ads","soc"]"#),
            ("15", "!not_an_option"),
        ],
    );
}

#[test]
fn hours_may_begin_with_hours_and_go_on_with_days() {
    let ctx = context();
    for (text, same) in [
        ("9 to 5 monday through friday, saturday 10 to 2", "mon-fri 9-5, sat 10-2"),
        ("8-5 mon-fri, sat 9-12, sun closed", "mon-fri 8-5, sat 9-12"),
        ("9-5 mon tue wed, 10-2 sat", "mon-wed 9-5, sat 10-2"),
        ("11 to 9 monday thru thursday, friday and saturday 11 to 11", "mon-thu 11-9, fri-sat 11-11"),
        ("10-6 mon-fri (closed holidays)", "mon-fri 10-6"),
        ("9-5 M-F, no weekends", "mon-fri 9-5"),
        ("9 to 5, monday thru friday, weekends off", "mon-fri 9-5"),
        ("we never close", "24/7"),
        ("round the clock", "24/7"),
    ] {
        let (read, expected) =
            (read(FieldType::BusinessHours, text, &ctx), read(FieldType::BusinessHours, same, &ctx));
        assert_eq!(read, expected, "{text:?}");
    }
}
