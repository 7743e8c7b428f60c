//! What the bot says, put together from the catalogue, the flow's prompts and the state. Nothing is decided here.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::catalogue::{Catalogue, Sentence, Variable, fill_text};
use crate::channel::Channel;
use crate::flow::{Field, FieldId, FieldType};
use crate::session::aloud;
use crate::session::reading;
use crate::session::state::{Confirmation, SessionMeta, SessionState};
use crate::time::Timestamp;

/// The voice of one session: its language, its names, its page.
#[derive(Clone, Copy)]
pub(crate) struct Speech<'a> {
    meta: &'a SessionMeta,
    catalogue: &'static Catalogue,
    /// The words will be heard and not read.
    aloud: bool,
}

impl<'a> Speech<'a> {
    pub(crate) fn of(meta: &'a SessionMeta) -> Self {
        Self { meta, catalogue: Catalogue::of(&meta.locale), aloud: false }
    }

    /// The same voice, to be heard and not read.
    pub(crate) const fn aloud(self) -> Self {
        Self { aloud: true, ..self }
    }

    /// The same voice, to be read and not heard.
    pub(crate) const fn written(self) -> Self {
        Self { aloud: false, ..self }
    }

    /// A sentence without variables of its own; `{org}` is always known.
    pub(crate) fn plain(&self, sentence: Sentence) -> String {
        self.say(sentence, &[])
    }

