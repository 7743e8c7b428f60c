//! What is counted. Handles are made once, so that counting costs an atomic addition and no look-up.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

pub(crate) struct Meters {
    pub(crate) turns: Counter,
    pub(crate) quiet: Counter,
    pub(crate) duplicates: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) store_errors: Counter,
    pub(crate) panics: Counter,
    pub(crate) quarantined: Counter,
    pub(crate) refused_busy: Counter,
    pub(crate) refused_overloaded: Counter,
    pub(crate) refused_stopping: Counter,
    pub(crate) append_seconds: Histogram,
    pub(crate) activations: Counter,
    pub(crate) passivations: Counter,
    pub(crate) active: Gauge,
    pub(crate) watchers: Gauge,
    pub(crate) watchers_slow: Counter,
    pub(crate) timers_fired: Counter,
    pub(crate) timers_discarded: Counter,
    pub(crate) sends_accepted: Counter,
    pub(crate) sends_retried: Counter,
    pub(crate) sends_uncertain: Counter,
    pub(crate) sends_dead: Counter,
    pub(crate) sends_deferred: Counter,
    pub(crate) leases_lost: Counter,
    pub(crate) in_flight: Gauge,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let refused = |reason: &'static str| counter!("usher_refused_total", "reason" => reason);
        let sends = |outcome: &'static str| counter!("usher_sends_total", "outcome" => outcome);
        let commands = |outcome: &'static str| counter!("usher_commands_total", "outcome" => outcome);
        Self {
            turns: commands("turn"),
            quiet: commands("nothing"),
            duplicates: commands("duplicate"),
            conflicts: counter!("usher_conflicts_total"),
            store_errors: counter!("usher_store_errors_total"),
            panics: counter!("usher_panics_total"),
            quarantined: counter!("usher_quarantined_total"),
            refused_busy: refused("session_busy"),
            refused_overloaded: refused("overloaded"),
            refused_stopping: refused("shutting_down"),
            append_seconds: histogram!("usher_append_seconds"),
            activations: counter!("usher_activations_total"),
            passivations: counter!("usher_passivations_total"),
            active: gauge!("usher_sessions_active"),
            watchers: gauge!("usher_watchers"),
            watchers_slow: counter!("usher_watchers_slow_total"),
            timers_fired: counter!("usher_timers_fired_total"),
            timers_discarded: counter!("usher_timers_discarded_total"),
            sends_accepted: sends("accepted"),
            sends_retried: sends("retry"),
            sends_uncertain: sends("uncertain"),
            sends_dead: sends("dead"),
            sends_deferred: sends("deferred"),
            leases_lost: counter!("usher_leases_lost_total"),
            in_flight: gauge!("usher_sends_in_flight"),
        }
    }
}
