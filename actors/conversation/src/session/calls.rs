//! The session on the telephone: what it makes of a call's news, and of what the speaking model asks of it.

use serde::{Deserialize, Serialize};

use crate::catalogue::Sentence;
use crate::channel::Channel;
use crate::id::CallId;
use crate::session::command::Origin;
use crate::session::converse;
use crate::session::decide::{begin, submit_to};
use crate::session::draft::Draft;
use crate::session::effect::MessageKind;
use crate::session::event::{EscalationReason, Event};
use crate::session::reading;
use crate::session::tools::Tool;
use crate::voice::{CallEnd, CallNews};

/// The call that is going on, as the journal knows it. Whoever takes it over after a crash goes on from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCall {
    /// Which call.
    pub id: CallId,
    /// How often its two sides were connected: 1, and one more for each time it was attached again.
    pub attachments: u32,
    /// Whether the contact said or heard anything yet.
    pub talked: bool,
    /// What the contact heard last from us.
    pub heard: Option<String>,
    /// The number of the last utterance of ours.
    pub utterance: u32,
    /// What we began to say and nobody is known to have heard.
    pub unheard: Option<String>,
}

impl LiveCall {
    fn new(id: &CallId) -> Self {
        Self { id: id.clone(), attachments: 0, talked: false, heard: None, utterance: 0, unheard: None }
    }

    /// The call after one more piece of news; `None` when it is over.
    pub(super) fn after(live: Option<Self>, call: &CallId, news: &CallNews) -> Option<Self> {
        let mut live = live.filter(|live| live.id == *call).unwrap_or_else(|| Self::new(call));
        match news {
            CallNews::Connected { .. } => live.attachments += 1,
            CallNews::Heard { .. } => live.talked = true,
            CallNews::Spoke { utterance, text, .. } => {
                live.utterance = live.utterance.max(*utterance);
                live.unheard = Some(text.clone());
            }
            CallNews::Playing { text, .. } => {
                live.talked = true;
                live.heard = Some(text.clone());
                let rest = live.unheard.as_deref().and_then(|words| words.strip_prefix(text.as_str()));
                live.unheard = rest.map(|rest| rest.trim_start().to_owned()).or(live.unheard);
            }
            CallNews::Played { text, .. } => {
                live.talked = true;
                live.heard = Some(text.clone());
                live.unheard = None;
            }
            CallNews::Ended { .. } => return None,
        }
        Some(live)
    }
}

/// News of a call. Words alone answer nothing; the first connection begins the session, the end may leave questions that
/// go on by text.
pub(super) fn tell(draft: &mut Draft<'_>, call: CallId, news: CallNews) {
    let end = match &news {
        CallNews::Ended { end, .. } => Some(*end),
        CallNews::Connected { .. } => {
            begin(draft, None);
            None
        }
        CallNews::Heard { .. }
        | CallNews::Spoke { .. }
        | CallNews::Playing { .. }
        | CallNews::Played { .. } => None,
    };
    let live = draft.state.call().filter(|live| live.id == call);
    if end.is_some() && live.is_none() && draft.state.ended_call() == Some(&call) {
        return;
    }
    let talked = live.is_some_and(|live| live.talked);
    draft.record(Event::Call { call, news });
    if let Some(end) = end {
        follow_up(draft, end, talked);
    }
}

/// A conversation that a hang-up cut short goes on by text, if the contact has a phone and there is something to ask.
fn follow_up(draft: &mut Draft<'_>, end: CallEnd, talked: bool) {
    let by_text = draft.state.reach() == Some(Channel::Sms) && talked;
    match end {
        CallEnd::ContactHungUp | CallEnd::Finished | CallEnd::Failed | CallEnd::TooLong if by_text => {
            if draft.pending().is_some() {
                let line = draft.speech.written().link(Sentence::AfterCallLink, Sentence::AfterCall);
                draft.line(&line);
                draft.written_question_line();
                draft.say(Channel::Sms, MessageKind::Reply);
            }
        }
        CallEnd::ContactHungUp
        | CallEnd::Finished
        | CallEnd::Failed
        | CallEnd::TooLong
        | CallEnd::Transferred
        | CallEnd::Voicemail
        | CallEnd::NoAnswer
        | CallEnd::Busy
        | CallEnd::Canceled => {}
    }
    super::nudge::keep_timer(draft);
}

/// The speaking model asks for something. What it was told is journaled with what came of it.
pub(super) fn carry_out(draft: &mut Draft<'_>, call: CallId, origin: &Origin, tool: Tool) {
    begin(draft, None);
    draft.record(Event::ToolUsed { call, tool: tool.clone() });
    match tool {
        Tool::RecordAnswer { field, value } => {
            let asked = field.as_ref().is_none_or(|field| draft.state.pending() == Some(field));
            match (value.as_str(), field) {
                // Words about the pending question mean all that words can mean: a yes, a "skip", two answers at once.
                (Some(words), _) if asked => listen(draft, origin, words),
                (_, Some(field)) => submit_to(draft, origin, &field, &value),
                (_, None) => {
                    if let Some(field) = draft.state.pending().cloned() {
                        submit_to(draft, origin, &field, &value);
                    }
                }
            }
        }
        Tool::CorrectAnswer { field, value } => submit_to(draft, origin, &field, &value),
        Tool::AnswerQuestion { question } => listen(draft, origin, &question),
        Tool::Escalate { .. } => escalate(draft, origin, EscalationReason::Requested),
        Tool::GetNextQuestion | Tool::Transfer { .. } | Tool::EndCall { .. } => {}
    }
}

/// Words that came through the model. Consent can be withdrawn in them as in any other words.
fn listen(draft: &mut Draft<'_>, origin: &Origin, words: &str) {
    if reading::plain_opt_out(words) {
        converse::withdraw(draft, origin.clone(), false);
    } else if !draft.state.is_opted_out() {
        converse::converse(draft, origin, words, &[]);
    }
}

/// A person must look at the session; the contact is told once.
pub(super) fn escalate(draft: &mut Draft<'_>, origin: &Origin, reason: EscalationReason) {
    begin(draft, None);
    if reason == EscalationReason::Requested {
        converse::ask_for_a_person(draft);
        draft.say(origin.channel, MessageKind::Reply);
    } else {
        draft.record(Event::Escalated { reason });
    }
}
