//! Understanding by rules: a message and the state give a list of intents.
//!
//! The order of the rules is what makes it work. An exact choice of the pending question comes before everything;
//! then the things people say about the conversation itself; then corrections; then answers, several of them if the
//! message holds several; and only what is none of these is a digression or a miss.

mod amend;
mod choose;
mod correction;
mod phrases;
mod recall;
mod several;
mod words;

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::flow::{Field, FieldId, FieldType};
use crate::session::command::Media;
use crate::session::reading::{self, Found};
use crate::session::state::{SessionMeta, SessionState};
use crate::time::Timestamp;

use correction::Correction;
use phrases::{Meaning, Said};
use words::Words;

/// Messages longer than this are never a phrase about the conversation.
const LONGEST_PHRASE: usize = 12;

/// One thing that the contact meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Intent {
    /// An answer to a question, pending or not; for an answered one it is a correction.
    Answer {
        field: FieldId,
        value: AnswerValue,
        raw: String,
    },
    /// An attempt at an answer that was not understood.
    Miss {
        field: FieldId,
        cause: ParseErrorCause,
    },
    /// The read-back is right.
    Yes,
    /// The read-back is wrong.
    No,
    /// An answer shall be changed; the new one is not there yet.
    Revisit {
        field: FieldId,
    },
    /// What was about to be changed shall stay.
    Keep,
    Skip,
    Back,
    Repeat,
    Help,
    Why,
    /// They do not know the answer.
    Unsure,
    Status,
    /// They want to see what they have answered.
    Summary,
    /// They want to know what they answered to this.
    Recall {
        field: FieldId,
    },
    /// The number belongs to somebody else.
    WrongPerson,
    /// They want the address of their page.
    Link,
    Human,
    /// Somebody is in danger.
    Emergency,
    /// They cannot go on now; perhaps they said or meant when.
    Later {
        until: Option<Timestamp>,
    },
    SmallTalk(SmallTalk),
    /// A file that nobody asked for.
    File,
}

/// What does not answer anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SmallTalk {
    Greeting,
    Thanks,
    /// "Ok", "let's go".
    Ready,
    AreYouABot,
    /// "Is this safe?"
    Safe,
    /// Anger.
    Upset,
    /// A question about something else.
    Question,
    /// A statement about something else.
    Remark,
    Other,
}

/// What the words mean in this state.
pub(super) fn understand(
    state: &SessionState,
    meta: &SessionMeta,
    now: Timestamp,
    text: &str,
    media: &[Media],
) -> Vec<Intent> {
    let pending = state.pending().and_then(|id| meta.flow.field(id));
    let ear = Ear { state, meta, now, pending };
    if media.is_empty() { ear.words(text) } else { ear.media(text, media) }
}

/// A listener who knows the state of the conversation.
struct Ear<'a> {
    state: &'a SessionState,
    meta: &'a SessionMeta,
    now: Timestamp,
    pending: Option<&'a Field>,
}

impl<'a> Ear<'a> {
    fn media(&self, text: &str, media: &[Media]) -> Vec<Intent> {
        let file_wanted = self.pending.filter(|field| field.kind == FieldType::File);
        if let (Some(field), Some(first)) = (file_wanted, media.first()) {
            let id = field.id.clone();
            return vec![match reading::accept_file(self.meta, self.now, field, &first.file) {
                Ok(value) => Intent::Answer { field: id, value, raw: first.file.name.clone() },
                Err(cause) => Intent::Miss { field: id, cause },
            }];
        }
        let mut intents = vec![Intent::File];
        if !text.trim().is_empty() {
            intents.extend(self.words(text));
        }
        intents
    }

