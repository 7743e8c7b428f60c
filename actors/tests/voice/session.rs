//! The call and its session: news in order and once, tools, other channels, going on after a crash.

use serde_json::{Value, json};
use usher_actors::voice::ports::{Handover, Outcome};
use usher_conversation::channel::Channel;
use usher_conversation::journal::Turn;
use usher_conversation::session::{Command, EscalationReason, Event};
use usher_conversation::voice::{
    AgentEvent, AudioFormat, CallEnd, CallNews, CarrierEvent, Fault, Refusal, Utterance,
};

use crate::stage::{Seen, Stage, run};
use crate::support::{Fault as StoreFault, words};

fn heard(text: &str) -> AgentEvent {
    AgentEvent::Heard(Utterance { event: 3, text: text.to_owned() })
}

/// What is wrong with a journal: keys used twice, or the same words told twice.
fn repetitions(journal: &[Turn]) -> usize {
    let mut keys: Vec<_> = journal.iter().filter_map(|turn| turn.dedup.as_deref()).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    count - keys.len()
}

#[test]
fn a_call_is_in_the_journal_from_its_connection_to_its_end() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        stage.agent_says(1, "Hi Dana.", 20).await;
        stage.world.clock.advance(600);
        stage.log.until_seen(2, |seen| matches!(seen, Seen::Mark(_))).await;
        phone.send(CarrierEvent::Played(2)).await;
        stage.agent(heard("Hello")).await;
        stage.journaled(|news| matches!(news, CallNews::Heard { .. })).await;
        phone.handle.leave(Outcome::Ended(CallEnd::Finished));
        assert_eq!(phone.handle.finished().await, Outcome::Ended(CallEnd::Finished));
        stage.journaled(|news| matches!(news, CallNews::Ended { .. })).await;
        let news = stage.news();
        assert!(
            matches!(
                &news[..],
                [
                    CallNews::Connected { .. },
                    CallNews::Spoke { utterance: 1, .. },
                    CallNews::Played { utterance: 1, whole: true, .. },
                    CallNews::Heard { .. },
                    CallNews::Ended { end: CallEnd::Finished, .. },
                ]
            ),
            "{news:?}"
        );
        let call = stage.call_ref(1, 0).call;
        let keys: Vec<_> =
            stage.world.store.journal_of(&stage.session).into_iter().filter_map(|turn| turn.dedup).collect();
        assert_eq!(keys.first().map(String::as_str), Some(format!("call:{call}:0:2").as_str()));
        assert_eq!(repetitions(&stage.world.store.journal_of(&stage.session)), 0);
    });
}

#[test]
fn a_commit_whose_answer_was_lost_is_not_made_twice() {
    run(async {
        let stage = Stage::new();
        let _phone = stage.talk().await;
        let alarms = stage.alarms.set();
        stage.world.store.fail_next(StoreFault::AnswerLost);
        stage.agent(heard("one")).await;
        stage.agent(heard("two")).await;
        while stage.alarms.set() == alarms {
            tokio::task::yield_now().await;
        }
        // The clerk tries again a quarter of a second later.
        stage.world.clock.advance(250);
        stage.journaled(|news| matches!(news, CallNews::Heard { text } if text == "two")).await;
        let heard = stage.news().into_iter().filter(|news| matches!(news, CallNews::Heard { .. })).count();
        let mut journal = stage.world.store.journal_of(&stage.session);
        assert_eq!((heard, repetitions(&journal)), (2, 0));
        journal.extend_from_within(1..2);
        assert_eq!(repetitions(&journal), 1, "a store that had forgotten the key would be noticed");
    });
}

#[test]
fn a_tool_answers_with_what_the_session_decided() {
    run(async {
        let stage = Stage::new();
        let _phone = stage.talk().await;
        stage.agent(heard("It is acme dot com")).await;
        stage.agent_uses("a", "record_answer", json!({ "value": "acme.com" })).await;
        stage.log.until(|seen| matches!(seen, Seen::Result(_))).await;
        let result = stage.log.results().remove(0);
        let told: Value = serde_json::from_str(&result.result).expect("JSON");
        assert_eq!((result.id.as_str(), result.is_error, &told["ok"]), ("a", false, &json!(true)));
        assert_eq!(told["next_question"]["field"], json!("size"));
        let events = stage.events();
        let place = |wanted: fn(&Event) -> bool| events.iter().position(wanted).expect("journaled");
        let words = place(|event| matches!(event, Event::Call { news: CallNews::Heard { .. }, .. }));
        assert!(words < place(|event| matches!(event, Event::Answered { .. })), "words before their answer");
    });
}

