//! `deny.toml`: the one list of what may come into the house, applied without needing cargo-deny.

use serde::Deserialize;

use crate::graph::{Graph, Package};
use crate::licence;

#[derive(Deserialize)]
pub(crate) struct Policy {
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

impl Ban {
    /// `name`, or `name@<major.minor`.
    fn concerns(&self, package: &Package) -> bool {
        match self.spec.split_once("@<") {
            None => self.spec == package.name,
            Some((name, bound)) => name == package.name && major_minor(&package.version) < major_minor(bound),
        }
    }
}

fn major_minor(version: &str) -> (u64, u64) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

impl Policy {
    pub(crate) fn committed() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml");
        toml::from_str(&std::fs::read_to_string(path).expect("deny.toml is there"))
            .expect("deny.toml is TOML")
    }

    pub(crate) fn banned_in(&self, graph: &Graph) -> Vec<String> {
        let mut findings = Vec::new();
        for package in &graph.packages {
            for ban in self.bans.deny.iter().filter(|ban| ban.concerns(package)) {
                findings.push(format!("{} {} is banned: {}", package.name, package.version, ban.reason));
            }
        }
        findings
    }

    pub(crate) fn unlicensed_in(&self, graph: &Graph) -> Vec<String> {
        graph
            .packages
            .iter()
            .filter(|package| !licence::permits(&package.licence, &self.licenses.allow))
            .map(|package| format!("{} {} is under {:?}", package.name, package.version, package.licence))
            .collect()
    }
}
