//! The organisation's lines: whose message it is, where the answer leaves from, and what is told when something is lost.

use std::sync::Arc;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use usher::clock::{SystemClock, SystemEntropy};
use usher::inbound::{SENT_AGAIN, SMS_PATH, STATUS_PATH, address};
use usher::outbound::NewSmsAccount;
use usher_actors::Engine;
use usher_channels::twilio::TwilioCredentials;
use usher_conversation::session::{DeliveryStatus, Event, MissedFile};
use usher_simulator::{RunningSimulator, Simulator, SimulatorConfig};
use usher_testkit::twilio::{Account, message_sid};
use usher_testkit::{SimulatorClient, eventually, http};

use super::PATIENCE;
use super::faults::Server;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a token that signs";
const SERVICE: &str = "MG00000000000000000000000000000001";
const FIRST: &str = "+14155550100";
const SECOND: &str = "+14155550101";
/// In the service's pool, which only the vendor knows.
const POOLED: &str = "+14155550102";
const CLIENT: &str = "+14155550142";
const QUESTIONS: &str = r#"{"fields":[{"id":"notes","type":"long_text","prompt":"What should we know?","required":true},
    {"id":"more","type":"long_text","prompt":"What else?","required":true}]}"#;

/// A server and the vendor it talks to, both in this process.
struct Stage {
    server: Server,
    simulator: RunningSimulator,
    handset: SimulatorClient,
}

impl Stage {
    /// The organisation has these numbers, the vendor one more.
    async fn new(numbers: &[&str], service: Option<&str>) -> Result<Self> {
        let simulator =
            Simulator::start(SimulatorConfig::local(Arc::new(SystemClock), Arc::new(SystemEntropy)))?;
        let settings = vec![("twilio_api_base", simulator.url.clone())];
        let server = Server::start_with(Engine::default(), settings).await?;
        server.ask(QUESTIONS).await?;
        let sms_url = format!("{}{SENT_AGAIN}", address(&server.app.public, SMS_PATH));
        let at_vendor: Vec<Value> = [FIRST, SECOND, POOLED]
            .iter()
            .map(|number| json!({ "number": number, "sms_url": sms_url }))
            .collect();
        let account = json!({
            "account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": at_vendor,
            "services": [{ "sid": SERVICE, "numbers": [POOLED] }],
        });
        let answer =
            http::client()?.post(format!("{}/_sim/accounts", simulator.url)).json(&account).send().await?;
        answer.error_for_status()?;
        for number in numbers {
            let credentials = TwilioCredentials {
                account_sid: ACCOUNT.into(),
                auth_token: TOKEN.to_owned().into(),
                api_key: None,
            };
            let messaging_service_sid = service.map(str::to_owned);
            let account = NewSmsAccount { credentials, messaging_service_sid, number: (*number).to_owned() };
            assert!(server.app.store.connect_sms(&server.org, account).await?);
        }
        let handset = SimulatorClient::new(&simulator.url)?;
        Ok(Self { server, simulator, handset })
    }

    /// The last message the client got on this line, when there are so many of them.
    async fn answer(&self, line: &str, count: usize) -> Result<String> {
        eventually("an answer from the line that was written to", PATIENCE, || async {
            let lines = self.handset.conversation(CLIENT).await?;
            let mut got = lines.iter().filter(|said| said["mine"] == false && said["peer"] == line);
            Ok(got.nth(count - 1).map(|said| said["text"].as_str().unwrap_or_default().to_owned()))
        })
        .await
    }

    async fn events(&self) -> Result<Vec<Event>> {
        let session = self.server.app.store.session_of_phone(&self.server.org, CLIENT).await?;
        self.server.events(&session).await
    }

    /// The account as somebody uses it who signs by hand.
    fn account(&self) -> Account {
        Account {
            sid: ACCOUNT.into(),
            auth_token: TOKEN.into(),
            number: FIRST.into(),
            sms_url: address(&self.server.app.public, SMS_PATH),
        }
    }

    async fn stop(self) -> Result<()> {
        self.simulator.stop().await;
        self.server.stop().await
    }
}

