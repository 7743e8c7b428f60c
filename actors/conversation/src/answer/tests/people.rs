use super::*;

#[test]
fn names_lose_the_words_around_them_and_get_their_capitals() {
    check_table(
        FieldType::PersonName,
        &context(),
        &[
            ("Dana Smith", "Dana Smith"),
            ("dana smith", "Dana Smith"),
            ("DANA SMITH", "Dana Smith"),
            ("My name is Dana Smith.", "Dana Smith"),
            ("this is dana", "Dana"),
            ("I'm Dana", "Dana"),
            ("it's dana smith", "Dana Smith"),
            ("hi, I'm Dana Smith!", "Dana Smith"),
            ("call me dana", "Dana"),
            ("Dana here", "Dana"),
            ("dana smith, thanks", "Dana Smith"),
            ("name: Dana Smith", "Dana Smith"),
            ("o'brien", "O'Brien"),
            ("conan o’brien", "Conan O’Brien"),
            ("ronald mcdonald", "Ronald McDonald"),
            ("Ronald McDonald", "Ronald McDonald"),
            ("mary-jane watson", "Mary-Jane Watson"),
            ("ludwig van beethoven", "Ludwig van Beethoven"),
            ("Ana de la Cruz", "Ana de la Cruz"),
            ("ana de la cruz", "Ana de la Cruz"),
            ("josé garcía", "José García"),
            ("me llamo josé", "José"),
            ("j.r. smith", "J.R. Smith"),
            ("John Q. Public", "John Q. Public"),
            ("Dr. Dana Smith", "Dr. Dana Smith"),
            ("Sammy Davis Jr.", "Sammy Davis Jr."),
            ("李小龙", "李小龙"),
            ("  Dana   Smith ", "Dana Smith"),
            ("dana@acme.com", "!not_recognised"),
            ("dana2", "!not_recognised"),
            ("https://acme.com", "!not_recognised"),
            ("415 555 0100", "!not_recognised"),
            ("yes", "!not_recognised"),
            ("hello", "!not_recognised"),
            ("I don't know", "!not_recognised"),
            ("👋", "!not_recognised"),
            ("", "!empty"),
            ("x", "!not_recognised"),
            ("we would like to know more about your services please", "!not_recognised"),
        ],
    );
}

#[test]
fn text_is_tidied_and_held_to_its_limits() {
    check_table(
        FieldType::Text,
        &context(),
        &[
            ("  Bright \n Dental ", "Bright Dental"),
            ("a\tb", "a b"),
            ("", "!empty"),
            ("   ", "!empty"),
            ("???", "!not_recognised"),
            ("🙂", "!not_recognised"),
        ],
    );
    check_table(FieldType::LongText, &context(), &[("one  line\r\n\n\n\ntwo ", "one line\n\ntwo")]);
    let limits = Validation { min_length: Some(3), max_length: Some(5), ..Validation::default() };
    check_table(
        FieldType::Text,
        &ParseContext { validation: &limits, ..context() },
        &[("ab", "!too_short"), ("abc", "abc"), ("ñandú", "ñandú"), ("abcdef", "!too_long")],
    );
}

#[test]
fn addresses_look_like_places() {
    check_table(
        FieldType::Address,
        &context(),
        &[
            ("12 Main St", "12 Main St"),
            ("12 Main St\nSpringfield, IL 62701", "12 Main St, Springfield, IL 62701"),
            ("my address is 12 Main St, Springfield.", "12 Main St, Springfield"),
            ("we're at 500 5th Ave, New York", "500 5th Ave, New York"),
            ("PO Box 12, Austin TX", "PO Box 12, Austin TX"),
            ("One Infinite Loop, Cupertino", "One Infinite Loop, Cupertino"),
            ("Calle Mayor 12, Madrid", "Calle Mayor 12, Madrid"),
            ("Rose Cottage, Church Lane, Ambridge", "Rose Cottage, Church Lane, Ambridge"),
            ("downtown", "!not_recognised"),
            ("12", "!not_recognised"),
            ("john@acme.com", "!not_recognised"),
            ("", "!empty"),
            ("🏠", "!not_recognised"),
        ],
    );
}

#[test]
fn a_file_is_not_given_in_words() {
    assert_eq!(read(FieldType::File, "here it is", &context()), "!file_expected");
    assert_eq!(read(FieldType::File, "", &context()), "!file_expected");
}
