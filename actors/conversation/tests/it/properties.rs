//! The laws of a conversation, checked over random ones. Each checker must also catch an engine that breaks its law.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use usher_conversation::channel::Channel;
use usher_conversation::consent::ConsentChange;
use usher_conversation::flow::FieldId;
use usher_conversation::id::{DeliveryId, TimerId};
use usher_conversation::journal::{self, Turn};
use usher_conversation::session::{
    Command, DeliveryStatus, Effect, Event, MessageKind, SessionMeta, SessionState, decide, effects_of, fold,
};

use crate::support::{Decide, World, inbound, meta, origin, sound};

/// One thing that happens to a session.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Says(Channel, &'static str),
    Submits(&'static str, &'static str),
    Skips(&'static str),
    Opens,
    TimerFires,
    StaleTimerFires,
    Reported(usize, DeliveryStatus),
    Waits(i64),
}

/// What people say without asking for an earlier question.
const SAYINGS: &[&str] = &[
    "Acme Plumbing",
    "dana@acme.com",
    "415-555-0199",
    "yes",
    "no",
    "acme.com",
    "pro",
    "2",
    "$500",
    "nothing else",
    "hi",
    "ok",
    "?",
    "👍",
    "help",
    "what do you mean?",
    "how many left",
    "skip",
    "idk",
    "human please",
    "asdf qwer",
    "actually my email is boss@acme.com",
    "change website to acme.org",
    "no wait it's 415 555 0123",
    "thanks!",
    "actually we don't have a website",
    "stop texting me",
    "STOP",
    "START",
    "n/a",
    "my phone is 212-555-0123",
    "phone 212 555 0188 and email x@acme.com",
    "why do you need that?",
    "",
    "cambia el plan a basic",
];
const FIELDS: &[&str] =
    &["business_name", "email", "phone", "has_website", "website", "plan", "budget", "notes", "unknown"];
const VALUES: &[&str] =
    &["Bolt Inc", "b@bolt.com", "+14155550133", "yes", "no", "bolt.com", "basic", "250", "", "?!"];

fn step() -> impl Strategy<Value = Step> {
    let channel = prop_oneof![Just(Channel::Sms), Just(Channel::Widget)];
    let field = || proptest::sample::select(FIELDS);
    let status = proptest::sample::select(vec![
        DeliveryStatus::Queued,
        DeliveryStatus::Sent,
        DeliveryStatus::Delivered,
        DeliveryStatus::Failed,
    ]);
    prop_oneof![
        8 => (channel, proptest::sample::select(SAYINGS)).prop_map(|(channel, text)| Step::Says(channel, text)),
        3 => (field(), proptest::sample::select(VALUES)).prop_map(|(field, value)| Step::Submits(field, value)),
        1 => field().prop_map(Step::Skips),
        1 => Just(Step::Opens),
        1 => Just(Step::TimerFires),
        1 => Just(Step::StaleTimerFires),
        1 => (0..4_usize, status).prop_map(|(back, status)| Step::Reported(back, status)),
        2 => (1..40_i64).prop_map(Step::Waits),
    ]
}

/// What may happen to one session, in an order.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..40)
}

/// Lets a step happen.
pub(crate) fn take(world: &mut World, step: &Step) {
    let command = match *step {
        Step::Says(channel, text) => Command::Receive(inbound(channel, text)),
        Step::Submits(field, value) => Command::Submit {
            origin: origin(Channel::Widget),
            field: FieldId::new(field),
            value: value.into(),
        },
        Step::Skips(field) => Command::Skip { origin: origin(Channel::Widget), field: FieldId::new(field) },
        Step::Opens => Command::Open { origin: origin(Channel::Widget) },
        Step::TimerFires => match world.state.timer().cloned() {
            Some(timer) => {
                world.now = world.now.max(timer.due);
                Command::Fire { timer: timer.id }
            }
            None => return,
        },
        Step::StaleTimerFires => Command::Fire { timer: TimerId::derive(&world.meta.session, 0, 9) },
        Step::Reported(back, status) => match sent(&world.journal).into_iter().rev().nth(back) {
            Some(delivery) => {
                let retry_after = (status == DeliveryStatus::Failed).then_some(60_000);
                Command::Report { delivery, status, error_code: None, retry_after }
            }
            None => return,
        },
        Step::Waits(hours) => return world.wait_hours(hours),
    };
    world.command(command);
}

