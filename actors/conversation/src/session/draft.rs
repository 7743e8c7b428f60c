//! A turn in the making: the events decided so far, and the state as it will be once they are folded in.

use std::collections::BTreeSet;

use crate::answer::AnswerValue;
use crate::catalogue::Sentence;
use crate::channel::Channel;
use crate::flow::{Field, FieldId};
use crate::id::{DeliveryId, TimerId};
use crate::session::command::Origin;
use crate::session::effect::{MessageKind, OutboundMessage, TimerKind};
use crate::session::event::Event;
use crate::session::speech::Speech;
use crate::session::state::{SessionMeta, SessionState};
use crate::session::{nudge, reading, tools};
use crate::time::Timestamp;

/// The working copy of one turn. Recording an event folds it in at once, so that what is decided next sees it.
pub(super) struct Draft<'a> {
    pub(super) meta: &'a SessionMeta,
    pub(super) now: Timestamp,
    pub(super) state: SessionState,
    pub(super) speech: Speech<'a>,
    /// The contact hears the answer instead of reading it.
    pub(super) spoken: bool,
    events: Vec<Event>,
    /// What is about to be said, in one message.
    words: String,
    said: usize,
    timers: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(meta: &'a SessionMeta, state: &SessionState, now: Timestamp, spoken: bool) -> Self {
        let speech = Speech::of(meta);
        Self {
            meta,
            now,
            state: state.clone(),
            speech: if spoken { speech.aloud() } else { speech },
            spoken,
            events: Vec::with_capacity(6),
            words: String::new(),
            said: 0,
            timers: 0,
        }
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }

    /// The seq this turn will have.
    pub(super) const fn seq(&self) -> u64 {
        self.state.seq() + 1
    }

    pub(super) fn record(&mut self, event: Event) {
        self.state.absorb(&self.meta.flow, self.seq(), self.now, &event);
        self.events.push(event);
    }

    pub(super) fn field(&self, id: &FieldId) -> Option<&'a Field> {
        self.meta.flow.field(id)
    }

    /// The field of this id, if it is asked in this session as it stands.
    pub(super) fn visible(&self, id: &FieldId) -> Option<&'a Field> {
        self.field(id).filter(|field| reading::is_visible(&self.state, field))
    }

    pub(super) fn pending(&self) -> Option<&'a Field> {
        self.state.pending().and_then(|id| self.meta.flow.field(id))
    }

    /// Adds to the message of this turn. A new line begins after a list of choices, and after an example or a link,
    /// where a full stop would not be right.
    pub(super) fn line(&mut self, line: &str) {
        if !self.words.is_empty() {
            let goes_on = self.words.ends_with(['.', '!', '?']) && !self.words.contains('\n');
            self.words.push(if goes_on { ' ' } else { '\n' });
        }
        self.words.push_str(line);
    }

    pub(super) fn line_of(&mut self, sentence: Sentence) {
        let line = self.speech.plain(sentence);
        self.line(&line);
    }

    /// Adds the pending question to the message.
    pub(super) fn question_line(&mut self) {
        if let Some(field) = self.pending() {
            let question = self.speech.question(&self.state, field);
            self.line(&question);
        }
    }

    /// The pending question as a text message puts it, whatever channel the turn came from.
    pub(super) fn written_question_line(&mut self) {
        if let Some(field) = self.pending() {
            let question = self.speech.written().question(&self.state, field);
            self.line(&question);
        }
    }

    /// Whether an answer to `field` waits for a yes: because the flow says so, or because it was heard and not read.
    pub(super) const fn reads_back(&self, field: &Field) -> bool {
        field.confirm || (self.spoken && tools::read_back_when_heard(field.kind))
    }

    /// Says what has been gathered, as one message. A contact who withdrew consent gets nothing but the confirmation
    /// of just that.
    pub(super) fn say(&mut self, channel: Channel, kind: MessageKind) {
        let text = std::mem::take(&mut self.words);
        let permitted = !self.state.is_opted_out() || kind == MessageKind::Compliance;
        if text.is_empty() || !permitted {
            return;
        }
        let delivery = DeliveryId::derive(&self.meta.session, self.seq(), self.said);
        self.said += 1;
        let epoch = self.state.epoch();
        let line = self.state.line().filter(|_| channel == Channel::Sms).map(str::to_owned);
        self.record(Event::Said {
            message: OutboundMessage { delivery, channel, kind, text, not_before: None, epoch, line },
        });
    }

    /// Takes an answer that stands from now on, and lets fall what depended on the one before. Returns how many
    /// other answers fell.
    pub(super) fn settle(
        &mut self,
        field: &FieldId,
        value: AnswerValue,
        raw: String,
        origin: Origin,
    ) -> usize {
        let changed = self.state.answer(field).is_none_or(|known| known.value != value);
        self.record(Event::Answered { field: field.clone(), value, raw, origin });
        if changed { self.invalidate_dependents(field) } else { 0 }
    }

    /// Skips a field, and lets fall what depended on its answer.
    pub(super) fn skip(&mut self, field: &FieldId, origin: Origin) {
        let had_answer = self.state.answer(field).is_some();
        self.record(Event::Skipped { field: field.clone(), origin });
        if had_answer {
            self.invalidate_dependents(field);
        }
    }

    fn invalidate_dependents(&mut self, changed: &FieldId) -> usize {
        let flow = &self.meta.flow;
        let mut fallen: BTreeSet<&FieldId> = BTreeSet::from([changed]);
        let mut count = 0;
        // One answer that falls may take others with it, in either direction of the flow's order.
        while let Some(field) = flow.fields.iter().find(|field| {
            !fallen.contains(&field.id)
                && self.state.is_settled(&field.id)
                && field
                    .when
                    .as_ref()
                    .is_some_and(|when| fallen.iter().any(|id| reading::depends_on(when, id)))
        }) {
            fallen.insert(&field.id);
            count += usize::from(
                reading::is_visible(&self.state, field) && self.state.answer(&field.id).is_some(),
            );
            self.record(Event::Invalidated { field: field.id.clone() });
        }
        count
    }

    /// Moves the cursor to what must be asked now, and completes or reopens the session accordingly.
    pub(super) fn advance(&mut self) {
        let next = self.next_question();
        match next {
            Some(field) => {
                if self.state.is_complete() {
                    self.record(Event::Reopened);
                }
                if self.state.cursor().open() != Some(&field.id) {
                    self.record(Event::Asked { field: Some(field.id.clone()) });
                }
            }
            None if self.state.is_complete() => {}
            None => {
                self.record(Event::Asked { field: None });
                self.record(Event::Completed);
            }
        }
        nudge::keep_timer(self);
    }

    /// Asks `field` now, whatever was being asked; what is interrupted is returned to later.
    pub(super) fn ask(&mut self, field: &FieldId) {
        if self.state.is_complete() {
            self.record(Event::Reopened);
        }
        if self.state.cursor().open() != Some(field) {
            self.record(Event::Asked { field: Some(field.clone()) });
        }
    }

    /// The question that must be pending: the read-back that waits, an answered question that is being asked again
    /// and what that interrupted, or the first in the flow's order that is open.
    fn next_question(&self) -> Option<&'a Field> {
        let cursor = self.state.cursor();
        let waiting = cursor.confirmation().map(|waiting| &waiting.field);
        let revisited =
            cursor.open().into_iter().chain(cursor.interrupted()).filter(|id| self.state.is_settled(id));
        waiting
            .into_iter()
            .chain(revisited)
            .find_map(|id| self.visible(id))
            .or_else(|| self.open_fields().next())
    }

    fn open_fields(&self) -> impl Iterator<Item = &'a Field> {
        let fields = self.meta.flow.fields.iter();
        fields.filter(|field| !self.state.is_settled(&field.id) && reading::is_visible(&self.state, field))
    }

    pub(super) fn set_timer(&mut self, kind: TimerKind, due: Timestamp) {
        let timer = TimerId::derive(&self.meta.session, self.seq(), self.timers);
        self.timers += 1;
        self.record(Event::TimerSet { timer, kind, due });
    }

    pub(super) fn cancel_timer(&mut self) {
        if let Some(live) = self.state.timer() {
            let timer = live.id.clone();
            self.record(Event::TimerCancelled { timer });
        }
    }
}
