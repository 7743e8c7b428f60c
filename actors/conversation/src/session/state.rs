//! A session's state: a fold over its journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::channel::Channel;
use crate::consent::ConsentChange;
use crate::flow::{FieldId, Flow};
use crate::id::{CallId, ContactId, DeliveryId, OrgId, SessionId, TimerId};
use crate::journal::Turn;
use crate::session::calls::{self, LiveCall};
use crate::session::command::Origin;
use crate::session::cursor::Cursor;
use crate::session::deliveries::{self, Delivery, Unanswered};
use crate::session::effect::{DeliveryStatus, MessageKind, OutboundMessage, TimerKind};
use crate::session::event::{EscalationReason, Event};
use crate::time::Timestamp;
use crate::voice::CallNews;

/// What does not change during a session (kept in its row, not in its journal).
#[derive(Debug, Clone, PartialEq)]
pub struct SessionMeta {
    /// The session.
    pub session: SessionId,
    /// Its tenant.
    pub org: OrgId,
    /// The tenant's name, for `{org_name}`.
    pub org_name: String,
    /// The person.
    pub contact: ContactId,
    /// The person's name, for `{client_name}`; empty when unknown.
    pub contact_name: String,
    /// The person's telephone number (E.164) when known.
    pub phone: Option<String>,
    /// The pinned questions.
    pub flow: Arc<Flow>,
    /// Language of the sentences: `en` or `es`.
    pub locale: String,
    /// Region for national phone numbers, e.g. `US`.
    pub region: String,
    /// The contact's zone (IANA) when known.
    pub zone: Option<String>,
    /// The hosted page of this session, for messages that carry it; `None` in `usher chat`.
    pub link: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Questions are open.
    Active,
    /// Every required field is answered.
    Complete,
    /// The contact withdrew consent.
    OptedOut,
    /// A human must look; the bot still answers.
    Escalated,
}

/// An answer and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The normalised value.
    pub value: AnswerValue,
    /// What was written or said.
    pub raw: String,
    /// Where from.
    pub origin: Origin,
    /// When.
    pub at: Timestamp,
    /// In which turn.
    pub seq: u64,
}

/// One line of the conversation as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptEntry {
    /// The turn it belongs to.
    pub seq: u64,
    /// Its position in the turn.
    pub index: u32,
    /// Who said it.
    pub from: Speaker,
    /// Where.
    pub channel: Channel,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The contact.
    Client,
    /// The automated side.
    Bot,
    /// A member of the organisation.
    Staff,
}

/// An understood answer that waits for a yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Which field.
    pub field: FieldId,
    /// What was understood.
    pub value: AnswerValue,
    /// What was written or said.
    pub raw: String,
    /// Where from.
    pub origin: Origin,
}

/// The one timer of a session that is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveTimer {
    /// Its id; a firing with another id is stale.
    pub id: TimerId,
    /// What for.
    pub kind: TimerKind,
    /// When it is due.
    pub due: Timestamp,
}

/// Attempts at a question that were not understood since it was last answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Misses {
    count: u8,
    last: ParseErrorCause,
}

/// Whether and when the contact was last in touch, and what we did to reach them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
struct Contact {
    /// The channel they used last.
    last_channel: Option<Channel>,
    /// The channel on which we may write first: the last one that is not a page they must have open.
    reach: Option<Channel>,
    /// Which of our numbers or messaging services they texted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    /// Since when nothing passed between us.
    quiet_since: Timestamp,
    /// Reminders sent since they were last in touch.
    nudges: u8,
    /// Before when they do not want to be reminded.
    #[serde(default)]
    postponed_until: Option<Timestamp>,
    /// When they last opened each page.
    opened: BTreeMap<Channel, Timestamp>,
    /// Whether we have said anything yet.
    greeted: bool,
}

/// What a human was already asked to look at, so that nobody is asked twice for the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
struct Escalations {
    open: bool,
    requested: bool,
    undeliverable: bool,
}

/// How far the questions have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Unstarted,
    Open,
    Complete,
    /// Complete once, until a correction opened a question again.
    Reopened,
}

