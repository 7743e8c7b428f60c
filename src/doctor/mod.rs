//! `usher doctor`: looks at everything a server needs and says what is wrong, why it matters and what to do.

mod database;
mod machine;
mod outside;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::config::{Layers, Settings, Source};
use crate::demo::TakenPorts;

/// How bad a finding is; the worst one is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warning,
    /// Does not work.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// Why it matters; empty when all is well.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub why: &'static str,
    /// The next step; empty when all is well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next: String,
}

impl Finding {
    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, what: what.into(), why: "", next: String::new() }
    }

    fn warning(
        check: &'static str,
        what: impl Into<String>,
        why: &'static str,
        next: impl Into<String>,
    ) -> Self {
        Self { check, severity: Severity::Warning, what: what.into(), why, next: next.into() }
    }

    fn broken(
        check: &'static str,
        what: impl Into<String>,
        why: &'static str,
        next: impl Into<String>,
    ) -> Self {
        Self { check, severity: Severity::Broken, what: what.into(), why, next: next.into() }
    }
}

/// Looks at everything.
pub async fn examine(layers: &Layers) -> Vec<Finding> {
    let mut findings = unknown_settings(layers);
    let settings = match layers.resolve() {
        Ok(settings) => settings,
        Err(errors) => {
            findings.extend(errors.0.into_iter().map(|error| {
                Finding::broken(
                    "settings",
                    error.to_string(),
                    "A server with this setting does not start.",
                    "Correct it; `usher config` shows every setting and where it comes from.",
                )
            }));
            return findings;
        }
    };
    findings.push(Finding::ok("settings", "every setting can be used"));
    findings.extend(shown_secrets(&settings));
    let (settings, is_demo) = as_the_demo_would(layers, settings);
    findings.extend(machine::examine(&settings));
    findings.extend(outside::examine(&settings));
    if is_demo {
        let what =
            format!("this is a demo's data; its Twilio is the simulator at {}", settings.twilio_api_base);
        findings.push(Finding::ok("demo", what));
    }
    findings.extend(database::examine(&settings).await);
    findings
}

/// Where a demo kept its data its accounts are known to its simulator only. Whether that is so is told with the settings
/// to look with.
fn as_the_demo_would(layers: &Layers, settings: Settings) -> (Settings, bool) {
    let demo = TakenPorts::remembered(&settings.data_dir).filter(|_| !settings.is_set("twilio_api_base"));
    let public = settings.public_url.as_ref().map(ToString::to_string);
    let with_simulator = |ports: TakenPorts| {
        let public = public.unwrap_or_else(|| ports.server_url().to_string());
        let flags = [("twilio_api_base", ports.simulator_url()?), ("public_url", public)];
        layers.clone().with_flags(flags).resolve().ok()
    };
    match demo.and_then(with_simulator) {
        Some(settings) => (settings, true),
        None => (settings, false),
    }
}

fn unknown_settings(layers: &Layers) -> Vec<Finding> {
    layers
        .unknown_env()
        .into_iter()
        .map(|name| {
            Finding::warning(
                "settings",
                format!("{name} is set and names no setting"),
                "It has no effect; most likely it is misspelt.",
                format!("Unset it, or use one of {}.", closest(name)),
            )
        })
        .collect()
}

/// Secrets on a command line, which every user of the machine sees.
fn shown_secrets(settings: &Settings) -> Vec<Finding> {
    let shown =
        settings.provenance().filter(|(spec, source, _)| spec.secret && matches!(source, Source::Flag(_)));
    let with_password =
        |url: &SecretString| url::Url::parse(url.expose_secret()).is_ok_and(|url| url.password().is_some());
    shown
        .filter(|_| settings.database_url.as_ref().is_some_and(with_password))
        .map(|(spec, source, _)| {
            Finding::warning(
                "secrets",
                format!("{source} holds a password"),
                "Every user of this machine sees the command lines of all programs.",
                format!("Set {}, or {}_FILE to the name of a file that holds it.", spec.env, spec.env),
            )
        })
        .collect()
}

/// The variables that begin most like `name`.
fn closest(name: &str) -> String {
    let alike = |env: &str| env.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let best = Settings::SPECS.iter().map(|spec| alike(spec.env)).max().unwrap_or(0);
    let names: Vec<_> =
        Settings::SPECS.iter().map(|spec| spec.env).filter(|env| alike(env) == best).take(3).collect();
    names.join(", ")
}

/// The worst severity found.
pub fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_named_with_what_it_may_have_meant() {
        let layers = Layers::new().with_env([("USHER_PUBLIC_URI".to_owned(), "x".to_owned())]);
        let findings = unknown_settings(&layers);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].next.contains("USHER_PUBLIC_URL"), "{findings:?}");
        assert_eq!(worst(&findings), Severity::Warning);
    }
}