fn sent(journal: &[Turn]) -> Vec<DeliveryId> {
    let said = journal.iter().flat_map(|turn| &turn.events).filter_map(|event| match event {
        Event::Said { message } | Event::Repeated { message, .. } if message.channel != Channel::Widget => {
            Some(message.delivery.clone())
        }
        _ => None,
    });
    said.collect()
}

fn live(steps: &[Step], decide: Decide) -> World {
    let mut world = World::new(meta(), decide);
    world.start(Channel::Sms);
    for step in steps {
        take(&mut world, step);
    }
    world
}

/// Runs a checker over random conversations with this engine.
fn hold(decide: Decide, check: fn(&World) -> Result<(), String>) -> Result<(), String> {
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&steps(), |steps| check(&live(&steps, decide)).map_err(TestCaseError::fail));
    outcome.map_err(|error| error.to_string())
}

/// The journal of a world whose engine believes a version of it without some events.
fn believing(world: &World, command: Command, believed: fn(&Event) -> bool) -> Vec<Event> {
    let mut state = SessionState::new();
    for turn in &world.journal {
        let events = turn.events.iter().filter(|event| believed(event)).cloned().collect();
        state.apply(&world.meta, &Turn { events, ..turn.clone() });
    }
    decide(&world.meta, &state, world.now, command)
}

type Fold = fn(&SessionMeta, Option<SessionState>, &[Turn]) -> SessionState;

/// The state folded from the journal as it is stored, whole and from a snapshot at any turn, is the live one.
fn folds_to_the_live_state(world: &World, fold: Fold) -> Result<(), String> {
    let stored: Vec<Turn> = world
        .journal
        .iter()
        .map(|turn| {
            let events = journal::encode(&turn.events).and_then(|body| journal::decode(&body));
            let events = events.expect("what is decided can be stored");
            Turn { events, ..turn.clone() }
        })
        .collect();
    for cut in 0..=stored.len() {
        let snapshot =
            serde_json::to_string(&fold(&world.meta, None, &stored[..cut])).expect("a state is JSON");
        let rebuilt = fold(
            &world.meta,
            Some(serde_json::from_str(&snapshot).expect("JSON is a state")),
            &stored[cut..],
        );
        if rebuilt != world.state {
            return Err(format!("differs when cut at {cut}"));
        }
    }
    Ok(())
}

