//! The one place that reads the machine's clock and its randomness.

use usher_conversation::ports::{Clock, Entropy};
use usher_conversation::time::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the edge is where the system clock enters")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// The machine's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the edge is where the system's randomness enters")]
    fn bits(&self) -> [u8; 16] {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("the operating system's random source answers after boot");
        bits
    }
}
