//! Rate limits per address and per organisation.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use usher_conversation::id::OrgId;
use usher_conversation::problem::Problem;

use super::Fault;
use super::address::limit_key;
use crate::config::Settings;

/// A burst may be this many times the average of one second.
const BURST_SECONDS: u32 = 10;
/// After so many checks the keys that are back at rest are forgotten, so that memory follows the callers of now.
const CHECKS_BETWEEN_SWEEPS: u32 = 65_536;

/// The limits of one server.
pub struct Limits {
    addresses: Option<Keyed<IpAddr>>,
    orgs: Option<Keyed<OrgId>>,
}

struct Keyed<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    fn new(per_second: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS)?);
        Some(Self {
            limiter: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        })
    }

    fn check(&self, key: &K) -> Result<(), Fault> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_BETWEEN_SWEEPS == CHECKS_BETWEEN_SWEEPS - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Fault::new(Problem::RateLimited, "Please slow down and try again in a moment.")
                .retry_after(wait.as_secs() + 1)
        })
    }
}

impl Limits {
    /// The limits the settings ask for.
    pub fn new(settings: &Settings) -> Self {
        Self { addresses: Keyed::new(settings.rate_per_address), orgs: Keyed::new(settings.rate_per_org) }
    }

    /// Counts a request of this address.
    ///
    /// # Errors
    /// The problem to answer with when it is one too many.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Fault> {
        self.addresses.as_ref().map_or(Ok(()), |limit| limit.check(&limit_key(address)))
    }

    /// Counts a request for this organisation.
    ///
    /// # Errors
    /// The problem to answer with when it is one too many.
    pub fn check_org(&self, org: &OrgId) -> Result<(), Fault> {
        self.orgs.as_ref().map_or(Ok(()), |limit| limit.check(org))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn a_burst_passes_and_what_exceeds_it_is_told_when_to_come_back() {
        let settings = Layers::new()
            .with_flags([("rate_per_address", "1".to_owned())])
            .resolve()
            .expect("good settings");
        let limits = Limits::new(&settings);
        let address: IpAddr = "203.0.113.7".parse().expect("valid");
        for _ in 0..BURST_SECONDS {
            limits.check_address(address).expect("inside the burst");
        }
        let fault = limits.check_address(address).expect_err("one too many");
        assert_eq!(fault.problem(), Problem::RateLimited);
        limits.check_address("203.0.113.8".parse().expect("valid")).expect("another caller is not affected");
    }
}
