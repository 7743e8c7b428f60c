//! Whether the contact asks for help at once.

/// Words that take back what follows them, as they are spoken in English and Spanish.
const NEGATIONS: [&str; 15] = [
    "not", "no", "isnt", "arent", "wasnt", "aint", "dont", "doesnt", "didnt", "never", "without", "nunca",
    "sin", "ni", "tampoco",
];

/// Words that may stand between a negation and what it takes back.
const BETWEEN: [&str; 24] = [
    "a",
    "an",
    "the",
    "any",
    "really",
    "very",
    "that",
    "so",
    "exactly",
    "at",
    "all",
    "is",
    "be",
    "have",
    "had",
    "got",
    "una",
    "un",
    "es",
    "tan",
    "muy",
    "realmente",
    "tengo",
    "hay",
];

/// Whether one of `phrases` was said and not denied: "it is not urgent" asks for nothing. Case, marks and the words around
/// it do not matter, the phrase's own words do: "fire" is not in "fired".
pub fn asks_for_help(speech: &str, phrases: &[String]) -> bool {
    let phrases: Vec<Vec<String>> = phrases.iter().map(|phrase| words(phrase)).collect();
    // A negation reaches to the end of its clause.
    speech.split([',', '.', ';', ':', '!', '?', '\n', '¡', '¿']).any(|clause| {
        let said = words(clause);
        phrases.iter().filter(|phrase| !phrase.is_empty()).any(|phrase| {
            let places =
                said.windows(phrase.len()).enumerate().filter(|(_, words)| *words == phrase.as_slice());
            places.map(|(at, _)| at).any(|at| !is_denied(&said[..at]))
        })
    })
}

/// Whether what stands before a phrase takes it back.
pub(super) fn is_denied(before: &[String]) -> bool {
    let nearest = before.iter().rev().find(|word| !BETWEEN.contains(&word.as_str()));
    nearest.is_some_and(|word| NEGATIONS.contains(&word.as_str()))
}

pub(super) fn words(text: &str) -> Vec<String> {
    let plain: String = text.to_lowercase().chars().filter(|c| !matches!(c, '\'' | '’')).collect();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urgent(speech: &str) -> bool {
        asks_for_help(speech, &["Gas  leak", "urgent", "EMERGENCY", "urgente", ""].map(str::to_owned))
    }

    #[test]
    fn a_phrase_is_heard_whatever_its_case_and_marks() {
        for speech in [
            "There is a GAS LEAK here!",
            "gas-leak",
            "It's urgent.",
            "No, it's urgent!",
            "no it is really urgent",
            "this isn't a joke. This is an emergency",
            "Es urgente, por favor",
        ] {
            assert!(urgent(speech), "{speech}");
        }
    }

    #[test]
    fn what_is_denied_or_only_looks_like_it_is_no_emergency() {
        for speech in [
            "",
            "it's not urgent",
            "This isn't an emergency.",
            "I don't have an emergency",
            "no emergency, thank you",
            "it is not really that urgent",
            "No es urgente",
            "the gas bill has a leak",
            "urgently",
            "We emergencyd",
        ] {
            assert!(!urgent(speech), "{speech}");
        }
    }

    #[test]
    fn without_phrases_nothing_is_an_emergency() {
        assert!(!asks_for_help("fire", &[]));
        assert!(!asks_for_help("fire", &[String::new(), " - ".to_owned()]));
    }
}
