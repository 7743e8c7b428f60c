//! The house rules of `docs/ARCHITECTURE.md`, read from `cargo metadata` and the sources.
//!
//! Every rule is tested twice: the repository keeps it, and a deliberately broken variant is reported.

mod graph;
mod licence;
mod policy;
mod source;

use graph::{Graph, Package};
use source::SourceFile;

fn nothing_found(findings: &[String]) {
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}

#[test]
fn crates_depend_only_along_the_arrows_of_the_design() {
    nothing_found(&graph::arrows_against_the_design(&Graph::of_this_workspace()));
}

#[test]
fn an_arrow_against_the_design_is_reported() {
    let broken = Graph::new(vec![
        Package::ours("usher-actors", &["usher-channels"]),
        Package::ours("usher-channels", &["usher-actors"]),
        Package::ours("usher-conversation", &["usher-channels"]),
        Package::ours("usher-simulator", &["usher-actors"]),
        Package::ours("usher-stranger", &[]),
    ]);
    let findings = graph::arrows_against_the_design(&broken);
    assert_eq!(findings.len(), 5, "{findings:#?}");
}

#[test]
fn the_conversation_engine_is_pure_down_to_its_dependencies() {
    nothing_found(&graph::impurities(&Graph::of_this_workspace()));
}

#[test]
fn an_impure_dependency_is_reported_even_behind_another_crate() {
    let broken = Graph::new(vec![
        Package::ours("usher-conversation", &["harmless"]),
        Package::foreign("harmless", "1.0.0", "MIT", &["tokio"]),
        Package::foreign("tokio", "1.0.0", "MIT", &[]),
    ]);
    assert_eq!(graph::impurities(&broken), ["usher-conversation reaches tokio"]);
}

#[test]
fn dependencies_are_none_of_the_banned_ones() {
    nothing_found(&policy::Policy::committed().banned_in(&Graph::of_this_workspace()));
}

#[test]
fn a_banned_dependency_is_reported_with_its_reason() {
    let broken = Graph::new(vec![
        Package::foreign("openssl-sys", "0.9.1", "MIT", &[]),
        Package::foreign("h2", "0.3.27", "MIT", &[]),
        Package::foreign("h2", "0.4.1", "MIT", &[]),
        Package::foreign("html2md", "0.2.15", "GPL-3.0+", &[]),
    ]);
    let findings = policy::Policy::committed().banned_in(&broken);
    assert_eq!(findings.len(), 3, "{findings:#?}");
    assert!(findings.iter().any(|finding| finding.starts_with("h2 0.3.27 is banned: ")), "{findings:#?}");
}

#[test]
fn dependencies_are_licensed_as_the_policy_allows() {
    nothing_found(&policy::Policy::committed().unlicensed_in(&Graph::of_this_workspace()));
}

#[test]
fn a_dependency_under_another_licence_is_reported() {
    let broken = Graph::new(vec![
        Package::foreign("copyleft", "1.0.0", "GPL-3.0-only", &[]),
        Package::foreign("half", "1.0.0", "MIT AND AGPL-3.0", &[]),
        Package::foreign("unsaid", "1.0.0", "", &[]),
        Package::foreign("fine", "1.0.0", "(GPL-3.0 OR MIT) AND Unicode-3.0", &[]),
    ]);
    let findings = policy::Policy::committed().unlicensed_in(&broken);
    assert_eq!(findings.len(), 3, "{findings:#?}");
}

#[test]
fn source_files_reach_only_what_their_room_may() {
    nothing_found(&source::trespasses(&source::repository()));
}

#[test]
fn a_file_that_reaches_too_far_is_reported() {
    for (path, text) in [
        ("actors/src/hub.rs", "use usher_channels::twilio;"),
        ("actors/src/relay.rs", "let client = reqwest::Client::new();"),
        ("channels/src/twilio/codec.rs", "use usher_actors::Registry;"),
        ("channels/src/twilio/client.rs", "use usher_simulator::Simulator;"),
        ("channels/simulator/src/lib.rs", "use usher_actors::Registry;"),
        ("actors/conversation/src/view.rs", "use usher_channels::widget;"),
        ("actors/conversation/src/view.rs", "let now = std::time::SystemTime::now();"),
        ("actors/conversation/src/view.rs", "use std::time::{Duration, SystemTime};"),
        ("actors/conversation/src/view.rs", "use tokio::sync::Mutex;"),
        ("actors/conversation/src/view.rs", "let text = std::fs::read_to_string(path);"),
        ("src/onboarding/routes.rs", "sqlx::query(sql)"),
        ("src/server.rs", "use usher_simulator::Simulator;"),
        ("src/web/mod.rs", "use tokio_tungstenite::connect_async;"),
    ] {
        let broken = [SourceFile::new(path, text)];
        assert_eq!(source::trespasses(&broken).len(), 1, "{path}: {text}");
    }
}

#[test]
fn a_file_that_only_names_a_neighbour_is_not_reported() {
    for (path, text) in [
        ("actors/src/hub.rs", "// unlike usher_channels::widget, the hub counts"),
        ("actors/conversation/src/view.rs", "let my_tokio = 1; mod reqwested {}"),
        ("actors/conversation/src/flow/mod.rs", "#[cfg(test)]\nmod tests { use std::fs; }"),
        ("src/onboarding/store.rs", "sqlx::query(sql)"),
        ("src/db/mod.rs", "use sqlx::Row;"),
        ("src/demo/mod.rs", "use usher_simulator::Simulator;"),
    ] {
        nothing_found(&source::trespasses(&[SourceFile::new(path, text)]));
    }
}

#[test]
fn the_deprecated_socket_crate_is_used_in_one_module() {
    nothing_found(&source::socket_modules_beyond_the_first(&source::repository()));
}

#[test]
fn a_second_socket_module_is_reported() {
    let broken = [
        SourceFile::new("src/web/socket.rs", "use actix_web_actors::ws;"),
        SourceFile::new("src/console/routes.rs", "use actix_web_actors::ws;"),
    ];
    assert_eq!(source::socket_modules_beyond_the_first(&broken).len(), 1);
}

#[test]
fn no_file_is_too_long_to_read_in_one_sitting() {
    nothing_found(&source::too_long(&source::repository()));
}

#[test]
fn a_file_of_more_than_600_lines_is_reported() {
    let broken =
        [SourceFile::new("src/long.rs", &"\n".repeat(601)), SourceFile::new("src/ok.rs", &"\n".repeat(600))];
    assert_eq!(source::too_long(&broken), ["src/long.rs has 601 lines"]);
}

#[test]
fn nothing_is_left_unfinished_or_skipped_or_allowed_without_a_reason() {
    nothing_found(&source::leftovers(&source::repository()));
}

#[test]
fn leftovers_are_reported_with_their_line() {
    for (path, text) in source::leftover_samples() {
        let text = format!("fine\n{text}");
        let findings = source::leftovers(&[SourceFile::new(path, &text)]);
        assert_eq!(findings.len(), 1, "{path}: {text}: {findings:?}");
        assert!(findings[0].starts_with(&format!("{path}:2 ")), "{findings:?}");
    }
}
