//! Settings as people and programs read them.

use std::fmt::Write as _;

use serde::Serialize;

use super::settings::Settings;

/// One setting as `usher config` prints it; secrets say only whether they are set.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    /// Its key.
    pub key: &'static str,
    /// Its value, redacted.
    pub value: &'a str,
    /// Where the value came from.
    pub source: String,
    /// Its environment variable.
    pub env: &'static str,
    /// What it is for.
    pub doc: &'static str,
}

/// Every setting with its value, redacted, and its source.
pub fn shown(settings: &Settings) -> Vec<Shown<'_>> {
    settings
        .provenance()
        .map(|(spec, source, value)| Shown {
            key: spec.key,
            value,
            source: source.to_string(),
            env: spec.env,
            doc: spec.doc.trim(),
        })
        .collect()
}

/// The text of `.env.example`: every variable, commented out, at its default.
pub fn env_example() -> String {
    let mut out = String::from(
        "# Every setting of Usher at its default. Written by `usher schema env`; a test keeps it so.\n\
         # Strongest first: flags, these variables (or NAME_FILE naming a file), usher.toml, the defaults.\n",
    );
    for spec in Settings::SPECS {
        out.push('\n');
        for line in wrapped(spec.doc.trim(), 100) {
            writeln!(out, "# {line}").expect("writing to a string");
        }
        writeln!(out, "#{}={}", spec.env, spec.default).expect("writing to a string");
    }
    out
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn the_committed_example_is_what_the_types_say() {
        let committed = include_str!("../../.env.example");
        assert_eq!(committed, env_example(), "write it again with `usher schema env > .env.example`");
    }

    #[test]
    fn secrets_are_never_shown() {
        let settings = Layers::new()
            .with_env([("USHER_MASTER_KEY".to_owned(), "super-secret".to_owned())])
            .with_env([("USHER_DATABASE_URL".to_owned(), "postgres://u:super-secret@h/d".to_owned())])
            .resolve()
            .expect("good settings");
        let text = serde_json::to_string(&shown(&settings)).expect("serialises");
        assert!(!text.contains("super-secret"));
        assert!(!format!("{settings:?}").contains("super-secret"));
    }
}
