//! The words with which people stop and start messages.

use super::Keyword;
use crate::answer::words::{Word, longest_phrase, phrase_at, words};

const STOP: [&str; 8] = ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"];
const START: [&str; 2] = ["start", "unstop"];
const HELP: [&str; 2] = ["help", "info"];

/// The reserved word that the whole message is, whatever its case; white space around it does not count.
///
/// `YES` is also a start word for the carriers, but only for a person who has opted out: see [`opted_in_again`].
pub fn keyword(text: &str) -> Option<Keyword> {
    let body = text.trim();
    let is = |list: &[&str]| list.iter().any(|word| body.eq_ignore_ascii_case(word));
    if is(&STOP) {
        Some(Keyword::Stop)
    } else if is(&START) {
        Some(Keyword::Start)
    } else if is(&HELP) {
        Some(Keyword::Help)
    } else {
        None
    }
}

/// Whether a person who has opted out wants messages again: `START`, `UNSTOP` or `YES`, and nothing else.
pub fn opted_in_again(text: &str) -> bool {
    keyword(text) == Some(Keyword::Start) || text.trim().eq_ignore_ascii_case("yes")
}

/// Sentences that withdraw consent wherever they stand in a message, in folded words.
const ANYWHERE: &[&str] = &[
    "stop texting",
    "told you to stop",
    "asked you to stop",
    "told you guys to stop",
    "dejen de mandarme",
    "deja de mandarme",
    "dejen de enviarme",
    "deja de enviarme",
    "dejen de llamarme",
    "deja de llamarme",
    "dejen de molestar",
    "deja de molestar",
    "no me escriban",
    "no me manden",
    "no me envien",
    "no me llamen",
    "no me molesten",
    "no quiero recibir mensajes",
    "no quiero recibir textos",
    "stop messaging",
    "stop contacting",
    "stop emailing",
    "stop calling",
    "stop bothering",
    "stop sending me",
    "stop sending these",
    "stop sending messages",
    "stop sending texts",
    "stop the texts",
    "stop the messages",
    "stop these messages",
    "stop these texts",
    "stop all messages",
    "quit texting",
    "quit messaging",
    "quit contacting",
    "quit bothering",
    "cease texting",
    "dont text me",
    "do not text me",
    "dont message me",
    "do not message me",
    "dont contact me",
    "do not contact me",
    "dont call me again",
    "never text me",
    "never contact me",
    "never message me",
    "dont email me again",
    "dont send me any more",
    "do not send me any more",
    "dont send me anything else",
    "dont ever text",
    "dont text this number",
    "do not text this number",
    "take me off",
    "remove me from",
    "take this number off",
    "remove my number",
    "remove this number",
    "delete my number",
    "lose my number",
    "unsubscribe me",
    "please unsubscribe",
    "want to unsubscribe",
    "unsubscribe from",
    "want to opt out",
    "opt me out",
    "im opting out",
    "i am opting out",
    "opting out of this",
    "opting out of these",
    "like to unsubscribe",
    "wish to unsubscribe",
    "need to unsubscribe",
    "how do i unsubscribe",
    "how do i opt out",
    "how do i stop these",
    "stop spamming",
    "quit spamming",
    "dont text again",
    "do not text again",
    "dont message again",
    "dont contact again",
    "dont text anymore",
    "dont text any more",
    "dont want any more texts",
    "dont want any more text",
    "dont want any texts",
    "dont want your texts",
    "dont want texts",
    "dont want to get these",
    "dont want to get any",
    "take my number off",
    "take me out of",
    "please remove me",
    "cancel my subscription",
    "cancel these texts",
    "cancel these messages",
    "no me escribas mas",
    "no me mandes mas",
    "no me envies mas",
    "no me llamen mas",
    "no quiero mas textos",
    "id like to opt out",
    "please opt out",
    "no more messages",
    "no more texts",
    "no more text messages",
    "no more sms",
    "no more emails",
    "dont want any more messages",
    "dont want these messages",
    "dont want to receive",
    "do not want to receive",
    "dont want more messages",
    "no longer want to receive",
    "no longer wish to receive",
    "no quiero recibir mas",
    "no quiero mas mensajes",
    "no me manden mas",
    "no me envien mas",
    "no me escriban mas",
    "dejen de escribirme",
    "deja de escribirme",
    "no me contacten",
    "dejenme en paz",
    "quitenme de",
    "quiteme de",
    "quitame de",
    "saquenme de",
    "saqueme de",
    "sacame de",
    "borrenme de",
    "borrame de",
    "eliminenme de",
    "eliminame de",
    "no quiero que me escriban",
    "no quiero que me manden",
    "no quiero que me llamen",
    "no quiero que me contacten",
    "no quiero que me molesten",
    "ya no quiero mensajes",
    "no me vuelvan a escribir",
    "no me vuelvan a llamar",
    "no more txts",
    "no more msgs",
];

