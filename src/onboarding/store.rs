//! The SQL of sessions: made once per person and kind, found by id, link or phone.

use std::collections::HashMap;

use usher_conversation::id::{ContactId, FlowId, OrgId, PackageId, SessionId};
use usher_conversation::ports::{BoxFuture, StoreError};
use usher_conversation::time::Timestamp;

use crate::db::{
    Db, DbError, Found, Lookups, Repeated, Scope, Tx, batches, execute, fetch_all, fetch_one, fetch_optional,
    on_tx, statements,
};
use crate::store::{Store, parse_id};
use crate::tenancy::ContactDetails;

statements! {
    INSERT_SESSION = "INSERT INTO sessions (session_id, org_id, contact_id, kind, open_key, flow_id, package_id, \
        locale, link, created_at, last_activity_at) \
        SELECT $1, o.org_id, $3, $4, $5, $6, $7, o.locale, $8, $9, $9 FROM organisations o WHERE o.org_id = $2 \
        ON CONFLICT DO NOTHING";
    OPEN_SESSION = "SELECT session_id, contact_id, link FROM sessions WHERE org_id = $1 AND open_key = $2";
    ORG_OF_SESSION = "SELECT org_id FROM sessions WHERE session_id = $1";
    SESSION_OF_LINK = "SELECT session_id, org_id, package_id, last_activity_at FROM sessions WHERE link = $1";
    CONTACT_OF_SESSION = "SELECT contact_id FROM sessions WHERE org_id = $1 AND session_id = $2";
    SESSION_OF_PHONE = "SELECT s.session_id FROM contacts c \
        JOIN sessions s ON s.org_id = c.org_id AND s.contact_id = c.contact_id \
        WHERE c.org_id = $1 AND c.phone = $2 ORDER BY s.created_at DESC, s.session_id DESC LIMIT 1";
    NEWEST_FLOW = "SELECT flow_id FROM flows WHERE org_id = $1 ORDER BY created_at DESC, flow_id DESC LIMIT 1";
    SESSIONS_AFTER = "SELECT org_id, session_id FROM sessions WHERE session_id > $1 ORDER BY session_id LIMIT $2";
    LINK_OF_SESSION = "SELECT link FROM sessions WHERE org_id = $1 AND session_id = $2";
}

static DOORS: Repeated = Repeated::new(
    "DOORS",
    "SELECT session_id, org_id, package_id, last_activity_at FROM sessions WHERE session_id IN (",
    "?",
    ")",
);

/// Every statement with a list, for the test that prepares them.
pub(crate) static REPEATED: [&Repeated; 1] = [&DOORS];

/// The kind of session that collects what a service needs.
const ONBOARDING: &str = "onboarding";

/// An onboarding about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// With whom.
    pub contact: ContactId,
    /// The pinned questions.
    pub flow: FlowId,
    /// What was bought.
    pub package: Option<PackageId>,
}

/// A session that exists now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub session: SessionId,
    /// With whom.
    pub contact: ContactId,
    /// The token of its hosted page; see [`Store::page_url`].
    pub link: String,
    /// Whether this call made it.
    pub created: bool,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    session_id: String,
    contact_id: String,
    link: String,
}

/// A session that a page may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Whose it is.
    pub org: OrgId,
    /// The session.
    pub session: SessionId,
    /// What was bought.
    pub package: Option<PackageId>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct DoorRow {
    session_id: String,
    org_id: String,
    package_id: Option<String>,
    last_activity_at: i64,
}

impl DoorRow {
    fn open(self, active_since: Timestamp) -> Option<Result<Door, DbError>> {
        let door = || {
            let package = self.package_id.as_deref().map(parse_id).transpose()?;
            Ok(Door { org: parse_id(&self.org_id)?, session: parse_id(&self.session_id)?, package })
        };
        (self.last_activity_at >= active_since.as_millis()).then(door)
    }
}

/// The look-ups of sessions by their ids alone: a session's id is unguessable, and who knows it may use it.
pub(crate) type Doors = Lookups<SessionId, Option<DoorRow>>;

/// For [`Doors`].
pub(crate) fn doors(db: Db, sessions: Vec<SessionId>) -> Found<Option<DoorRow>> {
    Box::pin(async move {
        let mut tx = db.read(Scope::System).await?;
        let mut rows = HashMap::with_capacity(sessions.len());
        for run in batches(&sessions) {
            let found: Vec<DoorRow> = on_tx!(&mut tx, c => {
                let mut query = sqlx::query_as(DOORS.text(c, run.len()));
                for session in run {
                    query = query.bind(session.as_str());
                }
                query.fetch_all(c).await
            })?;
            rows.extend(found.into_iter().map(|row| (row.session_id.clone(), row)));
        }
        // The same session may have been asked for twice.
        Ok(sessions.iter().map(|session| rows.get(session.as_str()).cloned()).collect())
    })
}

