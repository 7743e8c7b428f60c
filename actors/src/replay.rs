//! States of the past, folded from the journal.

use std::sync::Arc;

use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Journal, StoreError};
use usher_conversation::session::{SessionMeta, SessionState};

/// Turns read at once.
const PAGE: u32 = 256;

/// The state after turn `seq` and that turn; the turn is `None` before the first.
pub(crate) async fn as_of(
    journal: &dyn Journal,
    org: &OrgId,
    session: &SessionId,
    meta: &SessionMeta,
    seq: u64,
) -> Result<(SessionState, Option<Arc<Turn>>), StoreError> {
    let mut state = SessionState::new();
    let mut last = None;
    while state.seq() < seq {
        for turn in
            page(journal, org, session, state.seq()).await?.into_iter().take_while(|turn| turn.seq <= seq)
        {
            state.apply(meta, &turn);
            last = Some(turn);
        }
    }
    Ok((state, last.map(Arc::new)))
}

/// The state after turn `seq`, from the snapshot when that is not newer: a watcher that missed a turn or two must not cost
/// the whole journal.
pub(crate) async fn since_snapshot(
    journal: &dyn Journal,
    org: &OrgId,
    meta: &SessionMeta,
    seq: u64,
) -> Result<SessionState, StoreError> {
    if let Some(stored) = journal.load(org, &meta.session).await?
        && let Some(mut state) = stored.snapshot.filter(|snapshot| snapshot.seq() <= seq)
    {
        for turn in stored.tail.iter().take_while(|turn| turn.seq <= seq) {
            state.apply(meta, turn);
        }
        if state.seq() == seq {
            return Ok(state);
        }
    }
    Ok(as_of(journal, org, &meta.session, meta, seq).await?.0)
}

/// The next turns after `since`, of which there must be some: at least one, and none left out.
pub(crate) async fn page(
    journal: &dyn Journal,
    org: &OrgId,
    session: &SessionId,
    since: u64,
) -> Result<Vec<Turn>, StoreError> {
    let page = journal.turns(org, session, since, PAGE).await?;
    let gapless = page.iter().zip(since + 1..).all(|(turn, seq)| turn.seq == seq);
    if page.is_empty() || !gapless {
        return Err(StoreError::Corrupt(format!("the journal has a gap after turn {since}")));
    }
    Ok(page)
}

/// One turn.
pub(crate) async fn turn(
    journal: &dyn Journal,
    org: &OrgId,
    session: &SessionId,
    seq: u64,
) -> Result<Option<Arc<Turn>>, StoreError> {
    match seq.checked_sub(1) {
        Some(before) => Ok(journal.turns(org, session, before, 1).await?.pop().map(Arc::new)),
        None => Ok(None),
    }
}