/// The live state. Only [`SessionState::apply`] changes it.
///
/// The parts that grow are shared: a clone costs little until it is written to, which lets
/// [`decide`](crate::session::decide) work on a copy that already has the events it is about to return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionState {
    seq: u64,
    epoch: u64,
    stage: Stage,
    opted_out: bool,
    escalations: Escalations,
    answers: Arc<BTreeMap<FieldId, Answer>>,
    skipped: BTreeSet<FieldId>,
    misses: BTreeMap<FieldId, Misses>,
    /// How often the contact would not answer a question.
    #[serde(default)]
    declined: BTreeMap<FieldId, u8>,
    cursor: Cursor,
    contact: Contact,
    timer: Option<LiveTimer>,
    deliveries: Arc<VecDeque<Delivery>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unanswered: Option<Arc<Unanswered>>,
    /// The call that is going on.
    #[serde(default)]
    call: Option<Arc<LiveCall>>,
    /// The last call that is over; its end is told once.
    #[serde(default)]
    ended_call: Option<CallId>,
}

impl SessionState {
    /// The state before the first turn.
    pub fn new() -> Self {
        Self {
            seq: 0,
            epoch: 0,
            stage: Stage::Unstarted,
            opted_out: false,
            escalations: Escalations::default(),
            answers: Arc::default(),
            skipped: BTreeSet::new(),
            misses: BTreeMap::new(),
            declined: BTreeMap::new(),
            cursor: Cursor::default(),
            contact: Contact::default(),
            timer: None,
            deliveries: Arc::default(),
            unanswered: None,
            call: None,
            ended_call: None,
        }
    }

    /// Where the session stands. Withdrawn consent hides the rest; a person who must look hides completeness, which
    /// [`Self::is_complete`] still tells.
    pub const fn status(&self) -> SessionStatus {
        if self.opted_out {
            SessionStatus::OptedOut
        } else if self.escalations.open {
            SessionStatus::Escalated
        } else if self.is_complete() {
            SessionStatus::Complete
        } else {
            SessionStatus::Active
        }
    }

    /// Whether the session has begun.
    pub const fn is_started(&self) -> bool {
        !matches!(self.stage, Stage::Unstarted)
    }

