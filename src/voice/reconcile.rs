//! Calls whose end nobody told: the carrier posted it while the server was down, or the post was lost.
//!
//! Whatever is open for long and not held here is asked about, a few at a time; the first time when the server starts. A
//! call that another node holds is only found to be still going on.

use std::sync::{Arc, Weak};

use usher_channels::ApiError;
use usher_channels::vapi::message::call_end;
use usher_conversation::id::{CallId, OrgId};
use usher_conversation::ports::StoreError;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::CallEnd;

use super::peers::calls::over;
use super::routes::{concluded, settle, status_of};
use super::{Call, Provider};
use crate::app::App;
use crate::inbound::Naming;
use crate::web::Fault;

/// Between two looks.
const EVERY_MILLIS: i64 = 60_000;
/// A call is not asked about before: most end by themselves.
const SETTLED_MILLIS: i64 = 5 * 60_000;
/// The longest a network lets a call last, behind our own part of it: Twilio's `TimeLimit` is four hours at most.
const NETWORK_MILLIS: i64 = 4 * 3_600_000;
/// Calls asked about in one look.
const MOST_ASKED: usize = 16;
/// Open calls read at one time.
const PAGE: i64 = 64;

/// What is to be done about an open call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing yet.
    Wait,
    /// Its carrier knows.
    Ask,
    /// It is over.
    End(CallEnd),
}

/// `longest` is how long a call may last, in milliseconds; at a start `settled` is less than later.
fn step(call: &Call, now: Timestamp, longest: i64, settled: i64) -> Step {
    let age = now.millis_since(call.created_at);
    if let Some(how) = call.status.end() {
        // Whoever took the report, or holds the call, ends it; if they still can.
        let since = now.millis_since(call.ended_at.unwrap_or(call.created_at));
        return if since >= SETTLED_MILLIS { Step::End(how) } else { Step::Wait };
    }
    match call.vendor_call {
        // Also when whoever carried it cannot be asked any more.
        Some(_) if age >= longest.saturating_add(NETWORK_MILLIS) => Step::End(CallEnd::Failed),
        Some(_) if age >= settled => Step::Ask,
        // Nobody else knows of it: it is over when it cannot last any longer.
        None if age >= longest.saturating_add(SETTLED_MILLIS) => Step::End(CallEnd::Failed),
        Some(_) | None => Step::Wait,
    }
}

/// Looks after calls until the server stops.
pub(crate) fn start(app: &Arc<App>) {
    actix_web::rt::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    let (mut after, mut settled) = (None, 0);
    loop {
        let Some(app) = app.upgrade() else { return };
        match look(&app, after.take(), settled).await {
            Ok(next) => after = next,
            Err(error) => tracing::warn!(%error, "open calls could not be looked after"),
        }
        settled = SETTLED_MILLIS;
        let again = app.voice.node.alarm.until(app.clock.now().plus_millis(EVERY_MILLIS));
        let lifecycle = app.lifecycle.clone();
        drop(app);
        tokio::select! {
            () = again => {}
            () = lifecycle.stopped() => return,
        }
    }
}

/// Looks after some open calls, from the one behind `after` on; says where to go on, if there are more.
async fn look(app: &App, mut after: Option<CallId>, settled: i64) -> Result<Option<CallId>, StoreError> {
    let mut asked = 0;
    loop {
        let page = app.store.open_calls(after.as_ref(), PAGE).await?;
        let last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        for (org, id) in page {
            if asked == MOST_ASKED {
                return Ok(after);
            }
            if app.voice.switchboard.find(&id).is_none()
                && let Some(call) = app.store.call(&org, &id).await?
            {
                let done = match step(&call, app.clock.now(), app.voice.limits.longest, settled) {
                    Step::Wait => Ok(()),
                    Step::End(how) => settle(app, &org, &call, how).await,
                    Step::Ask => {
                        asked += 1;
                        ask(app, &org, &call).await
                    }
                };
                if let Err(error) = done {
                    tracing::warn!(call = %id, %error, "an open call could not be settled");
                }
            }
            after = Some(id);
        }
        if last {
            return Ok(None);
        }
    }
}

