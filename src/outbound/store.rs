//! The SQL of sending: an organisation's Twilio account and numbers, and what was sent already.

use secrecy::{ExposeSecret as _, SecretString};
use usher_channels::twilio::TwilioCredentials;
use usher_conversation::id::{ContactId, DeliveryId, OrgId};
use usher_conversation::ports::StoreError;

use super::{SmsAccount, SmsSender};
use crate::crypto::Place;
use crate::db::{DbError, Scope, Tx, execute, fetch_all, fetch_optional, statements};
use crate::store::{Store, corrupt, open, parse_id};

statements! {
    SAVE_ACCOUNT = "INSERT INTO twilio_accounts \
        (org_id, account_sid, key_id, auth_token, messaging_service_sid, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (org_id, account_sid) DO UPDATE SET key_id = excluded.key_id, \
        auth_token = excluded.auth_token, messaging_service_sid = excluded.messaging_service_sid";
    ADD_NUMBER = "INSERT INTO twilio_numbers (phone, org_id, account_sid, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT DO NOTHING";
    MOVE_NUMBER = "UPDATE twilio_numbers SET account_sid = $3 WHERE phone = $1 AND org_id = $2";
    SMS_ACCOUNT = "SELECT n.phone, a.account_sid, a.key_id, a.auth_token, a.messaging_service_sid \
        FROM twilio_numbers n \
        JOIN twilio_accounts a ON a.org_id = n.org_id AND a.account_sid = n.account_sid \
        WHERE n.org_id = $1 ORDER BY \
        CASE WHEN n.phone = $2 THEN 0 WHEN a.messaging_service_sid = $2 THEN 1 ELSE 2 END, \
        n.created_at, n.phone LIMIT 1";
    VENDOR_IDS_OF_CONTACT = "SELECT o.delivery_id, o.vendor_id \
        FROM sessions s JOIN outbox o ON o.session_id = s.session_id \
        WHERE s.org_id = $1 AND s.contact_id = $2 AND o.org_id = $1 AND o.vendor_id IS NOT NULL";
}

/// A Twilio account an organisation connects.
#[derive(Debug)]
pub struct NewSmsAccount {
    /// The account.
    pub credentials: TwilioCredentials,
    /// Send through this messaging service rather than from one number.
    pub messaging_service_sid: Option<String>,
    /// The account's number: messages to it belong to the organisation.
    pub number: String,
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    phone: String,
    account_sid: String,
    key_id: String,
    auth_token: Vec<u8>,
    messaging_service_sid: Option<String>,
}

impl Store {
    /// Connects an account and its number, or brings both up to date. `false` when the number belongs to another
    /// organisation, which keeps it; then nothing is changed.
    pub async fn connect_sms(&self, org: &OrgId, account: NewSmsAccount) -> Result<bool, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let key = store.keyring().org(&mut tx, &org).await?;
            let sid = account.credentials.account_sid.as_str();
            let token = account.credentials.auth_token.expose_secret().as_bytes();
            let sealed = key.seal(store.entropy(), &org, Place::Credential { account: sid }, token);
            let service = account.messaging_service_sid.as_deref();
            execute!(&mut tx, SAVE_ACCOUNT, org.as_str(), sid, key.id(), sealed, service, now)?;
            let number = account.number.as_str();
            let added = execute!(&mut tx, ADD_NUMBER, number, org.as_str(), sid, now)?;
            // Somebody else's row is not seen under the organisation's scope, whatever the engine.
            if added == 0 && execute!(&mut tx, MOVE_NUMBER, number, org.as_str(), sid)? == 0 {
                return Ok(false);
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// How an organisation sends text messages, when it can: from `line`, one of its numbers or messaging services, when
    /// it still has that, else from its first.
    pub async fn sms_account(
        &self,
        org: &OrgId,
        line: Option<&str>,
    ) -> Result<Option<SmsAccount>, StoreError> {
        let (store, org, line) = (self.clone(), org.clone(), line.map(str::to_owned));
        self.run(async move {
            let mut tx = store.db().read(Scope::Org(&org)).await?;
            let found = fetch_optional!(&mut tx, AccountRow, SMS_ACCOUNT, org.as_str(), line.as_deref())?;
            let Some(row) = found else {
                return Ok(None);
            };
            let credentials =
                store.open_credentials(&mut tx, &org, row.account_sid, &row.key_id, row.auth_token).await?;
            let names = store.keyring().org(&mut tx, &org).await?;
            let sender = match row.messaging_service_sid {
                // What comes to a number of the service names the service.
                Some(service) if line.as_deref() != Some(&*row.phone) => SmsSender::Service(service),
                Some(_) | None => SmsSender::Number(row.phone),
            };
            Ok(Some(SmsAccount { credentials, sender, names }))
        })
        .await
    }

    /// Every message to a person that the vendor is known to have, and its id there.
    pub async fn vendor_ids_of_contact(
        &self,
        org: &OrgId,
        contact: &ContactId,
    ) -> Result<Vec<(DeliveryId, String)>, StoreError> {
        let (db, org, contact) = (self.db().clone(), org.clone(), contact.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let rows =
                fetch_all!(&mut tx, (String, String), VENDOR_IDS_OF_CONTACT, org.as_str(), contact.as_str())?;
            rows.into_iter().map(|(delivery, vendor_id)| Ok((parse_id(&delivery)?, vendor_id))).collect()
        })
        .await
    }

    /// Opens an account's sealed token.
    pub(crate) async fn open_credentials(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        account_sid: String,
        key_id: &str,
        auth_token: Vec<u8>,
    ) -> Result<TwilioCredentials, DbError> {
        let key = self.keyring().org(tx, org).await?;
        let plain = open(&key, org, Place::Credential { account: &account_sid }, key_id, auth_token)?;
        let auth_token: SecretString = String::from_utf8(plain).map_err(|e| corrupt(&e))?.into();
        Ok(TwilioCredentials { account_sid, auth_token, api_key: None })
    }
}
