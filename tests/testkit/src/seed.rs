//! Randomness that can be repeated.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The number from which a test's every choice follows. Printed, so that a failure can be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// `USHER_TEST_SEED` when set, else `default`: a plain run is the same every time, more rounds vary it.
    pub fn from_env(default: u64) -> Self {
        let seed =
            std::env::var("USHER_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(default);
        Self(seed).announced()
    }

    #[expect(clippy::print_stdout, reason = "the seed is how a failed run is repeated")]
    fn announced(self) -> Self {
        println!("seed {} (repeat with USHER_TEST_SEED={})", self.0, self.0);
        self
    }

    /// The generator of one independent strand of the test.
    pub fn rng(self, strand: u64) -> StdRng {
        StdRng::seed_from_u64(self.0 ^ strand.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// One of `items`, which are not none.
///
/// # Panics
/// When there is nothing to choose from.
pub fn choose<'a, T>(rng: &mut StdRng, items: &'a [T]) -> &'a T {
    assert!(!items.is_empty(), "there is something to choose from");
    &items[rng.random_range(0..items.len())]
}

/// How often to repeat: the number in the environment variable, else `usual`.
pub fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
