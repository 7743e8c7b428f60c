//! Whether the contact says goodbye.

/// Whole utterances that end a conversation, once courtesies are taken away. English and Spanish.
const FAREWELLS: [&str; 21] = [
    "bye",
    "bye bye",
    "goodbye",
    "good bye",
    "see you",
    "see you later",
    "talk to you later",
    "hang up",
    "i have to go",
    "i have got to go",
    "ive got to go",
    "i gotta go",
    "gotta go",
    "i need to go",
    "adios",
    "chao",
    "chau",
    "hasta luego",
    "hasta pronto",
    "nos vemos",
    "tengo que irme",
];

/// Words that may stand around a farewell without changing it.
const COURTESIES: [&str; 20] = [
    "ok", "okay", "alright", "right", "well", "so", "and", "now", "then", "sorry", "thanks", "thank", "you",
    "very", "much", "please", "bueno", "gracias", "muchas", "y",
];

/// Whether the whole of what was said is a goodbye, in the languages of the catalogue. What only holds one ("Goodbye
/// Blues Bar") is an answer.
pub fn is_farewell(words: &str) -> bool {
    let plain: String = words
        .to_lowercase()
        .chars()
        .filter(|c| *c != '\'' && *c != '’')
        .map(|c| match c {
            'ó' => 'o',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    let spoken: Vec<&str> = plain.split_whitespace().collect();
    FAREWELLS.iter().any(|farewell| {
        let farewell: Vec<&str> = farewell.split(' ').collect();
        let found = spoken.windows(farewell.len()).position(|words| words == farewell);
        found.is_some_and(|at| {
            let around = spoken[..at].iter().chain(&spoken[at + farewell.len()..]);
            around.copied().all(|word| COURTESIES.contains(&word) || farewell.contains(&word))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goodbye_is_heard_however_polite() {
        for words in [
            "Goodbye.",
            "Okay, bye!",
            "Thank you very much, bye bye.",
            "bye bye bye",
            "OK thanks, I've got to go now.",
            "Sorry, I have to go.",
            "Please hang up",
            "Adiós, muchas gracias",
            "bueno, hasta luego",
        ] {
            assert!(is_farewell(words), "{words}");
        }
    }

    #[test]
    fn an_answer_that_holds_a_goodbye_is_an_answer() {
        for words in
            ["", "Goodbye Blues Bar", "By the river", "thank you", "I have to go to the office first", "you"]
        {
            assert!(!is_farewell(words), "{words}");
        }
    }
}
