//! Calls we make: a person talks, a machine gets one message, and who does not answer is called again, by day.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use usher::voice::{Provider, VoiceProfile};
use usher_testkit::{eventually, http};

use super::{Agency, CLIENT, Office, PATIENCE, WORKDAY};
use secrecy::ExposeSecret as _;

/// Ten in the evening where the client is.
const NIGHT: &str = "2026-11-19T06:00:00Z";
/// And eight in the morning after it.
const MORNING: &str = "2026-11-19T16:00:00Z";

impl Agency {
    /// An operator has the client called.
    async fn calls_out(&self) -> Result<Value> {
        let url = self.base.join("api/voice/calls")?;
        let request = http::client()?.post(url).json(&json!({ "session_id": self.session }));
        let answer = request.bearer_auth(self.app.operator.expose_secret()).send().await?;
        ensure!(answer.status() == 202, "{}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// The session's calls, newest first, once there are so many and `is_so` of them.
    async fn calls_become(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        eventually(what, PATIENCE, || async {
            let calls = self.calls().await?;
            if is_so(&calls) { Ok(Some(calls)) } else { anyhow::bail!("{calls:#?}") }
        })
        .await
    }
}

fn machine(greeting: &str) -> Value {
    json!({ "answers": "machine", "greeting": greeting, "after_ms": 100 })
}

/// What the machine recorded after its beep.
async fn left_on_machine(agency: &Agency) -> Result<Vec<String>> {
    let mut phone = agency.rings(CLIENT, 0).await?;
    phone.until("amd:").await?;
    phone.until("ended:completed").await?;
    let log = phone.lines().await?;
    let beep = log.iter().position(|line| line == "said:(beep)").context("the machine beeps")?;
    let heard = log[beep..].iter().filter_map(|line| line.strip_prefix("heard:"));
    Ok(heard.map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_answers_talks_with_the_agent() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    let planned = agency.calls_out().await?;
    assert_eq!(planned["status"], "planned");
    assert_eq!(agency.calls_out().await?["id"], planned["id"], "asked for twice it is one call");
    let mut client = agency.rings(CLIENT, 0).await?;
    client.until("status:ringing").await?;
    client.answers().await?;
    client.until("amd:human").await?;
    client.until("heard:Which shop").await?;
    client.says("Reyes Bakery").await?;
    client.until("heard:Which town").await?;
    client.hangs_up().await?;
    let record = agency.ended("contact_hung_up").await?;
    assert_eq!((&record["direction"], &record["answered_by"]), (&json!("outbound"), &json!("human")));
    assert_eq!(agency.calls().await?.len(), 1, "who was reached is not called again");
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_gets_one_message_after_its_beep_in_the_contacts_language() -> Result<()> {
    for (locale, provider, message) in [
        ("en", Provider::ElevenLabs, "Please call or text this number"),
        ("es", Provider::ElevenLabs, "Llama o envía un mensaje"),
        ("en", Provider::Rules, "Please call or text this number"),
    ] {
        let agency = Agency::open(Office { provider, locale, ..Office::default() }).await?;
        agency.habit(CLIENT, machine("You have reached Dana.")).await?;
        agency.calls_out().await?;
        let left = left_on_machine(&agency).await?;
        assert!(matches!(&left[..], [one] if one.contains(message)), "one message, whole: {left:?}");
        let record = agency.ended("voicemail").await?;
        assert_eq!(record["answered_by"], "machine_end_beep");
        assert_eq!(agency.calls().await?.len(), 1, "a message was left: nobody is called again");
        agency.close().await?;
    }
    Ok(())
}

/// The broken variant: a detection that takes the machine for a person leaves no message, and the check notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_taken_for_a_person_gets_no_message() -> Result<()> {
    let profile = VoiceProfile { agent_name: String::new(), ..Office::default().profile };
    let agency = Agency::open(Office { profile, longest: 12, ..Office::default() }).await?;
    let mut habits = machine("Hello.");
    habits["taken_for"] = json!("human");
    agency.habit(CLIENT, habits).await?;
    agency.calls_out().await?;
    let left = left_on_machine(&agency).await?;
    assert!(!left.iter().any(|words| words.contains("Please call or text this number")), "{left:?}");
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_called_again_so_often_and_no_more() -> Result<()> {
    for (habit, status) in [("busy", "busy"), ("unreachable", "failed")] {
        let profile = VoiceProfile { attempts: 3, retry_minutes: 0, ..Office::default().profile };
        let agency = Agency::open(Office { profile, ..Office::default() }).await?;
        agency.habit(CLIENT, json!({ "answers": habit, "after_ms": 100 })).await?;
        agency.calls_out().await?;
        let over = |calls: &[Value]| calls.len() == 3 && calls[0]["status"] == status;
        let calls = agency.calls_become("three tries", over).await?;
        let tries: Vec<_> = calls.iter().map(|call| call["attempt"].as_u64()).collect();
        assert_eq!(tries, [Some(3), Some(2), Some(1)]);
        // A fourth would be planned in the moment the third is over, and called at once.
        let url = agency.phones()?.join(&format!("_sim/handsets/{CLIENT}/calls"))?;
        let rung: Vec<Value> = http::client()?.get(url).send().await?.json().await?;
        assert_eq!(rung.len(), 3);
        agency.close().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_try_waits_for_its_time_and_for_the_morning() -> Result<()> {
    let profile = VoiceProfile { attempts: 2, retry_minutes: 120, ..Office::default().profile };
    let agency = Agency::open(Office { profile, ..Office::default() }).await?;
    agency.habit(CLIENT, json!({ "answers": "busy", "after_ms": 100 })).await?;
    agency.calls_out().await?;
    let planned = |calls: &[Value]| calls.len() == 2;
    let calls = agency.calls_become("the next try is planned", planned).await?;
    assert_eq!(calls[0]["status"], "planned");
    let due: jiff::Timestamp = calls[0]["due_at"].as_str().context("a time")?.parse()?;
    let pause = due.duration_since(WORKDAY.parse()?);
    assert!((7_200..7_300).contains(&pause.as_secs()), "two hours after the call: {pause:?}");
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_at_night() -> Result<()> {
    let agency = Agency::open(Office { moment: NIGHT, ..Office::default() }).await?;
    agency.calls_out().await?;
    let waits = |calls: &[Value]| calls[0]["due_at"] == MORNING;
    let calls = agency.calls_become("the call waits for the morning", waits).await?;
    assert_eq!(calls[0]["status"], "planned");
    let url = agency.phones()?.join("_sim/calls")?;
    let rung: Vec<Value> = http::client()?.get(url).send().await?.json().await?;
    assert!(rung.is_empty(), "{rung:?}");
    agency.close().await
}
