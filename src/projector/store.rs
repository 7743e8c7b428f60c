//! The SQL of the read model.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::{Journal as _, StoreError};
use usher_conversation::session::{SessionStatus, Speaker, TranscriptEntry, fold};
use usher_conversation::view::transcript_of;

use super::news::{Advance, News};
use crate::db::{
    DbError, Repeated, Scope, Tx, batches, execute, fetch_all, fetch_one, fetch_optional, on_tx, statements,
};
use crate::store::{Store, column, parse_id};

/// Journal rows looked at together.
const PAGE: i64 = 512;
/// Sessions written in one transaction: it keeps the journal's writer waiting.
const TOGETHER: usize = 64;
/// A turn younger than this may still have older ones behind it that another node has not committed yet.
const SETTLED_MS: i64 = 10_000;

statements! {
    BEHIND = "SELECT j.position, j.org_id, j.session_id FROM journal j \
        JOIN sessions s ON s.session_id = j.session_id \
        WHERE j.position > $1 AND j.position <= $2 AND j.seq > s.projected_seq ORDER BY j.position LIMIT $3";
    HEAD = "SELECT CAST(COALESCE(MAX(position), 0) AS BIGINT) FROM journal";
    WATERMARK = "SELECT position FROM projections WHERE name = 'read_model'";
    SETTLED = "SELECT MAX(position) FROM journal WHERE position > $1 AND at <= $2";
    SAVE_WATERMARK = "INSERT INTO projections (name, position) VALUES ('read_model', $1) \
        ON CONFLICT (name) DO UPDATE SET position = excluded.position";
    FORGET_WATERMARK = "DELETE FROM projections WHERE name = 'read_model'";
    PROJECTED_SEQ = "SELECT projected_seq FROM sessions WHERE session_id = $1 AND org_id = $2";
    RESET_SESSIONS = "UPDATE sessions SET status = 'active', pending = NULL, answered = 0, last_channel = NULL, \
        last_activity_at = created_at, projected_seq = 0";
    RESET_RESPONSES = "DELETE FROM session_responses";
    RESET_INTERACTIONS = "DELETE FROM interaction_log";
}

/// The old number is the fence: of two nodes that project a session, one writes. Nobody writes about a person who was
/// erased.
static UPDATE_SESSIONS: Repeated = Repeated::new(
    "UPDATE_SESSIONS",
    "WITH moved (session_id, org_id, before, status, pending, answered, last_channel, at, seq) AS (VALUES ",
    "(?, ?, CAST(? AS BIGINT), ?, ?, CAST(? AS BIGINT), ?, CAST(? AS BIGINT), CAST(? AS BIGINT))",
    ") UPDATE sessions SET status = moved.status, pending = moved.pending, answered = moved.answered, \
     last_channel = moved.last_channel, last_activity_at = moved.at, projected_seq = moved.seq FROM moved \
     WHERE sessions.session_id = moved.session_id AND sessions.org_id = moved.org_id \
     AND sessions.projected_seq = moved.before \
     AND EXISTS (SELECT 1 FROM contacts c WHERE c.org_id = sessions.org_id \
     AND c.contact_id = sessions.contact_id AND c.erased_at IS NULL) RETURNING sessions.session_id",
);
static DELETE_RESPONSES: Repeated =
    Repeated::new("DELETE_RESPONSES", "DELETE FROM session_responses WHERE session_id IN (", "?", ")");
static INSERT_RESPONSES: Repeated = Repeated::new(
    "INSERT_RESPONSES",
    "INSERT INTO session_responses (org_id, session_id, field, value, raw, channel, at, seq) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?, ?)",
    "",
);
static INSERT_INTERACTIONS: Repeated = Repeated::new(
    "INSERT_INTERACTIONS",
    "INSERT INTO interaction_log (org_id, session_id, seq, position, speaker, channel, text, at) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?, ?)",
    "",
);

/// Every multi-row statement, for the test that prepares them.
pub(crate) static REPEATED: [&Repeated; 4] =
    [&UPDATE_SESSIONS, &DELETE_RESPONSES, &INSERT_RESPONSES, &INSERT_INTERACTIONS];

#[derive(sqlx::FromRow)]
struct BehindRow {
    position: i64,
    org_id: String,
    session_id: String,
}

