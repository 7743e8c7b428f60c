//! How a message is cut into words: lower-cased, without accents, digits apart from letters.
//!
//! Every parser reads these words rather than raw text, so "3PM", "3 p.m." and "3 pm" look alike to all of them.

use std::ops::Range;

/// One word, number or symbol of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Lower-cased, accents and apostrophes removed. A symbol is one character; a line break is `\n`.
    pub(crate) text: String,
    /// Where it stands in the message, in bytes.
    pub(crate) at: Range<usize>,
    /// Whether it touches the word before it.
    pub(crate) glued: bool,
}

impl Word {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(crate) fn is_any(&self, texts: &[&str]) -> bool {
        texts.contains(&self.text.as_str())
    }

    pub(crate) fn is_number(&self) -> bool {
        self.text.as_bytes()[0].is_ascii_digit()
    }

    pub(crate) fn is_letters(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_alphabetic)
    }

    /// The value of a word made of digits alone.
    pub(crate) fn digits(&self) -> Option<u32> {
        if self.text.bytes().all(|b| b.is_ascii_digit()) { self.text.parse().ok() } else { None }
    }
}

/// Cuts `text` into words.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::with_capacity(text.len() / 4);
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let end = start + token_len(&text[start..], first);
        let folded = fold_token(&text[start..end], first);
        if !folded.is_empty() {
            let glued = found.last().is_some_and(|last| last.at.end == start);
            found.push(Word { text: folded, at: start..end, glued });
        }
        start = end;
    }
    found
}

fn token_len(text: &str, first: char) -> usize {
    if first.is_ascii_digit() {
        number_len(text)
    } else if first.is_alphabetic() {
        meridiem_len(text).unwrap_or_else(|| letters_len(text))
    } else {
        first.len_utf8()
    }
}

/// Digits with single inner commas or dots: `1,200.50`.
fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end) || (matches!(bytes.get(end), Some(b',' | b'.')) && digit(end + 1)) {
        end += 1;
    }
    end
}

/// `a.m.` and `p.m.`, which are one word.
fn meridiem_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let dotted = matches!(bytes.first(), Some(b'a' | b'A' | b'p' | b'P'))
        && bytes.get(1) == Some(&b'.')
        && matches!(bytes.get(2), Some(b'm' | b'M'))
        && !bytes.get(3).is_some_and(u8::is_ascii_alphanumeric);
    dotted.then(|| if bytes.get(3) == Some(&b'.') { 4 } else { 3 })
}

/// Letters with inner apostrophes: `o'clock`.
fn letters_len(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let inner = is_apostrophe(c) && chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        if !(c.is_alphabetic() || is_joiner(c) || inner) {
            return at;
        }
    }
    text.len()
}

/// The token, which begins with `first`, as words are compared.
fn fold_token(token: &str, first: char) -> String {
    if token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return token.to_ascii_lowercase();
    }
    if first == ' ' {
        return String::new();
    }
    let mut out = String::with_capacity(token.len());
    let number_or_word = first.is_alphanumeric();
    let dotted = matches!(token.len(), 3 | 4) && token.contains('.') && first.is_alphabetic();
    for c in token.chars() {
        match c {
            '\n' => out.push(c),
            c if c.is_whitespace() || is_joiner(c) => {}
            '.' if dotted => {}
            c if is_apostrophe(c) => {
                if !number_or_word {
                    out.push('\'');
                }
            }
            c => fold_into(&mut out, c),
        }
    }
    out
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{b4}')
}

/// Characters that only dress the one before them: accents written apart, emoji variants and skin tones.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{1f3fb}'..='\u{1f3ff}')
}

fn fold_into(out: &mut String, c: char) {
    if c.is_ascii() {
        return out.push(c.to_ascii_lowercase());
    }
    for c in c.to_lowercase() {
        let plain = match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' => 'a',
            'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' => 'e',
            'í' | 'ì' | 'î' | 'ï' | 'ī' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ō' => 'o',
            'ú' | 'ù' | 'û' | 'ü' | 'ū' => 'u',
            'ñ' | 'ń' => 'n',
            'ç' | 'ć' | 'č' => 'c',
            'ý' | 'ÿ' => 'y',
            'š' | 'ś' => 's',
            'ž' | 'ź' | 'ż' => 'z',
            'ł' => 'l',
            '–' | '—' | '−' | '‐' | '‑' => '-',
            '“' | '”' | '«' | '»' => '"',
            '＠' => '@',
            '\u{300}'..='\u{36f}' => continue,
            c => c,
        };
        out.push(plain);
    }
}

