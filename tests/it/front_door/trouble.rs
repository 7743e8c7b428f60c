//! What goes wrong outside: vendors that do not say what they took, and a second process.

use std::collections::BTreeSet;

use serde_json::json;
use usher_testkit::twilio::message_sid;
use usher_testkit::{Database, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// The next text of a session leaves only when the fate of the one before is known, so its arrival ends the wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_the_vendor_took_without_saying_so_is_not_sent_again() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (simulator, account, client) = (server.simulator()?, server.account(), http::client()?);
    let silences = [
        json!({ "kind": "accept_then_timeout", "millis": 200 }),
        json!({ "kind": "accept_then_reset" }),
        json!({ "kind": "accept_then_error" }),
    ];
    // Each once with the callbacks that give the message away, and once without.
    let mut phones = Vec::new();
    for (number, silence) in (0_u64..).zip(silences.iter().chain(&silences)) {
        let phone = format!("+1415555{:04}", 3000 + number);
        let only = json!({ "to": phone });
        let mut fault = silence.clone();
        fault["match"] = only.clone();
        simulator.fault(&fault).await?;
        if number >= 3 {
            simulator.fault(&json!({ "kind": "drop_callbacks", "times": 2, "match": only })).await?;
        }
        assert_eq!(account.deliver(&client, &phone, &message_sid(number * 2), "hello").await?, 200);
        // A reply that is not on its way yet would be replaced by the next one.
        eventually("the vendor has the first text", PATIENCE, || async {
            Ok((!simulator.conversation(&phone).await?.is_empty()).then_some(()))
        })
        .await?;
        let second = message_sid(number * 2 + 1);
        assert_eq!(account.deliver(&client, &phone, &second, "Reyes Bakery").await?, 200);
        phones.push(phone);
    }
    for phone in phones {
        let arrived = eventually("both texts arrive", PATIENCE, || async {
            let lines = simulator.conversation(&phone).await?;
            let texts: Vec<String> = lines.iter().map(|line| line["text"].to_string()).collect();
            Ok(texts.iter().any(|text| text.contains("phone number")).then_some(texts))
        })
        .await?;
        let distinct: BTreeSet<_> = arrived.iter().collect();
        assert_eq!((arrived.len(), distinct.len()), (2, 2), "{arrived:#?}");
    }
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_says_so_and_changes_nothing() -> anyhow::Result<()> {
    let mut server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (simulator, phone) = (server.simulator()?, server.ready().client.phone.clone());
    for second in [
        ["serve", "--bind", "127.0.0.1:0"].as_slice(),
        &["demo", "--json", "--port", "0", "--simulator-port", "0"],
    ] {
        let refusal = server.command(second).await.expect_err("one process owns the data").to_string();
        assert!(refusal.contains("another process is using"), "{second:?}: {refusal}");
    }
    // What happens from now on is kept, by the server and by the simulator beside it.
    simulator.text(&phone, &server.account().number, "Reyes Bakery").await?;
    let lines = eventually("the next question arrives", PATIENCE, || async {
        let lines = simulator.conversation(&phone).await?;
        Ok((lines.len() >= 3).then_some(lines.len()))
    })
    .await?;
    server.kill().await?;
    server.restart().await?;
    assert_eq!(server.simulator()?.conversation(&phone).await?.len(), lines);
    assert_eq!(server.widget()?.session().await?.body["fields"][0]["answer"]["value"], "Reyes Bakery");
    server.stop().await
}
