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
use crate::voice::{CallEnd, CallNews, whole_sentences};

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
    /// What we say and the contact is not known to have heard to its end, oldest first.
    #[serde(default)]
    saying: Vec<Saying>,
    /// The contact's last words, while nothing has come of them.
    #[serde(default)]
    unanswered: Option<Unanswered>,
    /// The contact comes back from a person who did not take the call, and does not know it yet.
    #[serde(default)]
    pub returned: bool,
}

/// An utterance of ours on its way to the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Saying {
    utterance: u32,
    text: String,
    /// Bytes of it that were heard.
    heard: usize,
    /// The attachment it was said on.
    attachment: u32,
}

/// Words of the contact that wait for a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Unanswered {
    text: String,
    /// Our last utterance before them: a later one that is heard is the reply.
    after: u32,
}

/// Words of the contact that are kept while they wait, in bytes.
const MOST_UNANSWERED: usize = 2_000;
/// Utterances on their way that are kept; no more can be under way at once.
const MOST_SAYING: usize = 16;

impl Saying {
    /// The part the contact heard.
    fn heard(&self) -> &str {
        self.text.get(..self.heard).unwrap_or_default()
    }

    /// The rest, from the beginning of the sentence that was broken off.
    fn rest(&self) -> &str {
        self.text[whole_sentences(self.heard()).len()..].trim()
    }
}

impl LiveCall {
    fn new(id: &CallId) -> Self {
        Self {
            id: id.clone(),
            attachments: 0,
            talked: false,
            heard: None,
            utterance: 0,
            saying: Vec::new(),
            unanswered: None,
            returned: false,
        }
    }

    /// What we began to say and nobody is known to have heard, from the beginning of a sentence.
    pub fn unheard(&self) -> Option<String> {
        let rests = self.saying.iter().map(Saying::rest).filter(|rest| !rest.is_empty());
        let unheard = rests.collect::<Vec<_>>().join(" ");
        (!unheard.is_empty()).then_some(unheard)
    }

    /// The contact's last words, if they were neither acted on nor replied to.
    pub fn unanswered(&self) -> Option<&str> {
        self.unanswered.as_ref().map(|words| words.text.as_str())
    }

    /// The call that goes on after one more piece of news of `call`, if any does.
    pub(super) fn after(live: Option<Self>, call: &CallId, news: &CallNews) -> Option<Self> {
        if let CallNews::Ended { .. } = news {
            return live.filter(|live| live.id != *call);
        }
        let mut live = live.filter(|live| live.id == *call).unwrap_or_else(|| Self::new(call));
        match news {
            CallNews::Connected { .. } => live.attachments += 1,
            CallNews::Heard { text } => live.contact_said(text),
            CallNews::Spoke { utterance, text, .. } => live.say(*utterance, text),
            CallNews::Playing { utterance, text } => {
                live.saying.retain(|saying| saying.utterance >= *utterance);
                let said = live.saying.iter_mut().find(|saying| saying.utterance == *utterance);
                if let Some(saying) = said.filter(|saying| saying.text.starts_with(text.as_str())) {
                    saying.heard = text.len();
                }
                live.was_heard(*utterance, text);
            }
            CallNews::Played { utterance, text, .. } => {
                live.saying.retain(|saying| saying.utterance > *utterance);
                live.was_heard(*utterance, text);
                live.returned = false;
            }
            // Their last words were for a person; what the next agent says first is the reply.
            CallNews::Returned => (live.returned, live.unanswered) = (true, None),
            CallNews::Ended { .. } => {}
        }
        Some(live)
    }

    fn contact_said(&mut self, text: &str) {
        self.talked = true;
        let before = self.unanswered.take().map(|words| words.text + " ").unwrap_or_default();
        let before = if before.len() + text.len() <= MOST_UNANSWERED { before } else { String::new() };
        self.unanswered = Some(Unanswered { text: before + text, after: self.utterance });
    }

    fn say(&mut self, utterance: u32, text: &str) {
        self.utterance = self.utterance.max(utterance);
        let attachment = self.attachments;
        // Whatever was broken off with an earlier attachment is said again in this one's first words.
        self.saying.retain(|saying| saying.attachment == attachment);
        if self.saying.len() == MOST_SAYING {
            self.saying.remove(0);
        }
        self.saying.push(Saying { utterance, text: text.to_owned(), heard: 0, attachment });
    }

    fn was_heard(&mut self, utterance: u32, text: &str) {
        self.talked = true;
        self.heard = Some(text.to_owned());
        self.unanswered.take_if(|words| utterance > words.after);
    }

    /// The conversation has moved on: what was being said belongs to the past, and so does what it answers.
    pub(super) fn move_on(&mut self) {
        self.saying.clear();
        self.unanswered = None;
    }

