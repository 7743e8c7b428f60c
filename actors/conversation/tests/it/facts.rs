//! Messages that hold several facts, and corrections of a part of an answer: what is said, and what is known then.

use serde_json::{Value, json};
use usher_conversation::chat::Chat;
use usher_conversation::session::SessionStatus;

use crate::support::{NOON, chat_of, flow_of, meta_of};

/// An agency's questions of every kind that people answer in passing.
fn questions() -> Value {
    json!([
        { "id": "company", "label": "Company", "prompt": "What is your company called?", "type": "text" },
        { "id": "contact", "label": "Your name", "prompt": "Who should we ask for?", "type": "person_name" },
        { "id": "phone", "label": "Phone", "prompt": "What is the best number?", "type": "phone" },
        { "id": "has_website", "label": "Has website", "prompt": "Do you have a website?", "type": "boolean" },
        { "id": "website", "label": "Website", "prompt": "What is its address?", "type": "url",
          "when": { "field": "has_website", "equals": true } },
        { "id": "employees", "label": "Employees", "prompt": "How many employees do you have?", "type": "number" },
        { "id": "services", "label": "Services", "prompt": "Which services?", "type": "multi_select",
          "options": [{ "id": "seo", "label": "SEO" }, { "id": "ads", "label": "Google Ads" }, { "id": "social", "label": "Social media" }] },
        { "id": "visit", "label": "Visit", "prompt": "Which day?", "type": "date" },
        { "id": "time", "label": "Time", "prompt": "What time?", "type": "time" },
        { "id": "hours", "label": "Opening hours", "prompt": "When are you open?", "type": "business_hours" },
        { "id": "budget", "label": "Budget", "prompt": "What is your budget?", "type": "currency", "required": false }
    ])
}

const ANSWERS: [&str; 11] = [
    "Acme Plumbing",
    "Dana Smith",
    "415-555-0142",
    "yes",
    "acme.com",
    "12",
    "1 and 2",
    "dec 1",
    "3pm",
    "Mon-Fri 9-5",
    "$500",
];

/// The chat after the first `answered` answers and then `said`.
fn after(answered: usize, said: &[&str]) -> Chat {
    chat_of(meta_of(flow_of(&questions()), "en"), ANSWERS[..answered].iter().chain(said).copied())
}

/// Checks what is known of the fields named in `expected`; `null` for nothing.
fn check(chat: &Chat, expected: &Value, said: &str) {
    for (field, value) in expected.as_object().expect("an object of answers") {
        let answers = chat.state().answers();
        let known = answers.iter().find(|(id, _)| id.as_str() == field);
        let known = known.map_or(Value::Null, |(_, answer)| answer.value.to_json());
        assert_eq!(known, *value, "{field} after {said:?}");
    }
}

fn check_all(table: &[(usize, &str, Value)]) {
    for (answered, said, expected) in table {
        check(&after(*answered, &[said]), expected, said);
    }
}

#[test]
fn every_fact_of_a_message_finds_its_question() {
    check_all(&[
        (
            0,
            "My company is Brightside Dental. We have 12 employees and our site is brightside.com",
            json!({ "company": "Brightside Dental", "employees": 12, "has_website": true, "website": "https://brightside.com" }),
        ),
        (
            0,
            "Acme Plumbing and we have about 8 people",
            json!({ "company": "Acme Plumbing", "employees": 8 }),
        ),
        (
            0,
            "Acme Plumbing. I'm Dana. 415-555-0142",
            json!({ "company": "Acme Plumbing", "contact": "Dana", "phone": "+14155550142" }),
        ),
        (
            0,
            "Hi I'm Dana Smith from Acme Plumbing",
            json!({ "company": "Acme Plumbing", "contact": "Dana Smith" }),
        ),
        (0, "Me and My Dog", json!({ "company": "Me and My Dog", "contact": null })),
        (0, "415-555-0142", json!({ "company": null, "phone": "+14155550142" })),
        (0, "Acme Plumbing. We fix pipes.", json!({ "company": "Acme Plumbing" })),
        (
            1,
            "our budget is $500 a month by the way",
            json!({ "contact": null, "budget": { "minor": 50000, "currency": "USD" } }),
        ),
        (2, "415-555-0142, no website", json!({ "phone": "+14155550142", "has_website": false })),
        (
            3,
            "yes its acme dot com and we have 12 employees",
            json!({ "website": "https://acme.com", "employees": 12 }),
        ),
        (3, "acme.com", json!({ "has_website": true, "website": "https://acme.com" })),
        (3, "we have 12 employees", json!({ "has_website": null, "employees": 12 })),
        (5, "12, we'd like seo and google ads", json!({ "employees": 12, "services": ["seo", "ads"] })),
        (7, "friday afternoon around 2", json!({ "visit": "2026-11-20", "time": "14:00" })),
        (2, "before I forget, we're open mon-fri 9-5", json!({ "phone": null })),
    ]);
}

