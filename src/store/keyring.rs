//! Data keys: made, wrapped, remembered, destroyed.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use usher_conversation::id::{ContactId, OrgId};
use usher_conversation::ports::Entropy;
use usher_conversation::time::Timestamp;
use zeroize::Zeroizing;

use crate::crypto::{DataKey, KEY_BYTES, MasterKey, Place};
use crate::db::{Db, DbError, Scope, Tx, execute, fetch_all, fetch_one, statements};

/// Contacts whose keys are remembered.
const REMEMBERED_CONTACTS: u64 = 100_000;
/// Organisations whose keys are remembered.
const REMEMBERED_ORGS: u64 = 10_000;
/// Another node may remember a destroyed key for this long; what it writes under it is refused (`erase_contact`).
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// The subject of an organisation's own key. No contact id looks like it.
const ORG_SUBJECT: &str = "org";

statements! {
    KEYS = "SELECT key_id, subject, wrapped FROM data_keys WHERE org_id = $1 AND subject IN ($2, $3)";
    ANY_KEY = "SELECT EXISTS (SELECT 1 FROM data_keys)";
    INSERT_KEY = "INSERT INTO data_keys (key_id, org_id, subject, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)";
    DESTROY_KEY = "UPDATE data_keys SET wrapped = NULL, destroyed_at = $3 WHERE org_id = $1 AND subject = $2";
}

/// Whether something in the database is sealed already.
pub(crate) async fn holds_keys(db: &Db) -> Result<bool, DbError> {
    let mut tx = db.read(Scope::System).await?;
    Ok(fetch_one!(&mut tx, (bool,), ANY_KEY)?.0)
}

/// Data keys, unwrapped on demand.
pub(crate) struct Keyring {
    db: Db,
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
    orgs: Cache<OrgId, Arc<DataKey>>,
    contacts: Cache<(OrgId, ContactId), Arc<DataKey>>,
}

