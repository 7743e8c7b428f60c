//! Group commit: one task per node makes turns durable, all that wait in one transaction.
//!
//! While one commit syncs, the next turns queue up, so the batch grows with the load and a lone turn waits for
//! nobody. A turn that conflicts does not fail its neighbours: `ON CONFLICT DO NOTHING` leaves it out, the number of
//! rows shows that somebody is, and `RETURNING` in a second try tells who.
//!
//! Why the journal stays gapless: a session's turns come from one actor that waits for each answer before it decides
//! the next, a batch holds at most one turn of a session, and `(session_id, seq)` is unique. A turn that is left out
//! is answered `Conflict` or `Duplicate`, so its number is decided again from the stored head. `usher replay
//! --verify` checks it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use usher_conversation::consent::ConsentChange;
use usher_conversation::id::{OrgId, SessionId, TimerId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::Appended;
use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{MessageKind, SessionState};

use super::sealed::{SealedMessage, SealedTurn};
use crate::db::{
    Db, DbError, MAX_ROWS, Repeated, Scope, Tx, batches, execute, fetch_optional, on_tx, statements,
};

/// Turns that may wait for the writer; more callers wait outside.
const QUEUE: usize = 4 * MAX_ROWS;
/// After a transaction of so many turns the next ones are on their way, and for so many or more the sync and the ways to the
/// database's thread are spread already.
const SOME: usize = 8;
const MANY: usize = 64;
/// How long to wait for them: half the transactions cost less than the callers of the first turn wait longer.
const GATHERING: Duration = Duration::from_millis(1);
/// Commits a follower may be behind before it must go back to the journal; each may hold a few hundred turns in memory.
const COMMITS: usize = 128;

/// A batch without a conflict, which is nearly every one, needs no word about each of its rows.
static INSERT_TURNS: Repeated = Repeated::new(
    "INSERT_TURNS",
    "INSERT INTO journal (org_id, session_id, seq, at, dedup_key, key_id, body) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?)",
    " ON CONFLICT DO NOTHING",
);
static INSERT_TURNS_TELLING: Repeated = Repeated::new(
    "INSERT_TURNS_TELLING",
    "INSERT INTO journal (org_id, session_id, seq, at, dedup_key, key_id, body) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?)",
    " ON CONFLICT DO NOTHING RETURNING session_id",
);
static SUPERSEDE_REPLIES: Repeated = Repeated::new(
    "SUPERSEDE_REPLIES",
    "UPDATE outbox SET state = 'superseded' WHERE state = 'pending' AND kind = 'reply' AND NOT in_flight \
     AND attempts = 0 AND session_id IN (",
    "?",
    ")",
);
static INSERT_MESSAGES: Repeated = Repeated::new(
    "INSERT_MESSAGES",
    "INSERT INTO outbox (delivery_id, org_id, session_id, contact_id, seq, position, channel, kind, epoch, key_id, \
     body, state, due, line, created_at, updated_at) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?)",
    "",
);
static INSERT_TIMERS: Repeated = Repeated::new(
    "INSERT_TIMERS",
    "INSERT INTO timers (timer_id, org_id, session_id, due) VALUES ",
    "(?, ?, ?, ?)",
    "",
);
static DELETE_TIMERS: Repeated =
    Repeated::new("DELETE_TIMERS", "DELETE FROM timers WHERE timer_id IN (", "?", ")");
static SAVE_SNAPSHOTS: Repeated = Repeated::new(
    "SAVE_SNAPSHOTS",
    "INSERT INTO snapshots (session_id, org_id, seq, key_id, body) VALUES ",
    "(?, ?, ?, ?, ?)",
    " ON CONFLICT (session_id) DO UPDATE SET seq = excluded.seq, key_id = excluded.key_id, body = excluded.body",
);

/// Every multi-row statement, for the test that prepares them.
pub(crate) static REPEATED: [&Repeated; 7] = [
    &INSERT_TURNS,
    &INSERT_TURNS_TELLING,
    &SUPERSEDE_REPLIES,
    &INSERT_MESSAGES,
    &INSERT_TIMERS,
    &DELETE_TIMERS,
    &SAVE_SNAPSHOTS,
];

statements! {
    FIND_DUPLICATE = "SELECT session_id, seq FROM journal WHERE org_id = $1 AND dedup_key = $2";
    SUPPRESS = "INSERT INTO suppressions (org_id, contact_id, session_id, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT DO NOTHING";
    RESTORE = "DELETE FROM suppressions WHERE org_id = $1 AND contact_id = $2";
    /// What waits for a person who just opted out will never go. What is on its way already is settled by its claim.
    DROP_WAITING = "UPDATE outbox SET state = 'dropped', reason = 'consent withdrawn', updated_at = $3 \
        WHERE org_id = $1 AND state = 'pending' AND NOT in_flight AND kind <> 'compliance' \
        AND session_id IN (SELECT s.session_id FROM sessions s WHERE s.org_id = $1 AND s.contact_id = $2)";
    INSERT_ESCALATION = "INSERT INTO escalations \
        (escalation_id, org_id, session_id, contact_id, reason, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
}

/// A turn that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) turn: SealedTurn,
    pub(super) answer: oneshot::Sender<Result<Appended, WriteError>>,
}

