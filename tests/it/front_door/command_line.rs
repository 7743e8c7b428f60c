//! The commands that need no server.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::USHER;

fn lines(arguments: &[&str], input: &str) -> Vec<Value> {
    let mut child = Command::new(USHER)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object per line")).collect()
}

#[test]
fn parse_prints_one_object_per_line() {
    let phones = lines(&["parse", "--type", "phone"], "(415) 555-0142\nabc\n");
    assert_eq!(phones[0], json!({ "ok": true, "value": "+14155550142" }));
    assert_eq!(phones[1]["ok"], false);
    assert!(phones[1]["error"].is_string());
    let choice = lines(&["parse", "--type", "select", "--options", "red,green"], "green please\n");
    assert_eq!(choice[0], json!({ "ok": true, "value": "green" }));
    let date = lines(&["parse", "--type", "date", "--now", "2026-03-10T12:00:00Z"], "tomorrow\n");
    assert_eq!(date[0], json!({ "ok": true, "value": "2026-03-11" }));
}

#[test]
fn chat_prints_one_object_at_the_start_and_one_per_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = dir.path().join("flow.json");
    let questions = json!({ "fields": [
        { "id": "name", "label": "Name", "prompt": "Your business?", "type": "text", "required": true },
        { "id": "site", "label": "Site", "prompt": "Your website?", "type": "url", "required": true },
    ] });
    std::fs::write(&flow, questions.to_string()).expect("written");
    let path = flow.display().to_string();
    let said = lines(&["chat", "--flow", &path, "--json"], "Reyes Bakery\nreyes.com\n");
    let pending: Vec<_> = said.iter().map(|line| line["pending"].clone()).collect();
    assert_eq!(pending, [json!("name"), json!("site"), Value::Null]);
    assert_eq!(said[2]["status"], "complete");
    assert_eq!(said[2]["answers"]["name"], "Reyes Bakery");
}

#[test]
fn a_wrong_setting_is_named_and_the_exit_code_says_usage() {
    let output =
        Command::new(USHER).args(["config", "--node-queue", "many"]).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("node_queue (--node-queue)"));
}
