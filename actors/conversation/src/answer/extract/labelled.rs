//! Values that stand with the name of their field: "email: …", "12 employees", "the pro plan".

use std::ops::Range;

use super::{Claims, Wanted, find, find_all, range};
use crate::answer::words::{Word, folded, longest_phrase, may_begin, phrase_at};
use crate::answer::{AnswerValue, number, parse};
use crate::flow::{Field, FieldType};

/// Announce a value behind its label.
const ANNOUNCE: [&str; 21] = [
    "is actually",
    "is actually called",
    "is really",
    "actually is",
    ":",
    "=",
    "is",
    "are",
    "es",
    "son",
    "-",
    "s",
    "is called",
    "called",
    "is named",
    "se llama",
    "would be",
    "will be",
    "is now",
    "is at",
    "name is",
];
/// Say that something is wished for.
const WISHES: [&str; 30] = [
    "need",
    "want",
    "wants",
    "would like",
    "id like",
    "wed like",
    "looking for",
    "interested in",
    "go with",
    "prefer",
    "choose",
    "pick",
    "get",
    "sign up for",
    "after",
    "take",
    "ill take",
    "do the",
    "well do",
    "lets do",
    "quiero",
    "queremos",
    "necesito",
    "necesitamos",
    "prefiero",
    "me interesa",
    "nos interesa",
    "going with",
    "went with",
    "quisiera",
];

/// What the wanted fields are called.
pub(super) struct Labels<'a> {
    /// Words of a name, and whose it is.
    names: Vec<(usize, &'a str)>,
}

/// A field's name in the message, as a range of words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mention {
    field: usize,
    start: usize,
    end: usize,
}

impl<'a> Labels<'a> {
    pub(super) fn of(wanted: &[Wanted<'a>]) -> Self {
        let alone = |field: &Field| wanted.iter().filter(|other| other.field.kind == field.kind).count() == 1;
        let mut names: Vec<(usize, &str)> = Vec::with_capacity(wanted.len() * 8);
        for (index, Wanted { field, .. }) in wanted.iter().enumerate() {
            names.extend(field.own_names().iter().map(|name| (index, name.as_str())));
            if alone(field) || field.asks_for_a_business() {
                names.extend(field.ordinary_names().iter().map(|name| (index, *name)));
            }
            names.extend(field.counted().iter().map(|noun| (index, noun.as_str())));
        }
        Self { names }
    }

    /// The field whose name begins at this word; of several the longest name.
    pub(super) fn at(&self, words: &[Word], start: usize) -> Option<Mention> {
        let inside_an_address =
            words[start].glued && start > 0 && words[start - 1].is_any(&["@", ".", "-", "_", "/"]);
        let first = &words[start].text;
        let candidates = self.names.iter().filter(|(_, name)| may_begin(name, first));
        // "Mobile's 415-555-0142"
        let possessive = |name: &str| {
            let word = &words[start];
            word.at.len() > word.text.len() && word.text.strip_suffix('s') == Some(name)
        };
        let hits = candidates.filter(|(_, name)| phrase_at(words, start, name) || possessive(name));
        let (field, name) = hits.max_by_key(|(_, name)| name.len()).filter(|_| !inside_an_address)?;
        Some(Mention { field: *field, start, end: start + name.split(' ').count() })
    }

    fn in_clause(&self, clause: &[Word]) -> Vec<Mention> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < clause.len() {
            let mention = self.at(clause, at);
            at = mention.map_or(at + 1, |mention| mention.end);
            found.extend(mention);
        }
        found
    }
}

impl Claims<'_, '_> {
    /// Every value in the clause that stands with the name of its field.
    pub(super) fn labelled(&mut self, clause: &[Word], labels: &Labels<'_>) {
        let mentions = labels.in_clause(clause);
        let mut skip_until = 0;
        for (index, mention) in mentions.iter().enumerate() {
            if mention.start < skip_until || self.has(mention.field) {
                continue;
            }
            let until = mentions.get(index + 1).map_or(clause.len(), |next| next.start);
            if let Some(end) = self.before(clause, *mention).or_else(|| self.behind(clause, *mention, until))
            {
                skip_until = end;
            }
        }
    }

    /// "12 employees", "the pro plan": the value just before the name.
    fn before(&mut self, clause: &[Word], mention: Mention) -> Option<usize> {
        let field = self.wanted[mention.field].field;
        let ctx = self.ctx.for_field(field);
        let (value, at) = match field.kind {
            FieldType::Number => (mention.start.saturating_sub(6)..mention.start).find_map(|start| {
                let (_, end) = number::numeral(clause, start, self.ctx.region)?;
                // "12 full time employees"; a number further away counts something else.
                let near = end <= mention.start && mention.start - end <= 2;
                let between =
                    clause.get(end..mention.start)?.iter().all(|word| word.is_letters() && !word.is("and"));
                let at = range(&clause[start..end]);
                (near && between).then_some(())?;
                Some((parse(field.kind, &self.message[at.clone()], &ctx).ok()?, at))
            })?,
            FieldType::Select | FieldType::MultiSelect => {
                let from = mention.start.saturating_sub(5);
                chosen(&clause[from..mention.start], field)
                    .filter(|(_, at)| clause[mention.start - 1].at.end == at.end)?
            }
            _ => return None,
        };
        let whole = at.start..clause[mention.end - 1].at.end;
        self.claim(mention.field, value, at, whole);
        Some(mention.end)
    }

