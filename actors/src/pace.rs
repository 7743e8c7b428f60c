//! When the next message of a lane may start. Pure.

use usher_conversation::time::Timestamp;

/// A bucket one message deep: messages start no closer than their segments take at the lane's rate, so no second ever
/// holds more than the rate.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the lane is free, in microseconds since the epoch: rates above 1,000 per second need the resolution.
    free_at: i64,
    /// When the lane has room for the next message that was put back.
    horizon: i64,
}

impl Pace {
    /// Reserves the next start, or says when to come back when that start is later than `latest`.
    pub(crate) fn reserve(
        &mut self,
        now: Timestamp,
        segments: u32,
        per_second: f64,
        latest: Timestamp,
    ) -> Result<Timestamp, Timestamp> {
        let now = now.as_millis().saturating_mul(1000);
        let start = self.free_at.max(now);
        let cost = cost_micros(segments, per_second);
        if start > latest.as_millis().saturating_mul(1000) {
            // Each message that is put back comes at its own time, not all at once.
            self.horizon = self.horizon.max(start);
            let back = self.horizon;
            self.horizon = back.saturating_add(cost);
            return Err(millis_up(back));
        }
        self.free_at = start.saturating_add(cost);
        Ok(millis_up(start))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a day, far inside an i64")]
fn cost_micros(segments: u32, per_second: f64) -> i64 {
    const DAY: f64 = 86_400_000_000.0;
    let cost = f64::from(segments.max(1)) * 1_000_000.0 / per_second;
    if cost.is_finite() { cost.clamp(0.0, DAY) as i64 } else { DAY as i64 }
}

const fn millis_up(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.saturating_add(999).div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FAR: Timestamp = Timestamp::from_millis(i64::MAX / 2000);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn messages_are_spaced_by_their_segments() {
        let mut pace = Pace::default();
        assert_eq!(pace.reserve(at(1000), 1, 1.0, FAR), Ok(at(1000)));
        assert_eq!(pace.reserve(at(1000), 3, 1.0, FAR), Ok(at(2000)));
        assert_eq!(pace.reserve(at(1000), 1, 1.0, FAR), Ok(at(5000)));
        assert_eq!(pace.reserve(at(9000), 1, 1.0, FAR), Ok(at(9000)), "an idle lane saves nothing up");
    }

    #[test]
    fn a_message_that_would_start_too_late_comes_back_in_turn() {
        let mut pace = Pace::default();
        assert_eq!(pace.reserve(at(0), 1, 0.1, at(5000)), Ok(at(0)));
        assert_eq!(pace.reserve(at(0), 1, 0.1, at(5000)), Err(at(10_000)));
        assert_eq!(pace.reserve(at(0), 1, 0.1, at(5000)), Err(at(20_000)));
        assert_eq!(pace.reserve(at(10_000), 1, 0.1, at(15_000)), Ok(at(10_000)));
    }

    #[test]
    fn a_rate_that_is_no_rate_stops_the_lane_and_does_not_panic() {
        for rate in [0.0, -1.0, f64::NAN] {
            let mut pace = Pace::default();
            assert!(pace.reserve(at(0), 1, rate, FAR).is_ok());
            assert!(pace.reserve(at(0), 1, rate, FAR).is_ok());
        }
    }

    proptest! {
        #[test]
        fn no_second_holds_more_segments_than_the_rate(
            arrivals in prop::collection::vec((0_i64..300, 1_u32..4), 1..80),
            rate in 1_u32..50,
        ) {
            let (mut pace, mut now, mut starts) = (Pace::default(), 0, Vec::new());
            for (gap, segments) in arrivals {
                now += gap;
                let start = pace.reserve(at(now), segments, f64::from(rate), FAR);
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
