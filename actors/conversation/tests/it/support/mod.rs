//! What the tests of the conversation share: an agency's flow, a client, and a hand on the session.

use std::sync::Arc;

use usher_conversation::channel::Channel;
use usher_conversation::chat::Chat;
use usher_conversation::flow::{FieldId, Flow};
use usher_conversation::id::{ContactId, OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::session::{Command, Event, Inbound, Origin, SessionMeta, SessionState, decide};
use usher_conversation::time::Timestamp;

/// A Tuesday noon in New York.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_794_934_800_000);

/// The questions of a small agency: every habit of the engine meets one of them.
pub(crate) fn flow() -> Flow {
    serde_json::from_str(include_str!("flow.json")).expect("the flow of the tests is well formed")
}

/// What does not change in the session of the tests.
pub(crate) fn meta_of(flow: Flow, locale: &str) -> SessionMeta {
    SessionMeta {
        session: SessionId::new(NOON, [7; 16]),
        org: OrgId::new(NOON, [1; 16]),
        org_name: "Bright Agency".to_owned(),
        contact: ContactId::new(NOON, [2; 16]),
        contact_name: "Dana Smith".to_owned(),
        phone: None,
        flow: Arc::new(flow),
        locale: locale.to_owned(),
        region: "US".to_owned(),
        zone: Some("America/New_York".to_owned()),
        link: Some("https://usher.example/s/lnk_abc".to_owned()),
        created_at: NOON,
    }
}

/// A flow of these fields, as JSON.
pub(crate) fn flow_of(fields: &serde_json::Value) -> Flow {
    serde_json::from_value(serde_json::json!({ "id": "flw_x", "version": 1, "name": "x", "fields": fields }))
        .expect("a well formed flow")
}

/// A chat in which all of this was said.
pub(crate) fn chat_of<'t>(meta: SessionMeta, said: impl Iterator<Item = &'t str>) -> Chat {
    let (mut chat, _) = Chat::begin(meta, NOON);
    for text in said {
        chat.handle(NOON, text);
    }
    chat
}

/// The usual session, in English.
pub(crate) fn meta() -> SessionMeta {
    meta_of(flow(), "en")
}

/// Decides a turn: the engine itself, or a broken one that a checker must catch.
pub(crate) type Decide = fn(&World, Command) -> Vec<Event>;

/// A session with its journal and its clock.
pub(crate) struct World {
    pub(crate) meta: SessionMeta,
    pub(crate) state: SessionState,
    pub(crate) journal: Vec<Turn>,
    pub(crate) now: Timestamp,
    decide: Decide,
}

/// The engine as it is.
pub(crate) fn sound(world: &World, command: Command) -> Vec<Event> {
    decide(&world.meta, &world.state, world.now, command)
}

impl World {
    pub(crate) fn new(meta: SessionMeta, decide: Decide) -> Self {
        Self { meta, state: SessionState::new(), journal: Vec::new(), now: NOON, decide }
    }

    /// Carries out a command; the turn, if there was one.
    pub(crate) fn command(&mut self, command: Command) -> Option<&Turn> {
        let events = (self.decide)(self, command);
        if events.is_empty() {
            return None;
        }
        let turn = Turn { seq: self.state.seq() + 1, at: self.now, dedup: None, events };
        self.state.apply(&self.meta, &turn);
        self.journal.push(turn);
        self.journal.last()
    }

    pub(crate) fn start(&mut self, channel: Channel) {
        self.command(Command::Start { channel: Some(channel) });
    }

    pub(crate) fn receive(&mut self, channel: Channel, text: &str) {
        self.command(Command::Receive(inbound(channel, text)));
    }

    pub(crate) fn submit(&mut self, field: &str, value: serde_json::Value) {
        let origin = origin(Channel::Widget);
        self.command(Command::Submit { origin, field: FieldId::new(field), value });
    }

    pub(crate) fn wait_hours(&mut self, hours: i64) {
        self.now = self.now.plus_millis(hours * 60 * 60 * 1000);
    }

    /// The answers that stand, normalised.
    pub(crate) fn answers(&self) -> std::collections::BTreeMap<String, serde_json::Value> {
        let answers = self.state.answers().iter();
        answers.map(|(field, answer)| (field.to_string(), answer.value.to_json())).collect()
    }
}

pub(crate) fn origin(channel: Channel) -> Origin {
    let address = if channel == Channel::Sms { "+14155550100" } else { "" };
    Origin { channel, address: address.to_owned(), line: None }
}

pub(crate) fn inbound(channel: Channel, text: &str) -> Inbound {
    Inbound {
        origin: origin(channel),
        text: text.to_owned(),
        media: Vec::new(),
        missed: Vec::new(),
        vendor_keyword: None,
    }
}
