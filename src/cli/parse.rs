//! `usher parse`: what a typed parser makes of each line.

use anyhow::ensure;
use serde::Serialize;
use usher_conversation::answer::{self, ParseContext};
use usher_conversation::flow::{Called, Choice, Field, FieldId, FieldType, Flow, Validation};
use usher_conversation::id::FlowId;
use usher_conversation::ports::Clock as _;
use usher_conversation::session::refusal;

use super::args::ParseArgs;
use super::moment::Moment;
use super::output::Out;
use super::{chat, input};
use crate::clock::SystemClock;

/// What is printed per line.
#[derive(Serialize)]
#[serde(untagged)]
enum Parsed {
    Understood { ok: bool, value: serde_json::Value },
    Refused { ok: bool, error: String },
}

pub(super) fn run(args: &ParseArgs, out: &mut Out) -> anyhow::Result<()> {
    let field = field(args);
    let takes_options = matches!(args.kind, FieldType::Select | FieldType::MultiSelect);
    ensure!(
        !takes_options || !field.options.is_empty(),
        "--options is needed for this type, e.g. --options red,green"
    );
    let now = || args.now.as_ref().map_or_else(|| SystemClock.now(), Moment::at);
    let flow = Flow {
        id: FlowId::new(now(), [0; 16]),
        version: 1,
        name: String::new(),
        fields: vec![field],
        next_steps: Vec::new(),
    };
    let meta = chat::meta(flow, now());
    let field = &meta.flow.fields[0];
    for line in input::lines(std::io::stdin().lock()) {
        let context = ParseContext {
            now: now(),
            zone: args.now.as_ref().and_then(Moment::zone).unwrap_or("UTC"),
            region: &args.region,
            options: &field.options,
            validation: &field.validation,
        };
        out.json(&match answer::parse(args.kind, &line?, &context) {
            Ok(value) => Parsed::Understood { ok: true, value: value.to_json() },
            Err(error) => Parsed::Refused { ok: false, error: refusal(&meta, field, &error.cause) },
        })?;
    }
    Ok(())
}

/// The question the lines answer.
fn field(args: &ParseArgs) -> Field {
    Field {
        id: FieldId::new("answer"),
        label: "Answer".to_owned(),
        prompt: String::new(),
        help: None,
        kind: args.kind,
        required: true,
        options: args.options.iter().map(|text| choice(text)).collect(),
        validation: Validation::default(),
        when: None,
        confirm: false,
        sensitive: false,
        called: Called::default(),
    }
}

fn choice(text: &str) -> Choice {
    let (id, label) = text.split_once('=').unwrap_or((text, text));
    Choice { id: id.trim().to_owned(), label: label.trim().to_owned() }
}
