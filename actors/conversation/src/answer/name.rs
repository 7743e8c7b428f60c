//! Names of people: without the words around them, with capitals where they belong.

use std::ops::Range;

use super::text::{check, single_line};
use super::words::{Word, folded, longest_phrase, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause, strip_lead};

const LEADS: &[&str] = &[
    "my name ?",
    "me ,",
    "youre talking to",
    "you are talking to",
    "youre talking with",
    "youre speaking to",
    "youre speaking with",
    "you are speaking to",
    "you are speaking with",
    "thatd be",
    "first :",
    "i think its",
    "i believe its",
    "i think",
    "probably",
    "no its",
    "no , its",
    "no ,",
    "nope ,",
    "the contact is",
    "ask for",
    "you can ask for",
    "talk to",
    "speak to",
    "that would be me",
    "that would be",
    "thatd be me",
    "its me",
    "thats me",
    "yeah",
    "yep",
    "so",
    "well",
    "um",
    "first name",
    "my first name is",
    "my name is",
    "my names",
    "my full name is",
    "the name is",
    "the names",
    "name is",
    "name",
    "full name",
    "this is",
    "im",
    "i am",
    "it is",
    "its",
    "call me",
    "you can call me",
    "they call me",
    "hi",
    "hello",
    "hey",
    "hi there",
    "hello there",
    "sure",
    "yes",
    "ok",
    "mi nombre es",
    "me llamo",
    "soy",
    "hola",
    "i go by",
    "just",
    "spelled",
    "its spelled",
    "thats spelled",
    "no i meant",
    "i meant",
];

const TAILS: &[&str] = &[
    "nice to meet you",
    "pleased to meet you",
    "mucho gusto",
    "and you",
    "here",
    "speaking",
    "thanks",
    "thank you",
    "please",
    "is my name",
    "is fine",
    "is good",
    "works",
    "comma",
    "period",
    "full stop",
    "is the name",
    "gracias",
    "by the way",
];

/// Whole replies that are not names although they look like one.
const NOT_NAMES: [&str; 50] = [
    "fine",
    "good",
    "great",
    "busy",
    "ready",
    "well",
    "no name",
    "nobody",
    "good morning",
    "good afternoon",
    "good evening",
    "lol",
    "haha",
    "jaja",
    "yes",
    "no",
    "ok",
    "okay",
    "hi",
    "hello",
    "hey",
    "hola",
    "yeah",
    "yep",
    "nope",
    "sure",
    "idk",
    "i dont know",
    "dont know",
    "what",
    "why",
    "who",
    "huh",
    "skip",
    "help",
    "stop",
    "thanks",
    "thank you",
    "not sure",
    "none",
    "nothing",
    "na",
    "test",
    "maybe",
    "me",
    "my name",
    "name",
    "si",
    "gracias",
    "whats that",
];

/// Small words that stay small inside a name.
const PARTICLES: [&str; 20] = [
    "de", "del", "della", "di", "da", "dos", "das", "do", "van", "von", "der", "den", "ter", "la", "le", "y",
    "e", "bin", "ibn", "al",
];

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let line = single_line(text);
    let line = joined_parts(without_aside(without_role(&line)));
    let bare = strip_around(&line);
    if NOT_NAMES.contains(&folded(bare).as_str()) || !is_plausible(bare) || is_sentence(bare) {
        return Err(Cause::NotRecognised);
    }
    let name = capitalised(&unspelled(bare));
    check(&name, ctx)?;
    Ok(AnswerValue::Text(name))
}

/// A person who says who they are.
pub(super) struct Introduction {
    /// Where the name stands.
    pub(super) name: Range<usize>,
    /// Where it stands whom they belong to: "Dana from Acme Plumbing".
    pub(super) of: Option<Range<usize>>,
}

