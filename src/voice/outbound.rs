//! Calls we make: planned as rows, placed when they are due by one task, tried again by the organisation's rule.
//!
//! A call is claimed before the carrier is asked. A process that dies in between, or hears no answer, leaves it claimed:
//! when the carrier tells nothing of it either it counts as failed and the next try is planned. Nobody must be telephoned
//! twice by mistake.

mod store;

pub(crate) use store::STATEMENTS;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use usher_actors::voice::Switchboard;
use usher_actors::{Alarm, ClockAlarm, Runtime, RuntimeError};
use usher_channels::ApiError;
use usher_channels::retell::{self, RetellClient};
use usher_channels::twilio::voice::calls::{Instructions, MachineDetection, NewCall as Placed};
use usher_channels::twilio::{TwilioClient, TwilioCredentials};
use usher_channels::vapi::message::Customer;
use usher_channels::vapi::{self, VapiClient};
use usher_conversation::consent::permitted_at;
use usher_conversation::id::{CallId, OrgId, SessionId};
use usher_conversation::ports::{Clock, StoreError};
use usher_conversation::problem::Problem;
use usher_conversation::session::{Command, SessionStatus};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallDirection, CallEnd, Persona, briefing};

use super::{Call, CallStatus, NewCall, Profiles, Provider, StatusReport, Urls, Voice, persona};
use crate::store::Store;
use crate::web::Fault;

/// The table of planned calls is looked at so often, whatever nobody told us.
const LOOK_MILLIS: i64 = 60_000;
/// After a store or a carrier that did not answer.
const PAUSE_MILLIS: i64 = 5_000;
/// A claimed call of which the carrier told nothing for so long never left; a request takes a few seconds at most.
const PLACING_MILLIS: i64 = 2 * 60_000;
/// While all lines are taken.
const FULL_MILLIS: i64 = 30_000;
const MINUTE_MILLIS: i64 = 60_000;
/// A telephone rings so long.
const RING_SECONDS: u32 = 30;
/// The network cuts a call off so long after it should have ended.
const LIMIT_MARGIN_SECONDS: u32 = 60;

/// Makes the calls that are due.
pub struct Caller {
    parts: Parts,
    bell: Arc<Notify>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone)]
struct Parts {
    store: Store,
    runtime: Runtime,
    client: TwilioClient,
    urls: Urls,
    retell: RetellClient,
    vapi: VapiClient,
    profiles: Arc<Profiles>,
    clock: Arc<dyn Clock>,
    longest_seconds: u32,
    switchboard: Switchboard,
}

impl Caller {
    /// Starts the task.
    pub fn start(voice: &Voice, store: Store, client: TwilioClient, longest_seconds: u32) -> Self {
        let parts = Parts {
            store,
            runtime: voice.node.runtime.clone(),
            client,
            urls: voice.urls.clone(),
            retell: voice.peers.retell.clone(),
            vapi: voice.peers.vapi.clone(),
            profiles: Arc::clone(&voice.profiles),
            clock: Arc::clone(&voice.node.clock),
            longest_seconds,
            switchboard: voice.switchboard.clone(),
        };
        let bell = Arc::new(Notify::new());
        let task = actix_web::rt::spawn(parts.clone().run(Arc::clone(&bell)));
        Self { parts, bell, task: Mutex::new(Some(task)) }
    }

    /// Plans a call to the contact of a session, now or at the next hour at which they may be called. While one is planned
    /// or under way it is that one.
    ///
    /// # Errors
    /// [`Problem::CallNotPossible`] when the contact or the organisation has no number, or the contact wants silence.
    pub async fn plan(&self, org: &OrgId, session: &SessionId) -> Result<Call, Fault> {
        let no = |why: &'static str| Fault::new(Problem::CallNotPossible, why);
        let store = &self.parts.store;
        let current = self.parts.runtime.read(org, session).await?;
        if current.state.status() == SessionStatus::OptedOut {
            return Err(no("The contact asked not to be contacted."));
        }
        let contact = store.contact(org, &current.meta.contact).await?;
        let phone = contact.and_then(|contact| contact.details.phone);
        let phone = phone.ok_or_else(|| no("The contact has no telephone number."))?;
        let provider = self.parts.profiles.of(org).await?.provider;
        let line = if provider.holds_calls() {
            store.voice_peer(org).await?.and_then(|peer| peer.line)
        } else {
            store.voice_number(org).await?
        };
        let line = line.ok_or_else(|| no("The organisation has no telephone number."))?;
        let new = NewCall {
            session: session.clone(),
            direction: CallDirection::Outbound,
            provider,
            phone: Some(phone),
            line: Some(line),
            vendor_call: None,
            status: CallStatus::Planned,
            due: Some(self.parts.clock.now()),
        };
        let call = store.plan_call(org, new).await?;
        self.bell.notify_one();
        Ok(call)
    }

