//! Giving a call to a person: with a summary and a key to take it, at once in an emergency, and back when nobody is there.

use anyhow::{Result, ensure};
use serde_json::json;
use usher::voice::{Provider, VoiceProfile};
use usher_conversation::session::EscalationReason::{Emergency, TransferFailed};
use usher_testkit::Phone;

use super::{Agency, EMERGENCIES, OFFICE, Office};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_hears_who_calls_and_takes_the_call_with_a_key() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("Reyes Bakery").await?;
    client.until("heard:Which town").await?;
    client.says("Transfer me").await?;
    let mut office = agency.rings(OFFICE, 0).await?;
    office.until("status:ringing").await?;
    office.answers().await?;
    office.until("heard:A call for Bo. The caller is Dana. Shop: Reyes Bakery").await?;
    ensure!(!client.lines().await?.iter().any(|line| line.starts_with("bridged")), "nobody took it yet");
    office.presses("1").await?;
    client.until("bridged").await?;
    office.says("Hello Dana").await?;
    client.until("heard:Hello Dana").await?;
    client.says("Hello office").await?;
    office.until("heard:Hello office").await?;
    // Who talked with a person is not asked to go on by text, whoever hangs up.
    client.hangs_up().await?;
    let record = agency.ended("transferred").await?;
    assert_eq!(record["status"], "completed");
    assert!(record["transcript"].to_string().contains("Reyes Bakery"), "{record:#}");
    assert!(agency.escalations().await?.is_empty());
    assert!(agency.texts().await?.is_empty(), "{:?}", agency.texts().await?);
    agency.close().await
}

/// The caller hears that nobody is free, and the question that was pending; their answer counts.
async fn comes_back(client: &mut Phone) -> Result<()> {
    let heard = client.until("heard:nobody could take your call").await?.text;
    ensure!(heard.contains("Which shop"), "the pending question follows: {heard}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whom_nobody_takes_comes_back_to_the_agent_and_the_pending_question() -> Result<()> {
    let profile = VoiceProfile { ring_seconds: 2, ..Office::default().profile };
    let agency = Agency::open(Office { profile, ..Office::default() }).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    // Voicemail answers the last one: it does not press a key.
    let habits = [
        json!({ "answers": "busy" }),
        json!({ "answers": "never" }),
        json!({ "answers": "machine", "greeting": "Leave a message.", "after_ms": 100 }),
    ];
    for (failures, habit) in (1..).zip(habits) {
        agency.habit(OFFICE, habit.clone()).await?;
        client.says("Transfer me").await?;
        client.until("dial:").await?;
        comes_back(&mut client).await?;
        let failed = agency.escalations().await?.iter().filter(|reason| **reason == TransferFailed).count();
        assert_eq!(failed, failures, "staff are told after {habit}");
    }
    client.says("Reyes Bakery").await?;
    client.until("heard:Which town").await?;
    client.hangs_up().await?;
    let record = agency.ended("contact_hung_up").await?;
    assert_eq!(record["usage"].as_array().map(Vec::len), Some(4), "each time another stream: {record:#}");
    agency.close().await
}

/// The broken variant: without a key to take the call, a machine has the caller.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_is_put_through_without_a_key_is_left_with_a_machine() -> Result<()> {
    let profile = VoiceProfile { warm_transfer: false, ..Office::default().profile };
    let agency = Agency::open(Office { profile, ..Office::default() }).await?;
    agency.habit(OFFICE, json!({ "answers": "machine", "greeting": "Leave a message." })).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("Transfer me").await?;
    client.until("bridged").await?;
    let back = client.lines().await?.iter().any(|line| line.contains("nobody could take your call"));
    assert!(!back, "the check of the test above would notice");
    agency.rings(OFFICE, 0).await?.until("callback:in-progress").await?;
    client.hangs_up().await?;
    agency.ended("transferred").await?;
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_or_the_pound_key_forwards_an_emergency_at_once() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    agency.habit(EMERGENCIES, json!({ "answers": "busy" })).await?;
    let mut client = agency.called().await?;
    client.until("hearing").await?;
    // In the middle of the greeting.
    client.presses("#").await?;
    client.until("dial:busy").await?;
    comes_back(&mut client).await?;
    assert_eq!(agency.escalations().await?, [Emergency, TransferFailed]);
    agency.habit(EMERGENCIES, json!({ "answers": "person" })).await?;
    client.says("This is an emergency").await?;
    let mut person = agency.rings(EMERGENCIES, 1).await?;
    person.until("status:ringing").await?;
    person.answers().await?;
    client.until("bridged").await?;
    person.says("What happened").await?;
    client.until("heard:What happened").await?;
    assert!(
        !person.lines().await?.iter().any(|line| line.contains("heard:A call for")),
        "nobody waits for words"
    );
    client.hangs_up().await?;
    agency.ended("transferred").await?;
    assert_eq!(agency.escalations().await?, [Emergency, TransferFailed, Emergency]);
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_an_office_without_an_agent_is_put_through_and_comes_back_too() -> Result<()> {
    let agency = Agency::open(Office { provider: Provider::Rules, ..Office::default() }).await?;
    agency.habit(EMERGENCIES, json!({ "answers": "busy" })).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.presses("#").await?;
    client.until("dial:busy").await?;
    comes_back(&mut client).await?;
    client.says("I want to talk to a person").await?;
    let mut office = agency.rings(OFFICE, 0).await?;
    office.until("status:ringing").await?;
    office.answers().await?;
    office.until("heard:Press 1").await?;
    office.presses("1").await?;
    client.until("bridged").await?;
    office.hangs_up().await?;
    client.until("ended:completed").await?;
    agency.ended("transferred").await?;
    agency.close().await
}
