//! The conversation engine's parsers: answers, flows, journal bodies.

use usher_conversation::answer::{ParseContext, parse};
use usher_conversation::flow::{Choice, FieldType, Flow, Validation};
use usher_conversation::journal;
use usher_conversation::time::Timestamp;

use crate::fuzzer::{corpus, survives};

const TYPES: &[FieldType] = &[
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

/// Bytes of the longest text a channel lets through.
const LONGEST_MESSAGE: usize = 1_600;

#[test]
fn no_words_of_a_person_make_an_answer_parser_panic() {
    let options: Vec<Choice> = [("s", "Starter"), ("p", "Pro"), ("e", "Enterprise (annual)")]
        .map(|(id, label)| Choice { id: id.into(), label: label.into() })
        .into();
    let validation = Validation::default();
    let places =
        [("America/New_York", "US"), ("Europe/Madrid", "ES"), ("Pacific/Apia", "WS"), ("nowhere", "")];
    survives("answers", |input| {
        let text = String::from_utf8_lossy(&input[..input.len().min(LONGEST_MESSAGE)]);
        let (zone, region) = places[text.len() % places.len()];
        // 29 February, so that "in a year" has to think.
        let now = Timestamp::from_millis(1_709_208_000_000);
        let context = ParseContext { now, zone, region, options: &options, validation: &validation };
        for &kind in TYPES {
            let _ = parse(kind, &text, &context);
        }
    });
}

#[test]
fn no_flow_file_makes_the_reader_panic() {
    survives("flow", |input| {
        let _ = serde_json::from_slice::<Flow>(input);
    });
}

#[test]
fn no_journal_body_makes_the_decoder_panic_and_what_it_reads_it_writes_again() {
    survives("journal", |input| {
        if let Ok(events) = journal::decode(input) {
            let again = journal::encode(&events).expect("what was read can be written");
            assert_eq!(journal::decode(&again).expect("what was written can be read"), events);
        }
    });
}

#[test]
fn the_journal_bodies_of_the_corpus_are_good_ones() {
    for body in corpus("journal") {
        let events = journal::decode(&body).expect("it is an encoded turn");
        assert!(!events.is_empty());
    }
}
