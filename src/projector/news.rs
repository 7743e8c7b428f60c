//! What the writer told about, gathered by session.

use std::collections::HashMap;
use std::sync::Arc;

use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::session::{Event, SessionState, TranscriptEntry};
use usher_conversation::time::Timestamp;
use usher_conversation::view::transcript_of;

use crate::store::Committed;

/// Consecutive turns of one session.
#[derive(Debug)]
pub(super) struct Advance {
    pub(super) org: OrgId,
    pub(super) session: SessionId,
    /// The turn before the first.
    pub(super) before: u64,
    /// The last turn.
    pub(super) to: u64,
    /// When the last was.
    pub(super) at: Timestamp,
    /// The state after the last.
    pub(super) state: Arc<SessionState>,
    /// Whether an answer came or went.
    pub(super) answers: bool,
    pub(super) lines: Vec<TranscriptEntry>,
}

/// What is new, by session.
#[derive(Debug, Default)]
pub(super) struct News(HashMap<SessionId, Advance>);

impl News {
    /// Adds the turns of a commit.
    pub(super) fn add(&mut self, commit: &[Committed]) {
        for Committed { org, session, turn, state } in commit {
            let fresh = || Advance {
                org: org.clone(),
                session: session.clone(),
                before: turn.seq - 1,
                to: turn.seq - 1,
                at: turn.at,
                state: Arc::clone(state),
                answers: false,
                lines: Vec::new(),
            };
            let advance = self.0.entry(session.clone()).or_insert_with(fresh);
            if advance.to + 1 != turn.seq {
                // Another node wrote in between: what begins here will not fit, and the journal is read instead.
                *advance = fresh();
            }
            (advance.to, advance.at) = (turn.seq, turn.at);
            advance.state = Arc::clone(state);
            advance.answers |= turn.events.iter().any(changes_answers);
            advance.lines.extend(transcript_of(turn));
        }
    }

    pub(super) fn into_advances(self) -> Vec<Advance> {
        self.0.into_values().collect()
    }
}

const fn changes_answers(event: &Event) -> bool {
    matches!(event, Event::Answered { .. } | Event::Invalidated { .. } | Event::Skipped { .. })
}

#[cfg(test)]
mod tests {
    use usher_conversation::channel::Channel;
    use usher_conversation::journal::Turn;
    use usher_conversation::session::Origin;

    use super::*;

    #[test]
    fn the_turns_of_a_session_become_one_advance_to_the_state_after_the_last() {
        let org: OrgId = "org_a".parse().expect("an id");
        let session: SessionId = "ses_a".parse().expect("an id");
        let committed = |seq| {
            let origin = Origin { channel: Channel::Sms, address: "+14155550100".into(), line: None };
            let events = vec![Event::Received { origin, text: format!("words {seq}"), media: Vec::new() }];
            let at = Timestamp::from_millis(1000);
            let turn = Arc::new(Turn { seq, at, dedup: None, events });
            let (org, session) = (org.clone(), session.clone());
            Committed { org, session, turn, state: Arc::new(SessionState::new()) }
        };
        let mut news = News::default();
        let (earlier, later) = (committed(7), committed(8));
        let newest = Arc::clone(&later.state);
        news.add(&[earlier]);
        news.add(&[later]);
        let advances = news.into_advances();
        let [advance] = advances.as_slice() else { panic!("one session: {advances:?}") };
        assert_eq!((advance.before, advance.to), (6, 8));
        assert!(Arc::ptr_eq(&advance.state, &newest));
        assert!(!advance.answers, "words are no answers yet");
        assert_eq!(advance.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [7, 8]);
    }
}
