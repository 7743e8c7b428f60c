//! `usher doctor`.

use std::process::ExitCode;

use super::output::{Out, Style};
use crate::config::Layers;
use crate::doctor::{self, Severity};
use crate::server;

pub(super) fn run(layers: &Layers, json: bool, out: &mut Out) -> anyhow::Result<ExitCode> {
    let findings = server::system().block_on(doctor::examine(layers));
    if json {
        out.pretty_json(&findings)?;
    } else {
        for finding in &findings {
            let (mark, style) = match finding.severity {
                Severity::Ok => ("ok     ", Style::Green),
                Severity::Warning => ("look   ", Style::Yellow),
                Severity::Broken => ("broken ", Style::Red),
            };
            out.line(&format!("{} {}: {}", out.styled(style, mark), finding.check, finding.what))?;
            for text in [finding.why, &finding.next].into_iter().filter(|text| !text.is_empty()) {
                out.line(&format!("        {text}"))?;
            }
        }
    }
    Ok(ExitCode::from(match doctor::worst(&findings) {
        Severity::Ok => 0,
        Severity::Warning => 1,
        Severity::Broken => 2,
    }))
}
