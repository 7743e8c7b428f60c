//! `usher parse`: what a typed parser makes of each line.

use std::io::BufRead as _;

use anyhow::ensure;
use serde_json::json;
use usher_conversation::answer::{self, ParseContext};
use usher_conversation::flow::{Choice, FieldType, Validation};
use usher_conversation::ports::Clock as _;

use super::args::ParseArgs;
use super::output::Out;
use crate::clock::SystemClock;

pub(super) fn run(args: &ParseArgs, out: &mut Out) -> anyhow::Result<()> {
    let options: Vec<Choice> = args.options.iter().map(|text| choice(text)).collect();
    let takes_options = matches!(args.kind, FieldType::Select | FieldType::MultiSelect);
    ensure!(
        !takes_options || !options.is_empty(),
        "--options is needed for this type, e.g. --options red,green"
    );
    let validation = Validation::default();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let context = ParseContext {
            now: args.now.map_or_else(|| SystemClock.now(), Into::into),
            zone: "UTC",
            region: &args.region,
            options: &options,
            validation: &validation,
        };
        out.json(&match answer::parse(args.kind, &line, &context) {
            Ok(value) => json!({"ok": true, "value": value.to_json()}),
            Err(error) => json!({"ok": false, "error": error.to_string()}),
        })?;
    }
    Ok(())
}

fn choice(text: &str) -> Choice {
    let (id, label) = text.split_once('=').unwrap_or((text, text));
    Choice { id: id.trim().to_owned(), label: label.trim().to_owned() }
}
