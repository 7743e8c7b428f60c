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
    /// "Change the appointment to monday": one of the fields that are called so among other things.
    Among { fields: Vec<&'a Field>, text: &'t str },
}

const MARKERS: &[&str] = &[
    "actually",
    "on second thought",
    "on second thoughts",
    "changed my mind",
    "i changed my mind",
    "oh wait",
    "oh no",
    "oops sorry",
    "i misspelled",
    "i misspelled it",
    "i mistyped",
    "i spelled it wrong",
    "i typed it wrong",
    "i got wrong",
    "pensandolo bien",
    "cambie de opinion",
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
    "cancel that",
    "strike that",
    "ignore that",
    "i lied",
    "on reflection",
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
    "mejor",
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
    "move",
    "reschedule",
    "push",
    "switch",
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
    "oh",
    "so",
    "btw",
    "by the way",
    "and",
    "also",
    "oh and",
    "y",
    "ademas",
];
const ARTICLES: &[&str] = &[
    "my", "the", "our", "that", "mi", "el", "la", "los", "las", "mis", "nuestro", "nuestra", "new", "nuevo",
    "nueva",
];
/// Say that not the one we have is meant.
const OTHER: &[&str] = &[
    "the other",
    "my other",
    "our other",
    "another",
    "a different",
    "the different",
    "a new",
    "my new",
    "our new",
    "the new",
    "otro",
    "otra",
    "el otro",
    "la otra",
    "mi otro",
];
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
    "is actually called",
    "actually called",
    "is called",
    "called",
    "is spelled",
    "spelled",
    "is spelt",
    "se escribe",
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
    // "no, 15" puts right what was said before; "no 15" may say no.
    let short =
        words.len() <= 4 && words.rest(1).is_some_and(|rest| rest.contains(|c: char| c.is_ascii_digit()));
    let mut marked = words.matches(0, "no").is_some() && words.ends_in_comma(0) && short;
    at += usize::from(marked);
    // "no, my mistake, it's Pepe"
    let emphatic = words.matches(0, "no").is_some() && words.longest(1, MARKERS).is_some();
    at += usize::from(emphatic && !marked && words.longest(0, MARKERS).is_none());
    while let Some(taken) = words.longest(at, MARKERS).or_else(|| words.longest(at, POLITE)) {
        marked |= words.longest(at, MARKERS).is_some();
        at += taken;
    }
    // "actually no" turns round what was said.
    let turned = ["no", "nope", "yes", "yeah", "yep", "si"].contains(&words.folded(words.len() - 1)?);
    if marked && at >= words.len() && turned {
        return words.rest(words.len() - 1).map(|text| Correction::Unnamed { text });
    }
    let names = Names { words, state, meta };
    if let Some(swap) = names.not_but(at).or_else(|| swap(words, at)) {
        return Some(swap);
    }
    if let Some(taken) = words.longest(at, VERBS) {
        return names.ordered(at + taken);
    }
    if let Some(taken) =
        words.longest(at, &["use", "lets use", "try", "i want to use", "better use", "usa", "mejor usa"])
    {
        return names.other(at + taken);
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
        .or_else(|| names.put_right(at))
        .or_else(|| marked.then(|| names.unnamed(at)).flatten())
        .or_else(|| trailing.map(|text| Correction::Unnamed { text }))
}

