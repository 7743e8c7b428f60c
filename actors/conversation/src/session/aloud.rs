//! Values as they are said and not written: digits one by one in groups, addresses by their parts.

use crate::answer::AnswerValue;
use crate::catalogue::{Catalogue, Sentence};

/// How `value`, which people read as `written`, is said; `None` when it is said as it is read.
pub(super) fn said(value: &AnswerValue, written: &str, words: &Catalogue) -> Option<String> {
    match value {
        AnswerValue::Phone(_) => Some(digits(written)),
        AnswerValue::Email(_) | AnswerValue::Url(_) => Some(address(written, words)),
        _ => None,
    }
}

/// `+1 415-555-0142` is said as `1, 4 1 5, 5 5 5, 0 1 4 2`.
fn digits(written: &str) -> String {
    let groups = written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
    let spaced = groups.map(|group| group.chars().map(String::from).collect::<Vec<_>>().join(" "));
    spaced.collect::<Vec<_>>().join(", ")
}

/// `dana.r@acme.com` is said as `dana dot r at acme dot com`.
fn address(written: &str, words: &Catalogue) -> String {
    let written = written.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let mut out = String::with_capacity(written.len() + 16);
    for letter in written.chars() {
        let name = match letter {
            '@' => Sentence::SaidAt,
            '.' => Sentence::SaidDot,
            '-' => Sentence::SaidDash,
            '_' => Sentence::SaidUnderscore,
            '/' => Sentence::SaidSlash,
            other => {
                out.push(other);
                continue;
            }
        };
        out.push(' ');
        out.push_str(&words.say(name, &[]));
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_said_one_by_one_in_their_groups() {
        assert_eq!(digits("+1 415-555-0142"), "1, 4 1 5, 5 5 5, 0 1 4 2");
    }

    #[test]
    fn addresses_are_said_by_their_parts() {
        let words = Catalogue::of("en");
        assert_eq!(address("dana.r@acme-inc.com", words), "dana dot r at acme dash inc dot com");
        assert_eq!(address("https://acme.com/", words), "acme dot com");
    }
}
