//! What is read of sessions: many of them in one trip, each under its organisation.

use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::StoreError;

use super::keyring::KeyRow;
use super::writer::column;
use crate::db::{Db, DbError, Found, Lookups, Repeated, Scope, batches, of_each_org, on_tx};

/// What does not change during a session, and the key that opens the rest. Nothing of a person who was erased.
static METAS: Repeated = Repeated::new(
    "METAS",
    "WITH wanted (place, session_id, org_id) AS (VALUES ",
    "(CAST(? AS BIGINT), ?, ?)",
    ") SELECT w.place, s.contact_id, s.flow_id, s.locale, s.link, s.created_at, o.name AS org_name, o.region, \
     c.name AS contact_name, c.phone, c.zone, k.key_id, k.wrapped FROM wanted w \
     JOIN sessions s ON s.session_id = w.session_id AND s.org_id = w.org_id \
     JOIN organisations o ON o.org_id = s.org_id \
     JOIN contacts c ON c.org_id = s.org_id AND c.contact_id = s.contact_id AND c.erased_at IS NULL \
     LEFT JOIN data_keys k ON k.org_id = s.org_id AND k.subject = s.contact_id",
);
/// The newest snapshot, when there is one, and the turns after it.
static TAILS: Repeated = Repeated::new(
    "TAILS",
    "WITH wanted (place, session_id, org_id) AS (VALUES ",
    "(CAST(? AS BIGINT), ?, ?)",
    ") SELECT w.place, 0 AS is_turn, n.seq, 0 AS at, NULL AS dedup_key, n.key_id, n.body FROM wanted w \
     JOIN snapshots n ON n.session_id = w.session_id AND n.org_id = w.org_id \
     UNION ALL \
     SELECT w.place, 1, j.seq, j.at, j.dedup_key, j.key_id, j.body FROM wanted w \
     LEFT JOIN snapshots n ON n.session_id = w.session_id AND n.org_id = w.org_id \
     JOIN journal j ON j.session_id = w.session_id AND j.org_id = w.org_id AND j.seq > COALESCE(n.seq, 0)",
);
/// Turns after one and up to another. Nothing of a person who was erased.
static TURNS: Repeated = Repeated::new(
    "TURNS",
    "WITH wanted (place, session_id, org_id, since, upto) AS (VALUES ",
    "(CAST(? AS BIGINT), ?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT))",
    ") SELECT w.place, 1 AS is_turn, j.seq, j.at, j.dedup_key, j.key_id, j.body, s.contact_id FROM wanted w \
     JOIN sessions s ON s.session_id = w.session_id AND s.org_id = w.org_id \
     JOIN contacts c ON c.org_id = s.org_id AND c.contact_id = s.contact_id AND c.erased_at IS NULL \
     JOIN journal j ON j.session_id = w.session_id AND j.org_id = w.org_id \
     AND j.seq > w.since AND j.seq <= w.upto",
);

/// Every multi-row statement, for the test that prepares them.
pub(crate) static READING: [&Repeated; 3] = [&METAS, &TAILS, &TURNS];

/// A session as it lies in the database.
#[derive(Debug)]
pub(super) struct SessionRows {
    pub(super) meta: MetaRow,
    /// The newest snapshot, when there is one, and the turns after it, in order.
    pub(super) bodies: Vec<BodyRow>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct MetaRow {
    place: i64,
    pub(super) contact_id: String,
    pub(super) flow_id: String,
    pub(super) locale: String,
    pub(super) link: String,
    pub(super) created_at: i64,
    pub(super) org_name: String,
    pub(super) region: String,
    pub(super) contact_name: String,
    pub(super) phone: Option<String>,
    pub(super) zone: Option<String>,
    key_id: Option<String>,
    wrapped: Option<Vec<u8>>,
}

impl MetaRow {
    /// The row of the contact's key.
    pub(super) fn take_key(&mut self) -> Option<KeyRow> {
        let (key_id, wrapped) = (self.key_id.take()?, self.wrapped.take());
        Some(KeyRow { key_id, subject: self.contact_id.clone(), wrapped })
    }
}

/// A journal row, or a snapshot row in the same shape.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct BodyRow {
    place: i64,
    pub(super) is_turn: i32,
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) dedup_key: Option<String>,
    pub(super) key_id: String,
    pub(super) body: Vec<u8>,
}

