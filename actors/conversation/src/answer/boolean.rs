//! Yes and no, in the many ways people say them.

use super::words::{Word, longest_phrase, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};
use crate::flow::Field;

/// Plain yes.
const YES: &[&str] = &[
    "yes",
    "y",
    "yeah",
    "yea",
    "yep",
    "yup",
    "yess",
    "yesss",
    "ya",
    "yah",
    "ye",
    "sure",
    "sure thing",
    "for sure",
    "ok",
    "okay",
    "k",
    "kk",
    "of course",
    "absolutely",
    "definitely",
    "certainly",
    "totally",
    "correct",
    "right",
    "thats right",
    "exactly",
    "indeed",
    "affirmative",
    "true",
    "t",
    "si",
    "claro",
    "claro que si",
    "por supuesto",
    "vale",
    "dale",
    "correcto",
    "asi es",
    "why not",
    "no problem",
    "no worries",
    "no doubt",
    "go ahead",
    "sounds good",
    "yes please",
    "please do",
    "works for me",
    "i think so",
    "i guess so",
    "i believe so",
    "uh huh",
    "mhm",
    "1",
    "on",
    "please",
    "got it",
    "perfect",
    "you bet",
    "you know it",
    "afirmativo",
    "desde luego",
    "i suppose so",
    "i suppose",
    "100",
    "yas",
    "yessir",
    "go for it",
    "got one",
    "always",
    "siempre",
    "sip",
    "obvio",
    "bet",
    "fine",
    "thats fine",
    "alright",
    "all right",
    "very much so",
    "im in",
    "love to",
    "count me in",
    "aye",
    "roger",
    "would be great",
    "already do",
    "by all means",
    "that works",
    "lets do it",
    "you got it",
    "hell yeah",
    "as a matter of fact",
    "efectivamente",
    "de acuerdo",
];

/// Plain no.
const NO: &[&str] = &[
    "no",
    "n",
    "nope",
    "nah",
    "naw",
    "noo",
    "nooo",
    "na",
    "negative",
    "negativo",
    "false",
    "f",
    "never",
    "nunca",
    "jamas",
    "para nada",
    "tampoco",
    "not really",
    "not at all",
    "not yet",
    "not now",
    "not today",
    "no way",
    "no thanks",
    "no thank you",
    "of course not",
    "absolutely not",
    "definitely not",
    "certainly not",
    "i dont think so",
    "dont think so",
    "i guess not",
    "i think not",
    "uh uh",
    "nuh uh",
    "0",
    "off",
    "wrong",
    "incorrect",
    "not correct",
    "not right",
    "nay",
    "nop",
    "noup",
    "hardly",
    "i wish",
    "were good",
    "we are good",
    "im good",
    "not particularly",
    "i doubt it",
    "no se puede",
    "claro que no",
    "por supuesto que no",
    "creo que no",
    "todavia no",
    "aun no",
];

/// Words that say yes only when nothing says no: "we do", "I have".
const LEANS_YES: [&str; 11] =
    ["would", "do", "have", "am", "are", "is", "will", "can", "does", "has", "want"];

/// Words that turn the sentence to no: "we don't", "I haven't any".
const LEANS_NO: [&str; 22] = [
    "not", "dont", "doesnt", "didnt", "havent", "hasnt", "isnt", "arent", "wont", "cant", "cannot",
    "wouldnt", "shouldnt", "nothing", "none", "neither", "without", "aint", "wasnt", "dnt", "nada",
    "ninguno",
];

/// Neither yes nor no, whatever else is said.
const UNSURE: [&str; 17] = [
    "maybe",
    "perhaps",
    "not sure",
    "unsure",
    "idk",
    "dunno",
    "dont know",
    "depends",
    "it depends",
    "possibly",
    "quizas",
    "tal vez",
    "a lo mejor",
    "no se",
    "sometimes",
    "no idea",
    "yes and no",
];

const THUMBS_UP: [&str; 7] = ["👍", "✅", "👌", "💯", "🙌", "🆗", "✔"];
const THUMBS_DOWN: [&str; 4] = ["👎", "❌", "🚫", "✖"];

pub(super) fn parse(text: &str, _: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let words: Vec<Word> = words(text).into_iter().map(unstretched).collect();
    polarity(&words).map(AnswerValue::Boolean).ok_or(Cause::NotRecognised)
}

