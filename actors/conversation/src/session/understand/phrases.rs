//! What people say when they do not answer: whole messages, folded, looked up by meaning.
//!
//! The phrases stand in `en.txt` and `es.txt`. Both languages are understood whatever the session speaks.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

macro_rules! meanings {
    ($($(#[$doc:meta])* $name:ident = $section:literal,)*) => {
        /// What a phrase can mean. A phrase can have several meanings; the state tells which counts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Meaning { $($(#[$doc])* $name,)* }

        impl Meaning {
            fn of_section(section: &str) -> Option<Self> {
                match section {
                    $($section => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

meanings! {
    Skip = "skip",
    /// There is nothing to answer with. An answer in itself where words are wanted.
    None = "none",
    Back = "back",
    Repeat = "repeat",
    Help = "help",
    Why = "why",
    Unsure = "unsure",
    Status = "status",
    Link = "link",
    Later = "later",
    Human = "human",
    /// A person, unless the question wants words: these may be somebody's occupation.
    HumanOrOccupation = "human_or_occupation",
    Keep = "keep",
    Yes = "yes",
    No = "no",
    Greeting = "greeting",
    Thanks = "thanks",
    Ready = "ready",
    Bot = "bot",
    Laugh = "laugh",
    /// Is it safe to answer?
    Safe = "safe",
    /// Anger, at us or at the questions.
    Upset = "upset",
    /// The number belongs to somebody else.
    WrongPerson = "wrong_person",
    /// They are about to ask something.
    Question = "question",
    /// What do you have so far?
    Summary = "summary",
    PickFirst = "pick_first",
    PickSecond = "pick_second",
    PickLast = "pick_last",
    Morning = "morning",
    Evening = "evening",
    /// How a question begins.
    Interrogative = "interrogatives",
}

/// A set of meanings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Meanings(u32);

impl Meanings {
    const fn has(self, meaning: Meaning) -> bool {
        self.0 & (1 << meaning as u32) != 0
    }

    const fn add(&mut self, meaning: Meaning) {
        self.0 |= 1 << meaning as u32;
    }
}

/// What a message says as a whole, and what it says without the politeness around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    whole: Meanings,
    core: Meanings,
    begins: Meanings,
    words: usize,
}

impl Said {
    /// What a long message says as a phrase.
    pub(super) const NOTHING: Self =
        Self { whole: Meanings(0), core: Meanings(0), begins: Meanings(0), words: 0 };

    /// Looks the folded line up.
    pub(super) fn of(line: &str) -> Self {
        let book = &*BOOK;
        let first = line.split(' ').next().unwrap_or(line);
        Self {
            whole: book.meanings(line),
            core: book.core_meanings(line),
            begins: book.meanings(first),
            words: line.split(' ').count(),
        }
    }

    /// Whether the message was short enough to be a phrase at all.
    pub(super) const fn is_short(self) -> bool {
        self.words > 0
    }

    /// Whether it is worded as a question; one word is more likely an echo.
    pub(super) const fn is_question(self) -> bool {
        self.words > 1 && self.begins_with(Meaning::Interrogative)
    }

    /// Whether it means this, politely or not.
    pub(super) const fn is(self, meaning: Meaning) -> bool {
        self.whole.has(meaning) || self.core.has(meaning)
    }

    /// Whether it means this as it stands.
    pub(super) const fn is_exactly(self, meaning: Meaning) -> bool {
        self.whole.has(meaning)
    }

    /// Whether its first word means this.
    pub(super) const fn begins_with(self, meaning: Meaning) -> bool {
        self.begins.has(meaning)
    }
}

/// Whether a short line asks for a person, wherever in it.
pub(super) fn asks_for_a_person(line: &str) -> bool {
    stands_in(&HUMAN_INSIDE, line)
}

/// Whether a line says that somebody is in danger now.
pub(super) fn tells_of_danger(line: &str) -> bool {
    stands_in(&DANGER_INSIDE, line)
}

/// Whether a short line puts it off, wherever in it.
pub(super) fn puts_off(line: &str) -> bool {
    stands_in(&LATER_INSIDE, line)
}

/// Whether one of the phrases stands in the line, in whole words: "call me in" is not in "call me instead".
fn stands_in(phrases: &AhoCorasick, line: &str) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b' ');
    let bytes = line.as_bytes();
    phrases.find_overlapping_iter(line).any(|found| {
        let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
        !joins(before) && !joins(bytes.get(found.end()))
    })
}

/// Looks for all of the phrases in one pass over a line.
fn one_pass(phrases: &[&'static str]) -> AhoCorasick {
    AhoCorasick::new(phrases).expect("some hundred short phrases make a small automaton")
}

static HUMAN_INSIDE: LazyLock<AhoCorasick> = LazyLock::new(|| one_pass(&BOOK.human_inside));
static DANGER_INSIDE: LazyLock<AhoCorasick> = LazyLock::new(|| one_pass(&BOOK.danger_inside));
static LATER_INSIDE: LazyLock<AhoCorasick> = LazyLock::new(|| one_pass(&BOOK.later_inside));
static BOOK: LazyLock<Book> = LazyLock::new(|| Book::read(&[include_str!("en.txt"), include_str!("es.txt")]));

/// Every phrase of both languages.
#[derive(Debug, Default)]
struct Book {
    meanings: HashMap<&'static str, Meanings>,
    /// Ask for a person wherever they stand in a short message.
    human_inside: Vec<&'static str>,
    /// Tell of danger wherever they stand.
    danger_inside: Vec<&'static str>,
    /// Put the questions off wherever they stand in a short message.
    later_inside: Vec<&'static str>,
    /// Words around a phrase that do not change it: "can you please repeat that, thanks" is "repeat".
    fillers_before: Vec<&'static str>,
    fillers_after: Vec<&'static str>,
}

impl Book {
    fn read(files: &[&'static str]) -> Self {
        let mut book = Self::default();
        for file in files {
            let mut section = "";
            for line in file.lines().filter(|line| !line.starts_with('#')) {
                match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                    Some(name) => section = name,
                    None => line
                        .split('|')
                        .map(str::trim)
                        .filter(|p| !p.is_empty())
                        .for_each(|p| book.enter(section, p)),
                }
            }
        }
        book
    }

    fn enter(&mut self, section: &str, phrase: &'static str) {
        match section {
            "human_inside" => self.human_inside.push(phrase),
            "danger_inside" => self.danger_inside.push(phrase),
            "later_inside" => self.later_inside.push(phrase),
            "fillers_before" => self.fillers_before.push(phrase),
            "fillers_after" => self.fillers_after.push(phrase),
            _ => {
                let meaning =
                    Meaning::of_section(section).expect("the phrase files are compiled in and tested");
                self.meanings.entry(phrase).or_default().add(meaning);
            }
        }
    }

    fn meanings(&self, line: &str) -> Meanings {
        self.meanings.get(line).copied().unwrap_or_default()
    }

    /// What the line means without some or all of the politeness around it.
    fn core_meanings(&self, line: &str) -> Meanings {
        let mut meanings = Meanings::default();
        let mut core = line;
        loop {
            meanings.0 |= self.meanings(core).0;
            let shorter = self
                .fillers_before
                .iter()
                .find_map(|filler| core.strip_prefix(filler)?.strip_prefix(' '))
                .or_else(|| {
                    self.fillers_after.iter().find_map(|filler| core.strip_suffix(filler)?.strip_suffix(' '))
                });
            match shorter {
                Some(shorter) => core = shorter,
                None => return meanings,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Words;
    use super::*;

    #[test]
    fn politeness_around_a_phrase_is_not_part_of_it() {
        for (line, meaning) in [
            ("can you please repeat that again thanks", Meaning::Repeat),
            ("por favor repite eso", Meaning::Repeat),
            ("could you repeat that", Meaning::Repeat),
            ("call me please", Meaning::Human),
            ("wait go back", Meaning::Back),
        ] {
            assert!(Said::of(line).is(meaning), "{line}");
        }
        assert!(!Said::of("please").is(Meaning::Repeat));
    }

    #[test]
    fn every_phrase_is_written_as_the_folding_leaves_it() {
        let others = BOOK
            .human_inside
            .iter()
            .chain(&BOOK.later_inside)
            .chain(&BOOK.danger_inside)
            .chain(&BOOK.fillers_before)
            .chain(&BOOK.fillers_after);
        for phrase in BOOK.meanings.keys().chain(others) {
            assert_eq!(Words::of(phrase).line(), *phrase);
        }
    }
}