impl Store {
    /// Projects every turn behind `position`, up to `head`.
    async fn project_after(&self, position: i64, head: i64) -> Result<(), StoreError> {
        let db = self.db().clone();
        let mut cursor = position;
        loop {
            let db = db.clone();
            let rows = self
                .run(async move {
                    let mut tx = db.read(Scope::System).await?;
                    fetch_all!(&mut tx, BehindRow, BEHIND, cursor, head, PAGE)
                })
                .await?;
            let full = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
            let mut sessions = BTreeMap::new();
            for row in rows {
                cursor = row.position;
                sessions.insert(row.session_id, row.org_id);
            }
            for (session, org) in sessions {
                let (org, session) = (parse_id::<OrgId>(&org)?, parse_id::<SessionId>(&session)?);
                self.project_readable(&org, &session).await?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Where the journal ends now.
    pub(super) async fn head(&self) -> Result<i64, StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_one!(&mut tx, (i64,), HEAD).map(|(position,)| position)
        })
        .await
    }

    /// Projects from the watermark to `head`, then moves it behind every turn that is old enough to have none before it.
    /// What lies before `swept` was looked at already; only where another node writes can more have come between.
    pub(super) async fn sweep(&self, swept: i64, head: i64) -> Result<(), StoreError> {
        let (db, settled_at) = (self.db().clone(), self.clock().now().plus_millis(-SETTLED_MS));
        let watermark = self
            .run(async move {
                let mut tx = db.read(Scope::System).await?;
                let saved = fetch_optional!(&mut tx, (i64,), WATERMARK)?;
                Ok(saved.map_or(0, |(position,)| position))
            })
            .await?;
        let unseen = if self.db().is_ours_alone() { watermark.max(swept) } else { watermark };
        self.project_after(unseen, head).await?;
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.write(Scope::System).await?;
            let settled =
                fetch_optional!(&mut tx, (Option<i64>,), SETTLED, watermark, settled_at.as_millis())?;
            if let Some((Some(settled),)) = settled {
                execute!(&mut tx, SAVE_WATERMARK, settled.min(head))?;
                tx.commit().await?;
            }
            Ok(())
        })
        .await
    }

    /// Brings one session's rows up to its turn `seq`, for a reader who knows of that turn.
    pub async fn catch_up(&self, org: &OrgId, session: &SessionId, seq: u64) -> Result<(), StoreError> {
        if self.projected_seq(org, session).await? < seq { self.project(org, session).await } else { Ok(()) }
    }

    /// Throws the read model away and makes it again from the journal.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.write(Scope::System).await?;
            for statement in [RESET_SESSIONS, RESET_RESPONSES, RESET_INTERACTIONS, FORGET_WATERMARK] {
                execute!(&mut tx, statement)?;
            }
            tx.commit().await
        })
        .await?;
        self.sweep(0, self.head().await?).await
    }

    async fn projected_seq(&self, org: &OrgId, session: &SessionId) -> Result<u64, StoreError> {
        let (db, org, session) = (self.db().clone(), org.clone(), session.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let found = fetch_optional!(&mut tx, (i64,), PROJECTED_SEQ, session.as_str(), org.as_str())?;
            Ok(found.map_or(0, |(seq,)| seq.unsigned_abs()))
        })
        .await
    }

    /// Writes what the writer told, many sessions at a time. A session that is not where the news begins is projected
    /// from the journal.
    pub(super) async fn project_news(&self, news: News) -> Result<(), StoreError> {
        let mut advances = news.into_advances().into_iter().peekable();
        while advances.peek().is_some() {
            let together: Vec<_> = advances.by_ref().take(TOGETHER).collect();
            for (org, session) in self.advance(together).await? {
                self.project_readable(&org, &session).await?;
            }
        }
        Ok(())
    }

    /// One unreadable session must not keep the others behind.
    async fn project_readable(&self, org: &OrgId, session: &SessionId) -> Result<(), StoreError> {
        match self.project(org, session).await {
            Err(StoreError::Corrupt(what)) => {
                tracing::error!(%org, %session, what, "a session cannot be projected");
                Ok(())
            }
            other => other,
        }
    }

    /// Brings one session's rows up to the head of its journal. A session whose person was erased has no rows.
    async fn project(&self, org: &OrgId, session: &SessionId) -> Result<(), StoreError> {
        let before = self.projected_seq(org, session).await?;
        let Some(stored) = self.load(org, session).await? else { return Ok(()) };
        let folded = catch_unwind(AssertUnwindSafe(|| fold(&stored.meta, stored.snapshot, &stored.tail)));
        let state =
            folded.map_err(|_| StoreError::Corrupt("its journal makes the engine panic".to_owned()))?;
        let mut lines = Vec::new();
        let mut at = stored.meta.created_at;
        let mut since = before;
        while since < state.seq() {
            let turns = self.turns(org, session, since, 256).await?;
            let known = turns.partition_point(|turn| turn.seq <= state.seq());
            let Some(last) = turns[..known].last() else { break };
            (since, at) = (last.seq, last.at);
            lines.extend(turns[..known].iter().flat_map(transcript_of));
        }
        if before == state.seq() {
            return Ok(());
        }
        let (org, session, state) = (org.clone(), session.clone(), Arc::new(state));
        let to = state.seq();
        let advance = Advance { org, session, before, to, at, state, answers: true, lines };
        // Whoever moved it in between has its rows right.
        self.advance(vec![advance]).await.map(drop)
    }

    /// Writes in one transaction; gives back the sessions that are not where their advance begins.
    async fn advance(&self, advances: Vec<Advance>) -> Result<Vec<(OrgId, SessionId)>, StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.write(Scope::System).await?;
            let moved = update_sessions(&mut tx, &advances).await?;
            let (moved, elsewhere): (Vec<_>, Vec<_>) =
                advances.iter().partition(|advance| moved.contains(advance.session.as_str()));
            write_responses(&mut tx, &moved).await?;
            let lines: Vec<_> = moved
                .into_iter()
                .flat_map(|advance| advance.lines.iter().map(move |line| (advance, line)))
                .collect();
            write_interactions(&mut tx, &lines).await?;
            tx.commit().await?;
            Ok(elsewhere.into_iter().map(|advance| (advance.org.clone(), advance.session.clone())).collect())
        })
        .await
    }
}

