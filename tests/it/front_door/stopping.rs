//! A graceful stop under load loses nothing that was acknowledged, and what is measured moves with what happens.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;
use usher_testkit::twilio::message_sid;
use usher_testkit::{Database, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// People who go on talking while the server stops.
const TALKERS: usize = 16;
/// Inputs that were taken before the server is told to stop.
const WARM: usize = 100;

async fn stops_under_load(database: Database) -> Result<()> {
    let flags = &["--rate-per-address", "0", "--rate-per-org", "0"];
    let mut server = TestServer::demo_with(USHER, database, flags).await?;
    let pages = server.strangers(TALKERS).await?;
    let taken: Arc<Mutex<Vec<Vec<String>>>> = Arc::new(Mutex::new(vec![Vec::new(); TALKERS]));
    let mut talkers = JoinSet::new();
    for (talker, page) in pages.iter().cloned().enumerate() {
        let taken = Arc::clone(&taken);
        talkers.spawn(async move {
            for number in 0.. {
                let text = format!("words-{talker}-{number}");
                match page.say(&text, &text).await {
                    Ok(answer) if answer.status == 200 => taken.lock().expect("no panic")[talker].push(text),
                    // What it says on its way out.
                    Ok(answer) => {
                        ensure!(answer.status == 503 && answer.retry_after.is_some(), "{answer:?}");
                        ensure!(answer.body["id"] == "shutting-down", "{answer:?}");
                        break;
                    }
                    // It no longer listens.
                    Err(_) => break,
                }
            }
            Ok(())
        });
    }
    eventually("the talk is under way", PATIENCE, async || {
        Ok((taken.lock().expect("no panic").iter().map(Vec::len).sum::<usize>() >= WARM).then_some(()))
    })
    .await?;
    server.terminate().await?;
    while let Some(talker) = talkers.join_next().await {
        talker??;
    }
    server.restart().await?;
    let taken = taken.lock().expect("no panic").clone();
    for (page, taken) in pages.iter().zip(&taken) {
        let heard = page.heard().await?;
        let distinct: BTreeSet<_> = heard.iter().collect();
        assert_eq!(distinct.len(), heard.len(), "nothing twice: {heard:?}");
        let lost: Vec<_> = taken.iter().filter(|text| !distinct.contains(text)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_told_to_stop_under_load_loses_nothing_on_sqlite() -> Result<()> {
    stops_under_load(Database::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_told_to_stop_under_load_loses_nothing_on_postgres() -> Result<()> {
    stops_under_load(Database::fresh_postgres("stop").await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_moves_with_what_happens() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (account, client, phone) = (server.account(), http::client()?, server.ready().client.phone.clone());
    let (simulator, page) = (server.simulator()?, server.widget()?);
    let arrived = async |count: usize| {
        eventually("the texts arrive", PATIENCE, async || {
            Ok((simulator.conversation(&phone).await?.len() >= count).then_some(()))
        })
        .await
    };
    arrived(1).await?;
    let names = [
        ("usher_commands_total", "outcome=\"turn\""),
        ("usher_commands_total", "outcome=\"duplicate\""),
        ("usher_sends_total", "outcome=\"accepted\""),
        ("usher_append_seconds_count", ""),
        ("usher_webhooks_refused_total", ""),
        ("usher_http_request_seconds_count", "route=\"/api/webhooks/twilio/sms\",status=\"2xx\""),
        ("usher_http_request_seconds_count", "route=\"/api/webhooks/twilio/sms\",status=\"4xx\""),
        ("usher_http_request_seconds_count", "route=\"/api/widget/response\",status=\"2xx\""),
    ];
    let read = async || {
        let mut values = Vec::new();
        for (name, label) in names {
            values.push(server.metric(name, label).await?);
        }
        anyhow::Ok(values)
    };
    let before = read().await?;
    for _ in 0..2 {
        assert_eq!(account.deliver(&client, &phone, &message_sid(5), "Reyes Bakery").await?, 200);
    }
    assert_eq!(client.post(&account.sms_url).body("To=%2B14155550100").send().await?.status(), 403);
    assert_eq!(page.respond("business_hours", "Mon-Fri 9-5", "k1").await?.status, 200);
    arrived(2).await?;
    let after = eventually("the send is counted", PATIENCE, async || {
        let after = read().await?;
        Ok((after[2] > before[2]).then_some(after))
    })
    .await?;
    #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
    let moved: Vec<i64> = after.iter().zip(&before).map(|(after, before)| (after - before) as i64).collect();
    assert!(moved[0] >= 2 && moved[3] >= 2, "turns are counted and their commits timed: {moved:?}");
    assert_eq!(moved[1], 1, "one duplicate: {moved:?}");
    assert_eq!(moved[4..], [1, 2, 1, 1], "refused, served, refused, answered: {moved:?}");
    assert!(server.metric("usher_sessions_active", "").await? >= 1.0);
    assert!((server.metric("usher_watchers", "").await?).abs() < 0.5);
    let socket = page.watch(0).await?;
    eventually("the watcher is counted", PATIENCE, async || {
        Ok((server.metric("usher_watchers", "").await? > 0.5).then_some(()))
    })
    .await
    .context("usher_watchers")?;
    drop(socket);
    eventually("and forgotten when it goes", PATIENCE, async || {
        Ok((server.metric("usher_watchers", "").await? < 0.5).then_some(()))
    })
    .await?;
    for name in
        ["usher_panics_total", "usher_quarantined_total", "usher_store_errors_total", "usher_conflicts_total"]
    {
        assert!(server.metric(name, "").await?.abs() < 0.5, "{name}");
    }
    server.stop().await
}
