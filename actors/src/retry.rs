//! What follows an outcome: settle, try again, look, or give up. Pure; even the jitter is a function of its inputs.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use usher_conversation::id::DeliveryId;
use usher_conversation::ports::{Claimed, Consequence, Lookup, SendOutcome, Settlement};
use usher_conversation::session::DeliveryStatus;
use usher_conversation::time::Timestamp;

use crate::config::RelayConfig;

/// A settlement and what the session must hear about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) settlement: Settlement,
    pub(crate) report: Option<(DeliveryStatus, Option<u32>)>,
}

/// What follows a look-up of a message of which an earlier try ended ambiguously.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AfterLookup {
    /// It never arrived: sending is safe.
    Send,
    /// The matter is settled, for now at least.
    Settle(Verdict),
}

pub(crate) fn after_send(
    policy: &RelayConfig,
    claimed: &Claimed,
    outcome: SendOutcome,
    now: Timestamp,
) -> Verdict {
    match outcome {
        SendOutcome::Accepted { vendor_id, status } => accepted(vendor_id, status),
        SendOutcome::Permanent { error_code, reason, consequence } => {
            dead(error_code, format!("{reason} ({})", explain(consequence)))
        }
        SendOutcome::Transient { error_code, reason, .. } if claimed.attempts + 1 >= policy.max_attempts => {
            dead(error_code, reason)
        }
        SendOutcome::Transient { after_millis, reason, .. } => {
            let asked = after_millis.map_or(0, |millis| i64::try_from(millis).unwrap_or(i64::MAX));
            let at = now.plus_millis(backoff(policy, &claimed.delivery, claimed.attempts).max(asked));
            Verdict { settlement: Settlement::Retry { at, reason }, report: None }
        }
        // Even after the last try: whether it arrived must be known before it is called dead.
        SendOutcome::Ambiguous { reason } => look_later(policy, claimed, reason, now),
    }
}

pub(crate) fn after_lookup(
    policy: &RelayConfig,
    claimed: &Claimed,
    lookup: Lookup,
    now: Timestamp,
) -> AfterLookup {
    match lookup {
        Lookup::Found { vendor_id } => AfterLookup::Settle(accepted(vendor_id, DeliveryStatus::Queued)),
        Lookup::Absent if claimed.attempts >= policy.max_attempts => {
            AfterLookup::Settle(dead(None, "every try failed".to_owned()))
        }
        Lookup::Absent => AfterLookup::Send,
        // Sending blindly could repeat it; a human is asked instead.
        Lookup::Unknown { reason } if claimed.attempts >= policy.max_attempts * 2 => {
            AfterLookup::Settle(dead(None, format!("it may have been sent: {reason}")))
        }
        Lookup::Unknown { reason } => AfterLookup::Settle(look_later(policy, claimed, reason, now)),
    }
}

/// Consent was withdrawn, or the session taken over, while the message waited for its turn.
pub(crate) fn unwanted() -> Verdict {
    let reason = "no longer wanted when its turn came".to_owned();
    Verdict { settlement: Settlement::Dropped { reason }, report: None }
}

/// A look-up found that nothing arrived, but took the time of the send. The next claim sends without asking again; the try
/// counts, so that this cannot go on for ever.
pub(crate) fn after_slow_lookup(now: Timestamp) -> Verdict {
    let reason = "the look-up took too long".to_owned();
    Verdict { settlement: Settlement::Retry { at: now, reason }, report: None }
}

/// The pause before the next try: quadruples, bounded, spread by a quarter either way.
pub(crate) fn backoff(policy: &RelayConfig, delivery: &DeliveryId, attempts: u32) -> i64 {
    let pause = policy
        .backoff_millis
        .saturating_mul(4_i64.saturating_pow(attempts.min(20)))
        .clamp(1, policy.backoff_limit_millis.max(1));
    let spread = pause / 2;
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((delivery, attempts));
    let jitter = i64::try_from(hash % u64::try_from(spread + 1).unwrap_or(1)).unwrap_or(0);
    pause - spread / 2 + jitter
}

const fn accepted(vendor_id: String, status: DeliveryStatus) -> Verdict {
    Verdict { settlement: Settlement::Accepted { vendor_id }, report: Some((status, None)) }
}

