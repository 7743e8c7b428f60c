//! The journal port: making turns durable, loading sessions, reading gaps.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::oneshot;
use usher_conversation::flow::Flow;
use usher_conversation::id::{ContactId, FlowId, OrgId, SessionId};
use usher_conversation::journal::{self, Turn};
use usher_conversation::ports::{Append, Appended, BoxFuture, Journal, StoreError, StoredSession};
use usher_conversation::session::SessionMeta;
use usher_conversation::time::Timestamp;

use super::Store;
use super::reading::{BodyRow, MetaRow, SessionRows, Span};
use super::sealed::SealedTurn;
use super::writer::Waiting;
use crate::crypto::{DataKey, Place};
use crate::db::{DbError, Scope, fetch_optional, statements};

statements! {
    LOAD_FLOW = "SELECT definition FROM flows WHERE org_id = $1 AND flow_id = $2";
}

impl Journal for Store {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, StoreError>> {
        Box::pin(async move {
            // Whoever was erased has no session: its owner finds out when it loads it again.
            let Some(key) = self.keyring().contact(&append.org, &append.contact).await? else {
                return Ok(Appended::Conflict);
            };
            let turn = SealedTurn::seal(append, &key, self.entropy())?;
            let (answer, outcome) = oneshot::channel();
            let stopped = || StoreError::from(DbError::Stopped);
            self.0.writer.send(Waiting { turn, answer }).await.map_err(|_| stopped())?;
            outcome.await.map_err(|_| stopped())?.map_err(|error| match &*error {
                DbError::Corrupt(what) => StoreError::Corrupt(what.clone()),
                other => StoreError::Unavailable(other.to_string()),
            })
        })
    }

    fn load<'a>(
        &'a self,
        org: &'a OrgId,
        session: &'a SessionId,
    ) -> BoxFuture<'a, Result<Option<StoredSession>, StoreError>> {
        Box::pin(async move {
            let Some(SessionRows { meta: mut row, bodies }) = self.reading().session(org, session).await?
            else {
                return Ok(None);
            };
            let contact = parse_id(&row.contact_id)?;
            let key = self.keyring().contact_of_row(org, &contact, row.take_key()).await?;
            let key = key.ok_or_else(|| destroyed(&contact))?;
            let mut rows = bodies.into_iter().peekable();
            let mut snapshot = None;
            if let Some(row) = rows.next_if(|row| row.is_turn == 0) {
                let place = Place::Snapshot { session, seq: row.seq.unsigned_abs() };
                let plain = open(&key, org, place, &row.key_id, row.body)?;
                snapshot = serde_json::from_slice(&plain).ok();
                if snapshot.is_none() {
                    // Another version's snapshot is only a cache that does not fit: the journal has it all.
                    tracing::info!(%session, "a snapshot of another version; the journal is read from its start");
                    let all = Span { session: session.clone(), since: 0, upto: u64::MAX };
                    let all: Vec<_> = self.reading().turns(org, all).await?;
                    rows = all.into_iter().map(|row| row.body).collect::<Vec<_>>().into_iter().peekable();
                }
            }
            let tail = rows.map(|row| row.into_turn(&key, org, session)).collect::<Result<_, _>>()?;
            let meta = self.meta(org, session, contact, row).await?;
            Ok(Some(StoredSession { meta, snapshot, tail }))
        })
    }

    fn turns<'a>(
        &'a self,
        org: &'a OrgId,
        session: &'a SessionId,
        since: u64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Turn>, StoreError>> {
        Box::pin(async move {
            // Numbers have no gaps, so that many turns end at that number.
            let upto = since.saturating_add(u64::from(limit));
            let rows = self.reading().turns(org, Span { session: session.clone(), since, upto }).await?;
            let Some(first) = rows.first() else { return Ok(Vec::new()) };
            let key = self.contact_key(org, &parse_id(&first.contact_id)?).await?;
            let turns = rows.into_iter().map(|row| row.body.into_turn(&key, org, session));
            Ok(turns.collect::<Result<_, _>>()?)
        })
    }
}

impl Store {
    /// The key of a person who was not erased.
    pub(crate) async fn contact_key(
        &self,
        org: &OrgId,
        contact: &ContactId,
    ) -> Result<Arc<DataKey>, DbError> {
        self.keyring().contact(org, contact).await?.ok_or_else(|| destroyed(contact))
    }

