//! The commands that need no server.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use usher_testkit::{Database, TestServer};

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

/// What `usher doctor --json` says about one thing, on these settings.
fn doctor(check: &str, arguments: &[&str]) -> Option<Value> {
    let output = Command::new(USHER).args(["doctor", "--json"]).args(arguments).output().expect("it starts");
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a list of findings");
    findings.into_iter().find(|finding| finding["check"] == check)
}

#[tokio::test]
async fn doctor_says_whether_row_level_security_binds_the_database_role() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().display().to_string();
    let Database::Postgres(url) = Database::fresh_postgres("doctor").await? else {
        unreachable!("PostgreSQL")
    };
    let role = |url: &str| doctor("database role", &["--data-dir", &data, "--database-url", url]);
    let bound = role(url.as_str()).expect("a finding");
    assert_eq!(bound["severity"], "ok", "{bound}");
    let unbound = role(&url.as_str().replacen("//usher:", "//usher_unbound:", 1)).expect("a finding");
    assert_eq!(unbound["severity"], "warning", "{unbound}");
    assert!(unbound["what"].to_string().contains("has BYPASSRLS"), "{unbound}");
    assert!(unbound["next"].to_string().contains("NOSUPERUSER NOBYPASSRLS"), "{unbound}");
    assert!(doctor("database role", &["--data-dir", &data]).is_none(), "SQLite has no roles");
    Ok(())
}

#[tokio::test]
async fn data_whose_master_key_is_missing_is_refused_and_no_other_key_is_made() -> anyhow::Result<()> {
    let mut server = TestServer::demo(USHER, Database::Sqlite).await?;
    server.kill().await?;
    let key = server.data_dir().join("master.key");
    let aside = server.data_dir().join("master.key.aside");
    std::fs::rename(&key, &aside)?;
    let session = server.ready().session_id.clone();
    for command in [["session", "show", &session].as_slice(), &["replay", "--all"], &["serve"]] {
        let refusal = server.command(command).await.expect_err("there is no key").to_string();
        assert!(refusal.contains("there is no master key"), "{command:?}: {refusal}");
        assert!(!key.exists(), "{command:?}");
    }
    let data = server.data_dir().display().to_string();
    let keys = doctor("keys", &["--data-dir", &data]).expect("a finding");
    assert_eq!(keys["severity"], "broken", "{keys}");
    std::fs::rename(&aside, &key)?;
    server.restart().await?;
    assert_eq!(server.widget()?.session().await?.status, 200, "with its key the data is read again");
    server.stop().await
}
