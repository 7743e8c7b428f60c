//! What the session actor does, one request at a time: load, decide, append, publish, answer.
//!
//! The cached state runs ahead of the journal only while its append is under way. Any outcome but "committed" drops the
//! cache, and the next attempt starts from the journal: after a conflict or a duplicate because the journal knows
//! better, after a store error because the outcome is unknown, after a panic because the state may be half-changed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Append, Appended, StoreError};
use usher_conversation::session::{self, Command, Effect, Reply, SessionMeta, SessionState, fold};

use crate::crash_point;
use crate::error::RuntimeError;
use crate::hub::{Joined, Topic};
use crate::mailbox::Request;
use crate::node::Node;
use crate::{quarantine, replay};

/// What became of a command.
#[derive(Debug, Clone)]
pub struct Handled {
    /// The turn it caused, or the head of the session when it caused none.
    pub seq: u64,
    /// The same input took effect before; this is the answer it had then.
    pub duplicate: bool,
    /// The turn, when something happened.
    pub turn: Option<Arc<Turn>>,
    /// The state after it.
    pub state: Arc<SessionState>,
    /// What does not change about the session.
    pub meta: Arc<SessionMeta>,
}

impl Handled {
    /// What the caller shows; for a duplicate exactly what the first time showed.
    pub fn reply(&self) -> Reply {
        match &self.turn {
            Some(turn) => session::reply_of(&self.meta, &self.state, turn),
            None => session::reply_to_nothing(&self.state),
        }
    }
}

/// A session as its owner sees it now.
#[derive(Debug, Clone)]
pub struct Current {
    /// What does not change.
    pub meta: Arc<SessionMeta>,
    /// The state.
    pub state: Arc<SessionState>,
}

/// Owners that fight over a session give up after so many rounds; the caller comes back.
const MAX_CONFLICTS: u32 = 5;
/// The panic that sets a message aside. Earlier ones rebuild the state and try again, in the same call: a text
/// message is not redelivered by every vendor, so waiting for a redelivery would lose it.
const QUARANTINE_AT: u32 = 3;
/// Inputs remembered in memory; older ones are found by the journal's unique key.
const RECENT: usize = 8;

/// Everything in memory about an active session.
struct Live {
    meta: Arc<SessionMeta>,
    state: Arc<SessionState>,
    recent: Recent,
}

/// The last dedup keys and the turns they caused.
#[derive(Default)]
struct Recent(VecDeque<(Box<str>, u64)>);

impl Recent {
    fn note(&mut self, turn: &Turn) {
        if let Some(dedup) = &turn.dedup {
            if self.0.len() == RECENT {
                self.0.pop_front();
            }
            self.0.push_back((dedup.as_str().into(), turn.seq));
        }
    }

    fn find(&self, dedup: &str) -> Option<u64> {
        self.0.iter().find(|(key, _)| &**key == dedup).map(|&(_, seq)| seq)
    }
}

/// Why an attempt did not end the command.
enum Setback {
    Panicked,
    Conflict,
    Duplicate { session: SessionId, seq: u64 },
    Store(StoreError),
}

/// A turn that was decided and folded in, and waits for its append.
struct Decided {
    turn: Arc<Turn>,
    effects: Vec<Effect>,
}

/// The one owner of a session on this node.
pub(crate) struct Owner {
    node: Arc<Node>,
    session: SessionId,
    topic: Rc<RefCell<Topic>>,
    live: Option<Live>,
}

impl Owner {
    pub(crate) const fn new(node: Arc<Node>, session: SessionId, topic: Rc<RefCell<Topic>>) -> Self {
        Self { node, session, topic, live: None }
    }

    /// Drops what is in memory; the next request loads it again.
    pub(crate) fn rest(&mut self) {
        self.live = None;
    }

    /// Carries out one request and gives the answer as something to be called once the permit is released.
    pub(crate) async fn serve(&mut self, org: &OrgId, request: Request) -> Box<dyn FnOnce()> {
        match request {
            Request::Handle { dedup, command, reply } => {
                let result = self.handle(org, dedup, *command).await;
                Box::new(move || drop(reply.send(result)))
            }
            Request::Read { reply } => {
                let result = self.read(org).await;
                Box::new(move || drop(reply.send(result)))
            }
            Request::Watch { since, reply } => {
                let result = self.watch(org, since).await;
                Box::new(move || drop(reply.send(result)))
            }
        }
    }

