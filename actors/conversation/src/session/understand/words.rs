//! A message cut into words that remember where they stand, folded for comparison.

use crate::answer::words::{may_begin, phrase_length};

/// One word of a message.
#[derive(Debug)]
struct Word {
    start: usize,
    end: usize,
    /// Lower case, without accents, apostrophes and the punctuation around it; empty for an emoji or a lone mark.
    folded: String,
}

/// The words of a message. Patterns are matched on the folded words; what follows a pattern is taken from the text as
/// it was written.
#[derive(Debug)]
pub(super) struct Words<'t> {
    text: &'t str,
    words: Vec<Word>,
}

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut words = Vec::with_capacity(8);
        let mut start = None;
        for (index, letter) in text.char_indices() {
            match (letter.is_whitespace(), start) {
                (false, None) => start = Some(index),
                (true, Some(from)) => {
                    push_word(&mut words, text, from, index);
                    start = None;
                }
                (false, Some(_)) | (true, None) => {}
            }
        }
        if let Some(from) = start {
            push_word(&mut words, text, from, text.len());
        }
        Self { text, words }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn is_blank(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn folded(&self, index: usize) -> Option<&str> {
        self.words.get(index).map(|word| &*word.folded)
    }

    /// The text from this word on, without the punctuation that led up to it.
    pub(super) fn rest(&self, index: usize) -> Option<&'t str> {
        let word = self.words.get(index)?;
        let rest = self.text[word.start..].trim_start_matches([',', ':', ';', '-', '=', '.', ' ']).trim();
        (!rest.is_empty()).then_some(rest)
    }

    /// The text of these words, without the punctuation behind it.
    pub(super) fn between(&self, from: usize, to: usize) -> Option<&'t str> {
        let (first, last) = (self.words.get(from)?, self.words.get(to.checked_sub(1)?)?);
        let text = self.text.get(first.start..last.end)?.trim_end_matches([',', ';', '!', '?', ' ']);
        (!text.is_empty()).then_some(text)
    }

    /// The text from this word up to one of the words that close the message, if one does.
    pub(super) fn trimmed_of(&self, from: usize, closing: &[&str]) -> Option<&'t str> {
        let last = self.len().checked_sub(1)?;
        if closing.contains(&self.folded(last)?) { self.between(from, last) } else { None }
    }

    pub(super) fn ends_in_colon(&self, index: usize) -> bool {
        self.words.get(index).is_some_and(|word| self.text[..word.end].ends_with(':'))
    }

    pub(super) fn ends_in_comma(&self, index: usize) -> bool {
        self.words.get(index).is_some_and(|word| self.text[..word.end].ends_with([',', ';']))
    }

    /// How many words a pattern such as `"my number is"` takes at `index`, if it stands there.
    pub(super) fn matches(&self, index: usize, pattern: &str) -> Option<usize> {
        phrase_length(self.words.get(index..)?.iter().map(|word| &*word.folded), pattern)
    }

    /// The longest of the patterns that stands at `index`, and its length in words.
    pub(super) fn longest(&self, index: usize, patterns: &[&str]) -> Option<usize> {
        let first = self.folded(index)?;
        let candidates = patterns.iter().filter(|pattern| may_begin(pattern, first));
        candidates.filter_map(|pattern| self.matches(index, pattern)).max()
    }

    /// Whether one of the words that carry meaning also stands in `other`.
    pub(super) fn share_a_word_with(&self, other: &str) -> bool {
        const CARRIES_MEANING: usize = 4;
        let mut others = other.split_whitespace().map(fold);
        others
            .any(|other| other.len() > CARRIES_MEANING && self.words.iter().any(|word| word.folded == other))
    }

    /// The whole message, folded, as one line.
    pub(super) fn line(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        for word in self.words.iter().filter(|word| !word.folded.is_empty()) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word.folded);
        }
        out
    }
}

fn push_word(words: &mut Vec<Word>, text: &str, start: usize, end: usize) {
    words.push(Word { start, end, folded: fold(&text[start..end]) });
}

/// Lower case, without accents and apostrophes, and without punctuation at either end.
pub(super) fn fold(word: &str) -> String {
    let trimmed = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    if trimmed.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return trimmed.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(trimmed.len());
    for letter in trimmed.chars().flat_map(char::to_lowercase) {
        match letter {
            'á' | 'à' | 'â' | 'ä' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' => out.push('i'),
            'ó' | 'ò' | 'ô' | 'ö' => out.push('o'),
            'ú' | 'ù' | 'û' | 'ü' => out.push('u'),
            'ñ' => out.push('n'),
            '\'' | '\u{2019}' | '`' => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_whatever_the_dress() {
        let words = Words::of("No, wait…  it’s   Acme.com!");
        assert_eq!(words.matches(0, "no wait"), Some(2));
        assert_eq!(words.matches(2, "its"), Some(1));
        assert_eq!(words.rest(3), Some("Acme.com!"));
        assert_eq!(words.line(), "no wait its acme.com");
    }

    #[test]
    fn a_lone_mark_is_a_word_without_letters() {
        let words = Words::of("👍 ?");
        assert_eq!((words.len(), words.line().as_str()), (2, ""));
    }
}
