//! A hundred thousand transitions beside a reference model: a second, much simpler reading of the journal, which knows
//! what an onboarding is and nothing of how the engine gets there.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use usher_conversation::answer::AnswerValue;
use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::session::{Command, Event, SessionState, fold};

use crate::properties::{steps, take};
use crate::support::{Decide, World, meta, sound};

/// Turns of all conversations together.
const TRANSITIONS: usize = 100_000;

/// What stands, by the journal's own words.
#[derive(Default)]
struct Model {
    answers: BTreeMap<FieldId, AnswerValue>,
    skipped: BTreeSet<FieldId>,
    complete: bool,
    read: usize,
}

impl Model {
    /// Reads the turns that are new and judges them; what is wrong, in words.
    fn follow(&mut self, world: &World) -> Result<(), String> {
        for turn in &world.journal[self.read..] {
            if turn.seq != self.read as u64 + 1 {
                return Err(format!("turn {} was due, {} came", self.read + 1, turn.seq));
            }
            self.read += 1;
            for event in &turn.events {
                self.absorb(world, event).map_err(|wrong| format!("turn {}: {wrong}", turn.seq))?;
            }
        }
        let live = world.state.answers().iter().map(|(field, answer)| (field, &answer.value));
        if !live.eq(&self.answers) {
            return Err(format!("the engine holds {:?}, the journal {:?}", world.answers(), self.answers));
        }
        if world.state.is_complete() != self.complete {
            return Err(format!("complete for the engine: {}", world.state.is_complete()));
        }
        Ok(())
    }

    fn absorb(&mut self, world: &World, event: &Event) -> Result<(), String> {
        match event {
            Event::Answered { field, value, .. } => {
                self.skipped.remove(field);
                self.answers.insert(field.clone(), value.clone());
            }
            Event::Skipped { field, .. } => {
                if world.meta.flow.field(field).is_none_or(|field| field.required) {
                    return Err(format!("{field} is required and was skipped"));
                }
                self.answers.remove(field);
                self.skipped.insert(field.clone());
            }
            Event::Invalidated { field } => {
                self.answers.remove(field);
                self.skipped.remove(field);
            }
            Event::Completed => {
                self.complete = true;
                let open =
                    |field: &&FieldId| !self.answers.contains_key(*field) && !self.skipped.contains(*field);
                let visible = world.meta.flow.visible(&|field| self.answers.get(field));
                if let Some(open) = visible.into_iter().map(|field| &field.id).find(open) {
                    return Err(format!("complete, although {open} was not answered"));
                }
            }
            Event::Reopened => self.complete = false,
            _ => {}
        }
        Ok(())
    }
}

/// Conversations with this engine until there were so many turns; the first thing that is wrong.
fn hold_over_many(decide: Decide) -> Result<(), String> {
    let mut runner = TestRunner::deterministic();
    let mut transitions = 0;
    while transitions < TRANSITIONS {
        let steps = steps().new_tree(&mut runner).expect("steps can be drawn").current();
        let mut world = World::new(meta(), decide);
        let mut model = Model::default();
        world.start(Channel::Sms);
        for step in &steps {
            take(&mut world, step);
            model.follow(&world).map_err(|wrong| format!("{wrong}, after {steps:?}"))?;
        }
        let cut = world.journal.len() / 2;
        let snapshot = serde_json::to_string(&fold(&world.meta, None, &world.journal[..cut])).expect("JSON");
        let snapshot: SessionState = serde_json::from_str(&snapshot).expect("a state");
        if fold(&world.meta, Some(snapshot), &world.journal[cut..]) != world.state {
            return Err(format!("a snapshot and its tail are another state, after {steps:?}"));
        }
        transitions += world.journal.len();
    }
    Ok(())
}

#[test]
fn a_hundred_thousand_transitions_are_what_a_simple_model_says() {
    hold_over_many(sound).unwrap();
}

#[test]
fn an_engine_that_lets_a_required_question_go_is_caught() {
    fn lenient(world: &World, command: Command) -> Vec<Event> {
        match command {
            Command::Skip { origin, field } => vec![Event::Skipped { field, origin }],
            other => sound(world, other),
        }
    }
    assert!(hold_over_many(lenient).unwrap_err().contains("is required and was skipped"));
}

#[test]
fn an_engine_that_ends_too_early_is_caught() {
    fn hasty(world: &World, command: Command) -> Vec<Event> {
        let mut events = sound(world, command);
        if events.iter().any(|event| matches!(event, Event::Answered { .. })) {
            events.push(Event::Completed);
        }
        events
    }
    assert!(hold_over_many(hasty).unwrap_err().contains("was not answered"));
}