#[test]
fn a_tool_of_a_store_that_is_down_fails_in_time_and_the_sound_goes_on() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        stage.world.store.hold();
        stage.agent_uses("a", "record_answer", json!({ "value": "acme.com" })).await;
        stage.world.store.until(|store| store.appends_begun == 3).await;
        phone.speak(1).await;
        stage.log.until(|seen| matches!(seen, Seen::ToAgent(_))).await;
        stage.world.clock.advance(8_000);
        stage.log.until(|seen| matches!(seen, Seen::Result(_))).await;
        assert!(stage.log.results()[0].is_error);
        stage.world.store.release();
    });
}

#[test]
fn an_answer_by_text_message_reaches_the_agent_as_the_contacts_words() {
    run(async {
        let stage = Stage::new();
        let _phone = stage.talk().await;
        stage.world.text(&stage.runtime, &stage.session, "acme.com").await.expect("heard");
        stage.log.until(|seen| matches!(seen, Seen::Message(_))).await;
        let told = |wanted: &str| {
            stage.log.count(
                |seen| matches!(seen, Seen::Message(text) | Seen::Context(text) if text.contains(wanted)),
            )
        };
        assert_eq!(told("I have just sent this by text message. Website:"), 1);
        assert_eq!(told("The pending question is now Team size"), 1);
    });
}

#[test]
fn what_is_texted_while_the_agent_is_dialled_reaches_it() {
    run(async {
        let stage = Stage::new();
        let _phone = stage.ring();
        stage.log.until(|seen| matches!(seen, Seen::Dialled(_))).await;
        stage.world.text(&stage.runtime, &stage.session, "acme.com").await.expect("heard");
        stage.pick_up(AudioFormat::Mulaw8k).await;
        stage.log.until(|seen| matches!(seen, Seen::Message(text) if text.contains("acme.com"))).await;
    });
}

#[test]
fn stop_by_text_message_ends_the_call() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        stage.world.text(&stage.runtime, &stage.session, "STOP").await.expect("heard");
        assert_eq!(phone.handle.finished().await, Outcome::Ended(CallEnd::Finished));
        assert_eq!(stage.log.count(|seen| *seen == Seen::HungUp), 1);
    });
}

#[test]
fn digits_answer_a_question_that_digits_can_answer() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        let press = async |keys: &str| {
            for key in keys.chars() {
                phone.send(CarrierEvent::Digit(key)).await;
            }
        };
        press("12#").await;
        stage.log.until(|seen| *seen == Seen::Message("I pressed 1 2.".to_owned())).await;
        stage.world.text(&stage.runtime, &stage.session, "acme.com").await.expect("heard");
        // Digits answer what the call knows to be asked when they are pressed.
        stage.log.until(|seen| matches!(seen, Seen::Context(text) if text.contains("Team size"))).await;
        press("12").await;
        stage.log.until_seen(4, |seen| *seen == Seen::Active).await;
        stage.world.clock.advance(2_000);
        stage.log.until(|seen| *seen == Seen::Message("I have typed 12 on the keypad.".to_owned())).await;
        press("2#").await;
        stage.log.until(|seen| *seen == Seen::Message("I have typed 2 on the keypad.".to_owned())).await;
        let answered = |field: &str| {
            stage.events().iter().any(|event| match event {
                Event::Answered { field: known, origin, .. } => {
                    known.as_str() == field && origin.channel == Channel::Voice
                }
                _ => false,
            })
        };
        assert!(answered("size") && answered("plan"));
    });
}

#[test]
fn a_call_whose_node_died_goes_on_from_what_was_heard_under_keys_of_its_own() {
    run(async {
        let stage = Stage::new();
        let mut first = stage.talk().await;
        stage.agent_says(1, "What is your website?", 20).await;
        stage.journaled(|news| matches!(news, CallNews::Spoke { .. })).await;
        // The node's end, as the next one sees it: the line is gone and nothing more was told.
        drop(first.line.take());
        assert_eq!(first.handle.finished().await, Outcome::HandedOver(Handover::LineLost));
        let second = stage.ring_as(stage.call_ref(1, 1));
        stage.log.until_seen(2, |seen| matches!(seen, Seen::Dialled(_))).await;
        let openings = stage.log.openings();
        let greeting = |number: usize| openings[number].first_message.clone().expect("words");
        assert!(greeting(0).contains("Dana") && !greeting(1).contains("Dana"), "nobody is greeted twice");
        stage.pick_up(AudioFormat::Mulaw8k).await;
        stage.agent_says(1, "Your website, please?", 20).await;
        second.handle.leave(Outcome::Ended(CallEnd::Finished));
        second.handle.finished().await;
        stage.journaled(|news| matches!(news, CallNews::Ended { .. })).await;
        let spoken: Vec<_> = stage
            .news()
            .into_iter()
            .filter_map(|news| match news {
                CallNews::Spoke { utterance, .. } => Some(utterance),
                _ => None,
            })
            .collect();
        assert_eq!(spoken, [1, 2], "utterances are counted through");
        assert_eq!(repetitions(&stage.world.store.journal_of(&stage.session)), 0);
    });
}

