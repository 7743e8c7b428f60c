//! The SQL of organisations and contacts.

use usher_conversation::id::{ContactId, OrgId};
use usher_conversation::ports::StoreError;
use usher_conversation::time::Timestamp;

use super::{Contact, ContactDetails, Organisation, Profile};
use crate::db::{DbError, Scope, Tx, execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::store::{Store, corrupt, parse_id};

statements! {
    INSERT_ORG = "INSERT INTO organisations (org_id, name, locale, region, allowed_origins, theme, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ORG = "SELECT org_id, name, locale, region, allowed_origins, theme FROM organisations WHERE org_id = $1";
    ORGS = "SELECT org_id, name, locale, region, allowed_origins, theme FROM organisations ORDER BY org_id";
    INSERT_CONTACT = "INSERT INTO contacts (org_id, contact_id, name, phone, email, zone, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    CONTACT = "SELECT contact_id, name, phone, email, zone FROM contacts \
        WHERE org_id = $1 AND contact_id = $2 AND erased_at IS NULL";
    /// A telephone number is one person's; a mail address may be an office's.
    CONTACT_BY_ADDRESS = "SELECT contact_id, name, phone, email, zone FROM contacts \
        WHERE org_id = $1 AND (phone = $2 OR email = $3) \
        ORDER BY CASE WHEN phone = $2 THEN 0 ELSE 1 END LIMIT 1";
    /// Takes the row's lock, so that an erasure comes wholly before or wholly after.
    HOLD_CONTACT = "UPDATE contacts SET erased_at = NULL WHERE org_id = $1 AND contact_id = $2 AND erased_at IS NULL";
    FORGET_CONTACT = "UPDATE contacts SET name = '', phone = NULL, email = NULL, zone = NULL, erased_at = $3 \
        WHERE org_id = $1 AND contact_id = $2 AND erased_at IS NULL";
    /// One more row, without a body, at the end of every journal that has none yet.
    END_JOURNALS = "INSERT INTO journal (org_id, session_id, seq, at, key_id, body) \
        SELECT s.org_id, s.session_id, COALESCE((SELECT MAX(j.seq) FROM journal j \
            WHERE j.session_id = s.session_id AND j.org_id = s.org_id), 0) + 1, $3, k.key_id, $4 \
        FROM sessions s JOIN data_keys k ON k.org_id = s.org_id AND k.subject = s.contact_id \
        WHERE s.org_id = $1 AND s.contact_id = $2 AND NOT EXISTS (SELECT 1 FROM journal j \
            WHERE j.session_id = s.session_id AND j.org_id = s.org_id AND LENGTH(j.body) = 0) \
        ON CONFLICT DO NOTHING";
    OPEN_JOURNALS = "SELECT COUNT(*) FROM sessions s WHERE s.org_id = $1 AND s.contact_id = $2 \
        AND NOT EXISTS (SELECT 1 FROM journal j \
            WHERE j.session_id = s.session_id AND j.org_id = s.org_id AND LENGTH(j.body) = 0)";
    FORGET_RESPONSES = "DELETE FROM session_responses WHERE org_id = $1 \
        AND session_id IN (SELECT session_id FROM sessions WHERE org_id = $1 AND contact_id = $2)";
    FORGET_INTERACTIONS = "DELETE FROM interaction_log WHERE org_id = $1 \
        AND session_id IN (SELECT session_id FROM sessions WHERE org_id = $1 AND contact_id = $2)";
    FORGET_SNAPSHOTS = "DELETE FROM snapshots WHERE org_id = $1 \
        AND session_id IN (SELECT session_id FROM sessions WHERE org_id = $1 AND contact_id = $2)";
    FORGET_TIMERS = "DELETE FROM timers WHERE org_id = $1 \
        AND session_id IN (SELECT session_id FROM sessions WHERE org_id = $1 AND contact_id = $2)";
    FORGET_MESSAGES = "DELETE FROM outbox WHERE org_id = $1 AND contact_id = $2";
    FORGET_FILES = "DELETE FROM files WHERE org_id = $1 AND contact_id = $2";
    FORGET_CALLS = "UPDATE calls SET phone = NULL, recording_id = NULL, recording_url = NULL \
        WHERE org_id = $1 AND contact_id = $2";
    FORGET_CALL_REPORTS = "DELETE FROM call_reports WHERE org_id = $1 AND contact_id = $2";
    FORGET_SESSIONS = "UPDATE sessions SET open_key = NULL, pending = NULL \
        WHERE org_id = $1 AND contact_id = $2";
}

#[derive(sqlx::FromRow)]
struct OrgRow {
    org_id: String,
    name: String,
    locale: String,
    region: String,
    allowed_origins: String,
    theme: String,
}

impl TryFrom<OrgRow> for Organisation {
    type Error = DbError;

    fn try_from(row: OrgRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parse_id(&row.org_id)?,
            profile: Profile {
                name: row.name,
                locale: row.locale,
                region: row.region,
                allowed_origins: serde_json::from_str(&row.allowed_origins).map_err(|e| corrupt(&e))?,
                theme: serde_json::from_str(&row.theme).map_err(|e| corrupt(&e))?,
            },
        })
    }
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    contact_id: String,
    name: String,
    phone: Option<String>,
    email: Option<String>,
    zone: Option<String>,
}

impl TryFrom<ContactRow> for Contact {
    type Error = DbError;

    fn try_from(row: ContactRow) -> Result<Self, DbError> {
        let ContactRow { contact_id, name, phone, email, zone } = row;
        Ok(Self { id: parse_id(&contact_id)?, details: ContactDetails { name, phone, email, zone } })
    }
}

