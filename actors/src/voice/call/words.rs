//! How much of a text was heard, and the sentences a speaking model is told. The latter are for the model, which speaks
//! the contact's language: they are not translated.

/// The longest prefix of `text` that ends with a word and is not longer than `part` of `whole`.
pub(super) fn spoken_prefix(text: &str, part: u64, whole: u64) -> &str {
    if part >= whole {
        return text.trim_end();
    }
    let chars = text.chars().count() as u64;
    let heard = usize::try_from(chars * part / whole).unwrap_or(0);
    let cut = text.char_indices().nth(heard).map_or(text.len(), |(at, _)| at);
    let (prefix, rest) = text.split_at(cut);
    if rest.starts_with(char::is_whitespace) || rest.is_empty() {
        return prefix.trim_end();
    }
    prefix.rfind(char::is_whitespace).map_or("", |end| prefix[..end].trim_end())
}

/// At most `bytes` of `text`, cut between characters.
pub(super) fn bounded(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate((0..=bytes).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0));
    }
    text
}

/// What the agent is told in its own sentence or the contact's.
pub(super) mod say {
    pub(crate) const STILL_THERE: &str =
        "(The contact has been silent for a while. Ask briefly whether they are still there.)";
    pub(crate) const NOBODY_THERE: &str =
        "(The contact is still silent. Say goodbye in one sentence; the call ends now.)";
    pub(crate) const TIME_IS_UP: &str =
        "(The call has lasted as long as it may. Say goodbye now, in one sentence.)";
    pub(crate) const ENDING_SOON: &str = "The call must end within half a minute: come to an end.";
    pub(crate) const TRANSFER_FAILED: &str =
        "(Nobody could be connected. Say so, and offer that somebody calls back.)";
    pub(crate) const TOO_SLOW: &str =
        r#"{"ok":false,"error":"that took too long; go on and try it again later"}"#;
    pub(crate) const TOO_MANY: &str = r#"{"ok":false,"error":"too many requests at once"}"#;
    pub(crate) const NOBODY: &str = r#"{"ok":false,"error":"nobody can take the call; offer that somebody calls back, with the tool escalate"}"#;

    pub(crate) const NOBODY_TO_HELP: &str = "(This may be an emergency, and nobody can be put through on this line. Say at once that a person is being told now, and that they must telephone the emergency services if somebody is in danger.)";

    pub(crate) fn late(json: &str) -> String {
        format!("What was said to have taken too long was carried out after all; do not repeat it. {json}")
    }

    pub(crate) fn go_on(last_heard: &str) -> String {
        if last_heard.is_empty() {
            return "(Nobody said anything; it was only noise. Say your last sentence again.)".to_owned();
        }
        format!(
            "(Nobody said anything; it was only noise. Go on after these words of yours: \"{last_heard}\")"
        )
    }

    pub(crate) fn pressed(digits: &str) -> String {
        let spaced: Vec<_> = digits.chars().map(String::from).collect();
        format!("I pressed {}.", spaced.join(" "))
    }

    pub(crate) const ENTERED: &str = "I have typed my answer.";
    pub(crate) const NOT_TAKEN: &str = "(The contact typed something private that answers no question that is asked now. Ask the pending question again.)";

    pub(crate) fn typed(digits: &str) -> String {
        format!("I have typed {digits} on the keypad.")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use usher_conversation::voice::whole_sentences;

    use super::*;

    #[test]
    fn what_was_heard_ends_with_a_whole_word() {
        let text = "Great. Shall we start with your address?";
        assert_eq!(spoken_prefix(text, 20, 40), "Great. Shall we");
        assert_eq!(spoken_prefix(text, 17, 40), "Great. Shall we", "a word that just ended was heard");
        assert_eq!(spoken_prefix(text, 1, 40), "");
        assert_eq!(spoken_prefix(text, 40, 40), text);
    }

    proptest! {
        #[test]
        fn what_was_heard_is_a_prefix_and_grows_with_time(text in "[a-zé .?!]{0,60}", part in 0_u64..100, more in 0_u64..20) {
            let heard = spoken_prefix(&text, part, 100);
            prop_assert!(text.starts_with(heard));
            prop_assert!(spoken_prefix(&text, part + more, 100).starts_with(heard));
            prop_assert!(heard.starts_with(whole_sentences(heard)));
        }
    }
}
