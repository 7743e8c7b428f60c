//! Corrections in words: "actually my number is …", "change the website to …", "my email is wrong", "no wait, it's …".

use crate::flow::Field;
use crate::session::reading;
use crate::session::state::{SessionMeta, SessionState};

use super::words::{Words, fold};

/// A correction as it was worded.
#[derive(Debug)]
pub(super) enum Correction<'a, 't> {
    /// "Change the website."
    Without { field: &'a Field },
    /// "Change the website to acme.com": can only be this.
    With { field: &'a Field, text: &'t str },
    /// "My website is acme.com": if it parses.
    Statement { field: &'a Field, text: &'t str },
    /// ".com not .org", "not 0142, 0143", "not heaters but leaks": a part of the last answer.
    Swap { old: &'t str, new: &'t str },
    /// "No wait, it's acme.com": most likely about the last answer.
    Unnamed { text: &'t str },
}

const MARKERS: &[&str] = &[
    "actually",
    "no wait",
    "wait no",
    "wait",
    "no sorry",
    "sorry",
    "oops",
    "whoops",
    "correction",
    "i meant",
    "i mean",
    "i meant to say",
    "scratch that",
    "my bad",
    "my mistake",
    "no actually",
    "actually no",
    "no its",
    "typo",
    "sorry i meant",
    "made a mistake",
    "i made a mistake",
    "en realidad",
    "perdon",
    "espera",
    "no espera",
    "digo",
    "quise decir",
    "queria decir",
    "me equivoque",
    "correccion",
    "mejor dicho",
    "no perdon",
    "ups",
    "hold on",
    "make that",
    "make it",
    "change that to",
    "change it to",
    "switch it to",
    "switch that to",
    "move it to",
    "let me change that to",
    "i should have said",
    "that should be",
    "it should be",
    "should be",
];
const VERBS: &[&str] = &[
    "change",
    "update",
    "edit",
    "fix",
    "correct",
    "redo",
    "replace",
    "modify",
    "cambia",
    "cambiar",
    "cambie",
    "cambiame",
    "corrige",
    "corregir",
    "actualiza",
    "actualizar",
    "modifica",
    "modificar",
    "edita",
    "editar",
    "arregla",
    "go back to",
    "back to",
    "return to",
    "revisit",
    "volver a",
];
const POLITE: &[&str] = &[
    "can you",
    "could you",
    "can i",
    "could i",
    "can we",
    "please",
    "i want to",
    "i need to",
    "i would like to",
    "id like to",
    "let me",
    "lets",
    "puedes",
    "podrias",
    "puedo",
    "quiero",
    "quisiera",
    "necesito",
    "por favor",
    "hi",
    "hey",
    "ok",
    "hola",
];
const ARTICLES: &[&str] =
    &["my", "the", "our", "that", "mi", "el", "la", "los", "las", "mis", "nuestro", "nuestra"];
const CONNECTORS: &[&str] = &[
    "to",
    "is",
    "its",
    "it is",
    "should be",
    "should actually be",
    "is actually",
    "is really",
    "is now",
    "as",
    "with",
    "needs to be",
    "it should be",
    "its actually",
    "be",
    "a",
    "por",
    "es",
    "deberia ser",
    "ahora es",
    "que sea",
    "are",
    "was",
    "son",
    "answer to",
    "number to",
    "address to",
    "and its",
    "because its",
];
/// The connectors that state something all by themselves: "my email is …".
const COPULAS: &[&str] = &[
    "is",
    "its",
    "are",
    "was",
    "it is",
    "should be",
    "needs to be",
    "es",
    "son",
    "deberia ser",
    "ahora es",
    "called",
    "actually is",
];
const WRONG: &[&str] = &[
    "is wrong",
    "was wrong",
    "are wrong",
    "is incorrect",
    "is not right",
    "isnt right",
    "is not correct",
    "isnt correct",
    "has changed",
    "changed",
    "has a typo",
    "was a typo",
    "needs to change",
    "esta mal",
    "estan mal",
    "es incorrecto",
    "es incorrecta",
    "cambio",
    "no es correcto",
    "no es correcta",
    "is outdated",
    "is old",
    "i gave you is wrong",
    "i gave is wrong",
];
const WRONG_BEFORE: &[&str] = &[
    "wrong",
    "thats the wrong",
    "that is the wrong",
    "i gave you the wrong",
    "i gave the wrong",
    "i typed the wrong",
    "i put the wrong",
    "incorrect",
];

/// How many words at the start only announce that something is corrected.
pub(super) fn lead_in(words: &Words<'_>) -> usize {
    let mut at = 0;
    while let Some(taken) = words.longest(at, MARKERS).or_else(|| words.longest(at, &["no", "nope", "not"])) {
        at += taken;
    }
    at + words.longest(at, CONNECTORS).or_else(|| words.longest(at, &["thats", "use", "try"])).unwrap_or(0)
}

/// The correction in the message, if it is worded as one.
pub(super) fn find<'a, 't>(
    words: &Words<'t>,
    state: &SessionState,
    meta: &'a SessionMeta,
) -> Option<Correction<'a, 't>> {
    if words.len() < 2 {
        return None;
    }
    let mut at = 0;
    let mut marked = false;
    while let Some(taken) = words.longest(at, MARKERS).or_else(|| words.longest(at, POLITE)) {
        marked |= words.longest(at, MARKERS).is_some();
        at += taken;
    }
    if let Some(swap) = swap(words, at) {
        return Some(swap);
    }
    let names = Names { words, state, meta };
    if let Some(taken) = words.longest(at, VERBS) {
        return names.ordered(at + taken);
    }
    if let Some(taken) = words.longest(at, WRONG_BEFORE) {
        return names.named(at + taken).map(|(field, after)| {
            match words.rest(names.skip_connectors(after)) {
                Some(text) => Correction::With { field, text },
                None => Correction::Without { field },
            }
        });
    }
    // "the third one actually", "friday instead": the marker may stand behind.
    let trailing = words.trimmed_of(at, &["actually", "instead", "rather", "sorry"]);
    names
        .stated(at, marked)
        .or_else(|| marked.then(|| names.unnamed(at)).flatten())
        .or_else(|| trailing.map(|text| Correction::Unnamed { text }))
}

/// "not A but B", "not A, B" and "B not A".
fn swap<'a, 't>(words: &Words<'t>, at: usize) -> Option<Correction<'a, 't>> {
    let at = at + words.longest(at, &["its", "it is", "no its", "no", "thats"]).unwrap_or(0);
    let swap = |old: &'t str, new: &'t str| Some(Correction::Swap { old, new });
    let not = (at..words.len()).find(|index| words.matches(*index, "not").is_some())?;
    if not > at {
        return swap(words.between(not + 1, words.len())?, words.between(at, not)?);
    }
    let but = (not + 2..words.len()).find(|index| words.matches(*index, "but").is_some());
    let (end, start) = if let Some(but) = but {
        (but, but + 1)
    } else {
        let comma = (not + 1..words.len().saturating_sub(1)).find(|index| words.ends_in_comma(*index))?;
        (comma + 1, comma + 1)
    };
    let start = start + words.longest(start, &["its", "it is"]).unwrap_or(0);
    swap(words.between(not + 1, end)?, words.between(start, words.len())?)
}

/// The fields as they are called in a message.
pub(super) struct Names<'w, 't, 's, 'a> {
    pub(super) words: &'w Words<'t>,
    pub(super) state: &'s SessionState,
    pub(super) meta: &'a SessionMeta,
}

impl<'t, 'a> Names<'_, 't, '_, 'a> {
    /// "change … (to …)"
    fn ordered(&self, at: usize) -> Option<Correction<'a, 't>> {
        let (field, after) = self.named(at)?;
        Some(match self.words.rest(self.skip_connectors(after)) {
            Some(text) => Correction::With { field, text },
            None => Correction::Without { field },
        })
    }

    /// "my … is wrong(, it's …)" or "my … is …"
    fn stated(&self, at: usize, marked: bool) -> Option<Correction<'a, 't>> {
        let (field, after) = self.named(at)?;
        if let Some(taken) = self.words.longest(after, WRONG) {
            return Some(match self.words.rest(self.skip_connectors(after + taken)) {
                Some(text) => Correction::With { field, text },
                None => Correction::Without { field },
            });
        }
        let value = self.skip_connectors(after);
        let stated = self.words.longest(after, COPULAS).is_some() || self.words.ends_in_colon(after - 1);
        if !stated && !marked {
            return None;
        }
        let text = self.words.rest(value)?;
        Some(if marked { Correction::With { field, text } } else { Correction::Statement { field, text } })
    }

    fn unnamed(&self, at: usize) -> Option<Correction<'a, 't>> {
        let text = self.words.rest(self.skip_connectors(at))?;
        Some(Correction::Unnamed { text })
    }

    fn skip_connectors(&self, at: usize) -> usize {
        let mut at = at;
        while let Some(taken) = self.words.longest(at, CONNECTORS) {
            at += taken;
        }
        at
    }

    /// The field that is named at this word, and where its name ends.
    pub(super) fn named(&self, at: usize) -> Option<(&'a Field, usize)> {
        let at = at + self.words.longest(at, ARTICLES).unwrap_or(0);
        let asked = |field: &&'a Field| reading::is_visible(self.state, field);
        let by_name = self.meta.flow.fields.iter().filter(asked).filter_map(|field| {
            let taken =
                self.label(at, &field.label).max(self.label(at, &field.id.as_str().replace('_', " ")))?;
            Some((field, at + taken))
        });
        by_name.max_by_key(|(_, end)| *end).or_else(|| self.by_type(at))
    }

    /// Whether the words of a label stand here; "my" and the like inside it do not matter.
    fn label(&self, at: usize, label: &str) -> Option<usize> {
        let mut taken = 0;
        for word in label.split_whitespace().map(fold).filter(|word| !ARTICLES.contains(&word.as_str())) {
            if self.words.folded(at + taken)? != word {
                return None;
            }
            taken += 1;
        }
        (taken > 0).then_some(taken)
    }

    /// "my number", "the site": the ordinary name of a type. Of several fields of that type, the one answered last.
    fn by_type(&self, at: usize) -> Option<(&'a Field, usize)> {
        let fields = self.meta.flow.fields.iter().filter(|field| reading::is_visible(self.state, field));
        let named =
            fields.filter_map(|field| Some((field, self.words.longest(at, field.ordinary_names())?)));
        named
            .max_by_key(|(field, taken)| (*taken, self.state.answer(&field.id).map(|answer| answer.seq)))
            .map(|(field, taken)| (field, at + taken))
    }
}
