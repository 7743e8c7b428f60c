//! What goes into the machine of a call besides the two sides' events, and what comes out of it.

use std::fmt;

use usher_conversation::flow::FieldId;
use usher_conversation::session::EscalationReason;
use usher_conversation::session::tools::{Tool, ToolAnswer};
use usher_conversation::voice::{CallNews, Refusal, ToolResult};

use crate::voice::ports::{Outcome, Speaker, TransferPlan};

/// What the session asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The field it is about.
    pub(crate) field: FieldId,
    /// The answer is nobody's business but the session's.
    pub(crate) private: bool,
}

/// An answer of the contact's that goes to the session without the agent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Digits, or words.
    pub(crate) text: String,
    /// It comes from a telephone's keys.
    pub(crate) keyed: bool,
    /// What was asked when the contact began with it: it answers nothing else.
    pub(crate) asked: Option<Question>,
}

/// What was entered may be private.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text: _, keyed, asked } = self;
        f.debug_struct("Entry").field("keyed", keyed).field("asked", asked).finish_non_exhaustive()
    }
}

/// Something to be done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Ask the carrier for a mark.
    Mark(u64),
    /// Throw away what was not played.
    Clear,
    /// Show words.
    Caption { speaker: Speaker, text: String, settled: bool },
    /// Play the filler.
    Filler,
    /// Let the agent hear silence, so that it takes the contact's last words for complete.
    Silence,
    /// Answer a tool.
    Result(ToolResult),
    /// Tell the agent something.
    Context { id: &'static str, text: String },
    /// Say something to the agent as the contact.
    Message(String),
    /// The contact is busy.
    Active,
    /// Read the session, then open a conversation with the agent.
    Dial,
    /// The agent is there: what was held goes to it.
    Release,
    /// Let go of the agent, or of trying to reach it.
    CloseAgent,
    /// Journal.
    Tell(CallNews),
    /// Carry out a tool in the session.
    Use { id: String, tool: Tool },
    /// Offer it as the answer to the question it was begun for.
    Enter(Entry),
    /// Call a human.
    Escalate(EscalationReason),
    /// Record the vendor's id of the conversation.
    Connected { conversation: String },
    /// Give the call to a person.
    Transfer(TransferPlan),
    /// End the call at the telephone network.
    HangUp,
    /// Have the telephone network keep the contact until somebody else takes the call.
    Hold,
    /// Nothing more comes: record the outcome, close the line, stop.
    Finish(Outcome),
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Done {
    /// The session was read for the agent that is being dialled.
    Briefed {
        /// Utterances of the call before.
        utterances: u32,
        /// The newest turn the agent is told of.
        turn: u64,
        /// Words of the contact from before, of which nothing has come.
        contact_said: Option<String>,
    },
    /// It could not be opened.
    NotDialed(Refusal),
    /// A tool was carried out.
    Used {
        id: String,
        tool: Tool,
        answer: ToolAnswer,
        /// The contact withdrew consent: the answer is the last thing to be said.
        withdrawn: bool,
    },
    /// An answer was offered.
    Entered {
        entry: Entry,
        /// The agent must not be told what it was.
        private: bool,
        /// `None` when it answers no question that is asked.
        answer: Option<ToolAnswer>,
        /// The turn in which it was taken.
        turn: Option<u64>,
        /// The contact withdrew consent with it.
        withdrawn: bool,
    },
    /// The network was asked for a transfer.
    Transferred(Transferred),
}

/// What came of asking the network for a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transferred {
    /// The call is the person's now.
    Taken,
    /// It is still ours.
    Refused,
    /// It may be either.
    Unknown,
}

/// What the session says to its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionNews {
    /// Something happened on another channel.
    Elsewhere {
        /// In which turn.
        turn: u64,
        /// What the agent should know.
        context: String,
        /// What the contact would say about it.
        message: Option<String>,
    },
    /// Nothing automated may be said any more.
    Stop,
}

/// What others want of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// A person answered: speak.
    Answered,
    /// Let go of it: somebody else has the line already, or gets it.
    Leave(Outcome),
}

/// Where the contact's voice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the agent.
    Forward,
    /// Nowhere yet.
    Hold,
    /// Nowhere.
    Drop,
}
