//! When each frame left and arrived.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::stats::{number, quantile};

/// Frames whose departure is remembered: five seconds of sound.
const REMEMBERED: usize = 256;
/// Characters of base64 that hold a frame's number.
pub(super) const DIGITS: usize = 8;
/// Base64 of 160 bytes: 20 ms of telephone sound.
pub(super) const PAYLOAD: usize = 216;

/// The sound of frame `number`: valid base64 that begins with the number.
pub(super) fn sound(number: u64) -> String {
    let mut out = format!("{number:0DIGITS$}");
    out.push_str(&"f".repeat(PAYLOAD - DIGITS - 2));
    out.push_str("==");
    out
}

/// The number of the frame whose sound stands behind one of the members that carry sound.
pub(super) fn number_in(frame: &[u8]) -> Option<u64> {
    const MEMBERS: [&[u8]; 3] = [b"\"payload\":\"", b"\"user_audio_chunk\":\"", b"\"audio_base_64\":\""];
    let found = MEMBERS.iter().find_map(|member| {
        let at = frame.windows(member.len()).position(|window| window == *member)?;
        frame.get(at + member.len()..at + member.len() + DIGITS)
    });
    std::str::from_utf8(found?).ok()?.parse().ok()
}

/// One direction of one call.
#[derive(Debug)]
pub struct Direction {
    begun: Instant,
    sent: AtomicU64,
    departures: [AtomicU64; REMEMBERED],
    seen: Mutex<Seen>,
}

/// What arrived.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Frames that arrived.
    pub arrived: u64,
    /// Frames that arrived after one with a higher number.
    pub disordered: u64,
    /// Milliseconds on the way, of every frame since [`Direction::forget`].
    pub latencies: Vec<f64>,
    newest: u64,
}

impl Direction {
    fn new(begun: Instant) -> Self {
        Self {
            begun,
            sent: AtomicU64::new(0),
            departures: [const { AtomicU64::new(0) }; REMEMBERED],
            seen: Mutex::default(),
        }
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn slot(&self, number: u64) -> &AtomicU64 {
        &self.departures[usize::try_from(number).unwrap_or(0) % REMEMBERED]
    }

    /// The next frame leaves now; its number, from 1.
    pub(super) fn depart(&self) -> u64 {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        self.slot(number).store(self.nanos(), Ordering::Relaxed);
        number
    }

    /// A frame arrived.
    pub(super) fn arrive(&self, frame: u64) {
        let took = self.nanos().saturating_sub(self.slot(frame).load(Ordering::Relaxed));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.arrived += 1;
        seen.disordered += u64::from(frame < seen.newest);
        seen.newest = seen.newest.max(frame);
        seen.latencies.push(number(took) / 1e6);
    }

    /// What happened from here on is what counts for latency.
    pub fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).latencies.clear();
    }

    /// Frames that left.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// What arrived so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Both directions of one call.
#[derive(Debug)]
pub struct Meter {
    /// The contact's voice, from the carrier to the agent.
    pub there: Direction,
    /// The agent's voice, back to the carrier.
    pub back: Direction,
}

impl Meter {
    /// For a call that begins.
    pub fn new() -> Arc<Self> {
        let begun = Instant::now();
        Arc::new(Self { there: Direction::new(begun), back: Direction::new(begun) })
    }
}

/// The 50th and the 99th percentile of all latencies.
pub fn percentiles(seen: &[Seen]) -> (f64, f64) {
    let all: Vec<f64> = seen.iter().flat_map(|seen| seen.latencies.iter().copied()).collect();
    (quantile(&all, 0.5), quantile(&all, 0.99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_number_in_every_wrapping() {
        let sound = sound(4711);
        assert_eq!(sound.len(), PAYLOAD);
        for frame in [
            format!(r#"{{"event":"media","media":{{"payload":"{sound}"}}}}"#),
            format!(r#"{{"user_audio_chunk":"{sound}"}}"#),
            format!(r#"{{"type":"audio","audio_event":{{"audio_base_64":"{sound}","event_id":3}}}}"#),
        ] {
            assert_eq!(number_in(frame.as_bytes()), Some(4711));
        }
        assert_eq!(number_in(br#"{"event":"mark"}"#), None);
    }

    #[test]
    fn a_frame_that_was_overtaken_is_noticed() {
        let meter = Meter::new();
        for _ in 0..3 {
            meter.there.depart();
        }
        for arrived in [1, 3, 2] {
            meter.there.arrive(arrived);
        }
        assert_eq!((meter.there.seen().arrived, meter.there.seen().disordered), (3, 1));
    }
}