/// Sentences that withdraw consent when nothing but courtesy follows: "Leave Me Alone Spa" is a business.
const AT_THE_END: &[&str] = &["leave me alone", "leave us alone", "let me alone"];

/// Messages that withdraw consent when they are all there is, give or take courtesy.
const ALONE: &[&str] = &[
    "stop",
    "stop it",
    "stop this",
    "stop now",
    "stop all",
    "stop please",
    "please stop",
    "just stop",
    "unsubscribe",
    "opt out",
    "optout",
    "opt-out",
    "remove me",
    "stop stop",
    "stop spam",
    "end this",
    "end it",
    "end this conversation",
    "stop this conversation",
    "wrong number stop",
    "stop wrong number",
    "take me off",
    "stop stop stop",
    "no more",
    "go away",
    "fuck off",
    "piss off",
    "get lost",
    "quit it",
    "stop everything",
    "darme de baja",
    "dame de baja",
    "quiero darme de baja",
    "baja",
    "parar",
    "alto",
    "basta",
    "ya basta",
    "detener",
    "block me",
    "do not contact",
    "dont contact",
    "cease",
    "cease and desist",
    "opt me out",
    "make it stop",
    "make this stop",
    "make these stop",
    "how do i make it stop",
    "how do i make this stop",
    "how do i make these stop",
    "how do i stop this",
];

/// Words of courtesy and heat around an [`ALONE`] message.
const COURTESY: &[&str] = &[
    "please",
    "pls",
    "plz",
    "thanks",
    "thank",
    "you",
    "ok",
    "okay",
    "now",
    "hey",
    "hi",
    "hello",
    "yo",
    "already",
    "just",
    "sorry",
    "por",
    "favor",
    "gracias",
    "immediately",
    "i",
    "said",
    "told",
    "no",
    "oh",
    "guys",
];

/// What makes an [`ANYWHERE`] sentence mean something else: "don't stop texting", "remove me from the waiting list".
const OTHER_LISTS: [&str; 5] = ["waiting list", "waitlist", "the calendar", "the meeting", "the invite"];

/// Whether the message withdraws consent in plain words: "please stop texting me", "take me off your list".
pub fn plain_opt_out(text: &str) -> bool {
    let words: Vec<Word> =
        words(text).into_iter().filter(|word| word.is_letters() || word.is_number()).take(400).collect();
    is_alone(&words) || has_final_stop(text) || (0..words.len()).any(|at| withdraws_at(&words, at))
}

/// "Why are you texting me? Stop", "not interested, stop": the last clause is just that.
fn has_final_stop(text: &str) -> bool {
    const BARE: &[&str] =
        &["stop", "stop it", "unsubscribe", "opt out", "remove me", "leave me alone", "do not contact"];
    let mut clauses = text.split(['.', ',', '!', '?', ';', '\n']).filter(|clause| !clause.trim().is_empty());
    let bare = |clause: &str| {
        let words = words(clause);
        let core: Vec<Word> = words.into_iter().filter(|word| !word.is_any(COURTESY)).collect();
        longest_phrase(&core, 0, BARE).is_some_and(|(_, used)| used == core.len())
    };
    clauses.next_back().is_some_and(bare)
}

fn is_alone(words: &[Word]) -> bool {
    let core: Vec<Word> = words.iter().filter(|word| !word.is_any(COURTESY)).cloned().collect();
    longest_phrase(&core, 0, ALONE).is_some_and(|(_, used)| used == core.len())
        || longest_phrase(words, 0, ALONE).is_some_and(|(_, used)| used == words.len())
}

fn withdraws_at(words: &[Word], at: usize) -> bool {
    let last = longest_phrase(words, at, AT_THE_END)
        .filter(|(_, used)| words[at + used..].iter().all(|word| word.is_any(COURTESY)));
    let ordered = || Some(("", contact_refused(words, at).or_else(|| list_left(words, at))?));
    let Some((_, used)) = longest_phrase(words, at, ANYWHERE).or(last).or_else(ordered) else { return false };
    let negated = at > 0 && words[at - 1].is_any(&["dont", "not", "never", "cant", "wont", "didnt", "no"]);
    let about_something_else = (at + used..words.len().min(at + used + 3))
        .any(|next| OTHER_LISTS.iter().any(|other| phrase_at(words, next, other)));
    !negated && !about_something_else && !is_about_later(words, at, used)
}

