//! When the next message of a lane may start. Pure.

use std::collections::HashMap;

use usher_conversation::id::DeliveryId;
use usher_conversation::time::Timestamp;

/// A bucket one message deep: messages start no closer than their segments take at the lane's rate.
///
/// A message whose start lies beyond its lease is put back, but keeps its place: newcomers queue behind it, so a
/// lane with a backlog neither starves the old nor is asked about all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the lane is free, in microseconds since the epoch: rates above 1,000 per second need the resolution.
    free_at: i64,
    /// The places of messages that were put back.
    promised: HashMap<DeliveryId, i64>,
    /// Forgotten promises are looked for when there are so many.
    prune_at: usize,
}

impl Pace {
    /// Reserves the message's start, or says when to come back when that start is later than `latest`.
    pub(crate) fn reserve(
        &mut self,
        delivery: &DeliveryId,
        now: Timestamp,
        segments: u32,
        per_second: f64,
        latest: Timestamp,
    ) -> Result<Timestamp, Timestamp> {
        let now = now.as_millis().saturating_mul(1000);
        let cost = cost_micros(segments, per_second);
        // A place that passed by unused is lost; otherwise many late ones would start together.
        let promised = self.promised.remove(delivery).filter(|place| place.saturating_add(cost) > now);
        let start = promised.unwrap_or(self.free_at).max(now);
        self.free_at = self.free_at.max(start.saturating_add(cost));
        if start <= latest.as_millis().saturating_mul(1000) {
            return Ok(millis_up(start));
        }
        if self.promised.len() >= self.prune_at {
            self.promised.retain(|_, place| *place > now);
            self.prune_at = (self.promised.len() * 2).max(64);
        }
        self.promised.insert(delivery.clone(), start);
        Err(millis_up(start))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a day, far inside an i64")]
fn cost_micros(segments: u32, per_second: f64) -> i64 {
    const DAY: f64 = 86_400_000_000.0;
    let cost = f64::from(segments.max(1)) * 1_000_000.0 / per_second;
    if cost >= 0.0 { cost.min(DAY) as i64 } else { DAY as i64 }
}

const fn millis_up(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.saturating_add(999).div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FAR: Timestamp = Timestamp::from_millis(i64::MAX / 2000);

    fn id(number: usize) -> DeliveryId {
        format!("dlv_{number}").parse().expect("an id")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn messages_are_spaced_by_their_segments() {
        let mut pace = Pace::default();
        assert_eq!(pace.reserve(&id(1), at(1000), 1, 1.0, FAR), Ok(at(1000)));
        assert_eq!(pace.reserve(&id(2), at(1000), 3, 1.0, FAR), Ok(at(2000)));
        assert_eq!(pace.reserve(&id(3), at(1000), 1, 1.0, FAR), Ok(at(5000)));
        assert_eq!(
            pace.reserve(&id(4), at(9000), 1, 1.0, FAR),
            Ok(at(9000)),
            "an idle lane saves nothing up"
        );
    }

    #[test]
    fn a_message_that_is_put_back_keeps_its_place_before_newcomers() {
        let mut pace = Pace::default();
        assert_eq!(pace.reserve(&id(1), at(0), 1, 0.1, at(5000)), Ok(at(0)));
        assert_eq!(pace.reserve(&id(2), at(0), 1, 0.1, at(5000)), Err(at(10_000)));
        assert_eq!(
            pace.reserve(&id(3), at(6000), 1, 0.1, at(60_000)),
            Ok(at(20_000)),
            "a newcomer queues behind"
        );
        assert_eq!(pace.reserve(&id(2), at(10_000), 1, 0.1, at(15_000)), Ok(at(10_000)));
        assert_eq!(pace.reserve(&id(4), at(10_000), 1, 0.1, at(60_000)), Ok(at(30_000)));
    }

    #[test]
    fn a_place_that_passed_by_unused_is_not_caught_up_in_a_burst() {
        let mut pace = Pace::default();
        for number in 0..5 {
            let _place = pace.reserve(&id(number), at(0), 1, 1.0, at(-1));
        }
        let starts: Vec<_> =
            (0..5).map(|number| pace.reserve(&id(number), at(60_000), 1, 1.0, FAR)).collect();
        assert_eq!(starts, (0..5).map(|number| Ok(at(60_000 + number * 1000))).collect::<Vec<_>>());
    }

    #[test]
    fn a_rate_that_is_no_rate_stops_the_lane_and_does_not_panic() {
        for rate in [0.0, -1.0, f64::NAN] {
            let mut pace = Pace::default();
            assert!(pace.reserve(&id(1), at(0), 1, rate, FAR).is_ok());
            assert!(pace.reserve(&id(2), at(0), 1, rate, FAR).is_ok());
        }
    }

    proptest! {
        #[test]
        fn no_second_holds_more_segments_than_the_rate(
            arrivals in prop::collection::vec((0_i64..300, 1_u32..4), 1..80),
            rate in 1_u32..50,
        ) {
            let (mut pace, mut now, mut starts) = (Pace::default(), 0, Vec::new());
            for (number, (gap, segments)) in arrivals.into_iter().enumerate() {
                now += gap;
                let start = pace.reserve(&id(number), at(now), segments, f64::from(rate), FAR);
                starts.push((start.expect("no deadline").as_millis(), segments));
            }
            for (index, &(first, _)) in starts.iter().enumerate() {
                let in_second: Vec<_> = starts[index..].iter().take_while(|(start, _)| *start < first + 1000).collect();
                let all_but_last: u32 = in_second.iter().rev().skip(1).map(|(_, segments)| segments).sum();
                prop_assert!(all_but_last <= rate, "{in_second:?}");
            }
        }
    }
}
