//! Talking: barge-in, what was heard, tools, digits, silence.

use serde_json::json;
use usher_conversation::session::tools::{Tool, ToolAnswer};
use usher_conversation::voice::{AgentEvent, CallEnd, CallNews, CarrierEvent, Utterance};

use super::super::words::say;
use super::super::{Action, Done, Entry, SessionNews};
use super::{Rig, setup};
use crate::voice::ports::Outcome;

const LONG: &str = "Great. Shall we start with your address? It takes only a minute.";

fn corrected(text: &str) -> AgentEvent {
    AgentEvent::Corrected(Utterance { event: 5, text: text.to_owned() })
}

#[test]
fn an_utterance_that_was_played_to_its_end_was_heard_whole() {
    let mut rig = Rig::live();
    rig.speaks(5, "Hi Dana, how are you?", 1_500);
    assert!(matches!(rig.news()[0], CallNews::Spoke { utterance: 1, .. }));
    rig.pass(1_400);
    assert_eq!(rig.played(), [], "it is still being played");
    rig.pass(200);
    assert_eq!(rig.played(), [(1, "Hi Dana, how are you?", true)]);
}

#[test]
fn an_interruption_clears_the_line_drops_stale_audio_and_tells_what_was_heard() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.pass(1_650);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    assert_eq!(rig.count(|action| *action == Action::Clear), 1);
    assert_eq!(rig.sound(5, 200), 0, "audio of the interrupted event is stale");
    rig.pass(1_000);
    assert_eq!(rig.played_in_the_end(), [(1, "Great. Shall we", false)]);
    rig.heard("Yes");
    assert_eq!(rig.sound(6, 200), 10, "newer audio is not");
}

#[test]
fn marks_that_a_clear_brought_back_say_nothing_about_what_was_heard() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.pass(100);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    // The network returns every mark that waited.
    rig.pass(3_000);
    assert_eq!(rig.played(), [], "nothing but the beginning of a word was heard");
}

#[test]
fn a_mark_nobody_sent_is_believed_by_nobody() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.carrier(CarrierEvent::Played(99));
    rig.carrier(CarrierEvent::Played(u64::MAX));
    rig.pass(100);
    assert_eq!(rig.played(), []);
}

#[test]
fn the_agents_own_correction_tells_the_words() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.pass(1_650);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig.agent(corrected("Great. Shall we start"));
    assert_eq!(rig.played_in_the_end(), [(1, "Great. Shall we start", false)]);
}

#[test]
fn a_correction_that_claims_more_than_can_have_been_heard_is_not_believed() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.pass(1_650);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig.agent(corrected("Great. Shall we start with your address? It takes only"));
    assert_eq!(rig.played_in_the_end(), [(1, "Great. Shall we", false)]);
}

#[test]
fn words_that_come_after_their_sound_are_the_words_of_that_sound() {
    let mut rig = Rig::live();
    rig.sound(5, 1_000);
    rig.said(5, "Hello there, Dana.");
    rig.pass(1_300);
    assert_eq!(rig.played(), [(1, "Hello there, Dana.", true)]);
    rig.sound(6, 600);
    rig.pass(900);
    rig.said(6, "All fine.");
    assert_eq!(rig.played()[1..], [(2, "All fine.", true)], "even after it was played");
}

#[test]
fn words_that_were_never_spoken_are_not_told() {
    let mut rig = Rig::live();
    rig.said(5, "Goodbye then!");
    rig.carrier(CarrierEvent::Hangup);
    rig.pass(5_000);
    assert!(!rig.news().iter().any(|news| matches!(news, CallNews::Spoke { .. } | CallNews::Played { .. })));
}

#[test]
fn the_progress_of_a_long_utterance_is_told_by_sentences() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.pass(4_500);
    assert_eq!(rig.played(), [(1, "Great.", false), (1, "Great. Shall we start with your address?", false)]);
    rig.pass(2_200);
    assert_eq!(rig.played()[2..], [(1, LONG, true)]);
}

#[test]
fn every_sentence_is_known_to_be_heard_as_soon_as_it_was_however_short() {
    let mut rig = Rig::live();
    rig.speaks(5, "Thanks. I see. Well then. Who are you?", 2_600);
    let mut known = Vec::new();
    for _ in 0..13 {
        rig.pass(200);
        known.push(rig.played().len());
    }
    assert_eq!(known.last(), Some(&4), "three sentences, and then all: {known:?}");
    assert!(known.iter().zip(&known[1..]).all(|(before, after)| after - before <= 1), "{known:?}");
}

