//! Carrying out what the contact's words were understood to mean.

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::catalogue::Sentence;
use crate::channel::Channel;
use crate::consent::{ConsentChange, Keyword};
use crate::flow::{Field, FieldId, FieldType};
use crate::session::command::{Inbound, Media, MissedFile, Origin};
use crate::session::decide::opt_out;
use crate::session::draft::Draft;
use crate::session::effect::MessageKind;
use crate::session::event::{EscalationReason, Event};
use crate::session::reading;
use crate::session::understand::{Intent, SmallTalk, understand};
use crate::time::Timestamp;
use crate::view::Progress;

const MISSES_UNTIL_A_PERSON: u8 = 3;

/// The contact wrote something.
pub(super) fn receive(draft: &mut Draft<'_>, inbound: Inbound) {
    let Inbound { origin, text, media, missed, vendor_keyword } = inbound;
    draft.record(Event::Received { origin: origin.clone(), text: text.clone(), media: media.clone() });
    for why in &missed {
        draft.record(Event::FileMissed { why: *why });
    }
    let keyword = vendor_keyword.or_else(|| reading::keyword(&text, draft.state.is_opted_out()));
    // Twilio answers these words itself on a long code; a second confirmation would be one too many.
    let answered_by_vendor = vendor_keyword.is_some() || origin.channel == Channel::Sms;
    match keyword {
        Some(Keyword::Stop) => return withdraw(draft, origin, answered_by_vendor),
        Some(Keyword::Start) if draft.state.is_opted_out() => return restore(draft, origin),
        _ if draft.state.is_opted_out() => return,
        Some(Keyword::Help) => return explain_ourselves(draft, &origin, vendor_keyword.is_some()),
        Some(Keyword::Start) | None => {}
    }
    if reading::plain_opt_out(&text) {
        return withdraw(draft, origin, false);
    }
    if let Some(why) = missed.first() {
        draft.line_of(match why {
            MissedFile::Unavailable => Sentence::FileUnavailable,
            MissedFile::Refused => Sentence::FileRefused,
        });
        // Nothing else came: there is nothing to understand, and nothing was misunderstood.
        if text.trim().is_empty() && media.is_empty() {
            draft.question_line();
            return draft.say(origin.channel, MessageKind::Reply);
        }
    }
    converse(draft, &origin, &text, &media);
}

/// Carries out what words mean in the state as it is; they are in the journal already.
pub(super) fn converse(draft: &mut Draft<'_>, origin: &Origin, text: &str, media: &[Media]) {
    let mut turn = Turn { draft, origin: origin.clone(), taken: Vec::new(), ask: true };
    if !turn.draft.spoken && !turn.draft.state.is_greeted() {
        let welcome = turn.draft.speech.welcome();
        turn.draft.line(&welcome);
    }
    for intent in understand(&turn.draft.state, turn.draft.meta, turn.draft.now, text, media) {
        turn.carry_out(intent);
    }
    turn.finish();
}

pub(super) fn withdraw(draft: &mut Draft<'_>, origin: Origin, answered_by_vendor: bool) {
    if draft.state.is_opted_out() {
        return;
    }
    let channel = origin.channel;
    opt_out(draft, origin);
    if !answered_by_vendor {
        draft.line_of(Sentence::OptedOut);
        draft.say(channel, MessageKind::Compliance);
    }
}

fn restore(draft: &mut Draft<'_>, origin: Origin) {
    let channel = origin.channel;
    draft.record(Event::ConsentChanged { change: ConsentChange::OptedIn, origin });
    draft.line_of(Sentence::WelcomeBack);
    draft.advance();
    if draft.state.is_complete() {
        draft.line_of(Sentence::AlreadyComplete);
    }
    draft.question_line();
    draft.say(channel, MessageKind::Reply);
}

/// The word HELP: who we are and how to stop, as the law wants it, and then the question.
fn explain_ourselves(draft: &mut Draft<'_>, origin: &Origin, answered_by_vendor: bool) {
    if answered_by_vendor {
        return;
    }
    draft.line_of(Sentence::HelpKeyword);
    if let Some(field) = draft.pending() {
        let help = draft.speech.help(field);
        draft.line(&help);
    }
    draft.say(origin.channel, MessageKind::Compliance);
}

/// Takes an answer: what a form sent, or what was confirmed.
pub(super) fn take(draft: &mut Draft<'_>, field: &Field, value: AnswerValue, raw: String, origin: &Origin) {
    let known = draft.state.answer(&field.id).map(|answer| answer.value == value);
    let line = match known {
        Some(true) => draft.speech.about(Sentence::Unchanged, field),
        Some(false) => draft.speech.updated(field, &value),
        None => draft.speech.acknowledgement(draft.seq()),
    };
    draft.line(&line);
    let fallen = draft.settle(&field.id, value, raw, origin.clone());
    if fallen > 0 {
        let line = draft.speech.invalidated(fallen);
        draft.line(&line);
    }
}

