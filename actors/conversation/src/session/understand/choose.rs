//! The answer to "That could mean … or …. Which one is it?"

use crate::answer::{AnswerValue, ParseErrorCause};
use crate::flow::{Field, FieldType};

use super::phrases::{Meaning, Said};
use super::words::Words;
use super::{Ear, Intent};

impl Ear<'_> {
    /// Another option than the one that stands, by its whole label: "actually I need an installation".
    pub(super) fn chosen_anew(&self, text: &str) -> Option<Intent> {
        const LONGEST: usize = 8;
        let said = Words::of(text);
        let holds = |label: &str| (0..said.len()).any(|at| said.matches(at, label).is_some());
        let mut chosen = self.earlier().filter(|field| field.kind == FieldType::Select).filter_map(|field| {
            let named = field.options.iter().any(|option| holds(&Words::of(&option.label).line()));
            let value = self.parse(field, text).ok().filter(|_| named && said.len() <= LONGEST)?;
            let known = self.state.answer(&field.id)?;
            (known.value != value).then(|| Intent::Answer {
                field: field.id.clone(),
                value,
                raw: text.to_owned(),
            })
        });
        chosen.next()
    }

    /// "No, Reyes Bakery & Cafe" where the pending question takes no such thing: another wording of the last answer.
    pub(super) fn denied(&self, text: &str) -> Option<Intent> {
        let words = Words::of(text);
        let rest = words.rest(1).filter(|_| words.matches(0, "no").is_some() && words.ends_in_comma(0))?;
        let last = self.meta.flow.field(self.state.cursor().last_answered()?)?;
        let known = self.state.answer(&last.id)?;
        (last.kind.takes_words() && Words::of(rest).share_a_word_with(&known.raw))
            .then(|| self.read(last, rest))
            .flatten()
    }

    /// Which of the readings that were offered for the pending question is meant.
    pub(super) fn chosen_reading(&self, field: &Field, line: &str, said: Said, text: &str) -> Option<Intent> {
        let ParseErrorCause::Ambiguous { readings } = self.state.last_refusal(&field.id)? else {
            return None;
        };
        let last = readings.len().checked_sub(1)?;
        let before_noon = |reading: &String| reading.as_str() < "12:00";
        let place = if said.is(Meaning::PickFirst) {
            Some(0)
        } else if said.is(Meaning::PickSecond) {
            Some(1)
        } else if said.is(Meaning::PickLast) {
            Some(last)
        } else if field.kind == FieldType::Time && said.is(Meaning::Morning) {
            readings.iter().position(before_noon)
        } else if field.kind == FieldType::Time && said.is(Meaning::Evening) {
            readings.iter().position(|reading| !before_noon(reading))
        } else if field.kind == FieldType::Date {
            weekday_among(readings, line)
        } else {
            None
        };
        self.read(field, readings.get(place?)?).map(|intent| match intent {
            Intent::Answer { field, value, .. } => Intent::Answer { field, value, raw: text.to_owned() },
            other => other,
        })
    }
}

/// "Wednesday" among the days that were offered.
fn weekday_among(readings: &[String], line: &str) -> Option<usize> {
    let short: String = line.rsplit(' ').next()?.chars().take(3).collect();
    let mut fitting = (0..readings.len()).filter(|place| {
        let day = AnswerValue::Date(readings[*place].clone()).display(&[], "en").to_lowercase();
        short.len() == 3 && day.starts_with(&short)
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}
