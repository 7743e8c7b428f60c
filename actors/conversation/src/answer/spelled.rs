//! Addresses as people say them: "john dot smith at bright agency dot com".

use super::words::{Word, longest_phrase, phrase_at, tens, unit, words};

/// A piece of a spoken or loosely typed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// Touches the piece before it.
    pub(super) glued: bool,
    /// Where it ends in the message.
    pub(super) end: usize,
    /// Where it begins.
    pub(super) start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters or digits of the address.
    Word,
    /// `@ . - _ + /`, written or spoken.
    Symbol,
    /// A word that is not part of an address.
    Other,
}

impl Piece {
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// Words of a sentence around an address; they are never joined to it.
const AROUND: &[&str] = &[
    "lowercase",
    "uppercase",
    "capital",
    "caps",
    "a",
    "address",
    "also",
    "an",
    "and",
    "best",
    "by",
    "can",
    "colon",
    "contact",
    "correo",
    "electronico",
    "email",
    "es",
    "for",
    "hello",
    "here",
    "hey",
    "hi",
    "http",
    "https",
    "i",
    "im",
    "is",
    "it",
    "its",
    "just",
    "mail",
    "me",
    "mi",
    "my",
    "name",
    "no",
    "of",
    "he",
    "ok",
    "okay",
    "on",
    "or",
    "our",
    "page",
    "please",
    "reach",
    "send",
    "site",
    "she",
    "so",
    "sure",
    "thanks",
    "that",
    "thats",
    "the",
    "they",
    "this",
    "to",
    "try",
    "um",
    "uh",
    "url",
    "use",
    "we",
    "website",
    "well",
    "with",
    "y",
    "yeah",
    "yes",
    "you",
];

/// How an address is written, said beside it.
const ASIDES: [&str; 6] =
    ["all one word", "one word", "no spaces", "all lowercase", "all lower case", "forward"];
/// Everyday words that name a mailbox at the beginning of an address.
const MAILBOXES: [&str; 5] = ["hello", "hi", "contact", "mail", "me"];

/// The pieces of a message. Spoken signs become symbols, spoken digits become digits, brackets vanish.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let words = words(text);
    let mut out = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if let Some(used) = spoken_www(&words, at) {
            out.push(piece(&words[at..at + used], "www".to_owned(), Kind::Word));
            at += used;
            continue;
        }
        let word = &words[at];
        if let Some((_, used)) = longest_phrase(&words, at, &ASIDES) {
            at += used;
            continue;
        }
        if let Some(used) = letter_as_in(&words, at) {
            out.push(piece(std::slice::from_ref(word), word.text.clone(), Kind::Word));
            at += used;
            continue;
        }
        if phrase_at(&words, at, "guion bajo") {
            out.push(piece(&words[at..at + 2], "_".to_owned(), Kind::Symbol));
            at += 2;
            continue;
        }
        if let Some((digits, used)) = spoken_number(&words, at) {
            out.push(piece(&words[at..at + used], digits, Kind::Word));
            at += used;
            continue;
        }
        at += 1;
        // "info at the bakery dot com": behind the sign an everyday word begins the domain.
        let begins_domain = out.last().is_some_and(|last: &Piece| last.is_symbol("@")) && word.is_letters();
        match symbol(word) {
            Some(symbol) => {
                out.push(piece(std::slice::from_ref(word), symbol.to_owned(), Kind::Symbol));
                // "plus sign"
                at += usize::from(word.is_letters() && words.get(at).is_some_and(|next| next.is("sign")));
            }
            None if word.is_any(&["(", ")", "[", "]", "<", ">", "\"", "'"]) => {}
            None => {
                let joins = (word.is_letters() || word.is_number()) && word.text.is_ascii();
                let inside = word.glued || words.get(at).is_some_and(|next| next.glued && symbol_char(next));
                let mailbox = word.is_any(&MAILBOXES)
                    && words.get(at).is_some_and(|next| symbol(next) == Some("@"))
                    && (at == 1 || words[at - 2].is_any(&["is", "its", "email", "es", "correo", ":"]));
                let inside = inside || begins_domain || mailbox || is_joined(&words, at - 1);
                let kind = if joins && (inside || !AROUND.contains(&word.text.as_str())) {
                    Kind::Word
                } else {
                    Kind::Other
                };
                out.push(piece(std::slice::from_ref(word), word.text.clone(), kind));
            }
        }
    }
    out
}

/// "j as in john,": a letter and the word that explains it.
fn letter_as_in(words: &[Word], at: usize) -> Option<usize> {
    let letter = words[at].is_letters() && words[at].text.chars().count() == 1;
    let explained =
        letter && at + 3 < words.len() && phrase_at(words, at + 1, "as in") && words[at + 3].is_letters();
    explained.then(|| 4 + usize::from(words.get(at + 4).is_some_and(|next| next.is(","))))
}

/// "my dash company", "d a n a": an everyday word that a spoken joiner or its neighbours make part of an address.
fn is_joined(words: &[Word], at: usize) -> bool {
    let next = words.get(at + 1);
    // "with a dot com" names nothing.
    let joined = next.is_some_and(|next| next.is_any(&["dash", "underscore", "hyphen", "plus", "dot"]))
        && !words[at].is_any(&["a", "an"]);
    let letter = |word: &Word| word.text.len() == 1 && word.is_letters();
    let spelled = letter(&words[at])
        && (next.is_some_and(letter) || at.checked_sub(1).is_some_and(|before| letter(&words[before])));
    joined || spelled
}