    /// Plans the next try of reaching a contact who did not answer, if the organisation's rule has one left.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn try_again(&self, org: &OrgId, call: &Call) -> Result<(), StoreError> {
        self.parts.try_again(org, call).await?;
        self.bell.notify_one();
        Ok(())
    }

    /// Places no more calls.
    pub fn stop(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Parts {
    async fn run(self, bell: Arc<Notify>) {
        let alarm = ClockAlarm::new(Arc::clone(&self.clock));
        loop {
            let now = self.clock.now();
            if let Err(error) = self.settle_stranded(now).await {
                tracing::warn!(%error, "calls that never left could not be settled");
            }
            let next = match self.round(now).await {
                Ok(()) => self.store.next_call_due().await,
                Err(error) => Err(error),
            };
            let next = next.unwrap_or_else(|error| {
                tracing::warn!(%error, "due calls could not be read");
                Some(now.plus_millis(PAUSE_MILLIS))
            });
            let look = now.plus_millis(LOOK_MILLIS);
            let next = next.map_or(look, |next| next.min(look));
            tokio::select! {
                () = bell.notified() => {}
                () = alarm.until(next) => {}
            }
        }
    }

    async fn settle_stranded(&self, now: Timestamp) -> Result<(), StoreError> {
        for (org, call) in self.store.stranded_calls(now.plus_millis(-PLACING_MILLIS)).await? {
            self.failed(&org, &call).await?;
            if let Some(call) = self.store.call(&org, &call).await? {
                self.try_again(&org, &call).await?;
            }
        }
        Ok(())
    }

    /// Places what is due, all at once: a carrier that is slow for one organisation holds up nobody else.
    async fn round(&self, now: Timestamp) -> Result<(), StoreError> {
        let due = self.store.due_calls(now).await?;
        join_all(due.iter().map(|(org, call)| self.take(org, call, now))).await.into_iter().collect()
    }

    async fn take(&self, org: &OrgId, call: &CallId, now: Timestamp) -> Result<(), StoreError> {
        let Some(call) = self.store.call(org, call).await? else { return Ok(()) };
        match self.may_call(org, &call, now).await {
            May::Now => self.place(org, &call).await,
            May::At(due) => self.store.postpone_call(org, &call.id, due).await,
            May::Never => self.called_off(org, &call.id).await,
        }
    }

    /// Whether the contact may be called: with their consent, and by day where they are.
    async fn may_call(&self, org: &OrgId, call: &Call, now: Timestamp) -> May {
        let Some(phone) = call.phone.as_deref() else { return May::Never };
        let current = match self.runtime.read(org, &call.session).await {
            Ok(current) => current,
            Err(error) => {
                tracing::warn!(call = %call.id, %error, "a call waits for its session");
                return May::At(now.plus_millis(PAUSE_MILLIS));
            }
        };
        // What was answered meanwhile by other ways is not called about again.
        let needless = call.attempt > 1 && current.state.is_complete();
        if needless || current.state.status() == SessionStatus::OptedOut {
            return May::Never;
        }
        // Who is on the telephone with us is not called.
        if !self.switchboard.calls_of(&call.session).is_empty() || self.is_full(org, call).await {
            return May::At(now.plus_millis(FULL_MILLIS));
        }
        match permitted_at(now, current.meta.zone.as_deref(), phone) {
            Ok(()) => May::Now,
            Err(at) => May::At(at),
        }
    }

    /// Whether a call that is answered now would find no free line.
    async fn is_full(&self, org: &OrgId, call: &Call) -> bool {
        let Ok(settings) = self.profiles.of(org).await else { return false };
        let cap = settings.profile.max_calls.and_then(|cap| usize::try_from(cap).ok());
        self.switchboard.admit(&Voice::call_ref(org, call), cap).is_err()
    }

    async fn place(&self, org: &OrgId, call: &Call) -> Result<(), StoreError> {
        let (Some(to), Some(from)) = (call.phone.as_deref(), call.line.as_deref()) else {
            return self.called_off(org, &call.id).await;
        };
        let placed = match call.provider {
            Provider::Rules | Provider::ElevenLabs => {
                let Some(line) = self.store.line(from).await?.filter(|line| line.org == *org) else {
                    return self.called_off(org, &call.id).await;
                };
                if self.store.claim_call(org, &call.id).await?.is_none() {
                    return Ok(());
                }
                self.dial(&line.credentials, call, from, to).await
            }
            Provider::Retell | Provider::Vapi => {
                let settings = self.profiles.of(org).await?;
                let keys = settings.agent_id.as_deref().zip(settings.api_key.as_ref());
                let Some((agent, key)) = keys.filter(|_| settings.provider == call.provider) else {
                    return self.called_off(org, &call.id).await;
                };
                if self.store.claim_call(org, &call.id).await?.is_none() {
                    return Ok(());
                }
                let persona = persona(&settings.profile);
                if call.provider == Provider::Retell {
                    self.ask_retell(key, agent, call, from, to).await
                } else {
                    self.ask_vapi(key, agent, org, call, (from, to), &persona).await
                }
            }
        };
        match placed {
            Ok(vendor_call) => self.store.call_placed(org, &call.id, &vendor_call).await.map(drop),
            Err(error @ (ApiError::NotSent | ApiError::Throttled { .. })) => {
                tracing::info!(call = %call.id, %error, "a call waits for the carrier");
                let asked =
                    if let ApiError::Throttled { after_millis } = error { after_millis } else { None };
                let pause = asked.and_then(|asked| i64::try_from(asked).ok()).unwrap_or(0).max(PAUSE_MILLIS);
                self.store.postpone_call(org, &call.id, self.clock.now().plus_millis(pause)).await
            }
            Err(ApiError::Unknown(reason)) => {
                tracing::warn!(call = %call.id, reason, "whether a call was placed will be told by its reports");
                Ok(())
            }
            Err(error @ (ApiError::NotFound | ApiError::Refused { .. })) => {
                tracing::warn!(call = %call.id, %error, "a call was refused by the carrier");
                self.failed(org, &call.id).await
            }
        }
    }

    /// Lets the carrier dial; gives its id of the call.
    async fn dial(
        &self,
        credentials: &TwilioCredentials,
        call: &Call,
        from: &str,
        to: &str,
    ) -> Result<String, ApiError> {
        let (url, status) = (self.urls.of("", call), self.urls.of("/status", call));
        let amd = self.urls.of("/amd", call);
        // What is said to a machine's greeting by rules would be heard as answers: those wait for the verdict.
        let beside = (call.provider != Provider::Rules).then_some(amd.as_str());
        let placed = Placed {
            to,
            from,
            instructions: Instructions::Url(&url),
            fallback_url: Some(&self.urls.fallback),
            status_callback: Some(&status),
            ring_seconds: Some(RING_SECONDS),
            // We end it before, politely.
            limit_seconds: Some(self.longest_seconds.saturating_add(LIMIT_MARGIN_SECONDS)),
            machine_detection: Some(MachineDetection {
                message_end: true,
                callback: beside,
                timeout_seconds: None,
            }),
        };
        Ok(self.client.create_call(credentials, &placed).await?.sid)
    }

    /// Lets Retell dial; our id of the call comes back with everything it tells of it.
    async fn ask_retell(
        &self,
        key: &SecretString,
        agent: &str,
        call: &Call,
        from: &str,
        to: &str,
    ) -> Result<String, ApiError> {
        let placed = retell::client::NewCall {
            from_number: from,
            to_number: to,
            override_agent_id: Some(agent),
            metadata: Map::from_iter([(super::retell::OURS.to_owned(), call.id.as_str().into())]),
            ..retell::client::NewCall::default()
        };
        Ok(self.retell.create_call(key, &placed).await?.call_id)
    }

    /// Lets Vapi dial; our id of the call comes back as the customer's.
    async fn ask_vapi(
        &self,
        key: &SecretString,
        assistant: &str,
        org: &OrgId,
        call: &Call,
        (from, to): (&str, &str),
        persona: &Persona,
    ) -> Result<String, ApiError> {
        // Nothing has left yet.
        let unread = |_error: RuntimeError| ApiError::NotSent;
        // Its model may be one that is only told the first words.
        let start = Command::Start { channel: None };
        let session = self.runtime.handle(org, &call.session, None, start).await.map_err(unread)?;
        let opening = briefing(&session.meta, &session.state, persona, &call.id);
        let mut variables: Map<String, Value> = opening.variables.into_iter().collect();
        variables.insert("first_message".to_owned(), opening.first_message.into());
        let placed = vapi::client::NewCall {
            assistant,
            phone_number: from,
            customer: Customer {
                number: Some(to.to_owned()),
                name: None,
                external_id: Some(call.id.to_string()),
            },
            variables,
            name: None,
        };
        Ok(self.vapi.create_call(key, &placed).await?.id)
    }

    async fn failed(&self, org: &OrgId, call: &CallId) -> Result<(), StoreError> {
        self.over(org, call, CallStatus::Failed, CallEnd::Failed).await
    }

    async fn called_off(&self, org: &OrgId, call: &CallId) -> Result<(), StoreError> {
        self.over(org, call, CallStatus::Canceled, CallEnd::Canceled).await
    }

    async fn over(
        &self,
        org: &OrgId,
        call: &CallId,
        status: CallStatus,
        end: CallEnd,
    ) -> Result<(), StoreError> {
        let report = StatusReport { status, seconds: None, answered_by: None };
        self.store.report_call(org, call, report).await?;
        self.store.end_call(org, call, end).await.map(drop)
    }

    async fn try_again(&self, org: &OrgId, call: &Call) -> Result<(), StoreError> {
        let settings = self.profiles.of(org).await?;
        let profile = &settings.profile;
        // A call that others placed is theirs to try again.
        let ours = call.direction == CallDirection::Outbound && call.due.is_some();
        if !ours || call.attempt >= profile.attempts {
            return Ok(());
        }
        let pause = i64::from(profile.retry_minutes) * MINUTE_MILLIS;
        self.store.plan_retry(org, call, self.clock.now().plus_millis(pause)).await.map(drop)
    }
}

/// Whether and when a contact may be called.
enum May {
    Now,
    At(Timestamp),
    Never,
}