/// "not A but B", "not A, B", "B not A" and "B instead of A".
pub(super) fn swap<'a, 't>(words: &Words<'t>, at: usize) -> Option<Correction<'a, 't>> {
    let at = at + words.longest(at, &["its", "it is", "no its", "no", "thats"]).unwrap_or(0);
    let swap = |old: &'t str, new: &'t str| Some(Correction::Swap { old, new });
    let instead = (at + 1..words.len())
        .find_map(|index| Some((index, words.longest(index, &["instead of", "en vez de"])?)));
    if let Some((index, taken)) = instead {
        return swap(words.between(index + taken, words.len())?, words.between(at, index)?);
    }
    let not = (at..words.len()).find(|index| words.matches(*index, "not").is_some())?;
    // "my name's not Bob, it's Rob"
    let put_right =
        (not + 1..words.len().saturating_sub(1)).filter(|index| words.ends_in_comma(*index)).find_map(
            |index| Some((index + 1, words.longest(index + 1, &["its", "it is", "but", "es", "sino"])?)),
        );
    if let Some((end, taken)) = put_right.filter(|_| not > at) {
        return swap(words.between(not + 1, end)?, words.between(end + taken, words.len())?);
    }
    if not > at {
        // "the domain is acme.org, not acme.com"
        let stated = (at..not).rev().find_map(|index| Some(index + words.longest(index, COPULAS)?));
        return swap(words.between(not + 1, words.len())?, words.between(stated.unwrap_or(at), not)?);
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

/// Whether the message says that there is no such thing as `field` asks for: "we don't have a budget", "no logo yet".
pub(super) fn lacks(words: &Words<'_>, field: &Field, state: &SessionState, meta: &SessionMeta) -> bool {
    const NONE: &[&str] = &[
        "no",
        "i dont have a",
        "i dont have an",
        "i dont have any",
        "i dont have my",
        "i dont have",
        "we dont have a",
        "we dont have an",
        "we dont have any",
        "we dont have",
        "dont have a",
        "dont have an",
        "dont have any",
        "there is no",
        "theres no",
        "havent got a",
        "id rather not give",
        "id rather not give you",
        "id rather not share",
        "i dont want to give",
        "i dont want to share",
        "i wont give you",
        "i would rather not give",
        "prefer not to give",
        "prefer not to share",
        "not giving you",
        "prefiero no dar",
        "no quiero dar",
        "no tengo",
        "no tenemos",
        "no hay",
        "sin",
    ];
    let Some(from) = words.longest(0, NONE) else { return false };
    let Some((named, end)) = (Names { words, state, meta }).named(from) else { return false };
    let end = end
        + words
            .longest(end, &["yet", "right now", "at the moment", "todavia", "set", "in mind"])
            .unwrap_or(0);
    named.id == field.id && end == words.len()
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
        let Some((field, after)) = self.named(at) else { return self.called_in_part(at) };
        Some(match self.words.rest(self.skip_connectors(after)) {
            Some(text) => Correction::With { field, text },
            None => Correction::Without { field },
        })
    }

    /// "My name's not Bob, it's Rob", "the day isn't monday but tuesday".
    fn not_but(&self, at: usize) -> Option<Correction<'a, 't>> {
        let (field, end) = self.named(at)?;
        let denied = end + self.words.longest(end, &["is not", "isnt", "not", "no es"])?;
        let text = (denied + 1..self.words.len()).find_map(|index| {
            let joint = self.words.longest(index, &["its", "it is", "but", "sino", "es"])?;
            let apart = self.words.ends_in_comma(index - 1) || self.words.matches(index, "but").is_some();
            if apart { self.words.rest(index + joint) } else { None }
        })?;
        Some(Correction::With { field, text })
    }

    /// A word of several labels and what shall stand there: "the appointment to monday".
    fn called_in_part(&self, at: usize) -> Option<Correction<'a, 't>> {
        const CARRIES_MEANING: usize = 4;
        let at = at + self.words.longest(at, ARTICLES).unwrap_or(0);
        let word = self.words.folded(at).filter(|word| word.len() > CARRIES_MEANING)?;
        let fields: Vec<&'a Field> = self
            .meta
            .flow
            .fields
            .iter()
            .filter(|field| self.state.answer(&field.id).is_some())
            .filter(|field| field.label.split_whitespace().any(|part| fold(part) == word))
            .collect();
        let text = self.words.rest(self.skip_connectors(at + 1))?;
        (!fields.is_empty()).then_some(Correction::Among { fields, text })
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

    /// "use the other number", "use my cell, 415-…"
    fn other(&self, at: usize) -> Option<Correction<'a, 't>> {
        let other = self.words.longest(at, OTHER);
        let (field, after) = self.named(at + other.unwrap_or(0))?;
        match self.words.rest(self.skip_connectors(after)) {
            Some(text) => Some(Correction::With { field, text }),
            None => other.map(|_| Correction::Without { field }),
        }
    }

    /// "I said 12 but it should be 15", "I misspelled my name, it should be Dana Smyth".
    fn put_right(&self, at: usize) -> Option<Correction<'a, 't>> {
        const LONGEST: usize = 16;
        const RIGHT: &[&str] = &[
            "it should be",
            "should be",
            "should have been",
            "shouldve been",
            "i meant",
            "the right one is",
            "the correct one is",
            "its actually",
            "deberia ser",
            "quise decir",
        ];
        let places = at + 1..self.words.len().min(LONGEST);
        let (place, taken) =
            places.into_iter().find_map(|place| Some((place, self.words.longest(place, RIGHT)?)))?;
        let text = self.words.rest(place + taken)?;
        let named = (at..place).find_map(|index| self.named(index)).map(|(field, _)| field);
        Some(named.map_or(Correction::Unnamed { text }, |field| Correction::With { field, text }))
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
        // Of two names that fit the longer one is meant: "phone number" before "phone".
        let by_type = self.by_type(at);
        by_name
            .max_by_key(|(_, end)| *end)
            .filter(|(_, end)| by_type.is_none_or(|(_, other)| other <= *end))
            .or(by_type)
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
        let named = fields.filter_map(|field| Some((field, self.words.longest(at, field.ordinary_names())?)));
        named
            .max_by_key(|(field, taken)| (*taken, self.state.answer(&field.id).map(|answer| answer.seq)))
            .map(|(field, taken)| (field, at + taken))
    }
}