/// The pool's numbers are not known here, and the first report comes before a sender is chosen.
#[tokio::test(flavor = "multi_thread")]
async fn a_messaging_service_is_answered_and_its_reports_are_believed() -> Result<()> {
    let stage = Stage::new(&[FIRST], Some(SERVICE)).await?;
    stage.handset.text(CLIENT, POOLED, "hello?").await?;
    assert!(stage.answer(POOLED, 1).await?.contains("What should we know?"));
    eventually("the report of its delivery", PATIENCE, || async {
        let delivered =
            |event: &Event| matches!(event, Event::Delivered { status: DeliveryStatus::Delivered, .. });
        Ok(stage.events().await?.iter().any(delivered).then_some(()))
    })
    .await?;
    let session = stage.server.app.store.session_of_phone(&stage.server.org, CLIENT).await?;
    let secret = session.as_str().trim_start_matches("ses_");
    for message in stage.handset.messages().await? {
        let callback = message["status_callback"].to_string();
        assert!(!callback.contains(secret), "the vendor is told what opens the client's page: {callback}");
    }
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_leaves_from_the_number_that_was_written_to() -> Result<()> {
    let stage = Stage::new(&[FIRST, SECOND], None).await?;
    stage.handset.text(CLIENT, SECOND, "hello?").await?;
    stage.answer(SECOND, 1).await?;
    stage.handset.text(CLIENT, FIRST, "the same person").await?;
    stage.answer(FIRST, 1).await?;
    stage.handset.text(CLIENT, SECOND, "what was the question?").await?;
    stage.answer(SECOND, 2).await?;
    assert_eq!(stage.handset.conversation(CLIENT).await?.len(), 6);
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_handset_that_is_off_is_sent_again_later() -> Result<()> {
    let stage = Stage::new(&[FIRST], None).await?;
    stage.handset.fault(&json!({ "kind": "undelivered", "error_code": 30003 })).await?;
    stage.handset.text(CLIENT, FIRST, "hello?").await?;
    let again = eventually("the second try", PATIENCE, || async {
        Ok(stage.events().await?.into_iter().find_map(|event| match event {
            Event::Repeated { message, .. } => Some(message),
            _ => None,
        }))
    })
    .await?;
    assert!(again.text.contains("What should we know?"));
    let hours = again.not_before.map_or(0, |at| at.millis_since(stage.server.app.clock.now())) / 3_600_000;
    assert!(hours >= 1, "{again:?}");
    assert!(!stage.events().await?.iter().any(|event| matches!(event, Event::Escalated { .. })));
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_kept_once_however_often_its_webhook_comes() -> Result<()> {
    let stage = Stage::new(&[FIRST], None).await?;
    stage.handset.fault(&json!({ "kind": "duplicate_webhooks", "copies": 3 })).await?;
    let picture = b"\x89PNG\r\n\x1a\n pixels";
    let media = json!([{ "content_type": "image/png", "data": STANDARD.encode(picture) }]);
    let url = format!("{}/_sim/handsets/{CLIENT}/messages", stage.simulator.url);
    let message = json!({ "to": FIRST, "body": "our shop", "media": media, "wait": true });
    http::client()?.post(url).json(&message).send().await?.error_for_status()?;
    let heard = stage.events().await?.into_iter().filter_map(|event| match event {
        Event::Received { media, .. } => Some(media),
        _ => None,
    });
    let media: Vec<_> = heard.collect();
    let [media] = &media[..] else { panic!("heard once, not {media:?}") };
    let [media] = &media[..] else { panic!("one picture, not {media:?}") };
    let (store, org) = (&stage.server.app.store, &stage.server.org);
    let session = store.session_of_phone(org, CLIENT).await?;
    let kept = store.file(org, &session, &media.file.file).await?;
    assert_eq!(kept.map(|kept| kept.bytes.to_vec()).as_deref(), Some(&picture[..]));
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_had_is_asked_for_again_once() -> Result<()> {
    let stage = Stage::new(&[FIRST], None).await?;
    let (account, client) = (stage.account(), http::client()?);
    let mut form = account.text_from(CLIENT, &message_sid(7), "");
    form.iter_mut().filter(|(name, _)| name == "NumMedia").for_each(|(_, count)| *count = "1".into());
    let id = "a".repeat(32);
    let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}/Messages/MM{id}/Media/ME{id}", stage.simulator.url);
    form.push(("MediaUrl0".into(), url));
    let (body, signature) = account.signed(&form);
    for _ in 0..2 {
        let request = client
            .post(&account.sms_url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", &signature);
        assert_eq!(request.body(body.clone()).send().await?.status(), 200);
    }
    assert!(stage.answer(FIRST, 1).await?.contains("send it again"));
    let missed = |event: &&Event| matches!(event, Event::FileMissed { why: MissedFile::Unavailable });
    assert_eq!(stage.events().await?.iter().filter(missed).count(), 1);
    stage.stop().await
}

/// Who makes up numbers costs a look-up for each, but not for ever; what is known comes through all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unsigned_webhooks_is_turned_away_and_signed_ones_pass() -> Result<()> {
    let stage = Stage::new(&[FIRST], None).await?;
    let (account, client) = (stage.account(), http::client()?);
    assert_eq!(account.deliver(&client, CLIENT, &message_sid(1), "hello?").await?, 200);
    let forged = |number: u32| Account {
        auth_token: "guessed".into(),
        number: format!("+1415556{number:04}"),
        ..account.clone()
    };
    let mut answers = Vec::new();
    for number in 0..80 {
        answers.push(forged(number).deliver(&client, CLIENT, &message_sid(2), "evil").await?);
    }
    assert!(answers.starts_with(&[403; 10]), "{answers:?}");
    assert!(answers.ends_with(&[429; 10]), "{answers:?}");
    assert_eq!(forged(0).deliver(&client, CLIENT, &message_sid(2), "evil").await?, 403, "it is remembered");
    assert_eq!(account.deliver(&client, CLIENT, &message_sid(3), "still here").await?, 200);
    let status =
        format!("{}?org={}&delivery=x", address(&stage.server.app.public, STATUS_PATH), stage.server.org);
    let form = [
        ("AccountSid", "AC00000000000000000000000000000002"),
        ("From", FIRST),
        ("MessageSid", "SM1"),
        ("MessageStatus", "sent"),
    ];
    assert_eq!(
        client.post(status).form(&form).send().await?.status(),
        429,
        "another way to the same look-up"
    );
    stage.stop().await
}
