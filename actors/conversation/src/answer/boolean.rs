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
    "sure thing",
    "for sure",
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
    "no doubt",
    "afraid so",
    "without a doubt",
    "without doubt",
    "no question",
    "without question",
    "dont see why not",
    "i dont see why not",
    "go ahead",
    "yes please",
    "please do",
    "works for me",
    "i think so",
    "i guess so",
    "i believe so",
    "uh huh",
    "mhm",
    "1",
    "you bet",
    "you betcha",
    "yeppers",
    "ofc",
    "i reckon so",
    "guess so",
    "oui",
    "fo sho",
    "duh",
    "naturally",
    "10 4",
    "yse",
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
    "very much so",
    "im in",
    "count me in",
    "aye",
    "roger",
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

/// Courtesy that says yes, unless a no stands beside it: "no problem, no", "I'd love to but no", "ok, no".
const POLITE_YES: &[&str] = &[
    "sure",
    "ok",
    "okay",
    "okey dokey",
    "okie dokie",
    "okie",
    "k",
    "kk",
    "no problem",
    "no problemo",
    "no prob",
    "no probs",
    "not a problem",
    "np",
    "no worries",
    "no biggie",
    "no objection",
    "no objections",
    "i dont mind",
    "dont mind",
    "we dont mind",
    "i wouldnt mind",
    "wouldnt mind",
    "i guess",
    "sounds good",
    "please",
    "got it",
    "perfect",
    "fine",
    "thats fine",
    "its fine",
    "alright",
    "all right",
    "love to",
    "would be great",
    "mm hmm",
    "mmhmm",
    "sin problema",
    "no hay problema",
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
    "negatory",
    "hard pass",
    "nein",
    "nel",
    "doubtful",
    "not a chance",
    "sure dont",
    "sure do not",
    "afraid not",
    "ni hablar",
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
    let words: Vec<Word> = words(text).into_iter().filter(|word| !word.is("-")).map(unstretched).collect();
    // A switch says it with one word.
    let switched = words.len() == 1 && words[0].is("on");
    let said = if switched { Some(true) } else { polarity(&words) };
    said.map(AnswerValue::Boolean).ok_or(Cause::NotRecognised)
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
    let (mut yes, mut polite, mut no, mut leans_yes, mut leans_no) = (false, false, false, false, false);
    let mut at = 0;
    while at < words.len() {
        if longest_phrase(words, at, &UNSURE).is_some() {
            return None;
        }
        let length = |phrases| longest_phrase(words, at, phrases).map_or(0, |(_, length)| length);
        let (said_yes, said_politely, said_no) = (length(YES), length(POLITE_YES), length(NO));
        let word = &words[at];
        if said_no > said_yes.max(said_politely) {
            no = true;
        } else if said_yes.max(said_politely) > 0 {
            // "not ok", "not sure thing": the word before turns it round.
            if at > 0 && words[at - 1].is_any(&LEANS_NO) {
                leans_no = true;
            } else if said_yes >= said_politely {
                yes = true;
            } else {
                polite = true;
            }
        } else if word.is_any(&THUMBS_UP) {
            yes = true;
        } else if word.is_any(&THUMBS_DOWN) {
            no = true;
        }
        let said = said_yes.max(said_politely).max(said_no);
        leans_yes |= word.is_any(&LEANS_YES);
        // "not a problem" holds no "not" that counts.
        leans_no |= word.is_any(&LEANS_NO) && said_no >= said_yes.max(said_politely);
        at += said.max(1);
    }
    match (yes, polite, no) {
        (true, _, true) => None,
        // "sure, we don't mind" and "right, we don't": the verb decides unless yes was said in so many words.
        (true, _, false) | (false, true, false) => {
            (!leans_no || words[0].is_any(&["yes", "yeah", "yep", "yup", "si"])).then_some(true)
        }
        // "no, we do" says both.
        (false, _, true) => {
            let takes_back = |at| longest_phrase(words, at, &["i do", "we do"]).is_some();
            (leans_no || !(1..words.len()).any(takes_back)).then_some(false)
        }
        // "We can't go over 1800" answers something else.
        (false, false, false) if leans_no => is_brief(words).then_some(false),
        (false, false, false) => short_reply(words, leans_yes).then_some(true),
    }
}

/// Few words and no figures: an answer rather than a story with a "not" in it.
fn is_brief(words: &[Word]) -> bool {
    const LONGEST: usize = 9;
    words.iter().filter(|word| word.is_letters()).count() <= LONGEST && !words.iter().any(Word::is_number)
}

/// Verbs of having and being, and of wishing: a statement with the one says nothing about the other.
const HAS: [&str; 14] =
    ["have", "has", "got", "is", "its", "are", "do", "am", "im", "tenemos", "tengo", "es", "hay", "esta"];
const WISHES: [&str; 9] =
    ["want", "wants", "need", "needs", "like", "interested", "queremos", "quiero", "necesitamos"];

/// The same of a statement that ends with what the field is called.
pub(super) fn only_about(statement: &[Word], field: &Field) -> Option<bool> {
    const TAIL: [&str; 14] = [
        "anymore", "any", "more", "yet", "now", "right", "at", "all", "actually", "either", "already", "the",
        "moment", "after",
    ];
    let end = statement
        .iter()
        .rposition(|word| word.is_letters() && !word.is_any(&TAIL))
        .map_or(statement.len(), |last| last + 1);
    let subject = statement.get(end.checked_sub(1)?)?;
    let named = words(&format!("{} {}", field.label, field.id.as_str().replace('_', " ")));
    let site = subject.is_any(&["site", "webpage"]) && named.iter().any(|word| word.is("website"));
    (site || named.iter().any(|word| word.text == subject.text)).then(|| about(statement, field)).flatten()
}

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
        .find_map(|word| {
            let site = |said: &Word| word.is("website") && said.is_any(&["site", "webpage"]);
            statement.iter().position(|said| said.text == word.text || site(said))
        })?;
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
    // "Do I need one?" asks.
    leans_yes
        && !words.iter().any(|word| word.is("?"))
        && letters().count() <= 3
        && letters().any(|word| word.is_any(&["i", "we", "it", "they", "you", "he", "she"]))
}
