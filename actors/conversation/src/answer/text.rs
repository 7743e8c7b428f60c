//! Free text: tidied, and held to its limits.

use super::words::{Word, longest_phrase, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

/// What is named: "the business …", "my company name …".
const NAMED: [&str; 26] = [
    "business",
    "company",
    "shop",
    "store",
    "firm",
    "agency",
    "practice",
    "restaurant",
    "brand",
    "studio",
    "organization",
    "name",
    "business name",
    "company name",
    "full name",
    "shop name",
    "store name",
    "brand name",
    "name of the business",
    "name of my business",
    "name of our business",
    "name of the company",
    "name of my company",
    "name of our company",
    "empresa",
    "negocio",
];
/// Announce a name and nothing else.
const CALLED: [&str; 20] = [
    "is called",
    "is named",
    "name is",
    "goes by",
    "called",
    "named",
    "we go by",
    "i go by",
    "its called",
    "it is called",
    "were called",
    "we are called",
    "theyre called",
    "its named",
    "we call it",
    "i call it",
    "se llama",
    "nos llamamos",
    "me llamo",
    "known as",
];
/// Announce an answer, or begin it: "it's Acme", but "It's a Wrap" is a name.
const WEAK: [&str; 14] = [
    "its",
    "it is",
    "it was",
    "thats",
    "that is",
    "that would be",
    "it would be",
    "were",
    "we are",
    "this is",
    "es",
    "somos",
    "it should be",
    "make it",
];
/// Begin the rest of a sentence rather than a name.
const GOES_ON: [&str; 24] = [
    "a", "an", "the", "my", "our", "not", "all", "your", "going", "about", "so", "very", "just", "for", "in",
    "on", "at", "in", "un", "una", "el", "la", "to", "as",
];
const HESITATION: [&str; 12] =
    ["um", "umm", "uh", "uhh", "er", "well", "so", "ok", "okay", "yeah", "sure", "yes"];
const HEDGES: [&str; 9] =
    ["i guess", "i think", "i suppose", "i believe", "creo", "supongo", "period", "full stop", "comma"];
/// Doubt before an answer that is announced: "I think it's Acme".
const DOUBTS: [&str; 5] = ["i think", "i believe", "i guess", "i suppose", "creo que"];

/// One line as an answer in conversation: without quotes around it and without the words that only announce it.
pub(super) fn said_line(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    line(announced(text), ctx)
}

/// What is announced by "the business is called …", "it's …" or "our name is …"; the text itself without such words.
fn announced(text: &str) -> &str {
    let all = words(text);
    let hesitation = |word: &&Word| word.is_any(&HESITATION);
    let from = all.iter().take_while(hesitation).count();
    let from = from + usize::from(from > 0 && all.get(from).is_some_and(|word| word.is(",")));
    let from = longest_phrase(&all[from.min(all.len())..], 0, &DOUBTS)
        .map(|(_, used)| from + used)
        .filter(|next| longest_phrase(&all[*next..], 0, &WEAK).is_some())
        .unwrap_or(from);
    let lead = lead(text, &all, from);
    let hesitated = all.first().is_some_and(|word| word.is_any(&HESITATION[..5]));
    let at = lead.or((hesitated && from < all.len()).then_some(from)).unwrap_or(0);
    let rest = all.get(at).map_or(text, |word| &text[word.at.start..]);
    unquoted(without_hedge(rest).trim())
}

/// The index after the words that announce a name from `from` on.
fn lead(text: &str, all: &[Word], from: usize) -> Option<usize> {
    let phrase =
        |at: usize, phrases: &[&str]| longest_phrase(all.get(at..)?, 0, phrases).map(|(_, used)| at + used);
    let article = phrase(from, &["my", "the", "our", "mi", "el", "la", "nuestra", "nuestro"]).unwrap_or(from);
    let strong = phrase(article, &NAMED).and_then(|next| {
        let named = all[next - 1].is("name") || all[article].is("name");
        phrase(next, &CALLED).or_else(|| {
            let copula = phrase(next, &["is", ":", "es", "s"])?;
            // "The Business Is Good Cafe" is a name from its first word.
            let title = starts_upper(text, &all[copula - 1]);
            (!title && (named || all[copula - 1].is(":") || looks_like_a_name(text, all, copula)))
                .then_some(copula)
        })
    });
    let weak = || {
        let next = phrase(from, &WEAK).map(|next| phrase(next, &["just"]).unwrap_or(next))?;
        let capitals = all[from + 1..next].iter().any(|word| starts_upper(text, word));
        (!capitals && looks_like_a_name(text, all, next)).then_some(next)
    };
    let end = strong.or_else(|| phrase(from, &CALLED)).or_else(weak)?;
    let end = phrase(end, &[":", ","]).unwrap_or(end);
    (end < all.len()).then_some(end)
}

fn starts_upper(text: &str, word: &Word) -> bool {
    text[word.at.clone()].chars().next().is_some_and(char::is_uppercase)
}

/// Whether a name may begin at `at`: with a capital or a digit, or anyhow where nobody took the trouble of capitals.
fn looks_like_a_name(text: &str, all: &[Word], at: usize) -> bool {
    let Some(word) = all.get(at) else { return false };
    let no_capitals = all[at..].iter().all(|word| !starts_upper(text, word));
    starts_upper(text, word) || word.is_number() || (no_capitals && !word.is_any(&GOES_ON))
}

fn without_hedge(text: &str) -> &str {
    let all = words(text);
    let hedge = HEDGES.iter().find_map(|hedge| {
        let at = all.len().checked_sub(hedge.split(' ').count()).filter(|at| *at > 0)?;
        super::words::phrase_at(&all, at, hedge).then_some(at)
    });
    hedge.map_or(text, |at| text[..all[at].at.start].trim_end_matches([' ', ',']))
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix(['"', '\u{201c}']).and_then(|rest| rest.strip_suffix(['"', '\u{201d}']));
    inner.map_or(text, str::trim)
}

/// One line: every run of white space is one space.
pub(super) fn line(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let line = single_line(text);
    check(&line, ctx)?;
    Ok(AnswerValue::Text(line))
}

/// Several lines: white space at line ends goes, no more than one empty line in a row stays.
pub(super) fn lines(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut out = String::with_capacity(text.len());
    for line in text.lines().map(single_line) {
        if !(line.is_empty() && (out.is_empty() || out.ends_with("\n\n"))) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    let tidy = out.trim_end();
    check(tidy, ctx)?;
    Ok(AnswerValue::Text(tidy.to_owned()))
}

/// `text` with every run of white space as one space and control characters gone.
pub(super) fn single_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Applies the limits on length; something of meaning must be left.
pub(super) fn check(text: &str, ctx: &ParseContext<'_>) -> Result<(), Cause> {
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Cause::NotRecognised);
    }
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    if let Some(min) = ctx.validation.min_length.filter(|min| length < *min) {
        return Err(Cause::TooShort { min });
    }
    match ctx.validation.max_length.filter(|max| length > *max) {
        Some(max) => Err(Cause::TooLong { max }),
        None => Ok(()),
    }
}
