use super::*;

#[test]
fn dates_are_understood_relative_to_today() {
    // Today is Saturday, 21 November 2026.
    check_table(
        FieldType::Date,
        &context(),
        &[
            ("first monday of december", "2026-12-07"),
            ("the last friday of next month", "2026-12-25"),
            ("2nd tuesday in march", "2027-03-09"),
            ("christmas eve", "2026-12-24"),
            ("new year's day", "2027-01-01"),
            ("july 4th", "2027-07-04"),
            ("this weekend", "!ambiguous"),
            ("next week", "!ambiguous"),
            ("2027-03-05", "2027-03-05"),
            ("2027/3/5", "2027-03-05"),
            ("3/5/2027", "2027-03-05"),
            ("3/5/27", "2027-03-05"),
            ("03-05-2027", "2027-03-05"),
            ("3.5.2027", "2027-03-05"),
            ("3/5", "2027-03-05"),
            ("12/25", "2026-12-25"),
            ("25/12", "2026-12-25"),
            ("11/21", "2026-11-21"),
            ("6/1/85", "1985-06-01"),
            ("March 5th", "2027-03-05"),
            ("march 5, 2028", "2028-03-05"),
            ("March the fifth", "2027-03-05"),
            ("mar 5", "2027-03-05"),
            ("Dec. 24", "2026-12-24"),
            ("5 march 2027", "2027-03-05"),
            ("5th of March", "2027-03-05"),
            ("the fifth of march", "2027-03-05"),
            ("twenty first of december", "2026-12-21"),
            ("may 1", "2027-05-01"),
            ("1 May", "2027-05-01"),
            ("feb 29", "2028-02-29"),
            ("5 de marzo de 2027", "2027-03-05"),
            ("today", "2026-11-21"),
            ("tonight", "2026-11-21"),
            ("tomorrow", "2026-11-22"),
            ("tmrw", "2026-11-22"),
            ("mañana", "2026-11-22"),
            ("day after tomorrow", "2026-11-23"),
            ("the day after tomorrow works", "2026-11-23"),
            ("pasado mañana", "2026-11-23"),
            ("yesterday", "2026-11-20"),
            ("tuesday", "2026-11-24"),
            ("next tues", "2026-11-24"),
            ("on Tuesday", "2026-11-24"),
            ("next saturday", "2026-11-28"),
            ("saturday", "2026-11-28"),
            ("this saturday", "2026-11-21"),
            ("this friday", "2026-11-27"),
            ("this coming friday", "2026-11-27"),
            ("last friday", "2026-11-20"),
            ("tuesday next week", "2026-11-24"),
            ("saturday next week", "2026-11-28"),
            ("next week monday", "2026-11-23"),
            ("the tuesday after next", "2026-12-01"),
            ("friday, december 4th", "2026-12-04"),
            ("Friday the 4th", "2026-12-04"),
            ("in 2 weeks", "2026-12-05"),
            ("in three days", "2026-11-24"),
            ("in a week", "2026-11-28"),
            ("in a couple of weeks", "2026-12-05"),
            ("in a month", "2026-12-21"),
            ("in a fortnight", "2026-12-05"),
            ("three days from now", "2026-11-24"),
            ("two weeks from today", "2026-12-05"),
            ("two weeks from monday", "2026-12-07"),
            ("a week from tuesday", "2026-12-01"),
            ("a week after next tuesday", "2026-12-01"),
            ("10 days later", "2026-12-01"),
            ("5 days ago", "2026-11-16"),
            ("the 15th", "2026-12-15"),
            ("on the 25th please", "2026-11-25"),
            ("the 31st", "2026-12-31"),
            ("15th of next month", "2026-12-15"),
            ("next month on the 3rd", "2026-12-03"),
            ("on the 3rd of next month", "2026-12-03"),
            ("end of month", "2026-11-30"),
            ("end of the month", "2026-11-30"),
            ("by the end of next month", "2026-12-31"),
            ("end of the year", "2026-12-31"),
            ("end of next week", "2026-11-27"),
            ("beginning of next month", "2026-12-01"),
            ("first of the month", "2026-12-01"),
            ("the first", "2026-12-01"),
            ("how about march 5th at 3pm?", "2027-03-05"),
            ("not tomorrow, the day after tomorrow", "2026-11-23"),
            ("el próximo martes", "2026-11-24"),
            ("en dos semanas", "2026-12-05"),
        ],
    );
}

#[test]
fn days_that_do_not_exist_and_words_that_are_no_dates_get_the_right_cause() {
    check_table(
        FieldType::Date,
        &context(),
        &[
            ("", "!empty"),
            ("2/30", "!no_such_date"),
            ("2027-02-29", "!no_such_date"),
            ("13/45", "!no_such_date"),
            ("April 31", "!no_such_date"),
            ("the 42nd", "!no_such_date"),
            ("soon", "!not_recognised"),
            ("9-5", "!not_recognised"),
            ("5", "!not_recognised"),
            ("🎂", "!not_recognised"),
            ("I may be late", "!not_recognised"),
            ("tuesday or thursday", "!ambiguous"),
        ],
    );
}

