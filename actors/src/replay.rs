//! States of the past, folded from the journal.

use std::sync::Arc;

use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Journal, StoreError};
use usher_conversation::session::{SessionMeta, SessionState};

/// Turns read at once.
pub(crate) const PAGE: u32 = 256;

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
        let page = journal.turns(org, session, state.seq(), PAGE).await?;
        if page.is_empty() {
            return Err(StoreError::Corrupt(format!("turn {seq} is missing from the journal")));
        }
        for turn in page.into_iter().take_while(|turn| turn.seq <= seq) {
            state.apply(meta, &turn);
            last = Some(turn);
        }
    }
    Ok((state, last.map(Arc::new)))
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