    fn words(&self, text: &str) -> Vec<Intent> {
        let words = Words::of(text);
        if words.is_blank() {
            return vec![Intent::SmallTalk(SmallTalk::Other)];
        }
        let line = words.line();
        if line.is_empty() {
            return self.marks(text);
        }
        if let Some(answer) = self.exact_choice(&line, text) {
            return vec![answer];
        }
        if phrases::tells_of_danger(&line) {
            // A long story may be what was asked for.
            let told = self.pending.filter(|field| field.kind == FieldType::LongText);
            let told = told.and_then(|field| self.read(field, text));
            return std::iter::once(Intent::Emergency).chain(told).collect();
        }
        let said = if words.len() <= LONGEST_PHRASE { Said::of(&line) } else { Said::NOTHING };
        if let Some(reading) = self.pending.and_then(|field| self.chosen_reading(field, &line, said, text)) {
            return vec![reading];
        }
        let recalled = || recall::find(&words, self.state, self.meta).filter(|_| said.is_short());
        let meant = self
            .about_the_conversation(&line, said)
            .or_else(|| recalled().map(|field| vec![Intent::Recall { field: field.id.clone() }]))
            .or_else(|| self.amended(&words, said, text))
            .or_else(|| self.read_back(text, &words, said))
            .or_else(|| self.lacking(&words));
        if let Some(meant) = meant {
            return meant;
        }
        match self.fullest_answers(text, said) {
            Some(several) if several.len() > 1 => several,
            // Some of several answers may be corrections; one alone gives way to what is worded as a correction.
            answer => correction::find(&words, self.state, self.meta)
                .and_then(|found| self.corrected(&found))
                .or(answer)
                .or_else(|| self.aside(&line, said))
                .unwrap_or_else(|| self.last_resort(text, said)),
        }
    }

    /// A message without letters or digits.
    fn marks(&self, text: &str) -> Vec<Intent> {
        let approving = text.contains(['👍', '✅', '👌', '🆗', '✔']);
        let disapproving = text.contains(['👎', '❌', '✖']);
        match (approving, disapproving) {
            (true, _) if self.state.confirmation().is_some() => vec![Intent::Yes],
            (_, true) if self.state.confirmation().is_some() => vec![Intent::No],
            (true, _) => self.yes_or_no("yes", text).unwrap_or(vec![Intent::SmallTalk(SmallTalk::Ready)]),
            (_, true) => self.yes_or_no("no", text).unwrap_or(vec![Intent::SmallTalk(SmallTalk::Other)]),
            (false, false) if text.contains(['?', '¿']) => vec![Intent::Help],
            // "-" in a form of paper.
            (false, false) if text.trim().chars().all(|c| matches!(c, '-' | '–' | '—' | '/')) => {
                vec![Intent::Skip]
            }
            (false, false) => vec![Intent::SmallTalk(SmallTalk::Other)],
        }
    }

    fn yes_or_no(&self, word: &str, raw: &str) -> Option<Vec<Intent>> {
        let field = self.pending.filter(|field| field.kind == FieldType::Boolean)?;
        let value = self.parse(field, word).ok()?;
        Some(vec![Intent::Answer { field: field.id.clone(), value, raw: raw.to_owned() }])
    }