    /// Whether the last load found the session.
    pub(crate) const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    async fn read(&mut self, org: &OrgId) -> Result<Current, RuntimeError> {
        let live = self.live(org).await?;
        Ok(Current { meta: Arc::clone(&live.meta), state: Arc::clone(&live.state) })
    }

    async fn watch(&mut self, org: &OrgId, since: u64) -> Result<Joined, RuntimeError> {
        let (node, topic) = (Arc::clone(&self.node), Rc::clone(&self.topic));
        let live = self.live(org).await?;
        Ok(topic.borrow_mut().join(&node, &live.meta, &live.state, since))
    }

    async fn handle(
        &mut self,
        org: &OrgId,
        dedup: Option<String>,
        command: Command,
    ) -> Result<Handled, RuntimeError> {
        let (mut panics, mut conflicts) = (0, 0);
        loop {
            self.live(org).await?;
            let setback = match self.attempt(dedup.as_deref(), &command, panics >= QUARANTINE_AT).await {
                Ok(handled) => return Ok(handled),
                Err(setback) => setback,
            };
            match setback {
                Setback::Duplicate { session, seq } => {
                    self.node.meters.duplicates.increment(1);
                    self.node.ring_all();
                    return self.answer_again(org, &session, seq).await;
                }
                Setback::Panicked => {
                    self.live = None;
                    panics += 1;
                    self.node.meters.panics.increment(1);
                    tracing::error!(session = %self.session, panics, "the engine panicked; rebuilding the session");
                    if panics > QUARANTINE_AT {
                        return Err(RuntimeError::Failed);
                    }
                }
                Setback::Conflict => {
                    self.live = None;
                    conflicts += 1;
                    self.node.meters.conflicts.increment(1);
                    if conflicts == MAX_CONFLICTS {
                        return Err(RuntimeError::SessionBusy);
                    }
                }
                Setback::Store(error) => {
                    self.live = None;
                    self.node.ring_all();
                    self.node.meters.store_errors.increment(1);
                    tracing::warn!(session = %self.session, %error, "a turn could not be made durable");
                    return Err(error.into());
                }
            }
        }
    }

    /// One try: from the decision to the commit.
    async fn attempt(
        &mut self,
        dedup: Option<&str>,
        command: &Command,
        set_aside: bool,
    ) -> Result<Handled, Setback> {
        let Some(live) = &mut self.live else { return Err(Setback::Conflict) };
        if let Some(seq) = dedup.and_then(|key| live.recent.find(key)) {
            return Err(Setback::Duplicate { session: self.session.clone(), seq });
        }
        let decided = catch_unwind(AssertUnwindSafe(|| decide(&self.node, live, dedup, command, set_aside)));
        let Ok(decided) = decided else { return Err(Setback::Panicked) };
        let Some(Decided { turn, effects }) = decided else {
            self.node.meters.quiet.increment(1);
            return Ok(Handled {
                seq: live.state.seq(),
                duplicate: false,
                turn: None,
                state: Arc::clone(&live.state),
                meta: Arc::clone(&live.meta),
            });
        };
        let bells = Bells::of(&effects);
        let append = Append {
            org: live.meta.org.clone(),
            session: self.session.clone(),
            contact: live.meta.contact.clone(),
            turn: Arc::clone(&turn),
            effects,
            state: Arc::clone(&live.state),
            snapshot: turn.seq.is_multiple_of(self.node.config.snapshot_every),
        };
        let began = Instant::now();
        match self.node.ports.journal.append(append).await {
            Ok(Appended::Committed) => crash_point("turn-committed"),
            Ok(Appended::Conflict) => return Err(Setback::Conflict),
            Ok(Appended::Duplicate { session, seq }) => {
                self.live = None;
                return Err(Setback::Duplicate { session, seq });
            }
            Err(error) => return Err(Setback::Store(error)),
        }
        self.node.meters.append_seconds.record(began.elapsed());
        self.node.meters.turns.increment(1);
        if set_aside {
            self.node.meters.quarantined.increment(1);
        }
        live.recent.note(&turn);
        let slow = self.topic.borrow_mut().publish(&turn, &live.state);
        self.node.meters.watchers_slow.increment(slow as u64);
        bells.ring(&self.node);
        Ok(Handled {
            seq: turn.seq,
            duplicate: false,
            turn: Some(turn),
            state: Arc::clone(&live.state),
            meta: Arc::clone(&live.meta),
        })
    }

