//! Postal addresses, taken as written as long as they look like a place.

use super::text::{check, single_line};
use super::words::{Word, longest_phrase, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause, strip_lead};

const LEADS: [&str; 20] = [
    "no i meant",
    "no its",
    "i meant",
    "sorry",
    "my address is",
    "our address is",
    "the address is",
    "address is",
    "address",
    "it is",
    "its",
    "its at",
    "we are at",
    "were at",
    "i live at",
    "we are located at",
    "were located at",
    "located at",
    "mi direccion es",
    "la direccion es",
];

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let lines: Vec<String> = text.lines().map(single_line).filter(|line| !line.is_empty()).collect();
    let joined = lines.iter().map(|line| line.trim_end_matches([',', ' '])).collect::<Vec<_>>().join(", ");
    let address = without_thanks(from_the_number(strip_lead(&joined, &LEADS)));
    check(address, ctx)?;
    if is_plausible(address) { Ok(AnswerValue::Text(address.to_owned())) } else { Err(Cause::NotRecognised) }
}

/// "The shop is at 12 Main St", "you'll find us at …", "no, it's …": the address begins with its number.
fn from_the_number(address: &str) -> &str {
    const BEFORE: [&str; 10] = [
        "is at",
        "are at",
        "find us at",
        "find me at",
        "located at",
        "live at",
        "no , its",
        "based at",
        "address is",
        "queda en",
    ];
    const FURTHEST: usize = 8;
    let words = words(address);
    let lead =
        (0..words.len().min(FURTHEST)).find_map(|at| Some(at + longest_phrase(&words, at, &BEFORE)?.1));
    lead.and_then(|at| words.get(at))
        .filter(|word| word.is_number())
        .map_or(address, |word| &address[word.at.start..])
}

/// Without the courtesy behind it.
fn without_thanks(address: &str) -> &str {
    const THANKS: [&str; 4] = ["thanks", "thank you", "please", "gracias"];
    let marks = ['.', ',', '!', ' '];
    let words = words(address.trim_end_matches(marks));
    let thanks = (1..words.len())
        .find(|at| longest_phrase(&words, *at, &THANKS).is_some_and(|(_, used)| at + used == words.len()));
    thanks.map_or(address, |at| &address[..words[at].at.start]).trim_end_matches(marks)
}

/// A number and a name, or several parts set apart by commas.
fn is_plausible(address: &str) -> bool {
    let words = words(address);
    let names = words.iter().filter(|word| word.is_letters() && word.text.chars().count() > 1).count();
    let numbered = words.iter().any(Word::is_number)
        || words.iter().any(|word| super::words::unit(&word.text).is_some());
    // "I don't have one"
    let denies = words.iter().any(|word| word.is_any(&["dont", "not", "tengo", "none"]))
        && !words.iter().any(Word::is_number);
    let is_link = address.contains('@') || address.contains("://");
    !is_link
        && !denies
        && !is_sentence(&words)
        && ((numbered && names >= 1) || (names >= 3 && address.contains(',')))
}

/// "12 people work here", "call me at 5": a number in a sentence that names no street.
fn is_sentence(words: &[Word]) -> bool {
    const TELL: [&str; 16] = [
        "people",
        "employees",
        "staff",
        "me",
        "you",
        "call",
        "text",
        "years",
        "minutes",
        "hours",
        "i",
        "we",
        "why",
        "what",
        "personas",
        "empleados",
    ];
    const STREET: [&str; 32] = [
        "st",
        "street",
        "ave",
        "avenue",
        "rd",
        "road",
        "blvd",
        "boulevard",
        "ln",
        "lane",
        "dr",
        "drive",
        "way",
        "ct",
        "court",
        "pl",
        "place",
        "hwy",
        "highway",
        "pkwy",
        "suite",
        "ste",
        "apt",
        "unit",
        "floor",
        "box",
        "plaza",
        "square",
        "calle",
        "avenida",
        "av",
        "carrera",
    ];
    words.iter().any(|word| word.is_any(&TELL))
        && !words.iter().any(|word| word.is_any(&STREET) || word.is(","))
}