/// The sessions that were where their advance begins.
async fn update_sessions(tx: &mut Tx, advances: &[Advance]) -> Result<HashSet<String>, DbError> {
    let mut moved = HashSet::with_capacity(advances.len());
    for run in batches(advances) {
        let rows: Vec<(String,)> = on_tx!(tx, c => {
            let mut query = sqlx::query_as(UPDATE_SESSIONS.text(c, run.len()));
            for Advance { org, session, before, to, at, state, .. } in run {
                query = query
                    .bind(session.as_str())
                    .bind(org.as_str())
                    .bind(column(*before))
                    .bind(status_column(state.status()))
                    .bind(state.pending().map(FieldId::as_str))
                    .bind(i64::try_from(state.answers().len()).unwrap_or(i64::MAX))
                    .bind(state.last_channel().map(Channel::as_str))
                    .bind(at.as_millis())
                    .bind(column(*to));
            }
            query.fetch_all(c).await
        })?;
        moved.extend(rows.into_iter().map(|(session,)| session));
    }
    Ok(moved)
}

async fn write_responses(tx: &mut Tx, moved: &[&Advance]) -> Result<(), DbError> {
    let changed: Vec<&Advance> = moved.iter().copied().filter(|advance| advance.answers).collect();
    for run in batches(&changed) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(DELETE_RESPONSES.text(c, run.len()));
            for advance in run {
                query = query.bind(advance.session.as_str());
            }
            query.execute(c).await.map(drop)
        })?;
    }
    let answers: Vec<_> = changed
        .into_iter()
        .flat_map(|advance| advance.state.answers().iter().map(move |answer| (advance, answer)))
        .collect();
    for run in batches(&answers) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(INSERT_RESPONSES.text(c, run.len()));
            for (advance, (field, answer)) in run {
                query = query
                    .bind(advance.org.as_str())
                    .bind(advance.session.as_str())
                    .bind(field.as_str())
                    .bind(answer.value.to_json().to_string())
                    .bind(text(&answer.raw))
                    .bind(answer.origin.channel.as_str())
                    .bind(answer.at.as_millis())
                    .bind(column(answer.seq));
            }
            query.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

async fn write_interactions(tx: &mut Tx, lines: &[(&Advance, &TranscriptEntry)]) -> Result<(), DbError> {
    for run in batches(lines) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(INSERT_INTERACTIONS.text(c, run.len()));
            for (advance, line) in run {
                query = query
                    .bind(advance.org.as_str())
                    .bind(advance.session.as_str())
                    .bind(column(line.seq))
                    .bind(i64::from(line.index))
                    .bind(speaker_column(line.from))
                    .bind(line.channel.as_str())
                    .bind(text(&line.text))
                    .bind(line.at.as_millis());
            }
            query.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Words as both databases can hold them: PostgreSQL's text has no NUL. The journal keeps them as they came.
fn text(words: &str) -> Cow<'_, str> {
    if words.contains('\0') { Cow::Owned(words.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(words) }
}

pub(crate) const fn status_column(status: SessionStatus) -> &'static str {
    match status {
        SessionStatus::Active => "active",
        SessionStatus::Complete => "complete",
        SessionStatus::OptedOut => "opted_out",
        SessionStatus::Escalated => "escalated",
    }
}

const fn speaker_column(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::Client => "client",
        Speaker::Bot => "bot",
        Speaker::Staff => "staff",
    }
}