/// Why a whole batch failed; told to everyone in it.
pub(super) type WriteError = Arc<DbError>;

/// A turn that is in the journal, and the state after it.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) org: OrgId,
    pub(crate) session: SessionId,
    pub(crate) turn: Arc<Turn>,
    pub(crate) state: Arc<SessionState>,
}

/// The turns of each commit. Nothing is kept when nobody follows.
pub(crate) type Commits = broadcast::Sender<Arc<[Committed]>>;

/// Starts the writer. It ends when the last sender is gone, after everything queued is written.
pub(super) fn start(db: &Db) -> (mpsc::Sender<Waiting>, Commits) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let commits = Commits::new(COMMITS);
    db.spawn(run(db.clone(), queue, commits.clone()));
    (sender, commits)
}

async fn run(db: Db, mut queue: mpsc::Receiver<Waiting>, commits: Commits) {
    let mut next = Batch::default();
    while next.fill(&mut queue).await {
        let Batch { turns, answers, .. } = &mut next;
        match db.in_time(commit(&db, turns)).await {
            Ok(outcomes) => {
                let mut committed = Vec::with_capacity(turns.len());
                for ((turn, answer), outcome) in turns.drain(..).zip(answers.drain(..)).zip(outcomes) {
                    if outcome == Appended::Committed {
                        committed.push(turn.committed());
                    }
                    // A caller that went away finds its turn by the dedup key when it asks again.
                    let _ = answer.send(Ok(outcome));
                }
                // Followers are told last, and nobody need follow.
                let _ = commits.send(committed.into());
            }
            Err(error) => {
                tracing::error!(%error, turns = turns.len(), "a batch of turns could not be written");
                let error = WriteError::new(error);
                for answer in answers.drain(..) {
                    let _ = answer.send(Err(WriteError::clone(&error)));
                }
            }
        }
        turns.clear();
    }
}

/// The turns of the next transaction: at most one of each session.
#[derive(Debug, Default)]
struct Batch {
    turns: Vec<SealedTurn>,
    answers: Vec<oneshot::Sender<Result<Appended, WriteError>>>,
    sessions: HashSet<SessionId>,
    /// Second turns of a session, kept for a later transaction in the order they came.
    later: VecDeque<Waiting>,
}

impl Batch {
    /// Takes everything that waits, up to the limit; waits when nothing does, and a moment when others do as well. `false`
    /// when nothing can come.
    async fn fill(&mut self, queue: &mut mpsc::Receiver<Waiting>) -> bool {
        let busy = (SOME..MANY).contains(&self.sessions.len());
        self.sessions.clear();
        for _ in 0..self.later.len() {
            if let Some(waiting) = self.later.pop_front() {
                self.admit(waiting);
            }
        }
        if self.turns.is_empty() {
            match queue.recv().await {
                Some(waiting) => self.admit(waiting),
                None => return false,
            }
        }
        if busy {
            tokio::time::sleep(GATHERING).await;
        }
        while self.turns.len() < MAX_ROWS
            && self.later.len() < MAX_ROWS
            && let Ok(waiting) = queue.try_recv()
        {
            self.admit(waiting);
        }
        true
    }

    fn admit(&mut self, waiting: Waiting) {
        if self.turns.len() < MAX_ROWS && self.sessions.insert(waiting.turn.session.clone()) {
            self.turns.push(waiting.turn);
            self.answers.push(waiting.answer);
        } else {
            self.later.push_back(waiting);
        }
    }
}