#[test]
fn the_region_says_which_number_is_the_month() {
    let british = ParseContext { region: "GB", ..context() };
    check_table(
        FieldType::Date,
        &british,
        &[("3/5/2027", "2027-05-03"), ("3/5", "2027-05-03"), ("12/25", "2026-12-25")],
    );
}

#[test]
fn today_is_the_contacts_today() {
    // 02:00 UTC on the 22nd is still the 21st in New York and already the 22nd in Sydney.
    let late = Timestamp::from_millis(NOW.as_millis() + 12 * 3_600_000);
    for (zone, expected) in [
        ("America/New_York", "2026-11-21"),
        ("Australia/Sydney", "2026-11-22"),
        ("UTC", "2026-11-22"),
        ("Nowhere", "2026-11-22"),
    ] {
        assert_eq!(
            read(FieldType::Date, "today", &ParseContext { now: late, zone, ..context() }),
            expected,
            "{zone}"
        );
    }
}

#[test]
fn dates_keep_to_the_limits_and_birthdays_lie_in_the_past() {
    let future = Validation {
        not_before: Some("today".into()),
        not_after: Some("2026-12-31".into()),
        ..Validation::default()
    };
    check_table(
        FieldType::Date,
        &ParseContext { validation: &future, ..context() },
        &[("today", "2026-11-21"), ("yesterday", "!too_small"), ("2027-01-01", "!too_large")],
    );
    let past = Validation { not_after: Some("today".into()), ..Validation::default() };
    check_table(
        FieldType::Date,
        &ParseContext { validation: &past, ..context() },
        &[("march 5", "2026-03-05"), ("dec 24", "2025-12-24")],
    );
}

#[test]
fn times_are_understood() {
    check_table(
        FieldType::Time,
        &context(),
        &[
            ("3pm", "15:00"),
            ("3 PM", "15:00"),
            ("3:30 p.m.", "15:30"),
            ("3:30pm", "15:30"),
            ("330pm", "15:30"),
            ("3p", "15:00"),
            ("9a", "09:00"),
            ("15:30", "15:30"),
            ("1530", "15:30"),
            ("1530 hours", "15:30"),
            ("0900", "09:00"),
            ("07:30", "07:30"),
            ("15h30", "15:30"),
            ("15.30", "15:30"),
            ("noon", "12:00"),
            ("around noon", "12:00"),
            ("midnight", "00:00"),
            ("12am", "00:00"),
            ("12 pm", "12:00"),
            ("12:15 am", "00:15"),
            ("half past three", "15:30"),
            ("half past 9 am", "09:30"),
            ("quarter to 5 pm", "16:45"),
            ("a quarter past 4", "16:15"),
            ("ten past 4", "16:10"),
            ("20 to 6", "17:40"),
            ("five minutes to noon", "11:55"),
            ("3 in the afternoon", "15:00"),
            ("three in the afternoon", "15:00"),
            ("8 in the morning", "08:00"),
            ("eight at night", "20:00"),
            ("3 o'clock", "15:00"),
            ("three thirty", "15:30"),
            ("three thirty pm", "15:30"),
            ("seven oh five am", "07:05"),
            ("at 10", "10:00"),
            ("3", "15:00"),
            ("let's do 2:15 pm tomorrow", "14:15"),
            ("mediodía", "12:00"),
            ("3 de la tarde", "15:00"),
            ("at 7", "!ambiguous"),
            ("7:30", "07:30"),
            ("half past 7", "!ambiguous"),
            ("3pm or 4pm", "!ambiguous"),
            ("25:00", "!no_such_time"),
            ("12:60", "!no_such_time"),
            ("later", "!not_recognised"),
            ("🕒", "!not_recognised"),
            ("", "!empty"),
        ],
    );
}

/// Hours in a compact form: days with the same hours are joined, closed days are left out.
fn hours(text: &str) -> String {
    match parse(FieldType::BusinessHours, text, &context()) {
        Ok(value) => value.display(&[], "en-GB"),
        Err(error) => cause_name(&error.cause),
    }
}

