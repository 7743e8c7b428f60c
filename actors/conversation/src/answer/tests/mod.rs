//! Tables of what people write and what it means, and the laws every parser keeps.

mod calendar;
mod choices;
mod contact;
mod laws;
mod messy;
mod people;
mod quantities;
mod several;
mod spoken;
mod strangers;

use super::*;

/// Saturday 21 November 2026, 09:00 in New York.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_269_600_000);

static NO_LIMITS: Validation = Validation {
    min_length: None,
    max_length: None,
    min: None,
    max: None,
    integer: false,
    not_before: None,
    not_after: None,
    media_types: Vec::new(),
    max_bytes: None,
};

pub(super) fn context() -> ParseContext<'static> {
    ParseContext { now: NOW, zone: "America/New_York", region: "US", options: &[], validation: &NO_LIMITS }
}

/// The normalised JSON of an answer as text, or the name of the cause.
pub(super) fn read(kind: FieldType, text: &str, ctx: &ParseContext<'_>) -> String {
    match parse(kind, text, ctx) {
        Ok(AnswerValue::Boolean(value)) => value.to_string(),
        Ok(value) => match value.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
        Err(error) => cause_name(&error.cause),
    }
}

fn cause_name(cause: &ParseErrorCause) -> String {
    let json = serde_json::to_value(cause).expect("a cause is plain data");
    format!("!{}", json["cause"].as_str().expect("a cause has its name"))
}

/// Checks a table and reports every wrong line at once.
pub(super) fn check_table(kind: FieldType, ctx: &ParseContext<'_>, table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .map(|(text, expected)| (text, expected, read(kind, text, ctx)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(text, expected, found)| format!("{text:?}: expected {expected}, found {found}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

pub(super) fn options(labels: &[(&str, &str)]) -> Vec<Choice> {
    labels.iter().map(|(id, label)| Choice { id: (*id).to_owned(), label: (*label).to_owned() }).collect()
}
