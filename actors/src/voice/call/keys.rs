//! Digits that are typed on the telephone.

use usher_conversation::time::Timestamp;

/// More keys than any answer needs; further ones are left out.
const MOST: usize = 32;

/// What a key means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    /// One more; wait for the rest.
    Pending,
    /// The number is complete.
    Number(String),
    /// `#` with nothing before it.
    Pound,
}

/// Keys that wait for the rest of their number: a pause or `#` ends it, `*` starts it afresh.
#[derive(Debug, Default)]
pub(super) struct Keys {
    typed: String,
    /// When the pause is long enough.
    due: Option<Timestamp>,
}

impl Keys {
    pub(super) fn press(&mut self, key: char, now: Timestamp, pause: i64) -> Pressed {
        match key {
            '0'..='9' => {
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
    pub(super) fn take(&mut self) -> Option<String> {
        self.due = None;
        let typed = std::mem::take(&mut self.typed);
        (!typed.is_empty()).then_some(typed)
    }
}
