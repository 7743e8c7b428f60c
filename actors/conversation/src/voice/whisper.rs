//! What a person hears before a caller is put through to them.

use crate::catalogue::{Catalogue, Sentence};
use crate::session::{SessionMeta, SessionState};

/// Answers that are named: the caller waits meanwhile.
const MOST_ANSWERS: usize = 6;
/// The longest of them, in characters.
const LONGEST_ANSWER: usize = 80;

/// Who calls, what is known of them, and which key takes the call, in the language `locale` of whoever listens. What is
/// private is not said.
pub fn whisper(meta: &SessionMeta, state: &SessionState, locale: &str) -> String {
    let catalogue = Catalogue::of(locale);
    let mut words = catalogue.say(Sentence::WhisperOrg, &[("org", &meta.org_name)]);
    let mut add = |sentence: &str| {
        words.push(' ');
        words.push_str(sentence);
    };
    if !meta.contact_name.is_empty() {
        add(&catalogue.say(Sentence::WhisperCaller, &[("name", &meta.contact_name)]));
    }
    let known = meta.flow.fields.iter().filter_map(|field| Some((field, state.answer(&field.id)?)));
    for (field, answer) in known.filter(|(field, _)| !field.sensitive).take(MOST_ANSWERS) {
        let value: String =
            answer.value.display(&field.options, locale).chars().take(LONGEST_ANSWER).collect();
        add(&format!("{}: {value}.", field.label));
    }
    add(&catalogue.say(Sentence::WhisperAccept, &[]));
    words
}