/// Reads an answer back and waits for a yes.
pub(super) fn ask_confirmation(
    draft: &mut Draft<'_>,
    field: &Field,
    value: AnswerValue,
    raw: String,
    origin: &Origin,
) {
    draft.record(Event::ConfirmationAsked { field: field.id.clone(), value, raw, origin: origin.clone() });
    draft.ask(&field.id);
}

/// The end of a turn that may have settled something: moves the cursor, completes, and says everything in one message.
/// A question that has just come up is always put; one that was pending before, only if `repeat`.
pub(super) fn carry_on(draft: &mut Draft<'_>, channel: Channel, repeat: bool) {
    let before = draft.state.pending().cloned();
    let was_complete = draft.state.is_complete();
    let first_time = !draft.state.was_completed();
    draft.advance();
    if draft.state.is_complete() && !was_complete {
        let line = if first_time {
            draft.speech.completion(true)
        } else {
            draft.speech.plain(Sentence::CompleteAgain)
        };
        draft.line(&line);
    }
    if repeat || draft.state.pending() != before.as_ref() {
        draft.question_line();
    }
    draft.say(channel, MessageKind::Reply);
}

/// The contact wants a person: one is asked to get in touch, once.
pub(super) fn ask_for_a_person(draft: &mut Draft<'_>) {
    if draft.state.human_requested() {
        return draft.line_of(Sentence::HumanAgain);
    }
    draft.record(Event::Escalated { reason: EscalationReason::Requested });
    let complete = draft.state.is_complete();
    draft.line_of(if complete { Sentence::HumanComplete } else { Sentence::Human });
}

/// Whether an answer is said back because people write it in ways that can be read otherwise: "next tues", "half 7".
const fn is_worth_repeating(field: &Field) -> bool {
    matches!(field.kind, FieldType::Date | FieldType::Time | FieldType::BusinessHours)
}

/// One message of the contact being carried out.
struct Turn<'t, 'a> {
    draft: &'t mut Draft<'a>,
    origin: Origin,
    /// Fields answered for the first time in this turn.
    taken: Vec<&'a Field>,
    /// Whether the pending question is to be repeated at the end.
    ask: bool,
}

