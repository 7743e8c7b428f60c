//! `decide`: a command and a state give the events of one turn.

use serde_json::Value;

use crate::answer::{FileAnswer, ParseErrorCause};
use crate::catalogue::Sentence;
use crate::channel::Channel;
use crate::consent::ConsentChange;
use crate::flow::{Field, FieldId};
use crate::id::DeliveryId;
use crate::session::command::{Command, Media, Origin};
use crate::session::converse;
use crate::session::draft::Draft;
use crate::session::effect::{DeliveryStatus, MessageKind, OutboundMessage};
use crate::session::event::{EscalationReason, Event};
use crate::session::state::{SessionMeta, SessionState};
use crate::session::{calls, nudge, reading};
use crate::time::Timestamp;

/// Opening the page again within this time is the same visit.
const VISIT_MILLIS: i64 = 30 * 60 * 1000;
/// How often a message that was not delivered is sent again.
const MOST_REPEATS: u8 = 2;
/// Twilio: the recipient has opted out there. It binds us even when we never saw the STOP.
const BLOCKED_BY_OPT_OUT: u32 = 21610;

/// The events of the turn that `command` causes at `now`. An empty list means that nothing happened (a stale timer,
/// a report that goes backwards): there is no turn then.
pub fn decide(meta: &SessionMeta, state: &SessionState, now: Timestamp, command: Command) -> Vec<Event> {
    let mut draft = Draft::new(meta, state, now, command.is_spoken());
    match command {
        Command::Start { channel } => start(&mut draft, channel),
        Command::Receive(inbound) => {
            begin(&mut draft, None);
            converse::receive(&mut draft, inbound);
        }
        Command::Submit { origin, field, value } => submit(&mut draft, &origin, &field, &value),
        Command::Attach { origin, field, file } => attach(&mut draft, &origin, &field, file),
        Command::Skip { origin, field } => skip(&mut draft, origin, &field),
        Command::Open { origin } => open(&mut draft, origin),
        Command::Call { call, news } => calls::tell(&mut draft, call, news),
        Command::Use { call, origin, tool } => calls::carry_out(&mut draft, call, &origin, tool),
        Command::Escalate { origin, reason } => calls::escalate(&mut draft, &origin, reason),
        Command::Fire { timer } => nudge::fire(&mut draft, timer),
        Command::Report { delivery, status, error_code, retry_after } => {
            report(&mut draft, &delivery, status, error_code, retry_after);
        }
    }
    draft.into_events()
}

/// Begins the session if it has not begun; the first question is pending from then on.
pub(super) fn begin(draft: &mut Draft<'_>, channel: Option<Channel>) {
    if !draft.state.is_started() {
        draft.record(Event::Started { channel });
        draft.advance();
    }
}

fn start(draft: &mut Draft<'_>, channel: Option<Channel>) {
    if draft.state.is_started() {
        return;
    }
    begin(draft, channel);
    let Some(channel) = channel else { return };
    let introduction = draft.speech.introduction(channel);
    draft.line(&introduction);
    draft.question_line();
    if channel == Channel::Sms {
        draft.line_of(Sentence::StopHint);
    }
    draft.say(channel, MessageKind::Greeting);
}

/// The field a form speaks of, once the attempt is in the journal; `None` when this session does not ask it.
fn attempt<'a>(
    draft: &mut Draft<'a>,
    origin: &Origin,
    field: &FieldId,
    text: String,
    media: Vec<Media>,
) -> Option<&'a Field> {
    begin(draft, None);
    let field = draft.visible(field)?;
    draft.record(Event::Received { origin: origin.clone(), text, media });
    Some(field)
}

fn submit(draft: &mut Draft<'_>, origin: &Origin, field: &FieldId, value: &Value) {
    let raw = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(field) = attempt(draft, origin, field, raw, Vec::new()) else { return };
    submit_to(draft, origin, &field.id, value);
}

/// A value for a field this session asks, from a form or a speaking model; the attempt is in the journal already.
pub(super) fn submit_to(draft: &mut Draft<'_>, origin: &Origin, field: &FieldId, value: &Value) {
    let raw = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(field) = draft.visible(field) else { return };
    if raw.trim().is_empty() && !field.required {
        draft.skip(&field.id, origin.clone());
        return converse::carry_on(draft, origin.channel, true);
    }
    match reading::from_form(draft.meta, draft.now, field, value) {
        Ok(answer) => {
            let confirmed = draft
                .state
                .confirmation()
                .is_some_and(|waiting| waiting.field == field.id && waiting.value == answer);
            // A form shows what was entered; what was heard is checked even when it looks perfect.
            let doubtful = draft.spoken || !reading::is_normalised(&answer, value);
            if draft.reads_back(field) && !confirmed && doubtful {
                converse::ask_confirmation(draft, field, answer, raw, origin);
            } else {
                converse::take(draft, field, answer, raw, origin);
            }
            converse::carry_on(draft, origin.channel, true);
        }
        Err(cause) => refuse(draft, origin, field, cause),
    }
}

