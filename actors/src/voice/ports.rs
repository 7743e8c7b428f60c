//! What a call needs from the outside: its two sides, the agent's dialler, the telephone network, the call records.
//!
//! Everything of one call lives on one thread, the thread of the carrier's socket: sinks, streams and transcoders need
//! not be `Send`. What calls share (dialler, telephony, records) is.

use std::fmt;
use std::sync::Arc;
use std::task::Context;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use serde::{Deserialize, Serialize};
use usher_conversation::id::{CallId, OrgId, SessionId};
use usher_conversation::ports::{BoxFuture, Clock};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{
    AgentEvent, Audio, AudioFormat, CallDirection, CallEnd, CarrierEvent, Opening, Refusal, ToolResult,
    TurnLatency,
};

use crate::alarm::Alarm;
use crate::runtime::Runtime;

/// Which call is meant, to those who keep records or hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRef {
    /// The call.
    pub call: CallId,
    /// The tenant.
    pub org: OrgId,
    /// The session it belongs to.
    pub session: SessionId,
    /// The telephone network's id of the call; `None` for the widget's microphone.
    pub vendor_call: Option<String>,
    /// Who called whom.
    pub direction: CallDirection,
    /// How often the call was attached before: 0 at first, one more after every crash, failed transfer or move. It is
    /// part of the dedup keys, so two attachments of one call must never have the same.
    pub attachment: u32,
}

/// Who speaks in a [`Caption`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The contact.
    Contact,
    /// The agent.
    Agent,
}

/// Words to be shown while they are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caption<'a> {
    /// Whose.
    pub speaker: Speaker,
    /// The words of this utterance so far.
    pub text: &'a str,
    /// Whether they will not change any more.
    pub settled: bool,
}

/// The way to the contact. Methods only queue; the socket is written in [`Carrier::flush`] or by a task of the
/// adapter's own.
pub trait Carrier {
    /// Queues audio in the carrier's format, in either coding: an adapter whose wire wants the other coding converts.
    fn audio(&mut self, audio: &Audio);

    /// Asks for [`CarrierEvent::Played`] with this number once everything queued before was played or thrown away.
    /// Numbers grow by one; an adapter of a carrier without marks answers by its own clock.
    fn mark(&mut self, number: u64);

    /// Throws away what was not played yet, here and at the carrier. Marks that wait are answered at once.
    fn clear(&mut self);

    /// Shows words; a telephone shows none.
    fn caption(&mut self, _caption: Caption<'_>) {}

    /// Closes the line's socket after what is queued. What becomes of the call then is the telephone network's affair
    /// (the verb after `<Connect>`), unless [`Telephony::hang_up`] came before.
    fn close(&mut self);

    /// Bytes queued here and not yet written.
    fn backlog(&self) -> usize;

    /// Writes as much as the socket takes now, and has the task woken when it takes more. Called after every batch of
    /// the methods above and whenever the call's task runs. An adapter with a writer task of its own has nothing to do.
    fn flush(&mut self, _task: &mut Context<'_>) {}
}

/// The way to the agent. As with [`Carrier`], methods only queue.
pub trait Agent {
    /// The contact's voice, in the agent's input format, in either coding.
    fn audio(&mut self, audio: &Audio);

    /// What came of a tool.
    fn result(&mut self, result: ToolResult);

    /// Something the agent should know; it does not answer it. A newer text with the same id replaces the older.
    fn context(&mut self, id: &str, text: &str);

    /// Words as if the contact had said them; the agent answers.
    fn message(&mut self, text: &str);

    /// The contact is busy (typing, pressing keys): the agent does not take the turn now.
    fn active(&mut self);

    /// Ends the conversation in order, after what is queued.
    fn close(&mut self);

    /// Bytes queued here and not yet written.
    fn backlog(&self) -> usize;

    /// See [`Carrier::flush`].
    fn flush(&mut self, _task: &mut Context<'_>) {}
}

/// A conversation with an agent that was opened. Pings are answered inside the adapter.
pub struct Connection {
    /// The way to it.
    pub agent: Box<dyn Agent>,
    /// What comes from it: [`AgentEvent::Ready`] first, [`AgentEvent::Gone`] last.
    pub events: LocalBoxStream<'static, AgentEvent>,
}

/// What comes from the carrier. It ends with [`CarrierEvent::Hangup`] when the line was closed in order (the contact
/// hung up, or the call was given other instructions), and without when the socket broke while the call may live on.
pub type CarrierEvents = LocalBoxStream<'static, CarrierEvent>;

/// Opens conversations with an agent; holds or fetches the organisation's credentials.
pub trait AgentDialer: Send + Sync {
    /// One try. Bounded in time by the caller, who drops the future.
    fn dial<'a>(
        &'a self,
        call: &'a CallRef,
        opening: Opening,
    ) -> LocalBoxFuture<'a, Result<Connection, Refusal>>;
}

/// Why a call goes to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferReason {
    /// The contact asked, or the agent decided.
    Requested,
    /// An emergency: the key or a word for it.
    Emergency,
}

/// Where a call goes, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferPlan {
    /// The person's number, E.164.
    pub to: String,
    /// Seconds it may ring before the contact comes back to the agent.
    pub ring_seconds: u32,
    /// Whether the person first hears [`crate::voice::summary`] (warm), or is connected at once (cold).
    pub warm: bool,
    /// Why.
    pub reason: TransferReason,
}