fn never_asks_what_is_answered(world: &World) -> Result<(), String> {
    let mut answered = std::collections::BTreeSet::new();
    for event in world.journal.iter().flat_map(|turn| &turn.events) {
        match event {
            Event::Answered { field, .. } => {
                answered.insert(field.clone());
            }
            Event::Invalidated { field } | Event::Skipped { field, .. } => {
                answered.remove(field);
            }
            Event::Asked { field: Some(field) } if answered.contains(field) => {
                return Err(format!("{field} was asked again"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_silent_while_opted_out(world: &World) -> Result<(), String> {
    let mut opted_out = false;
    for turn in &world.journal {
        let was_opted_out = opted_out;
        for effect in effects_of(&world.meta, turn) {
            match effect {
                Effect::ChangeConsent { change } => opted_out = change == ConsentChange::OptedOut,
                Effect::Send(message) if opted_out => {
                    let confirms = message.kind == MessageKind::Compliance && !was_opted_out;
                    if !confirms {
                        return Err(format!("turn {} sends: {}", turn.seq, message.text));
                    }
                }
                Effect::SetTimer { .. } if opted_out => {
                    return Err(format!("turn {} sets a timer", turn.seq));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

#[test]
fn the_fold_of_the_journal_is_the_live_state() {
    hold(sound, |world| folds_to_the_live_state(world, fold)).unwrap();
}

#[test]
fn a_fold_that_forgets_is_caught() {
    fn forgetful(meta: &SessionMeta, snapshot: Option<SessionState>, tail: &[Turn]) -> SessionState {
        let mut state = snapshot.unwrap_or_default();
        for turn in tail {
            let events =
                turn.events.iter().filter(|event| !matches!(event, Event::Missed { .. })).cloned().collect();
            state.apply(meta, &Turn { events, ..turn.clone() });
        }
        state
    }
    assert!(hold(sound, |world| folds_to_the_live_state(world, forgetful)).is_err());
}

#[test]
fn no_answered_question_is_asked_again() {
    hold(sound, never_asks_what_is_answered).unwrap();
}

#[test]
fn an_engine_that_forgets_answers_is_caught() {
    fn amnesiac(world: &World, command: Command) -> Vec<Event> {
        believing(world, command, |event| !matches!(event, Event::Answered { .. }))
    }
    assert!(hold(amnesiac, never_asks_what_is_answered).is_err());
}

#[test]
fn nothing_goes_out_between_opt_out_and_opt_in() {
    hold(sound, is_silent_while_opted_out).unwrap();
}

#[test]
fn an_engine_that_ignores_opt_outs_is_caught() {
    fn deaf(world: &World, command: Command) -> Vec<Event> {
        believing(world, command, |event| !matches!(event, Event::ConsentChanged { .. }))
    }
    assert!(hold(deaf, is_silent_while_opted_out).is_err());
}

/// How one question is answered: over which channel, typed or said.
#[derive(Debug, Clone, Copy)]
enum Way {
    Text,
    Chat,
    Form,
}

/// The same answers, each given when its question is pending, in whatever way.
fn answers_given(ways: &[Way], decide: Decide) -> std::collections::BTreeMap<String, serde_json::Value> {
    let mut world = World::new(meta(), decide);
    world.start(Channel::Sms);
    for way in ways {
        let Some(field) = world.state.pending().cloned() else { break };
        let text = match field.as_str() {
            "business_name" => "Acme Plumbing",
            "email" => "dana@acme.com",
            "phone" => "(415) 555-0199",
            "has_website" => "yes",
            "website" => "acme.com",
            "plan" => "pro",
            "budget" => "$500",
            _ => "We open in May.",
        };
        match way {
            Way::Text => world.receive(Channel::Sms, text),
            Way::Chat => world.receive(Channel::Widget, text),
            Way::Form => world.submit(field.as_str(), text.into()),
        }
    }
    world.answers()
}

fn any_interleaving_ends_alike(decide: Decide) -> Result<(), String> {
    let way = prop_oneof![Just(Way::Text), Just(Way::Chat), Just(Way::Form)];
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let expected = answers_given(&[Way::Text; 8], sound);
    assert_eq!(expected.len(), 8, "{expected:?}");
    let outcome = runner.run(&proptest::collection::vec(way, 8), |ways| {
        prop_assert_eq!(&answers_given(&ways, decide), &expected);
        Ok(())
    });
    outcome.map_err(|error| error.to_string())
}

#[test]
fn any_interleaving_of_channels_ends_in_the_same_answers() {
    any_interleaving_ends_alike(sound).unwrap();
}

#[test]
fn an_engine_that_treats_a_channel_differently_is_caught() {
    fn partial_to_text(world: &World, command: Command) -> Vec<Event> {
        match command {
            Command::Submit { .. } => Vec::new(),
            other => decide(&world.meta, &world.state, world.now, other),
        }
    }
    assert!(any_interleaving_ends_alike(partial_to_text).is_err());
}