fn piece(words: &[Word], text: String, kind: Kind) -> Piece {
    let (first, last) = (&words[0], &words[words.len() - 1]);
    Piece { text, kind, glued: first.glued, start: first.at.start, end: last.at.end }
}

fn symbol_char(word: &Word) -> bool {
    word.is_any(&["@", ".", "-", "_", "+"])
}

fn symbol(word: &Word) -> Option<&'static str> {
    Some(match word.text.as_str() {
        "@" | "at" | "arroba" => "@",
        "." | "dot" | "period" | "punto" => ".",
        "_" | "underscore" => "_",
        "-" | "dash" | "hyphen" | "guion" => "-",
        "+" | "plus" => "+",
        "/" | "slash" | "barra" => "/",
        _ => return None,
    })
}

/// "w w w", "double u double u double u", "triple w".
fn spoken_www(words: &[Word], at: usize) -> Option<usize> {
    let spoken =
        ["w w w", "double u double u double u", "doubleu doubleu doubleu", "triple w", "triple double u"];
    spoken.into_iter().find(|phrase| phrase_at(words, at, phrase)).map(|phrase| phrase.split(' ').count())
}

/// "four two" and "twenty five" inside an address are digits.
fn spoken_number(words: &[Word], at: usize) -> Option<(String, usize)> {
    if let Some(value) = unit(&words[at].text) {
        return Some((value.to_string(), 1));
    }
    let value = tens(&words[at].text)?;
    match words.get(at + 1).and_then(|word| unit(&word.text)).filter(|ones| (1..10).contains(ones)) {
        Some(ones) => Some(((value + ones).to_string(), 2)),
        None => Some((value.to_string(), 1)),
    }
}

/// The most words that are joined into one name ("bright agency dot com", or letters said one by one).
const JOINED: usize = 30;

/// The name that ends just before `end`: its text and the index it begins at. Words that only stand beside each
/// other are joined when `loose`.
pub(super) fn name_before(
    pieces: &[Piece],
    end: usize,
    joiners: &[&str],
    loose: bool,
) -> Option<(String, usize)> {
    let mut start = end;
    let mut words = 0;
    while start > 0 && words < JOINED {
        let here = &pieces[start - 1];
        let last_is_word = start < end && pieces[start].kind == Kind::Word;
        let takes = match here.kind {
            Kind::Word if !last_is_word => true,
            Kind::Word => pieces[start].glued || loose,
            Kind::Symbol => last_is_word && joiners.contains(&here.text.as_str()),
            Kind::Other => false,
        };
        if !takes {
            break;
        }
        words += 1;
        start -= 1;
    }
    while start < end && pieces[start].kind == Kind::Symbol {
        start += 1;
    }
    (start < end).then(|| (unspell(&pieces[start..end]), start))
}

/// Joins pieces; hyphens between letters said one by one ("j-o-h-n") are dropped.
fn unspell(pieces: &[Piece]) -> String {
    let single =
        |at: usize| pieces.get(at).is_some_and(|piece| piece.kind == Kind::Word && piece.text.len() == 1);
    let spelled = (0..pieces.len()).filter(|at| single(*at)).count() >= 3;
    let mut out = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let between_letters = at > 0 && piece.is_symbol("-") && single(at - 1) && single(at + 1);
        if !(spelled && between_letters) {
            out.push_str(&piece.text);
        }
    }
    out
}

/// The domain that begins at `at`: its text and the index after it.
pub(super) fn domain_at(pieces: &[Piece], at: usize, loose: bool) -> Option<(String, usize)> {
    let mut domain = String::new();
    let mut next = at;
    loop {
        let end = label_end(pieces, next, loose)?;
        let dot_follows = |from: usize| pieces.get(from).is_some_and(|piece| piece.is_symbol("."));
        let is_last =
            !domain.is_empty() && (!dot_follows(end) || label_end(pieces, end + 1, loose).is_none());
        // The last label is one word: what follows "dot com" is the rest of the sentence.
        let end = if is_last { glued_end(pieces, next) } else { end };
        domain.push_str(&unspell(&pieces[next..end]));
        next = end;
        if is_last {
            break;
        }
        if !dot_follows(next) {
            return None;
        }
        domain.push('.');
        next += 1;
    }
    is_domain(&domain).then_some((domain, next))
}

fn label_end(pieces: &[Piece], at: usize, loose: bool) -> Option<usize> {
    if pieces.get(at)?.kind != Kind::Word {
        return None;
    }
    let mut end = at + 1;
    while let Some(piece) = pieces.get(end).filter(|_| end - at < JOINED) {
        let hyphen = piece.is_symbol("-") && pieces.get(end + 1).is_some_and(|next| next.kind == Kind::Word);
        if !(hyphen || (piece.kind == Kind::Word && (piece.glued || loose || pieces[end - 1].is_symbol("-"))))
        {
            break;
        }
        end += 1;
    }
    Some(end)
}

fn glued_end(pieces: &[Piece], at: usize) -> usize {
    let mut end = at + 1;
    while pieces.get(end).is_some_and(|piece| piece.kind == Kind::Word && piece.glued) {
        end += 1;
    }
    end
}

/// Whether the text is a domain name with a top-level domain made of letters.
pub(super) fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let top = |top: &str| top.len() >= 2 && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
    domain.len() <= 253
        && domain.split('.').all(label)
        && domain.rsplit_once('.').is_some_and(|(_, last)| top(last))
}
