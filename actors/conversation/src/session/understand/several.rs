//! Answers in the order of the questions: "Reyes Plumbing, 415-555-0142, yes", one per line, or a numbered list.

use crate::flow::Field;
use crate::session::reading::{self, Found};

use super::{Ear, Intent};

impl<'a> Ear<'a> {
    /// An answer to the pending question and to each one after it, if the message is just such a list. Words fit
    /// nearly any question: the list must also hold something that fits its place and few others.
    pub(super) fn in_order(&self, text: &str) -> Option<Vec<Intent>> {
        let pending = self.pending.filter(|_| self.state.confirmation().is_none())?;
        let mut open =
            self.meta.flow.fields.iter().skip_while(|field| field.id != pending.id).filter(|field| {
                field.id == pending.id
                    || (!self.state.is_settled(&field.id) && reading::is_visible(self.state, field))
            });
        let by_line = text.trim().contains('\n');
        let pieces = text.split(|c: char| c == '\n' || (!by_line && matches!(c, ',' | ';')));
        let pieces: Vec<&str> = pieces.map(without_number).filter(|piece| !piece.is_empty()).collect();
        let goes_on =
            |piece: &&str| ["but ", "and ", "y ", "pero "].iter().any(|word| piece.starts_with(word));
        if pieces.len() < 2 || pieces.iter().any(goes_on) {
            return None;
        }
        let mut sure = false;
        let mut intents = Vec::with_capacity(pieces.len());
        for (place, piece) in pieces.into_iter().enumerate() {
            let field: &'a Field = open.next()?;
            sure |= place > 0 && !field.kind.takes_words();
            intents.push(self.read(field, piece)?);
        }
        sure.then_some(intents)
    }
}

/// What is left of a message without the answers that were found in it.
pub(super) fn without(text: &str, found: &[Found]) -> String {
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    for found in found {
        left.push_str(text.get(at..found.at.start).unwrap_or_default());
        left.push(' ');
        at = at.max(found.at.end);
    }
    left.push_str(text.get(at..).unwrap_or_default());
    left
}

/// What comes before the first of the answers that were found.
pub(super) fn before<'t>(text: &'t str, found: &[Found]) -> &'t str {
    found.iter().map(|found| found.at.start).min().map_or(text, |end| &text[..end])
}

/// The words in front that belong to none of the answers that were found: a statement of their own, or what a comma
/// sets apart. "You can reach me at dana@acme.com" has none.
pub(super) fn lead<'t>(text: &'t str, found: &[Found]) -> Option<&'t str> {
    const DISCOURSE: [&str; 10] =
        ["first", "also", "ok", "okay", "next", "then", "well", "primero", "ademas", "tambien"];
    let first = found.iter().min_by_key(|found| found.from)?;
    let before = text.get(..first.from).unwrap_or_default();
    let lead = if before.trim().is_empty() {
        let before = self::before(text, found);
        before.rsplit_once([',', ';', ':']).map_or(before, |(lead, _)| lead)
    } else {
        before
    };
    let lead = without_number(trim_joiners(lead));
    let announces = |word: &str| {
        [
            "you", "we", "i", "its", "reach", "contact", "call", "email", "text", "here", "send", "best",
            "at", "mi", "my",
        ]
        .contains(&super::words::fold(word).as_str())
    };
    if DISCOURSE.contains(&super::words::fold(lead).as_str()) {
        return None;
    }
    let sentence = before.trim().is_empty() && lead.split_whitespace().next().is_some_and(announces);
    (!lead.is_empty() && !sentence).then_some(lead)
}

/// Without the words and marks that lead on to the next statement.
pub(super) fn trim_joiners(text: &str) -> &str {
    const JOINERS: [&str; 14] =
        ["and", "my", "our", "the", "its", "it's", "y", "mi", "also", "but", "is", "with", "plus", "so"];
    let mut text = text.trim_end_matches([' ', ',', ';', '.', '\n', '-', ':']);
    let joins = |word: &str| JOINERS.iter().any(|joiner| word.eq_ignore_ascii_case(joiner));
    if joins(text) {
        return "";
    }
    while let Some((rest, _)) = text.rsplit_once([' ', ',']).filter(|(_, last)| joins(last)) {
        text = rest.trim_end_matches([' ', ',', ';', '.', '\n', '-', ':']);
    }
    text
}

/// `2. Dana Smith` and `2) Dana Smith` without the number.
pub(super) fn without_number(piece: &str) -> &str {
    let piece = piece.trim();
    let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = (1..=2).contains(&(piece.len() - rest.len()));
    let marked = rest.strip_prefix(['.', ')', ':']).filter(|rest| rest.starts_with(' ') && numbered);
    marked.unwrap_or(piece).trim_start_matches(['-', '•', '*']).trim()
}

#[cfg(test)]
mod tests {
    use super::without_number;

    #[test]
    fn only_the_number_of_a_list_goes() {
        for (piece, left) in [
            ("1. Reyes Plumbing", "Reyes Plumbing"),
            ("2) Dana", "Dana"),
            ("- Dana", "Dana"),
            ("415-555-0142", "415-555-0142"),
            ("3.5", "3.5"),
            ("12", "12"),
        ] {
            assert_eq!(without_number(piece), left);
        }
    }
}
