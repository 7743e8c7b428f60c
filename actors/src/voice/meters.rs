//! What is counted about calls.

use metrics::{Counter, Gauge, counter, gauge};

use super::ports::{Handover, Outcome};

pub(crate) struct Meters {
    pub(crate) live: Gauge,
    pub(crate) refused_org: Counter,
    pub(crate) refused_session: Counter,
    pub(crate) refused_node: Counter,
    pub(crate) refused_stopping: Counter,
    pub(crate) panics: Counter,
    pub(crate) dials: Counter,
    pub(crate) frames_dropped_in: Counter,
    pub(crate) frames_dropped_out: Counter,
    pub(crate) news_lost: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        let refused = |reason: &'static str| counter!("usher_calls_refused_total", "reason" => reason);
        let dropped = |side: &'static str| counter!("usher_call_frames_dropped_total", "direction" => side);
        Self {
            live: gauge!("usher_calls_live"),
            refused_org: refused("organisation"),
            refused_session: refused("session"),
            refused_node: refused("node"),
            refused_stopping: refused("shutting_down"),
            panics: counter!("usher_call_panics_total"),
            dials: counter!("usher_call_agent_dials_total"),
            frames_dropped_in: dropped("in"),
            frames_dropped_out: dropped("out"),
            news_lost: counter!("usher_call_news_lost_total"),
        }
    }
}

/// Counts how an attachment ended.
pub(crate) fn count_outcome(outcome: &Outcome) {
    let name = match outcome {
        Outcome::Ended(end) => end.as_str(),
        Outcome::HandedOver(to) => match to {
            Handover::Transfer(_) => "handed_to_person",
            Handover::AgentUnavailable(_) => "handed_to_keypad",
            Handover::Drain => "handed_over_drain",
            Handover::Failure => "handed_over_failure",
            Handover::LineLost => "line_lost",
            Handover::Superseded => "superseded",
        },
    };
    counter!("usher_calls_total", "outcome" => name).increment(1);
}