#[test]
fn a_sentence_is_not_known_to_be_heard_because_it_is_all_that_has_arrived_of_the_sound() {
    let mut rig = Rig::live();
    rig.said(5, LONG);
    rig.sound(5, 600);
    for _ in 0..4 {
        rig.pass(300);
        rig.sound(5, 300);
    }
    assert_eq!(rig.played(), [(1, "Great.", false)], "of 6,400 ms only 1,800 were there");
}

#[test]
fn an_agent_that_comes_after_a_break_is_told_what_the_contact_said_before_it() {
    let mut rig = Rig::with(setup());
    rig.done(Done::Briefed { utterances: 3, turn: 1, contact_said: Some("Acme Plumbing".to_owned()) });
    assert!(rig.messages().is_empty(), "it is not there yet");
    rig.ready();
    assert_eq!(rig.messages(), ["Acme Plumbing"]);
}

#[test]
fn a_protected_utterance_is_played_to_its_end_whatever_the_contact_says() {
    let mut rig = Rig::live_with(super::Setup { protected: 1, ..setup() });
    rig.speaks(1, "This call may be recorded.", 2_000);
    rig.pass(500);
    rig.agent(AgentEvent::Interrupted { event: 1 });
    rig.pass(2_000);
    assert_eq!(rig.count(|action| *action == Action::Clear), 0);
    assert_eq!(rig.played(), [(1, "This call may be recorded.", true)]);
    rig.speaks(2, LONG, 6_400);
    rig.agent(AgentEvent::Interrupted { event: 2 });
    assert_eq!(rig.count(|action| *action == Action::Clear), 1, "the next one is not protected");
}

#[test]
fn after_a_cough_the_agent_is_asked_to_go_on_from_the_last_heard_words() {
    let mut rig = Rig::live();
    rig.agent(AgentEvent::Hearing("Hm".to_owned()));
    rig.speaks(5, LONG, 6_400);
    rig.pass(1_650);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig.pass(1_499);
    assert!(rig.messages().is_empty());
    rig.pass(1);
    assert_eq!(rig.messages(), [say::go_on("Great. Shall we")]);
}

#[test]
fn an_interruption_with_words_is_no_cough() {
    let mut rig = Rig::live();
    rig.agent(AgentEvent::Hearing("Hm".to_owned()));
    rig.speaks(5, LONG, 6_400);
    rig.pass(1_650);
    rig.agent(AgentEvent::Interrupted { event: 5 });
    rig.agent(AgentEvent::Hearing("No".to_owned()));
    rig.pass(5_000);
    assert!(rig.messages().is_empty());
}

#[test]
fn silence_is_asked_about_once_and_then_ends_the_call() {
    let mut rig = Rig::live();
    rig.pass(25_000);
    assert_eq!(rig.messages(), [say::STILL_THERE]);
    // The agent asks; that does not count as life on the line.
    rig.speaks(2, "Are you still there?", 1_000);
    rig.pass(26_300);
    assert_eq!(rig.messages()[1..], [say::NOBODY_THERE]);
    rig.speaks(3, "Goodbye!", 800);
    rig.pass(1_200);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
}

#[test]
fn a_contact_who_listens_is_not_silent() {
    let mut rig = Rig::live();
    rig.speaks(2, LONG, 60_000);
    rig.pass(61_000);
    assert!(rig.messages().is_empty());
}

