//! A session on the telephone: what a speaking model may do, what is really heard, and how text and talk stay one.

use serde_json::{Value, json};
use usher_conversation::channel::Channel;
use usher_conversation::flow::Flow;
use usher_conversation::id::CallId;
use usher_conversation::session::tools::{self, Tool, ToolError};
use usher_conversation::session::{
    Command, Effect, EscalationReason, Event, Origin, SessionMeta, Speaker, effects_of, reply_of,
    reply_to_nothing,
};
use usher_conversation::view::transcript_of;
use usher_conversation::voice::{CallDirection, CallEnd, CallNews, Persona, TurnLatency, briefing, whisper};

use crate::support::{NOON, World, flow_of, meta, sound};

pub(crate) fn call() -> CallId {
    CallId::new(NOON, [9; 16])
}

pub(crate) fn on_the_phone() -> Origin {
    Origin { channel: Channel::Voice, address: "+14155550142".to_owned(), line: None }
}

pub(crate) fn told(world: &mut World, news: CallNews) {
    world.command(Command::Call { call: call(), news });
}

pub(crate) fn connected() -> World {
    let mut world = World::new(meta(), sound);
    told(&mut world, CallNews::Connected { origin: on_the_phone(), direction: CallDirection::Inbound });
    world
}

/// What the model is told when it uses a tool.
pub(crate) fn uses(world: &mut World, name: &str, parameters: &Value) -> Value {
    let tool = Tool::parse(name, parameters).expect("the request is well formed");
    let reply = tool.command(&call(), &on_the_phone()).map(|command| match world.command(command).cloned() {
        Some(turn) => reply_of(&world.meta, &world.state, &turn),
        None => reply_to_nothing(&world.state),
    });
    let answer = tools::answer(&world.meta, &world.state, &tool, reply.as_ref());
    serde_json::from_str(&answer.json).expect("the model gets JSON")
}

fn texts_sent(world: &World) -> Vec<String> {
    let effects = world.journal.iter().flat_map(|turn| effects_of(&world.meta, turn));
    effects
        .filter_map(|effect| match effect {
            Effect::Send(message) => Some(message.text),
            _ => None,
        })
        .collect()
}

#[test]
fn a_call_to_a_fresh_session_begins_it_and_says_nothing_by_text() {
    let world = connected();
    assert_eq!(world.state.pending().map(usher_conversation::flow::FieldId::as_str), Some("business_name"));
    assert!(texts_sent(&world).is_empty());
}

#[test]
fn the_model_records_what_was_said_and_learns_what_to_ask_next() {
    let mut world = connected();
    let told = uses(&mut world, "record_answer", &json!({ "value": "it's Acme Plumbing" }));
    assert_eq!(world.answers()["business_name"], json!("Acme Plumbing"));
    assert_eq!(told["ok"], json!(true));
    assert_eq!(told["next_question"]["field"], json!(world.state.pending().expect("a question").as_str()));
    let origin = &world.state.answers().values().next().expect("an answer").origin;
    assert_eq!(origin, &on_the_phone(), "the answer remembers that it was spoken");
}

#[test]
fn a_number_that_was_heard_is_read_back_digit_by_digit_before_it_counts() {
    let mut world = connected();
    let number = json!({ "field": "phone", "value": "+14155550177" });
    let told = uses(&mut world, "record_answer", &number);
    assert!(!world.answers().contains_key("phone"), "nothing counts before the yes");
    let say = told["say"].as_str().expect("a read-back");
    assert!(say.contains("4 1 5, 5 5 5, 0 1 7 7"), "{say}");
    uses(&mut world, "record_answer", &json!({ "value": "yes that's right" }));
    assert_eq!(world.answers()["phone"], json!("+14155550177"));
}

#[test]
fn a_value_that_does_not_parse_is_refused_with_the_sentence_to_say() {
    let mut world = connected();
    let told = uses(&mut world, "correct_answer", &json!({ "field": "phone", "value": "12" }));
    assert_eq!(told["ok"], json!(false));
    assert!(told["error"].as_str().is_some_and(|error| !error.is_empty()));
    assert!(!world.answers().contains_key("phone"));
}

