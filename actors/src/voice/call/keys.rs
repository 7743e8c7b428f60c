//! Digits that are typed on the telephone.

use usher_conversation::time::Timestamp;

use super::{Entry, Question};

/// More keys than any answer needs; further ones are left out.
const MOST: usize = 32;

/// What a key means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    /// One more; wait for the rest.
    Pending,
    /// The number is complete.
    Number(Entry),
    /// `#` with nothing before it.
    Pound,
}

/// Keys that wait for the rest of their number: a pause or `#` ends it, `*` starts it afresh.
#[derive(Debug, Default)]
pub(super) struct Keys {
    typed: String,
    /// What was asked at the first of them.
    asked: Option<Question>,
    /// When the pause is long enough.
    due: Option<Timestamp>,
}

impl Keys {
    /// A key was pressed while this was asked.
    pub(super) fn press(
        &mut self,
        key: char,
        asked: Option<&Question>,
        now: Timestamp,
        pause: i64,
    ) -> Pressed {
        match key {
            '0'..='9' => {
                if self.typed.is_empty() {
                    self.asked = asked.cloned();
                }
                if self.typed.len() < MOST {
                    self.typed.push(key);
                }
                self.due = Some(now.plus_millis(pause));
                Pressed::Pending
            }
            '#' => self.take().map_or(Pressed::Pound, Pressed::Number),
            _ => {
                self.take();
                Pressed::Pending
            }
        }
    }

    pub(super) const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The number typed so far.
    pub(super) fn take(&mut self) -> Option<Entry> {
        let Self { typed: text, asked, .. } = std::mem::take(self);
        (!text.is_empty()).then_some(Entry { text, keyed: true, asked })
    }
}
