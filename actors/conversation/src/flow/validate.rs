//! What must be true of a flow before it is saved.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::{Condition, Field, FieldId, FieldType, Flow};

/// One thing that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FlowProblem {
    /// Where, e.g. `fields[2].when.all[0]`; empty for the flow itself.
    pub path: String,
    /// What, in a sentence for its author.
    pub message: String,
}

impl fmt::Display for FlowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

const MAX_FIELDS: usize = 200;
const MAX_OPTIONS: usize = 100;
const MAX_ID: usize = 64;
const MAX_LABEL: usize = 120;
const MAX_PROMPT: usize = 1_000;
const MAX_HELP: usize = 2_000;
const MAX_STEPS: usize = 20;
/// How deep conditions may nest.
const MAX_DEPTH: usize = 8;

impl Flow {
    /// Checks the flow as a whole.
    ///
    /// # Errors
    /// Every problem found, in the order of the fields.
    pub fn validate(&self) -> Result<(), Vec<FlowProblem>> {
        let mut check = Check { flow: self, problems: Vec::new() };
        check.flow();
        for (at, field) in self.fields.iter().enumerate() {
            check.field(at, field);
        }
        if check.problems.is_empty() { Ok(()) } else { Err(check.problems) }
    }
}

struct Check<'a> {
    flow: &'a Flow,
    problems: Vec<FlowProblem>,
}

