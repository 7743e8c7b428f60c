//! SPDX licence expressions, as far as crates use them.

/// Whether an expression can be satisfied with the allowed licences alone.
pub(crate) fn permits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    alternatives(&mut words, allowed) && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn alternatives(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut permitted = conjunction(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        permitted |= conjunction(words, allowed);
    }
    permitted
}

fn conjunction(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut permitted = single(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        permitted &= single(words, allowed);
    }
    permitted
}

fn single(words: &mut Words<'_>, allowed: &[String]) -> bool {
    match words.next() {
        Some("(") => alternatives(words, allowed) && words.next() == Some(")"),
        Some(licence) => {
            // An exception only widens what the licence itself allows.
            if words.next_if_eq(&"WITH").is_some() {
                words.next();
            }
            allowed.iter().any(|name| name == licence)
        }
        None => false,
    }
}