/// Asks whoever carries the call how it goes. One they do not know is over.
async fn ask(app: &App, org: &OrgId, call: &Call) -> Result<(), Fault> {
    let Some(id) = call.vendor_call.as_deref() else { return Ok(()) };
    let settings = app.voice.settings_of(org).await?;
    let key = settings.api_key.as_ref().filter(|_| settings.provider == call.provider);
    let told = match (call.provider, key) {
        (Provider::Rules | Provider::ElevenLabs, _) => {
            let Some(naming) = call.line.as_deref().and_then(Naming::number) else { return Ok(()) };
            let line = app.inbound.directory.line(&app.store, &naming).await?;
            let Some(line) = line.filter(|line| line.org == *org) else { return Ok(()) };
            match app.twilio.fetch_call(&line.credentials, id).await {
                Ok(found) => {
                    let status = status_of(found.status);
                    return if status.is_end() {
                        concluded(app, org, call, status, found.seconds()).await
                    } else {
                        Ok(())
                    };
                }
                Err(error) => Err(error),
            }
        }
        (Provider::Retell, Some(key)) => app.voice.peers.retell.call(key, id).await.map(|found| found.end()),
        (Provider::Vapi, Some(key)) => app.voice.peers.vapi.call(key, id).await.map(|found| {
            let ended = found.status.as_deref() == Some("ended");
            ended.then(|| call_end(found.ended_reason.as_deref().unwrap_or_default()))
        }),
        (Provider::Retell | Provider::Vapi, None) => return Ok(()),
    };
    match told {
        Ok(Some(how)) => over(app, org, call, how, None).await,
        Err(ApiError::NotFound) => over(app, org, call, CallEnd::Failed, None).await,
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::info!(call = %call.id, %error, "a carrier does not say how a call goes");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use usher_conversation::id::{ContactId, SessionId};
    use usher_conversation::voice::CallDirection;

    use super::super::CallStatus;
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const LONGEST: i64 = 15 * 60_000;

    fn call(status: CallStatus, vendor_call: Option<&str>) -> Call {
        Call {
            id: CallId::new(NOON, [1; 16]),
            session: SessionId::new(NOON, [2; 16]),
            contact: ContactId::new(NOON, [3; 16]),
            provider: Provider::ElevenLabs,
            direction: CallDirection::Inbound,
            phone: None,
            line: None,
            vendor_call: vendor_call.map(str::to_owned),
            conversation: None,
            status,
            answered_by: None,
            handover: None,
            outcome: None,
            attachments: 1,
            recording: None,
            attempt: 1,
            due: None,
            created_at: NOON,
            answered_at: Some(NOON),
            ended_at: status.is_end().then_some(NOON),
            seconds: None,
        }
    }

    fn after(millis: i64, call: &Call, settled: i64) -> Step {
        step(call, NOON.plus_millis(millis), LONGEST, settled)
    }

    #[test]
    fn the_carrier_is_asked_about_a_call_that_is_open_for_long_and_at_a_start_at_once() {
        let open = call(CallStatus::InProgress, Some("CA1"));
        assert_eq!(after(SETTLED_MILLIS - 1, &open, SETTLED_MILLIS), Step::Wait);
        assert_eq!(after(SETTLED_MILLIS, &open, SETTLED_MILLIS), Step::Ask);
        assert_eq!(after(0, &open, 0), Step::Ask);
    }

    #[test]
    fn a_call_that_ended_and_that_nobody_ended_here_is_ended() {
        let ended = call(CallStatus::Completed, Some("CA1"));
        assert_eq!(after(SETTLED_MILLIS - 1, &ended, 0), Step::Wait, "its actor may still do it");
        assert_eq!(after(SETTLED_MILLIS, &ended, 0), Step::End(CallEnd::ContactHungUp));
    }

    #[test]
    fn a_call_whose_carrier_cannot_be_asked_is_over_when_no_network_holds_it_any_longer() {
        let open = call(CallStatus::InProgress, Some("CA1"));
        assert_eq!(after(LONGEST + NETWORK_MILLIS - 1, &open, SETTLED_MILLIS), Step::Ask);
        assert_eq!(after(LONGEST + NETWORK_MILLIS, &open, SETTLED_MILLIS), Step::End(CallEnd::Failed));
    }

    #[test]
    fn a_call_of_which_no_carrier_knows_is_over_when_it_cannot_last_any_longer() {
        let browser = call(CallStatus::InProgress, None);
        assert_eq!(after(LONGEST + SETTLED_MILLIS - 1, &browser, 0), Step::Wait);
        assert_eq!(after(LONGEST + SETTLED_MILLIS, &browser, 0), Step::End(CallEnd::Failed));
    }
}
