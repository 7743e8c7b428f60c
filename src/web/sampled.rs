//! Log lines that others can cause as often as they like.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets one line through in a while and counts the others.
pub struct Sampled {
    every: Duration,
    last: Mutex<Option<Instant>>,
    unsaid: AtomicU64,
}

impl Sampled {
    /// One line in `every`.
    pub const fn new(every: Duration) -> Self {
        Self { every, last: Mutex::new(None), unsaid: AtomicU64::new(0) }
    }

    /// How many lines were left out since the last one, when it is time for another; else this one is left out.
    pub fn due(&self) -> Option<u64> {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.duration_since(last) >= self.every) {
            *last = Some(now);
            return Some(self.unsaid.swap(0, Ordering::Relaxed));
        }
        drop(last);
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_leaves_one_and_their_number() {
        let sampled = Sampled::new(Duration::from_hours(1));
        assert_eq!(sampled.due(), Some(0));
        assert!((0..99).all(|_| sampled.due().is_none()));
        *sampled.last.lock().expect("nobody panicked") = None;
        assert_eq!(sampled.due(), Some(99));
    }
}