#[test]
fn tools_are_answered_once_and_in_time_whatever_they_are() {
    let mut rig = Rig::live();
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.tool("b", "make_coffee", json!({}));
    rig.tool("c", "record_answer", json!({}));
    let results = |rig: &Rig| {
        rig.log
            .iter()
            .filter_map(|action| match action {
                Action::Result(result) => Some((result.id.clone(), result.is_error)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        results(&rig),
        [("b".to_owned(), true), ("c".to_owned(), true)],
        "what is no tool fails at once"
    );
    rig.pass(7_999);
    assert_eq!(results(&rig).len(), 2);
    rig.pass(1);
    assert_eq!(results(&rig)[2..], [("a".to_owned(), true)], "the agent does not wait for ever");
    rig.answer();
    assert_eq!(results(&rig).len(), 3, "and is not told twice");
}

#[test]
fn a_flood_of_tools_is_refused_and_not_queued() {
    let mut rig = Rig::live();
    for number in 0..20 {
        rig.tool(&number.to_string(), "get_next_question", json!({}));
    }
    assert_eq!(rig.count(|action| matches!(action, Action::Use { .. })), 8);
    assert_eq!(rig.count(|action| matches!(action, Action::Result(result) if result.is_error)), 12);
}

#[test]
fn digits_are_an_answer_after_a_pause_or_a_pound_key() {
    let mut rig = Rig::live();
    rig.digits("503555");
    rig.pass(1_999);
    rig.digits("0142");
    rig.pass(2_000);
    rig.digits("2#");
    rig.digits("12*34#");
    let entered: Vec<_> = rig.log.iter().filter(|action| matches!(action, Action::Enter(_))).collect();
    let keyed = |digits: &str| Entry { text: digits.to_owned(), keyed: true, asked: None };
    let entry = |digits: &str| Action::Enter(keyed(digits));
    assert_eq!(entered, [&entry("5035550142"), &entry("2"), &entry("34")]);
    rig.log.clear();
    let answer = ToolAnswer { json: "{\"ok\":true}".to_owned(), is_error: false };
    rig.entered(keyed("5035550142"), Some(answer), Some(9));
    rig.entered(keyed("34"), None, None);
    assert_eq!(rig.messages(), ["I have typed 5035550142 on the keypad.", "I pressed 3 4."]);
    assert_eq!(rig.count(|action| matches!(action, Action::Context { id: "keypad", .. })), 1);
}

#[test]
fn what_happens_on_another_channel_reaches_the_agent() {
    let mut rig = Rig::live();
    let news = SessionNews::Elsewhere {
        turn: 2,
        context: "Recorded: Email = dana@acme.com.".to_owned(),
        message: Some("I have just sent this by text message.".to_owned()),
    };
    rig.step(|call, now, out| call.on_session(news, now, out));
    assert_eq!(rig.messages(), ["I have just sent this by text message."]);
    assert_eq!(rig.count(|action| matches!(action, Action::Context { id: "session", .. })), 1);
}

#[test]
fn consent_withdrawn_elsewhere_ends_the_call_in_the_middle_of_a_word() {
    let mut rig = Rig::live();
    rig.speaks(5, LONG, 6_400);
    rig.step(|call, now, out| call.on_session(SessionNews::Stop, now, out));
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
    assert_eq!(rig.count(|action| *action == Action::Clear), 1);
    assert_eq!(rig.sound(6, 400), 0);
}

#[test]
fn consent_withdrawn_on_the_call_ends_it_after_the_agents_last_words() {
    let mut rig = Rig::live();
    rig.tool("a", "record_answer", json!({ "value": "stop calling me" }));
    let answer = ToolAnswer { json: "{}".to_owned(), is_error: false };
    let tool = Tool::RecordAnswer { field: None, value: json!("stop calling me") };
    rig.done(Done::Used { id: "a".to_owned(), tool, answer, withdrawn: true });
    rig.speaks(6, "You will not hear from us again.", 1_000);
    assert_eq!(rig.outcome(), None);
    rig.pass(1_500);
    assert_eq!(rig.outcome(), Some(&Outcome::Ended(CallEnd::Finished)));
}

#[test]
fn the_stages_of_a_turn_are_measured() {
    let mut rig = Rig::live();
    rig.heard("acme dot com");
    rig.pass(100);
    rig.tool("a", "record_answer", json!({ "value": "acme.com" }));
    rig.pass(40);
    rig.answer();
    rig.pass(260);
    rig.said(6, "Thank you.");
    rig.pass(120);
    rig.sound(6, 400);
    let latency = rig.news().into_iter().find_map(|news| match news {
        CallNews::Spoke { latency, .. } => Some(*latency),
        _ => None,
    });
    let latency = latency.expect("it spoke");
    assert_eq!((latency.thinking, latency.tools, latency.speaking), (Some(400), Some(40), Some(120)));
    assert_eq!(rig.call.usage(rig.now).turns, [latency]);
}