#[test]
fn a_question_that_does_not_exist_is_an_error_and_changes_no_answer() {
    let mut world = connected();
    let told = uses(&mut world, "record_answer", &json!({ "field": "shoe_size", "value": "44" }));
    assert_eq!(told["ok"], json!(false));
    assert!(world.answers().is_empty());
}

#[test]
fn requests_that_are_none_of_ours_are_refused_in_words() {
    assert_eq!(Tool::parse("rm_rf", &json!({})), Err(ToolError::Unknown("rm_rf".to_owned())));
    assert_eq!(Tool::parse("record_answer", &json!({})), Err(ToolError::Parameter("value")));
    assert_eq!(Tool::parse("correct_answer", &json!({ "value": "x" })), Err(ToolError::Parameter("field")));
    let long = "x".repeat(tools::MAX_TEXT_BYTES + 1);
    assert_eq!(
        Tool::parse("answer_question", &json!({ "question": long })),
        Err(ToolError::Parameter("question"))
    );
}

#[test]
fn every_tool_that_is_offered_is_understood() {
    for definition in tools::definitions() {
        let properties = definition.parameters["properties"].as_object().expect("properties").keys();
        let given: Value =
            properties.map(|name| (name.clone(), json!("x"))).collect::<serde_json::Map<_, _>>().into();
        assert!(Tool::parse(definition.name, &given).is_ok(), "{}", definition.name);
    }
}

#[test]
fn an_answer_texted_during_the_call_is_the_answer_of_the_same_question() {
    let mut world = connected();
    let asked = world.state.pending().expect("a question").to_string();
    world.receive(Channel::Sms, "Acme Plumbing");
    let told = uses(&mut world, "get_next_question", &json!({}));
    assert_ne!(told["next_question"]["field"], json!(asked));
    assert_eq!(world.answers()[&asked], json!("Acme Plumbing"));
}

#[test]
fn what_the_session_tells_the_model_to_say_never_leaves_by_text() {
    let mut world = connected();
    uses(&mut world, "record_answer", &json!({ "value": "Acme Plumbing" }));
    uses(&mut world, "answer_question", &json!({ "question": "how long does this take?" }));
    assert!(texts_sent(&world).is_empty());
}

#[test]
fn the_transcript_holds_what_was_heard_and_not_what_was_generated() {
    let mut world = connected();
    let spoke = CallNews::Spoke {
        utterance: 1,
        text: "Great. Shall we start with your address?".to_owned(),
        latency: TurnLatency::default(),
    };
    told(&mut world, CallNews::Heard { text: "Hello?".to_owned() });
    told(&mut world, spoke);
    told(&mut world, CallNews::Playing { utterance: 1, text: "Great.".to_owned() });
    told(&mut world, CallNews::Played { utterance: 1, text: "Great. Shall we".to_owned(), whole: false });
    let lines: Vec<_> =
        world.journal.iter().flat_map(transcript_of).map(|line| (line.from, line.text)).collect();
    assert_eq!(
        lines,
        [(Speaker::Client, "Hello?".to_owned()), (Speaker::Bot, "Great. Shall we…".to_owned())]
    );
}

#[test]
fn the_first_words_of_a_call_name_the_organisation_and_ask_the_pending_question() {
    let mut world = World::new(meta(), sound);
    world.start(Channel::Sms);
    let opening = briefing(&world.meta, &world.state, &Persona { name: "Robin".to_owned() }, &call());
    let first = opening.first_message.expect("first words");
    assert!(first.contains("Robin") && first.contains("Bright Agency"), "{first}");
    assert!(first.ends_with("What is your business called?"), "{first}");
}

