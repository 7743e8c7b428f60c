//! Corrections of a part of an answer: "it's 0198 at the end", "the area code is 510", "pm, not am", "add Google Ads",
//! "we close at 6".

use crate::answer::AnswerValue;
use crate::flow::{Field, FieldType};
use crate::session::reading;

use super::correction;
use super::phrases::{Meaning, Said};
use super::words::Words;
use super::{Ear, Intent, is_distinct};

/// Say that the end of a number is meant.
const END: [&str; 18] = [
    "at the end",
    "ends in",
    "ends with",
    "end in",
    "end with",
    "ending in",
    "ending with",
    "last",
    "the end is",
    "final",
    "al final",
    "termina en",
    "terminan en",
    "ultimos",
    "ultimo",
    "ultimas",
    "ending",
    "the end",
];
/// Say that its beginning is meant.
const START: [&str; 7] = [
    "area code",
    "starts with",
    "start with",
    "begins with",
    "at the start",
    "at the beginning",
    "codigo de area",
];
const ADD: [&str; 14] = [
    "add",
    "also",
    "and also",
    "include",
    "plus",
    "and",
    "agrega",
    "anade",
    "tambien",
    "y tambien",
    "oh and",
    "throw in",
    "i also want",
    "we also want",
];
const REMOVE: [&str; 14] = [
    "remove",
    "drop",
    "delete",
    "take out",
    "take off",
    "without",
    "not",
    "skip",
    "leave out",
    "minus",
    "quita",
    "sin",
    "no longer",
    "we dont need",
];