impl Check<'_> {
    fn report(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(FlowProblem { path: path.into(), message: message.into() });
    }

    fn require(&mut self, holds: bool, path: &str, message: &str) {
        if !holds {
            self.report(path, message);
        }
    }

    fn length(&mut self, path: String, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.report(path, "must not be empty");
        } else if text.chars().count() > max {
            self.report(path, format!("must not be longer than {max} characters"));
        }
    }

    fn flow(&mut self) {
        self.length("name".to_owned(), &self.flow.name, MAX_LABEL);
        self.require(!self.flow.fields.is_empty(), "fields", "a flow asks at least one question");
        self.require(self.flow.fields.len() <= MAX_FIELDS, "fields", "a flow has at most 200 fields");
        self.require(self.flow.next_steps.len() <= MAX_STEPS, "next_steps", "at most 20 next steps");
        for (at, step) in self.flow.next_steps.iter().enumerate() {
            self.length(format!("next_steps[{at}]"), step, MAX_PROMPT);
        }
    }

    fn field(&mut self, at: usize, field: &Field) {
        let path = format!("fields[{at}]");
        self.require(
            is_field_id(field.id.as_str()),
            &format!("{path}.id"),
            "1 to 64 of a-z, 0-9 and _, starting with a letter",
        );
        let earlier = &self.flow.fields[..at];
        self.require(
            earlier.iter().all(|other| other.id != field.id),
            &format!("{path}.id"),
            "this id is taken by an earlier field",
        );
        self.length(format!("{path}.label"), &field.label, MAX_LABEL);
        self.length(format!("{path}.prompt"), &field.prompt, MAX_PROMPT);
        if let Some(help) = &field.help {
            self.length(format!("{path}.help"), help, MAX_HELP);
            self.variables(at, &format!("{path}.help"), help);
        }
        self.variables(at, &format!("{path}.prompt"), &field.prompt);
        self.options(&path, field);
        self.limits(&path, field);
        if let Some(when) = &field.when {
            self.condition(at, &format!("{path}.when"), when, 0);
            if is_contradictory(self.flow, when) {
                self.report(format!("{path}.when"), "can never hold, so the field would never be asked");
            }
        }
    }

    fn options(&mut self, path: &str, field: &Field) {
        let path = format!("{path}.options");
        if !matches!(field.kind, FieldType::Select | FieldType::MultiSelect) {
            self.require(field.options.is_empty(), &path, "only select and multi_select have options");
            return;
        }
        self.require(!field.options.is_empty(), &path, "a choice needs at least one option");
        self.require(field.options.len() <= MAX_OPTIONS, &path, "at most 100 options");
        let (mut ids, mut labels) = (HashSet::new(), HashSet::new());
        for (at, option) in field.options.iter().enumerate() {
            self.length(format!("{path}[{at}].id"), &option.id, MAX_ID);
            self.length(format!("{path}[{at}].label"), &option.label, MAX_LABEL);
            self.require(
                ids.insert(option.id.as_str()),
                &format!("{path}[{at}].id"),
                "this id is taken by an earlier option",
            );
            let unseen = labels.insert(option.label.trim().to_lowercase());
            self.require(unseen, &format!("{path}[{at}].label"), "this label is taken by an earlier option");
        }
    }

    fn limits(&mut self, path: &str, field: &Field) {
        let limits = &field.validation;
        let path = |key: &str| format!("{path}.validation.{key}");
        let (low, high) = (limits.min_length, limits.max_length);
        self.require(
            low.zip(high).is_none_or(|(low, high)| low <= high),
            &path("min_length"),
            "is more than max_length",
        );
        self.require(
            limits.min.zip(limits.max).is_none_or(|(min, max)| min <= max),
            &path("min"),
            "is more than max",
        );
        if field.kind == FieldType::MultiSelect {
            let count = u32::try_from(field.options.len()).unwrap_or(u32::MAX);
            self.require(
                low.is_none_or(|low| low <= count),
                &path("min_length"),
                "asks for more choices than there are options",
            );
        }
        self.require(high != Some(0), &path("max_length"), "leaves no room for an answer");
        let bound = |limit: &Option<String>| match limit.as_deref() {
            None | Some("today") => Some(None),
            Some(day) => day.parse::<jiff::civil::Date>().ok().map(Some),
        };
        let (first, last) = (bound(&limits.not_before), bound(&limits.not_after));
        self.require(first.is_some(), &path("not_before"), "must be YYYY-MM-DD or today");
        self.require(last.is_some(), &path("not_after"), "must be YYYY-MM-DD or today");
        let ordered = first.flatten().zip(last.flatten()).is_none_or(|(first, last)| first <= last);
        self.require(ordered, &path("not_before"), "is later than not_after");
    }

    /// Variables in braces: `{client_name}`, `{org_name}`, `{answer:website}`.
    fn variables(&mut self, at: usize, path: &str, text: &str) {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                self.report(path, "a brace is opened and not closed");
                return;
            };
            rest = after;
            match name.strip_prefix("answer:") {
                Some(field) => self.earlier(at, path, &FieldId::new(field)),
                None if matches!(name, "client_name" | "org_name") => {}
                None => self.report(path, format!("unknown variable {{{name}}}; known are {{client_name}}, {{org_name}} and {{answer:field_id}}")),
            }
        }
    }

    /// Reports a field that does not exist or is asked later than field `at`. Reading only backwards also makes
    /// circles impossible.
    fn earlier(&mut self, at: usize, path: &str, id: &FieldId) {
        if self.flow.fields[..at].iter().any(|field| field.id == *id) {
            return;
        }
        let message = if self.flow.field(id).is_some() {
            format!("reads `{id}`, which is not asked earlier")
        } else {
            format!("reads `{id}`, which is no field of this flow")
        };
        self.report(path, message);
    }

    fn condition(&mut self, at: usize, path: &str, condition: &Condition, depth: usize) {
        if depth > MAX_DEPTH {
            self.report(path, "conditions nest too deeply");
            return;
        }
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                let key = if matches!(condition, Condition::All(_)) { "all" } else { "any" };
                self.require(!parts.is_empty(), path, "combines nothing");
                for (index, part) in parts.iter().enumerate() {
                    self.condition(at, &format!("{path}.{key}[{index}]"), part, depth + 1);
                }
            }
            Condition::Not(part) => self.condition(at, &format!("{path}.not"), part, depth + 1),
            Condition::Equals { field, value } => {
                self.comparison(at, path, field, std::slice::from_ref(value));
            }
            Condition::In { field, values } => {
                self.require(!values.is_empty(), path, "is one of nothing");
                self.comparison(at, path, field, values);
            }
            Condition::Answered { field } => self.earlier(at, path, field),
            Condition::GreaterThan { field, .. }
            | Condition::AtLeast { field, .. }
            | Condition::LessThan { field, .. }
            | Condition::AtMost { field, .. } => {
                self.earlier(at, path, field);
                let kind = self.flow.field(field).map(|field| field.kind);
                let counts = kind.is_none_or(|kind| matches!(kind, FieldType::Number | FieldType::Currency));
                self.require(counts, path, "compares the size of something that is no number");
            }
        }
    }

    fn comparison(&mut self, at: usize, path: &str, field: &FieldId, values: &[Value]) {
        self.earlier(at, path, field);
        let Some(target) = self.flow.field(field) else { return };
        for value in values {
            let fits = match target.kind {
                FieldType::Boolean => value.is_boolean(),
                FieldType::Number => value.is_number(),
                FieldType::Select | FieldType::MultiSelect => {
                    target.options.iter().any(|option| value.as_str() == Some(option.id.as_str()))
                }
                FieldType::Currency | FieldType::BusinessHours | FieldType::File => value.is_object(),
                _ => value.is_string(),
            };
            if !fits {
                self.report(path, format!("`{field}` can never be {value}"));
            }
        }
    }
}

/// 1 to 64 characters of `a-z 0-9 _`, starting with a letter.
fn is_field_id(id: &str) -> bool {
    id.len() <= MAX_ID
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether a conjunction contradicts itself in the obvious ways: one field equal to two values, or something and its
/// opposite at once. Only a `multi_select` can hold two values.
fn is_contradictory(flow: &Flow, condition: &Condition) -> bool {
    let Condition::All(parts) = condition else { return false };
    let opposite = |a: &Condition, b: &Condition| matches!(a, Condition::Not(inner) if **inner == *b);
    let clash = |a: &Condition, b: &Condition| match (a, b) {
        (Condition::Equals { field: x, value: v }, Condition::Equals { field: y, value: w }) => {
            x == y && v != w && flow.field(x).is_some_and(|field| field.kind != FieldType::MultiSelect)
        }
        (Condition::GreaterThan { field: x, value: low }, Condition::LessThan { field: y, value: high }) => {
            x == y && low >= high
        }
        (Condition::AtLeast { field: x, value: low }, Condition::AtMost { field: y, value: high }) => {
            x == y && low > high
        }
        _ => false,
    };
    parts.iter().any(|part| {
        is_contradictory(flow, part)
            || parts.iter().any(|other| opposite(part, other) || clash(part, other) || opposite(other, part))
    })
}