    /// The answer that the input had when it took effect, folded from the journal.
    async fn answer_again(
        &mut self,
        org: &OrgId,
        session: &SessionId,
        seq: u64,
    ) -> Result<Handled, RuntimeError> {
        let journal = Arc::clone(&self.node.ports.journal);
        let meta = if *session == self.session {
            let live = self.live(org).await?;
            if live.state.seq() == seq {
                let (meta, state) = (Arc::clone(&live.meta), Arc::clone(&live.state));
                let turn = replay::turn(&*journal, org, session, seq).await?;
                return Ok(Handled { seq, duplicate: true, turn, state, meta });
            }
            Arc::clone(&live.meta)
        } else {
            let stored = journal.load(org, session).await?.ok_or(RuntimeError::UnknownSession)?;
            Arc::new(stored.meta)
        };
        let (state, turn) = replay::as_of(&*journal, org, session, &meta, seq).await?;
        Ok(Handled { seq, duplicate: true, turn, state: Arc::new(state), meta })
    }

    /// The session in memory, loaded when it is not.
    async fn live(&mut self, org: &OrgId) -> Result<&Live, RuntimeError> {
        if self.live.is_none() {
            self.load(org).await?;
        }
        self.live.as_ref().filter(|live| live.meta.org == *org).ok_or(RuntimeError::UnknownSession)
    }

    async fn load(&mut self, org: &OrgId) -> Result<(), RuntimeError> {
        let journal = &self.node.ports.journal;
        let Some(stored) = journal.load(org, &self.session).await? else {
            return Err(RuntimeError::UnknownSession);
        };
        let folded = catch_unwind(AssertUnwindSafe(|| {
            let state = fold(&stored.meta, stored.snapshot, &stored.tail);
            let mut recent = Recent::default();
            stored.tail.iter().for_each(|turn| recent.note(turn));
            Live { meta: Arc::new(stored.meta), state: Arc::new(state), recent }
        }));
        let Ok(live) = folded else {
            tracing::error!(session = %self.session, "the journal of a session makes the engine panic");
            return Err(RuntimeError::Failed);
        };
        self.node.meters.activations.increment(1);
        self.tell_watchers_of_missed_turns(org, &live).await?;
        self.live = Some(live);
        Ok(())
    }

    /// A commit whose outcome was unknown, or another owner's, shows when the journal is read again. Watchers get the
    /// newest turn and fill what is between from the journal.
    async fn tell_watchers_of_missed_turns(&self, org: &OrgId, live: &Live) -> Result<(), StoreError> {
        let head = live.state.seq();
        let missed = {
            let mut topic = self.topic.borrow_mut();
            topic.is_watched() && topic.head() < head
        };
        if missed
            && let Some(turn) = replay::turn(&*self.node.ports.journal, org, &self.session, head).await?
        {
            self.topic.borrow_mut().publish(&turn, &live.state);
        }
        Ok(())
    }
}

/// The pure part of a try; may panic.
fn decide(
    node: &Node,
    live: &mut Live,
    dedup: Option<&str>,
    command: &Command,
    set_aside: bool,
) -> Option<Decided> {
    let engine = &node.config.engine;
    let now = node.now();
    let events = if set_aside {
        quarantine::events(command)
    } else {
        (engine.decide)(&live.meta, &live.state, now, command.clone())
    };
    if events.is_empty() {
        return None;
    }
    let turn = Turn { seq: live.state.seq() + 1, at: now, dedup: dedup.map(str::to_owned), events };
    let mut effects = (engine.effects)(&live.meta, &turn);
    if !live.state.may_have_waiting_messages() {
        // Most messages come in when nothing waits, on a page always: they need not be looked for.
        effects.retain(|effect| *effect != Effect::SupersedeReplies);
    }
    Arc::make_mut(&mut live.state).apply(&live.meta, &turn);
    Some(Decided { turn: Arc::new(turn), effects })
}

/// Which services a turn concerns.
struct Bells {
    outbox: bool,
    timer: Option<usher_conversation::time::Timestamp>,
}

impl Bells {
    fn of(effects: &[Effect]) -> Self {
        let mut bells = Self { outbox: false, timer: None };
        for effect in effects {
            match effect {
                Effect::Send(_) => bells.outbox = true,
                Effect::SetTimer { due, .. } => bells.timer = Some(bells.timer.map_or(*due, |t| t.min(*due))),
                Effect::SupersedeReplies
                | Effect::CancelTimer { .. }
                | Effect::ChangeConsent { .. }
                | Effect::Escalate { .. } => {}
            }
        }
        bells
    }

    fn ring(self, node: &Node) {
        if self.outbox {
            node.outbox_bell.notify_one();
        }
        if let Some(due) = self.timer {
            node.timer_bell.timer_set(due);
        }
    }
}
