//! `usher replay --all --verify`: the journal against everything that was derived from it.

use usher_conversation::flow::FieldId;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Journal as _, StoreError};
use usher_conversation::session::{SessionMeta, SessionState, fold};

use super::Store;
use super::writer::column;
use crate::db::{Scope, fetch_all, fetch_optional, statements};
use crate::projector::store::status_column;

/// Sessions listed together.
const PAGE: u32 = 256;
/// Turns read together.
const TURNS: u32 = 512;

statements! {
    PROJECTED = "SELECT status, pending, answered, projected_seq FROM sessions \
        WHERE session_id = $1 AND org_id = $2";
    RESPONSES = "SELECT field, value, seq FROM session_responses \
        WHERE session_id = $1 AND org_id = $2 ORDER BY field";
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Sessions looked at.
    pub sessions: u64,
    /// Turns replayed.
    pub turns: u64,
    /// What does not agree.
    pub differences: Vec<Difference>,
}

/// One thing that does not agree with the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The tenant.
    pub org: OrgId,
    /// The session.
    pub session: SessionId,
    /// What does not agree.
    pub what: &'static str,
}

#[derive(sqlx::FromRow)]
struct ProjectedRow {
    status: String,
    pending: Option<String>,
    answered: i64,
    projected_seq: i64,
}

impl Store {
    /// Replays every session from its first turn and compares: numbers without gaps, the snapshot with its tail, and
    /// the read model as of the turn it has reached.
    pub async fn verify_all(&self) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let mut after = None;
        loop {
            let sessions = self.sessions_after(after.as_ref(), PAGE).await?;
            let Some((_, last)) = sessions.last() else { return Ok(verified) };
            after = Some(last.clone());
            for (org, session) in sessions {
                self.verify(&org, &session, &mut verified).await?;
            }
        }
    }

    /// The same for one session, added to `verified`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify(
        &self,
        org: &OrgId,
        session: &SessionId,
        verified: &mut Verified,
    ) -> Result<(), StoreError> {
        let mut differ = |what| {
            verified.differences.push(Difference { org: org.clone(), session: session.clone(), what });
        };
        verified.sessions += 1;
        let stored = match self.load(org, session).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(()),
            Err(StoreError::Corrupt(_)) => {
                differ("it cannot be read");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let turns = match self.all_turns(org, session).await {
            Err(StoreError::Corrupt(_)) => {
                differ("a turn cannot be read");
                return Ok(());
            }
            turns => turns?,
        };
        verified.turns += turns.len() as u64;
        if turns.iter().zip(1..).any(|(turn, expected)| turn.seq != expected) {
            differ("its turns have a gap");
            return Ok(());
        }
        let meta = &stored.meta;
        let cached = fold(meta, stored.snapshot, &stored.tail);
        // A live server may have written between the two readings.
        let upto = usize::try_from(cached.seq()).unwrap_or(usize::MAX).min(turns.len());
        if fold(meta, None, &turns[..upto]) != cached {
            differ("its snapshot is not what its turns say");
        }
        if !self.read_model_agrees(meta, &turns).await? {
            differ("the read model is not what its turns say");
        }
        Ok(())
    }

    async fn all_turns(&self, org: &OrgId, session: &SessionId) -> Result<Vec<Turn>, StoreError> {
        let mut turns: Vec<Turn> = Vec::new();
        loop {
            let since = turns.last().map_or(0, |turn| turn.seq);
            let page = self.turns(org, session, since, TURNS).await?;
            if page.is_empty() {
                return Ok(turns);
            }
            turns.extend(page);
        }
    }

    async fn read_model_agrees(&self, meta: &SessionMeta, turns: &[Turn]) -> Result<bool, StoreError> {
        let (db, org, session) = (self.db().clone(), meta.org.clone(), meta.session.clone());
        let (row, responses) = self
            .run(async move {
                let mut tx = db.read(Scope::Org(&org)).await?;
                let row = fetch_optional!(&mut tx, ProjectedRow, PROJECTED, session.as_str(), org.as_str())?;
                let responses =
                    fetch_all!(&mut tx, (String, String, i64), RESPONSES, session.as_str(), org.as_str())?;
                Ok((row, responses))
            })
            .await?;
        let Some(row) = row else { return Ok(false) };
        let reached = usize::try_from(row.projected_seq).unwrap_or(usize::MAX);
        let Some(projected) = turns.get(..reached) else { return Ok(false) };
        let state: SessionState = fold(meta, None, projected);
        let expected: Vec<_> = state
            .answers()
            .iter()
            .map(|(field, answer)| {
                (field.to_string(), answer.value.to_json().to_string(), column(answer.seq))
            })
            .collect();
        Ok(row.status == status_column(state.status())
            && row.pending.as_deref() == state.pending().map(FieldId::as_str)
            && usize::try_from(row.answered) == Ok(expected.len())
            && responses == expected)
    }
}