    /// Whether nothing is left to ask.
    pub const fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Complete)
    }

    /// Whether it was complete at some time, though a correction may have opened it again.
    pub const fn was_completed(&self) -> bool {
        matches!(self.stage, Stage::Complete | Stage::Reopened)
    }

    /// Whether the contact withdrew consent.
    pub const fn is_opted_out(&self) -> bool {
        self.opted_out
    }

    /// The answers that stand now.
    pub fn answers(&self) -> &BTreeMap<FieldId, Answer> {
        &self.answers
    }

    /// The answer to a field, if it has one.
    pub fn answer(&self, field: &FieldId) -> Option<&Answer> {
        self.answers.get(field)
    }

    /// Whether the contact skipped the field.
    pub fn is_skipped(&self, field: &FieldId) -> bool {
        self.skipped.contains(field)
    }

    /// Whether the field needs no more asking: answered or skipped.
    pub fn is_settled(&self, field: &FieldId) -> bool {
        self.answers.contains_key(field) || self.skipped.contains(field)
    }

    /// The pending question.
    pub const fn pending(&self) -> Option<&FieldId> {
        self.cursor.pending()
    }

    /// The read-back that waits for a yes, if one does.
    pub const fn confirmation(&self) -> Option<&Confirmation> {
        self.cursor.confirmation()
    }

    /// The channel the contact used last.
    pub const fn last_channel(&self) -> Option<Channel> {
        self.contact.last_channel
    }

    /// The control epoch; it rises with every takeover.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last turn that was folded in; 0 before the first.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The timer that runs, if one does.
    pub const fn timer(&self) -> Option<&LiveTimer> {
        self.timer.as_ref()
    }

    /// How often attempts at this field were not understood since it was last answered.
    pub fn misses(&self, field: &FieldId) -> u8 {
        self.misses.get(field).map_or(0, |misses| misses.count)
    }

    /// How often the contact would not answer this field, which must be answered, since it was last answered.
    pub(super) fn declined(&self, field: &FieldId) -> u8 {
        self.declined.get(field).copied().unwrap_or(0)
    }

    /// Why the last attempt at this field was refused, if it has not been answered since.
    pub fn last_refusal(&self, field: &FieldId) -> Option<&ParseErrorCause> {
        self.misses.get(field).map(|misses| &misses.last)
    }

    /// How far this message has come; `None` when it is not ours or long ended.
    pub fn delivery_status(&self, delivery: &DeliveryId) -> Option<DeliveryStatus> {
        self.deliveries.iter().find(|known| known.id == *delivery).map(|known| known.status)
    }

    /// Whether a message may still wait to be sent: none of which nothing was reported yet has left the outbox for certain.
    pub fn may_have_waiting_messages(&self) -> bool {
        self.deliveries.iter().any(|known| known.status == DeliveryStatus::Pending)
    }

    /// The call that is going on, if one is.
    pub fn call(&self) -> Option<&LiveCall> {
        self.call.as_deref()
    }

    /// Whether this call has ended.
    pub(super) fn is_over(&self, call: &CallId) -> bool {
        self.ended_call.as_ref() == Some(call) && self.call().is_none_or(|live| live.id != *call)
    }

    pub(super) fn delivery_channel(&self, delivery: &DeliveryId) -> Option<Channel> {
        self.deliveries.iter().find(|known| known.id == *delivery).map(|known| known.channel)
    }

    /// The last message, when nothing was heard from the contact since.
    pub(super) fn unanswered(&self) -> Option<&Unanswered> {
        self.unanswered.as_deref()
    }

    pub(super) const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    pub(super) const fn is_greeted(&self) -> bool {
        self.contact.greeted
    }

    pub(super) const fn reach(&self) -> Option<Channel> {
        self.contact.reach
    }

    /// The number or messaging service of ours a text message to them leaves from; `None` = the organisation's first.
    pub(super) fn line(&self) -> Option<&str> {
        self.contact.line.as_deref()
    }

    pub(super) const fn quiet_since(&self) -> Timestamp {
        self.contact.quiet_since
    }

    pub(super) const fn postponed_until(&self) -> Option<Timestamp> {
        self.contact.postponed_until
    }

    pub(super) const fn nudges(&self) -> u8 {
        self.contact.nudges
    }

    pub(super) fn opened_at(&self, channel: Channel) -> Option<Timestamp> {
        self.contact.opened.get(&channel).copied()
    }

    pub(super) const fn human_requested(&self) -> bool {
        self.escalations.requested
    }

    pub(super) const fn known_undeliverable(&self) -> bool {
        self.escalations.undeliverable
    }

    /// Folds one whole turn in. Live turns, replays and rebuilt read models all go through here.
    pub fn apply(&mut self, meta: &SessionMeta, turn: &Turn) {
        for event in &turn.events {
            self.absorb(&meta.flow, turn.seq, turn.at, event);
        }
        self.seq = turn.seq;
    }

    /// Folds one event of turn `seq` in.
    pub(super) fn absorb(&mut self, flow: &Flow, seq: u64, at: Timestamp, event: &Event) {
        if let Some(live) = self.call.as_mut().filter(|_| calls::moves_on(event)) {
            Arc::make_mut(live).move_on();
        }
        match event {
            Event::Started { channel } => {
                self.stage = Stage::Open;
                self.contact.quiet_since = at;
                self.contact.reach =
                    channel.filter(|channel| matches!(channel, Channel::Sms | Channel::Email));
            }
            Event::Received { origin, .. } => {
                self.heard_from(origin.channel, at);
                if origin.channel == Channel::Sms {
                    self.contact.line.clone_from(&origin.line);
                }
                // Where no model stands between, a caller's words arrive as a message.
                if origin.channel == Channel::Voice
                    && let Some(live) = &mut self.call
                {
                    Arc::make_mut(live).talked = true;
                }
            }
            Event::Answered { field, value, raw, origin } => {
                let answer =
                    Answer { value: value.clone(), raw: raw.clone(), origin: origin.clone(), at, seq };
                Arc::make_mut(&mut self.answers).insert(field.clone(), answer);
                self.skipped.remove(field);
                self.misses.remove(field);
                self.declined.remove(field);
                self.cursor.answered(field);
            }
            Event::ConfirmationAsked { field, value, raw, origin } => {
                self.cursor.confirm(Confirmation {
                    field: field.clone(),
                    value: value.clone(),
                    raw: raw.clone(),
                    origin: origin.clone(),
                });
            }
            Event::FileMissed { .. } => {}
            Event::ConfirmationRefused { field } => self.cursor.refused(field),
            Event::Invalidated { field } => {
                Arc::make_mut(&mut self.answers).remove(field);
                self.skipped.remove(field);
                self.misses.remove(field);
                self.cursor.invalidated(field);
            }
            Event::Skipped { field, .. } => {
                Arc::make_mut(&mut self.answers).remove(field);
                self.misses.remove(field);
                self.skipped.insert(field.clone());
                self.cursor.skipped(field);
            }
            Event::Missed { field, cause } => {
                let count = self.misses(field).saturating_add(1);
                self.misses.insert(field.clone(), Misses { count, last: cause.clone() });
            }
            Event::Declined { field } => {
                let count = self.declined(field).saturating_add(1);
                self.declined.insert(field.clone(), count);
            }
            Event::Postponed { until } => self.contact.postponed_until = Some(*until),
            Event::Asked { field } => self.cursor.ask(field.as_ref(), flow),
            Event::Completed => {
                self.stage = Stage::Complete;
                self.escalations =
                    Escalations { undeliverable: self.escalations.undeliverable, ..Escalations::default() };
            }
            Event::Reopened => self.stage = Stage::Reopened,
            Event::Said { message } => self.said(message, at),
            Event::Repeated { message, .. } => {
                self.sent(message);
                if let Some(unanswered) = &mut self.unanswered {
                    Arc::make_mut(unanswered).repeated(message);
                }
            }
            Event::Escalated { reason } => self.escalated(*reason),
            Event::ConsentChanged { change, .. } => self.opted_out = *change == ConsentChange::OptedOut,
            Event::Opened { origin } => {
                self.contact.opened.insert(origin.channel, at);
                self.contact.quiet_since = at;
                self.contact.nudges = 0;
            }
            Event::Call { call, news } => self.on_call(call, news, at),
            Event::ToolUsed { .. } => self.heard_from(Channel::Voice, at),
            Event::TimerSet { timer, kind, due } => {
                self.timer = Some(LiveTimer { id: timer.clone(), kind: *kind, due: *due });
            }
            Event::TimerCancelled { timer } | Event::TimerFired { timer } => {
                self.timer.take_if(|live| live.id == *timer);
            }
            Event::Delivered { delivery, status, .. } => self.delivered(delivery, *status),
        }
    }

    fn delivered(&mut self, delivery: &DeliveryId, status: DeliveryStatus) {
        let known = Arc::make_mut(&mut self.deliveries).iter_mut().find(|known| known.id == *delivery);
        if let Some(known) = known {
            known.status = status;
        }
        if matches!(status, DeliveryStatus::Delivered | DeliveryStatus::Read) {
            self.unanswered.take_if(|unanswered| unanswered.delivery == *delivery);
        }
    }

    fn heard_from(&mut self, channel: Channel, at: Timestamp) {
        self.unanswered = None;
        self.contact.last_channel = Some(channel);
        self.contact.quiet_since = at;
        self.contact.nudges = 0;
        self.contact.postponed_until = None;
        match channel {
            Channel::Sms | Channel::Email => self.contact.reach = Some(channel),
            // A page must be open, and nobody is rung up for a reminder.
            Channel::Widget | Channel::Voice => {}
        }
    }

    fn on_call(&mut self, call: &CallId, news: &CallNews, at: Timestamp) {
        let late = self.is_over(call) && !matches!(news, CallNews::Connected { .. });
        match news {
            CallNews::Connected { origin, .. } => {
                self.contact.greeted = true;
                if self.contact.reach.is_none() && !origin.address.is_empty() {
                    self.contact.reach = Some(Channel::Sms);
                }
                self.heard_from(Channel::Voice, at);
            }
            CallNews::Heard { .. } => self.heard_from(Channel::Voice, at),
            CallNews::Ended { .. } => {
                self.contact.quiet_since = at;
                self.ended_call = Some(call.clone());
            }
            CallNews::Spoke { .. }
            | CallNews::Playing { .. }
            | CallNews::Played { .. }
            | CallNews::Returned => {}
        }
        if !late {
            let live = self.call.take().map(Arc::unwrap_or_clone);
            self.call = LiveCall::after(live, call, news).map(Arc::new);
        }
    }

    fn said(&mut self, message: &OutboundMessage, at: Timestamp) {
        self.contact.greeted = true;
        match message.kind {
            MessageKind::Nudge => {
                self.contact.nudges = self.contact.nudges.saturating_add(1);
                self.contact.quiet_since = at;
            }
            MessageKind::Greeting | MessageKind::Reply | MessageKind::Compliance => {}
        }
        if !matches!(message.channel, Channel::Widget | Channel::Voice) {
            self.sent(message);
            self.unanswered = Some(Arc::new(Unanswered::new(message)));
        }
    }

    fn sent(&mut self, message: &OutboundMessage) {
        deliveries::remember(Arc::make_mut(&mut self.deliveries), message);
    }

    fn escalated(&mut self, reason: EscalationReason) {
        self.escalations.open = true;
        self.escalations.requested |= reason == EscalationReason::Requested;
        self.escalations.undeliverable |= reason == EscalationReason::Undeliverable;
    }
}

impl Default for SessionState {
    fn default() -> Self {
        Self::new()
    }
}

/// The state a stored session has: its snapshot with the tail folded in.
pub fn fold(meta: &SessionMeta, snapshot: Option<SessionState>, tail: &[Turn]) -> SessionState {
    let mut state = snapshot.unwrap_or_default();
    for turn in tail {
        state.apply(meta, turn);
    }
    state
}
