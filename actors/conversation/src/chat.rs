//! A whole conversation in memory: a flow, a state and a journal. What `usher chat` and tests talk to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::channel::Channel;
use crate::flow::FieldId;
use crate::journal::Turn;
use crate::session::{
    Command, Inbound, Origin, Reply, SessionMeta, SessionState, SessionStatus, decide, reply_of,
    reply_to_nothing,
};
use crate::time::Timestamp;

/// A conversation without a store and without a network.
#[derive(Debug, Clone)]
pub struct Chat {
    meta: SessionMeta,
    state: SessionState,
    journal: Vec<Turn>,
}

/// What stands after one exchange.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatLine {
    /// What the bot said; empty when it keeps silent.
    pub reply: String,
    /// The pending question.
    pub pending: Option<FieldId>,
    /// The answers that stand, normalised.
    pub answers: BTreeMap<FieldId, serde_json::Value>,
    /// Where the session stands.
    pub status: SessionStatus,
}

impl Chat {
    /// Begins a conversation: the first line greets and asks the first question.
    pub fn begin(meta: SessionMeta, now: Timestamp) -> (Self, ChatLine) {
        let mut chat = Self { meta, state: SessionState::new(), journal: Vec::new() };
        let reply = chat.command(now, Command::Start { channel: Some(Channel::Widget) });
        let line = chat.line(reply);
        (chat, line)
    }

    /// The contact says something.
    pub fn handle(&mut self, now: Timestamp, text: &str) -> ChatLine {
        let origin = Origin { channel: Channel::Widget, address: String::new(), line: None };
        let inbound = Inbound {
            origin,
            text: text.to_owned(),
            media: Vec::new(),
            missed: Vec::new(),
            vendor_keyword: None,
        };
        let reply = self.command(now, Command::Receive(inbound));
        self.line(reply)
    }

    /// Carries out any command, as a session actor would.
    pub fn command(&mut self, now: Timestamp, command: Command) -> Reply {
        let events = decide(&self.meta, &self.state, now, command);
        if events.is_empty() {
            return reply_to_nothing(&self.state);
        }
        let turn = Turn { seq: self.state.seq() + 1, at: now, dedup: None, events };
        self.state.apply(&self.meta, &turn);
        let reply = reply_of(&self.meta, &self.state, &turn);
        self.journal.push(turn);
        reply
    }

    /// What does not change.
    pub const fn meta(&self) -> &SessionMeta {
        &self.meta
    }

    /// The state as it stands.
    pub const fn state(&self) -> &SessionState {
        &self.state
    }

    /// Every turn so far.
    pub fn journal(&self) -> &[Turn] {
        &self.journal
    }

    fn line(&self, reply: Reply) -> ChatLine {
        let answers = self.state.answers().iter();
        ChatLine {
            reply: reply.text.unwrap_or_default(),
            pending: reply.pending,
            answers: answers.map(|(field, answer)| (field.clone(), answer.value.to_json())).collect(),
            status: reply.status,
        }
    }
}
