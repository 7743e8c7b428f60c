//! Telephone numbers, typed or spoken, alone or inside a sentence, to E.164.

use std::ops::Range;

use phonenumber::Type;
use phonenumber::country;
use phonenumber::metadata::DATABASE;

use super::words::{Word, small_number, tens, unit, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

/// Words of digits looked at in one go; no number needs as many.
const MAX_RUN: usize = 48;

/// Digits that belong together: what may be one number, or two side by side.
#[derive(Debug, Default)]
struct Run {
    groups: Vec<Group>,
    /// Begins with a plus.
    international: bool,
    /// Where the plus stands, if there is one.
    plus_at: Option<usize>,
}

#[derive(Debug)]
struct Group {
    digits: String,
    at: Range<usize>,
}

impl Run {
    fn digits(&self) -> String {
        self.groups.iter().map(|group| group.digits.as_str()).collect()
    }
}

/// A number found in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// E.164.
    pub(super) number: String,
    /// Where its digits stand.
    pub(super) at: Range<usize>,
}

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let runs = runs(&words(text), text);
    let found = distinct(runs.iter().flat_map(|run| numbers(run, ctx.region)).collect());
    match &found[..] {
        [one] => Ok(AnswerValue::Phone(one.number.clone())),
        [] => Err(best_cause(&runs, ctx.region)),
        many => Err(Cause::Ambiguous { readings: many.iter().map(|one| one.number.clone()).collect() }),
    }
}

/// Every number in a message, in order, each once.
pub(super) fn find(text: &str, ctx: &ParseContext<'_>) -> Vec<Found> {
    distinct(runs(&words(text), text).iter().flat_map(|run| numbers(run, ctx.region)).collect())
}

fn distinct(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        if !kept.iter().any(|other| other.number == one.number) {
            kept.push(one);
        }
    }
    kept
}

fn best_cause(runs: &[Run], region: &str) -> Cause {
    let longest = runs.iter().max_by_key(|run| run.digits().len()).filter(|run| run.digits().len() >= 3);
    longest.map_or(Cause::NotRecognised, |run| {
        normalise(&run.digits(), run.international, region).err().unwrap_or(Cause::PhoneInvalid)
    })
}

/// The numbers of a run: the whole of it, or the first parts of it that are numbers.
fn numbers(run: &Run, region: &str) -> Vec<Found> {
    let groups = &run.groups[..run.groups.len().min(MAX_RUN)];
    let mut found = Vec::new();
    let mut start = 0;
    while start < groups.len() {
        let international = start == 0 && run.international;
        let hit = (start + 1..=groups.len()).rev().find_map(|end| {
            let digits: String = groups[start..end].iter().map(|group| group.digits.as_str()).collect();
            let number =
                (7..=20).contains(&digits.len()).then(|| normalise(&digits, international, region).ok());
            number.flatten().map(|number| (number, end))
        });
        match hit {
            Some((number, end)) => {
                let from = if start == 0 {
                    run.plus_at.unwrap_or(groups[0].at.start)
                } else {
                    groups[start].at.start
                };
                found.push(Found { number, at: from..groups[end - 1].at.end });
                start = end;
            }
            // Digits behind a country code mean nothing without it.
            None if start == 0 && (international || groups[0].digits.starts_with("00")) => break,
            None => start += 1,
        }
    }
    found
}

/// Splits the words into runs of digits. Punctuation and words such as "dash" hold a run together, others end it,
/// and an extension is left out.
fn runs(words: &[Word], text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Run::default();
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        if is_trunk_zero(words, at) && !run.groups.is_empty() {
            at += 3;
        } else if let Some((digits, used)) = digits_at(words, at, &run.digits(), text) {
            let place = word.at.start..words[at + used - 1].at.end;
            run.groups.push(Group { digits, at: place });
            at += used;
        } else if word.is_any(&["+", "plus"]) {
            end(&mut runs, &mut run);
            run.international = true;
            run.plus_at = Some(word.at.start);
            at += 1;
        } else if word.is_any(&["ext", "extension", "x", "xt"]) && run.digits().len() >= 7 {
            end(&mut runs, &mut run);
            at += 1;
            while words.get(at).is_some_and(|word| !word.is_letters() || unit(&word.text).is_some()) {
                at += 1;
            }
        } else {
            if !holds_together(word) {
                end(&mut runs, &mut run);
            }
            at += 1;
        }
    }
    end(&mut runs, &mut run);
    runs
}

