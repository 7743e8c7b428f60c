//! A call whose node died: whoever takes it over goes on where the contact was left.

use serde_json::json;
use usher_conversation::channel::Channel;
use usher_conversation::id::CallId;
use usher_conversation::session::{SessionState, Speaker, fold};
use usher_conversation::view::transcript_of;
use usher_conversation::voice::{CallDirection, CallNews, Opening, Persona, TurnLatency, briefing};

use crate::calls::{call, connected, on_the_phone, told, uses};
use crate::support::{NOON, World};

const APOLOGY: &str = "Sorry, the line was gone for a moment.";

fn spoke(world: &mut World, utterance: u32, text: &str) {
    told(world, CallNews::Spoke { utterance, text: text.to_owned(), latency: TurnLatency::default() });
}

fn heard(world: &mut World, utterance: u32, text: &str) {
    told(world, CallNews::Playing { utterance, text: text.to_owned() });
}

/// What the next agent is told, by somebody who knows the journal only.
fn opening(world: &World) -> Opening {
    let rebuilt: SessionState = fold(&world.meta, None, &world.journal);
    assert_eq!(rebuilt, world.state);
    briefing(&world.meta, &rebuilt, &Persona { name: "Robin".to_owned() }, &call())
}

/// The first words after the break, without the apology.
#[track_caller]
fn resumes(world: &World) -> String {
    let first = opening(world).first_message.expect("first words");
    first.strip_prefix(APOLOGY).expect("the apology comes first").trim().to_owned()
}

#[test]
fn what_nobody_heard_is_said_again_without_a_second_greeting() {
    let mut world = connected();
    spoke(&mut world, 1, "What is your website?");
    assert_eq!(resumes(&world), "What is your website?");
}

#[test]
fn sentences_that_were_heard_are_not_said_again_however_many_there_were() {
    let mut world = connected();
    spoke(&mut world, 1, "Great. Thank you. We are nearly done. What is your website?");
    let rest = ["Thank you. We are nearly done. What", "We are nearly done. What", "What"];
    for (known, rest) in
        ["Great.", "Great. Thank you.", "Great. Thank you. We are nearly done."].iter().zip(rest)
    {
        heard(&mut world, 1, known);
        assert_eq!(resumes(&world), format!("{rest} is your website?"));
        assert_eq!(opening(&world).variables["resume_from"], json!(known));
    }
}

#[test]
fn a_sentence_that_was_broken_off_is_said_from_its_beginning() {
    let mut world = connected();
    spoke(&mut world, 1, "Great. What is your website?");
    heard(&mut world, 1, "Great. What is");
    assert_eq!(resumes(&world), "What is your website?");
}

#[test]
fn everything_that_was_on_its_way_is_said() {
    let mut world = connected();
    spoke(&mut world, 1, "Let me see. One moment.");
    spoke(&mut world, 2, "What is your website?");
    heard(&mut world, 1, "Let me see.");
    assert_eq!(resumes(&world), "One moment. What is your website?");
    told(
        &mut world,
        CallNews::Played { utterance: 1, text: "Let me see. One moment.".to_owned(), whole: true },
    );
    assert_eq!(resumes(&world), "What is your website?");
}

#[test]
fn a_question_that_was_answered_while_it_was_being_asked_is_not_asked_again() {
    let mut spoken = connected();
    spoke(&mut spoken, 1, "What is your business called? Take your time.");
    heard(&mut spoken, 1, "What is your business called?");
    let mut texted = connected();
    spoke(&mut texted, 1, "What is your business called? Take your time.");
    let next = uses(&mut spoken, "record_answer", &json!({ "value": "Acme Plumbing" }));
    assert_eq!(resumes(&spoken), next["next_question"]["question"].as_str().expect("a question"));
    texted.receive(Channel::Sms, "Acme Plumbing");
    assert_eq!(resumes(&texted), resumes(&spoken));
}

#[test]
fn words_of_which_nothing_has_come_are_told_to_the_next_agent() {
    let mut world = connected();
    spoke(&mut world, 1, "What is your business called?");
    told(&mut world, CallNews::Heard { text: "It is Acme".to_owned() });
    told(&mut world, CallNews::Heard { text: "Plumbing".to_owned() });
    let waiting = opening(&world);
    assert_eq!(waiting.contact_said.as_deref(), Some("It is Acme Plumbing"));
    assert_eq!(resumes(&world), "What is your business called?", "for one that cannot be told");
    uses(&mut world, "record_answer", &json!({ "value": "Acme Plumbing" }));
    assert_eq!(opening(&world).contact_said, None, "they were acted on");
}

#[test]
fn words_that_were_replied_to_are_not_told_again() {
    let mut world = connected();
    spoke(&mut world, 1, "What is your business called?");
    told(&mut world, CallNews::Heard { text: "One moment please".to_owned() });
    spoke(&mut world, 2, "Sure. Take your time.");
    assert!(opening(&world).contact_said.is_some(), "the reply was not heard");
    heard(&mut world, 2, "Sure.");
    assert_eq!(opening(&world).contact_said, None);
    assert_eq!(resumes(&world), "Take your time.");
}

#[test]
fn a_second_break_in_the_words_about_the_first_adds_no_second_apology() {
    let mut world = connected();
    spoke(&mut world, 1, "Great. What is your website?");
    told(&mut world, CallNews::Connected { origin: on_the_phone(), direction: CallDirection::Inbound });
    spoke(&mut world, 2, &format!("{APOLOGY} Great. What is your website?"));
    assert_eq!(resumes(&world), "Great. What is your website?");
}

#[test]
fn the_transcript_keeps_what_was_heard_of_words_that_were_broken_off() {
    let mut world = connected();
    spoke(&mut world, 1, "Great. What is your website?");
    heard(&mut world, 1, "Great.");
    told(&mut world, CallNews::Connected { origin: on_the_phone(), direction: CallDirection::Inbound });
    spoke(&mut world, 2, &format!("{APOLOGY} What is your website?"));
    let lines: Vec<_> =
        world.journal.iter().flat_map(transcript_of).map(|line| (line.from, line.text)).collect();
    assert_eq!(lines, [(Speaker::Bot, "Great.…".to_owned())]);
}

#[test]
fn a_call_is_not_told_of_another_that_goes_on_in_its_session() {
    let mut world = connected();
    spoke(&mut world, 1, "What is your website?");
    heard(&mut world, 1, "What is");
    told(&mut world, CallNews::Heard { text: "It is acme dot com".to_owned() });
    let persona = Persona { name: "Robin".to_owned() };
    let other = CallId::new(NOON, [8; 16]);
    let greeted = briefing(&world.meta, &world.state, &persona, &other);
    let first = greeted.first_message.expect("first words");
    assert!(first.contains("Robin") && !first.contains(APOLOGY), "{first}");
    assert_eq!((greeted.contact_said, &greeted.variables["resume_from"]), (None, &json!("")));
    assert!(opening(&world).contact_said.is_some(), "the call itself is");
}
