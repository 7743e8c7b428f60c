//! What authors and operators write: flow files with their conditions, and the settings file.

use std::path::Path;

use serde_json::json;
use usher::config::{Layers, shown};
use usher_conversation::answer::AnswerValue;
use usher_conversation::flow::{FieldId, Flow};

use crate::fuzzer::{corpus, survives};

/// Asks every field of a flow whether it is visible, as a session does.
fn use_conditions(flow: &Flow) {
    let answer = AnswerValue::Text("pro".into());
    let _ = flow.visible(&|_: &FieldId| None);
    let _ = flow.visible(&|_: &FieldId| Some(&answer));
    for field in &flow.fields {
        let _ = flow.depends_on(&field.id);
    }
}

#[test]
fn no_flow_file_makes_its_reader_or_a_session_panic() {
    survives("flow-file", |input| {
        if let Ok(flow) = Flow::from_file_json(&String::from_utf8_lossy(input)) {
            assert_eq!(flow.validate(), Ok(()), "what the reader lets through is valid");
            use_conditions(&flow);
            let written = serde_json::to_string(&flow).expect("a flow can be written");
            assert_eq!(serde_json::from_str::<Flow>(&written).expect("and read again"), flow);
        }
    });
}

#[test]
fn no_condition_makes_its_reader_panic() {
    survives("condition", |input| {
        let when = String::from_utf8_lossy(input);
        let file = json!({ "fields": [
            { "id": "plan", "label": "Plan", "prompt": "Which plan?", "type": "text", "required": true },
            { "id": "size", "label": "Size", "prompt": "How many?", "type": "number", "required": true },
            { "id": "note", "label": "Note", "prompt": "Anything else?", "type": "text", "when": when },
        ] });
        if let Ok(flow) = Flow::from_file_json(&file.to_string()) {
            use_conditions(&flow);
        }
    });
}

#[test]
fn the_flow_files_and_conditions_of_the_corpus_are_good_ones() {
    for file in corpus("flow-file") {
        Flow::from_file_json(&String::from_utf8_lossy(&file)).expect("a good flow file");
    }
}

#[test]
fn no_settings_file_makes_the_reader_panic_or_shows_a_secret() {
    survives("config", |input| {
        let text = String::from_utf8_lossy(input);
        let Ok(layers) = Layers::new().with_file_text(Path::new("usher.toml"), &text) else { return };
        if let Ok(settings) = layers.resolve() {
            let secrets = ["database_url", "master_key"];
            for line in shown(&settings).iter().filter(|line| secrets.contains(&line.key)) {
                assert!(!line.value.contains("hunter"), "{}: {}", line.key, line.value);
            }
        }
    });
}
