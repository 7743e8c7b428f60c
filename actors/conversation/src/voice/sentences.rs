//! Where sentences end.

/// Where the sentences of `text` end, in bytes. What follows the last has no end yet.
pub fn sentence_ends(text: &str) -> impl Iterator<Item = usize> {
    let ends = |mark: char| matches!(mark, '.' | '!' | '?' | '…');
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while let Some((at, mark)) = chars.next() {
            if ends(mark) && chars.peek().is_none_or(|(_, next)| next.is_whitespace()) {
                return Some(at + mark.len_utf8());
            }
        }
        None
    })
}

/// The whole sentences at the start of `text`; empty when not even the first ends in it.
pub fn whole_sentences(text: &str) -> &str {
    &text[..sentence_ends(text).last().unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_with_their_mark_and_not_inside_a_number() {
        assert_eq!(whole_sentences("Hi Dana. It costs 3.50 a mon"), "Hi Dana.");
        assert_eq!(whole_sentences("Well then"), "");
        assert_eq!(whole_sentences("Really? Yes!"), "Really? Yes!");
    }
}
