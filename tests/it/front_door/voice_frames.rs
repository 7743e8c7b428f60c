//! Frames that are none, from either side of a call: dropped, counted, and the call goes on.

use anyhow::Result;
use serde_json::json;
use usher_testkit::{Database, Phone, TestServer};

use super::USHER;

const MALFORMED: &str = "usher_voice_frames_malformed_total";

/// Malformed frames of the carrier and of the agent that were counted on a call which goes on to its second question.
async fn counted(faults: &[&str]) -> Result<(f64, f64)> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    for kind in faults {
        server.simulator()?.fault(&json!({ "kind": kind, "after_ms": 500 })).await?;
    }
    let ready = server.ready();
    let mut phone = Phone::dials(server.simulator()?, &ready.client.phone, &ready.twilio.number).await?;
    phone.until("heard:exact name of your business").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:phone number").await?;
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    let of = async |side: &str| server.metric(MALFORMED, &format!("side=\"{side}\"")).await;
    let found = (of("carrier").await?, of("agent").await?);
    server.stop().await?;
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_of_either_side_are_dropped_and_counted_and_the_call_goes_on() -> Result<()> {
    let (carrier, agent) = counted(&["stream_malformed", "agent_malformed"]).await?;
    assert!(carrier > 0.0 && agent > 0.0, "carrier {carrier}, agent {agent}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_call_without_them_none_is_counted() -> Result<()> {
    assert_eq!(counted(&[]).await?, (0.0, 0.0));
    Ok(())
}
