//! Answers in the order of the questions: "Reyes Plumbing, 415-555-0142, yes", one per line, or a numbered list.

use crate::flow::{Field, FieldType};
use crate::session::reading;

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
        if pieces.len() < 2 {
            return None;
        }
        let mut sure = false;
        let mut intents = Vec::with_capacity(pieces.len());
        for (place, piece) in pieces.into_iter().enumerate() {
            let field: &'a Field = open.next()?;
            sure |= place > 0 && !takes_words(field.kind);
            intents.push(self.read(field, piece)?);
        }
        sure.then_some(intents)
    }
}

const fn takes_words(kind: FieldType) -> bool {
    matches!(kind, FieldType::Text | FieldType::LongText | FieldType::PersonName | FieldType::Address)
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