impl<'a> Turn<'_, 'a> {
    fn carry_out(&mut self, intent: Intent) {
        match intent {
            Intent::Answer { field, value, raw } => self.answer(&field, value, raw),
            Intent::Miss { field, cause } => self.miss(&field, cause),
            Intent::Yes => self.confirmed(),
            Intent::No => self.refused(),
            Intent::Revisit { field } => self.revisit(&field),
            Intent::Keep => self.keep(),
            Intent::Skip => self.skip(),
            Intent::Back => self.back(),
            Intent::Repeat => self.repeat(),
            Intent::Help => self.help(),
            Intent::Why => self.draft.line_of(Sentence::Why),
            Intent::Unsure => self.unsure(),
            Intent::Status => self.status(),
            Intent::Summary => self.summary(),
            Intent::Recall { field } => self.recall(&field),
            Intent::WrongPerson => self.wrong_person(),
            Intent::Link => {
                let line = self.draft.speech.link(Sentence::Link, Sentence::NoLink);
                self.draft.line(&line);
            }
            Intent::Human => self.human(),
            Intent::Emergency => self.emergency(),
            Intent::Later { until } => self.later(until),
            Intent::SmallTalk(talk) => self.small_talk(talk),
            Intent::File => self.draft.line_of(Sentence::MediaUnexpected),
        }
    }

    /// Ends the turn: acknowledges what was taken, then carries on.
    fn finish(self) {
        let Turn { draft, origin, taken, ask } = self;
        if taken.len() == 1 && !taken.iter().any(|field| is_worth_repeating(field)) {
            let line = draft.speech.acknowledgement(draft.seq());
            draft.line(&line);
        } else if !taken.is_empty() {
            let answers = draft.state.answers();
            let values: Vec<_> =
                taken.iter().filter_map(|field| Some((*field, &answers.get(&field.id)?.value))).collect();
            let line = draft.speech.noted(&values);
            draft.line(&line);
        }
        carry_on(draft, origin.channel, ask);
    }

    fn pending(&self) -> Option<&'a Field> {
        self.draft.pending()
    }

    fn answer(&mut self, id: &FieldId, value: AnswerValue, raw: String) {
        let Some(field) = self.draft.visible(id) else { return };
        let known = self.draft.state.answer(id).map(|answer| answer.value == value);
        let another_waits = self.draft.state.confirmation().is_some_and(|waiting| waiting.field != *id);
        if self.draft.reads_back(field) && known != Some(true) && !another_waits {
            return ask_confirmation(self.draft, field, value, raw, &self.origin);
        }
        if known.is_some() {
            return take(self.draft, field, value, raw, &self.origin);
        }
        self.taken.push(field);
        self.draft.settle(id, value, raw, self.origin.clone());
    }

    fn confirmed(&mut self) {
        let Some(waiting) = self.draft.state.confirmation().cloned() else { return };
        let Some(field) = self.draft.field(&waiting.field) else { return };
        take(self.draft, field, waiting.value, waiting.raw, &waiting.origin);
    }

    fn refused(&mut self) {
        if let Some(waiting) = self.draft.state.confirmation() {
            let field = waiting.field.clone();
            self.draft.record(Event::ConfirmationRefused { field });
            self.draft.line_of(Sentence::Refused);
        }
    }

    /// The first miss is told what is wrong, the second is asked in other words, the third gets a person's help, and
    /// then there is no nagging.
    fn miss(&mut self, id: &FieldId, cause: ParseErrorCause) {
        let Some(field) = self.draft.visible(id) else { return };
        self.draft.ask(id);
        self.ask = false;
        let speech = self.draft.speech;
        let line = match (self.draft.state.misses(id), self.draft.state.confirmation()) {
            (0, Some(waiting)) => speech.read_back(Sentence::ConfirmAgain, field, waiting),
            (0, None) => speech.refusal(field, &cause),
            (1, _) => speech.another_way(field),
            (2, _) if field.required => speech.about(Sentence::StuckRequired, field),
            (2, _) => speech.plain(Sentence::StuckOptional),
            (3.., _) => speech.about(Sentence::StillStuck, field),
        };
        self.draft.line(&line);
        self.draft.record(Event::Missed { field: id.clone(), cause });
        if self.draft.state.misses(id) == MISSES_UNTIL_A_PERSON {
            self.give_up_on(field);
        }
    }

    /// A person is asked to look. What must be known stays open, the rest is left behind.
    fn give_up_on(&mut self, field: &Field) {
        self.draft.record(Event::Escalated { reason: EscalationReason::Misunderstood });
        if !field.required {
            self.draft.skip(&field.id, self.origin.clone());
        }
    }

    fn revisit(&mut self, id: &FieldId) {
        let Some(field) = self.draft.visible(id) else { return };
        let line = self.draft.speech.about(Sentence::Revisit, field);
        self.draft.line(&line);
        self.draft.ask(id);
    }

    /// "Never mind": the answer that was about to change stays.
    fn keep(&mut self) {
        self.draft.line_of(Sentence::Keep);
        let kept =
            self.pending().and_then(|field| self.draft.state.answer(&field.id).map(|answer| (field, answer)));
        if let Some((field, answer)) = kept {
            let (value, raw) = (answer.value.clone(), answer.raw.clone());
            self.draft.settle(&field.id, value, raw, self.origin.clone());
        }
    }

    fn skip(&mut self) {
        match self.pending() {
            None => self.draft.line_of(Sentence::AlreadyComplete),
            Some(field) if field.required => self.decline(field),
            Some(field) => {
                self.draft.line_of(Sentence::Skipped);
                self.draft.skip(&field.id, self.origin.clone());
            }
        }
    }

    /// What must be known cannot be skipped. It is asked for once more, then left to them, then to a person.
    fn decline(&mut self, field: &Field) {
        let before = self.draft.state.declined(&field.id);
        let sentence = match before {
            0 => Sentence::SkipRequired,
            1 => Sentence::SkipRequiredAgain,
            2 => Sentence::SkipRequiredHuman,
            3.. => Sentence::StillStuck,
        };
        let line = self.draft.speech.about(sentence, field);
        self.draft.line(&line);
        self.draft.record(Event::Declined { field: field.id.clone() });
        self.ask = before == 0;
        if before == 2 {
            self.draft.record(Event::Escalated { reason: EscalationReason::Misunderstood });
        }
    }

    /// They cannot go on now. Where we can write first, the reminder comes when they have time.
    fn later(&mut self, until: Option<Timestamp>) {
        self.ask = false;
        let waits = self.draft.state.pending().is_some() && self.draft.state.reach().is_some();
        match until.filter(|_| waits) {
            Some(until) => {
                self.draft.record(Event::Postponed { until });
                let line = self.draft.speech.later(self.draft.now, until);
                self.draft.line(&line);
            }
            None if self.draft.state.is_complete() => self.draft.line_of(Sentence::AlreadyComplete),
            None => self.draft.line_of(Sentence::Later),
        }
    }

    /// The question stands at the end of every turn; where none is left there are the next steps.
    fn repeat(&mut self) {
        if self.draft.state.is_complete() {
            let line = self.draft.speech.completion(false);
            self.draft.line(&line);
        }
    }

    fn back(&mut self) {
        let here = self.draft.state.pending();
        let fields = self.draft.meta.flow.fields.iter();
        let before = fields.take_while(|field| Some(&field.id) != here);
        let settled = before.filter(|field| {
            self.draft.state.is_settled(&field.id) && reading::is_visible(&self.draft.state, field)
        });
        match settled.last() {
            Some(field) => self.draft.ask(&field.id),
            None => self.draft.line_of(Sentence::BackNone),
        }
    }

    fn help(&mut self) {
        match self.pending() {
            Some(field) => {
                let line = self.draft.speech.help(field);
                self.draft.line(&line);
            }
            None => self.draft.line_of(Sentence::AlreadyComplete),
        }
    }

    fn unsure(&mut self) {
        match self.pending() {
            Some(field) if field.required => {
                let help = self.draft.speech.help(field);
                self.draft.line_of(Sentence::Unsure);
                self.draft.line(&help);
            }
            Some(_) | None => self.skip(),
        }
    }

    fn status(&mut self) {
        if self.draft.state.is_complete() {
            self.draft.line_of(Sentence::AlreadyComplete);
        } else {
            let progress = Progress::of(self.draft.meta, &self.draft.state);
            let line = self.draft.speech.progress(progress.answered, progress.total);
            self.draft.line(&line);
        }
    }

    /// The answers that stand, but for what is nobody's to read over a shoulder.
    fn summary(&mut self) {
        let state = &self.draft.state;
        let fields = self.draft.meta.flow.fields.iter();
        let known: Vec<_> = fields
            .filter(|field| reading::is_visible(state, field))
            .filter_map(|field| Some((field, &state.answer(&field.id)?.value)))
            .collect();
        let line = self.draft.speech.summary(&known);
        self.draft.line(&line);
    }

    fn recall(&mut self, id: &FieldId) {
        let Some(field) = self.draft.visible(id) else { return };
        let Some(answer) = self.draft.state.answer(id) else { return };
        let line = self.draft.speech.recalled(field, &answer.value);
        self.draft.line(&line);
    }

    /// We write to somebody else: nothing goes there any more, and a person must find the right number.
    fn wrong_person(&mut self) {
        self.draft.record(Event::Escalated { reason: EscalationReason::WrongPerson });
        opt_out(self.draft, self.origin.clone());
        self.draft.line_of(Sentence::WrongPerson);
        self.draft.say(self.origin.channel, MessageKind::Compliance);
        self.ask = false;
    }

    fn human(&mut self) {
        ask_for_a_person(self.draft);
    }

    /// People are told at once, and the contact whom to call meanwhile.
    fn emergency(&mut self) {
        self.draft.record(Event::Escalated { reason: EscalationReason::Emergency });
        self.draft.line_of(Sentence::Emergency);
        self.ask = false;
    }

    fn small_talk(&mut self, talk: SmallTalk) {
        // The welcome of a first message is greeting enough.
        let just_welcomed = !self.draft.state.is_greeted();
        match talk {
            SmallTalk::Greeting | SmallTalk::Ready if just_welcomed => {}
            SmallTalk::Greeting => self.draft.line_of(Sentence::SmallGreeting),
            SmallTalk::Thanks => self.draft.line_of(Sentence::SmallThanks),
            SmallTalk::Question => self.draft.line_of(Sentence::SmallQuestion),
            SmallTalk::Safe => self.draft.line_of(Sentence::Safe),
            SmallTalk::Upset => self.draft.line_of(Sentence::Upset),
            SmallTalk::AreYouABot => self.draft.line_of(Sentence::Bot),
            SmallTalk::Ready | SmallTalk::Other if self.draft.state.is_complete() => {
                self.draft.line_of(Sentence::AlreadyComplete);
            }
            SmallTalk::Remark if self.draft.state.is_complete() => self.draft.line_of(Sentence::RemarkKept),
            SmallTalk::Ready => self.draft.line_of(Sentence::SmallReady),
            SmallTalk::Remark | SmallTalk::Other => {}
        }
    }
}