fn attach(draft: &mut Draft<'_>, origin: &Origin, field: &FieldId, file: FileAnswer) {
    let media = vec![Media { file: file.clone() }];
    let Some(field) = attempt(draft, origin, field, String::new(), media) else { return };
    match reading::accept_file(draft.meta, draft.now, field, &file) {
        Ok(answer) => {
            converse::take(draft, field, answer, file.name, origin);
            converse::carry_on(draft, origin.channel, true);
        }
        Err(cause) => refuse(draft, origin, field, cause),
    }
}

/// A form's value that does not parse. People fix these on the spot: they do not count towards escalation by themselves.
fn refuse(draft: &mut Draft<'_>, origin: &Origin, field: &Field, cause: ParseErrorCause) {
    let sentence = draft.speech.refusal(field, &cause);
    draft.record(Event::Missed { field: field.id.clone(), cause });
    draft.line(&sentence);
    draft.say(origin.channel, MessageKind::Reply);
}

fn skip(draft: &mut Draft<'_>, origin: Origin, field: &FieldId) {
    begin(draft, None);
    let Some(field) = draft.visible(field) else { return };
    if field.required {
        let refusal = draft.speech.about(Sentence::SkipRequired, field);
        draft.line(&refusal);
        draft.say(origin.channel, MessageKind::Reply);
    } else {
        let channel = origin.channel;
        draft.skip(&field.id, origin);
        converse::carry_on(draft, channel, true);
    }
}

fn open(draft: &mut Draft<'_>, origin: Origin) {
    let same_visit = |at: Timestamp| draft.now.millis_since(at) < VISIT_MILLIS;
    if !draft.state.opened_at(origin.channel).is_some_and(same_visit) {
        begin(draft, None);
        draft.record(Event::Opened { origin });
        nudge::keep_timer(draft);
    }
}

fn report(
    draft: &mut Draft<'_>,
    delivery: &DeliveryId,
    status: DeliveryStatus,
    error_code: Option<u32>,
    retry_after: Option<i64>,
) {
    let forward = draft.state.delivery_status(delivery).is_some_and(|known| status > known);
    let Some(channel) = draft.state.delivery_channel(delivery).filter(|_| forward) else { return };
    draft.record(Event::Delivered { delivery: delivery.clone(), status, error_code });
    match status {
        DeliveryStatus::Failed if error_code == Some(BLOCKED_BY_OPT_OUT) => {
            opt_out(draft, Origin { channel, address: String::new(), line: None });
        }
        DeliveryStatus::Failed
            if retry_after.is_some_and(|after| repeat(draft, delivery, channel, after)) => {}
        DeliveryStatus::Failed if !draft.state.known_undeliverable() => {
            draft.record(Event::Escalated { reason: EscalationReason::Undeliverable });
        }
        DeliveryStatus::Pending
        | DeliveryStatus::Queued
        | DeliveryStatus::Sent
        | DeliveryStatus::Delivered
        | DeliveryStatus::Read
        | DeliveryStatus::Failed
        | DeliveryStatus::Superseded => {}
    }
}

/// Sends a message that did not arrive once more, in `after` milliseconds. Only the last one: what the contact has
/// answered in the meantime, or what we said later, has made it obsolete.
fn repeat(draft: &mut Draft<'_>, of: &DeliveryId, channel: Channel, after: i64) -> bool {
    let last = draft.state.unanswered().filter(|last| last.delivery == *of);
    let Some(text) = last.filter(|last| last.repeats < MOST_REPEATS).map(|last| last.text.clone()) else {
        return false;
    };
    if draft.state.is_opted_out() {
        return false;
    }
    let due = reading::permitted_at(draft.meta, draft.now.plus_millis(after));
    // As a reply it is replaced when the contact writes before it goes.
    let message = OutboundMessage {
        delivery: DeliveryId::derive(&draft.meta.session, draft.seq(), 0),
        channel,
        kind: MessageKind::Reply,
        text,
        not_before: Some(due),
        epoch: draft.state.epoch(),
        line: draft.state.line().map(str::to_owned),
    };
    draft.record(Event::Repeated { of: of.clone(), message });
    true
}

/// Consent is withdrawn: from here on nothing is said, and nothing will remind.
pub(super) fn opt_out(draft: &mut Draft<'_>, origin: Origin) {
    if !draft.state.is_opted_out() {
        draft.record(Event::ConsentChanged { change: ConsentChange::OptedOut, origin });
        draft.cancel_timer();
    }
}
