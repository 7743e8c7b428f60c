//! Understanding by rules: a message and the state give a list of intents.
//!
//! The order of the rules is what makes it work. An exact choice of the pending question comes before everything;
//! then the things people say about the conversation itself; then corrections; then answers, several of them if the
//! message holds several; and only what is none of these is a digression or a miss.

mod correction;
mod phrases;
mod words;

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::flow::{Field, FieldId, FieldType};
use crate::session::command::Media;
use crate::session::reading::{self, Found};
use crate::session::state::{SessionMeta, SessionState};
use crate::time::Timestamp;

use correction::Correction;
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
    /// They want the address of their page.
    Link,
    Human,
    /// They cannot go on now.
    Later,
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
    /// A question about something else.
    Question,
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
        match (file_wanted, media.first()) {
            (Some(field), Some(first)) => {
                let id = field.id.clone();
                vec![match reading::accept_file(self.meta, self.now, field, &first.file) {
                    Ok(value) => Intent::Answer { field: id, value, raw: first.file.name.clone() },
                    Err(cause) => Intent::Miss { field: id, cause },
                }]
            }
            (None, _) | (_, None) => {
                let mut intents = vec![Intent::File];
                if !text.trim().is_empty() {
                    intents.extend(self.words(text));
                }
                intents
            }
        }
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
        let short = words.len() <= LONGEST_PHRASE;
        if short && let Some(intent) = self.about_the_conversation(&line) {
            return vec![intent];
        }
        if let Some(intents) = self.read_back(&words, &line) {
            return intents;
        }
        if let Some(correction) = correction::find(&words, self.state, self.meta) {
            if let Some(intents) = self.corrected(&correction) {
                return intents;
            }
        }
        if let Some(answers) = self.answers(text, &words) {
            return answers;
        }
        if short && let Some(intent) = self.aside(&line) {
            return vec![intent];
        }
        self.last_resort(text, &line)
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
    fn about_the_conversation(&self, line: &str) -> Option<Intent> {
        let core = phrases::core(line);
        let says = |phrases: &[&str]| phrases::is(line, phrases) || phrases::is(core, phrases);
        let intent = if says(phrases::HUMAN)
            || (!self.wants_words() && says(phrases::HUMAN_OR_OCCUPATION))
            || phrases::HUMAN_INSIDE.iter().any(|phrase| line.contains(phrase))
        {
            Intent::Human
        } else if says(phrases::KEEP) {
            Intent::Keep
        } else if says(phrases::SKIP) {
            Intent::Skip
        } else if says(phrases::BACK) {
            Intent::Back
        } else if says(phrases::HELP) {
            Intent::Help
        } else if says(phrases::REPEAT) {
            Intent::Repeat
        } else if says(phrases::WHY)
            || line.starts_with("why do you need")
            || line.starts_with("why do i need")
        {
            Intent::Why
        } else if says(phrases::STATUS) {
            Intent::Status
        } else if says(phrases::LINK) {
            Intent::Link
        } else if says(phrases::BOT) {
            Intent::SmallTalk(SmallTalk::AreYouABot)
        } else {
            return None;
        };
        Some(intent)
    }

    /// The reply to a read-back.
    fn read_back(&self, words: &Words<'_>, line: &str) -> Option<Vec<Intent>> {
        let waiting = self.state.confirmation()?;
        let field = self.meta.flow.field(&waiting.field)?;
        if phrases::is(line, phrases::YES) || phrases::is(phrases::core(line), phrases::YES) {
            return Some(vec![Intent::Yes]);
        }
        if phrases::is(line, phrases::NO) {
            return Some(vec![Intent::No]);
        }
        // "no, it's …", "it should be …", or simply the right value.
        let from = correction::lead_in(words);
        let corrected = words.rest(from).and_then(|rest| {
            let value = self.parse(field, rest).ok()?;
            Some(Intent::Answer { field: field.id.clone(), value, raw: rest.to_owned() })
        });
        match corrected {
            Some(answer) => Some(vec![Intent::No, answer]),
            None if line.starts_with("no ") => Some(vec![Intent::No]),
            None if line.starts_with("yes ") || line.starts_with("si ") => Some(vec![Intent::Yes]),
            None => None,
        }
    }

    fn corrected(&self, correction: &Correction<'a, '_>) -> Option<Vec<Intent>> {
        let (fields, text, certain) = match correction {
            Correction::Without { field } => return Some(vec![Intent::Revisit { field: field.id.clone() }]),
            Correction::With { field, text } => (vec![*field], *text, true),
            Correction::Statement { field, text } => (vec![*field], *text, false),
            Correction::Unnamed { text } => {
                let last = self.state.cursor().last_answered().and_then(|id| self.meta.flow.field(id));
                (last.into_iter().chain(self.pending).collect(), *text, false)
            }
        };
        let mut refused = None;
        for field in fields {
            match self.parse(field, text) {
                Ok(value) => {
                    return Some(vec![Intent::Answer {
                        field: field.id.clone(),
                        value,
                        raw: text.to_owned(),
                    }]);
                }
                Err(cause) => refused = refused.or(Some(Intent::Miss { field: field.id.clone(), cause })),
            }
        }
        refused.filter(|_| certain).map(|miss| vec![miss])
    }

    /// The answers in the message: to the pending question, and to any other it names.
    fn answers(&self, text: &str, words: &Words<'_>) -> Option<Vec<Intent>> {
        let found = if words.len() > 1 {
            reading::extract(self.state, self.meta, self.now, text)
        } else {
            Vec::new()
        };
        let for_pending = found.iter().any(|found| Some(&found.field) == self.pending.map(|field| &field.id));
        let names_others = !found.is_empty() && !for_pending;
        let mut intents: Vec<Intent> = Vec::with_capacity(found.len().max(1));
        if !for_pending && !(names_others && self.wants_words()) {
            intents.extend(self.pending_answer(text, names_others));
        }
        intents.extend(found.into_iter().map(|Found { field, value, raw }| Intent::Answer {
            field,
            value,
            raw,
        }));
        (!intents.is_empty()).then_some(intents)
    }

    fn pending_answer(&self, text: &str, among_others: bool) -> Option<Intent> {
        let field = self.pending.filter(|_| self.state.is_greeted())?;
        let line = Words::of(text).line();
        if self.wants_words() && self.is_aside(&line, field) {
            return None;
        }
        let text = if self.wants_words() { without_greeting(text) } else { text };
        match self.parse(field, text) {
            Ok(value) => Some(Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() }),
            Err(_) if among_others => None,
            Err(_) => None,
        }
    }

    /// Whether words that would do as an answer to a question for words are more likely not meant as one.
    fn is_aside(&self, line: &str, field: &Field) -> bool {
        let core = phrases::core(line);
        let says = |phrases: &[&str]| phrases::is(line, phrases) || phrases::is(core, phrases);
        let begins_as_question =
            line.split(' ').next().is_some_and(|first| phrases::INTERROGATIVES.contains(&first));
        let just_greeted = self.state.answers().is_empty();
        let yes_or_no = phrases::is(line, phrases::YES) || phrases::is(line, phrases::NO);
        says(phrases::UNSURE)
            || says(phrases::GREETING)
            || says(phrases::THANKS)
            || says(phrases::LATER)
            || says(phrases::LAUGH)
            || (says(phrases::NONE) && !field.required)
            || (phrases::is(line, phrases::NO) && !field.required)
            || (says(phrases::READY) && (just_greeted || !yes_or_no))
            || (begins_as_question && line.len() < 120 && self.ends_as_question(line))
    }

    fn ends_as_question(&self, line: &str) -> bool {
        let _ = line;
        true
    }

    /// What may be an answer elsewhere but was none here.
    fn aside(&self, line: &str) -> Option<Intent> {
        let core = phrases::core(line);
        let says = |phrases: &[&str]| phrases::is(line, phrases) || phrases::is(core, phrases);
        Some(if says(phrases::UNSURE) {
            Intent::Unsure
        } else if says(phrases::NONE) || phrases::is(line, phrases::NO) {
            Intent::Skip
        } else if says(phrases::LATER) {
            Intent::Later
        } else if says(phrases::GREETING) {
            Intent::SmallTalk(SmallTalk::Greeting)
        } else if says(phrases::THANKS) {
            Intent::SmallTalk(SmallTalk::Thanks)
        } else if says(phrases::READY) {
            Intent::SmallTalk(SmallTalk::Ready)
        } else if says(phrases::LAUGH) {
            Intent::SmallTalk(SmallTalk::Other)
        } else {
            return None;
        })
    }

    fn last_resort(&self, text: &str, line: &str) -> Vec<Intent> {
        let asks = text.trim_end().ends_with('?')
            || line
                .split(' ')
                .next()
                .is_some_and(|first| phrases::INTERROGATIVES.contains(&first) && line.contains(' '));
        vec![match self.pending {
            _ if asks => Intent::SmallTalk(SmallTalk::Question),
            Some(field) if self.state.is_greeted() => match self.parse(field, text) {
                Ok(value) => Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() },
                Err(cause) => Intent::Miss { field: field.id.clone(), cause },
            },
            Some(_) | None => Intent::SmallTalk(SmallTalk::Other),
        }]
    }

    /// Whether the pending question takes nearly any words.
    fn wants_words(&self) -> bool {
        self.pending.is_some_and(|field| {
            matches!(
                field.kind,
                FieldType::Text | FieldType::LongText | FieldType::PersonName | FieldType::Address
            )
        })
    }

    fn parse(&self, field: &Field, text: &str) -> Result<AnswerValue, ParseErrorCause> {
        reading::parse(self.meta, self.now, field, text)
    }
}

/// "Hi! Acme Plumbing" answers with the second half.
fn without_greeting(text: &str) -> &str {
    let Some((first, rest)) = text.split_once(['!', ',', '.', '\n']) else { return text };
    let line = Words::of(first).line();
    let polite =
        [phrases::GREETING, phrases::THANKS, phrases::READY].iter().any(|list| phrases::is(&line, list));
    if polite && !rest.trim().is_empty() { rest.trim() } else { text }
}
