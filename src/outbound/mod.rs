//! The way out: text messages through the organisation's own Twilio account.

pub(crate) mod callback;
pub(crate) mod store;

pub use store::NewSmsAccount;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use url::Url;
use usher_channels::segments::segments;
use usher_channels::twilio::{LookupQuery, OutgoingMessage, Sender, TwilioClient, TwilioCredentials};
use usher_conversation::id::OrgId;
use usher_conversation::ports::{
    BoxFuture, Claimed, Consequence, Lane, Lookup, SendOutcome, StoreError, Transport,
};

use self::callback::Reported;
use crate::crypto::DataKey;
use crate::inbound::{STATUS_PATH, address};
use crate::store::Store;

/// Changed credentials are used after so long.
const REMEMBER_ACCOUNTS: Duration = Duration::from_secs(30);
const REMEMBERED: u64 = 10_000;

/// How an organisation sends text messages.
#[derive(Debug, Clone)]
pub struct SmsAccount {
    /// Its account.
    pub credentials: TwilioCredentials,
    /// Who messages are sent as.
    pub sender: SmsSender,
    /// The organisation's key: seals what callback addresses name.
    pub(crate) names: Arc<DataKey>,
}

/// Who messages are sent as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsSender {
    /// One number.
    Number(String),
    /// A messaging service, which picks the number.
    Service(String),
}

impl SmsSender {
    fn as_sender(&self) -> Sender<'_> {
        match self {
            Self::Number(number) => Sender::Number(number),
            Self::Service(sid) => Sender::Service(sid),
        }
    }

    fn key(&self) -> &str {
        match self {
            Self::Number(key) | Self::Service(key) => key,
        }
    }
}

/// Text messages of every organisation.
pub struct SmsTransport {
    store: Store,
    client: TwilioClient,
    status_url: String,
    segments_per_second: f64,
    accounts: Cache<(OrgId, Option<String>), Arc<SmsAccount>>,
}

impl SmsTransport {
    /// Sends through `client`; status callbacks come to the server known as `public`.
    pub fn new(store: Store, client: TwilioClient, public: &Url, segments_per_second: u32) -> Self {
        Self {
            store,
            client,
            status_url: address(public, STATUS_PATH),
            segments_per_second: f64::from(segments_per_second.max(1)),
            accounts: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_ACCOUNTS).build(),
        }
    }

    /// The account and sender of a message: the line the contact wrote to.
    async fn account(&self, message: &Claimed) -> Result<Arc<SmsAccount>, SendOutcome> {
        let key = (message.org.clone(), message.line.clone());
        if let Some(account) = self.accounts.get(&key) {
            return Ok(account);
        }
        let account = match self.store.sms_account(&message.org, message.line.as_deref()).await {
            Ok(Some(account)) => Arc::new(account),
            Ok(None) => {
                return Err(SendOutcome::Permanent {
                    error_code: None,
                    reason: "the organisation has no account and number for text messages".to_owned(),
                    consequence: Consequence::Misconfigured,
                });
            }
            Err(error) => return Err(waiting_for_store(&error)),
        };
        self.accounts.insert(key, Arc::clone(&account));
        Ok(account)
    }

    /// The address names the message, so that a callback that overtakes our own bookkeeping still finds it.
    fn status_callback(&self, account: &SmsAccount, message: &Claimed) -> String {
        let entropy = self.store.entropy();
        let query = Reported::query(&account.names, entropy, &message.org, &message.delivery);
        format!("{}?{query}", self.status_url)
    }
}

fn waiting_for_store(error: &StoreError) -> SendOutcome {
    SendOutcome::Transient { after_millis: None, error_code: None, reason: error.to_string() }
}

impl Transport for SmsTransport {
    fn send<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, SendOutcome> {
        Box::pin(async move {
            let account = match self.account(message).await {
                Ok(account) => account,
                Err(outcome) => return outcome,
            };
            let callback = self.status_callback(&account, message);
            let outgoing = OutgoingMessage {
                to: &message.to,
                from: account.sender.as_sender(),
                body: &message.text,
                status_callback: Some(&callback),
            };
            self.client.send(&account.credentials, outgoing).await
        })
    }

    fn look_up<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, Lookup> {
        Box::pin(async move {
            let unknown = |reason: String| Lookup::Unknown { reason };
            let taken = match self.store.vendor_ids_of_contact(&message.org, &message.contact).await {
                Ok(taken) => taken,
                Err(error) => return unknown(error.to_string()),
            };
            // A report about this very message came before its settlement: the vendor has it.
            if let Some((_, vendor_id)) = taken.iter().find(|(delivery, _)| *delivery == message.delivery) {
                return Lookup::Found { vendor_id: vendor_id.clone() };
            }
            let taken: Vec<String> = taken.into_iter().map(|(_, vendor_id)| vendor_id).collect();
            let Ok(account) = self.account(message).await else {
                return unknown("the organisation's account could not be read".to_owned());
            };
            let outgoing = OutgoingMessage {
                to: &message.to,
                from: account.sender.as_sender(),
                body: &message.text,
                status_callback: None,
            };
            let query = LookupQuery { message: outgoing, since: message.created_at, taken: &taken };
            self.client.look_up(&account.credentials, query).await
        })
    }

    fn lane<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, Result<Lane, SendOutcome>> {
        Box::pin(async move {
            let account = self.account(message).await?;
            Ok(Lane {
                key: account.sender.key().to_owned(),
                segments_per_second: self.segments_per_second,
                segments: segments(&message.text).count,
            })
        })
    }
}