impl Store {
    /// The onboarding session of a contact; made when there is none. However many ask at once, there is one.
    pub async fn find_or_create_session(&self, org: &OrgId, new: NewSession) -> Result<Opened, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let opened = store.session_in(&mut tx, &org, new).await?;
            tx.commit().await?;
            Ok(opened)
        })
        .await
    }

    /// The session a phone talks to. Someone who writes for the first time becomes a contact and gets a session with
    /// the organisation's newest questions.
    pub async fn session_of_phone(&self, org: &OrgId, phone: &str) -> Result<SessionId, StoreError> {
        let (db, of, number) = (self.db().clone(), org.clone(), phone.to_owned());
        let known = self
            .run(async move {
                let mut tx = db.read(Scope::Org(&of)).await?;
                fetch_optional!(&mut tx, (String,), SESSION_OF_PHONE, of.as_str(), number.as_str())
            })
            .await?;
        if let Some((session,)) = known {
            return Ok(parse_id(&session)?);
        }
        let (store, of, number) = (self.clone(), org.clone(), phone.to_owned());
        Ok(self
            .db()
            .write_together(org, move |tx| store.clone().welcome(tx, of.clone(), number.clone()))
            .await?)
    }

    /// The questions an organisation's new sessions ask; `None` when it has never saved any.
    pub async fn newest_flow(&self, org: &OrgId) -> Result<Option<FlowId>, StoreError> {
        let (db, org) = (self.db().clone(), org.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let found = fetch_optional!(&mut tx, (String,), NEWEST_FLOW, org.as_str())?;
            found.map(|(flow,)| parse_id(&flow)).transpose()
        })
        .await
    }

    /// Makes the contact and the session of someone who writes for the first time.
    fn welcome(self, tx: &mut Tx, org: OrgId, phone: String) -> BoxFuture<'_, Result<SessionId, DbError>> {
        Box::pin(async move {
            let details = ContactDetails { phone: Some(phone), ..ContactDetails::default() };
            self.newest_session_in(tx, &org, details).await
        })
    }

    /// A session with somebody of whom nothing is known: who called without showing a number.
    pub async fn session_of_stranger(&self, org: &OrgId) -> Result<SessionId, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let session = store.newest_session_in(&mut tx, &org, ContactDetails::default()).await?;
            tx.commit().await?;
            Ok(session)
        })
        .await
    }

    /// The session of a contact, made with them if need be, with the organisation's newest questions.
    async fn newest_session_in(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        details: ContactDetails,
    ) -> Result<SessionId, DbError> {
        let contact = self.contact_in(tx, org, details).await?.id;
        let (flow,) = fetch_optional!(tx, (String,), NEWEST_FLOW, org.as_str())?
            .ok_or_else(|| DbError::Corrupt(format!("{org} has no questions to ask")))?;
        let new = NewSession { contact, flow: parse_id(&flow)?, package: None };
        Ok(self.session_in(tx, org, new).await?.session)
    }

    async fn session_in(&self, tx: &mut Tx, org: &OrgId, new: NewSession) -> Result<Opened, DbError> {
        let now = self.clock().now();
        let open_key = format!("{ONBOARDING}:{}", new.contact);
        let made = execute!(
            tx,
            INSERT_SESSION,
            SessionId::new(now, self.entropy().bits()).as_str(),
            org.as_str(),
            new.contact.as_str(),
            ONBOARDING,
            open_key.as_str(),
            new.flow.as_str(),
            new.package.as_ref().map(PackageId::as_str),
            format!("lnk_{}", hex::encode(self.entropy().bits())),
            now.as_millis()
        )?;
        let row = fetch_one!(tx, SessionRow, OPEN_SESSION, org.as_str(), open_key.as_str())?;
        Ok(Opened {
            session: parse_id(&row.session_id)?,
            contact: parse_id(&row.contact_id)?,
            link: row.link,
            created: made == 1,
        })
    }

    /// Which organisation a session belongs to. A session's id is unguessable: who knows it may use it.
    pub async fn org_of_session(&self, session: &SessionId) -> Result<Option<OrgId>, StoreError> {
        let (db, session) = (self.db().clone(), session.clone());
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let found = fetch_optional!(&mut tx, (String,), ORG_OF_SESSION, session.as_str())?;
            found.map(|(org,)| parse_id(&org)).transpose()
        })
        .await
    }

    /// A session in which something happened since `active_since`. A page that was left open holds the session's id, and its
    /// key ends with the link it came by.
    pub async fn live_session(
        &self,
        session: &SessionId,
        active_since: Timestamp,
    ) -> Result<Option<Door>, StoreError> {
        let found = self.doors().find(session.clone()).await?;
        Ok(found.and_then(|row| row.open(active_since)).transpose()?)
    }

    /// Sessions of every organisation in the order of their ids, after the given one. For operators.
    pub async fn sessions_after(
        &self,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(OrgId, SessionId)>, StoreError> {
        let (db, after) = (self.db().clone(), after.map_or_else(String::new, SessionId::to_string));
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_all!(&mut tx, (String, String), SESSIONS_AFTER, after.as_str(), i64::from(limit))?
                .into_iter()
                .map(|(org, session)| Ok((parse_id(&org)?, parse_id(&session)?)))
                .collect()
        })
        .await
    }

    /// The session a resume link opens, when something happened in it since `active_since`.
    pub async fn session_of_link(
        &self,
        link: &str,
        active_since: Timestamp,
    ) -> Result<Option<Door>, StoreError> {
        let (db, link) = (self.db().clone(), link.to_owned());
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let found = fetch_optional!(&mut tx, DoorRow, SESSION_OF_LINK, link.as_str())?;
            found.and_then(|row| row.open(active_since)).transpose()
        })
        .await
    }

    /// The token of a session's hosted page.
    pub async fn link_of_session(
        &self,
        org: &OrgId,
        session: &SessionId,
    ) -> Result<Option<String>, StoreError> {
        let (db, org, session) = (self.db().clone(), org.clone(), session.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let found = fetch_optional!(&mut tx, (String,), LINK_OF_SESSION, org.as_str(), session.as_str())?;
            Ok(found.map(|(link,)| link))
        })
        .await
    }

    /// With whom a session is.
    pub(crate) async fn contact_of_session(
        &self,
        org: &OrgId,
        session: &SessionId,
    ) -> Result<Option<ContactId>, DbError> {
        let mut tx = self.db().read(Scope::Org(org)).await?;
        let found = fetch_optional!(&mut tx, (String,), CONTACT_OF_SESSION, org.as_str(), session.as_str())?;
        found.map(|(contact,)| parse_id(&contact)).transpose()
    }
}
