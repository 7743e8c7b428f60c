//! The call records, as the calls' actors write them.

use usher_actors::voice::ports::{CallLog, CallRef, CallUsage, Handover, Outcome};
use usher_conversation::ports::{BoxFuture, StoreError};

use crate::store::Store;

pub(super) struct Log(Store);

impl Log {
    pub(super) const fn new(store: Store) -> Self {
        Self(store)
    }
}

/// The stored name of why a call goes on without its attachment.
pub(super) const fn reason(handover: &Handover) -> &'static str {
    match handover {
        Handover::Transfer(_) => "transfer",
        Handover::AgentUnavailable(_) => AGENT_UNAVAILABLE,
        Handover::Drain => "drain",
        Handover::Failure => "failure",
        Handover::LineLost => "line_lost",
        Handover::Superseded => "superseded",
    }
}

/// The stored reason of a call that a person has taken.
pub(super) const WITH_PERSON: &str = "person";

/// The stored reason after which another agent is not dialled.
pub(super) const AGENT_UNAVAILABLE: &str = "agent_unavailable";

/// Characters of a vendor's reason that are logged.
const LONGEST_REASON: usize = 200;

fn written(call: &CallRef, result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(call = %call.call, %error, "a call's record could not be written");
    }
}

impl CallLog for Log {
    fn connected<'a>(&'a self, call: &'a CallRef, conversation: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            written(call, self.0.call_conversation(&call.org, &call.call, conversation).await);
        })
    }

    fn ended<'a>(
        &'a self,
        call: &'a CallRef,
        outcome: &'a Outcome,
        usage: &'a CallUsage,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let left = match outcome {
                Outcome::Ended(end) => Ok(*end),
                Outcome::HandedOver(handover) => Err(reason(handover)),
            };
            // A vendor's own words about our account; nothing of the contact's is in them.
            if let Outcome::HandedOver(Handover::AgentUnavailable(why)) = outcome {
                let why: String = why.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
                tracing::warn!(call = %call.call, org = %call.org, why, "an agent cannot be had");
            }
            let ended = self.0.end_attachment(&call.org, &call.call, call.attachment, left, usage);
            written(call, ended.await);
        })
    }
}
