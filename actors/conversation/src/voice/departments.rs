//! The departments of an organisation, as contacts and agents name them.

use super::emergency::{is_denied, words};

/// Words with which somebody asks to be put through, as they are spoken in English and Spanish.
const ASKS: [&str; 16] = [
    "speak",
    "talk",
    "connect",
    "transfer",
    "through",
    "reach",
    "hablar",
    "comunicar",
    "comunicarme",
    "comunícame",
    "comuníqueme",
    "pásame",
    "páseme",
    "transferir",
    "transfiérame",
    "transfiéreme",
];

/// A wish is short; a long answer may hold the same words.
const MOST_WORDS: usize = 15;

/// Which of `names` is named in `wish`: of several the longest.
pub fn department_named<'n>(wish: &str, names: impl IntoIterator<Item = &'n str>) -> Option<usize> {
    let said = words(wish);
    let is_said = |name: &[String]| !name.is_empty() && said.windows(name.len()).any(|part| part == name);
    let all = names.into_iter().map(words).enumerate().filter(|(_, name)| is_said(name));
    // Of equals the first.
    all.min_by_key(|(place, name)| (std::cmp::Reverse(name.len()), *place)).map(|(place, _)| place)
}

/// Which of `names` the contact wants to be put through to.
pub fn department_asked<'n>(speech: &str, names: impl IntoIterator<Item = &'n str>) -> Option<usize> {
    let said = words(speech);
    let asks = |(at, word): (usize, &String)| ASKS.contains(&word.as_str()) && !wish_is_denied(&said[..at]);
    if said.len() > MOST_WORDS || !said.iter().enumerate().any(asks) {
        return None;
    }
    department_named(speech, names)
}

/// "I don't want to talk to sales" asks for nobody.
fn wish_is_denied(before: &[String]) -> bool {
    let wish = ["want", "wanna", "need", "to", "like", "would", "quiero", "necesito"];
    let end = before.iter().rposition(|word| !wish.contains(&word.as_str())).map_or(0, |last| last + 1);
    is_denied(&before[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["Sales", "Billing", "Billing Support"];

    #[test]
    fn a_department_is_known_by_its_name_and_the_longer_name_wins() {
        assert_eq!(department_named("billing, please", NAMES), Some(1));
        assert_eq!(department_named("the Billing support", NAMES), Some(2));
        assert_eq!(department_named("SALES", NAMES), Some(0));
        assert_eq!(department_named("salesman", NAMES), None);
        assert_eq!(department_named("", NAMES), None);
    }

    #[test]
    fn who_wants_a_department_says_so() {
        for (speech, department) in [
            ("Can I speak to billing?", Some(1)),
            ("please put me through to sales", Some(0)),
            ("Quiero hablar con sales", Some(0)),
            ("We sell to billing companies", None),
            ("I don't want to talk to sales", None),
            ("I want to talk to somebody", None),
        ] {
            assert_eq!(department_asked(speech, NAMES), department, "{speech}");
        }
        let story = "we talk to people about sales all day long and that is what the whole shop is about";
        assert_eq!(department_asked(story, NAMES), None, "a long answer is no wish");
    }
}
