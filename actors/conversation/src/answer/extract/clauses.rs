//! A message cut into statements: "I'm Dana, our site is acme.com and we have 12 employees" makes three.

use std::ops::Range;

use crate::answer::words::{Word, longest_phrase};

/// Joins one statement to the next.
const JOINERS: [&str; 14] =
    ["and", "but", "also", "plus", "y", "pero", "tambien", "then", "so", "oh", "with", "con", "e", ","];
/// Begin a statement of their own after a comma or an "and".
const STARTERS: [&str; 47] = [
    "my",
    "our",
    "we",
    "were",
    "weve",
    "wed",
    "i",
    "im",
    "ive",
    "id",
    "its",
    "it is",
    "thats",
    "theres",
    "there are",
    "there is",
    "you can",
    "call",
    "text",
    "reach",
    "email",
    "please",
    "the best",
    "the number",
    "feel free",
    "no website",
    "mi",
    "mis",
    "nuestro",
    "nuestra",
    "nuestros",
    "tenemos",
    "tengo",
    "somos",
    "soy",
    "me llamo",
    "estamos",
    "abrimos",
    "el correo",
    "el telefono",
    "la direccion",
    "se llama",
    "this is",
    "around",
    "about",
    "dont have",
    "not urgent",
];
/// Abbreviations whose full stop ends nothing.
const ABBREVIATIONS: [&str; 24] = [
    "st", "ave", "rd", "dr", "mr", "mrs", "ms", "inc", "co", "ltd", "no", "apt", "ste", "blvd", "jr", "sr",
    "prof", "dept", "vs", "etc", "approx", "av", "sra", "calz",
];

/// The statements of a message as ranges of words, without what joins them. `is_label` tells where the name of a field
/// begins.
pub(super) fn clauses(words: &[Word], is_label: &dyn Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for at in 1..words.len() {
        if begins_at(words, at, is_label) {
            push(&mut found, words, start..at);
            start = at;
        }
    }
    push(&mut found, words, start..words.len());
    found
}

fn push(found: &mut Vec<Range<usize>>, words: &[Word], mut clause: Range<usize>) {
    let joins = |word: &Word| word.is_any(&JOINERS) || word.is_any(&[".", "!", "?", ";", "\n"]);
    while clause.start < clause.end && joins(&words[clause.start]) {
        clause.start += 1;
    }
    while clause.end > clause.start && joins(&words[clause.end - 1]) {
        clause.end -= 1;
    }
    if !clause.is_empty() {
        found.push(clause);
    }
}

/// Whether a statement begins at this word: after the end of a sentence, or behind a comma or an "and" with words that
/// begin one.
fn begins_at(words: &[Word], at: usize, is_label: &dyn Fn(usize) -> bool) -> bool {
    if ends_sentence(words, at - 1) {
        return true;
    }
    // "… 415-555-0142 no website": a thing that is not there begins a statement.
    if words[at].is_any(&["no", "sin"]) && at + 1 < words.len() && is_label(at + 1) {
        return true;
    }
    let joined = words[at - 1].is_any(&JOINERS) && !words[at].is_any(&JOINERS);
    joined && (longest_phrase(words, at, &STARTERS).is_some() || is_label(at))
}

fn ends_sentence(words: &[Word], at: usize) -> bool {
    let word = &words[at];
    let spaced = words.get(at + 1).is_some_and(|next| !next.glued);
    let abbreviated = || {
        at.checked_sub(1).map(|before| &words[before]).is_some_and(|before| {
            before.is_letters() && (before.is_any(&ABBREVIATIONS) || before.text.chars().count() == 1)
        })
    };
    word.is_any(&["\n", ";"]) || (spaced && (word.is_any(&["!", "?"]) || (word.is(".") && !abbreviated())))
}

/// The first statement of a text, where more follow that are plainly about something else ("Acme Plumbing. We have …").
pub fn first_statement(text: &str) -> &str {
    let words = crate::answer::words::words(text);
    let next = (1..words.len())
        .find(|at| ends_sentence(&words, at - 1) && longest_phrase(&words, *at, &STARTERS).is_some());
    next.map_or(text, |at| text[..words[at].at.start].trim_end_matches([' ', '.', '!', ';', '\n']))
}
