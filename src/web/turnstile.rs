//! How many of a kind may be inside at one time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts who is inside, per key.
#[derive(Debug)]
pub struct Turnstile<K> {
    bound: usize,
    inside: Mutex<HashMap<K, usize>>,
}

impl<K: Hash + Eq + Clone> Turnstile<K> {
    /// Lets at most `bound` of a key in.
    pub fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self { bound, inside: Mutex::default() })
    }

    /// A place, when there is one. It is free again when the pass is dropped.
    pub fn enter(self: &Arc<Self>, key: K) -> Option<Pass<K>> {
        let mut inside = self.lock();
        let count = inside.entry(key.clone()).or_default();
        if *count >= self.bound {
            return None;
        }
        *count += 1;
        drop(inside);
        Some(Pass { turnstile: Arc::clone(self), key })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place inside.
#[derive(Debug)]
pub struct Pass<K: Hash + Eq + Clone> {
    turnstile: Arc<Turnstile<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Drop for Pass<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.turnstile.lock().entry(self.key.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room_and_nothing_is_kept_of_them() {
        let turnstile = Turnstile::new(2);
        let first = turnstile.enter("a").expect("room");
        let _second = turnstile.enter("a").expect("room");
        assert!(turnstile.enter("a").is_none());
        let other = turnstile.enter("b").expect("another key has its own places");
        drop(first);
        let _third = turnstile.enter("a").expect("room again");
        drop(other);
        assert_eq!(turnstile.lock().len(), 1);
    }
}
