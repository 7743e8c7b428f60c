//! Places at which a test lets the whole process die. A release build has none.

/// Dies here, without finishing anything, when `USHER_CRASH_POINT` is `place:n` and this is the n-th time that `place` is
/// reached.
#[cfg(debug_assertions)]
pub fn crash_point(place: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static CHOSEN: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let chosen = std::env::var("USHER_CRASH_POINT").ok()?;
        let (place, count) = chosen.split_once(':')?;
        Some((place.to_owned(), AtomicU32::new(count.parse().ok()?)))
    });
    if let Some((chosen, left)) = &*CHOSEN
        && chosen == place
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub const fn crash_point(_place: &str) {}