/// "yesss" and "nopee" without what was drawn out.
fn unstretched(word: Word) -> Word {
    const DRAWN_OUT: [&str; 11] =
        ["yes", "yeah", "yep", "yup", "no", "nope", "nah", "sure", "ok", "si", "yea"];
    let mut letters: Vec<char> = word.text.chars().collect();
    letters.dedup();
    let text: String = letters.into_iter().collect();
    if DRAWN_OUT.contains(&text.as_str()) { Word { text, ..word } } else { word }
}

/// Whether the words say yes or no, if they say one of them.
fn polarity(words: &[Word]) -> Option<bool> {
    let (mut yes, mut no, mut leans_yes, mut leans_no) = (false, false, false, false);
    let mut at = 0;
    while at < words.len() {
        if longest_phrase(words, at, &UNSURE).is_some() {
            return None;
        }
        let said_yes = longest_phrase(words, at, YES);
        let said_no = longest_phrase(words, at, NO);
        let length = |phrase: Option<(&str, usize)>| phrase.map_or(0, |(_, length)| length);
        let word = &words[at];
        if length(said_no) > length(said_yes) {
            no = true;
        } else if said_yes.is_some() {
            // "not ok", "not sure thing": the word before turns it round.
            if at > 0 && words[at - 1].is_any(&LEANS_NO) { leans_no = true } else { yes = true }
        } else if word.is_any(&THUMBS_UP) {
            yes = true;
        } else if word.is_any(&THUMBS_DOWN) {
            no = true;
        }
        leans_yes |= word.is_any(&LEANS_YES);
        leans_no |= word.is_any(&LEANS_NO);
        at += length(said_yes).max(length(said_no)).max(1);
    }
    match (yes, no) {
        (true, true) => None,
        // "sure, we don't mind" and "right, we don't": the verb decides unless yes was said in so many words.
        (true, false) => (!leans_no || words[0].is_any(&["yes", "yeah", "yep", "yup", "si"])).then_some(true),
        (false, true) => Some(false),
        (false, false) if leans_no => Some(false),
        (false, false) => short_reply(words, leans_yes).then_some(true),
    }
}

/// Verbs of having and being, and of wishing: a statement with the one says nothing about the other.
const HAS: [&str; 14] =
    ["have", "has", "got", "is", "its", "are", "do", "am", "im", "tenemos", "tengo", "es", "hay", "esta"];
const WISHES: [&str; 9] =
    ["want", "wants", "need", "needs", "like", "interested", "queremos", "quiero", "necesitamos"];

/// The yes or no of a short statement about what a field is called: "we don't have a website", "not urgent".
pub(super) fn about(statement: &[Word], field: &Field) -> Option<bool> {
    const LONGEST: usize = 9;
    const GENERAL: [&str; 12] = [
        "have", "does", "want", "wants", "need", "needs", "existing", "current", "your", "with", "tiene",
        "quiere",
    ];
    let label = words(&format!("{} {}", field.label, field.id.as_str().replace('_', " ")));
    let subject = label
        .iter()
        .filter(|word| word.is_letters() && word.text.len() > 3 && !word.is_any(&GENERAL))
        .find_map(|word| statement.iter().position(|said| said.text == word.text))?;
    let asked = words(&format!("{} {}", field.label, field.prompt));
    let any = |words: &[Word], list: &[&str]| words.iter().any(|word| word.is_any(list));
    if statement.len() > LONGEST || any(statement, &WISHES) != any(&asked, &WISHES) || any(statement, &["?"])
    {
        return None;
    }
    let before = &statement[..subject];
    let denies = any(before, &LEANS_NO) || any(before, &["no", "sin"]);
    let affirms = any(before, &HAS) || any(before, &WISHES);
    (denies || affirms).then_some(!denies)
}

/// "I do", "we have": a pronoun and a verb, without a message around them.
fn short_reply(words: &[Word], leans_yes: bool) -> bool {
    const FILLER: [&str; 8] =
        ["already", "still", "currently", "actually", "one", "some", "definitely", "now"];
    let letters = || words.iter().filter(|word| word.is_letters() && !word.is_any(&FILLER));
    leans_yes
        && letters().count() <= 3
        && letters().any(|word| word.is_any(&["i", "we", "it", "they", "you", "he", "she"]))
}