impl Keyring {
    pub(crate) fn new(db: Db, master: MasterKey, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            db,
            master,
            entropy,
            orgs: Cache::builder().max_capacity(REMEMBERED_ORGS).time_to_live(REMEMBERED_FOR).build(),
            contacts: Cache::builder().max_capacity(REMEMBERED_CONTACTS).time_to_live(REMEMBERED_FOR).build(),
        }
    }

    /// The key that seals what concerns this person; `None` when it was destroyed or never made.
    pub(crate) async fn contact(
        self: &Arc<Self>,
        org: &OrgId,
        contact: &ContactId,
    ) -> Result<Option<Arc<DataKey>>, DbError> {
        let subject = (org.clone(), contact.clone());
        if let Some(key) = self.contacts.get(&subject) {
            return Ok(Some(key));
        }
        let keyring = Arc::clone(self);
        self.db
            .detached(async move {
                let (org, contact) = &subject;
                let mut tx = keyring.db.read(Scope::Org(org)).await?;
                let found = keyring.unwrap(&mut tx, org, contact.as_str()).await?.map(Arc::new);
                if let Some(key) = &found {
                    keyring.contacts.insert(subject, Arc::clone(key));
                }
                Ok(found)
            })
            .await
    }

    /// The same, from the row of the key when something of the person was read together with it.
    pub(crate) async fn contact_of_row(
        self: &Arc<Self>,
        org: &OrgId,
        contact: &ContactId,
        row: Option<KeyRow>,
    ) -> Result<Option<Arc<DataKey>>, DbError> {
        let subject = (org.clone(), contact.clone());
        if let Some(key) = self.contacts.get(&subject) {
            return Ok(Some(key));
        }
        let (Some(row), Some(above)) = (row, self.orgs.get(org)) else {
            return self.contact(org, contact).await;
        };
        let found = row.open(org, &above).transpose()?.map(Arc::new);
        if let Some(key) = &found {
            self.contacts.insert(subject, Arc::clone(key));
        }
        Ok(found)
    }

    /// The key that seals an organisation's credentials, read inside `tx`.
    pub(crate) async fn org(&self, tx: &mut Tx, org: &OrgId) -> Result<Arc<DataKey>, DbError> {
        if let Some(key) = self.orgs.get(org) {
            return Ok(key);
        }
        self.unwrap(tx, org, ORG_SUBJECT).await?;
        self.orgs.get(org).ok_or_else(|| DbError::Corrupt(format!("{org} has no key")))
    }

    /// Makes the key of a new organisation.
    pub(crate) async fn create_org(&self, tx: &mut Tx, org: &OrgId, now: Timestamp) -> Result<(), DbError> {
        self.create(tx, org, ORG_SUBJECT, self.master.key(), now).await
    }

    /// Makes the key of a new contact.
    pub(crate) async fn create_contact(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        contact: &ContactId,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let above = self.org(tx, org).await?;
        self.create(tx, org, contact.as_str(), &above, now).await
    }

    /// Destroys a contact's key: nothing it sealed can be read again, here or in any backup of the journal alone.
    pub(crate) async fn destroy(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        contact: &ContactId,
        now: Timestamp,
    ) -> Result<(), DbError> {
        execute!(tx, DESTROY_KEY, org.as_str(), contact.as_str(), now.as_millis())?;
        self.contacts.invalidate(&(org.clone(), contact.clone()));
        Ok(())
    }

    async fn create(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        subject: &str,
        above: &DataKey,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let key = DataKey::generate(&*self.entropy);
        let wrapped = above.seal(&*self.entropy, org, Place::Key { subject }, &wrapped_form(&key));
        execute!(tx, INSERT_KEY, key.id(), org.as_str(), subject, wrapped, now.as_millis())?;
        Ok(())
    }

    /// Unwraps the key of `subject`, and the organisation's own on the way.
    async fn unwrap(&self, tx: &mut Tx, org: &OrgId, subject: &str) -> Result<Option<DataKey>, DbError> {
        let rows = fetch_all!(tx, KeyRow, KEYS, org.as_str(), subject, ORG_SUBJECT)?;
        let open = |above: &DataKey, subject: &str| {
            rows.iter().find(|row| row.subject == subject).and_then(|row| row.open(org, above)).transpose()
        };
        let Some(org_key) = open(self.master.key(), ORG_SUBJECT)?.map(Arc::new) else {
            return Ok(None);
        };
        self.orgs.insert(org.clone(), Arc::clone(&org_key));
        if subject == ORG_SUBJECT { Ok(None) } else { open(&org_key, subject) }
    }
}

/// A key as it lies in the database.
#[derive(sqlx::FromRow)]
pub(crate) struct KeyRow {
    pub(super) key_id: String,
    pub(super) subject: String,
    pub(super) wrapped: Option<Vec<u8>>,
}

impl KeyRow {
    /// Unwraps it with the key above it; `None` when it was destroyed.
    fn open(&self, org: &OrgId, above: &DataKey) -> Option<Result<DataKey, DbError>> {
        let wrapped = self.wrapped.clone()?;
        let opened = above.open(org, Place::Key { subject: &self.subject }, wrapped).ok();
        Some(opened.and_then(|bytes| from_wrapped_form(self, bytes)).ok_or_else(|| {
            DbError::Corrupt(format!("data key {} does not open: is this its master key?", self.key_id))
        }))
    }
}

/// A wrapped key carries its own id, so that two rows cannot swap their bytes.
fn wrapped_form(key: &DataKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&key.bytes()[..], key.id().as_bytes()].concat())
}

fn from_wrapped_form(row: &KeyRow, bytes: Vec<u8>) -> Option<DataKey> {
    let bytes = Zeroizing::new(bytes);
    let (key, id) = bytes.split_first_chunk::<KEY_BYTES>()?;
    (id == row.key_id.as_bytes()).then(|| DataKey::new(row.key_id.as_str(), Zeroizing::new(*key)))
}
