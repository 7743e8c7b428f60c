//! What ElevenLabs says of a conversation once it is over.

use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use usher_channels::elevenlabs::webhook::sign;
use usher_testkit::http;

use super::{Agency, Office};

/// Has an agent made that tells us how its conversations went.
async fn with_an_agent_that_tells(agency: &Agency) -> Result<String> {
    let url = agency.base.join(&format!("api/voice/settings/{}", agency.org))?;
    let wish = json!({ "provider": "elevenlabs", "api_key": "sk_of_this_test", "new_agent": {} });
    let request = http::client()?.put(url).bearer_auth(agency.app.operator.expose_secret()).json(&wish);
    let answer: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(answer["agent_id"].as_str().context("an agent")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_elevenlabs_says_of_a_conversation_is_in_the_calls_record() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    with_an_agent_that_tells(&agency).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("Reyes Bakery").await?;
    client.until("heard:Which town").await?;
    client.hangs_up().await?;
    let record = agency.record("the report is kept", |call| call["report"].is_object()).await?;
    let report = &record["report"];
    assert_eq!(report["summary"], "The caller was asked some questions.", "{record:#}");
    assert_eq!(report["successful"], true);
    assert!(report["cost_credits"].as_f64().is_some_and(|credits| credits > 0.0), "{report}");
    assert!(
        report["transcript"].as_str().is_some_and(|text| text.contains("User: Reyes Bakery")),
        "{report}"
    );
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_sign_with_the_agents_secret_is_refused() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    let agent = with_an_agent_that_tells(&agency).await?;
    let secret = agency.app.store.voice_peer(&agency.org).await?.context("a secret")?.door;
    let body = |agent: &str| {
        let conversation = json!({ "agent_id": agent, "conversation_id": "conv_1" });
        json!({ "type": "post_call_transcription", "event_timestamp": 1, "data": conversation }).to_string()
    };
    let now = agency.app.clock.now();
    let mut signed = sign(&secret, body(&agent).as_bytes(), now);
    let good = signed.clone();
    signed.replace_range(signed.len() - 4.., "0000");
    let old = sign(&secret, body(&agent).as_bytes(), now.plus_millis(-31 * 60_000));
    let url = agency.base.join("api/webhooks/elevenlabs")?;
    for (body, signature, status) in [
        (body(&agent), String::new(), 403),
        (body(&agent), signed, 403),
        (body(&agent), old, 403),
        (body("agent_of_nobody"), good.clone(), 403),
        ("{".to_owned(), good.clone(), 400),
        (body(&agent), good, 200),
    ] {
        let request = http::client()?.post(url.clone()).header("elevenlabs-signature", &signature);
        let answer = request.body(body.clone()).send().await?;
        assert_eq!(answer.status(), status, "{body} {signature}");
    }
    agency.close().await
}