impl<'a> Ear<'a> {
    /// A part of an earlier answer put right, if the message says so.
    pub(super) fn amended(&self, words: &Words<'_>, said: Said, text: &str) -> Option<Vec<Intent>> {
        if !said.is_short() {
            return None;
        }
        let (field, value) = self
            .number_part(words)
            .or_else(|| self.half_of_day(words))
            .or_else(|| self.choices(words))
            .or_else(|| self.other_hours(words, text))?;
        let answer = Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() };
        let waits = self.state.confirmation().is_some_and(|waiting| waiting.field == field.id);
        Some(if waits { vec![Intent::No, answer] } else { vec![answer] })
    }

    /// The value a part of which is meant: the one that is being read back, or the last of its type.
    fn standing(&self, kind: FieldType) -> Option<(&'a Field, AnswerValue)> {
        let waiting = self.state.confirmation().and_then(|waiting| {
            let field = self.meta.flow.field(&waiting.field)?;
            (field.kind == kind).then(|| (field, waiting.value.clone()))
        });
        waiting.or_else(|| {
            let field = self.earlier().find(|field| field.kind == kind)?;
            Some((field, self.state.answer(&field.id)?.value.clone()))
        })
    }

    /// "it's 0198 at the end", "the last two digits are 43", "the area code is 510".
    fn number_part(&self, words: &Words<'_>) -> Option<(&'a Field, AnswerValue)> {
        let (field, AnswerValue::Phone(known)) = self.standing(FieldType::Phone)? else { return None };
        let says = |phrases: &[&str]| (0..words.len()).any(|at| words.longest(at, phrases).is_some());
        let digits = |index: usize| {
            let word = words.folded(index)?;
            let all = (1..=7).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
            // "the last 4 digits" counts; "not 0142" is what was wrong.
            let counts = words
                .folded(index + 1)
                .is_some_and(|next| matches!(next, "digits" | "digit" | "numbers" | "digitos"));
            let refused = index
                .checked_sub(1)
                .and_then(|before| words.folded(before))
                .is_some_and(|before| matches!(before, "not" | "no"));
            (all && !counts && !refused).then_some(word)
        };
        let mut parts = (0..words.len()).filter_map(digits);
        let part = parts.next().filter(|_| parts.next().is_none())?;
        let changed = if says(&START) {
            let rest = known.strip_prefix("+1").filter(|rest| rest.len() > part.len())?;
            format!("+1{part}{}", &rest[part.len()..])
        } else if says(&END) {
            let kept = known.len().checked_sub(part.len()).filter(|kept| *kept > 3)?;
            format!("{}{part}", &known[..kept])
        } else {
            return None;
        };
        let value = self.parse(field, &changed).ok()?;
        (value != AnswerValue::Phone(known)).then_some((field, value))
    }

    /// "pm", "I meant in the morning", right after a time.
    fn half_of_day(&self, words: &Words<'_>) -> Option<(&'a Field, AnswerValue)> {
        let last = self.state.cursor().last_answered()?;
        let (field, AnswerValue::Time(clock)) = self.standing(FieldType::Time)? else { return None };
        let from = correction::lead_in(words);
        let rest = words.trimmed_of(from, &["actually", "sorry", "rather"]).or_else(|| words.rest(from))?;
        let said = Said::of(&Words::of(rest).line());
        let (hour, minutes) = clock.split_once(':')?;
        let hour: u8 = hour.parse().ok()?;
        let hour = match (said.is(Meaning::Morning), said.is(Meaning::Evening), hour) {
            (true, false, 12..) => hour - 12,
            (false, true, ..12) => hour + 12,
            _ => return None,
        };
        (field.id == *last).then(|| (field, AnswerValue::Time(format!("{hour:02}:{minutes}"))))
    }

    /// "add Google Ads", "remove the second one", "social media too".
    fn choices(&self, words: &Words<'_>) -> Option<(&'a Field, AnswerValue)> {
        let (field, AnswerValue::Choices(known)) = self.standing(FieldType::MultiSelect)? else {
            return None;
        };
        let mut from = 0;
        while let Some(taken) = words.longest(from, &["actually", "oh", "please", "can you", "wait", "sorry"])
        {
            from += taken;
        }
        let removes = words.longest(from, &REMOVE);
        let adds = words.longest(from, &ADD);
        let trailing = words.trimmed_of(from, &["too", "also", "tambien", "aswell"]);
        let named = match (removes.or(adds), trailing) {
            (Some(taken), _) => words.rest(from + taken)?,
            (None, Some(named)) => named,
            (None, None) => return None,
        };
        let AnswerValue::Choices(named) = self.parse(field, named.trim_end_matches(" too")).ok()? else {
            return None;
        };
        let stays = |id: &String| {
            if removes.is_some() {
                known.contains(id) && !named.contains(id)
            } else {
                known.contains(id) || named.contains(id)
            }
        };
        let ids: Vec<String> = field.options.iter().map(|option| option.id.clone()).filter(stays).collect();
        (!ids.is_empty() && ids != known).then_some((field, AnswerValue::Choices(ids)))
    }

    /// "we also open saturday 10-2", "actually we close at 6", right after the hours.
    fn other_hours(&self, words: &Words<'_>, text: &str) -> Option<(&'a Field, AnswerValue)> {
        let (field, AnswerValue::Hours(known)) = self.standing(FieldType::BusinessHours)? else {
            return None;
        };
        let begins = words.longest(
            0,
            &[
                "and", "also", "plus", "actually", "oh", "we", "were", "but", "sorry", "wait", "no",
                "except", "y", "tambien", "closed",
            ],
        );
        begins?;
        let value = reading::amended_hours(&known, text)?;
        (value != AnswerValue::Hours(known)).then_some((field, value))
    }

    /// The latest answer that holds `old`, with `new` in its place.
    pub(super) fn swapped(&self, old: &str, new: &str) -> Option<Intent> {
        self.earlier().filter(|field| field.kind != FieldType::Boolean).find_map(|field| {
            let known = self.state.answer(&field.id)?;
            self.replaced(field, &known.value, &known.raw, old, new)
        })
    }

    /// An answer with `new` in the place of `old`, if it holds that.
    pub(super) fn replaced(
        &self,
        field: &Field,
        value: &AnswerValue,
        raw: &str,
        old: &str,
        new: &str,
    ) -> Option<Intent> {
        let old = old.to_lowercase();
        let shown = value.display(&field.options, "en").to_lowercase();
        [raw.to_lowercase(), shown].into_iter().find_map(|text| {
            let at = text.match_indices(&old).map(|(at, _)| at).find(|at| stands_alone(&text, *at, &old))?;
            let changed =
                self.parse(field, &format!("{}{new}{}", &text[..at], &text[at + old.len()..])).ok()?;
            (changed != *value).then(|| Intent::Answer {
                field: field.id.clone(),
                value: changed,
                raw: new.to_owned(),
            })
        })
    }

    /// Another value of a kind that was answered already and that nothing else takes: "it's with two n's, danna@acme.com".
    pub(super) fn restated(&self, text: &str) -> Option<Intent> {
        self.earlier().filter(|field| is_distinct(field)).find_map(|field| {
            let value = reading::find(self.meta, self.now, field, text)?;
            Some(Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() })
        })
    }

    /// A yes-or-no answer that is turned round in passing: "we don't have a website", when we believed there was one.
    pub(super) fn turned(&self, text: &str) -> Option<Intent> {
        let words = Words::of(text);
        // "we do have a website, acme.com" says it with its first words.
        let opening = words.between(0, words.len().min(3)).unwrap_or(text);
        self.turned_by_name(text).or_else(|| {
            self.turn_round(text, |field| {
                let outright = || self.parse(field, text).or_else(|_| self.parse(field, opening)).ok();
                words.share_a_word_with(&field.prompt).then(outright).flatten()
            })
        })
    }

    /// The same, by what the question is called.
    pub(super) fn turned_by_name(&self, text: &str) -> Option<Intent> {
        self.turn_round(text, |field| reading::about(field, text))
    }

    fn turn_round(&self, text: &str, said: impl Fn(&Field) -> Option<AnswerValue>) -> Option<Intent> {
        let mut answered = self.meta.flow.fields.iter().filter(|field| field.kind == FieldType::Boolean);
        answered.find_map(|field| {
            let known = self.state.answer(&field.id)?;
            let value = said(field).filter(|value| *value != known.value)?;
            Some(Intent::Answer { field: field.id.clone(), value, raw: text.to_owned() })
        })
    }

    /// Once nothing is asked any more, the latest answer that can be put in other words: "actually 11".
    pub(super) fn said_at_last(&self, text: &str) -> Option<Intent> {
        let mut measured = self
            .earlier()
            .filter(|field| matches!(field.kind, FieldType::Time | FieldType::Number | FieldType::Currency));
        measured.find_map(|field| self.read(field, text)).filter(|_| self.pending.is_none())
    }
}

/// Whether the part of a text that begins at `at` is not the middle of a longer word or number: "10" is no part of "310".
fn stands_alone(text: &str, at: usize, part: &str) -> bool {
    let joined = |a: Option<char>, b: Option<char>| {
        a.zip(b).is_some_and(|(a, b)| a.is_alphanumeric() && b.is_alphanumeric())
    };
    let (before, behind) = (&text[..at], &text[at + part.len()..]);
    !joined(before.chars().next_back(), part.chars().next())
        && !joined(part.chars().next_back(), behind.chars().next())
}