/// "I'm Dana Smith from Acme Plumbing", "my name is dana".
pub(super) fn introduction(text: &str, statement: &[Word]) -> Option<Introduction> {
    const PLAIN: [&str; 10] = [
        "my name is",
        "my names",
        "my full name is",
        "name is",
        "the names",
        "names",
        "mi nombre es",
        "me llamo",
        "i am called",
        "they call me",
    ];
    /// These begin other sentences too: "I'm driving". A name behind them has its capital.
    const OTHERWISE: [&str; 4] = ["im", "i am", "this is", "soy"];
    const GREETINGS: [&str; 8] = ["hi", "hello", "hey", "hola", "yes", "sure", "hi there", "good morning"];
    let from = longest_phrase(statement, 0, &GREETINGS).map_or(0, |(_, used)| used);
    let from = from + statement[from..].iter().take_while(|word| word.is(",") || word.is("!")).count();
    let said_at = |at: usize| {
        longest_phrase(statement, at, &PLAIN).or_else(|| longest_phrase(statement, at, &OTHERWISE))
    };
    // "Lol good question, I'm Pat": behind a remark only what nothing else begins with.
    let later = || {
        (from + 1..statement.len()).find(|at| {
            longest_phrase(statement, *at, &["my name is", "im", "me llamo", "mi nombre es"]).is_some()
        })
    };
    let from = if said_at(from).is_some() { from } else { later()? };
    let plain = longest_phrase(statement, from, &PLAIN);
    let (_, used) = said_at(from)?;
    let rest = &statement[from + used..];
    let capital = |word: &Word| text[word.at.clone()].chars().next().is_some_and(char::is_uppercase);
    let particle = |word: &Word| PARTICLES.contains(&word.text.as_str());
    let belongs = |word: &Word| word.is_any(&["from", "with", "at", "of", "here", "de", "and", "the"]);
    // "this is gary from Gary's Garage": whom they belong to tells that it is a name.
    let from_somewhere = |pair: &[Word]| pair[0].is("from") && capital(&pair[1]);
    let plain = plain.is_some() || rest[..rest.len().min(4)].windows(2).any(from_somewhere);
    let part =
        |word: &&Word| word.is_letters() && !belongs(word) && (plain || capital(word) || particle(word));
    let length = rest.iter().take_while(part).count();
    let name = &rest[..length];
    let (first, last) = (name.first()?, name.last()?);
    let link = rest.get(length).filter(|word| word.is_any(&["from", "with", "at", "of", "de"]));
    let of = link.and_then(|_| rest.get(length + 1)).filter(|word| capital(word));
    let of = of.map(|word| {
        // "from Acme, dana@acme.com" goes on with something else; "from Smith, Jones & Co." with the name.
        let goes_on = |at: usize| rest[at].is(",") && rest.get(at + 1).is_none_or(|next| !capital(next));
        let end = (length + 1..rest.len()).find(|at| goes_on(*at)).unwrap_or(rest.len());
        word.at.start..rest[end - 1].at.end
    });
    (length <= 5 && (plain || capital(first)))
        .then_some(Introduction { name: first.at.start..last.at.end, of })
}

fn strip_around(line: &str) -> &str {
    let edge = |c: char| !(c.is_alphanumeric() || c == '.' || c == ')' || c == '(');
    let mut name = strip_lead(line.trim_matches(edge), LEADS);
    loop {
        let trimmed = name.trim_matches(edge);
        let shorter = strip_lead(strip_tail(trimmed), LEADS).trim_matches(edge);
        let shorter = if folded(shorter).is_empty() { trimmed } else { shorter };
        if shorter == name {
            break;
        }
        name = shorter;
    }
    let initial = name.rsplit([' ', '.']).nth(1).is_some_and(|last| last.chars().count() <= 2);
    if initial { name } else { name.trim_end_matches('.') }
}

fn strip_tail(name: &str) -> &str {
    let words = words(name);
    for tail in TAILS {
        let length = tail.split(' ').count();
        if words.len() > length && super::words::phrase_at(&words, words.len() - length, tail) {
            return &name[..words[words.len() - length].at.start];
        }
    }
    name
}

fn is_plausible(name: &str) -> bool {
    let allowed = |c: char| {
        c.is_alphabetic()
            || matches!(c, ' ' | '.' | '\'' | '\u{2019}' | '-' | ',' | '(' | ')' | '\u{300}'..='\u{36f}')
    };
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 2 && name.chars().all(allowed) && name.split(' ').count() <= 6 && name.chars().count() <= 100
}

