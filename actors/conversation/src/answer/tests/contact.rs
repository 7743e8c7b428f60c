use super::*;

#[test]
fn us_phone_numbers_are_understood_however_they_are_written() {
    check_table(
        FieldType::Phone,
        &context(),
        &[
            ("4155550100", "+14155550100"),
            ("415-555-0100", "+14155550100"),
            ("(415) 555-0100", "+14155550100"),
            ("(415)555-0100", "+14155550100"),
            ("415.555.0100", "+14155550100"),
            ("415 555 0100", "+14155550100"),
            ("415/555-0100", "+14155550100"),
            ("1-415-555-0100", "+14155550100"),
            ("1 (415) 555 0100", "+14155550100"),
            ("+1 415 555 0100", "+14155550100"),
            ("+14155550100", "+14155550100"),
            ("001 415 555 0100", "+14155550100"),
            ("415–555–0100", "+14155550100"),
            ("call me at 415.555.0100 thanks", "+14155550100"),
            ("My number is (212) 555-0187.", "+12125550187"),
            ("it's 2125550187!!", "+12125550187"),
            ("415-555-0100 ext 12", "+14155550100"),
            ("415-555-0100 x12", "+14155550100"),
            ("415-555-0100x12", "+14155550100"),
            ("415 555 0100, extension 4 0 2", "+14155550100"),
            ("call after 5, 415 555 0100", "+14155550100"),
            ("cell: 415 555 0100 (after 5pm)", "+14155550100"),
            ("four one five five five five oh one double zero", "+14155550100"),
            ("four one five, triple five, zero one zero zero", "+14155550100"),
            ("four one five triple five oh one oh oh", "+14155550100"),
            ("four fifteen five fifty five oh one hundred", "+14155550100"),
            ("Four-one-five five-five-five zero-one-zero-zero", "+14155550100"),
            ("one eight hundred five five five oh one nine nine", "+18005550199"),
            ("area code 415, number 555 0100", "+14155550100"),
            ("it's four one five dash five five five dash oh one oh oh", "+14155550100"),
            ("1-800-FLOWERS", "+18003569377"),
            ("tel:+14155550100", "+14155550100"),
            ("cuatro uno cinco cinco cinco cinco cero uno cero cero", "+14155550100"),
            ("415 555 0100, no wait, 415 555 0101", "+14155550101"),
        ],
    );
}

