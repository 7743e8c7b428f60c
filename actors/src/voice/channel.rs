//! The actor of one call. It moves events between the two sides and the pure [`Call`], and performs actions.
//!
//! All of a call runs in one future inside the actor's context, on the thread of the carrier's socket: a frame that
//! arrives on one side is on its way out on the other before that future yields. No frame passes a mailbox, is boxed or
//! is copied. A panic costs this call only: it is handed to the redirect behind its stream, which attaches it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use actix::{Actor, ActorContext, ActorFuture, Addr, AsyncContext, Context, Handler, Message};
use tokio::sync::watch;
use usher_conversation::voice::{Audio, AudioFormat, Persona};

use super::bridge::Bridge;
use super::call::Order;
use super::ports::{AgentDialer, CallRef, Carrier, CarrierEvents, Outcome, VoiceNode};
use super::settings::Setup;
use super::switchboard::Line;
use crate::mailbox::{self, post};

/// Orders that may wait for a call.
const ROOM: usize = 16;

/// A call whose line is open, ready to be taken.
pub struct VoiceCall {
    /// Which call.
    pub call: CallRef,
    /// What it is set up with.
    pub setup: Setup,
    /// What the agent calls itself.
    pub persona: Persona,
    /// The way to the contact.
    pub carrier: Box<dyn Carrier>,
    /// What comes from the contact.
    pub carrier_events: CarrierEvents,
    /// What the contact's side speaks, both ways.
    pub carrier_format: AudioFormat,
    /// Played while a lost agent is dialled again, in the carrier's format.
    pub filler: Option<Audio>,
    /// Opens conversations with the agent.
    pub dialer: Arc<dyn AgentDialer>,
    /// The call's place on this node.
    pub line: Line,
}

/// The actor of one call.
pub struct VoiceChannel {
    bridge: Bridge,
    outcome: watch::Sender<Option<Outcome>>,
}

/// Reaches a call from any thread.
#[derive(Clone)]
pub struct CallHandle {
    call: Addr<VoiceChannel>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl VoiceChannel {
    /// Takes a call, on this thread, which must run an actix system. The agent is dialled, unless the call is screened
    /// ([`CallHandle::answered`]).
    pub fn start(node: &Arc<VoiceNode>, call: VoiceCall) -> CallHandle {
        let (outcome, known) = watch::channel(None);
        let (bridge, line) = Bridge::new(Arc::clone(node), call);
        let address = mailbox::start(Self { bridge, outcome }, ROOM);
        let handle = CallHandle { call: address, outcome: known };
        line.connect(&handle);
        handle
    }

    /// Runs a part of the bridge; a panic in it hands the call over.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Bridge) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut self.bridge)));
        if done.is_err() {
            // The second panic comes from what hands over: then there is nothing left but to let go of everything.
            let failed = catch_unwind(AssertUnwindSafe(|| self.bridge.fail()));
            if failed.is_err() {
                self.bridge.abandon();
            }
        }
        if let Some(outcome) = self.bridge.outcome() {
            self.outcome.send_if_modified(|known| {
                let fresh = known.is_none();
                if fresh {
                    *known = Some(outcome.clone());
                }
                fresh
            });
        }
        done.ok()
    }
}

impl Actor for VoiceChannel {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(Pump);
    }
}

/// The call's one future: lives until the call is over and everything about it is written down.
struct Pump;

impl ActorFuture<VoiceChannel> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut VoiceChannel,
        context: &mut Context<VoiceChannel>,
        task: &mut task::Context<'_>,
    ) -> Poll<()> {
        let Some(polled) = actor.guarded(|bridge| bridge.poll(task)) else {
            // What is left is done at the next turn.
            task.waker().wake_by_ref();
            return Poll::Pending;
        };
        if polled.is_ready() {
            context.stop();
        }
        polled
    }
}

/// What others want of a call.
#[derive(Message)]
#[rtype(result = "()")]
struct Asked(Order);

impl Handler<Asked> for VoiceChannel {
    type Result = ();

    fn handle(&mut self, Asked(order): Asked, _context: &mut Self::Context) {
        // The pump is polled after the mailbox, in the same turn.
        self.guarded(|bridge| bridge.order(order));
    }
}

impl CallHandle {
    pub(super) fn order(&self, order: Order) {
        // A call that is gone wants nothing.
        drop(post(&self.call, Asked(order)));
    }

    /// A person answered: a screened call begins.
    pub fn answered(&self) {
        self.order(Order::Answered);
    }

    /// Lets go of the call without touching the line, because somebody else has it already: a message is being left on
    /// a machine, staff gave it other instructions.
    pub fn leave(&self, outcome: Outcome) {
        self.order(Order::Leave(outcome));
    }

    /// How this attachment ended, once it has. A call whose thread was stopped counts as one whose code failed.
    pub async fn finished(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let known = outcome.wait_for(Option::is_some).await.ok().and_then(|known| known.clone());
        known.unwrap_or(Outcome::HandedOver(super::ports::Handover::Failure))
    }
}