/// Writes the turns and all that must be atomic with them; one outcome per turn, in order.
async fn commit(db: &Db, turns: &[SealedTurn]) -> Result<Vec<Appended>, DbError> {
    let mut tx = db.write(Scope::System).await?;
    if insert_turns(&mut tx, turns).await? == turns.len() as u64 {
        write_effects(&mut tx, &turns.iter().collect::<Vec<_>>()).await?;
        tx.commit().await?;
        return Ok(vec![Appended::Committed; turns.len()]);
    }
    // Somebody is left out: begin again and ask who.
    drop(tx);
    commit_but_conflicts(db, turns).await
}

async fn commit_but_conflicts(db: &Db, turns: &[SealedTurn]) -> Result<Vec<Appended>, DbError> {
    let mut tx = db.write(Scope::System).await?;
    let inserted = insert_turns_telling(&mut tx, turns).await?;
    let mut outcomes = Vec::with_capacity(turns.len());
    let mut written = Vec::with_capacity(turns.len());
    for turn in turns {
        if inserted.contains(turn.session.as_str()) {
            written.push(turn);
            outcomes.push(Appended::Committed);
        } else {
            outcomes.push(why_not(&mut tx, turn).await?);
        }
    }
    write_effects(&mut tx, &written).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// Binds the rows of a run of turns.
macro_rules! bind_turns {
    ($query:expr, $run:expr) => {
        $run.iter().fold($query, |query, turn| {
            query
                .bind(turn.org.as_str())
                .bind(turn.session.as_str())
                .bind(column(turn.seq))
                .bind(turn.at.as_millis())
                .bind(turn.dedup.as_deref())
                .bind(&*turn.key_id)
                .bind(turn.body.as_slice())
        })
    };
}

/// How many are in.
async fn insert_turns(tx: &mut Tx, turns: &[SealedTurn]) -> Result<u64, DbError> {
    let mut inserted = 0;
    for run in batches(turns) {
        inserted += on_tx!(tx, c => {
            let query = sqlx::query(INSERT_TURNS.text(c, run.len()));
            bind_turns!(query, run).execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(inserted)
}

/// Whose turns are in.
async fn insert_turns_telling(tx: &mut Tx, turns: &[SealedTurn]) -> Result<HashSet<String>, DbError> {
    let mut inserted = HashSet::with_capacity(turns.len());
    for run in batches(turns) {
        let rows: Vec<(String,)> = on_tx!(tx, c => {
            let query = sqlx::query_as(INSERT_TURNS_TELLING.text(c, run.len()));
            bind_turns!(query, run).fetch_all(c).await
        })?;
        inserted.extend(rows.into_iter().map(|(session,)| session));
    }
    Ok(inserted)
}

/// Why a turn was left out: its input took effect before, or its number is taken.
async fn why_not(tx: &mut Tx, turn: &SealedTurn) -> Result<Appended, DbError> {
    let Some(dedup) = turn.dedup.as_deref() else { return Ok(Appended::Conflict) };
    let found = fetch_optional!(tx, (String, i64), FIND_DUPLICATE, turn.org.as_str(), dedup)?;
    let Some((session, seq)) = found else { return Ok(Appended::Conflict) };
    let session =
        session.parse().map_err(|_| DbError::Corrupt(format!("{session:?} is not a session id")))?;
    Ok(Appended::Duplicate { session, seq: seq.unsigned_abs() })
}

async fn write_effects(tx: &mut Tx, turns: &[&SealedTurn]) -> Result<(), DbError> {
    let superseding: Vec<&str> =
        turns.iter().filter(|turn| turn.supersedes).map(|turn| turn.session.as_str()).collect();
    for_each_id(tx, &SUPERSEDE_REPLIES, &superseding).await?;
    // Consent before new messages: the one confirmation of an opt-out is among them.
    for turn in turns {
        if let Some(change) = turn.consent {
            change_consent(tx, turn, change).await?;
        }
        for (escalation, reason) in &turn.escalations {
            execute!(
                tx,
                INSERT_ESCALATION,
                escalation.as_str(),
                turn.org.as_str(),
                turn.session.as_str(),
                turn.contact.as_str(),
                reason_column(*reason),
                turn.at.as_millis(),
            )?;
        }
    }
    let messages: Vec<(&SealedTurn, &SealedMessage)> =
        turns.iter().flat_map(|turn| turn.messages.iter().map(move |message| (*turn, message))).collect();
    insert_messages(tx, &messages).await?;
    // A timer that is set and cancelled in one turn must end up cancelled.
    let timers: Vec<_> = turns
        .iter()
        .flat_map(|turn| turn.timers.iter().map(move |(timer, due)| (*turn, timer, *due)))
        .collect();
    for run in batches(&timers) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(INSERT_TIMERS.text(c, run.len()));
            for (turn, timer, due) in run {
                query = query
                    .bind(timer.as_str())
                    .bind(turn.org.as_str())
                    .bind(turn.session.as_str())
                    .bind(due.as_millis());
            }
            query.execute(c).await.map(drop)
        })?;
    }
    let ended: Vec<&str> = turns.iter().flat_map(|turn| &turn.ended_timers).map(TimerId::as_str).collect();
    for_each_id(tx, &DELETE_TIMERS, &ended).await?;
    let snapshots: Vec<_> =
        turns.iter().filter_map(|turn| turn.snapshot.as_deref().map(|body| (*turn, body))).collect();
    for run in batches(&snapshots) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(SAVE_SNAPSHOTS.text(c, run.len()));
            for (turn, body) in run {
                query = query
                    .bind(turn.session.as_str())
                    .bind(turn.org.as_str())
                    .bind(column(turn.seq))
                    .bind(&*turn.key_id)
                    .bind(*body);
            }
            query.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Runs a statement whose only parameters are a list of ids. The list is filled up from its beginning to a length
/// that has a text: naming an id twice changes nothing, and every statement is a way to the database's thread and back.
async fn for_each_id(tx: &mut Tx, statement: &Repeated, ids: &[&str]) -> Result<(), DbError> {
    for run in ids.chunks(MAX_ROWS) {
        let length = run.len().next_power_of_two();
        on_tx!(tx, c => {
            let mut query = sqlx::query(statement.text(c, length));
            for id in run.iter().cycle().take(length) {
                query = query.bind(*id);
            }
            query.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

async fn insert_messages(tx: &mut Tx, messages: &[(&SealedTurn, &SealedMessage)]) -> Result<(), DbError> {
    for run in batches(messages) {
        on_tx!(tx, c => {
            let mut query = sqlx::query(INSERT_MESSAGES.text(c, run.len()));
            for (turn, message) in run {
                query = query
                    .bind(message.delivery.as_str())
                    .bind(turn.org.as_str())
                    .bind(turn.session.as_str())
                    .bind(turn.contact.as_str())
                    .bind(column(turn.seq))
                    .bind(message.position)
                    .bind(message.channel.as_str())
                    .bind(kind_column(message.kind))
                    .bind(column(message.epoch))
                    .bind(&*turn.key_id)
                    .bind(message.body.as_slice())
                    .bind(message.due.as_millis())
                    .bind(message.line.as_deref())
                    .bind(turn.at.as_millis())
                    .bind(turn.at.as_millis());
            }
            query.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

async fn change_consent(tx: &mut Tx, turn: &SealedTurn, change: ConsentChange) -> Result<(), DbError> {
    let (org, contact, at) = (turn.org.as_str(), turn.contact.as_str(), turn.at.as_millis());
    match change {
        ConsentChange::OptedOut => {
            execute!(tx, SUPPRESS, org, contact, turn.session.as_str(), at)?;
            execute!(tx, DROP_WAITING, org, contact, at)?;
        }
        ConsentChange::OptedIn => {
            execute!(tx, RESTORE, org, contact)?;
        }
    }
    Ok(())
}

/// Counters start at 0 and rise by one: they stay far below the column's limit.
pub(crate) fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) const fn kind_column(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Greeting => "greeting",
        MessageKind::Reply => "reply",
        MessageKind::Nudge => "nudge",
        MessageKind::Compliance => "compliance",
    }
}

const fn reason_column(reason: EscalationReason) -> &'static str {
    match reason {
        EscalationReason::Requested => "requested",
        EscalationReason::Misunderstood => "misunderstood",
        EscalationReason::Undeliverable => "undeliverable",
        EscalationReason::WrongPerson => "wrong_person",
        EscalationReason::Quarantined => "quarantined",
        EscalationReason::VoiceUnavailable => "voice_unavailable",
        EscalationReason::Emergency => "emergency",
        EscalationReason::TransferFailed => "transfer_failed",
        EscalationReason::MessageLeft => "message_left",
    }
}