impl Store {
    /// A new organisation with a key of its own.
    pub async fn create_organisation(&self, profile: Profile) -> Result<Organisation, StoreError> {
        let store = self.clone();
        self.run(async move {
            let now = store.clock().now();
            let id = OrgId::new(now, store.entropy().bits());
            let mut tx = store.db().write(Scope::Org(&id)).await?;
            execute!(
                &mut tx,
                INSERT_ORG,
                id.as_str(),
                profile.name.as_str(),
                profile.locale.as_str(),
                profile.region.as_str(),
                serde_json::to_string(&profile.allowed_origins).map_err(|e| corrupt(&e))?,
                serde_json::to_string(&profile.theme).map_err(|e| corrupt(&e))?,
                now.as_millis()
            )?;
            store.keyring().create_org(&mut tx, &id, now).await?;
            tx.commit().await?;
            Ok(Organisation { id, profile })
        })
        .await
    }

    /// An organisation.
    pub async fn organisation(&self, org: &OrgId) -> Result<Option<Organisation>, StoreError> {
        let (db, org) = (self.db().clone(), org.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_optional!(&mut tx, OrgRow, ORG, org.as_str())?.map(Organisation::try_from).transpose()
        })
        .await
    }

    /// Every organisation, oldest first. For operators.
    pub async fn organisations(&self) -> Result<Vec<Organisation>, StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_all!(&mut tx, OrgRow, ORGS)?.into_iter().map(Organisation::try_from).collect()
        })
        .await
    }

    /// The contact with this phone or email address; made with a key of their own when there is none.
    pub async fn find_or_create_contact(
        &self,
        org: &OrgId,
        details: ContactDetails,
    ) -> Result<Contact, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let contact = store.contact_in(&mut tx, &org, details).await?;
            tx.commit().await?;
            Ok(contact)
        })
        .await
    }

    /// A contact that was not erased.
    pub async fn contact(&self, org: &OrgId, contact: &ContactId) -> Result<Option<Contact>, StoreError> {
        let (db, org, contact) = (self.db().clone(), org.clone(), contact.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_optional!(&mut tx, ContactRow, CONTACT, org.as_str(), contact.as_str())?
                .map(Contact::try_from)
                .transpose()
        })
        .await
    }

    /// Finds or makes a contact inside `tx`. Many first messages of one person at once make one contact: the unique
    /// address decides.
    pub(crate) async fn contact_in(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        details: ContactDetails,
    ) -> Result<Contact, DbError> {
        let (phone, email) = (details.phone.as_deref(), details.email.as_deref());
        if let Some(row) = fetch_optional!(tx, ContactRow, CONTACT_BY_ADDRESS, org.as_str(), phone, email)? {
            return row.try_into();
        }
        let now = self.clock().now();
        let id = ContactId::new(now, self.entropy().bits());
        let made = execute!(
            tx,
            INSERT_CONTACT,
            org.as_str(),
            id.as_str(),
            details.name.as_str(),
            phone,
            email,
            details.zone.as_deref(),
            now.as_millis()
        )?;
        if made == 1 {
            self.keyring().create_contact(tx, org, &id, now).await?;
            return Ok(Contact { id, details });
        }
        fetch_optional!(tx, ContactRow, CONTACT_BY_ADDRESS, org.as_str(), phone, email)?
            .ok_or_else(|| DbError::Corrupt("a contact is neither there nor new".to_owned()))?
            .try_into()
    }

    /// Erases a person: their key is destroyed, so that what the journal holds of them can never be read again, and
    /// every row that names them in clear is emptied. Sequence numbers stay. `false` when there is no such contact.
    pub async fn erase_contact(&self, org: &OrgId, contact: &ContactId) -> Result<bool, StoreError> {
        let (store, org, contact) = (self.clone(), org.clone(), contact.clone());
        self.run(async move {
            let now = store.clock().now();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            if execute!(&mut tx, FORGET_CONTACT, org.as_str(), contact.as_str(), now.as_millis())? == 0 {
                return Ok(false);
            }
            end_journals(&mut tx, &org, &contact, now).await?;
            for statement in [
                FORGET_RESPONSES,
                FORGET_INTERACTIONS,
                FORGET_SNAPSHOTS,
                FORGET_TIMERS,
                FORGET_MESSAGES,
                FORGET_FILES,
                FORGET_CALLS,
                FORGET_CALL_REPORTS,
                FORGET_SESSIONS,
            ] {
                execute!(&mut tx, statement, org.as_str(), contact.as_str())?;
            }
            store.keyring().destroy(&mut tx, &org, &contact, now).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}

/// What no sealed body is.
const NO_BODY: &[u8] = &[];

/// Takes the next number of every session of a person who is being erased. A node that still remembers the key, or
/// a turn that was sealed before, finds its number taken, loads the session again, and there is none.
async fn end_journals(tx: &mut Tx, org: &OrgId, contact: &ContactId, now: Timestamp) -> Result<(), DbError> {
    /// A turn that is written at the same moment may take the number first; nobody writes faster for so long.
    const TRIES: u32 = 100;
    for _ in 0..TRIES {
        execute!(tx, END_JOURNALS, org.as_str(), contact.as_str(), now.as_millis(), NO_BODY)?;
        if fetch_one!(tx, (i64,), OPEN_JOURNALS, org.as_str(), contact.as_str())?.0 == 0 {
            return Ok(());
        }
    }
    Err(DbError::Stopped)
}

/// Makes sure that a person is there until the transaction ends; `false` when they were erased. What is sealed under
/// their key and is no turn is written behind it.
pub(crate) async fn hold_contact(tx: &mut Tx, org: &OrgId, contact: &ContactId) -> Result<bool, DbError> {
    Ok(execute!(tx, HOLD_CONTACT, org.as_str(), contact.as_str())? == 1)
}
