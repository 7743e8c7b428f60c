//! What goes wrong between people: an answer put right in passing, a refusal, and the many ways to be left in peace.

use serde_json::{Value, json};
use usher_conversation::chat::{Chat, ChatLine};
use usher_conversation::flow::FieldId;
use usher_conversation::session::SessionStatus;

use crate::support::{NOON, flow_of, meta_of};

/// The questions of somebody who sends a person round.
fn questions() -> Value {
    json!([
        { "id": "name", "label": "Your name", "prompt": "What is your name?", "type": "person_name" },
        { "id": "business_name", "label": "Business name", "prompt": "What is your business called?", "type": "text" },
        { "id": "service", "label": "Service", "prompt": "What do you need?", "type": "select", "options": [
            { "id": "repair", "label": "Repair" }, { "id": "install", "label": "Installation" }] },
        { "id": "problem", "label": "Problem", "prompt": "What is wrong?", "type": "long_text",
            "when": { "field": "service", "equals": "repair" } },
        { "id": "email", "label": "Email", "prompt": "What is your email?", "type": "email" },
        { "id": "phone", "label": "Phone number", "prompt": "What is your number?", "type": "phone", "required": false },
        { "id": "time", "label": "Time", "prompt": "What time suits you?", "type": "time" },
        { "id": "pets", "label": "Pets", "prompt": "Any pets?", "type": "boolean", "required": false }
    ])
}

const ANSWERS: [&str; 7] = [
    "Dana Reyes",
    "Reyes Bakery",
    "repair",
    "The oven is cold.",
    "dana@reyes.com",
    "skip",
    "half past three",
];

/// The last line after the first `count` answers and then these.
fn after(count: usize, said: &[&str]) -> ChatLine {
    let (mut chat, mut line) = Chat::begin(meta_of(flow_of(&questions()), "en"), NOON);
    for text in ANSWERS[..count].iter().chain(said) {
        line = chat.handle(NOON, text);
    }
    line
}

fn answer<'l>(line: &'l ChatLine, field: &str) -> &'l Value {
    line.answers.iter().find(|(id, _)| id.as_str() == field).map_or(&Value::Null, |(_, value)| value)
}

#[test]
fn an_answer_is_put_right_in_passing() {
    for (count, said, field, value) in [
        (2, "no, Reyes Bakery & Cafe", "business_name", "Reyes Bakery & Cafe"),
        (1, "no, my mistake, it's Diana Reyes", "name", "Diana Reyes"),
        (1, "no, me equivoqué, es Diana", "name", "Diana"),
        (4, "actually I need an installation", "service", "install"),
        (4, "installation instead of repair", "service", "install"),
        (7, "am actually", "time", "03:30"),
    ] {
        let line = after(count, &[said]);
        assert_eq!(answer(&line, field), value, "{said:?} was answered {:?}", line.reply);
    }
    let installed = after(4, &["actually I need an installation"]);
    assert_eq!(answer(&installed, "problem"), &Value::Null, "what hung on the repair is gone");
}

#[test]
fn a_no_that_holds_nothing_of_the_last_answer_changes_nothing() {
    let line = after(2, &["no, I would rather not"]);
    assert_eq!(answer(&line, "business_name"), "Reyes Bakery");
}

#[test]
fn somebody_who_introduces_themselves_says_where_their_name_ends() {
    let line = after(0, &["I'm Dana Reyes from Reyes Bakery, dana@reyes.com"]);
    assert_eq!(answer(&line, "name"), "Dana Reyes");
    assert_eq!(answer(&line, "business_name"), "Reyes Bakery");
    assert_eq!(answer(&line, "email"), "dana@reyes.com");
}

#[test]
fn a_refusal_names_what_is_refused() {
    for said in [
        "I'd rather not give my number",
        "I don't want to share my phone number",
        "prefiero no dar mi numero",
    ] {
        let line = after(5, &[said]);
        assert_eq!(line.pending.as_ref().map(FieldId::as_str), Some("time"), "{said:?}: {:?}", line.reply);
    }
}

#[test]
fn nobody_is_called_agent() {
    for said in ["agent please", "representative", "manager"] {
        let line = after(0, &[said]);
        assert_eq!(line.status, SessionStatus::Escalated, "{said:?}: {:?}", line.reply);
        assert_eq!(answer(&line, "name"), &Value::Null);
    }
}

#[test]
fn whoever_wants_peace_in_whatever_words_gets_it() {
    for said in [
        "please stop texting me",
        "leave me alone",
        "I told you to stop",
        "fuck off",
        "can you stop sending me these",
        "ya no me escriban",
        "dejen de mandarme mensajes",
        "no quiero recibir mensajes",
    ] {
        let line = after(1, &[said, "Reyes Bakery"]);
        assert_eq!((line.status, line.reply.as_str()), (SessionStatus::OptedOut, ""), "{said:?}");
    }
}

#[test]
fn an_answer_with_the_same_words_is_an_answer() {
    for said in [
        "Leave Me Alone Spa",
        "The Stop Shop",
        "Don't Stop Believin Bakery",
        "End Zone Sports",
        "Cancel Culture Club",
        "Start Fresh Cleaning",
        "Baja Grill",
        "Alto Consulting",
    ] {
        let line = after(1, &[said]);
        assert_eq!(answer(&line, "business_name"), said, "{:?}", line.reply);
    }
    for said in ["stop by our office any time", "I can't stop thinking about pizza", "cancel my appointment"]
    {
        assert_eq!(after(1, &[said]).status, SessionStatus::Active, "{said:?}");
    }
}