/// "Who is this?", "none of your business", "I already told you": words that begin sentences and never names.
fn is_sentence(name: &str) -> bool {
    const BEGIN: [&str; 22] = [
        "who", "whos", "what", "whats", "why", "how", "hows", "where", "when", "which", "do", "does", "did",
        "not", "none", "never", "nothing", "the", "my", "our", "id", "already",
    ];
    const TELL: [&str; 10] =
        ["not", "already", "told", "rather", "your", "business", "telling", "dont", "wont", "cant"];
    /// Words inside a sentence and inside no name.
    const INSIDE: [&str; 16] = [
        "is", "its", "but", "was", "because", "lol", "have", "has", "you", "your", "it", "with", "for",
        "are", "that", "this",
    ];
    let words = words(name);
    if words.iter().skip(1).any(|word| word.is_any(&INSIDE)) {
        return true;
    }
    // "I don't want to say", but "I. M. Pei".
    if words[0].is("i") && words.get(1).is_some_and(Word::is_letters) {
        return true;
    }
    let named = words.iter().filter(|word| word.is_letters()).count();
    let tells = words.iter().filter(|word| word.is_any(&TELL)).count();
    // "An Le" and "Do Kwon" are two words.
    (named >= 2 && words[0].is_any(&BEGIN) && !(named == 2 && words[0].is("do"))) || tells >= 2
}

/// "First name dana last name smith", "Dana, last name Smith", "first: Dana last: Smith": the two as one name.
fn joined_parts(line: &str) -> String {
    const LAST: [&str; 5] = ["last name is", "last name", "surname is", "surname", "last :"];
    let words = words(line);
    let found = (1..words.len()).find_map(|at| Some((at, longest_phrase(&words, at, &LAST)?.1)));
    let Some((at, used)) = found.filter(|(at, used)| at + used < words.len()) else { return line.to_owned() };
    let first = line[..words[at].at.start].trim_end_matches([' ', ',', ';']);
    let last = line[words[at + used].at.start..].trim_start_matches([':', ' ']);
    format!("{first} {last}")
}

/// "Bob, short for Robert", "Dana Smyth with a y", "Dana but everyone calls me D" without what is told about the name.
fn without_aside(line: &str) -> &str {
    const ASIDES: [&str; 9] =
        ["but", "from", "short for", "with a", "with an", "with two", "and i", "as in", "however"];
    let words = words(line);
    let aside = (1..words.len()).find(|at| longest_phrase(&words, *at, &ASIDES).is_some());
    aside.map_or(line, |at| line[..words[at].at.start].trim_end_matches([' ', ',', '.', ';']))
}

/// "Dana Reyes, the owner" without what she is.
fn without_role(line: &str) -> &str {
    const ROLES: [&str; 9] =
        ["the", "owner", "founder", "co", "ceo", "manager", "president", "director", "dueno"];
    let words = words(line);
    let comma = words.windows(2).position(|pair| pair[0].is_any(&[",", "("]) && pair[1].is_any(&ROLES));
    comma.filter(|at| *at > 0).map_or(line, |at| &line[..words[at].at.start])
}

/// "D-A-N-A" said letter by letter.
fn unspelled(name: &str) -> String {
    let letters: Vec<Word> = words(name).into_iter().filter(|word| !word.is("-")).collect();
    let spelled = letters.len() >= 3 && letters.iter().all(|word| word.is_letters() && word.text.len() == 1);
    if spelled { letters.into_iter().map(|word| word.text).collect() } else { name.to_owned() }
}

/// Capitals as people write them; a word with a capital of its own among lower-case letters is left alone.
fn capitalised(name: &str) -> String {
    let shouted = !name.chars().any(char::is_lowercase);
    let name = if shouted { name.to_lowercase() } else { name.to_owned() };
    let capital = |word: &str| word.chars().any(char::is_uppercase);
    let words: Vec<String> = name
        .split(' ')
        .enumerate()
        .map(|(at, word)| {
            let as_written = capital(word) || (at > 0 && PARTICLES.contains(&word));
            if as_written { word.to_owned() } else { capitalised_word(word) }
        })
        .collect();
    words.join(" ")
}

fn capitalised_word(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut start = true;
    for c in word.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        // O'Brien and Mary-Jane, but not "D'"-less endings such as "Jones's".
        start = matches!(c, '-' | '.' | '(') || (matches!(c, '\'' | '\u{2019}') && out.chars().count() <= 2);
        start |= out == "Mc" && word.chars().count() > 4;
    }
    out
}