    /// The label or id of a choice, letter by letter: it may be a word that means something else elsewhere.
    fn exact_choice(&self, line: &str, text: &str) -> Option<Intent> {
        let field = self.pending?;
        let chosen =
            |choice: &&crate::flow::Choice| Words::of(&choice.label).line() == line || choice.id == line;
        let choice = field.options.iter().find(chosen)?;
        let value = match field.kind {
            FieldType::Select => AnswerValue::Choice(choice.id.clone()),
            _ => AnswerValue::Choices(vec![choice.id.clone()]),
        };
        Some(Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() })
    }

    /// What can only be about the conversation itself.
    fn about_the_conversation(&self, line: &str, said: Said) -> Option<Vec<Intent>> {
        const ABOUT: [(Meaning, Intent); 13] = [
            (Meaning::Human, Intent::Human),
            (Meaning::Keep, Intent::Keep),
            (Meaning::Skip, Intent::Skip),
            (Meaning::Back, Intent::Back),
            (Meaning::Help, Intent::Help),
            (Meaning::Repeat, Intent::Repeat),
            (Meaning::Why, Intent::Why),
            (Meaning::Status, Intent::Status),
            (Meaning::Link, Intent::Link),
            (Meaning::Summary, Intent::Summary),
            (Meaning::Question, Intent::SmallTalk(SmallTalk::Question)),
            (Meaning::Safe, Intent::SmallTalk(SmallTalk::Safe)),
            (Meaning::Upset, Intent::SmallTalk(SmallTalk::Upset)),
        ];
        // "No thanks" is a no to what wants a yes or a no.
        let no = |intent: &Intent| {
            let field =
                self.pending.filter(|field| *intent == Intent::Skip && field.kind == FieldType::Boolean);
            field.is_some_and(|field| self.parse(field, line).is_ok())
        };
        let meant = ABOUT.into_iter().find(|(meaning, _)| said.is(*meaning)).map(|(_, intent)| intent);
        let meant = meant.filter(|intent| !no(intent));
        let person = said.is_short()
            && (phrases::asks_for_a_person(line)
                || (!self.wants_an_occupation() && said.is(Meaning::HumanOrOccupation)));
        // Once a number was given, "wrong number" is about that.
        let phone_given = || {
            let phones = self.meta.flow.fields.iter().filter(|field| field.kind == FieldType::Phone);
            phones.into_iter().any(|field| self.state.answer(&field.id).is_some())
        };
        if said.is(Meaning::WrongPerson) && !phone_given() {
            return Some(vec![Intent::WrongPerson]);
        }
        if said.is_short() && phrases::puts_off(line) {
            return Some(vec![self.later(line)]);
        }
        let bot = said.is(Meaning::Bot).then_some(Intent::SmallTalk(SmallTalk::AreYouABot));
        meant.or(bot).or(person.then_some(Intent::Human)).map(|intent| vec![intent])
    }

    fn later(&self, line: &str) -> Intent {
        Intent::Later { until: reading::postponed_until(self.meta, self.now, line) }
    }

    /// The reply to a read-back.
    fn read_back(&self, text: &str, words: &Words<'_>, said: Said) -> Option<Vec<Intent>> {
        let waiting = self.state.confirmation()?;
        let field = self.meta.flow.field(&waiting.field)?;
        if said.is(Meaning::Yes) {
            return Some(vec![Intent::Yes]);
        }
        if said.is_exactly(Meaning::No) {
            return Some(vec![Intent::No]);
        }
        // "no, it's …", "it should be …", or simply the right value.
        let from = correction::lead_in(words);
        if let Some(Correction::Swap { old, new }) = correction::swap(words, from)
            && let Some(answer) = self.replaced(field, &waiting.value, &waiting.raw, old, new)
        {
            return Some(vec![Intent::No, answer]);
        }
        let corrected = words.rest(from).and_then(|rest| self.read(field, rest));
        match corrected {
            Some(answer) => Some(vec![Intent::No, answer]),
            None if said.begins_with(Meaning::No) => Some(vec![Intent::No]),
            None if said.begins_with(Meaning::Yes) => {
                let more = self.extract(text).into_iter().filter(|found| found.field != field.id);
                let more = more.map(|Found { field, value, raw, .. }| Intent::Answer { field, value, raw });
                Some(std::iter::once(Intent::Yes).chain(more).collect())
            }
            None => None,
        }
    }

    fn corrected(&self, correction: &Correction<'a, '_>) -> Option<Vec<Intent>> {
        let one = |intent| Some(vec![intent]);
        match correction {
            Correction::Without { field } => one(Intent::Revisit { field: field.id.clone() }),
            Correction::With { field, text } => one(self.read_or_miss(field, text)),
            Correction::Statement { field, text } => self.read(field, text).and_then(one),
            Correction::Swap { old, new } => self.swapped(old, new).and_then(one),
            Correction::Among { text, .. } if self.day_and_time(text).is_some() => self.day_and_time(text),
            Correction::Among { fields, text } => {
                fields.iter().find_map(|field| self.read(field, text)).and_then(one)
            }
            Correction::Unnamed { text } => {
                if let Some(both) = self.day_and_time(text) {
                    return Some(both);
                }
                let last = self.state.cursor().last_answered().and_then(|id| self.meta.flow.field(id));
                // What takes any words gives way to what takes just these.
                let (words, exact): (Vec<_>, Vec<_>) =
                    last.into_iter().chain(self.pending).partition(|field| takes_words(field));
                let said_for_itself =
                    || self.earlier().filter(|field| !takes_words(field) && is_distinct(field));
                exact
                    .into_iter()
                    .find_map(|field| self.read(field, text))
                    .or_else(|| said_for_itself().find_map(|field| self.read(field, text)))
                    .or_else(|| self.chosen_anew(text))
                    .or_else(|| words.into_iter().find_map(|field| self.read(field, text)))
                    .or_else(|| self.turned(text))
                    .or_else(|| self.said_at_last(text))
                    .and_then(one)
            }
        }
    }

    /// "Saturday at 10am" in the place of a day and a time that were answered.
    fn day_and_time(&self, text: &str) -> Option<Vec<Intent>> {
        let last = |kind| self.earlier().find(|field| field.kind == kind);
        let (day, time) = (last(FieldType::Date)?, last(FieldType::Time)?);
        let value = reading::find(self.meta, self.now, time, text)?;
        let time = Intent::Answer { field: time.id.clone(), value, raw: text.to_owned() };
        Some(vec![self.read(day, text)?, time])
    }

    /// "I don't have a budget", "no website yet": there is nothing to answer the pending question with.
    fn lacking(&self, words: &Words<'_>) -> Option<Vec<Intent>> {
        let field = self.pending.filter(|field| field.kind != FieldType::Boolean)?;
        correction::lacks(words, field, self.state, self.meta).then(|| vec![Intent::Skip])
    }

    /// Answered fields, the latest first.
    fn earlier(&self) -> impl Iterator<Item = &'a Field> {
        let mut answered: Vec<(u64, &'a Field)> = self
            .meta
            .flow
            .fields
            .iter()
            .filter_map(|field| Some((self.state.answer(&field.id)?.seq, field)))
            .collect();
        answered.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        answered.into_iter().map(|(_, field)| field)
    }

    /// The reading of the message that answers most.
    fn fullest_answers(&self, text: &str, said: Said) -> Option<Vec<Intent>> {
        let found = self.answers(text, said);
        let listed = self.in_order(text);
        let (in_list, loose) = (listed.as_ref().map_or(0, Vec::len), found.as_ref().map_or(0, Vec::len));
        // Lines are a list on purpose; commas may be anything.
        let more = in_list > loose || (in_list == loose && text.contains('\n'));
        if more { listed } else { found }
    }

    /// The answers in the message: to the pending question, and to any other it names.
    fn answers(&self, text: &str, said: Said) -> Option<Vec<Intent>> {
        let found = self.extract(text);
        let pending = self.pending.filter(|_| self.state.is_greeted());
        let is_pending = |found: &Found| pending.is_some_and(|field| field.id == found.field);
        let mut intents = Vec::with_capacity(found.len() + 1);
        if let Some(field) = pending {
            // A value with its label is the better part of an answer in words; anything else is read as a whole.
            let claimed = found.iter().any(is_pending);
            if found.iter().all(is_pending) && !(claimed && field.kind.takes_words()) {
                if let Some(answer) = self.whole_answer(field, text, said) {
                    let next = self.follows_from(field, &answer, text);
                    return Some(std::iter::once(answer).chain(next).collect());
                }
            } else if !claimed {
                intents.extend(self.answer_beside(field, text, &found));
            }
        }
        // The words of an only answer are the whole message.
        let only = found.len() == 1 && intents.is_empty();
        intents.extend(found.into_iter().map(|Found { field, value, raw, .. }| {
            let raw = if only { text.to_owned() } else { raw };
            Intent::Answer { field, value, raw }
        }));
        (!intents.is_empty()).then_some(intents)
    }

    /// The message as the answer to the pending question, and to nothing else.
    fn whole_answer(&self, field: &Field, text: &str, said: Said) -> Option<Intent> {
        match self.wants_words() {
            true if self.is_aside(field, said) => None,
            // "We don't have a website anymore" puts an answer right; it is no note.
            true if field.kind == FieldType::LongText && self.turned_by_name(text).is_some() => {
                self.turned_by_name(text)
            }
            true if asks_for_a_name(field) => {
                self.read(field, reading::first_statement(without_greeting(text)))
            }
            true => self.read(field, without_greeting(text)),
            // "is my number right?" is no yes.
            false
                if field.kind == FieldType::Boolean
                    && said.is_question()
                    && text.trim_end().ends_with('?') =>
            {
                None
            }
            // "What do you mean by SEO?" chooses nothing, "can I have SEO?" does.
            false if !field.options.is_empty() && asks_what(text) => None,
            false => self.read(field, text),
        }
    }

    /// What follows a yes or no and answers the question that comes up by it: "yes, two cats and a dog".
    fn follows_from(&self, field: &Field, answer: &Intent, text: &str) -> Option<Intent> {
        let Intent::Answer { value, .. } = answer else { return None };
        let words = Words::of(text);
        let rest = words.rest(1).filter(|_| field.kind == FieldType::Boolean && words.len() > 1)?;
        let next = reading::next_because_of(self.state, self.meta, field, value)?;
        let next = Some(next).filter(|next| !next.kind.takes_words() && next.kind != FieldType::Boolean)?;
        self.read(next, rest)
    }

    /// The answer to the pending question in a message that also answers others: "Acme Plumbing, email dana@acme.com".
    fn answer_beside(&self, field: &Field, text: &str, found: &[Found]) -> Option<Intent> {
        match field.kind {
            FieldType::LongText => {
                let left = several::without(text, found);
                let enough = Words::of(&left).len() > 3;
                if enough { self.read(field, text) } else { None }
            }
            FieldType::Text | FieldType::PersonName | FieldType::Address => {
                let lead = without_greeting(several::lead(text, found)?);
                let said = Said::of(&Words::of(lead).line());
                if self.is_aside(field, said) { None } else { self.read(field, lead) }
            }
            // "we have 12 employees" is no yes.
            FieldType::Boolean => {
                let lead = several::before(text, found);
                let said = Said::of(&Words::of(lead).line());
                let outright = said.begins_with(Meaning::Yes) || said.begins_with(Meaning::No);
                if outright { self.read(field, lead) } else { None }
            }
            // "We do have one, acme.com" counts nothing.
            FieldType::Number if ends_in_one(several::before(text, found)) => None,
            // The day is not used up by the date it also names.
            FieldType::Date => self.read(field, text),
            _ => self.read(field, several::trim_joiners(&several::without(text, found))),
        }
    }

    /// Whether words that would do as an answer to a question for words are more likely not meant as one.
    fn is_aside(&self, field: &Field, said: Said) -> bool {
        let polite = [Meaning::Unsure, Meaning::Greeting, Meaning::Thanks, Meaning::Later, Meaning::Laugh];
        let yes_or_no = said.is_exactly(Meaning::Yes) || said.is_exactly(Meaning::No);
        let nothing = said.is(Meaning::None) || said.is_exactly(Meaning::No);
        let yes_or_no = yes_or_no && !asks_for_a_thing(&field.prompt);
        let nothing_asked_yet = self.state.answers().is_empty();
        polite.into_iter().any(|meaning| said.is(meaning))
            || (nothing && !field.required)
            || (said.is_exactly(Meaning::No) && asks_for_a_thing(&field.prompt))
            || (said.is(Meaning::Ready) && (nothing_asked_yet || !yes_or_no))
            || said.is_question()
    }

    /// What may be an answer elsewhere but was none here.
    fn aside(&self, line: &str, said: Said) -> Option<Vec<Intent>> {
        const ASIDES: [(Meaning, Intent); 6] = [
            (Meaning::Unsure, Intent::Unsure),
            (Meaning::None, Intent::Skip),
            (Meaning::Greeting, Intent::SmallTalk(SmallTalk::Greeting)),
            (Meaning::Thanks, Intent::SmallTalk(SmallTalk::Thanks)),
            (Meaning::Ready, Intent::SmallTalk(SmallTalk::Ready)),
            (Meaning::Laugh, Intent::SmallTalk(SmallTalk::Other)),
        ];
        let no = said.is_exactly(Meaning::No).then_some(Intent::Skip);
        let later = || said.is(Meaning::Later).then(|| self.later(line));
        let aside = ASIDES.into_iter().find(|(meaning, _)| said.is(*meaning)).map(|(_, intent)| intent);
        no.or(aside).or_else(later).map(|intent| vec![intent])
    }

    fn last_resort(&self, text: &str, said: Said) -> Vec<Intent> {
        vec![match self.pending {
            _ if text.trim_end().ends_with('?') || said.is_question() => {
                Intent::SmallTalk(SmallTalk::Question)
            }
            Some(field) if self.state.is_greeted() => self
                .turned(text)
                .or_else(|| self.restated(text))
                .or_else(|| self.denied(text))
                .unwrap_or_else(|| self.read_or_miss(field, text)),
            None if !said.is_short() || Words::of(text).len() > 3 => {
                self.turned(text).unwrap_or(Intent::SmallTalk(SmallTalk::Remark))
            }
            Some(_) | None => Intent::SmallTalk(SmallTalk::Other),
        }]
    }

    fn extract(&self, text: &str) -> Vec<Found> {
        reading::extract(self.state, self.meta, self.now, text)
    }

    fn read(&self, field: &Field, text: &str) -> Option<Intent> {
        let value = self.parse(field, text).ok()?;
        Some(Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() })
    }

    fn read_or_miss(&self, field: &Field, text: &str) -> Intent {
        let id = field.id.clone();
        match self.parse(field, text) {
            Ok(value) => Intent::Answer { field: id, value, raw: text.to_owned() },
            Err(cause) => Intent::Miss { field: id, cause },
        }
    }

    /// Whether "manager" may be an answer; nobody's name is that.
    fn wants_an_occupation(&self) -> bool {
        self.pending.is_some_and(|field| takes_words(field) && field.kind != FieldType::PersonName)
    }

    /// Whether the pending question takes nearly any words.
    fn wants_words(&self) -> bool {
        self.pending.is_some_and(takes_words)
    }

    fn parse(&self, field: &Field, text: &str) -> Result<AnswerValue, ParseErrorCause> {
        reading::parse(self.meta, self.now, field, text)
    }
}

