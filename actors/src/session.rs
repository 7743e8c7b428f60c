//! The session actor: a mailbox in front of an [`Owner`].
//!
//! The handler moves the owner into a future and makes the context wait for it, so actix takes the next message only
//! after this one is durable and answered: one session, one order. actix drops an actor whose handler panics, with
//! everything in its mailbox; so everything runs under `catch_unwind`, and a panic costs the cached state only.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use futures_util::FutureExt;

use crate::mailbox::Envelope;
use crate::node::Node;
use crate::owner::Owner;
use crate::registry::Place;

pub(crate) struct SessionActor {
    /// Away while a request is being carried out.
    owner: Option<Owner>,
    node: Arc<Node>,
    place: Rc<Place>,
}

impl SessionActor {
    pub(crate) fn new(node: Arc<Node>, place: Rc<Place>) -> Self {
        Self { owner: None, node, place }
    }

    fn new_owner(&self) -> Owner {
        Owner::new(Arc::clone(&self.node), self.place.session.clone(), Rc::clone(&self.place.topic))
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;
}

impl Handler<Envelope> for SessionActor {
    type Result = ();

    fn handle(&mut self, envelope: Envelope, context: &mut Self::Context) {
        let mut owner = self.owner.take().unwrap_or_else(|| self.new_owner());
        let Envelope { org, session, request, permit } = envelope;
        let work = async move {
            let served = AssertUnwindSafe(owner.serve(&org, request)).catch_unwind().await;
            // The place is free before the caller knows its answer: who was answered may ask again.
            drop(permit);
            if let Ok(answer) = served {
                answer();
            } else {
                tracing::error!(%session, "a request panicked outside the engine");
                owner.rest();
            }
            owner
        };
        context.wait(work.into_actor(self).map(|owner, actor, _context| {
            actor.place.known.set(owner.is_live());
            actor.owner = Some(owner);
        }));
    }
}

/// Asks an idle session to give its memory back but to keep its watchers.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Rest;

impl Handler<Rest> for SessionActor {
    type Result = ();

    fn handle(&mut self, Rest: Rest, _context: &mut Self::Context) {
        self.owner = None;
    }
}