pub(crate) const fn dead(error_code: Option<u32>, reason: String) -> Verdict {
    Verdict {
        settlement: Settlement::Dead { error_code, reason },
        report: Some((DeliveryStatus::Failed, error_code)),
    }
}

fn look_later(policy: &RelayConfig, claimed: &Claimed, reason: String, now: Timestamp) -> Verdict {
    let at = now.plus_millis(backoff(policy, &claimed.delivery, claimed.attempts));
    Verdict { settlement: Settlement::Uncertain { at, reason }, report: None }
}

const fn explain(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::Suppress => "the recipient has opted out at the vendor",
        Consequence::Unreachable => "the recipient cannot be reached",
        Consequence::Misconfigured => "the organisation's settings are wrong",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use usher_conversation::channel::Channel;
    use usher_conversation::id::{ContactId, OrgId, SessionId};
    use usher_conversation::session::MessageKind;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn claimed(attempts: u32) -> Claimed {
        let session = SessionId::new(NOW, [1; 16]);
        Claimed {
            delivery: DeliveryId::derive(&session, 1, 0),
            org: OrgId::new(NOW, [2; 16]),
            contact: ContactId::new(NOW, [3; 16]),
            session,
            line: None,
            channel: Channel::Sms,
            kind: MessageKind::Reply,
            to: String::new(),
            text: String::new(),
            attempts,
            uncertain: false,
            lease: 1,
            created_at: NOW,
        }
    }

    fn outcome() -> impl Strategy<Value = SendOutcome> {
        let reason = "said the vendor".to_owned();
        prop_oneof![
            Just(SendOutcome::Accepted { vendor_id: "SM1".to_owned(), status: DeliveryStatus::Queued }),
            Just(SendOutcome::Ambiguous { reason: reason.clone() }),
            any::<Option<u64>>().prop_map({
                let reason = reason.clone();
                move |after_millis| SendOutcome::Transient {
                    after_millis,
                    error_code: None,
                    reason: reason.clone(),
                }
            }),
            Just(SendOutcome::Permanent { error_code: None, reason, consequence: Consequence::Unreachable }),
        ]
    }

    proptest! {
        #[test]
        fn every_outcome_ends_or_waits_for_the_future(outcome in outcome(), attempts in 0_u32..12) {
            let policy = RelayConfig::default();
            let Verdict { settlement, report } = after_send(&policy, &claimed(attempts), outcome.clone(), NOW);
            match settlement {
                Settlement::Retry { at, .. } => {
                    prop_assert!(at > NOW && attempts + 1 < policy.max_attempts && report.is_none());
                }
                Settlement::Uncertain { at, .. } => {
                    let ambiguous = matches!(outcome, SendOutcome::Ambiguous { .. });
                    prop_assert!(at > NOW && report.is_none() && ambiguous);
                }
                Settlement::Accepted { .. } => prop_assert_eq!(report, Some((DeliveryStatus::Queued, None))),
                Settlement::Dead { .. } => prop_assert_eq!(report, Some((DeliveryStatus::Failed, None))),
                Settlement::Defer { .. } | Settlement::Dropped { .. } => prop_assert!(false, "it was tried"),
            }
        }

        #[test]
        fn pauses_grow_stay_bounded_and_are_the_same_every_time(attempts in 0_u32..40) {
            let (policy, delivery) = (RelayConfig::default(), claimed(0).delivery);
            let pause = backoff(&policy, &delivery, attempts);
            prop_assert_eq!(pause, backoff(&policy, &delivery, attempts));
            let full = policy.backoff_millis.saturating_mul(4_i64.saturating_pow(attempts)).min(policy.backoff_limit_millis);
            prop_assert!((full * 3 / 4..=full * 5 / 4).contains(&pause), "{pause} of {full}");
        }
    }

    #[test]
    fn a_message_that_never_arrived_is_sent_again_only_while_tries_are_left() {
        let policy = RelayConfig::default();
        assert_eq!(after_lookup(&policy, &claimed(1), Lookup::Absent, NOW), AfterLookup::Send);
        let last = after_lookup(&policy, &claimed(5), Lookup::Absent, NOW);
        assert!(matches!(last, AfterLookup::Settle(Verdict { settlement: Settlement::Dead { .. }, .. })));
    }
}
