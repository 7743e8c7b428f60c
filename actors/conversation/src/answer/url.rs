//! Web addresses, written or spoken, with a scheme and a lower-case host.

use std::ops::Range;

use url::{Host, Url};

use super::spelled::{Kind, Piece, domain_at, name_before, pieces};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

pub(super) fn parse(text: &str, _: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut found: Vec<String> = find(text).into_iter().map(|(url, _)| url).collect();
    found.dedup();
    match found.len() {
        0 => spoken(text).or_else(|| slipped(text)).map(AnswerValue::Url).ok_or(Cause::NotRecognised),
        1 => Ok(AnswerValue::Url(found.remove(0))),
        _ => Err(Cause::Ambiguous { readings: found }),
    }
}

/// `acme,com` and `acme. com` alone: a comma or a space slipped into the address.
fn slipped(text: &str) -> Option<String> {
    let mended = [",", ". ", " ."].into_iter().find_map(|slip| {
        let (name, top) = text.trim().split_once(slip)?;
        let whole = !name.contains(char::is_whitespace) && matches!(top, "com" | "net" | "org" | "io" | "co");
        whole.then(|| format!("{name}.{top}"))
    });
    normalise(&mended?)
}

/// Every written web address in a message and where it stands.
pub(super) fn find(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for chunk in
        text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | ',' | ';'))
    {
        let trimmed = chunk.trim_matches(|c: char| "[]{}'*_.!?:|".contains(c));
        if let Some(url) = normalise(trimmed) {
            // `split` and `trim` return parts of `text`, so the distance between them is the offset.
            let start = trimmed.as_ptr() as usize - text.as_ptr() as usize;
            found.push((url, start..start + trimmed.len()));
        }
    }
    found
}

/// A written address with a scheme and a real domain, or nothing.
fn normalise(chunk: &str) -> Option<String> {
    let rest = strip_scheme(chunk)?;
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or(rest);
    if rest.contains('@') && !rest[host.len()..].starts_with('/') {
        return None;
    }
    if !super::spelled::is_domain(host) || is_two_sentences(chunk, host) {
        return None;
    }
    let secure = !chunk.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let url = Url::parse(&format!("{}://{rest}", if secure { "https" } else { "http" })).ok()?;
    matches!(url.host(), Some(Host::Domain(_))).then(|| without_bare_slash(&url))
}

/// "I have none.Maybe later": the space behind the full stop was left out.
fn is_two_sentences(chunk: &str, host: &str) -> bool {
    const KNOWN: [&str; 8] = ["com", "net", "org", "info", "biz", "app", "dev", "shop"];
    const ENDS: [&str; 12] =
        ["is", "it", "one", "yet", "no", "yes", "now", "ok", "that", "this", "website", "site"];
    let (Some(first), Some(top)) = (host.split('.').next(), host.rsplit('.').next()) else { return false };
    let is_one_of = |list: &[&str], label: &str| list.iter().any(|known| label.eq_ignore_ascii_case(known));
    let mut letters = top.chars();
    let capital = letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase);
    let known = top.len() == 2 || is_one_of(&KNOWN, top);
    chunk == host && !known && (capital || is_one_of(&ENDS, first))
}

/// What follows the scheme; nothing for a scheme other than `http(s)`.
fn strip_scheme(chunk: &str) -> Option<&str> {
    match chunk.split_once("://") {
        Some((scheme, rest)) => {
            (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")).then_some(rest)
        }
        // The colon or the slashes were left out.
        None => Some(
            ["https//", "http//", "https:", "http:"]
                .iter()
                .find_map(|slip| chunk.strip_prefix(slip))
                .unwrap_or(chunk),
        ),
    }
}

fn without_bare_slash(url: &Url) -> String {
    let text = url.as_str();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if bare { text.trim_end_matches('/').to_owned() } else { text.to_owned() }
}

/// "bright agency dot com slash contact".
fn spoken(text: &str) -> Option<String> {
    let words = super::words::words(text);
    let said =
        words.iter().any(|word| word.is_any(&["dot", "punto", "period"]) || (word.is(".") && !word.glued));
    if !said || text.contains('@') || text.contains("://") {
        return None;
    }
    let pieces = pieces(text);
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        match address_at(&pieces, at) {
            Some((url, next)) => {
                if !found.contains(&url) {
                    found.push(url);
                }
                at = next;
            }
            None => at += 1,
        }
    }
    if found.len() == 1 { found.pop() } else { None }
}

/// The address whose first dot is at `dot`, and the index after it.
fn address_at(pieces: &[Piece], dot: usize) -> Option<(String, usize)> {
    if !pieces[dot].is_symbol(".") {
        return None;
    }
    let (_, start) = name_before(pieces, dot, &["-"], true)?;
    if start > 0 && pieces[start - 1].is_symbol("@") {
        return None;
    }
    let (mut address, mut next) = domain_at(pieces, start, true)?;
    while let [slash, word] = pieces.get(next..next + 2).unwrap_or_default() {
        if !(slash.is_symbol("/") && word.kind != Kind::Symbol) {
            break;
        }
        address.push('/');
        address.push_str(&word.text);
        next += 2;
    }
    normalise(&address).map(|url| (url, next))
}

/// An address as people say it: without scheme and `www.`.
pub(super) fn display(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.strip_prefix("www.").unwrap_or(rest).to_owned()
}