/// The folded words of `text` joined by single spaces, symbols dropped: the form in which phrases are compared.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in words(text).iter().filter(|word| word.is_letters() || word.is_number()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.text);
    }
    out
}

/// Whether `words[at..]` begins with the phrase, given as folded words with single spaces.
pub(crate) fn phrase_at(words: &[Word], at: usize, phrase: &str) -> bool {
    words.get(at).is_some_and(|first| may_begin(phrase, &first.text))
        && length_at(words, at, phrase).is_some()
}

/// The longest of `phrases` that begins at `at`, by its number of words.
pub(crate) fn longest_phrase<'p>(words: &[Word], at: usize, phrases: &[&'p str]) -> Option<(&'p str, usize)> {
    let first = &words.get(at)?.text;
    let candidates = phrases.iter().filter(|phrase| may_begin(phrase, first));
    candidates
        .filter_map(|phrase| Some((*phrase, length_at(words, at, phrase)?)))
        .max_by_key(|(_, count)| *count)
}

fn length_at(words: &[Word], at: usize, phrase: &str) -> Option<usize> {
    phrase_length(words[at..].iter().map(|word| &*word.text), phrase)
}

/// Whether the phrase and the word begin alike. Every message is held against hundreds of phrases at each of its words,
/// and nearly all of them differ here.
#[inline]
pub(crate) fn may_begin(phrase: &str, first: &str) -> bool {
    phrase.as_bytes().first() == first.as_bytes().first()
}

/// How many of the folded `words` the phrase is, if they begin with it.
pub(crate) fn phrase_length<'w>(words: impl Iterator<Item = &'w str>, phrase: &str) -> Option<usize> {
    let mut rest = phrase;
    for (index, word) in words.enumerate() {
        rest = rest.strip_prefix(word)?;
        if rest.is_empty() {
            return Some(index + 1);
        }
        rest = rest.strip_prefix(' ')?;
    }
    None
}

/// Zero to twenty-nine in one word, English and Spanish (without `once`, which English uses otherwise).
pub(crate) fn unit(word: &str) -> Option<u32> {
    Some(match word {
        "zero" | "cero" => 0,
        "one" | "uno" => 1,
        "two" | "dos" => 2,
        "three" | "tres" => 3,
        "four" | "cuatro" => 4,
        "five" | "cinco" => 5,
        "six" | "seis" => 6,
        "seven" | "siete" => 7,
        "eight" | "eigth" | "ocho" => 8,
        "nine" | "nueve" => 9,
        "ten" | "diez" => 10,
        "eleven" => 11,
        "twelve" | "tweleve" | "twelv" | "doce" => 12,
        "thirteen" | "trece" => 13,
        "fourteen" | "catorce" => 14,
        "fifteen" | "fiften" | "quince" => 15,
        "sixteen" | "dieciseis" => 16,
        "seventeen" | "diecisiete" => 17,
        "eighteen" | "dieciocho" => 18,
        "nineteen" | "diecinueve" => 19,
        "veintiuno" | "veintiun" => 21,
        "veintidos" => 22,
        "veintitres" => 23,
        "veinticuatro" => 24,
        "veinticinco" => 25,
        "veintiseis" => 26,
        "veintisiete" => 27,
        "veintiocho" => 28,
        "veintinueve" => 29,
        _ => return None,
    })
}

/// Twenty to ninety in words.
pub(crate) fn tens(word: &str) -> Option<u32> {
    Some(match word {
        "twenty" | "twenny" | "veinte" => 20,
        "thirty" | "treinta" => 30,
        "forty" | "fourty" | "cuarenta" => 40,
        "fifty" | "cincuenta" => 50,
        "sixty" | "sesenta" => 60,
        "seventy" | "setenta" => 70,
        "eighty" | "ochenta" => 80,
        "ninety" | "ninty" | "noventa" => 90,
        _ => return None,
    })
}

