//! Who is put through: in the hours of the office, where it is, and while a line is free.

use anyhow::{Result, ensure};
use serde_json::json;
use usher::voice::VoiceProfile;
use usher_conversation::answer::BusinessHours;
use usher_conversation::session::EscalationReason::MessageLeft;
use usher_testkit::Phone;

use super::{Agency, OFFICE, Office, WORKDAY};

/// Ten in the evening of a Wednesday in Los Angeles: Thursday morning elsewhere.
const LATE: &str = "2026-11-19T06:00:00Z";
/// Noon of a Sunday in Los Angeles.
const SUNDAY: &str = "2026-11-22T20:00:00Z";

/// Nine to five from Monday to Friday, in Los Angeles.
fn nine_to_five() -> VoiceProfile {
    let mut days: [Vec<(String, String)>; 7] = Default::default();
    for day in &mut days[..5] {
        *day = vec![("09:00".to_owned(), "17:00".to_owned())];
    }
    let zone = Some("America/Los_Angeles".to_owned());
    VoiceProfile { hours: Some(BusinessHours { days }), zone, ..Office::default().profile }
}

/// No agent was asked to speak.
async fn nobody_was_dialled(agency: &Agency) -> Result<()> {
    let url = agency.phones()?.join("_sim/elevenlabs/conversations")?;
    let dialled: Vec<serde_json::Value> =
        usher_testkit::http::client()?.get(url).send().await?.json().await?;
    ensure!(dialled.is_empty(), "an agent was dialled: {dialled:?}");
    Ok(())
}

/// The caller is told that the office is closed, leaves a message, and gets a text.
async fn finds_it_closed(agency: &Agency, client: &mut Phone, words: &str) -> Result<()> {
    let heard = client.until(&format!("heard:{words}")).await?.text;
    ensure!(heard.contains("text this number") && heard.contains("after the tone"), "{heard}");
    nobody_was_dialled(agency).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_after_hours_hears_so_leaves_a_message_and_goes_on_by_text() -> Result<()> {
    let agency = Agency::open(Office { profile: nine_to_five(), moment: LATE, ..Office::default() }).await?;
    let mut client = agency.called().await?;
    finds_it_closed(&agency, &mut client, "We are closed right now").await?;
    client.until("recording:in-progress").await?;
    client.says("Please call me tomorrow").await?;
    client.until("said:").await?;
    client.presses("#").await?;
    client.until("heard:We have your message").await?;
    client.until("ended:completed").await?;
    let record = agency.record("the message", |call| call["recording"]["url"].is_string()).await?;
    assert_eq!(record["outcome"], "after_hours");
    assert_eq!(agency.escalations().await?, [MessageLeft], "a person must hear it, once");
    let texts = agency.first_texts().await?;
    assert!(
        matches!(&texts[..], [text] if text.contains("Sorry we missed your call") && text.contains("Which shop")),
        "{texts:?}"
    );
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_on_a_closed_day_hears_the_offices_own_words() -> Result<()> {
    let after_hours = Some("It is the weekend at Bo.".to_owned());
    let profile = VoiceProfile { after_hours, ..nine_to_five() };
    let agency = Agency::open(Office { profile, moment: SUNDAY, ..Office::default() }).await?;
    let mut client = agency.called().await?;
    finds_it_closed(&agency, &mut client, "It is the weekend at Bo").await?;
    // Hangs up without a word: there is no message, and nobody is called for it.
    client.hangs_up().await?;
    let record = agency.ended("after_hours").await?;
    assert!(record["recording"].is_null(), "{record:#}");
    assert!(agency.escalations().await?.is_empty());
    agency.close().await
}

/// The broken variant: in the hours of the office the same check fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_in_the_hours_of_the_office_is_put_through() -> Result<()> {
    let agency =
        Agency::open(Office { profile: nine_to_five(), moment: WORKDAY, ..Office::default() }).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    assert!(nobody_was_dialled(&agency).await.is_err(), "the check notices");
    client.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_for_whom_there_is_no_line_hears_so_and_the_next_one_gets_the_free_line() -> Result<()> {
    let profile = VoiceProfile { max_calls: Some(1), ..Office::default().profile };
    let agency = Agency::open(Office { profile, ..Office::default() }).await?;
    let mut first = agency.called().await?;
    first.until("hearing").await?;
    let mut second = Phone::dials(agency.handsets()?, OFFICE, super::AGENCY).await?;
    second.until("heard:All our lines are busy").await?;
    second.until("ended:completed").await?;
    let calls = agency.asked(&format!("api/voice/calls?org_id={}", agency.org)).await?["calls"].clone();
    assert_eq!(calls[0]["outcome"], "lines_busy");
    first.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    let mut third = Phone::dials(agency.handsets()?, OFFICE, super::AGENCY).await?;
    third.until("stream:started").await?;
    third.hangs_up().await?;
    third.until("ended:completed").await?;
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_call_ends_with_a_goodbye_that_is_heard_to_its_end() -> Result<()> {
    let agency = Agency::open(Office { longest: 12, ..Office::default() }).await?;
    let mut client = agency.called().await?;
    let goodbye = client.until("heard:Goodbye").await?;
    assert_eq!(goodbye.detail["whole"], json!(true), "the last words are heard: {goodbye:?}");
    client.until("ended:completed").await?;
    agency.ended("too_long").await?;
    agency.close().await
}
