//! Texts with variables, and the ways a sentence can have several of them.

use serde::Deserialize;

use super::Variable;

/// A text cut at its `{variables}`.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    Variable(Box<str>),
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl Template {
    /// Cuts `text`; a brace without its partner is text.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(Part::Variable(name.into()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Self { parts }
    }

    /// The text with `value` writing each variable.
    pub(super) fn fill_with(&self, value: impl Fn(&str, &mut String)) -> String {
        let mut out = String::with_capacity(96);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name) => value(name, &mut out),
            }
        }
        out
    }

    /// The text with these variables; one that is not given is left out.
    pub(super) fn fill(&self, variables: &[Variable<'_>]) -> String {
        self.fill_with(|name, out| {
            let known = variables.iter().find(|(known, _)| *known == name);
            debug_assert!(known.is_some(), "the variable {name} is not given");
            out.push_str(known.map_or("", |(_, value)| value));
        })
    }

    /// The text of a template without variables.
    pub(super) fn as_plain(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            Some(Part::Variable(_)) | None => "",
        }
    }
}

/// A sentence as it stands in a language file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Entry {
    One(Template),
    Variants(Vec<Template>),
    Plural { one: Template, other: Template },
}

impl Entry {
    pub(super) fn first(&self) -> &Template {
        self.variant(0)
    }

    pub(super) fn variant(&self, turn: u64) -> &Template {
        match self {
            Self::One(template) | Self::Plural { other: template, .. } => template,
            Self::Variants(all) => {
                let count = u64::try_from(all.len()).unwrap_or(1);
                &all[usize::try_from(turn % count).unwrap_or(0)]
            }
        }
    }

    pub(super) fn plural(&self, n: u64) -> &Template {
        match self {
            Self::Plural { one, .. } if n == 1 => one,
            Self::One(_) | Self::Variants(_) | Self::Plural { .. } => self.first(),
        }
    }

    #[cfg(test)]
    pub(super) fn variables(&self) -> std::collections::BTreeSet<&str> {
        let templates: Vec<&Template> = match self {
            Self::One(template) => vec![template],
            Self::Variants(all) => all.iter().collect(),
            Self::Plural { one, other } => vec![one, other],
        };
        let parts = templates.into_iter().flat_map(|template| &template.parts);
        parts
            .filter_map(|part| match part {
                Part::Variable(name) => Some(&**name),
                Part::Text(_) => None,
            })
            .collect()
    }
}
