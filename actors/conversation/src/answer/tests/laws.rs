use proptest::prelude::*;
use serde_json::json;

use super::*;

const KINDS: [FieldType; 16] = [
    FieldType::Text,
    FieldType::LongText,
    FieldType::PersonName,
    FieldType::Phone,
    FieldType::Email,
    FieldType::Url,
    FieldType::Number,
    FieldType::Currency,
    FieldType::Date,
    FieldType::Time,
    FieldType::Boolean,
    FieldType::Select,
    FieldType::MultiSelect,
    FieldType::Address,
    FieldType::BusinessHours,
    FieldType::File,
];

/// Words that the parsers know, in an order nobody would use.
fn word_salad() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "next", "tuesday", "in", "2", "weeks", "the", "15th", "of", "end", "month", "from", "9", "-", "5",
        "am", "pm", "to", "half", "past", "and", "a", "dozen", "hundred", "thousand", "point", "double",
        "triple", "oh", "five", "twenty", "+", "(", "0", ")", "at", "dot", "com", "@", ".", "/", "$", "€",
        "cents", "not", "except", "all", "first", "last", "two", "closed", "weekdays", "mon", "march",
        "2027", ":", "30", "noon", "no", "wait", "yes", "31", "99999", "\n", ",", "é", "👍", "'", "my",
        "name", "is", "million", "ago", "x", "ext",
    ]);
    prop::collection::vec((words, any::<bool>()), 0..14).prop_map(|words| {
        words.into_iter().map(|(word, gap)| if gap { format!("{word} ") } else { word.to_owned() }).collect()
    })
}

proptest! {
    #[test]
    fn no_text_whatever_makes_a_parser_fail(text in any::<String>()) {
        let list = options(&[("a", "First"), ("b", "Second one")]);
        let ctx = ParseContext { options: &list, ..context() };
        for kind in KINDS {
            let _ = parse(kind, &text, &ctx);
        }
    }

    #[test]
    fn no_salad_of_known_words_makes_a_parser_fail(text in word_salad()) {
        let list = options(&[("a", "First"), ("b", "Second one")]);
        for region in ["US", "GB", "DE", "??"] {
            let ctx = ParseContext { options: &list, region, ..context() };
            for kind in KINDS {
                let _ = parse(kind, &text, &ctx);
            }
        }
    }

    #[test]
    fn an_answer_in_its_normal_form_is_understood_as_itself(text in word_salad()) {
        let list = options(&[("a", "First"), ("b", "Second one")]);
        let ctx = ParseContext { options: &list, ..context() };
        for kind in KINDS {
            if let Ok(value) = parse(kind, &text, &ctx) {
                prop_assert_eq!(AnswerValue::from_json(kind, &value.to_json(), &ctx), Ok(value), "{:?} {:?}", kind, text);
            }
        }
    }

    #[test]
    fn phone_numbers_read_back_are_understood(area in 200..1000_u32, exchange in 200..1000_u32, line in 0..10_000_u32) {
        let number = AnswerValue::Phone(format!("+1{area}{exchange}{line:04}"));
        prop_assert_eq!(parse(FieldType::Phone, &number.display(&[], "en"), &context()), Ok(number));
    }

    #[test]
    fn dates_and_times_read_back_are_understood(days in 0..20_000_i64, minute in 0..1440_u32) {
        let day = jiff::civil::date(1990, 1, 1).saturating_add(jiff::Span::new().days(days));
        let date = AnswerValue::Date(day.to_string());
        prop_assert_eq!(parse(FieldType::Date, &date.display(&[], "en"), &context()), Ok(date));
        let time = AnswerValue::Time(format!("{:02}:{:02}", minute / 60, minute % 60));
        prop_assert_eq!(parse(FieldType::Time, &time.display(&[], "en"), &context()), Ok(time.clone()));
        prop_assert_eq!(parse(FieldType::Time, &time.display(&[], "es"), &context()), Ok(time));
    }

    #[test]
    fn money_read_back_is_understood(minor in -1_000_000_000_i64..1_000_000_000, currency in prop::sample::select(vec!["USD", "EUR", "GBP", "CHF"])) {
        let money = AnswerValue::Currency { minor, currency: currency.to_owned() };
        prop_assert_eq!(parse(FieldType::Currency, &money.display(&[], "en"), &context()), Ok(money));
    }
}