#[test]
fn facts_are_understood_in_spanish() {
    check_all(&[
        (
            0,
            "Me llamo Ana García y mi negocio es Plomería Sol",
            json!({ "company": "Plomería Sol", "contact": "Ana García" }),
        ),
        (
            2,
            "mi teléfono es 415-555-0142 y tenemos 5 empleados",
            json!({ "phone": "+14155550142", "employees": 5 }),
        ),
        (3, "sí, es sol.com y tenemos 5 empleados", json!({ "website": "https://sol.com", "employees": 5 })),
    ]);
}

#[test]
fn a_part_of_an_answer_is_put_right() {
    check_all(&[
        (3, "it's 0198 at the end", json!({ "phone": "+14155550198", "has_website": null })),
        (3, "it ends in 0198 not 0142", json!({ "phone": "+14155550198" })),
        (3, "oops the last two digits should be 43", json!({ "phone": "+14155550143" })),
        (3, "the area code is 510", json!({ "phone": "+15105550142" })),
        (7, "remove google ads", json!({ "services": ["seo"] })),
        (7, "add social media too", json!({ "services": ["seo", "ads", "social"] })),
        (9, "no, am", json!({ "time": "03:00" })),
        (
            10,
            "actually we close at 6",
            json!({ "hours": { "mon": [["09:00", "18:00"]], "tue": [["09:00", "18:00"]], "wed": [["09:00", "18:00"]],
            "thu": [["09:00", "18:00"]], "fri": [["09:00", "18:00"]], "sat": [], "sun": [] } }),
        ),
        (
            10,
            "we also open saturday 10-2",
            json!({ "hours": { "mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]],
            "thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]], "sat": [["10:00", "14:00"]], "sun": [] } }),
        ),
    ]);
}

#[test]
fn corrections_are_heard_however_they_are_worded() {
    check_all(&[
        (6, "no, 15", json!({ "employees": 15 })),
        (6, "I said 12 but it should be 15", json!({ "employees": 15 })),
        (2, "I misspelled my name, it should be Dana Smyth", json!({ "contact": "Dana Smyth" })),
        (1, "the company is actually called Acme & Sons", json!({ "company": "Acme & Sons" })),
        (9, "can we move it to saturday at 10am?", json!({ "visit": "2026-11-21", "time": "10:00" })),
        (11, "my new number is 415-555-0199", json!({ "phone": "+14155550199" })),
        (11, "we don't have a website anymore", json!({ "has_website": false, "website": null })),
        (
            11,
            "phone is 415-555-0199 and budget is $700",
            json!({ "phone": "+14155550199", "budget": { "minor": 70000, "currency": "USD" } }),
        ),
    ]);
    let chat = after(3, &["use the other number", "415-555-0198"]);
    check(&chat, &json!({ "phone": "+14155550198", "has_website": null }), "use the other number");
    let chat = after(3, &["no", "actually we do have a website, acme.com"]);
    check(&chat, &json!({ "has_website": true, "website": "https://acme.com" }), "we do have a website");
    let chat = after(4, &["actually no"]);
    check(&chat, &json!({ "has_website": false, "website": null }), "actually no");
}

#[test]
fn what_there_is_not_leaves_an_optional_question_out() {
    for said in [
        "I don't have a budget",
        "no budget yet",
        "don't have one",
        "haven't decided",
        "tbd",
        "whatever",
        "-",
    ] {
        let chat = after(10, &[said]);
        check(&chat, &json!({ "budget": null }), said);
        assert!(chat.state().is_complete(), "{said}");
    }
}

#[test]
fn a_refusal_to_answer_is_not_nagged_about() {
    let (mut chat, _) = Chat::begin(meta_of(flow_of(&questions()), "en"), NOON);
    let mut said = |text: &str| chat.handle(NOON, text);
    assert!(said("skip").reply.contains("I do need your company to get you set up. What is"));
    let second = said("skip it").reply;
    assert!(second.contains("no hurry") && !second.contains("What is your company called?"), "{second}");
    let third = said("skip");
    assert_eq!(third.status, SessionStatus::Escalated);
    assert!(said("skip").reply.contains("will help with your company"));
    assert!(said("Acme").reply.contains("Who should we ask for?"));
}

#[test]
fn a_session_that_is_complete_answers_sensibly() {
    for (said, fragment) in [
        ("idk", "You're all set."),
        ("skip", "You're all set."),
        ("nope all good", "You're all set."),
        ("later", "You're all set."),
        ("what happens next?", "You're all set."),
        ("by the way we are closed in August", "I've kept that with our conversation."),
        ("change my opening hours to mon-fri 8-4", "Updated your opening hours: Mon–Fri 8 AM to 4 PM."),
        ("how long until it's live?", "reply HUMAN"),
    ] {
        let (mut chat, _) = Chat::begin(meta_of(flow_of(&questions()), "en"), NOON);
        for answer in ANSWERS {
            chat.handle(NOON, answer);
        }
        let line = chat.handle(NOON, said);
        assert!(line.reply.contains(fragment), "after {said:?} came {:?}", line.reply);
        assert_eq!(line.status, SessionStatus::Complete, "{said}");
    }
}
