//! Opt-out words as the vendor handles them.

use usher_conversation::consent::Keyword;

const STOP: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: [&str; 2] = ["START", "UNSTOP"];
const HELP: [&str; 2] = ["HELP", "INFO"];

/// The class of a message that consists of one word; `YES` counts only from somebody who had opted out.
pub(crate) fn keyword(body: &str, opted_out: bool) -> Option<Keyword> {
    let word = body.trim();
    let is = |words: &[&str]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
    if is(&STOP) {
        Some(Keyword::Stop)
    } else if is(&START) || (opted_out && is(&["YES"])) {
        Some(Keyword::Start)
    } else if is(&HELP) {
        Some(Keyword::Help)
    } else {
        None
    }
}

/// What the vendor answers by itself.
pub(crate) const fn reply(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Stop => {
            "You have successfully been unsubscribed. You will not receive any more messages from this number. \
             Reply START to resubscribe."
        }
        Keyword::Start => {
            "You have successfully been re-subscribed to messages from this number. Reply HELP for help. \
             Reply STOP to unsubscribe. Msg&Data Rates May Apply."
        }
        Keyword::Help => "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    }
}

/// The value of `OptOutType`.
pub(crate) const fn opt_out_type(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Stop => "STOP",
        Keyword::Start => "START",
        Keyword::Help => "HELP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_message_is_a_keyword() {
        assert_eq!(keyword(" Stop\n", false), Some(Keyword::Stop));
        assert_eq!(keyword("stop it", false), None);
        assert_eq!(keyword("yes", false), None);
        assert_eq!(keyword("yes", true), Some(Keyword::Start));
        assert_eq!(keyword("info", false), Some(Keyword::Help));
    }
}
