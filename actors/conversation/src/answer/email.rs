//! Email addresses, written or spoken, lower-cased.

use std::ops::Range;

use super::spelled::{Piece, domain_at, is_domain, name_before, pieces};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

pub(super) fn parse(text: &str, _: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut found: Vec<String> = find(text).into_iter().map(|(address, _)| address).collect();
    found.dedup();
    match found.len() {
        0 => spoken(text).or_else(|| slipped(text)).map(AnswerValue::Email).ok_or_else(|| cause(text)),
        1 => Ok(AnswerValue::Email(found.remove(0))),
        _ => Err(Cause::Ambiguous { readings: found }),
    }
}

/// `dana@acme,com`, `dana at gmail com`: the one address that was meant.
fn slipped(text: &str) -> Option<String> {
    const PROVIDERS: [&str; 7] = ["gmail", "yahoo", "hotmail", "outlook", "icloud", "aol", "msn"];
    let mut mended = text.replace(",com", ".com").replace(",net", ".net").replace(",org", ".org");
    for provider in PROVIDERS {
        mended = mended.replace(&format!("{provider} com"), &format!("{provider}.com"));
    }
    if mended == text {
        return None;
    }
    let mut found = find(&mended);
    if found.len() == 1 { found.pop().map(|(address, _)| address) } else { spoken(&mended) }
}

fn cause(text: &str) -> Cause {
    let words = super::words::words(text);
    match words.iter().filter(|word| word.is("@")).count() {
        0 if !words.iter().any(|word| word.is_letters() || word.is_number()) => Cause::NotRecognised,
        0 | 2.. => Cause::EmailNoAt,
        1 => Cause::EmailDomain,
    }
}

/// Every written address in a message and where it stands.
pub(super) fn find(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for (at, sign) in text.match_indices(['@', '＠']) {
        let before = text[..at].trim_end_matches(' ');
        let after = text[at + sign.len()..].trim_start_matches(' ');
        let start = before.rfind(|c: char| !is_local(c)).map_or(0, |last| last + char_len(before, last));
        let local = before[start..].trim_start_matches(['.', '\'', '-', '/', '=']);
        let local = strip_scheme(local);
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).unwrap_or(after.len());
        let domain = after[..end].trim_end_matches(['.', '-']);
        let two_signs = after[end..].starts_with('@') || before[..before.len() - local.len()].ends_with('@');
        if is_local_part(local) && is_domain(domain) && !two_signs {
            let from = before.len() - local.len();
            let until = text.len() - after.len() + domain.len();
            found.push((format!("{local}@{domain}").to_lowercase(), from..until));
        }
    }
    found
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

fn strip_scheme(local: &str) -> &str {
    match local.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &local[7..],
        _ => local.rsplit(':').next().unwrap_or(local),
    }
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-:".contains(c)
}

fn is_local_part(local: &str) -> bool {
    (1..=64).contains(&local.len()) && !local.ends_with('.') && !local.contains("..") && !local.contains(':')
}

/// "john dot smith at bright agency dot com": the one address said aloud.
fn spoken(text: &str) -> Option<String> {
    let pieces = pieces(text);
    let typed = text.contains('@');
    let mut found: Vec<String> = (0..pieces.len()).filter_map(|at| address_at(&pieces, at, !typed)).collect();
    found.dedup();
    match found.len() {
        1 => found.pop(),
        _ => None,
    }
}

fn address_at(pieces: &[Piece], at: usize, loose: bool) -> Option<String> {
    if !pieces[at].is_symbol("@") {
        return None;
    }
    let (local, start) = name_before(pieces, at, &[".", "_", "-", "+"], loose)?;
    // "we met at cafe dot com" tells of something else.
    let told = |piece: &Piece| {
        matches!(piece.text.as_str(), "i" | "we" | "you" | "he" | "she" | "they" | "my" | "our")
    };
    if start.checked_sub(1).is_some_and(|before| told(&pieces[before])) {
        return None;
    }
    let (domain, _) = domain_at(pieces, at + 1, loose)?;
    is_local_part(&local).then(|| format!("{local}@{domain}"))
}