const fn takes_words(field: &Field) -> bool {
    field.kind.takes_words()
}

/// Whether the answer is a name, which ends with its first sentence.
fn asks_for_a_name(field: &Field) -> bool {
    field.asks_for_a_business() || field.kind == FieldType::PersonName
}

/// Whether an answer of this type is told from any other by its looks.
const fn is_distinct(field: &Field) -> bool {
    matches!(
        field.kind,
        FieldType::Email | FieldType::Phone | FieldType::Url | FieldType::Date | FieldType::BusinessHours
    )
}

/// Whether the prompt asks what, who or where: "yes" is no answer to that.
fn asks_for_a_thing(prompt: &str) -> bool {
    let words = Words::of(prompt);
    words
        .longest(
            0,
            &[
                "what", "whats", "who", "whos", "which", "where", "when", "how", "cual", "que", "como",
                "donde", "quien",
            ],
        )
        .is_some()
}

fn ends_in_one(text: &str) -> bool {
    let words = Words::of(text);
    words.len() > 2 && words.folded(words.len() - 1) == Some("one")
}

/// Whether the message asks about what stands to choice rather than for it.
fn asks_what(text: &str) -> bool {
    let words = Words::of(text);
    let asks =
        ["what", "whats", "why", "how", "who", "does", "do", "is", "are", "que", "como", "cuanto", "por que"];
    text.trim_end().ends_with('?') && words.longest(0, &asks).is_some()
}

/// "Hi! Acme Plumbing" answers with the second half.
fn without_greeting(text: &str) -> &str {
    let Some((first, rest)) = text.split_once(['!', ',', '.', '\n']) else { return text };
    let line = Words::of(first).line();
    let said = Said::of(&line);
    let polite =
        [Meaning::Greeting, Meaning::Thanks, Meaning::Ready].into_iter().any(|meaning| said.is(meaning));
    if polite && !rest.trim().is_empty() { rest.trim() } else { text }
}