#[test]
fn a_message_without_end_is_cut() {
    for kind in KINDS {
        let long = "five 5 at dot next mon - ".repeat(40_000);
        let _ = parse(kind, &long, &context());
    }
    let Ok(AnswerValue::Text(text)) = parse(FieldType::Text, &"a".repeat(5_000), &context()) else {
        panic!("text is text")
    };
    assert_eq!(text.len(), 4_000);
}

#[test]
fn typed_forms_send_values_or_text_under_the_same_rules() {
    let list = options(&[("a", "First"), ("b", "Second one")]);
    let ctx = ParseContext { options: &list, ..context() };
    let read = |kind, value| AnswerValue::from_json(kind, &value, &ctx).map_err(|error| error.cause);
    assert_eq!(read(FieldType::Number, json!(3)), Ok(AnswerValue::Number(3.0)));
    assert_eq!(read(FieldType::Number, json!("1.2k")), Ok(AnswerValue::Number(1200.0)));
    assert_eq!(read(FieldType::Boolean, json!(false)), Ok(AnswerValue::Boolean(false)));
    assert_eq!(
        read(FieldType::MultiSelect, json!(["b", "a", "b"])),
        Ok(AnswerValue::Choices(vec!["a".into(), "b".into()]))
    );
    assert_eq!(read(FieldType::MultiSelect, json!(["c"])), Err(ParseErrorCause::NotAnOption));
    assert_eq!(read(FieldType::MultiSelect, json!([])), Err(ParseErrorCause::Empty));
    assert_eq!(read(FieldType::Phone, json!({})), Err(ParseErrorCause::NotRecognised));
    assert_eq!(read(FieldType::Phone, json!(null)), Err(ParseErrorCause::Empty));
    assert_eq!(
        read(FieldType::Phone, json!(4_155_550_100_u64)),
        Ok(AnswerValue::Phone("+14155550100".into()))
    );
    assert_eq!(
        read(FieldType::BusinessHours, json!({ "mon": [["17:00", "09:00"]] })),
        Err(ParseErrorCause::NoSuchTime)
    );
    assert_eq!(
        read(FieldType::Currency, json!({ "minor": 5, "currency": "usd" })),
        Err(ParseErrorCause::NotRecognised)
    );
}

#[test]
fn numbers_without_a_fraction_are_whole_in_json() {
    assert_eq!(AnswerValue::Number(1200.0).to_json().to_string(), "1200");
    assert_eq!(AnswerValue::Number(3.5).to_json().to_string(), "3.5");
}

#[test]
fn files_keep_to_the_types_and_size_of_their_field() {
    let limits = Validation {
        media_types: vec!["image/*".into(), "application/pdf".into()],
        max_bytes: Some(2_097_152),
        ..Validation::default()
    };
    let ctx = ParseContext { validation: &limits, ..context() };
    let file = |media_type: &str, bytes| FileAnswer {
        file: FileId::new(NOW, [1; 16]),
        name: "logo".into(),
        media_type: media_type.into(),
        bytes,
    };
    assert_eq!(check_file(&file("image/png", 1), &ctx), Ok(()));
    assert_eq!(check_file(&file("text/html", 1), &ctx), Err(ParseErrorCause::FileType));
    assert_eq!(
        check_file(&file("image/png", 3_000_000), &ctx),
        Err(ParseErrorCause::TooLarge { max: "2 MB".into() })
    );
    let value = AnswerValue::File(file("application/pdf", 7));
    assert_eq!(AnswerValue::from_json(FieldType::File, &value.to_json(), &ctx), Ok(value));
}
