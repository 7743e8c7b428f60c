//! The one way a message reaches an actor, and what such a message is.
//!
//! `Addr::send` is not used: actix skips a message whose caller stopped waiting, so a webhook client that
//! disconnects would un-send an inbound text. `do_send` is not used either: it ignores the bound and is silent when
//! the actor is gone. A message is posted detached and carries its own reply channel and admission permit.

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message};
use tokio::sync::oneshot;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::session::Command;

use crate::admission::Permit;
use crate::error::RuntimeError;
use crate::hub::Joined;
use crate::owner::{Current, Handled};

/// Where an answer goes. The work is done even when nobody waits there any more.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, RuntimeError>>;

/// What is asked of a session's owner.
pub(crate) enum Request {
    Handle { dedup: Option<String>, command: Box<Command>, reply: Reply<Handled> },
    Read { reply: Reply<Current> },
    Watch { since: u64, reply: Reply<Joined> },
}

impl Request {
    pub(crate) fn refuse(self, error: RuntimeError) {
        match self {
            Self::Handle { reply, .. } => drop(reply.send(Err(error))),
            Self::Read { reply } => drop(reply.send(Err(error))),
            Self::Watch { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// A request on its way to a session.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Envelope {
    pub(crate) org: OrgId,
    pub(crate) session: SessionId,
    pub(crate) request: Request,
    pub(crate) permit: Permit,
}

/// Starts an actor on this thread with room for `room` messages from the first one on. (A capacity that is set in
/// `started` comes too late: until then the mailbox holds sixteen, and a burst at activation would be refused.)
pub(crate) fn start<A>(actor: A, room: usize) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    let mut context = Context::new();
    context.set_mailbox_capacity(room);
    context.run(actor)
}

/// Puts `message` into the actor's mailbox; gives it back when the actor is gone.
///
/// Mailboxes have room for everything admission lets in, so "full" does not happen.
pub(crate) fn post<A, M>(address: &Addr<A>, message: M) -> Result<(), M>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message<Result = ()> + Send + 'static,
{
    address.try_send(message).map_err(actix::prelude::SendError::into_inner)
}
