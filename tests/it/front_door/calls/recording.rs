//! Recordings: only where the organisation wants them, after the caller was told, and believed from the carrier only.

use anyhow::{Context as _, Result};
use usher::voice::VoiceProfile;
use usher_testkit::http;
use usher_testkit::twilio::signature;

use super::{Agency, Office};

fn recorded(notice: Option<&str>) -> Office {
    let recording_notice = notice.map(str::to_owned);
    let profile = VoiceProfile { record: true, recording_notice, ..Office::default().profile };
    Office { profile, ..Office::default() }
}

/// Where in the log something is.
fn place(log: &[String], what: &str) -> Result<usize> {
    log.iter().position(|line| line.starts_with(what)).with_context(|| format!("{what} in {log:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_call_says_so_first_and_its_record_holds_the_link() -> Result<()> {
    let agency = Agency::open(recorded(None)).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    let log = client.lines().await?;
    assert!(place(&log, "heard:This call is recorded")? < place(&log, "recording:in-progress")?, "{log:#?}");
    assert!(place(&log, "recording:in-progress")? < place(&log, "heard:Hi Dana")?, "{log:#?}");
    client.hangs_up().await?;
    let record = agency.record("the recording", |call| call["recording"]["url"].is_string()).await?;
    let url = record["recording"]["url"].as_str().context("a link")?;
    let request = http::client()?.get(format!("{url}.wav"));
    let account = format!("AC{}", "a".repeat(32));
    let file = request.basic_auth(account, Some(&agency.auth_token)).send().await?.error_for_status()?;
    assert!(file.bytes().await?.starts_with(b"RIFF"));
    agency.close().await
}

/// The broken variant of "says so first": an organisation may leave the sentence to its agent.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_call_whose_agent_says_so_itself_has_no_sentence_of_ours() -> Result<()> {
    let agency = Agency::open(recorded(Some(""))).await?;
    let mut client = agency.called().await?;
    client.until("recording:in-progress").await?;
    client.until("heard:Which shop").await?;
    let log = client.lines().await?;
    assert!(place(&log, "heard:This call is recorded").is_err(), "{log:#?}");
    client.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_recording_that_is_not_the_carriers_own_is_refused() -> Result<()> {
    let agency = Agency::open(Office::default()).await?;
    let mut client = agency.called().await?;
    client.until("stream:started").await?;
    let call = agency.calls().await?[0]["id"].as_str().context("a call")?.to_owned();
    let url = agency.base.join(&format!("api/webhooks/twilio/voice/recording?call={call}"))?;
    let account = format!("AC{}", "a".repeat(32));
    let report = |sid: &str| -> Vec<(String, String)> {
        [
            ("AccountSid", account.as_str()),
            ("CallSid", sid),
            ("RecordingSid", &format!("RE{}", "1".repeat(32))),
            ("RecordingUrl", "https://recordings.example/RE1"),
            ("RecordingStatus", "completed"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    };
    let posted = async |form: &[(String, String)], token: &str| {
        let signed = signature(token, url.as_str(), form);
        let request = http::client()?.post(url.clone()).form(form).header("x-twilio-signature", signed);
        anyhow::Ok(request.send().await?.status().as_u16())
    };
    let (own, foreign) = (report(client.sid()), report(&format!("CA{}", "2".repeat(32))));
    assert_eq!(posted(&own, "another token").await?, 403, "forged");
    assert_eq!(posted(&foreign, &agency.auth_token).await?, 403, "of another call");
    let untouched = agency.record("the call", |call| call["recording"].is_null()).await;
    untouched.context("nothing was believed")?;
    assert_eq!(posted(&own, &agency.auth_token).await?, 204, "the right one is taken");
    agency
        .record("the recording", |call| call["recording"]["url"] == "https://recordings.example/RE1")
        .await?;
    client.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    agency.close().await
}
