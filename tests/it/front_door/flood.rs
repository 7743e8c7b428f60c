//! Too much at once: one session is flooded, pages stop reading. Whoever is refused knows it, nothing is lost, the
//! others go on, and memory stays where it was.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use futures_util::future::{join_all, try_join, try_join_all};
use serde_json::json;
use usher_testkit::widget::Answer;
use usher_testkit::{Database, TestServer, WidgetClient, eventually};

use super::{PATIENCE, USHER};

/// Inputs of the flood, all at the same time.
const FLOOD: usize = 1_000;
/// Sessions beside the flooded one.
const CALM: usize = 20;
/// Pages that never read.
const SILENT: u32 = 200;
/// Turns that go to a page before it must acknowledge one.
const WINDOW: usize = usher_channels::widget::ACK_WINDOW;
/// What a flood may cost in memory.
const MEMORY: u64 = 64 * 1024 * 1024;

/// Refused in so many words, or taken.
fn is_typed(answer: &Answer) -> Result<bool> {
    let busy = answer.status == 429 && answer.body["id"] == "session-busy";
    ensure!(answer.status == 200 || busy && answer.retry_after.is_some(), "{answer:?}");
    Ok(answer.status == 200)
}

/// Sends every text until it is taken, each with a key of its own; how many refusals there were.
async fn until_taken(page: &WidgetClient, texts: &[String]) -> Result<u32> {
    let mut left: Vec<&String> = texts.iter().collect();
    let mut refusals = 0;
    while !left.is_empty() {
        let answers = try_join_all(left.iter().map(|text| page.say(text, text))).await?;
        let mut again = Vec::new();
        for (text, answer) in left.into_iter().zip(&answers) {
            if !is_typed(answer)? {
                refusals += 1;
                again.push(text);
            }
        }
        left = again;
    }
    Ok(refusals)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flooded_session_refuses_in_words_loses_nothing_and_harms_nobody() -> Result<()> {
    let flags = &["--session-queue", "16", "--rate-per-address", "0", "--rate-per-org", "0"];
    let server = TestServer::demo_with(USHER, Database::Sqlite, flags).await?;
    let calm = server.strangers(CALM).await?;
    let page = server.widget()?;
    let before = server.resident_bytes()?;

    let texts: Vec<String> = (0..FLOOD).map(|number| format!("flood-{number}")).collect();
    let others = async {
        for nth in 0..5 {
            let key = format!("calm-{nth}");
            let answers = try_join_all(calm.iter().map(|page| page.say(&key, &key))).await?;
            ensure!(
                answers.iter().all(|answer| answer.status == 200),
                "a calm session was refused: {answers:?}"
            );
        }
        Ok(())
    };
    let (refusals, ()) = try_join(until_taken(&page, &texts), others).await?;
    assert!(refusals > 0, "so many at once do not fit into so small a queue");
    let counted = server.metric("usher_refused_total", "session_busy").await?;
    assert!((counted - f64::from(refusals)).abs() < 0.5, "{counted} of {refusals} refusals were counted");

    let heard = page.heard().await?;
    let distinct: BTreeSet<&String> = heard.iter().collect();
    assert_eq!((heard.len(), distinct), (FLOOD, texts.iter().collect()), "each once");
    let grown = server.resident_bytes()?.saturating_sub(before);
    assert!(grown <= MEMORY, "the flood cost {grown} bytes");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_never_read_are_let_go_and_a_good_one_misses_nothing() -> Result<()> {
    let flags = &["--rate-per-address", "0", "--rate-per-org", "0"];
    let server = TestServer::demo_with(USHER, Database::Sqlite, flags).await?;
    let page = server.widget()?;
    let since = page.session().await?.body["session"]["seq"].as_u64().unwrap_or(0);
    let before = server.resident_bytes()?;
    let mut silent = Vec::new();
    for opened in join_all((0..SILENT).map(|_| page.watch(since))).await {
        silent.push(opened?);
    }
    let mut good = page.watch(since).await?;
    let watchers = async || server.metric("usher_watchers", "").await;
    eventually("every page is watched over", PATIENCE, async || {
        Ok((watchers().await? > f64::from(SILENT)).then_some(()))
    })
    .await?;
    let mut last = since;
    for number in 0..2 * WINDOW + 8 {
        let told = page.respond("business_name", &format!("Bakery {number}"), &format!("k{number}")).await?;
        let seq = told.body["seq"].as_u64().unwrap_or(0);
        good.turns_until(last, seq).await?;
        last = seq;
    }
    eventually("only the page that reads is left", PATIENCE, async || {
        Ok((watchers().await? < 1.5).then_some(()))
    })
    .await?;
    let slow = server.metric("usher_watchers_slow_total", "").await?;
    assert!(slow >= f64::from(SILENT), "{slow} of {SILENT} were cut because they were slow");
    drop(silent);
    let grown = server.resident_bytes()?.saturating_sub(before);
    assert!(grown <= MEMORY, "pages that never read cost {grown} bytes");
    server.stop().await
}

/// The broken variant: a session whose queue holds whatever comes refuses nobody, so it is the bound that the flood meets.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_without_a_bound_refuses_nobody() -> Result<()> {
    let flags = &["--session-queue", "100000", "--rate-per-address", "0", "--rate-per-org", "0"];
    let server = TestServer::demo_with(USHER, Database::Sqlite, flags).await?;
    let texts: Vec<String> = (0..FLOOD).map(|number| format!("flood-{number}")).collect();
    assert_eq!(until_taken(&server.widget()?, &texts).await?, 0);
    server.stop().await
}

/// The broken variant: a page that acknowledges what it never read is kept, so it is the window that the silent ones meet.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_acknowledges_without_reading_is_kept() -> Result<()> {
    let flags = &["--rate-per-address", "0", "--rate-per-org", "0"];
    let server = TestServer::demo_with(USHER, Database::Sqlite, flags).await?;
    let page = server.widget()?;
    let since = page.session().await?.body["session"]["seq"].as_u64().unwrap_or(0);
    let (mut liar, mut good) = (page.watch(since).await?, page.watch(since).await?);
    let mut last = since;
    for number in 0..2 * WINDOW + 8 {
        let told = page.respond("business_name", &format!("Bakery {number}"), &format!("k{number}")).await?;
        let seq = told.body["seq"].as_u64().unwrap_or(0);
        good.turns_until(last, seq).await?;
        liar.send(&json!({ "type": "ack", "seq": seq })).await?;
        last = seq;
    }
    liar.turns_until(since, last).await?;
    assert!(server.metric("usher_watchers_slow_total", "").await? < 0.5, "nobody was cut");
    server.stop().await
}