/// Begins another run; one that holds nothing leaves nothing behind.
fn end(runs: &mut Vec<Run>, run: &mut Run) {
    let ended = std::mem::take(run);
    if !ended.groups.is_empty() {
        runs.push(ended);
    }
}

fn is_trunk_zero(words: &[Word], at: usize) -> bool {
    super::words::phrase_at(words, at, "( 0 )")
}

fn holds_together(word: &Word) -> bool {
    word.is_any(&[
        "-", ".", "_", "(", ")", "/", ",", "[", "]", "*", "\u{b7}", "dash", "hyphen", "dot", "point", "area",
        "code", "number", "and", "then", "uh", "um", "guion", "punto", "y",
    ])
}

/// The digits said at `at`: `415`, `five`, `oh`, `double zero`, `twenty five`, `eight hundred`, `FLOWERS`.
fn digits_at(words: &[Word], at: usize, before: &str, text: &str) -> Option<(String, usize)> {
    let word = &words[at];
    let in_run = !before.is_empty();
    if word.is_number() {
        return Some((word.text.chars().filter(char::is_ascii_digit).collect(), 1));
    }
    let repeat = match word.text.as_str() {
        "double" | "doble" => 2,
        "triple" | "treble" => 3,
        _ => 0,
    };
    if repeat > 0 {
        let written = |word: &Word| word.digits().filter(|digit| *digit < 10);
        let digit = words.get(at + 1).and_then(|word| spoken_digit(word).or_else(|| written(word)))?;
        return Some((digit.to_string().repeat(repeat), 2));
    }
    if let Some(found) = hundreds_and_more(words, at) {
        return Some(found);
    }
    if let Some(value) = spoken_digit(word) {
        // "oh" also opens sentences: it is a zero only beside other digits.
        if word.is_any(&["o", "oh"])
            && !in_run
            && words.get(at + 1).is_none_or(|next| spoken_digit(next).is_none())
        {
            return None;
        }
        return Some(match words.get(at + 1).map(|next| next.text.as_str()) {
            Some("hundred") => (format!("{value}00"), 2),
            Some("thousand") => (format!("{value}000"), 2),
            _ => (value.to_string(), 1),
        });
    }
    if let Some(value) = unit(&word.text) {
        return Some((value.to_string(), 1));
    }
    if tens(&word.text).is_some() {
        return small_number(words, at).map(|(value, used)| (value.to_string(), used));
    }
    let letters = &text[word.at.clone()];
    let written = word.glued && letters.len() >= 2 && letters.bytes().all(|b| b.is_ascii_uppercase());
    // "1 800 flowers"
    let toll_free = matches!(
        before.strip_prefix('1').unwrap_or(before),
        "800" | "833" | "844" | "855" | "866" | "877" | "888"
    );
    let spoken = toll_free && letters.len() == 7 && letters.bytes().all(|b| b.is_ascii_alphabetic());
    (in_run && (written || spoken))
        .then(|| (letters.bytes().map(|letter| keypad(letter.to_ascii_uppercase())).collect(), 1))
}

/// "four hundred fifteen"; "eight hundred five" is said digit by digit.
fn hundreds_and_more(words: &[Word], at: usize) -> Option<(String, usize)> {
    let hundreds =
        spoken_digit(&words[at]).filter(|_| words.get(at + 1).is_some_and(|next| next.is("hundred")))?;
    let and = usize::from(words.get(at + 2).is_some_and(|next| next.is("and")));
    let (more, used) = small_number(words, at + 2 + and)
        .filter(|(more, _)| (10..100).contains(more) && words[at + 2 + and].is_letters())?;
    Some((format!("{hundreds}{more}"), 2 + and + used))
}

fn spoken_digit(word: &Word) -> Option<u32> {
    if word.is_any(&["o", "oh", "nought", "naught"]) {
        return Some(0);
    }
    unit(&word.text).filter(|value| *value < 10)
}

const fn keypad(letter: u8) -> char {
    match letter {
        b'A'..=b'C' => '2',
        b'D'..=b'F' => '3',
        b'G'..=b'I' => '4',
        b'J'..=b'L' => '5',
        b'M'..=b'O' => '6',
        b'P'..=b'S' => '7',
        b'T'..=b'V' => '8',
        _ => '9',
    }
}

