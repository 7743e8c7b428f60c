//! The end of a call outside its machine: the record is written, the line is closed, the journal is finished.

use std::sync::Arc;

use usher_conversation::time::Timestamp;

use super::{Bridge, Ended};
use crate::voice::clerk::Clerk;
use crate::voice::meters;
use crate::voice::ports::{CallUsage, Handover, Outcome};
use crate::voice::sides::Gone;

/// Hanging up, and writing the record, may take so long before the line is closed regardless.
const FAREWELL_MILLIS: i64 = 5_000;
/// What is still being journaled after the line was closed may take so long.
const LAST_MILLIS: i64 = 40_000;

/// How far the farewell is.
pub(super) enum Farewell {
    /// The call goes on.
    No,
    /// The record is being written.
    Recording(Outcome),
    /// The line is closed; the journal is still being written, until then at most.
    Closed(Outcome, Timestamp),
}

impl Bridge {
    /// How the call ended, once that is written down and the line is closed.
    pub(crate) const fn outcome(&self) -> Option<&Outcome> {
        match &self.farewell {
            Farewell::Closed(outcome, _) => Some(outcome),
            Farewell::No | Farewell::Recording(_) => None,
        }
    }

    pub(super) fn is_finished(&self, now: Timestamp) -> bool {
        match self.farewell {
            Farewell::No | Farewell::Recording(_) => false,
            Farewell::Closed(_, until) => {
                let written = self.carrier.backlog() == 0 && self.leaving.is_none() && self.clerk.is_idle();
                written || until <= now
            }
        }
    }

    fn usage(&self) -> CallUsage {
        let bytes = usize::try_from(self.voice.bytes).unwrap_or(usize::MAX);
        CallUsage {
            audio_in_millis: self.carrier_format.millis_of(bytes),
            dropped_in: self.voice.dropped,
            dropped_out: self.outward.dropped,
            ..self.machine.usage(self.node.now())
        }
    }

    /// Writes the record, asks the network for what is left to ask, then closes the line.
    pub(super) fn finish(&mut self, outcome: Outcome) {
        meters::count_outcome(&outcome);
        let (node, call, usage) = (Arc::clone(&self.node), Arc::clone(&self.call), self.usage());
        self.line.meters().frames_dropped_in.increment(usage.dropped_in);
        self.line.meters().frames_dropped_out.increment(usage.dropped_out);
        let last_request = self.last_request.take();
        let too_late = node.alarm.until(node.now().plus_millis(FAREWELL_MILLIS));
        let record = outcome.clone();
        self.farewell = Farewell::Recording(outcome);
        self.under_way.push(Box::pin(async move {
            let farewell = async {
                node.log.ended(&call, &record, &usage).await;
                if let Some(last_request) = last_request {
                    last_request.await;
                }
            };
            tokio::select! {
                () = farewell => {}
                () = too_late => tracing::warn!(call = %call.call, "a call's farewell took too long"),
            }
            Ended::Recorded
        }));
    }

    pub(super) fn close_line(&mut self, now: Timestamp) {
        self.carrier.close();
        self.carrier_events = None;
        if let Farewell::Recording(outcome) = std::mem::replace(&mut self.farewell, Farewell::No) {
            self.farewell = Farewell::Closed(outcome, now.plus_millis(LAST_MILLIS));
        }
    }

    /// After a panic: nothing of the call's own state is trusted any more, the line goes to the redirect.
    pub(crate) fn fail(&mut self) {
        self.line.meters().panics.increment(1);
        tracing::error!(call = %self.call.call, "a call panicked; it is handed to the redirect");
        self.actions.clear();
        match self.farewell {
            Farewell::No => {
                self.machine.give_up();
                self.close_agent();
                self.finish(Outcome::HandedOver(Handover::Failure));
            }
            Farewell::Recording(_) => self.close_line(self.node.now()),
            Farewell::Closed(..) => self.abandon(),
        }
    }

    /// Lets go of everything at once.
    pub(crate) fn abandon(&mut self) {
        self.carrier_events = None;
        self.agent = None;
        self.leaving = None;
        self.under_way.clear();
        self.clerk = Clerk::new();
        self.carrier = Box::new(Gone);
        self.farewell =
            Farewell::Closed(Outcome::HandedOver(Handover::Failure), Timestamp::from_millis(i64::MIN));
    }
}