    /// What was heard of the utterances that an earlier attachment broke off; of all, when the call is over.
    fn broken_off(&self, over: bool) -> impl Iterator<Item = CallNews> {
        let broken =
            move |saying: &&Saying| (over || saying.attachment < self.attachments) && saying.heard > 0;
        self.saying.iter().filter(broken).map(|saying| CallNews::Played {
            utterance: saying.utterance,
            text: saying.heard().to_owned(),
            whole: false,
        })
    }
}

/// Whether after this event a question that was being asked is not the one to go on with.
pub(super) const fn moves_on(event: &Event) -> bool {
    match event {
        Event::Answered { .. }
        | Event::ConfirmationAsked { .. }
        | Event::ConfirmationRefused { .. }
        | Event::Skipped { .. }
        | Event::ToolUsed { .. } => true,
        Event::Started { .. }
        | Event::Received { .. }
        | Event::FileMissed { .. }
        | Event::Invalidated { .. }
        | Event::Missed { .. }
        | Event::Declined { .. }
        | Event::Postponed { .. }
        | Event::Asked { .. }
        | Event::Completed
        | Event::Reopened
        | Event::Said { .. }
        | Event::Repeated { .. }
        | Event::Escalated { .. }
        | Event::ConsentChanged { .. }
        | Event::Opened { .. }
        | Event::Call { .. }
        | Event::TimerSet { .. }
        | Event::TimerCancelled { .. }
        | Event::TimerFired { .. }
        | Event::Delivered { .. } => false,
    }
}

/// News of a call. Words alone answer nothing; the first connection begins the session, the end may leave questions that
/// go on by text. Whoever learns first that a call is over tells it, so last words may come after the end: they are kept,
/// and neither connect nor end it again.
pub(super) fn tell(draft: &mut Draft<'_>, call: CallId, news: CallNews) {
    let over = draft.state.is_over(&call);
    let end = match &news {
        CallNews::Connected { .. } | CallNews::Ended { .. } if over => return,
        CallNews::Ended { end, .. } => Some(*end),
        CallNews::Connected { .. } => {
            begin(draft, None);
            None
        }
        CallNews::Returned => {
            draft.record(Event::Escalated { reason: EscalationReason::TransferFailed });
            None
        }
        CallNews::Heard { .. }
        | CallNews::Spoke { .. }
        | CallNews::Playing { .. }
        | CallNews::Played { .. } => None,
    };
    let live = draft.state.call().filter(|live| live.id == call);
    let talked = live.is_some_and(|live| live.talked);
    // A node that died could not say how much was heard of its last words; its news of them did.
    let broken_off: Vec<_> = match (live, &news) {
        (Some(live), CallNews::Spoke { .. }) => live.broken_off(false).collect(),
        (Some(live), CallNews::Ended { .. }) => live.broken_off(true).collect(),
        (_, _) => Vec::new(),
    };
    for played in broken_off {
        draft.record(Event::Call { call: call.clone(), news: played });
    }
    draft.record(Event::Call { call, news });
    if let Some(end) = end {
        follow_up(draft, end, talked);
    }
}

/// A conversation that a hang-up cut short, or that could not begin, goes on by text, if the contact has a phone and there
/// is something to ask.
fn follow_up(draft: &mut Draft<'_>, end: CallEnd, talked: bool) {
    let missed = matches!(end, CallEnd::AfterHours | CallEnd::LinesBusy);
    let first = !draft.state.is_started();
    if missed {
        begin(draft, None);
    }
    let sentences = match end {
        CallEnd::ContactHungUp | CallEnd::Finished | CallEnd::Failed | CallEnd::TooLong if talked => {
            Some((Sentence::AfterCallLink, Sentence::AfterCall))
        }
        CallEnd::AfterHours | CallEnd::LinesBusy => Some((Sentence::MissedCallLink, Sentence::MissedCall)),
        CallEnd::ContactHungUp
        | CallEnd::Finished
        | CallEnd::Failed
        | CallEnd::TooLong
        | CallEnd::Transferred
        | CallEnd::Voicemail
        | CallEnd::NoAnswer
        | CallEnd::Busy
        | CallEnd::Canceled => None,
    };
    let by_text = draft.state.reach() == Some(Channel::Sms) || missed && draft.meta.phone.is_some();
    if let Some((with_link, without)) = sentences.filter(|_| by_text && draft.pending().is_some()) {
        let line = draft.speech.written().link(with_link, without);
        draft.line(&line);
        draft.written_question_line();
        if first && missed {
            draft.line_of(Sentence::StopHint);
        }
        draft.say(Channel::Sms, MessageKind::Reply);
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