    /// What does not change during a session.
    async fn meta(
        &self,
        org: &OrgId,
        session: &SessionId,
        contact: ContactId,
        row: MetaRow,
    ) -> Result<SessionMeta, DbError> {
        Ok(SessionMeta {
            session: session.clone(),
            org: org.clone(),
            org_name: row.org_name,
            contact,
            contact_name: row.contact_name,
            phone: row.phone,
            flow: self.pinned_flow(org, &row.flow_id).await?,
            locale: row.locale,
            region: row.region,
            zone: row.zone,
            link: Some(self.page_url(&row.link)),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }

    async fn pinned_flow(&self, org: &OrgId, flow_id: &str) -> Result<Arc<Flow>, DbError> {
        let id: FlowId = parse_id(flow_id)?;
        if let Some(flow) = self.flows().get(&id) {
            return Ok(flow);
        }
        let (store, org) = (self.clone(), org.clone());
        self.db()
            .detached(async move {
                let mut tx = store.db().read(Scope::Org(&org)).await?;
                let (definition,) =
                    fetch_optional!(&mut tx, (String,), LOAD_FLOW, org.as_str(), id.as_str())?
                        .ok_or_else(|| DbError::Corrupt(format!("flow {id} is missing")))?;
                let flow: Arc<Flow> =
                    Arc::new(serde_json::from_str(&definition).map_err(|error| corrupt(&error))?);
                store.flows().insert(id, Arc::clone(&flow));
                Ok(flow)
            })
            .await
    }
}

/// The rows of somebody who is not erased want a key that is gone.
fn destroyed(contact: &ContactId) -> DbError {
    DbError::Corrupt(format!("the key of {contact} was destroyed"))
}

impl BodyRow {
    fn into_turn(self, key: &DataKey, org: &OrgId, session: &SessionId) -> Result<Turn, DbError> {
        let seq = self.seq.unsigned_abs();
        let plain = open(key, org, Place::Turn { session, seq }, &self.key_id, self.body)?;
        Ok(Turn {
            seq,
            at: Timestamp::from_millis(self.at),
            dedup: self.dedup_key,
            events: journal::decode(&plain).map_err(|error| corrupt(&error))?,
        })
    }
}

/// Opens a stored body with the key its row names.
pub(crate) fn open(
    key: &DataKey,
    org: &OrgId,
    place: Place<'_>,
    key_id: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, DbError> {
    if key.id() != key_id {
        return Err(DbError::Corrupt(format!("data key {key_id} is not known")));
    }
    key.open(org, place, body).map_err(|error| DbError::Corrupt(format!("{place:?}: {error}")))
}

/// An id as it lies in a column.
pub(crate) fn parse_id<T: FromStr<Err: Display>>(text: &str) -> Result<T, DbError> {
    text.parse().map_err(|error| DbError::Corrupt(format!("{text:?}: {error}")))
}

/// Stored bytes that do not decode.
pub(crate) fn corrupt(error: &dyn Display) -> DbError {
    DbError::Corrupt(error.to_string())
}

#[cfg(test)]
mod tests {
    use usher_conversation::channel::Channel;
    use usher_conversation::ports::Entropy as _;
    use usher_conversation::session::{Event, Origin, SessionState};

    use super::*;
    use crate::clock::{SystemClock, SystemEntropy};
    use crate::db::{Access, DatabaseUrl, execute};
    use crate::onboarding::NewSession;
    use crate::store::StoreConfig;
    use crate::tenancy::{ContactDetails, Profile, Theme};

    const SAVE: crate::db::Statement = crate::db::Statement::new(
        "SAVE",
        "INSERT INTO snapshots (session_id, org_id, seq, key_id, body) VALUES ($1, $2, 1, $3, $4)",
    );

    #[tokio::test]
    async fn a_snapshot_of_another_version_is_passed_over_for_the_turns() {
        let dir = tempfile::tempdir().expect("a directory");
        let config = StoreConfig {
            url: DatabaseUrl::Sqlite(dir.path().join("usher.db")),
            access: Access::Own,
            data_dir: dir.path().to_owned(),
            master_key: None,
            public_url: String::new(),
        };
        let store =
            Store::open(config, Arc::new(SystemClock), Arc::new(SystemEntropy)).await.expect("it opens");
        let profile = Profile {
            name: "Bright Agency".to_owned(),
            locale: "en".to_owned(),
            region: "US".to_owned(),
            allowed_origins: Vec::new(),
            theme: Theme::default(),
        };
        let org = store.create_organisation(profile).await.expect("an organisation").id;
        let id = FlowId::new(Timestamp::from_millis(0), SystemEntropy.bits());
        let flow = serde_json::json!({ "id": id, "version": 1, "name": "Onboarding", "fields": [] });
        let flow = store.save_flow(&org, serde_json::from_value(flow).expect("a flow")).await.expect("saved");
        let dana = ContactDetails { phone: Some("+14155550100".to_owned()), ..ContactDetails::default() };
        let contact = store.find_or_create_contact(&org, dana).await.expect("a contact").id;
        let new = NewSession { contact: contact.clone(), flow: flow.id.clone(), package: None };
        let session = store.find_or_create_session(&org, new).await.expect("a session").session;
        for seq in 1..=3 {
            let origin = Origin { channel: Channel::Sms, address: "+14155550100".to_owned(), line: None };
            let events = vec![Event::Received { origin, text: "hello".to_owned(), media: Vec::new() }];
            let turn = Arc::new(Turn { seq, at: Timestamp::from_millis(1), dedup: None, events });
            let (org, session, contact) = (org.clone(), session.clone(), contact.clone());
            let state = Arc::new(SessionState::new());
            let append = Append { org, session, contact, turn, effects: Vec::new(), state, snapshot: false };
            assert_eq!(store.append(append).await.expect("the store works"), Appended::Committed);
        }
        let key = store.contact_key(&org, &contact).await.expect("a key");
        let place = Place::Snapshot { session: &session, seq: 1 };
        let body = key.seal(&SystemEntropy, &org, place, br#"{"from":"the future"}"#);
        let mut tx = store.db().write(Scope::Org(&org)).await.expect("a transaction");
        execute!(&mut tx, SAVE, session.as_str(), org.as_str(), key.id(), body).expect("saved");
        tx.commit().await.expect("saved");

        let stored = store.load(&org, &session).await.expect("readable").expect("it is there");
        assert!(stored.snapshot.is_none());
        assert_eq!(stored.tail.iter().map(|turn| turn.seq).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