/// Nought to ninety-nine at `at`, in digits or words: the value and how many words it takes.
pub(crate) fn small_number(words: &[Word], at: usize) -> Option<(u32, usize)> {
    let word = words.get(at)?;
    if let Some(value) = word.digits() {
        return Some((value, 1));
    }
    if let Some(value) = unit(&word.text) {
        return Some((value, 1));
    }
    let value = tens(&word.text)?;
    let dash = usize::from(words.get(at + 1).is_some_and(|next| next.is("-") && next.glued || next.is("y")));
    match words.get(at + 1 + dash).and_then(|next| unit(&next.text)) {
        Some(ones @ 1..=9) => Some((value + ones, 2 + dash)),
        _ => Some((value, 1)),
    }
}

/// `1st`, `second`, `twenty-first`, `21st` at `at`: the value and how many words it takes.
pub(crate) fn ordinal(words: &[Word], at: usize) -> Option<(u32, usize)> {
    let word = words.get(at)?;
    if let Some(value) = word.digits() {
        let suffix = words.get(at + 1)?;
        return (suffix.glued && suffix.is_any(&["st", "nd", "rd", "th"])).then_some((value, 2));
    }
    if let Some(value) = ordinal_word(&word.text) {
        return Some((value, 1));
    }
    let value = tens(&word.text)?;
    let dash = usize::from(words.get(at + 1).is_some_and(|next| next.is("-") && next.glued));
    let ones =
        words.get(at + 1 + dash).and_then(|next| ordinal_word(&next.text)).filter(|ones| *ones < 10)?;
    Some((value + ones, 2 + dash))
}

fn ordinal_word(word: &str) -> Option<u32> {
    Some(match word {
        "first" | "primero" | "primera" => 1,
        "second" | "segundo" | "segunda" => 2,
        "third" | "tercero" | "tercera" => 3,
        "fourth" | "cuarto" | "cuarta" => 4,
        "fifth" | "quinto" | "quinta" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        "thirteenth" => 13,
        "fourteenth" => 14,
        "fifteenth" => 15,
        "sixteenth" => 16,
        "seventeenth" => 17,
        "eighteenth" => 18,
        "nineteenth" => 19,
        "twentieth" => 20,
        "thirtieth" => 30,
        _ => return None,
    })
}

/// Whether `b` is `a` but for a slip of the fingers: one edit from four letters on, two from eight on.
/// Two neighbouring letters changed round count as one edit.
pub(crate) fn nearly(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let allowed = match a.len().min(b.len()) {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    a.len().abs_diff(b.len()) <= allowed && a.len() <= 40 && edits(&a, &b) <= allowed
}

fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_folded_and_digits_stand_apart() {
        for (text, expected) in [
            ("3PM", vec!["3", "pm"]),
            ("3 p.m.", vec!["3", "pm"]),
            ("$1,200.50!", vec!["$", "1,200.50", "!"]),
            ("Mañana — SÍ", vec!["manana", "-", "si"]),
            ("I don’t o'clock", vec!["i", "dont", "oclock"]),
            ("👍🏽", vec!["👍"]),
            ("a\nb", vec!["a", "\n", "b"]),
            ("15th, ok.", vec!["15", "th", ",", "ok", "."]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        for (a, b, near) in [
            ("facebook", "facebok", true),
            ("google", "goolge", true),
            ("blue", "bleu", true),
            ("red", "rid", false),
            ("email", "mail", true),
            ("website", "webinar", false),
        ] {
            assert_eq!(nearly(a, b), near, "{a} {b}");
        }
    }

    #[test]
    fn ordinals_are_read_in_digits_and_words() {
        for (text, expected) in
            [("21st", 21), ("twenty first", 21), ("twenty-first", 21), ("third", 3), ("30th", 30)]
        {
            assert_eq!(ordinal(&words(text), 0).map(|found| found.0), Some(expected), "{text}");
        }
    }
}