#[test]
fn a_lost_agent_is_briefed_again_behind_the_filler() {
    run(async {
        let stage = Stage::new();
        let _phone = stage.talk().await;
        stage.agent(AgentEvent::Gone(Fault::Lost("1006".to_owned()))).await;
        stage.log.until_seen(2, |seen| matches!(seen, Seen::Dialled(_))).await;
        assert!(stage.log.place(|seen| matches!(seen, Seen::ToContact(audio) if audio.data[0] == 0xAA)) > 0);
        stage.pick_up(AudioFormat::Mulaw8k).await;
        assert_eq!(stage.news().iter().filter(|news| matches!(news, CallNews::Connected { .. })).count(), 1);
    });
}

#[test]
fn a_refused_agent_calls_a_human_and_leaves_the_line_to_the_keypad() {
    run(async {
        let stage = Stage::new();
        stage.dialer.refusals.lock().expect("no poison").push_back(Refusal::Refused("quota".to_owned()));
        let phone = stage.ring();
        let outcome = phone.handle.finished().await;
        assert_eq!(outcome, Outcome::HandedOver(Handover::AgentUnavailable("quota".to_owned())));
        let recorded = stage.log.place(|seen| matches!(seen, Seen::Recorded(..)));
        assert!(
            recorded < stage.log.place(|seen| *seen == Seen::LineClosed),
            "whoever is asked next can know"
        );
        assert_eq!(stage.log.count(|seen| *seen == Seen::HungUp), 0);
        let session = stage.session.clone();
        let called = Event::Escalated { reason: EscalationReason::VoiceUnavailable };
        stage
            .world
            .store
            .until(|store| store.turns[&session].iter().any(|turn| turn.events.contains(&called)))
            .await;
    });
}

#[test]
fn a_transfer_that_fails_returns_to_the_agent() {
    run(async {
        let stage = Stage::new();
        stage.log.no_transfers.store(true, std::sync::atomic::Ordering::SeqCst);
        let phone = stage.talk().await;
        stage.agent_uses("b", "transfer", json!({})).await;
        stage.log.until(|seen| matches!(seen, Seen::Result(_))).await;
        stage.world.clock.advance(3_000);
        stage
            .log
            .until(|seen| matches!(seen, Seen::Message(text) if text.contains("Nobody could be connected")))
            .await;
        stage.log.no_transfers.store(false, std::sync::atomic::Ordering::SeqCst);
        phone.send(CarrierEvent::Digit('#')).await;
        let outcome = phone.handle.finished().await;
        assert!(matches!(outcome, Outcome::HandedOver(Handover::Transfer(_))), "{outcome:?}");
        assert!(stage.log.seen().iter().any(|seen| matches!(seen, Seen::Transferred(_))));
        // Staff learn that nobody took the call.
        let failed =
            |event: &Event| matches!(event, Event::Escalated { reason: EscalationReason::TransferFailed });
        let session = stage.session.clone();
        stage
            .world
            .store
            .until(|store| store.turns[&session].iter().flat_map(|turn| &turn.events).any(failed))
            .await;
    });
}

#[test]
fn what_the_contact_types_is_said_to_the_agent_and_journaled() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        phone.send(CarrierEvent::Typed("dana@acme.com".to_owned())).await;
        stage.log.until(|seen| *seen == Seen::Message("dana@acme.com".to_owned())).await;
        stage.journaled(|news| matches!(news, CallNews::Heard { text } if text == "dana@acme.com")).await;
        // Only tools answer questions.
        assert!(!stage.events().iter().any(|event| matches!(event, Event::Answered { .. })));
        stage
            .runtime
            .handle(&stage.world.org, &stage.session, None, words(Channel::Widget, "acme.com"))
            .await
            .expect("heard");
        let command = Command::Escalate {
            origin: usher_conversation::session::Origin {
                channel: Channel::Widget,
                address: String::new(),
                line: None,
            },
            reason: EscalationReason::Emergency,
        };
        stage.runtime.handle(&stage.world.org, &stage.session, None, command).await.expect("heard");
    });
}
