//! Control of a call outside its audio, by the carrier's REST API.

use std::sync::Arc;

use usher_actors::voice::ports::{CallRef, Telephony, TelephonyError, TransferPlan};
use usher_channels::twilio::voice::calls::{CallChange, Instructions, NewRecording};
use usher_channels::twilio::voice::twiml::{Dial, Number, Verb, document};
use usher_channels::twilio::{TwilioClient, TwilioCredentials};
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::id::OrgId;
use usher_conversation::ports::BoxFuture;

use super::{Call, Urls};
use crate::app::App;
use crate::store::Store;

/// Between the words of a node that stops and the next document: another process may have to start first.
const HOLD_SECONDS: u32 = 3;

pub(super) struct Carrier {
    store: Store,
    client: TwilioClient,
    urls: Urls,
}

impl Carrier {
    pub(super) const fn new(store: Store, client: TwilioClient, urls: Urls) -> Self {
        Self { store, client, urls }
    }

    /// Gives a call other instructions. A call that has ended, or that no telephone network knows, needs none.
    async fn change(&self, call: &CallRef, change: CallChange<'_>) -> Result<(), TelephonyError> {
        let Some(sid) = &call.vendor_call else { return Ok(()) };
        let credentials = self.credentials(call).await?;
        let changed = self.client.change_call(&credentials, sid, change).await;
        changed.map(drop).map_err(|error| TelephonyError(error.to_string()))
    }

    async fn credentials(&self, call: &CallRef) -> Result<TwilioCredentials, TelephonyError> {
        let unknown = || TelephonyError("the call's number is not known any more".to_owned());
        let number = self.record(call).await?.line.ok_or_else(unknown)?;
        let line = self.store.line(&number).await.map_err(|error| TelephonyError(error.to_string()))?;
        line.filter(|line| line.org == call.org).map(|line| line.credentials).ok_or_else(unknown)
    }

    async fn record(&self, call: &CallRef) -> Result<Call, TelephonyError> {
        let found = self.store.call(&call.org, &call.call).await;
        let found = found.map_err(|error| TelephonyError(error.to_string()))?;
        found.ok_or_else(|| TelephonyError("the call is not known".to_owned()))
    }

    /// Words, a pause, and the call asks for its next document, of whoever answers then.
    async fn entertain(&self, call: &CallRef) -> Result<(), TelephonyError> {
        let failed = |error: &dyn std::fmt::Display| TelephonyError(error.to_string());
        let record = self.record(call).await?;
        let org = self.store.organisation(&call.org).await.map_err(|error| failed(&error))?;
        let locale = org.as_ref().map_or("en", |org| &org.locale);
        let words = Catalogue::of(locale).say(Sentence::CallHold, &[]);
        let again = self.urls.again(&record, record.attachments);
        let document = document(&[Verb::say(&words), Verb::pause(HOLD_SECONDS), Verb::Redirect(&again)]);
        let document = document.map_err(|error| failed(&error))?;
        self.change(call, CallChange::Redirect(Instructions::Twiml(&document))).await
    }

    async fn dial(&self, call: &CallRef, plan: &TransferPlan) -> Result<(), TelephonyError> {
        if call.vendor_call.is_none() {
            return Err(TelephonyError("no telephone network carries the call".to_owned()));
        }
        let record = self.record(call).await?;
        let document = transfer(&self.urls, &record, plan)?;
        self.change(call, CallChange::Redirect(Instructions::Twiml(&document))).await
    }
}

/// The document that connects a call with a person, who first hears the summary if there is to be one.
fn transfer(urls: &Urls, call: &Call, plan: &TransferPlan) -> Result<String, TelephonyError> {
    let action = urls.of("/transfer", call);
    let whisper = plan.warm.then(|| urls.of("/whisper", call));
    let number = Number { number: &plan.to, url: whisper.as_deref(), status_callback: None };
    let dial = Dial {
        action: Some(&action),
        timeout_seconds: Some(plan.ring_seconds),
        caller_id: call.line.as_deref(),
        answer_on_bridge: true,
        numbers: &[number],
        ..Dial::default()
    };
    document(&[Verb::Dial(dial)]).map_err(|error| TelephonyError(error.to_string()))
}

impl Telephony for Carrier {
    fn hang_up<'a>(&'a self, call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>> {
        Box::pin(self.change(call, CallChange::HangUp))
    }

    fn transfer<'a>(
        &'a self,
        call: &'a CallRef,
        plan: &'a TransferPlan,
    ) -> BoxFuture<'a, Result<(), TelephonyError>> {
        Box::pin(self.dial(call, plan))
    }

    fn hold<'a>(&'a self, call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>> {
        Box::pin(self.entertain(call))
    }
}

/// Has the carrier record a call, beside whatever else happens on it.
pub(super) fn record(app: &Arc<App>, org: &OrgId, call: &Call) {
    let (app, org, call) = (Arc::clone(app), org.clone(), call.clone());
    actix_web::rt::spawn(async move {
        let (Some(sid), Some(number)) = (&call.vendor_call, &call.line) else { return };
        let callback = app.voice.urls.of("/recording", &call);
        let recording = NewRecording { dual: true, status_callback: Some(&callback) };
        let started = match app.store.line(number).await {
            Ok(Some(line)) if line.org == org => {
                app.twilio.start_recording(&line.credentials, sid, recording).await.map_err(|e| e.to_string())
            }
            Ok(_) => Err("its number is not known any more".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = started {
            tracing::warn!(call = %call.id, error, "a call is not recorded");
        }
    });
}