/// A journal row and whose it is.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct TurnRow {
    #[sqlx(flatten)]
    pub(super) body: BodyRow,
    pub(super) contact_id: String,
}

/// Turns of a session: those after `since`, up to and including `upto`.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) session: SessionId,
    pub(super) since: u64,
    pub(super) upto: u64,
}

/// The look-ups of sessions and turns.
pub(super) struct Reading {
    sessions: Lookups<(OrgId, SessionId), Option<SessionRows>>,
    turns: Lookups<(OrgId, Span), Vec<TurnRow>>,
}

impl Reading {
    pub(super) fn start(db: &Db) -> Self {
        Self { sessions: Lookups::start(db, sessions), turns: Lookups::start(db, turns) }
    }

    /// `None` when there is no such session in that organisation, or its person was erased.
    pub(super) async fn session(
        &self,
        org: &OrgId,
        session: &SessionId,
    ) -> Result<Option<SessionRows>, StoreError> {
        self.sessions.find((org.clone(), session.clone())).await
    }

    /// In order.
    pub(super) async fn turns(&self, org: &OrgId, span: Span) -> Result<Vec<TurnRow>, StoreError> {
        self.turns.find((org.clone(), span)).await
    }
}

fn sessions(db: Db, keys: Vec<(OrgId, SessionId)>) -> Found<Option<SessionRows>> {
    Box::pin(async move {
        let mut found: Vec<Option<SessionRows>> = keys.iter().map(|_| None).collect();
        for (org, wanted) in of_each_org(&keys) {
            let mut tx = db.read(Scope::Org(org)).await?;
            for run in batches(&wanted) {
                let metas: Vec<MetaRow> = on_tx!(&mut tx, c => {
                    let mut query = sqlx::query_as(METAS.text(c, run.len()));
                    for (place, session) in run {
                        query = query.bind(place).bind(session.as_str()).bind(org.as_str());
                    }
                    query.fetch_all(c).await
                })?;
                for meta in metas {
                    let rows = at_place(&mut found, meta.place)?;
                    *rows = Some(SessionRows { meta, bodies: Vec::new() });
                }
                let bodies: Vec<BodyRow> = on_tx!(&mut tx, c => {
                    let mut query = sqlx::query_as(TAILS.text(c, run.len()));
                    for (place, session) in run {
                        query = query.bind(place).bind(session.as_str()).bind(org.as_str());
                    }
                    query.fetch_all(c).await
                })?;
                for body in bodies {
                    // A session that began or was erased between the two readings is not there yet, or no more.
                    if let Some(rows) = at_place(&mut found, body.place)? {
                        rows.bodies.push(body);
                    }
                }
            }
        }
        for rows in found.iter_mut().flatten() {
            rows.bodies.sort_unstable_by_key(|row| (row.is_turn, row.seq));
        }
        Ok(found)
    })
}

fn turns(db: Db, keys: Vec<(OrgId, Span)>) -> Found<Vec<TurnRow>> {
    Box::pin(async move {
        let mut found: Vec<Vec<TurnRow>> = keys.iter().map(|_| Vec::new()).collect();
        for (org, wanted) in of_each_org(&keys) {
            let mut tx = db.read(Scope::Org(org)).await?;
            for run in batches(&wanted) {
                let rows: Vec<TurnRow> = on_tx!(&mut tx, c => {
                    let mut query = sqlx::query_as(TURNS.text(c, run.len()));
                    for (place, Span { session, since, upto }) in run {
                        query = query
                            .bind(place)
                            .bind(session.as_str())
                            .bind(org.as_str())
                            .bind(column(*since))
                            .bind(column(*upto));
                    }
                    query.fetch_all(c).await
                })?;
                for row in rows {
                    at_place(&mut found, row.body.place)?.push(row);
                }
            }
        }
        for rows in &mut found {
            rows.sort_unstable_by_key(|row| row.body.seq);
        }
        Ok(found)
    })
}

/// Where the answer to the key at `place` goes.
fn at_place<V>(found: &mut [V], place: i64) -> Result<&mut V, DbError> {
    usize::try_from(place)
        .ok()
        .and_then(|place| found.get_mut(place))
        .ok_or_else(|| DbError::Corrupt(format!("an answer to a question that was not asked: {place}")))
}