#[test]
fn what_a_voice_vendor_is_told_opens_no_session() {
    let mut world = connected();
    let opening = briefing(&world.meta, &world.state, &Persona { name: "Robin".to_owned() }, &call());
    let told = format!("{opening:?}");
    let asked = json!({ "question": "send me the link" });
    let answered = uses(&mut world, "answer_question", &asked).to_string();
    let file = json!([{ "id": "logo", "label": "Logo", "prompt": "Do you have a logo?", "type": "file" }]);
    let picture = SessionMeta { flow: flow_of(&file).into(), ..meta() };
    let mut pictured = World::new(picture, sound);
    pictured.start(Channel::Sms);
    let asked = format!("{:?}", briefing(&pictured.meta, &pictured.state, &Persona::default(), &call()));
    assert!(asked.contains("Do you have a logo?"), "{asked}");
    for secret in [world.meta.session.as_str(), "lnk_abc"] {
        for told in [&told, &answered, &asked] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    assert!(answered.contains("answer right here"), "{answered}");
}

#[test]
fn news_that_come_after_the_end_are_kept_and_begin_no_other_call() {
    let mut world = connected();
    told(&mut world, CallNews::Heard { text: "I have to go".to_owned() });
    told(&mut world, CallNews::Ended { end: CallEnd::ContactHungUp, seconds: 12 });
    let late = CallNews::Heard { text: "and thanks".to_owned() };
    told(&mut world, late.clone());
    told(&mut world, CallNews::Played { utterance: 1, text: "Good".to_owned(), whole: false });
    told(&mut world, CallNews::Connected { origin: on_the_phone(), direction: CallDirection::Inbound });
    assert_eq!(world.state.call(), None, "it is over");
    told(&mut world, CallNews::Ended { end: CallEnd::Finished, seconds: 12 });
    let events = || world.journal.iter().flat_map(|turn| &turn.events);
    let ended = |event: &&Event| matches!(event, Event::Call { news: CallNews::Ended { .. }, .. });
    assert_eq!(events().filter(ended).count(), 1, "the end is told once");
    assert_eq!(texts_sent(&world).len(), 1, "and followed by one text");
    assert!(
        events().any(|event| matches!(event, Event::Call { news, .. } if *news == late)),
        "the record is whole"
    );
}

#[test]
fn a_call_that_ends_with_open_questions_goes_on_by_text_once() {
    let mut world = connected();
    told(&mut world, CallNews::Heard { text: "I have to go".to_owned() });
    told(&mut world, CallNews::Ended { end: CallEnd::ContactHungUp, seconds: 12 });
    let texts = texts_sent(&world);
    let [text] = &texts[..] else { panic!("one text, not {texts:?}") };
    assert!(text.contains("https://usher.example/s/lnk_abc") && text.contains("business called"), "{text}");
    told(&mut world, CallNews::Ended { end: CallEnd::Finished, seconds: 12 });
    assert_eq!(texts_sent(&world).len(), 1, "the end is told once");
}

#[test]
fn nobody_is_texted_after_a_call_that_nobody_answered() {
    for end in [CallEnd::NoAnswer, CallEnd::Busy, CallEnd::Voicemail, CallEnd::Failed, CallEnd::Canceled] {
        let mut world = World::new(meta(), sound);
        told(&mut world, CallNews::Ended { end, seconds: 0 });
        assert!(texts_sent(&world).is_empty(), "{end:?}");
    }
}

#[test]
fn a_caller_who_was_not_put_through_goes_on_by_text_once() {
    for end in [CallEnd::AfterHours, CallEnd::LinesBusy] {
        let mut world = World::new(SessionMeta { phone: Some("+14155550142".to_owned()), ..meta() }, sound);
        told(&mut world, CallNews::Ended { end, seconds: 0 });
        told(&mut world, CallNews::Ended { end, seconds: 0 });
        let texts = texts_sent(&world);
        let [text] = &texts[..] else { panic!("one text, not {texts:?}") };
        assert!(text.contains("missed your call") && text.contains("business called"), "{text}");
    }
}

#[test]
fn a_caller_who_comes_back_from_nobody_is_told_so_and_asked_the_pending_question() {
    let mut world = connected();
    let spoke =
        CallNews::Spoke { utterance: 1, text: "One moment.".to_owned(), latency: TurnLatency::default() };
    told(&mut world, spoke);
    told(&mut world, CallNews::Returned);
    let escalated = Event::Escalated { reason: EscalationReason::TransferFailed };
    assert!(world.journal.iter().flat_map(|turn| &turn.events).any(|event| *event == escalated));
    let words = |world: &World| {
        briefing(&world.meta, &world.state, &Persona::default(), &call()).first_message.expect("first words")
    };
    let back = words(&world);
    assert!(back.starts_with("Sorry, nobody could take your call"), "{back}");
    assert!(back.ends_with("What is your business called?"), "{back}");
    told(&mut world, CallNews::Played { utterance: 2, text: back, whole: true });
    assert!(!words(&world).contains("nobody"), "it is said once");
}

#[test]
fn whoever_takes_a_call_hears_who_calls_and_nothing_private() {
    let mut world = connected();
    uses(&mut world, "record_answer", &json!({ "value": "Acme Plumbing" }));
    let words = whisper(&world.meta, &world.state, "en");
    assert!(words.starts_with("A call for Bright Agency. The caller is Dana Smith."), "{words}");
    assert!(words.contains("Acme Plumbing") && words.ends_with("Press 1 to take the call."), "{words}");
    assert!(whisper(&world.meta, &world.state, "es").ends_with("Pulsa 1 para atender la llamada."));
    let mut flow = Flow::clone(&world.meta.flow);
    flow.fields.iter_mut().for_each(|field| field.sensitive = true);
    let private = SessionMeta { flow: flow.into(), ..world.meta.clone() };
    assert!(!whisper(&private, &world.state, "en").contains("Acme"), "the broken variant would say it");
}

#[test]
fn consent_withdrawn_aloud_ends_every_way_of_writing() {
    let mut world = connected();
    uses(&mut world, "answer_question", &json!({ "question": "please stop texting me" }));
    assert!(world.state.is_opted_out());
    told(&mut world, CallNews::Ended { end: CallEnd::ContactHungUp, seconds: 5 });
    assert!(texts_sent(&world).is_empty());
}

#[test]
fn a_caller_who_wants_a_person_is_noted_once() {
    let mut world = connected();
    uses(&mut world, "escalate", &json!({ "reason": "wants a person" }));
    uses(&mut world, "escalate", &json!({ "reason": "still wants a person" }));
    let escalated =
        |event: &&Event| matches!(event, Event::Escalated { reason: EscalationReason::Requested });
    assert_eq!(world.journal.iter().flat_map(|turn| &turn.events).filter(escalated).count(), 1);
}

#[test]
fn choices_are_said_as_a_sentence_and_not_as_a_list() {
    let mut world = connected();
    for _ in 0..world.meta.flow.fields.len() {
        let told = uses(&mut world, "get_next_question", &json!({}));
        let question = told["next_question"]["question"].as_str().unwrap_or_default();
        assert!(!question.contains("1)"), "{question}");
        let Some(field) = world.state.pending().cloned() else { break };
        world.submit(field.as_str(), sample(&world, field.as_str()));
    }
}

/// Some answer to any field.
fn sample(world: &World, field: &str) -> Value {
    let field = world.meta.flow.fields.iter().find(|known| known.id.as_str() == field).expect("a field");
    match field.options.first() {
        Some(choice) => json!(choice.label),
        None => json!(
            [
                "Acme",
                "acme.com",
                "dana@acme.com",
                "415 555 0177",
                "yes",
                "12",
                "$50",
                "9-5 weekdays",
                "tomorrow",
                "3 pm"
            ]
            .into_iter()
            .find(|text| {
                let mut copy = World::new(world.meta.clone(), sound);
                copy.state = world.state.clone();
                copy.submit(field.id.as_str(), json!(text));
                copy.state.is_settled(&field.id)
            })
            .unwrap_or("Acme")
        ),
    }
}