/// "Stop txting me", "never ever contact us", "don't message this number", "stop receiving these messages": contact with
/// oneself is refused. How many words say so.
fn contact_refused(words: &[Word], at: usize) -> Option<usize> {
    const STOP: &[&str] = &["stop", "quit", "cease", "no longer", "stop with the"];
    const NEVER: &[&str] =
        &["dont", "dont ever", "do not", "do not ever", "never", "never ever", "please dont", "dnt", "do nt"];
    const CONTACTING: &[&str] = &[
        "texting",
        "txting",
        "txtng",
        "messaging",
        "msging",
        "contacting",
        "calling",
        "emailing",
        "bothering",
        "spamming",
        "harassing",
        "pestering",
        "bugging",
        "writing",
    ];
    const CONTACT: &[&str] = &["text", "txt", "message", "msg", "contact", "bother", "spam"];
    /// These are also things one may ask for: "don't email me the contract".
    const WRITE: &[&str] = &["email", "write", "write to", "call"];
    const PASSING: &[&str] = &["sending", "receiving", "getting", "send", "receive", "get"];
    let said = |at: usize, phrases: &[&str]| longest_phrase(words, at, phrases).map(|(_, used)| at + used);
    let of_these = |from: usize| {
        const ARTICLES: [&str; 11] =
            ["me", "us", "these", "those", "this", "any", "more", "your", "of", "all", "the"];
        const MESSAGES: [&str; 16] = [
            "messages",
            "message",
            "texts",
            "text",
            "txts",
            "txt",
            "msgs",
            "sms",
            "emails",
            "crap",
            "shit",
            "spam",
            "stuff",
            "notifications",
            "junk",
            "garbage",
        ];
        let skipped = words[from..].iter().take_while(|word| word.is_any(&ARTICLES)).count();
        let named = words.get(from + skipped).is_some_and(|word| word.is_any(&MESSAGES));
        (named && skipped > 0).then_some(from + skipped + 1)
    };
    let oneself = |from: usize| {
        const ONESELF: &[&str] = &["me", "us", "this number", "this phone", "my phone", "my number"];
        said(from, ONESELF)
    };
    let for_good = |from: usize| said(from, &["again", "anymore", "any more", "ever again", "ever"]);
    let ended = said(at, STOP)
        .and_then(|next| said(next, CONTACTING).or_else(|| said(next, PASSING).and_then(of_these)));
    let refused = || {
        let next = said(at, NEVER)?;
        let contact = said(next, CONTACT).and_then(|next| oneself(next).or_else(|| for_good(next)));
        let written = || {
            let next = said(next, WRITE)?;
            for_good(oneself(next).unwrap_or(next))
        };
        contact.or_else(written).or_else(|| said(next, &["want", "need"]).and_then(of_these))
    };
    ended.or_else(refused).map(|end| end - at)
}

/// "Get me off this list", "delete my number from your system", "be removed from the list": how many words say so.
fn list_left(words: &[Word], at: usize) -> Option<usize> {
    const LEAVE: &[&str] = &["get", "take", "remove", "delete", "drop", "erase", "scratch", "strike"];
    const OUT: &[&str] = &["off", "from", "out of"];
    const LISTS: &[&str] =
        &["list", "lists", "contacts", "system", "database", "phone book", "mailing list", "records"];
    let said = |at: usize, phrases: &[&str]| longest_phrase(words, at, phrases).map(|(_, used)| at + used);
    let passive = said(at, &["be removed", "be taken", "be deleted", "get removed"]);
    let left = passive.or_else(|| {
        said(at, LEAVE)
            .and_then(|next| said(next, &["me", "us", "my number", "this number", "my phone number"]))
    })?;
    let from = said(left, OUT)?;
    let whose = said(from, &["your", "this", "the", "that", "these", "all your", "all"])?;
    said(whose, LISTS).map(|end| end - at)
}

