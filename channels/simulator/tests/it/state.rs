//! What outlives the process.

use std::time::Duration;

use serde_json::json;
use usher_simulator::{HandsetConfig, Simulator, SimulatorConfig};

use crate::support::{Http, NUMBER, PHONE, Receiver, account, config_with_ids_from};

fn persistent(dir: &tempfile::TempDir, ids_from: u64) -> SimulatorConfig {
    let mut config = config_with_ids_from(ids_from);
    config.state_file = Some(dir.path().join("simulator.jsonl"));
    config.accounts = vec![account(None)];
    config
}

#[tokio::test]
async fn history_opt_outs_and_messages_on_their_way_survive_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut receiver = Receiver::start("");
    let callback = format!("{}/status", receiver.url);

    let mut config = persistent(&dir, 1);
    // Nothing is delivered in this life.
    config.pace = Duration::from_hours(1);
    config.handsets =
        vec![HandsetConfig { phone: PHONE.into(), name: Some("Dana".into()), default_peer: None }];
    let first = Simulator::start(config).expect("a free port");
    let http = Http::to(&first);
    let (status, _) = http
        .create(&[("To", PHONE), ("From", NUMBER), ("Body", "under way"), ("StatusCallback", &callback)])
        .await;
    assert_eq!(status, 201);
    http.say(NUMBER, "STOP").await;
    first.stop().await;

    let second = Simulator::start(persistent(&dir, 1_000)).expect("a free port");
    let http = Http::to(&second);
    receiver.until_status("delivered").await;
    let screen = http.screen().await;
    assert_eq!((screen[0].as_str(), screen[2].as_str()), ("STOP", "under way"));
    let (_, handset) = http.sim("GET", &format!("handsets/{PHONE}"), None).await;
    assert_eq!(handset["name"], "Dana");
    let (_, refusal) = http.create(&[("To", PHONE), ("From", NUMBER), ("Body", "hi")]).await;
    assert_eq!(refusal["code"], json!(21610));
}

#[tokio::test]
async fn a_taken_port_is_an_error_and_not_a_panic() {
    let first = Simulator::start(config_with_ids_from(1)).expect("a free port");
    let mut config = config_with_ids_from(1);
    config.bind = first.addr;
    assert!(Simulator::start(config).is_err());
}
