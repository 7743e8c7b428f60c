//! The crates and who depends on whom, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The arrows of section 3 of the design: a crate of ours, and the crates of ours it may use in production code.
const ARROWS: &[(&str, &[&str])] = &[
    ("usher", &["usher-actors", "usher-channels", "usher-conversation", "usher-simulator"]),
    ("usher-actors", &["usher-conversation"]),
    ("usher-channels", &["usher-conversation"]),
    ("usher-conversation", &[]),
    ("usher-simulator", &["usher-channels", "usher-conversation"]),
    ("usher-testkit", &["usher-conversation"]),
    ("usher-load", &["usher", "usher-actors", "usher-channels", "usher-conversation", "usher-testkit"]),
];

/// What the pure engine may not reach, however many crates lie between.
const IMPURE: &[&str] =
    &["actix", "actix-rt", "actix-web", "getrandom", "mio", "rand", "reqwest", "socket2", "sqlx", "tokio"];

/// A package and the names of what its production code depends on.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: String,
    pub(crate) ours: bool,
    /// Positions in the graph.
    uses: Vec<usize>,
    /// Names, for graphs written by hand.
    uses_by_name: Vec<String>,
}

impl Package {
    pub(crate) fn ours(name: &str, uses: &[&str]) -> Self {
        Self { ours: true, ..Self::foreign(name, "0.1.0", "MIT", uses) }
    }

    pub(crate) fn foreign(name: &str, version: &str, licence: &str, uses: &[&str]) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            licence: licence.into(),
            ours: false,
            uses: Vec::new(),
            uses_by_name: uses.iter().map(|&name| name.into()).collect(),
        }
    }
}

pub(crate) struct Graph {
    pub(crate) packages: Vec<Package>,
}

impl Graph {
    /// A graph written by hand.
    pub(crate) fn new(mut packages: Vec<Package>) -> Self {
        let positions: BTreeMap<String, usize> =
            packages.iter().enumerate().map(|(at, package)| (package.name.clone(), at)).collect();
        for package in &mut packages {
            package.uses =
                package.uses_by_name.iter().filter_map(|name| positions.get(name).copied()).collect();
        }
        Self { packages }
    }

    /// What cargo resolves for this workspace on this machine.
    pub(crate) fn of_this_workspace() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &host()])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::from_metadata(&serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON"))
    }

    fn from_metadata(metadata: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let members: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
        let described: BTreeMap<String, Value> =
            list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
        let nodes = list(&metadata["resolve"]["nodes"]);
        let positions: BTreeMap<String, usize> =
            nodes.iter().enumerate().map(|(at, node)| (text(&node["id"]), at)).collect();
        let packages = nodes
            .iter()
            .map(|node| {
                let id = text(&node["id"]);
                let package = &described[&id];
                let in_production =
                    |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
                Package {
                    name: text(&package["name"]),
                    version: text(&package["version"]),
                    licence: text(&package["license"]),
                    ours: members.contains(&id),
                    uses: list(&node["deps"])
                        .iter()
                        .filter(in_production)
                        .map(|dep| positions[&text(&dep["pkg"])])
                        .collect(),
                    uses_by_name: Vec::new(),
                }
            })
            .collect();
        Self { packages }
    }

    fn names_used_by(&self, package: &Package) -> impl Iterator<Item = &Package> {
        package.uses.iter().map(|&at| &self.packages[at])
    }

    /// Everything reachable from the package of that name.
    fn reached_from(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<&Package> =
            self.packages.iter().filter(|package| package.name == name).collect();
        while let Some(package) = waiting.pop() {
            if seen.insert((package.name.as_str(), package.version.as_str())) {
                waiting.extend(self.names_used_by(package));
            }
        }
        seen.into_iter().map(|(name, _)| name).collect()
    }
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc starts");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// Workspace crates that use one of ours they may not use, and workspace crates the table does not know.
pub(crate) fn arrows_against_the_design(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for package in graph.packages.iter().filter(|package| package.ours) {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            findings.push(format!("{} has no place in the table of arrows", package.name));
            continue;
        };
        for used in graph.names_used_by(package).filter(|used| used.ours) {
            if !allowed.contains(&used.name.as_str()) {
                findings.push(format!("{} may not use {}", package.name, used.name));
            }
        }
    }
    findings
}

/// What the conversation engine reaches though it is pure.
pub(crate) fn impurities(graph: &Graph) -> Vec<String> {
    let reached = graph.reached_from("usher-conversation");
    assert!(!reached.is_empty(), "the graph has no conversation engine");
    IMPURE
        .iter()
        .filter(|name| reached.contains(*name))
        .map(|name| format!("usher-conversation reaches {name}"))
        .collect()
}