#[test]
fn numbers_from_abroad_are_understood() {
    let ctx = context();
    check_table(
        FieldType::Phone,
        &ctx,
        &[
            ("+44 20 7946 0958", "+442079460958"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("0044 20 7946 0958", "+442079460958"),
            ("00 44 20 7946 0958", "+442079460958"),
            ("011 44 20 7946 0958", "+442079460958"),
            ("plus four four two oh seven nine four six oh nine five eight", "+442079460958"),
            ("+49 30 901820", "+4930901820"),
            ("+52 55 1234 5678", "+525512345678"),
            ("+34 612 345 678", "+34612345678"),
        ],
    );
    check_table(
        FieldType::Phone,
        &ParseContext { region: "GB", ..ctx.clone() },
        &[
            ("020 7946 0958", "+442079460958"),
            ("07700 900123", "+447700900123"),
            ("+1 415 555 0100", "+14155550100"),
        ],
    );
    check_table(
        FieldType::Phone,
        &ParseContext { region: "ES", ..ctx.clone() },
        &[("612 34 56 78", "+34612345678")],
    );
    check_table(FieldType::Phone, &ParseContext { region: "DE", ..ctx }, &[("030 901820", "+4930901820")]);
}

#[test]
fn what_is_no_phone_number_gets_the_right_cause() {
    check_table(
        FieldType::Phone,
        &context(),
        &[
            ("", "!empty"),
            ("  \n", "!empty"),
            ("👍", "!not_recognised"),
            ("no", "!not_recognised"),
            ("call me", "!not_recognised"),
            ("555-0100", "!phone_too_short"),
            ("five five five, oh one double zero", "!phone_too_short"),
            ("415 555 010", "!phone_too_short"),
            ("415 555 01000", "!phone_too_long"),
            ("415555010055555555555", "!phone_too_long"),
            ("115 555 0100", "!phone_invalid"),
            ("415 055 0100", "!phone_invalid"),
            ("+1 415 555 010", "!phone_too_short"),
            ("+44 20 7946 09581234", "!phone_too_long"),
            ("+999 12345678", "!phone_invalid"),
            ("415 555 0100 or 212 555 0187", "!ambiguous"),
        ],
    );
}

#[test]
fn email_addresses_are_understood_written_and_spoken() {
    check_table(
        FieldType::Email,
        &context(),
        &[
            ("john@acme.com", "john@acme.com"),
            ("it's JOHN@Acme.COM.", "john@acme.com"),
            ("mailto:john@acme.com", "john@acme.com"),
            ("<john@acme.com>", "john@acme.com"),
            ("John Smith <john.smith@acme.co.uk>", "john.smith@acme.co.uk"),
            ("(john@acme.com)", "john@acme.com"),
            ("\"john@acme.com\"", "john@acme.com"),
            ("john @ acme.com", "john@acme.com"),
            ("john@ acme.com", "john@acme.com"),
            ("john+tag@acme.com", "john+tag@acme.com"),
            ("j_doe@my-site.io", "j_doe@my-site.io"),
            ("email me at john@acme.com please", "john@acme.com"),
            ("my email: john@acme.com, thanks", "john@acme.com"),
            ("john@acme.com john@acme.com", "john@acme.com"),
            ("john at acme dot com", "john@acme.com"),
            ("John at Acme dot com.", "john@acme.com"),
            ("john dot smith at gmail dot com", "john.smith@gmail.com"),
            ("j underscore doe at gmail dot com", "j_doe@gmail.com"),
            ("it's john at acme dot com", "john@acme.com"),
            ("my email is john at acme dot com thanks", "john@acme.com"),
            ("you can reach me at john at acme dot com", "john@acme.com"),
            ("john smith at gmail dot com", "johnsmith@gmail.com"),
            ("john one two three at gmail dot com", "john123@gmail.com"),
            ("john at bright agency dot com", "john@brightagency.com"),
            ("info at acme dot co dot uk", "info@acme.co.uk"),
            ("j-o-h-n at acme dot com", "john@acme.com"),
            ("j o h n at acme dot com", "john@acme.com"),
            ("john dash smith at acme dot com", "john-smith@acme.com"),
            ("john(at)acme(dot)com", "john@acme.com"),
            ("john [at] acme [dot] com", "john@acme.com"),
            ("john@acme dot com", "john@acme.com"),
            ("john @ acme . com", "john@acme.com"),
            ("juan arroba acme punto com", "juan@acme.com"),
            ("sure, it is dana plus news at example dot org", "dana+news@example.org"),
        ],
    );
}

#[test]
fn what_is_no_email_address_gets_the_right_cause() {
    check_table(
        FieldType::Email,
        &context(),
        &[
            ("", "!empty"),
            ("🙂", "!not_recognised"),
            ("john", "!email_no_at"),
            ("acme.com", "!email_no_at"),
            ("I don't have one", "!email_no_at"),
            ("john@acme", "!email_domain"),
            ("john@", "!email_domain"),
            ("john@acme..com", "!email_domain"),
            ("john@-acme.com", "!email_domain"),
            ("john@@acme.com", "!email_no_at"),
            ("a@b.com or c@d.com", "!ambiguous"),
            ("let's meet at the office", "!email_no_at"),
        ],
    );
}

#[test]
fn web_addresses_are_understood_written_and_spoken() {
    check_table(
        FieldType::Url,
        &context(),
        &[
            ("acme.com", "https://acme.com"),
            ("ACME.com", "https://acme.com"),
            ("acme.com.", "https://acme.com"),
            ("www.acme.com", "https://www.acme.com"),
            ("www.acme.com/path", "https://www.acme.com/path"),
            ("https://acme.com", "https://acme.com"),
            ("https://acme.com/", "https://acme.com"),
            ("HTTP://Acme.com/About", "http://acme.com/About"),
            ("https://acme.com/a?b=c#d", "https://acme.com/a?b=c#d"),
            ("it's acme.com", "https://acme.com"),
            ("my site is www.bright-agency.co.uk!", "https://www.bright-agency.co.uk"),
            ("(acme.com)", "https://acme.com"),
            ("<https://acme.com>", "https://acme.com"),
            ("check out https://instagram.com/acme, please", "https://instagram.com/acme"),
            ("https://www.youtube.com/@acme", "https://www.youtube.com/@acme"),
            ("acme dot com", "https://acme.com"),
            ("Acme dot com.", "https://acme.com"),
            ("www dot acme dot com", "https://www.acme.com"),
            ("double u double u double u dot acme dot com", "https://www.acme.com"),
            ("it's bright agency dot com", "https://brightagency.com"),
            ("our website is bright agency dot com thanks", "https://brightagency.com"),
            ("acme dot co dot uk", "https://acme.co.uk"),
            ("acme dash shop dot com slash contact", "https://acme-shop.com/contact"),
            ("acme punto com", "https://acme.com"),
            ("john@acme.com", "!not_recognised"),
            ("ftp://acme.com", "!not_recognised"),
            ("javascript:alert(1)", "!not_recognised"),
            ("http://localhost", "!not_recognised"),
            ("acme", "!not_recognised"),
            ("we don't have one", "!not_recognised"),
            ("😀", "!not_recognised"),
            ("", "!empty"),
            ("acme.com or acme.net", "!ambiguous"),
        ],
    );
}

#[test]
fn contact_answers_read_back_as_people_write_them() {
    for (value, expected) in [
        (AnswerValue::Phone("+14155550100".into()), "(415) 555-0100"),
        (AnswerValue::Phone("+442079460958".into()), "+44 20 7946 0958"),
        (AnswerValue::Url("https://www.acme.com/path".into()), "acme.com/path"),
        (AnswerValue::Email("john@acme.com".into()), "john@acme.com"),
    ] {
        assert_eq!(value.display(&[], "en"), expected);
    }
}
