//! Every sentence the bot says, from one file per language with variables, plurals and variants.
//!
//! A sentence is a text with `{variables}`; a list of such texts, of which one is taken by turn so that the bot does
//! not sound like a stamp; or a pair `{"one", "other"}` chosen by the number in `{n}`.

mod sentence;
mod template;

use std::sync::LazyLock;

pub use sentence::Sentence;
use template::{Entry, Template};

/// A variable of a sentence and its value.
pub type Variable<'a> = (&'a str, &'a str);

/// The sentences of one language.
#[derive(Debug)]
pub struct Catalogue {
    language: &'static str,
    entries: Vec<Entry>,
}

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load("en", include_str!("en.json")));
static SPANISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load("es", include_str!("es.json")));

impl Catalogue {
    /// The catalogue for a locale such as `en`, `es` or `es-MX`; English when we do not speak it.
    pub fn of(locale: &str) -> &'static Self {
        match locale.split(['-', '_']).next() {
            Some("es") => &SPANISH,
            Some(_) | None => &ENGLISH,
        }
    }

    /// The language it is written in.
    pub const fn language(&self) -> &'static str {
        self.language
    }

    /// The sentence with its variables filled in.
    pub fn say(&self, sentence: Sentence, variables: &[Variable<'_>]) -> String {
        self.entry(sentence).first().fill(variables)
    }

    /// One of the sentence's variants, taken by `turn`.
    pub fn vary(&self, sentence: Sentence, turn: u64) -> String {
        self.entry(sentence).variant(turn).fill(&[])
    }

    /// The sentence in the form that fits the count `n`, which it may name as `{n}`.
    pub fn count(&self, sentence: Sentence, n: u64, variables: &[Variable<'_>]) -> String {
        let digits = n.to_string();
        let mut all = Vec::with_capacity(variables.len() + 1);
        all.push(("n", digits.as_str()));
        all.extend_from_slice(variables);
        self.entry(sentence).plural(n).fill(&all)
    }

    /// `a`, `a and b`, `a, b and c`.
    pub fn list<S: AsRef<str>>(&self, items: &[S], joint: Sentence) -> String {
        let mut out = String::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(if index + 1 == items.len() {
                    self.entry(joint).first().as_plain()
                } else {
                    ", "
                });
            }
            out.push_str(item.as_ref());
        }
        out
    }

    fn load(language: &'static str, json: &str) -> Self {
        let mut file: std::collections::HashMap<String, Entry> =
            serde_json::from_str(json).expect("the language files are compiled in and tested");
        let entries = Sentence::ALL
            .iter()
            .map(|sentence| file.remove(sentence.key()).expect("every sentence is in every language file"))
            .collect();
        Self { language, entries }
    }

    fn entry(&self, sentence: Sentence) -> &Entry {
        &self.entries[sentence as usize]
    }
}

/// `text` with every `{name}` replaced by what `value` knows of it; unknown names stay as they are.
pub fn fill_text(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    Template::parse(text).fill_with(|name, out| {
        if let Some(value) = value(name) {
            out.push_str(&value);
        } else {
            out.push('{');
            out.push_str(name);
            out.push('}');
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn keys(json: &str) -> BTreeSet<String> {
        let file: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap();
        file.into_keys().collect()
    }

    #[test]
    fn every_language_has_exactly_the_sentences_of_the_list() {
        let wanted: BTreeSet<String> =
            Sentence::ALL.iter().map(|sentence| sentence.key().to_owned()).collect();
        assert_eq!(keys(include_str!("en.json")), wanted);
        assert_eq!(keys(include_str!("es.json")), wanted);
    }

    #[test]
    fn a_sentence_takes_the_same_variables_in_every_language() {
        for &sentence in Sentence::ALL {
            let english = ENGLISH.entry(sentence).variables();
            assert_eq!(english, SPANISH.entry(sentence).variables(), "{}", sentence.key());
        }
    }

    #[test]
    fn counts_choose_the_plural_form() {
        let catalogue = Catalogue::of("en");
        assert!(catalogue.count(Sentence::ErrorTooShort, 1, &[("example", "x")]).contains("at least one"));
        assert!(catalogue.count(Sentence::ErrorTooShort, 3, &[("example", "x")]).contains("at least 3"));
    }

    #[test]
    fn variants_take_turns() {
        let catalogue = Catalogue::of("es-MX");
        assert_ne!(catalogue.vary(Sentence::Ack, 1), catalogue.vary(Sentence::Ack, 2));
        assert_eq!(catalogue.language(), "es");
    }

    #[test]
    fn lists_read_like_speech() {
        let catalogue = Catalogue::of("en");
        assert_eq!(catalogue.list(&["a"], Sentence::ListAnd), "a");
        assert_eq!(catalogue.list(&["a", "b", "c"], Sentence::ListAnd), "a, b and c");
        assert_eq!(Catalogue::of("es").list(&["a", "b"], Sentence::ListOr), "a o b");
    }

    #[test]
    fn unknown_names_in_a_prompt_stay_visible() {
        let filled = fill_text("Hi {name}, {other}!", |name| (name == "name").then(|| "Dana".to_owned()));
        assert_eq!(filled, "Hi Dana, {other}!");
    }
}
