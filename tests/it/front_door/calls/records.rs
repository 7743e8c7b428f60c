//! Call records: what was said and heard, how long it lasted, what it used and how fast it was; for operators only.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use usher::tenancy::{Profile, Theme};
use usher_testkit::http;

use super::super::USHER;
use super::{Agency, Office};

/// What `usher` prints on the agency's data.
async fn printed(agency: &Agency, arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new(USHER);
    command.args(arguments).arg("--json").arg("--data-dir").arg(agency.home.path().join("data"));
    let output = command.output().await?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The stages of a turn that answers the contact were all measured.
fn is_measured(turn: &Value) -> bool {
    ["thinking", "speaking", "tools"].iter().all(|stage| turn[stage].is_u64())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_can_be_read_by_the_api_and_on_the_command_line() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("Reyes Bakery").await?;
    client.until("heard:Which town").await?;
    client.hangs_up().await?;
    let record = agency.ended("contact_hung_up").await?;

    let lines = record["transcript"].as_array().context("a transcript")?;
    let said: Vec<_> = lines.iter().map(|line| (line["from"].as_str(), line["text"].as_str())).collect();
    assert!(said[0].1.is_some_and(|text| text.ends_with("Which shop?")), "{said:?}");
    assert_eq!(said[1], (Some("client"), Some("Reyes Bakery")));
    assert!(said[2].1.is_some_and(|text| text.contains("Which town?")), "{said:?}");

    let time = |member: &str| {
        Ok::<jiff::Timestamp, anyhow::Error>(record[member].as_str().context("a time")?.parse()?)
    };
    let lasted = time("ended_at")?.duration_since(time("answered_at")?).as_secs();
    let told = record["seconds"].as_i64().context("seconds")?;
    assert!((lasted - told).abs() <= 2, "{lasted} s by our clock, {told} s by the carrier's");

    let usage = &record["usage"][0];
    assert_eq!((&usage["dials"], &usage["heard"]), (&json!(1), &json!(1)));
    assert!(usage["audio_out_millis"].as_u64().is_some_and(|millis| millis > 1_000), "{usage:#}");
    assert!(is_measured(&usage["turns"][1]), "the answer's turn: {usage:#}");
    assert!(
        !is_measured(&usage["turns"][0]),
        "the broken variant: nobody had said anything before the greeting"
    );

    let id = record["id"].as_str().context("an id")?;
    assert_eq!(printed(&agency, &["calls", "show", id]).await?, record);
    let page = agency.asked(&format!("api/voice/calls?session_id={}", agency.session)).await?;
    assert_eq!(printed(&agency, &["calls", "list", "--session", agency.session.as_str()]).await?, page);
    assert_eq!(page["calls"][0]["id"], record["id"]);
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_newest_first_page_by_page_and_for_their_own_organisation_only() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    for _ in 0..3 {
        let mut client = agency.called().await?;
        client.until("stream:started").await?;
        client.hangs_up().await?;
        client.until("ended:completed").await?;
    }
    let of = |list: &Value| -> Vec<String> {
        let calls = list["calls"].as_array().into_iter().flatten();
        calls.filter_map(|call| call["id"].as_str().map(str::to_owned)).collect()
    };
    let all = of(&agency.asked(&format!("api/voice/calls?org_id={}", agency.org)).await?);
    assert!(all.len() == 3 && all.is_sorted_by(|newer, older| newer > older), "{all:?}");
    let rest = format!("api/voice/calls?org_id={}&limit=1&before={}", agency.org, all[0]);
    assert_eq!(of(&agency.asked(&rest).await?), all[1..2]);
    let other = Profile {
        name: "Another".into(),
        locale: "en".into(),
        region: "US".into(),
        allowed_origins: Vec::new(),
        theme: Theme::default(),
    };
    let other = agency.app.store.create_organisation(other).await?.id;
    assert!(of(&agency.asked(&format!("api/voice/calls?org_id={other}")).await?).is_empty());
    let mine = agency.base.join(&format!("api/voice/calls?org_id={}", agency.org))?;
    for key in [None, Some("another key")] {
        let request = http::client()?.get(mine.clone());
        let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        assert_eq!(request.send().await?.status(), 401);
    }
    agency.close().await
}
