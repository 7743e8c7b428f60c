//! Messy dialogues, line by line: what is said, a fragment of the reply, and the question that is pending after it.

use usher_conversation::answer::FileAnswer;
use usher_conversation::chat::Chat;
use usher_conversation::id::FileId;
use usher_conversation::session::{SessionMeta, SessionStatus};

use crate::support::{NOON, flow_of, meta, meta_of};

/// What the client says, what the reply holds, and what is pending then (`-` for nothing).
type Exchange = (&'static str, &'static str, &'static str);

fn hold(meta: SessionMeta, exchanges: &[Exchange]) -> Chat {
    let (mut chat, _) = Chat::begin(meta, NOON);
    for (said, fragment, pending) in exchanges {
        let line = chat.handle(NOON, said);
        assert!(line.reply.contains(fragment), "after {said:?} came {:?}, not {fragment:?}", line.reply);
        let now_pending = line.pending.as_ref().map_or("-", |field| field.as_str());
        assert_eq!(now_pending, *pending, "pending after {said:?}, which was answered {:?}", line.reply);
    }
    chat
}

fn answer(chat: &Chat, field: &str) -> serde_json::Value {
    let answers = chat.state().answers();
    let known = answers.iter().find(|(id, _)| id.as_str() == field);
    known.map_or(serde_json::Value::Null, |(_, answer)| answer.value.to_json())
}

const HAPPY: &[Exchange] = &[
    ("Hi! yes ready", "What is your business called?", "business_name"),
    ("Acme Plumbing", "What email", "email"),
    ("its dana at acme dot com", "phone number", "phone"),
    ("(415) 555-0199", "website already", "has_website"),
    ("yep", "its address", "website"),
    ("acme.com", "Which plan fits Acme Plumbing?\n1) Basic\n2) Pro", "plan"),
    ("the second one", "monthly budget", "budget"),
    ("500 bucks", "Anything else", "notes"),
    ("nope", "That's everything", "-"),
];

/// The first `count` exchanges of the happy conversation, then these.
fn after(count: usize, exchanges: &[Exchange]) -> Chat {
    hold(meta(), &[&HAPPY[..count], exchanges].concat())
}

#[test]
fn a_client_who_answers_plainly_is_done_in_nine_messages() {
    let chat = hold(meta(), HAPPY);
    assert_eq!(chat.state().status(), SessionStatus::Complete);
    assert_eq!(answer(&chat, "website"), "https://acme.com");
    assert_eq!(answer(&chat, "plan"), "pro");
    assert_eq!(answer(&chat, "notes"), serde_json::Value::Null);
}

#[test]
fn pleasantries_before_the_first_answer_are_not_the_answer() {
    for opening in
        ["hi", "Hello!", "ok", "yes", "sure, go ahead", "👍", "lol", "thanks", "Hola", "good morning"]
    {
        hold(meta(), &[(opening, "What is your business called?", "business_name")]);
    }
}

#[test]
fn a_greeting_in_front_of_an_answer_is_left_out() {
    let chat = hold(meta(), &[("Hi! Acme Plumbing", "email", "email")]);
    assert_eq!(answer(&chat, "business_name"), "Acme Plumbing");
}

#[test]
fn a_slip_is_corrected_right_after_it() {
    for slip in [
        "no wait it's 415 555 0123",
        "sorry, 415-555-0123",
        "actually it's (415) 555-0123",
        "oops 4155550123",
    ] {
        let chat = after(4, &[(slip, "Updated", "has_website")]);
        assert_eq!(answer(&chat, "phone"), "+14155550123", "{slip}");
    }
}

#[test]
fn any_earlier_answer_is_corrected_in_words_at_any_time() {
    for correction in [
        "change my email to boss@acme.com",
        "my email is wrong, it's boss@acme.com",
        "actually my email is boss@acme.com",
        "can you please update the email to boss@acme.com",
        "email should be boss@acme.com",
        "wrong email, it's boss@acme.com",
        "cambia mi correo a boss@acme.com",
        "mi correo es boss@acme.com",
    ] {
        let chat = after(6, &[(correction, "Updated your email: boss@acme.com.", "plan")]);
        assert_eq!(answer(&chat, "email"), "boss@acme.com", "{correction}");
    }
}

#[test]
fn a_correction_without_a_value_asks_for_it_and_returns() {
    for wish in
        ["change the email", "my email is wrong", "I need to fix my email", "quiero cambiar el correo"]
    {
        let chat =
            after(6, &[(wish, "What email address", "email"), ("boss@acme.com", "Which plan", "plan")]);
        assert_eq!(answer(&chat, "email"), "boss@acme.com", "{wish}");
    }
}

#[test]
fn a_correction_that_does_not_parse_is_asked_again_and_returned_from() {
    after(
        6,
        &[
            ("change my phone to 12", "doesn't look like a phone number", "phone"),
            ("212-555-0188", "Which plan", "plan"),
        ],
    );
}

#[test]
fn a_change_of_mind_about_a_correction_keeps_the_old_answer() {
    let chat = after(6, &[("change the email", "What email", "email"), ("never mind", "Which plan", "plan")]);
    assert_eq!(answer(&chat, "email"), "dana@acme.com");
}

#[test]
fn an_answer_whose_question_is_no_longer_asked_does_not_stand() {
    let chat = after(6, &[("actually we don't have a website", "Updated", "plan")]);
    assert_eq!(answer(&chat, "has_website"), false);
    assert_eq!(answer(&chat, "website"), serde_json::Value::Null);
}

#[test]
fn a_dependent_answer_is_asked_again_when_its_ground_returns() {
    let chat = after(
        6,
        &[
            ("change existing website to no", "Updated", "plan"),
            ("change existing website to yes", "What is its address?", "website"),
            ("acme.org", "Which plan", "plan"),
        ],
    );
    assert_eq!(answer(&chat, "website"), "https://acme.org");
}

#[test]
fn going_back_asks_the_question_before_and_then_returns() {
    after(
        4,
        &[
            ("go back", "phone number", "phone"),
            ("back", "What email", "email"),
            ("x@acme.com", "phone number", "phone"),
            ("never mind", "website already", "has_website"),
        ],
    );
    after(0, &[("back", "That was the first question.", "business_name")]);
}

#[test]
fn questions_about_the_conversation_leave_the_question_pending() {
    for (said, reply) in [
        ("what do you mean?", "dana@example.com"),
        ("?", "dana@example.com"),
        ("why do you need that", "Bright Agency needs it"),
        ("can you repeat that please", "What email"),
        ("how many left?", "1 of 5 answered, 4 to go."),
        ("where are we", "1 of 5 answered"),
        ("send me the link", "https://usher.example/s/lnk_abc"),
        ("are you a bot?", "automated assistant"),
        ("how much does this cost?", "Someone at Bright Agency can answer that"),
        ("skip", "I do need your email"),
        ("idk", "No problem, take your time."),
        ("thanks", "You're welcome!"),
    ] {
        after(2, &[(said, reply, "email")]);
    }
}

#[test]
fn an_optional_question_is_left_out_in_many_ways() {
    for way in
        ["skip", "n/a", "none", "no", "nope", "I don't know", "pass", "no thanks", "not sure", "no tengo"]
    {
        let chat = after(7, &[(way, "Anything else", "notes")]);
        assert_eq!(answer(&chat, "budget"), serde_json::Value::Null, "{way}");
    }
}

#[test]
fn a_call_for_a_person_is_heard_and_the_questions_go_on() {
    for call in
        ["human please", "Can I talk to a real person?", "agent", "quiero hablar con una persona", "call me"]
    {
        let chat = after(2, &[(call, "I've asked someone at Bright Agency", "email")]);
        assert_eq!(chat.state().status(), SessionStatus::Escalated, "{call}");
    }
    after(
        2,
        &[
            ("human", "I've asked someone", "email"),
            ("human!", "already knows", "email"),
            ("dana@acme.com", "phone number", "phone"),
        ],
    );
}

#[test]
fn misses_are_met_with_other_words_and_then_with_a_person() {
    let chat = after(
        2,
        &[
            ("blue", "exactly one @", "email"),
            ("still blue", "another way", "email"),
            ("blue forever", "I've asked someone at Bright Agency to help", "email"),
            ("blue again", "will help with your email", "email"),
            ("dana@acme.com", "phone number", "phone"),
        ],
    );
    assert_eq!(chat.state().status(), SessionStatus::Escalated);
}

#[test]
fn three_misses_of_an_optional_question_move_on() {
    after(
        7,
        &[
            ("plenty of it", "amount of money", "budget"),
            ("so much", "another way", "budget"),
            ("very rich", "let's move on", "notes"),
        ],
    );
}

#[test]
fn a_completed_session_still_takes_corrections_and_small_talk() {
    let chat = after(
        9,
        &[
            ("thanks!", "You're welcome!", "-"),
            ("change my phone to 212-555-0188", "Updated", "-"),
            ("change the plan", "Which plan", "plan"),
            ("basic", "All set again", "-"),
            ("change existing website to no", "Updated", "-"),
            ("change existing website to yes", "What is its address?", "website"),
            ("acme.org", "All set again", "-"),
            ("ok", "You're all set.", "-"),
        ],
    );
    assert_eq!(chat.state().status(), SessionStatus::Complete);
    assert_eq!(answer(&chat, "phone"), "+12125550188");
}

#[test]
fn a_plain_request_to_stop_is_confirmed_once_and_then_there_is_silence() {
    let chat = after(
        2,
        &[
            ("please stop texting me", "You won't get any more messages", "email"),
            ("hello?", "", "email"),
            ("dana@acme.com", "", "email"),
            ("START", "Welcome back! What email", "email"),
            ("dana@acme.com", "phone number", "phone"),
        ],
    );
    assert_eq!(chat.state().status(), SessionStatus::Active);
}

#[test]
fn a_read_back_waits_for_a_yes_and_takes_a_better_value() {
    let flow = || {
        flow_of(&serde_json::json!([
            { "id": "email", "label": "Email", "prompt": "Your email?", "type": "email", "confirm": true },
            { "id": "name", "label": "Name", "prompt": "Your name?", "type": "person_name" }
        ]))
    };
    for yes in ["yes", "yep that's right", "correct", "👍", "sí"] {
        let chat = hold(
            meta_of(flow(), "en"),
            &[
                ("Dana at ACME dot com", "I have dana@acme.com for your email. Is that right?", "email"),
                (yes, "Your name?", "name"),
            ],
        );
        assert_eq!(answer(&chat, "email"), "dana@acme.com", "{yes}");
    }
    let chat = hold(
        meta_of(flow(), "en"),
        &[
            ("dana@acme.con", "I have dana@acme.con", "email"),
            ("no", "Let's try again. Your email?", "email"),
            ("dana@acne.com", "I have dana@acne.com", "email"),
            ("no, it's dana@acme.com", "I have dana@acme.com", "email"),
            ("maybe", "Reply yes, or send the right one.", "email"),
            ("yes", "Your name?", "name"),
        ],
    );
    assert_eq!(answer(&chat, "email"), "dana@acme.com");
}

#[test]
fn a_choice_is_taken_even_when_its_label_means_something_else() {
    let flow = flow_of(&serde_json::json!([
        { "id": "role", "label": "Role", "prompt": "Who are you?", "type": "select",
          "options": [{ "id": "a", "label": "Agent" }, { "id": "b", "label": "Not sure" }] },
        { "id": "job", "label": "Job", "prompt": "And what do you do?", "type": "text" }
    ]));
    let chat =
        hold(meta_of(flow, "en"), &[("agent", "what do you do", "job"), ("manager", "everything", "-")]);
    assert_eq!(answer(&chat, "role"), "a");
    assert_eq!(answer(&chat, "job"), "manager");
}

#[test]
fn a_picture_answers_a_question_for_a_file() {
    use usher_conversation::channel::Channel;
    use usher_conversation::session::{Command, Media};
    let flow = flow_of(&serde_json::json!([
        { "id": "logo", "label": "Logo", "prompt": "Your logo?", "type": "file",
          "validation": { "media_types": ["image/*"] } }
    ]));
    let mut world = crate::support::World::new(meta_of(flow, "en"), crate::support::sound);
    world.start(Channel::Sms);
    for (media_type, complete) in [("text/plain", false), ("image/png", true)] {
        let file = FileAnswer {
            file: FileId::new(NOON, [9; 16]),
            name: "logo.png".to_owned(),
            media_type: media_type.to_owned(),
            bytes: 10,
        };
        let inbound = crate::support::inbound(Channel::Sms, "here it is");
        world.command(Command::Receive(usher_conversation::session::Inbound {
            media: vec![Media { file }],
            ..inbound
        }));
        assert_eq!(world.state.is_complete(), complete, "{media_type}");
    }
}

#[test]
fn several_answers_in_one_message_are_all_taken() {
    let chat = hold(
        meta(),
        &[
            (
                "Acme Plumbing, email dana@acme.com, phone 415-555-0199",
                "Got it: business name Acme Plumbing",
                "has_website",
            ),
            ("no", "Which plan", "plan"),
            ("pro and my budget is $400", "Anything else", "notes"),
        ],
    );
    assert_eq!(answer(&chat, "email"), "dana@acme.com");
    assert_eq!(answer(&chat, "plan"), "pro");
    after(0, &[("my email is dana@acme.com", "What is your business called?", "business_name")]);
}

#[test]
fn words_that_announce_a_name_are_not_part_of_it() {
    for said in [
        "the business is called Reyes & Sons",
        "it's Reyes & Sons",
        "our name is Reyes & Sons",
        "my company name is Reyes & Sons",
        "that would be Reyes & Sons",
        "it's Reyes & Sons and my email is dana@acme.com",
        "Reyes & Sons, dana@acme.com",
        "1. Reyes & Sons\n2. dana@acme.com",
    ] {
        let (mut chat, _) = Chat::begin(meta(), NOON);
        chat.handle(NOON, said);
        assert_eq!(answer(&chat, "business_name"), "Reyes & Sons", "{said}");
    }
}

#[test]
fn what_was_answered_can_be_asked_for() {
    after(
        4,
        &[
            ("what was my email?", "I have dana@acme.com for your email.", "has_website"),
            ("what did I say for the phone?", "I have (415) 555-0199", "has_website"),
            ("what do you have so far?", "So far I have: business name Acme Plumbing", "has_website"),
        ],
    );
}

#[test]
fn a_part_of_the_last_answer_is_swapped_in_words() {
    for (swap, phone) in [("0123 not 0199", "+14155550123"), ("not 0199, it's 0123", "+14155550123")] {
        let chat = after(4, &[(swap, "Updated", "has_website")]);
        assert_eq!(answer(&chat, "phone"), phone, "{swap}");
    }
    let chat = after(7, &[("the first one actually", "Updated your plan: Basic.", "budget")]);
    assert_eq!(answer(&chat, "plan"), "basic");
}

#[test]
fn a_yes_and_what_it_brings_up_are_taken_together() {
    let chat = after(4, &[("yes, it's acme.com", "Got it", "plan")]);
    assert_eq!(answer(&chat, "website"), "https://acme.com");
}

#[test]
fn an_ambiguous_answer_is_settled_by_the_choice_between_its_readings() {
    let flow = || {
        flow_of(&serde_json::json!([
            { "id": "day", "label": "Day", "prompt": "Which day?", "type": "date" },
            { "id": "time", "label": "Time", "prompt": "What time?", "type": "time" },
            { "id": "guests", "label": "Guests", "prompt": "How many?", "type": "number" }
        ]))
    };
    let chat = hold(
        meta_of(flow(), "en"),
        &[
            ("next week", "That could mean Mon", "day"),
            ("wednesday", "What time?", "time"),
            ("at 7", "7:00 AM or 7:00 PM", "time"),
            ("evening", "How many?", "guests"),
        ],
    );
    assert_eq!((answer(&chat, "day"), answer(&chat, "time")), ("2026-11-25".into(), "19:00".into()));
    let chat = hold(meta_of(flow(), "en"), &[("tomorrow at 3pm", "How many?", "guests")]);
    assert_eq!((answer(&chat, "day"), answer(&chat, "time")), ("2026-11-18".into(), "15:00".into()));
}

#[test]
fn nothing_else_leaves_an_optional_question_out() {
    for nothing in ["nothing else", "no that's it", "that's all", "no thanks", "not that I can think of"] {
        let chat = after(8, &[(nothing, "That's everything", "-")]);
        assert_eq!(answer(&chat, "notes"), serde_json::Value::Null, "{nothing}");
    }
}

#[test]
fn anger_and_delay_are_met_without_counting_as_misses() {
    for (said, reply) in [
        ("this is stupid", "I'm sorry about that."),
        ("busy, text me tomorrow", "No rush."),
        ("is this safe?", "Your answers go only to Bright Agency."),
    ] {
        let chat = after(2, &[(said, reply, "email")]);
        assert_eq!(chat.state().misses(&usher_conversation::flow::FieldId::new("email")), 0, "{said}");
    }
}

#[test]
fn a_stranger_is_left_in_peace() {
    let chat = after(2, &[("you have the wrong person", "Sorry about that!", "email"), ("ok", "", "email")]);
    assert_eq!(chat.state().status(), SessionStatus::OptedOut);
}

#[test]
fn spanish_is_spoken_and_understood() {
    let chat = hold(
        meta_of(crate::support::flow(), "es"),
        &[
            ("hola, listo", "What is your business called?", "business_name"),
            ("Plomería Sol", "What email", "email"),
            ("no sé", "tómate tu tiempo", "email"),
            ("azul", "lleva una sola @", "email"),
            ("ana@sol.com", "phone number", "phone"),
            ("415-555-0199", "website already", "has_website"),
            ("perdón, mi teléfono es 415-555-0123", "Actualizado", "has_website"),
            ("¿cuántas quedan?", "3 de 5 respondidas, faltan 2.", "has_website"),
            ("no", "Which plan", "plan"),
            ("atrás", "website already", "has_website"),
            ("sí", "What is its address", "website"),
            ("quiero hablar con una persona", "Le he pedido a alguien", "website"),
        ],
    );
    assert_eq!(answer(&chat, "phone"), "+14155550123");
}