/// The number is personal.
impl fmt::Debug for TransferPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { to: _, ring_seconds, warm, reason } = self;
        f.debug_struct("TransferPlan")
            .field("ring_seconds", ring_seconds)
            .field("warm", warm)
            .field("reason", reason)
            .finish_non_exhaustive()
    }
}

/// Why the telephone network did not do, or may not have done, what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelephonyError {
    /// It did not, or was not asked.
    #[error("the telephone network refused: {0}")]
    Refused(String),
    /// It may have: its answer was lost, or says nothing.
    #[error("the telephone network's answer is not known: {0}")]
    Unknown(String),
}

/// Control of a call outside its media stream.
pub trait Telephony: Send + Sync {
    /// Ends the call. Idempotent: one that has ended already is no error.
    fn hang_up<'a>(&'a self, call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>>;

    /// Gives the call to a person. The media stream is closed by the network soon after; a transfer that fails (nobody
    /// answers) attaches the call again. A call that has ended cannot be given to anybody. Answers within the time that the
    /// call's machine waits: 20 seconds.
    fn transfer<'a>(
        &'a self,
        call: &'a CallRef,
        plan: &'a TransferPlan,
    ) -> BoxFuture<'a, Result<(), TelephonyError>>;

    /// Lets the network entertain the contact for a moment and then attach the call again, wherever that leads: this
    /// node is about to be gone.
    fn hold<'a>(&'a self, call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>>;
}

/// Why a call leaves this actor without being over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handover {
    /// A person is being dialled.
    Transfer(TransferReason),
    /// The agent cannot or will not talk: the contact gets the questions by keypad and text.
    AgentUnavailable(String),
    /// This node stops: the call is attached again, here or elsewhere.
    Drain,
    /// Something in the call's own code failed: the call is attached again.
    Failure,
    /// The carrier's socket broke: the call, if it lives, is attached again.
    LineLost,
    /// A newer attachment of the same call took its place.
    Superseded,
}

/// How an attachment of a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The call is over, and its session knows.
    Ended(CallEnd),
    /// The call goes on without us. Whoever gets it decides when it is over.
    HandedOver(Handover),
}

/// What an attachment used and how it went: the call record's figures, from which is worked out what a call costs. Records
/// hold it as JSON, so a new figure needs a default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CallUsage {
    /// From the start of the attachment to its end.
    pub millis: u64,
    /// The contact's voice that reached the agent.
    pub audio_in_millis: u64,
    /// The agent's voice that was sent to the contact.
    pub audio_out_millis: u64,
    /// Conversations opened with the agent.
    pub dials: u32,
    /// Utterances of the agent.
    pub utterances: u32,
    /// Utterances of the contact.
    pub heard: u32,
    /// Times the contact interrupted.
    pub interruptions: u32,
    /// Tools that were run.
    pub tools: u32,
    /// Pieces of the contact's voice dropped because the agent's side was slow.
    pub dropped_in: u64,
    /// Pieces of the agent's voice dropped because the carrier's side was slow.
    pub dropped_out: u64,
    /// Stages of the agent's turns, in order; the first [`CallUsage::MAX_TURNS`].
    pub turns: Vec<TurnLatency>,
}

impl CallUsage {
    /// Turns whose latency is kept for the record; all are in the journal.
    pub const MAX_TURNS: usize = 256;
}

/// The call records. Failures are the adapter's to log: a call does not end because its record cannot be written.
pub trait CallLog: Send + Sync {
    /// The agent is there, under the vendor's id of the conversation.
    fn connected<'a>(&'a self, call: &'a CallRef, conversation: &'a str) -> BoxFuture<'a, ()>;

    /// The attachment is over. Written before the carrier's socket is closed, so that whoever is asked what to do with
    /// the call next can look here.
    fn ended<'a>(
        &'a self,
        call: &'a CallRef,
        outcome: &'a Outcome,
        usage: &'a CallUsage,
    ) -> BoxFuture<'a, ()>;
}

/// Changes audio from one format to another; keeps the filter's state of one direction of one call.
pub trait Transcoder {
    /// The same sound in the other format; `None` when nothing comes out yet or the piece was no audio.
    fn convert(&mut self, audio: &Audio) -> Option<Audio>;
}

/// Makes transcoders.
pub trait Transcoding: Send + Sync {
    /// From one format to another; `None` when that cannot be done. Never asked for equal formats.
    fn between(&self, from: AudioFormat, to: AudioFormat) -> Option<Box<dyn Transcoder>>;
}

/// What all calls of a node share.
#[derive(Clone)]
pub struct VoiceNode {
    /// The sessions.
    pub runtime: Runtime,
    /// Control of calls outside their media stream.
    pub telephony: Arc<dyn Telephony>,
    /// The call records.
    pub log: Arc<dyn CallLog>,
    /// Transcoders.
    pub transcoding: Arc<dyn Transcoding>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Waiting for an instant of that clock.
    pub alarm: Arc<dyn Alarm>,
}

impl VoiceNode {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