    /// The value behind the name, if it is announced ("is", ":") or cannot be mistaken. Returns where it ends.
    fn behind(&mut self, clause: &[Word], mention: Mention, until: usize) -> Option<usize> {
        let field = self.wanted[mention.field].field;
        let ctx = self.ctx.for_field(field);
        let announced = longest_phrase(clause, mention.end, &ANNOUNCE).map(|(_, used)| mention.end + used);
        // "we open at 9" answers the question for the opening time.
        let at_a_time =
            field.kind == FieldType::Time && clause.get(mention.end).is_some_and(|word| word.is("at"));
        let announced = announced.or(at_a_time.then_some(mention.end + 1));
        let first = announced.unwrap_or(mention.end);
        let first = first
            + clause[first..].iter().take_while(|word| word.is_any(&[":", "=", "-", "at", ","])).count();
        // Words may name other fields; another value ends before the next label.
        let until =
            if field.kind.takes_words() && announced.is_some() { clause.len() } else { until.max(first) };
        let value = trim_links(&clause[first..until]);
        if value.is_empty() {
            return None;
        }
        let at = range(value);
        let raw = &self.message[at.clone()];
        // "Mobile 415-555-0142 and home 415-555-0143": the first of several belongs to the name before it.
        let nearest =
            || find_all(field.kind, raw, &ctx).into_iter().next().filter(|found| found.at.start == 0);
        let found = find(field.kind, raw, &ctx)
            .or_else(nearest)
            .map(|found| (found.value, at.start + found.at.start..at.start + found.at.end));
        let (value, at) = match (found, announced) {
            (Some(found), _) => found,
            (None, Some(_)) if !is_question(value) => (parse(field.kind, raw, &ctx).ok()?, at),
            // "Budget 400": a statement of a name and a number.
            (None, None) if mention.start == 0 && is_measured(field.kind) && is_figure(value) => {
                (parse(field.kind, raw, &ctx).ok()?, at)
            }
            (None, _) => return None,
        };
        let whole = clause[mention.start].at.start..at.end;
        self.claim(mention.field, value, at, whole);
        Some(until)
    }
}

const fn is_measured(kind: FieldType) -> bool {
    matches!(kind, FieldType::Number | FieldType::Currency | FieldType::Time | FieldType::Date)
}

fn is_figure(value: &[Word]) -> bool {
    const LONGEST: usize = 4;
    value[0].is_number() && value.len() <= LONGEST && !value[0].glued
}

fn is_question(value: &[Word]) -> bool {
    value.last().is_some_and(|word| word.is("?"))
        || value[0].is_any(&["wrong", "not", "incorrect", "right", "correct"])
}

/// Without the words that lead on to the next label: ", and my".
fn trim_links(mut words: &[Word]) -> &[Word] {
    while let [rest @ .., last] = words
        && last.is_any(&["and", "my", "our", "the", "y", "mi", "also", ",", ".", "!", "please", "thanks"])
    {
        words = rest;
    }
    words
}

/// Whether the clause says that something is wished for.
pub(super) fn is_wish(clause: &[Word]) -> bool {
    (0..clause.len()).any(|at| longest_phrase(clause, at, &WISHES).is_some())
}

/// The options that are named by their whole label or id, and where; nothing when a single choice has several.
pub(super) fn chosen(clause: &[Word], field: &Field) -> Option<(AnswerValue, Range<usize>)> {
    let mut taken: Vec<(usize, Range<usize>)> = Vec::new();
    for (index, option) in field.options.iter().enumerate() {
        let names = [folded(&option.label), folded(&option.id.replace('_', " "))];
        let place = names.iter().filter(|name| name.len() > 2).find_map(|name| {
            let at = (0..clause.len()).find(|at| phrase_at(clause, *at, name))?;
            let refused = at > 0 && clause[at - 1].is_any(&["not", "no", "without"]);
            (!refused).then(|| range(&clause[at..at + name.split(' ').count()]))
        });
        taken.extend(place.map(|place| (index, place)));
    }
    let (first, last) =
        (taken.iter().map(|(_, at)| at.start).min()?, taken.iter().map(|(_, at)| at.end).max()?);
    let value = match (field.kind, &taken[..]) {
        (FieldType::Select, [(only, _)]) => AnswerValue::Choice(field.options[*only].id.clone()),
        (FieldType::MultiSelect, many) => {
            AnswerValue::Choices(many.iter().map(|(index, _)| field.options[*index].id.clone()).collect())
        }
        _ => return None,
    };
    Some((value, first..last))
}
