//! The server dies at each step of a message's life, exactly there: nothing that was acknowledged is lost and nothing that was
//! sent is sent again.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use usher_testkit::{Database, Seed, Simulation, TestServer, WidgetClient, http};

use crate::audit::{History, audit};
use crate::clients::{Acknowledged, Person, vendor_log};
use crate::{SETTLE, journals};

async fn dies_at(place: &str) -> Result<()> {
    let exe = env!("CARGO_BIN_EXE_usher");
    let simulation = Simulation::start(exe).await?;
    let mut server = TestServer::demo_dying_at(exe, Database::Sqlite, &simulation, place).await?;
    let phone = server.ready().client.phone.clone();
    let acknowledged = Acknowledged::default();
    let person = Person {
        phone: phone.clone(),
        page: WidgetClient::new(server.ready().base_url.as_str(), &server.ready().session_id)?,
        handset: server.simulator()?,
        account: server.account(),
        http: http::client()?,
        rng: Seed::from_env(0x9017).rng(1),
        acknowledged: Arc::clone(&acknowledged),
    };
    let conversation = tokio::spawn(person.converse());
    server.died().await.with_context(|| place.to_owned())?;
    server.restart().await?;
    conversation.await?.with_context(|| server.log())?;
    journals::everything_sent(&server, SETTLE).await.with_context(|| server.log())?;
    let acknowledged = acknowledged.lock().expect("nobody panicked").clone();
    let history = History {
        acknowledged,
        stories: journals::stories(&server, &[phone]).await?,
        accepted: vendor_log(&server.simulator()?).await?,
    };
    assert_eq!(audit(&history), Vec::<String>::new(), "{place}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_a_webhooks_signature_and_its_commit_costs_nothing() -> Result<()> {
    dies_at("webhook-verified:1").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_a_commit_and_its_acknowledgement_costs_nothing() -> Result<()> {
    dies_at("turn-committed:7").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_a_commit_and_the_message_it_asks_for_costs_nothing() -> Result<()> {
    dies_at("before-send:2").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_a_sent_message_and_its_settlement_costs_nothing() -> Result<()> {
    dies_at("after-send:2").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_a_settled_message_and_the_report_to_its_session_costs_nothing() -> Result<()> {
    dies_at("send-settled:2").await
}
