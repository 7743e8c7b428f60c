//! The SQL of what vendors post: whose number it is, which message a report is about.

use std::sync::Arc;

use usher_channels::twilio::TwilioCredentials;
use usher_conversation::id::{DeliveryId, OrgId, SessionId};
use usher_conversation::ports::StoreError;

use super::directory::Naming;
use crate::crypto::DataKey;
use crate::db::{DbError, Scope, execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::store::{Store, parse_id};

statements! {
    NUMBER = "SELECT n.org_id, a.account_sid, a.key_id, a.auth_token FROM twilio_numbers n \
        JOIN twilio_accounts a ON a.org_id = n.org_id AND a.account_sid = n.account_sid WHERE n.phone = $1";
    SERVICE = "SELECT org_id, account_sid, key_id, auth_token FROM twilio_accounts \
        WHERE messaging_service_sid = $1 AND account_sid = $2 LIMIT 2";
    ACCOUNT = "SELECT org_id, account_sid, key_id, auth_token FROM twilio_accounts \
        WHERE org_id = $1 AND account_sid = $2";
    TAKEN = "SELECT EXISTS (SELECT 1 FROM journal WHERE org_id = $1 AND dedup_key = $2)";
    DELIVERY_BY_VENDOR_ID = "SELECT delivery_id, session_id FROM outbox WHERE org_id = $1 AND vendor_id = $2";
    DELIVERY_BY_ID = "SELECT delivery_id, session_id FROM outbox \
        WHERE org_id = $1 AND delivery_id = $2 AND (vendor_id IS NULL OR vendor_id = $3)";
    LEARN_VENDOR_ID = "UPDATE outbox SET vendor_id = $3 \
        WHERE org_id = $1 AND delivery_id = $2 AND vendor_id IS NULL";
}

/// One of our numbers, and whose it is.
#[derive(Debug, Clone)]
pub struct OurNumber {
    /// The tenant.
    pub org: OrgId,
    /// The account it belongs to.
    pub credentials: TwilioCredentials,
    /// The tenant's key.
    pub(crate) names: Arc<DataKey>,
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    org_id: String,
    account_sid: String,
    key_id: String,
    auth_token: Vec<u8>,
}

impl Store {
    /// Whose number this is.
    pub async fn line(&self, number: &str) -> Result<Option<OurNumber>, StoreError> {
        match Naming::number(number) {
            Some(naming) => self.account_of(&naming).await,
            None => Ok(None),
        }
    }

    /// Whose account this is. One of the few look-ups without a tenant: it finds the tenant.
    pub(crate) async fn account_of(&self, naming: &Naming) -> Result<Option<OurNumber>, StoreError> {
        let (store, naming) = (self.clone(), naming.clone());
        self.run(async move {
            let mut tx = store.db().read(Scope::System).await?;
            let row = match &naming {
                Naming::Number(number) => fetch_optional!(&mut tx, AccountRow, NUMBER, &**number)?,
                Naming::Account { org, account } => {
                    fetch_optional!(&mut tx, AccountRow, ACCOUNT, org.as_str(), &**account)?
                }
                Naming::Service { service, account } => {
                    let mut rows = fetch_all!(&mut tx, AccountRow, SERVICE, &**service, &**account)?;
                    // Two tenants with one account and one service: nobody can tell whose message it is.
                    if rows.len() == 1 { rows.pop() } else { None }
                }
            };
            let Some(row) = row else { return Ok(None) };
            let org = parse_id(&row.org_id)?;
            let credentials =
                store.open_credentials(&mut tx, &org, row.account_sid, &row.key_id, row.auth_token).await?;
            let names = store.keyring().org(&mut tx, &org).await?;
            Ok(Some(OurNumber { org, credentials, names }))
        })
        .await
    }

    /// Whether an input of this key is in the journal already.
    pub async fn is_taken(&self, org: &OrgId, dedup: &str) -> Result<bool, StoreError> {
        let (db, org, dedup) = (self.db().clone(), org.clone(), dedup.to_owned());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            Ok(fetch_one!(&mut tx, (bool,), TAKEN, org.as_str(), dedup.as_str())?.0)
        })
        .await
    }

    /// The message a vendor's report is about. A report may overtake our own bookkeeping: then `named`, which our
    /// callback address carries, finds it, and the vendor's id is learned from the report.
    pub async fn delivery(
        &self,
        org: &OrgId,
        named: Option<&DeliveryId>,
        vendor_id: &str,
    ) -> Result<Option<(DeliveryId, SessionId)>, StoreError> {
        let (db, org, named, vendor_id) =
            (self.db().clone(), org.clone(), named.cloned(), vendor_id.to_owned());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let known = fetch_optional!(
                &mut tx,
                (String, String),
                DELIVERY_BY_VENDOR_ID,
                org.as_str(),
                vendor_id.as_str()
            )?;
            let found = match (known, &named) {
                (None, Some(named)) => fetch_optional!(
                    &mut tx,
                    (String, String),
                    DELIVERY_BY_ID,
                    org.as_str(),
                    named.as_str(),
                    vendor_id.as_str()
                )?,
                (known, _) => known,
            };
            drop(tx);
            let Some((delivery, session)) = found else { return Ok(None) };
            if named.is_some() {
                let mut tx = db.write(Scope::Org(&org)).await?;
                execute!(&mut tx, LEARN_VENDOR_ID, org.as_str(), delivery.as_str(), vendor_id.as_str())?;
                tx.commit().await?;
            }
            Ok::<_, DbError>(Some((parse_id(&delivery)?, parse_id(&session)?)))
        })
        .await
    }
}