#[test]
fn opening_hours_are_understood() {
    let table = [
        ("9-5", "Mon–Sun 9:00–17:00"),
        ("9-5 weekdays, closed sunday", "Mon–Fri 9:00–17:00"),
        ("9-5 weekdays", "Mon–Fri 9:00–17:00"),
        ("Mon-Fri 9am-5pm, Sat 10-2", "Mon–Fri 9:00–17:00, Sat 10:00–14:00"),
        ("Mon-Fri 9am-5pm; Sat 10-2; Sun closed", "Mon–Fri 9:00–17:00, Sat 10:00–14:00"),
        (
            "Monday - Friday: 9:00 AM - 5:00 PM\nSaturday: 10:00 AM - 2:00 PM\nSunday: Closed",
            "Mon–Fri 9:00–17:00, Sat 10:00–14:00",
        ),
        ("24/7", "Mon–Sun 0:00–24:00"),
        ("we're open 24 hours", "Mon–Sun 0:00–24:00"),
        ("every day 8 to 8", "Mon–Sun 8:00–20:00"),
        ("8 to 8 every day", "Mon–Sun 8:00–20:00"),
        ("7 days a week, 10 to 6", "Mon–Sun 10:00–18:00"),
        ("M-F 9-5", "Mon–Fri 9:00–17:00"),
        ("m-f 9-5 sat 10-3", "Mon–Fri 9:00–17:00, Sat 10:00–15:00"),
        ("M/W/F 9-5", "Mon 9:00–17:00, Wed 9:00–17:00, Fri 9:00–17:00"),
        ("mon, wed and fri 9-5", "Mon 9:00–17:00, Wed 9:00–17:00, Fri 9:00–17:00"),
        ("weekdays 8:30-5:30, weekends closed", "Mon–Fri 8:30–17:30"),
        ("9 to 5, weekends closed", "Mon–Fri 9:00–17:00"),
        ("Tuesday through Saturday 11am to 10pm", "Tue–Sat 11:00–22:00"),
        ("Tues-Sat 11-10", "Tue–Sat 11:00–22:00"),
        ("weekdays 9-12 and 1-5", "Mon–Fri 9:00–12:00 & 13:00–17:00"),
        ("Mon-Fri 9-12, 1-5", "Mon–Fri 9:00–12:00 & 13:00–17:00"),
        ("9 to 5 except Wednesdays", "Mon–Tue 9:00–17:00, Thu–Sun 9:00–17:00"),
        ("weekdays 9-5 except friday 9-3", "Mon–Thu 9:00–17:00, Fri 9:00–15:00"),
        ("nine to five monday to friday", "Mon–Fri 9:00–17:00"),
        ("from 9 in the morning to 6 in the evening on weekdays", "Mon–Fri 9:00–18:00"),
        ("09:00-17:00 Mon-Fri", "Mon–Fri 9:00–17:00"),
        ("Mon-Sun 18:00-23:00", "Mon–Sun 18:00–23:00"),
        ("open at 9 and close at 5 weekdays", "Mon–Fri 9:00–17:00"),
        ("weekdays 9 to noon", "Mon–Fri 9:00–12:00"),
        ("sat 6pm to midnight", "Sat 18:00–24:00"),
        ("fri 6pm-2am", "Fri 18:00–24:00, Sat 0:00–2:00"),
        ("closed sunday and monday, otherwise 10-6", "Tue–Sat 10:00–18:00"),
        ("lunes a viernes 9 a 5", "Mon–Fri 9:00–17:00"),
        (
            "we're open Monday to Thursday from 9am until 5pm and on Fridays from 9 to 1",
            "Mon–Thu 9:00–17:00, Fri 9:00–13:00",
        ),
        ("9-5 Mon-Thu, 9-3 Fri", "Mon–Thu 9:00–17:00, Fri 9:00–15:00"),
        ("Mon-Fri 9-5, closed weekends", "Mon–Fri 9:00–17:00"),
        ("Mon 9-5, Tue 10-6, Wed closed, Thu 9-5", "Mon 9:00–17:00, Tue 10:00–18:00, Thu 9:00–17:00"),
        ("closed sundays", "!not_recognised"),
        ("it varies", "!not_recognised"),
        ("", "!empty"),
        ("⏰", "!not_recognised"),
        ("mon 25-30", "!no_such_time"),
    ];
    let wrong: Vec<String> = table
        .iter()
        .map(|(text, expected)| (text, expected, hours(text)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(text, expected, found)| format!("{text:?}: expected {expected}, found {found}"))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hours_are_read_back_by_the_clock_of_the_locale() {
    let value = parse(FieldType::BusinessHours, "Mon-Fri 9-5, Sat 10:30am to midnight", &context());
    let value = value.expect("plain hours");
    for (locale, expected) in [
        ("en", "Mon–Fri 9 AM to 5 PM, Sat 10:30 AM to 12 AM"),
        ("en-US", "Mon–Fri 9 AM to 5 PM, Sat 10:30 AM to 12 AM"),
        ("en-GB", "Mon–Fri 9:00–17:00, Sat 10:30–24:00"),
        ("es", "lun–vie 9:00–17:00, sáb 10:30–24:00"),
        ("es-ES", "lun–vie 9:00–17:00, sáb 10:30–24:00"),
        ("es-US", "lun–vie 9 AM a 5 PM, sáb 10:30 AM a 12 AM"),
    ] {
        assert_eq!(value.display(&[], locale), expected, "{locale}");
    }
}

#[test]
fn hours_as_json_name_every_day() {
    let value = parse(FieldType::BusinessHours, "M-F 9-5", &context()).expect("plain hours");
    assert_eq!(
        value.to_json(),
        serde_json::json!({ "mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]],
            "thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]], "sat": [], "sun": [] })
    );
}
