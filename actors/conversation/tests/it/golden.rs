//! Golden journals: conversations as they were decided and stored. They must be decided the same again, and a journal
//! written by an earlier version must always fold to what it meant.
//!
//! `USHER_UPDATE_GOLDEN=1 cargo test -p usher-conversation golden` writes what the engine decides now; the difference is
//! for a person to read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use usher_conversation::channel::Channel;
use usher_conversation::flow::Flow;
use usher_conversation::journal::Turn;
use usher_conversation::session::{Command, SessionStatus, fold};

use crate::support::{World, flow, meta_of, sound};

/// A conversation in a file.
#[derive(Debug, Deserialize, Serialize)]
struct Golden {
    about: String,
    locale: String,
    /// The questions; those of the other tests when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flow: Option<Flow>,
    script: Vec<Act>,
    #[serde(default)]
    status: Option<SessionStatus>,
    #[serde(default)]
    answers: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    turns: Vec<Turn>,
}

/// What happens in the script.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    /// The bot writes first.
    Greets(Channel),
    /// The client texts.
    Texts(String),
    /// The client writes in the widget's chat.
    Chats(String),
    /// The client fills a field of the form.
    Enters(String, serde_json::Value),
    /// Nothing happens until the timer is due.
    TimePasses,
}

fn directory() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden"].iter().collect()
}

fn play(golden: &Golden) -> World {
    let questions = golden.flow.clone().unwrap_or_else(flow);
    let mut world = World::new(meta_of(questions, &golden.locale), sound);
    for act in &golden.script {
        match act {
            Act::Greets(channel) => world.start(*channel),
            Act::Texts(text) => world.receive(Channel::Sms, text),
            Act::Chats(text) => world.receive(Channel::Widget, text),
            Act::Enters(field, value) => world.submit(field, value.clone()),
            Act::TimePasses => {
                let timer = world.state.timer().cloned().expect("a timer runs");
                world.now = timer.due;
                world.command(Command::Fire { timer: timer.id });
            }
        }
    }
    world
}

#[test]
fn golden_journals_are_decided_again_as_they_stand() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 7, "the golden journals are missing");
    for path in files {
        let golden: Golden = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let world = play(&golden);
        if std::env::var_os("USHER_UPDATE_GOLDEN").is_some() {
            let now = Golden {
                status: Some(world.state.status()),
                answers: world.answers(),
                turns: world.journal,
                ..golden
            };
            std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
            continue;
        }
        let name = path.display();
        for (stored, decided) in golden.turns.iter().zip(&world.journal) {
            assert_eq!(stored, decided, "{name}, turn {}", stored.seq);
        }
        assert_eq!(golden.turns.len(), world.journal.len(), "{name}");
        assert_eq!(golden.answers, world.answers(), "{name}");
        let rebuilt = fold(&world.meta, None, &golden.turns);
        assert_eq!(rebuilt, world.state, "{name}");
        assert_eq!(Some(rebuilt.status()), golden.status, "{name}");
    }
}
