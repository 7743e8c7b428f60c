//! Control of a call outside its audio, by the carrier's REST API.

use usher_actors::voice::ports::{CallRef, Telephony, TelephonyError, TransferPlan};
use usher_channels::ApiError;
use usher_channels::twilio::voice::calls::{CallChange, Changed, Instructions};
use usher_channels::twilio::voice::twiml::{Verb, document};
use usher_channels::twilio::{TwilioClient, TwilioCredentials};
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::ports::BoxFuture;

use super::transfer::put_through;
use super::{Call, Urls};
use crate::store::Store;

/// Between the words of a node that stops and the next document: another process may have to start first.
const HOLD_SECONDS: u32 = 3;

/// The network did not do it, for this reason.
fn refused(why: &impl ToString) -> TelephonyError {
    TelephonyError::Refused(why.to_string())
}

pub(super) struct Carrier {
    store: Store,
    client: TwilioClient,
    urls: Urls,
}

impl Carrier {
    pub(super) const fn new(store: Store, client: TwilioClient, urls: Urls) -> Self {
        Self { store, client, urls }
    }

    /// Gives a call other instructions.
    async fn change(&self, call: &CallRef, change: CallChange<'_>) -> Result<Changed, TelephonyError> {
        // A call that no telephone network knows needs none.
        let Some(sid) = &call.vendor_call else { return Ok(Changed::AlreadyEnded) };
        let credentials = self.credentials(call).await?;
        let changed = self.client.change_call(&credentials, sid, change).await;
        changed.map_err(|error| match error {
            ApiError::Unknown(_) => TelephonyError::Unknown(error.to_string()),
            ApiError::NotSent
            | ApiError::Throttled { .. }
            | ApiError::NotFound
            | ApiError::Refused { .. } => refused(&error),
        })
    }

    async fn credentials(&self, call: &CallRef) -> Result<TwilioCredentials, TelephonyError> {
        let unknown = || refused(&"the call's number is not known any more");
        let number = self.record(call).await?.line.ok_or_else(unknown)?;
        let line = self.store.line(&number).await.map_err(|error| refused(&error))?;
        line.filter(|line| line.org == call.org).map(|line| line.credentials).ok_or_else(unknown)
    }

    async fn record(&self, call: &CallRef) -> Result<Call, TelephonyError> {
        let found = self.store.call(&call.org, &call.call).await.map_err(|error| refused(&error))?;
        found.ok_or_else(|| refused(&"the call is not known"))
    }

    /// Words, a pause, and the call asks for its next document, of whoever answers then.
    async fn entertain(&self, call: &CallRef) -> Result<(), TelephonyError> {
        let record = self.record(call).await?;
        let org = self.store.organisation(&call.org).await.map_err(|error| refused(&error))?;
        let locale = org.as_ref().map_or("en", |org| &org.locale);
        let words = Catalogue::of(locale).say(Sentence::CallHold, &[]);
        let again = self.urls.again(&record, record.attachments);
        let document = document(&[Verb::say(&words), Verb::pause(HOLD_SECONDS), Verb::Redirect(&again)]);
        let document = document.map_err(|error| refused(&error))?;
        self.change(call, CallChange::Redirect(Instructions::Twiml(&document))).await.map(drop)
    }

    async fn dial(&self, call: &CallRef, plan: &TransferPlan) -> Result<(), TelephonyError> {
        if call.vendor_call.is_none() {
            return Err(refused(&"no telephone network carries the call"));
        }
        let record = self.record(call).await?;
        let document = put_through(&self.urls, &record, plan, None).map_err(|error| refused(&error))?;
        match self.change(call, CallChange::Redirect(Instructions::Twiml(&document))).await? {
            Changed::Done => Ok(()),
            Changed::AlreadyEnded => Err(refused(&"the call is over")),
        }
    }
}

impl Telephony for Carrier {
    fn hang_up<'a>(&'a self, call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>> {
        Box::pin(async move { self.change(call, CallChange::HangUp).await.map(drop) })
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