/// "don't text me before 9" and "don't call me on Sundays" ask for another time, "take me off hold" for something else.
fn is_about_later(words: &[Word], at: usize, used: usize) -> bool {
    let Some(next) = words.get(at + used) else { return false };
    let phrase = &words[at..at + used];
    let asks_time = phrase.last().is_some_and(|last| last.is("me") || last.is_any(&["calling", "texting"]));
    let time = next.is_any(&[
        "before", "after", "until", "till", "during", "while", "at", "on", "in", "between", "so", "when",
        "if", "today", "tonight",
    ]);
    (asks_time && time) || (phrase[phrase.len() - 1].is("off") && next.is_any(&["hold", "guard", "speaker"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_the_whole_message() {
        for (text, expected) in [
            ("STOP", Some(Keyword::Stop)),
            ("stop", Some(Keyword::Stop)),
            (" Stop \n", Some(Keyword::Stop)),
            ("StopAll", Some(Keyword::Stop)),
            ("UNSUBSCRIBE", Some(Keyword::Stop)),
            ("cancel", Some(Keyword::Stop)),
            ("End", Some(Keyword::Stop)),
            ("quit", Some(Keyword::Stop)),
            ("revoke", Some(Keyword::Stop)),
            ("OPTOUT", Some(Keyword::Stop)),
            ("start", Some(Keyword::Start)),
            ("UNSTOP", Some(Keyword::Start)),
            ("help", Some(Keyword::Help)),
            ("INFO", Some(Keyword::Help)),
            ("yes", None),
            ("stop it", None),
            ("stop.", None),
            ("please stop", None),
            ("cancel my last answer", None),
            ("help me", None),
            ("", None),
        ] {
            assert_eq!(keyword(text), expected, "{text:?}");
        }
        assert!(
            opted_in_again("Yes ")
                && opted_in_again("START")
                && !opted_in_again("yes please")
                && !opted_in_again("stop")
        );
    }

    #[test]
    fn plain_words_withdraw_consent() {
        for text in [
            "please stop texting me",
            "Stop texting me!!",
            "STOP TEXTING ME",
            "stop messaging this number",
            "take me off your list",
            "Take me off this list please",
            "remove me from your list",
            "please remove my number",
            "don't contact me again",
            "do not contact me",
            "don’t text me anymore",
            "unsubscribe me",
            "please unsubscribe",
            "I want to unsubscribe from this",
            "i'd like to opt out",
            "opt me out please",
            "leave me alone",
            "please just leave me alone already",
            "fuck off",
            "i told you to stop",
            "dejen de mandarme mensajes",
            "ya no me escriban",
            "no quiero recibir mensajes",
            "no more messages",
            "no more texts please",
            "please stop",
            "stop please",
            "Stop.",
            "stop it",
            "ok stop now thanks",
            "STOP STOP STOP",
            "I no longer wish to receive these",
            "i don't want to receive these messages",
            "lose my number",
            "who is this? stop texting me",
            "why are you texting me? stop",
            "not interested, stop",
            "no longer interested, please remove me",
            "i said stop",
            "wrong number stop",
            "stop spamming me",
            "take my number off",
            "I'm not interested, please don't text again",
            "never text me again",
            "no quiero más mensajes",
            "por favor no me escriban más",
            "Déjenme en paz",
            "quiero darme de baja",
            "basta por favor",
            "pls stop txting me",
            "stop sending this crap",
            "i don't want any more of these texts",
            "I'd like to stop receiving these messages",
            "Do not ever contact this number again.",
            "don't message this number anymore",
            "please delete me from your contacts",
            "get me off this list",
            "i wish to be removed from this list",
            "remove my number from your system",
            "cease and desist",
            "block me",
            "not interested. do not contact",
            "how do i make these stop",
            "no more txts",
            "quítenme de su lista",
            "no quiero que me escriban más",
        ] {
            assert!(plain_opt_out(text), "{text:?}");
        }
    }

    #[test]
    fn other_sentences_with_the_same_words_do_not() {
        for text in [
            "",
            "👍",
            "stop by the office",
            "we are one stop from the station",
            "don't stop",
            "please don't stop texting me",
            "non stop service",
            "bus stop plumbing",
            "end of the month",
            "the end date is may 5",
            "cancel my last answer",
            "cancel that, I meant 5",
            "quit my job in May",
            "we want to stop losing leads",
            "people can opt out of marketing",
            "our customers keep opting out",
            "please remove my middle name",
            "stop here, take the next left",
            "customers unsubscribe too often",
            "remove me from the waiting list",
            "remove the second option",
            "don't call me before 9",
            "don't text me on sundays, weekdays are fine",
            "no more than five",
            "take the logo off the page",
            "help",
            "no",
            "no more questions from me, thanks",
            "info@stop.com",
            "Stop & Shop",
            "Leave Me Alone Spa",
            "stop by our office any time",
            "I can't stop thinking about pizza",
            "cancel my appointment",
            "please help me stop losing customers",
            "we stopped advertising",
            "alto contraste",
            "we stop sending invoices by mail in May",
            "we want to stop getting bad reviews",
            "people stop calling when the site is down",
            "don't email me the contract yet, call first",
            "never write the name in capitals",
            "take the old number off the website",
            "get my number from the website",
            "remove the logo from the page",
            "delete the second phone from the list",
            "stop by at 5",
            "we never stop, 24/7",
            "the last stop on the line",
            "can you get me on your list",
            "I do not write texts myself",
            "block me a slot on friday",
        ] {
            assert!(!plain_opt_out(text), "{text:?}");
        }
    }
}
