//! The registry: session id to address, one actor per arbiter.
//!
//! A session is placed on an arbiter by the hash of its id, so each registry alone decides about its sessions and needs
//! no lock: it activates one on its first request, forwards in order, and lets the idle go. Everything about a session
//! happens on this thread, so "nothing waits for it and nobody watches it" cannot change between the look and the
//! removal. Dropping the last address stops the actor.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use tokio::sync::oneshot;
use usher_conversation::id::SessionId;
use usher_conversation::time::Timestamp;

use crate::admission::SessionKey;
use crate::error::RuntimeError;
use crate::hub::{CloseReason, Topic};
use crate::mailbox::{self, Envelope, post};
use crate::node::Node;
use crate::session::{Rest, SessionActor};
use crate::timers::TIMERS_AT_ONCE;

/// What a registry and a session actor share; both live on one thread.
pub(crate) struct Place {
    pub(crate) session: SessionId,
    pub(crate) topic: Rc<RefCell<Topic>>,
    /// The session exists. Ids that were guessed leave memory first.
    pub(crate) known: Cell<bool>,
}

struct Entry {
    address: Addr<SessionActor>,
    place: Rc<Place>,
    touched: Timestamp,
}

/// The registry of one arbiter.
pub(crate) struct Registry {
    node: Arc<Node>,
    bound: usize,
    sessions: HashMap<SessionId, Entry>,
}

impl Registry {
    /// Starts the registry of one of `arbiters` on the current arbiter.
    pub(crate) fn start(node: Arc<Node>, arbiters: usize) -> Addr<Self> {
        let bound = node.config.active_bound.div_ceil(arbiters).max(1);
        // Reports of the relay and the timers come on top of what clients may queue.
        let room = node.config.node_bound + node.config.relay.in_flight + TIMERS_AT_ONCE;
        mailbox::start(Self { node, bound, sessions: HashMap::new() }, room)
    }

    fn activate(&mut self, session: &SessionId) -> &mut Entry {
        if !self.sessions.contains_key(session) && self.sessions.len() >= self.bound {
            self.make_room();
        }
        self.sessions.entry(session.clone()).or_insert_with(|| {
            let topic = Rc::default();
            let place = Rc::new(Place { session: session.clone(), topic, known: Cell::new(true) });
            let actor = SessionActor::new(Arc::clone(&self.node), Rc::clone(&place));
            // Reports of the relay and the timers come on top of what clients may queue.
            let address = mailbox::start(
                actor,
                self.node.config.session_bound + self.node.config.relay.in_flight + TIMERS_AT_ONCE,
            );
            Node::count(&self.node.active, &self.node.meters.active, 1);
            Entry { address, place, touched: Timestamp::default() }
        })
    }

    fn remove(&mut self, session: &SessionId) {
        if self.sessions.remove(session).is_some() {
            Node::count(&self.node.active, &self.node.meters.active, -1);
            self.node.meters.passivations.increment(1);
        }
    }

    /// Lets go of every session that was touched before `before` (or never existed) and has nothing to do. A watched one
    /// gives only its state back. Returns how many left.
    fn passivate(&mut self, before: Timestamp) -> usize {
        let mut leaving = Vec::new();
        for (session, entry) in &self.sessions {
            let stale = entry.touched < before || !entry.place.known.get();
            if !stale || self.node.admission.waiting_for(SessionKey::of(session)) > 0 {
                continue;
            }
            if !entry.place.topic.borrow_mut().is_watched() || post(&entry.address, Rest).is_err() {
                leaving.push(session.clone());
            }
        }
        for session in &leaving {
            self.remove(session);
        }
        leaving.len()
    }

    /// Over the bound, the longest idle sixteenth leaves at once, so that the search is paid for once in many activations.
    fn make_room(&mut self) {
        let mut touched: Vec<_> = self.sessions.values().map(|entry| entry.touched).collect();
        let index = touched.len() / 16;
        if let Some(&mut before) =
            touched.get_mut(index).is_some().then(|| touched.select_nth_unstable(index).1)
        {
            self.passivate(before.plus_millis(1));
        }
    }
}

impl Actor for Registry {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let every = u64::try_from(self.node.config.idle_millis / 8).unwrap_or(0).clamp(1_000, 30_000);
        context.run_interval(Duration::from_millis(every), |registry, _context| {
            let before = registry.node.now().plus_millis(-registry.node.config.idle_millis);
            registry.passivate(before);
        });
    }
}

impl Handler<Envelope> for Registry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope, _context: &mut Self::Context) {
        let now = self.node.now();
        let entry = self.activate(&envelope.session);
        entry.touched = now;
        let Err(envelope) = post(&entry.address, envelope) else { return };
        // The actor died, which only a defect outside its guarded work can cause. A new one starts from the journal.
        tracing::error!(session = %envelope.session, "a session actor was gone; starting another");
        self.remove(&envelope.session);
        let entry = self.activate(&envelope.session);
        entry.touched = now;
        if let Err(envelope) = post(&entry.address, envelope) {
            envelope.request.refuse(RuntimeError::Failed);
        }
    }
}

/// Lets idle sessions go now; answers how many left.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Sweep(pub(crate) oneshot::Sender<usize>);

impl Handler<Sweep> for Registry {
    type Result = ();

    fn handle(&mut self, Sweep(reply): Sweep, _context: &mut Self::Context) {
        let before = self.node.now().plus_millis(-self.node.config.idle_millis);
        // Whoever asked may have gone; the sweep is done all the same.
        let _asker_gone = reply.send(self.passivate(before));
    }
}

/// Tells every watcher that the node stops.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct CloseTopics(pub(crate) oneshot::Sender<()>);

impl Handler<CloseTopics> for Registry {
    type Result = ();

    fn handle(&mut self, CloseTopics(reply): CloseTopics, _context: &mut Self::Context) {
        for entry in self.sessions.values() {
            entry.place.topic.borrow_mut().close(CloseReason::Restart);
        }
        let _asker_gone = reply.send(());
    }
}
