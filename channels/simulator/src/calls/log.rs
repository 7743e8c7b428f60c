//! What happened on a call, in order, for tests and for the page.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

/// Entries kept of one call.
const MAX_ENTRIES: usize = 10_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// Counts the call's entries, from 1.
    pub(crate) seq: u64,
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// What kind of thing.
    pub(crate) event: &'static str,
    /// Its words: a status, a verb's name, what was said.
    pub(crate) text: String,
    /// The rest.
    pub(crate) detail: Value,
}

/// The entries of a call.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    last: u64,
}

impl Log {
    pub(crate) fn add(&mut self, at: i64, event: &'static str, text: String, detail: Value) -> u64 {
        self.last += 1;
        self.entries.push_back(Entry { seq: self.last, at, event, text, detail });
        if self.entries.len() > MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.last
    }

    /// Entries after a number.
    pub(crate) fn since(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        let known = self.entries.partition_point(|entry| entry.seq <= seq);
        self.entries.range(known..)
    }

    /// The number of the newest entry.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// Entries of a kind.
    pub(crate) fn of(&self, event: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.event == event)
    }
}

/// What somebody waits for: `heard:website` is an entry of that kind whose text holds that part, without regard to case;
/// without a kind it is any entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Until {
    event: String,
    part: String,
}

impl Until {
    pub(crate) fn parse(text: &str) -> Self {
        let (event, part) = text.split_once(':').unwrap_or((text, ""));
        Self { event: event.to_owned(), part: part.to_lowercase() }
    }

    pub(crate) fn is(&self, entry: &Entry) -> bool {
        (self.event.is_empty() || self.event == entry.event) && entry.text.to_lowercase().contains(&self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_number_and_by_words() {
        let mut log = Log::default();
        for text in ["ringing", "in-progress", "completed"] {
            log.add(0, "status", text.to_owned(), Value::Null);
        }
        let found = |until: &str, after| {
            let until = Until::parse(until);
            log.since(after).find(|entry| until.is(entry)).map(|entry| entry.seq)
        };
        assert_eq!(found("status", 0), Some(1));
        assert_eq!(found("status:PROGRESS", 0), Some(2));
        assert_eq!(found("status:ringing", 1), None);
        assert_eq!(found("verb", 0), None);
        assert_eq!(found("", 1), Some(2));
    }
}
