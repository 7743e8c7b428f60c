//! Rate limits per address and per organisation.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use usher_conversation::id::OrgId;
use usher_conversation::problem::Problem;

use super::Fault;
use super::address::limit_key;
use crate::config::Settings;

/// A burst may be this many times the average of one second.
const BURST_SECONDS: u32 = 10;
/// After so many checks the keys that are back at rest are forgotten, so that memory follows the callers of now.
const CHECKS_BETWEEN_SWEEPS: u32 = 65_536;

/// So often within [`FAILURES_WITHIN`] an address may fail to prove who it is.
const FAILURES: u32 = 60;
/// A vendor whose token was changed comes back after so long at the latest.
const FAILURES_WITHIN: Duration = Duration::from_mins(1);
/// Addresses whose failures are remembered.
const FAILING_ADDRESSES: u64 = 65_536;

/// The limits of one server.
pub struct Limits {
    failures: Cache<IpAddr, Arc<AtomicU32>>,
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
        Self {
            failures: Cache::builder().max_capacity(FAILING_ADDRESSES).time_to_live(FAILURES_WITHIN).build(),
            addresses: Keyed::new(settings.rate_per_address),
            orgs: Keyed::new(settings.rate_per_org),
        }
    }

    /// Counts a request of this address whose signature or key was wrong.
    pub fn failed(&self, address: IpAddr) {
        self.failures.get_with(limit_key(address), Arc::default).fetch_add(1, Ordering::Relaxed);
    }

    /// Whether this address may try to prove itself.
    ///
    /// # Errors
    /// The problem to answer with when it failed too often.
    pub fn check_unproved(&self, address: IpAddr) -> Result<(), Fault> {
        let failures = self.failures.get(&limit_key(address));
        if failures.is_none_or(|failures| failures.load(Ordering::Relaxed) < FAILURES) {
            return Ok(());
        }
        let detail = "Too many requests from this address were not signed or had a wrong key.";
        Err(Fault::new(Problem::RateLimited, detail).retry_after(FAILURES_WITHIN.as_secs()))
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
    fn an_address_that_keeps_failing_is_told_to_wait_and_no_other() {
        let settings = Layers::new().resolve().expect("good settings");
        let limits = Limits::new(&settings);
        let address: IpAddr = "2001:db8::7".parse().expect("valid");
        for _ in 0..FAILURES {
            limits.check_unproved(address).expect("not yet");
            limits.failed(address);
        }
        let neighbour = "2001:db8::8".parse().expect("valid");
        let fault = limits.check_unproved(neighbour).expect_err("the same customer");
        assert_eq!(fault.problem(), Problem::RateLimited);
        limits
            .check_unproved("2001:db8:1::7".parse().expect("valid"))
            .expect("another caller is not affected");
    }

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
