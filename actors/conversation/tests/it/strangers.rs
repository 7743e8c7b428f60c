//! Conversations with people of every kind: several answers and a story in one message, options by their place, second
//! thoughts about what was asked long ago, and those who need somebody at once.

use serde_json::{Value, json};
use usher_conversation::chat::{Chat, ChatLine};
use usher_conversation::session::SessionStatus;

use crate::support::{NOON, chat_of, flow_of, meta_of};

fn home() -> Value {
    json!([
        { "id": "kind", "label": "Property type", "prompt": "Is it a house or an apartment?", "type": "select", "options": [
            { "id": "house", "label": "House" }, { "id": "apt", "label": "Apartment" }] },
        { "id": "floors", "label": "Floors", "prompt": "How many floors?", "type": "number",
            "when": { "field": "kind", "equals": "house" } },
        { "id": "pets", "label": "Pets", "prompt": "Do you have pets?", "type": "boolean" },
        { "id": "pet_kind", "label": "Kind of pets", "prompt": "What pets do you have?", "type": "multi_select", "options": [
            { "id": "dog", "label": "Dog" }, { "id": "cat", "label": "Cat" }],
            "when": { "field": "pets", "equals": true } },
        { "id": "visit_day", "label": "Visit date", "prompt": "When shall we come?", "type": "date" },
        { "id": "visit_time", "label": "Visit time", "prompt": "At what time?", "type": "time" },
        { "id": "has_website", "label": "Existing website", "prompt": "Do you have a website already?", "type": "boolean" },
        { "id": "website", "label": "Website", "prompt": "What is its address?", "type": "url",
            "when": { "field": "has_website", "equals": true } },
        { "id": "rooms", "label": "Rooms", "prompt": "How many rooms?", "type": "number" }
    ])
}

fn after(said: &[&str]) -> ChatLine {
    let (last, before) = said.split_last().expect("something is said");
    let mut chat: Chat = chat_of(meta_of(flow_of(&home()), "en"), before.iter().copied());
    chat.handle(NOON, last)
}

fn answer<'l>(line: &'l ChatLine, field: &str) -> &'l Value {
    line.answers.iter().find(|(id, _)| id.as_str() == field).map_or(&Value::Null, |(_, value)| value)
}

fn pending(line: &ChatLine) -> &str {
    line.pending.as_ref().map_or("", |field| field.as_str())
}

#[test]
fn an_ordinal_is_a_place_in_the_list_and_no_day() {
    for said in ["2nd", "the second", "not the first one, the second"] {
        let line = after(&[said]);
        assert_eq!(
            (answer(&line, "kind"), answer(&line, "visit_day")),
            (&json!("apt"), &Value::Null),
            "{said:?}"
        );
    }
}

#[test]
fn a_question_about_a_choice_chooses_nothing() {
    assert_eq!(pending(&after(&["what do you mean by house?"])), "kind");
    assert_eq!(answer(&after(&["can we do house?"]), "kind"), "house");
}

#[test]
fn a_yes_goes_on_with_what_it_leads_to() {
    let line = after(&["apartment", "yes two cats and a dog"]);
    assert_eq!((answer(&line, "pet_kind"), pending(&line)), (&json!(["dog", "cat"]), "visit_day"));
    let line = after(&["apartment", "yes, a cat", "no pets actually"]);
    assert_eq!((answer(&line, "pets"), answer(&line, "pet_kind")), (&json!(false), &Value::Null));
}

#[test]
fn a_day_and_its_time_are_two_answers() {
    for said in ["friday at half past two", "Friday 2:30", "let's say friday around 2:30"] {
        let line = after(&["apartment", "no", said]);
        assert_eq!(
            (answer(&line, "visit_time"), pending(&line)),
            (&json!("14:30"), "has_website"),
            "{said:?}"
        );
    }
}

#[test]
fn an_address_takes_back_that_there_is_none() {
    let line = after(&["apartment", "no", "friday at 3", "no", "wait we do have one, acme.com"]);
    assert_eq!(
        (answer(&line, "has_website"), answer(&line, "website")),
        (&json!(true), &json!("https://acme.com"))
    );
    assert_eq!((answer(&line, "rooms"), pending(&line)), (&Value::Null, "rooms"));
}

#[test]
fn answers_are_put_right_when_everything_is_said() {
    let done = ["apartment", "no", "friday at 3", "no", "4"];
    let with = |said: &'static str| after(&[&done[..], &[said]].concat());
    assert_eq!(answer(&with("can you change the visit to monday"), "visit_day"), "2026-11-23");
    assert_eq!(answer(&with("oh and the rooms should be 5"), "rooms"), 5);
    assert_eq!(answer(&with("cancel that, make it 6"), "rooms"), 6);
}

/// Two numbers and two days, which their names tell apart.
fn visit() -> Value {
    json!([
        { "id": "name", "label": "Full name", "prompt": "What is your name?", "type": "person_name" },
        { "id": "company", "label": "Company", "prompt": "Which company are you with?", "type": "text" },
        { "id": "mobile", "label": "Mobile", "prompt": "Best mobile number?", "type": "phone" },
        { "id": "home_phone", "label": "Home phone", "prompt": "And at home?", "type": "phone" },
        { "id": "start", "label": "Start date", "prompt": "From when?", "type": "date" },
        { "id": "end", "label": "End date", "prompt": "Until when?", "type": "date" },
        { "id": "time", "label": "Time", "prompt": "At what time?", "type": "time" },
        { "id": "budget", "label": "Budget", "prompt": "What is your budget?", "type": "currency" }
    ])
}

#[test]
fn what_is_named_alike_is_told_apart() {
    let said = [
        "hi this is gary from Gary's Garage",
        "mobile's 310-555-0177 and home is 310-555-0188",
        "april 1",
        "may 1",
    ];
    let with = |more: &[&str]| {
        let mut chat = chat_of(meta_of(flow_of(&visit()), "en"), said.iter().chain(more).copied());
        chat.handle(NOON, "what do you have so far?")
    };
    let line = with(&[]);
    assert_eq!((answer(&line, "name"), answer(&line, "company")), (&json!("Gary"), &json!("Gary's Garage")));
    assert_eq!(
        (answer(&line, "mobile"), answer(&line, "home_phone")),
        (&json!("+13105550177"), &json!("+13105550188"))
    );
    let line = with(&["and end on the 30th of april", "10 am", "not 10, 11"]);
    assert_eq!((answer(&line, "start"), answer(&line, "end")), (&json!("2027-04-01"), &json!("2027-04-30")));
    assert_eq!((answer(&line, "time"), answer(&line, "mobile")), (&json!("11:00"), &json!("+13105550177")));
}

#[test]
fn danger_is_told_to_people_at_once() {
    for said in ["im bleeding call 911", "I want to kill myself", "llama al 911 por favor"] {
        let line = after(&[said]);
        assert_eq!(line.status, SessionStatus::Escalated, "{said:?}");
        assert!(line.reply.contains("911"), "{said:?} was answered {:?}", line.reply);
    }
    let line = after(&["I'm going to sue you people, talk to my lawyer"]);
    assert_eq!(line.status, SessionStatus::Escalated);
}
