//! A server that is told to stop while somebody is on the telephone.

use anyhow::Result;
use serde_json::{Value, json};
use usher_testkit::{Database, Phone, Simulation, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// A telephone other than the seeded client's.
const ANOTHER: &str = "+14155550177";

async fn served(seconds: &str) -> Result<(Simulation, TestServer)> {
    let simulation = Simulation::start(USHER).await?;
    let flags = ["--voice-drain-seconds", seconds];
    let server = TestServer::demo_behind(USHER, Database::Sqlite, None, &simulation, &flags).await?;
    Ok((simulation, server))
}

async fn dials(server: &TestServer, from: &str) -> Result<Phone> {
    Phone::dials(server.simulator()?, from, &server.account().number).await
}

/// What the page shows as the name of the business.
async fn name(server: &TestServer) -> Result<Value> {
    Ok(server.widget()?.session().await?.body["fields"][0]["answer"]["value"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_told_to_stop_lets_its_call_come_to_an_end_and_takes_no_other() -> Result<()> {
    let (_simulation, mut server) = served("300").await?;
    let mut phone = dials(&server, &server.ready().client.phone).await?;
    phone.until("heard:exact name of your business").await?;
    server.tell_to_stop().await?;
    let (client, ready) = (http::client()?, server.ready().base_url.join("readyz")?);
    eventually("no traffic is wanted", PATIENCE, async || {
        Ok((client.get(ready.clone()).send().await?.status() == 503).then_some(()))
    })
    .await?;
    let mut another = dials(&server, ANOTHER).await?;
    another.until("verb:Redirect").await?;
    another.until("heard:All our lines are busy").await?;
    another.until("status:completed").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:phone number").await?;
    assert_eq!(name(&server).await?, json!("Reyes Bakery"), "what is said meanwhile counts");
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    server.stopped().await?;
    server.restart().await?;
    let (simulator, handset) = (server.simulator()?, server.ready().client.phone.clone());
    eventually("the conversation goes on by text", PATIENCE, async || {
        let lines = simulator.conversation(&handset).await?;
        Ok(lines.iter().any(|line| line["text"].to_string().contains("Thanks for your call")).then_some(()))
    })
    .await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_the_rules_is_waited_for_and_one_that_outlasts_it_goes_on_at_the_next() -> Result<()> {
    let (_simulation, mut server) = served("300").await?;
    server.speaks_by_rules().await?;
    let mut phone = dials(&server, &server.ready().client.phone).await?;
    phone.until("heard:exact name of your business").await?;
    server.tell_to_stop().await?;
    let mut another = dials(&server, ANOTHER).await?;
    another.until("status:completed").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:phone number").await?;
    assert_eq!(name(&server).await?, json!("Reyes Bakery"), "what is said meanwhile counts");
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    server.stopped().await?;
    server.stop().await?;

    let (_simulation, mut server) = served("1").await?;
    server.speaks_by_rules().await?;
    let mut phone = dials(&server, &server.ready().client.phone).await?;
    phone.until("heard:exact name of your business").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("hearing:phone number").await?;
    server.tell_to_stop().await?;
    phone.until("heard:Please hold the line").await?;
    server.stopped().await?;
    server.restart().await?;
    let goes_on = phone.until("heard:phone number should customers call").await?;
    assert!(!goes_on.text.contains("exact name"), "{goes_on:?}");
    phone.says("415-555-0142").await?;
    phone.until("heard:Is that right").await?;
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    assert_eq!(name(&server).await?, json!("Reyes Bakery"));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlasts_a_stopping_server_holds_the_line_and_goes_on_at_the_next() -> Result<()> {
    let (_simulation, mut server) = served("1").await?;
    let mut phone = dials(&server, &server.ready().client.phone).await?;
    phone.until("heard:exact name of your business").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("hearing:phone number").await?;
    server.tell_to_stop().await?;
    phone.until("heard:Please hold the line").await?;
    server.stopped().await?;
    server.restart().await?;
    phone.until("stream:started").await?;
    let goes_on = phone.until("heard:phone number should customers call").await?;
    assert!(!goes_on.text.contains("exact name"), "{goes_on:?}");
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    assert_eq!(name(&server).await?, json!("Reyes Bakery"));
    server.stop().await
}