/// Digits to E.164 by the rules of the region. Numbers of the North American plan are judged by their structure
/// alone, so that the fictional 555-01xx numbers pass.
fn normalise(digits: &str, international: bool, region: &str) -> Result<String, Cause> {
    if international {
        return from_abroad(digits);
    }
    if let Some(rest) = digits.strip_prefix("00").filter(|rest| rest.len() >= 8) {
        return from_abroad(rest);
    }
    if !in_north_america(region) {
        return national(digits, region);
    }
    if let Some(rest) = digits.strip_prefix("011").filter(|rest| rest.len() >= 8) {
        return from_abroad(rest);
    }
    match digits.len() {
        0..=9 => Err(Cause::PhoneTooShort),
        10 => north_american(digits),
        11 if digits.starts_with('1') => north_american(&digits[1..]),
        11 => Err(Cause::PhoneTooLong),
        // "44 20 7946 0958": the plus was left out.
        _ => from_abroad(digits).ok().filter(|number| is_valid(number)).ok_or(Cause::PhoneTooLong),
    }
}

/// Ten digits `NXX NXX XXXX` with N from 2 to 9.
fn north_american(digits: &str) -> Result<String, Cause> {
    match digits.len() {
        0..=9 => return Err(Cause::PhoneTooShort),
        10 => {}
        _ => return Err(Cause::PhoneTooLong),
    }
    let bytes = digits.as_bytes();
    if bytes[0] < b'2' || bytes[3] < b'2' { Err(Cause::PhoneInvalid) } else { Ok(format!("+1{digits}")) }
}

/// Digits that begin with a country code.
fn from_abroad(digits: &str) -> Result<String, Cause> {
    if let Some(rest) = digits.strip_prefix('1') {
        return north_american(rest);
    }
    match digits.len() {
        0..=6 => return Err(Cause::PhoneTooShort),
        7..=15 => {}
        _ => return Err(Cause::PhoneTooLong),
    }
    let number = phonenumber::parse(None, format!("+{digits}")).map_err(|_| Cause::PhoneInvalid)?;
    plausible(&number)
}

fn national(digits: &str, region: &str) -> Result<String, Cause> {
    let region: country::Id = region.parse().map_err(|_| Cause::PhoneInvalid)?;
    let number = phonenumber::parse(Some(region), digits).map_err(|_| match digits.len() {
        0..=6 => Cause::PhoneTooShort,
        16.. => Cause::PhoneTooLong,
        _ => Cause::PhoneInvalid,
    })?;
    plausible(&number)
}

/// Accepts a number of a length its country uses, whether or not the plan has given it out.
fn plausible(number: &phonenumber::PhoneNumber) -> Result<String, Cause> {
    let length = number.national().to_string().len();
    let plans = DATABASE.by_code(&number.code().value()).unwrap_or_default();
    // The database gives lengths by kind of line only.
    let kinds = [Type::FixedLine, Type::Mobile];
    let lengths = || {
        let lines =
            plans.iter().flat_map(|plan| kinds.iter().filter_map(|kind| plan.descriptors().get(*kind)));
        lines.flat_map(phonenumber::metadata::Descriptor::possible_length).map(|length| usize::from(*length))
    };
    if plans.is_empty() {
        Err(Cause::PhoneInvalid)
    } else if lengths().any(|possible| possible == length) || number.is_valid() {
        Ok(number.format().mode(phonenumber::Mode::E164).to_string())
    } else if lengths().all(|possible| possible > length) {
        Err(Cause::PhoneTooShort)
    } else if lengths().all(|possible| possible < length) {
        Err(Cause::PhoneTooLong)
    } else {
        Err(Cause::PhoneInvalid)
    }
}

fn is_valid(e164: &str) -> bool {
    phonenumber::parse(None, e164).is_ok_and(|number| number.is_valid())
}

fn in_north_america(region: &str) -> bool {
    matches!(
        region,
        "" | "US"
            | "CA"
            | "PR"
            | "DO"
            | "JM"
            | "BS"
            | "BB"
            | "TT"
            | "VI"
            | "GU"
            | "BM"
            | "KY"
            | "AG"
            | "LC"
            | "GD"
    )
}

/// A number as people of its country read it: `(415) 555-0100`, `+44 20 7946 0958`.
pub(super) fn display(e164: &str) -> String {
    if let Some(digits) = e164.strip_prefix("+1").filter(|digits| digits.len() == 10 && digits.is_ascii()) {
        return format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]);
    }
    match phonenumber::parse(None, e164) {
        Ok(number) => number.format().mode(phonenumber::Mode::International).to_string(),
        Err(_) => e164.to_owned(),
    }
}
