//! What becomes of calls whose end comes while no server runs: whoever runs next asks the carrier.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use usher::clock::SystemClock;
use usher_conversation::consent::permitted_at;
use usher_conversation::ports::Clock as _;
use usher_testkit::{Database, Phone, Simulation, TestServer, eventually};

use crate::calls::{Contact, USHER};

const PATIENCE: Duration = Duration::from_mins(1);

/// The session's calls as an operator sees them, newest first, once they are so.
async fn calls(
    server: &TestServer,
    session: &str,
    what: &str,
    is_so: impl Fn(&[Value]) -> bool,
) -> Result<Vec<Value>> {
    let path = format!("api/voice/calls?session_id={session}");
    let known = eventually(what, PATIENCE, async || {
        let mut answer = server.operate("GET", &path, &Value::Null).await?;
        let calls: Vec<Value> = serde_json::from_value(answer["calls"].take())?;
        if is_so(&calls) { Ok(Some(calls)) } else { anyhow::bail!("{calls:#?}") }
    });
    known.await.with_context(|| server.log())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_while_no_server_runs_ends_the_call_when_there_is_one_again() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let mut server = TestServer::demo_behind(USHER, Database::Sqlite, None, &simulation, &[]).await?;
    let mut contact = Contact::calls(&server).await?;
    let answer = contact.asked().await?;
    contact.phone.says(answer).await?;
    contact.asked().await?;
    server.kill().await?;
    contact.phone.hangs_up().await?;
    contact.phone.until("status:completed").await?;
    server.restart().await?;
    let session = server.ready().session_id.clone();
    let over = |calls: &[Value]| calls[0]["outcome"] == "contact_hung_up" && calls[0]["seconds"].is_u64();
    calls(&server, &session, "the call is over", over).await?;
    let (simulator, handset) = (server.simulator()?, contact.handset.clone());
    eventually("the conversation goes on by text", PATIENCE, async || {
        let lines = simulator.conversation(&handset).await?;
        Ok(lines.iter().any(|line| line["text"].to_string().contains("Thanks for your call")).then_some(()))
    })
    .await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_who_declines_while_no_server_runs_is_called_again_later_and_once() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let mut server = TestServer::demo_behind(USHER, Database::Sqlite, None, &simulation, &[]).await?;
    let now = SystemClock.now();
    // Around the world: somewhere it is day, and calls may be made.
    let phone = ["+14155550177", "+442079460123", "+919876543210", "+81312345678", "+6495551234"]
        .into_iter()
        .find(|phone| permitted_at(now, None, phone).is_ok())
        .context("somewhere it is day")?;
    let org = server.ready().org_id.clone();
    let begin = ["session", "start", &org, "--name", "Kim Lee", "--phone", phone, "--json"];
    let opened: Value = serde_json::from_str(&server.command(&begin).await?)?;
    let session = opened["session_id"].as_str().context("a session")?.to_owned();
    server.command(&["call", &session, "--json"]).await?;
    let mut rung = Phone::rings(server.simulator()?, phone, 0).await?;
    rung.until("status:ringing").await?;
    let ringing = |calls: &[Value]| calls[0]["status"] == "ringing";
    calls(&server, &session, "it is known that it rings", ringing).await?;
    server.kill().await?;
    rung.does("decline", &json!({})).await?;
    rung.until("status:busy").await?;
    for _ in 0..2 {
        // The second start finds what the first has settled.
        if server.pid().is_some() {
            server.kill().await?;
        }
        server.restart().await?;
        let planned = |calls: &[Value]| calls.len() == 2 && calls[0]["status"] == "planned";
        let known = calls(&server, &session, "the next call is planned", planned).await?;
        assert_eq!((&known[0]["attempt"], &known[1]["outcome"]), (&json!(2), &json!("busy")), "{known:#?}");
        assert!(known[0]["due_at"].is_string());
    }
    server.stop().await
}