    /// A sentence with variables besides `{org}`.
    pub(crate) fn say(&self, sentence: Sentence, variables: &[Variable<'_>]) -> String {
        let org = self.org();
        let mut all = Vec::with_capacity(variables.len() + 1);
        all.push(("org", &*org));
        all.extend_from_slice(variables);
        self.catalogue.say(sentence, &all)
    }

    /// A sentence about a field, which knows `{label}` and `{example}`.
    pub(crate) fn about(&self, sentence: Sentence, field: &Field) -> String {
        self.say(sentence, &[("label", &self.label(field)), ("example", &self.example(field))])
    }

    pub(crate) fn acknowledgement(&self, turn: u64) -> String {
        self.catalogue.vary(Sentence::Ack, turn)
    }

    /// The first outreach, without the question.
    pub(crate) fn introduction(&self, channel: Channel) -> String {
        let mut out = self.hello();
        out.push(' ');
        let intro = if self.meta.org_name.is_empty() { Sentence::IntroPlain } else { Sentence::Intro };
        out.push_str(&self.plain(intro));
        if let (Some(link), false) = (&self.meta.link, channel == Channel::Widget) {
            out.push(' ');
            out.push_str(&self.say(Sentence::IntroLink, &[("link", link)]));
        }
        out
    }

    /// The answer to a contact who wrote first.
    pub(crate) fn welcome(&self) -> String {
        let mut out = self.hello();
        if !self.meta.org_name.is_empty() {
            out.push(' ');
            out.push_str(&self.plain(Sentence::ThanksForWriting));
        }
        out
    }

    /// A reminder of the pending question; `before` counts the reminders already sent.
    pub(crate) fn nudge(&self, field: &Field, before: u8) -> String {
        let sentence = match before {
            0 => Sentence::NudgeFirst,
            1 => Sentence::NudgeSecond,
            _ => Sentence::NudgeLast,
        };
        let rest = self.about(sentence, field);
        match self.first_name() {
            Some(name) => self.say(Sentence::NudgeHelloName, &[("name", name), ("rest", &rest)]),
            None => self.say(Sentence::NudgeHello, &[("rest", &rest)]),
        }
    }

    /// The sentence that gives the client their page, where there is one. Aloud never: it cannot be written down, and
    /// whoever speaks for us would hold what opens the session.
    pub(crate) fn link(&self, with: Sentence, without: Sentence) -> String {
        match self.meta.link.as_ref().filter(|_| !self.aloud) {
            Some(link) => self.say(with, &[("link", link)]),
            None => self.plain(without),
        }
    }

    /// What the pending question sounds like now: the read-back that waits, or the prompt with its choices.
    pub(crate) fn question(&self, state: &SessionState, field: &Field) -> String {
        match state.confirmation() {
            Some(waiting) if waiting.field == field.id => self.read_back(Sentence::Confirm, field, waiting),
            Some(_) | None => self.prompt_with_choices(state, field),
        }
    }

    pub(crate) fn read_back(&self, sentence: Sentence, field: &Field, waiting: &Confirmation) -> String {
        let value = self.display(field, &waiting.value);
        self.say(sentence, &[("label", &self.label(field)), ("value", &value)])
    }

    /// The flow's prompt with its variables filled in.
    pub(crate) fn prompt<'f>(&self, state: &SessionState, field: &'f Field) -> Cow<'f, str> {
        if !field.prompt.contains('{') {
            return Cow::Borrowed(&field.prompt);
        }
        Cow::Owned(fill_text(&field.prompt, |name| match name {
            "client_name" => Some(self.meta.contact_name.clone()),
            "org_name" => Some(self.org().into_owned()),
            _ => {
                let earlier = FieldId::new(name.strip_prefix("answer:")?);
                let field = self.meta.flow.field(&earlier)?;
                Some(
                    state
                        .answer(&earlier)
                        .map_or_else(String::new, |answer| self.display(field, &answer.value)),
                )
            }
        }))
    }

    fn prompt_with_choices(&self, state: &SessionState, field: &Field) -> String {
        let mut out = self.prompt(state, field).into_owned();
        self.push_choices(&mut out, field);
        if let (FieldType::File, Some(_)) = (field.kind, &self.meta.link) {
            out.push(' ');
            out.push_str(&self.link(Sentence::SendFile, Sentence::SendFileLater));
        }
        out
    }

    /// The question put differently, for a contact we did not understand twice.
    pub(crate) fn another_way(&self, field: &Field) -> String {
        let mut out = match field.kind {
            FieldType::Select | FieldType::MultiSelect => self.plain(Sentence::AskAnotherWayOptions),
            FieldType::Text | FieldType::LongText => self.about(Sentence::AskAnotherWayWords, field),
            _ => self.about(Sentence::AskAnotherWay, field),
        };
        self.push_choices(&mut out, field);
        out
    }

    /// More words about the question.
    pub(crate) fn help(&self, field: &Field) -> String {
        match (&field.help, field.kind) {
            (Some(help), _) => help.clone(),
            (None, FieldType::Select | FieldType::MultiSelect) => self.plain(Sentence::HelpOptions),
            (None, FieldType::Text | FieldType::LongText) => self.about(Sentence::HelpWords, field),
            (None, _) => self.about(Sentence::Help, field),
        }
    }

    /// Why an answer was refused, with an example of one that would do.
    pub(crate) fn refusal(&self, field: &Field, cause: &ParseErrorCause) -> String {
        let sentence = Sentence::refusal(cause, field.kind);
        let example = self.example(field);
        match cause {
            ParseErrorCause::TooShort { min } => {
                self.catalogue.count(sentence, u64::from(*min), &[("example", &example)])
            }
            ParseErrorCause::TooLong { max } => {
                self.catalogue.count(sentence, u64::from(*max), &[("example", &example)])
            }
            ParseErrorCause::TooSmall { min } => self.say(sentence, &[("min", min)]),
            ParseErrorCause::TooLarge { max } => self.say(sentence, &[("max", max)]),
            ParseErrorCause::Ambiguous { readings } => {
                let shown: Vec<String> = readings.iter().map(|text| self.reading(field, text)).collect();
                self.say(sentence, &[("readings", &self.catalogue.list(&shown, Sentence::ListOr))])
            }
            ParseErrorCause::Empty
            | ParseErrorCause::NotRecognised
            | ParseErrorCause::PhoneTooShort
            | ParseErrorCause::PhoneTooLong
            | ParseErrorCause::PhoneInvalid
            | ParseErrorCause::EmailNoAt
            | ParseErrorCause::EmailDomain
            | ParseErrorCause::NoSuchDate
            | ParseErrorCause::NoSuchTime
            | ParseErrorCause::NotAnOption
            | ParseErrorCause::NotWhole
            | ParseErrorCause::FileExpected
            | ParseErrorCause::FileType => self.say(sentence, &[("example", &example)]),
        }
    }

    /// One of the readings of an ambiguous answer, as people read it.
    fn reading(&self, field: &Field, text: &str) -> String {
        match field.kind {
            FieldType::Date => self.display(field, &AnswerValue::Date(text.to_owned())),
            FieldType::Time => self.display(field, &AnswerValue::Time(text.to_owned())),
            _ => text.to_owned(),
        }
    }

    /// Several answers taken from one message, read back in passing.
    pub(crate) fn noted(&self, taken: &[(&Field, &AnswerValue)]) -> String {
        self.say(Sentence::Noted, &[("list", &self.items(taken))])
    }

    /// Everything answered so far.
    pub(crate) fn summary(&self, known: &[(&Field, &AnswerValue)]) -> String {
        if known.is_empty() {
            return self.plain(Sentence::SummaryEmpty);
        }
        self.say(Sentence::Summary, &[("list", &self.items(known))])
    }

    /// One answer, as it stands.
    pub(crate) fn recalled(&self, field: &Field, value: &AnswerValue) -> String {
        if field.sensitive {
            return self.about(Sentence::RecalledPrivate, field);
        }
        let value = self.display(field, value);
        self.say(Sentence::Recalled, &[("label", &self.label(field)), ("value", &value)])
    }

    fn items(&self, taken: &[(&Field, &AnswerValue)]) -> String {
        let items: Vec<String> = taken
            .iter()
            .map(|(field, value)| {
                let label = in_sentence(&field.label);
                if field.sensitive {
                    return label.into_owned();
                }
                let value = self.display(field, value);
                self.say(Sentence::NotedItem, &[("label", &label), ("value", &value)])
            })
            .collect();
        self.catalogue.list(&items, Sentence::ListAnd)
    }

    /// A correction, acknowledged with the new value so that it can be checked.
    pub(crate) fn updated(&self, field: &Field, value: &AnswerValue) -> String {
        if field.sensitive {
            return self.about(Sentence::UpdatedPrivate, field);
        }
        let value = self.display(field, value);
        self.say(Sentence::Updated, &[("label", &self.label(field)), ("value", &value)])
    }

    pub(crate) fn invalidated(&self, count: usize) -> String {
        self.catalogue.count(Sentence::Invalidated, u64::try_from(count).unwrap_or(u64::MAX), &[])
    }

    /// How many questions are answered and how many are left.
    pub(crate) fn progress(&self, answered: u32, total: u32) -> String {
        match total.saturating_sub(answered) {
            0 => self.plain(Sentence::ProgressOptional),
            left => self.catalogue.count(
                Sentence::Progress,
                u64::from(left),
                &[("answered", &answered.to_string()), ("total", &total.to_string())],
            ),
        }
    }

    /// Until when we leave them alone.
    pub(crate) fn later(&self, now: Timestamp, until: Timestamp) -> String {
        let when = match reading::days_between(self.meta, now, until) {
            ..=0 => self.plain(Sentence::WhenToday),
            1 => self.plain(Sentence::WhenTomorrow),
            2.. => {
                let day = reading::day_of(self.meta, until).display(&[], self.catalogue.language());
                self.say(Sentence::WhenDay, &[("day", &day)])
            }
        };
        self.say(Sentence::LaterUntil, &[("when", &when)])
    }

    /// The last message of a session.
    pub(crate) fn completion(&self, first_time: bool) -> String {
        let mut out = self.plain(if first_time { Sentence::Complete } else { Sentence::AlreadyComplete });
        if !self.meta.flow.next_steps.is_empty() {
            out.push(' ');
            out.push_str(&self.say(Sentence::NextSteps, &[("steps", &self.meta.flow.next_steps.join(" "))]));
        }
        out
    }

    /// A value as people read it.
    pub(crate) fn display(&self, field: &Field, value: &AnswerValue) -> String {
        let written = value.display(&field.options, self.catalogue.language());
        if self.aloud { aloud::said(value, &written, self.catalogue).unwrap_or(written) } else { written }
    }

    /// The first words on a call: who is speaking, and the pending question.
    pub(crate) fn call_greeting(&self, agent: &str, first_time: bool, question: &str) -> String {
        let mut out = self.hello();
        out.push(' ');
        out.push_str(&match agent {
            "" => self.plain(Sentence::CallIntro),
            name => self.say(Sentence::CallIntroNamed, &[("name", name)]),
        });
        if !question.is_empty() {
            out.push(' ');
            out.push_str(&self.plain(if first_time { Sentence::CallBegins } else { Sentence::CallGoesOn }));
            out.push(' ');
            out.push_str(question);
        }
        out
    }

    /// What is known so far, one line for each answer; what is private is only named.
    pub(crate) fn known_answers(&self, state: &SessionState) -> String {
        let fields = self.meta.flow.fields.iter();
        let known = fields.filter_map(|field| Some((field, state.answer(&field.id)?)));
        let lines = known.map(|(field, answer)| {
            if field.sensitive {
                return field.label.clone();
            }
            format!("{}: {}", field.label, self.written().display(field, &answer.value))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Appends the choices of a field: as a numbered list, one per line; aloud, as a sentence.
    fn push_choices(&self, out: &mut String, field: &Field) {
        if !self.aloud {
            return push_list(out, field);
        }
        if !field.options.is_empty() {
            let labels: Vec<&str> = field.options.iter().map(|choice| choice.label.as_str()).collect();
            let list = self.catalogue.list(&labels, Sentence::ListOr);
            out.push(' ');
            out.push_str(&self.say(Sentence::ChoicesAloud, &[("list", &list)]));
        }
    }

    /// The label behind "your"; a label that is itself a question is just "your answer".
    fn label<'f>(&self, field: &'f Field) -> Cow<'f, str> {
        if field.label.trim_end().ends_with('?') {
            Cow::Owned(self.plain(Sentence::YourAnswer))
        } else {
            in_sentence(&field.label)
        }
    }

    fn hello(&self) -> String {
        match self.first_name() {
            Some(name) => self.say(Sentence::HelloName, &[("name", name)]),
            None => self.plain(Sentence::Hello),
        }
    }

    fn first_name(&self) -> Option<&'a str> {
        self.meta.contact_name.split_whitespace().next()
    }

    fn org(&self) -> Cow<'a, str> {
        if self.meta.org_name.is_empty() {
            Cow::Owned(self.catalogue.say(Sentence::OrgFallback, &[]))
        } else {
            Cow::Borrowed(&self.meta.org_name)
        }
    }

    fn example(&self, field: &Field) -> String {
        let labels: Vec<&str> = field.options.iter().map(|choice| choice.label.as_str()).collect();
        match (field.kind, labels.as_slice()) {
            (FieldType::MultiSelect, [first, second, ..]) => {
                self.catalogue.list(&[first, second], Sentence::ListAnd)
            }
            (_, [first, ..]) => (*first).to_owned(),
            (_, []) => self.catalogue.say(Sentence::example(field.kind), &[]),
        }
    }
}

fn push_list(out: &mut String, field: &Field) {
    for (number, choice) in (1..).zip(&field.options) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\n{number}) {}", choice.label);
    }
}

/// A label as it stands inside a sentence: `Business name` becomes `business name`, `VAT number` stays.
/// Its own "your" and the mark at its end go: the sentence has them.
fn in_sentence(label: &str) -> Cow<'_, str> {
    let label = label.trim().trim_end_matches(['?', '.', ':', '!']).trim_start_matches('¿');
    let own = ["Your ", "your ", "My ", "my ", "Tu ", "tu "].iter().find_map(|own| label.strip_prefix(own));
    let label = own.unwrap_or(label);
    let mut letters = label.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            let mut out: String = first.to_lowercase().collect();
            out.push_str(&label[first.len_utf8()..]);
            Cow::Owned(out)
        }
        _ => Cow::Borrowed(label),
    }
}

#[cfg(test)]
mod tests {
    use super::in_sentence;

    #[test]
    fn labels_are_lowered_unless_they_are_initials() {
        assert_eq!(in_sentence("Business name"), "business name");
        assert_eq!(in_sentence("VAT number"), "VAT number");
        assert_eq!(in_sentence("Égalité"), "égalité");
    }
}
