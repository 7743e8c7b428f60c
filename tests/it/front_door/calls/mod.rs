//! Calls from the handset to the record: a server and the simulated vendors in this process, at an hour the test chooses.

mod departments;
mod hours;
mod judged;
mod outbound;
mod recording;
mod records;
mod spoken;
mod transfer;

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use url::Url;
use usher::app::App;
use usher::clock::{SystemClock, SystemEntropy};
use usher::config::Layers;
use usher::onboarding::NewSession;
use usher::outbound::NewSmsAccount;
use usher::server;
use usher::tenancy::{ContactDetails, Profile, Theme};
use usher::voice::{Provider, VoiceProfile, VoiceSettings};
use usher_actors::Engine;
use usher_channels::twilio::TwilioCredentials;
use usher_conversation::flow::Flow;
use usher_conversation::id::{FlowId, OrgId, SessionId};
use usher_conversation::ports::{Clock, Journal as _};
use usher_conversation::session::{EscalationReason, Event};
use usher_conversation::time::Timestamp;
use usher_simulator::{RunningSimulator, Simulator, SimulatorConfig};
use usher_testkit::{Phone, SimulatorClient, eventually, http};

use super::PATIENCE;

/// The client, in San Francisco.
const CLIENT: &str = "+14155550142";
/// The agency's number.
const AGENCY: &str = "+14155550100";
/// Who takes calls that ask for a person.
const OFFICE: &str = "+14155550111";
/// Who takes emergencies.
const EMERGENCIES: &str = "+14155550112";
/// A Wednesday, ten in the morning where the client is.
const WORKDAY: &str = "2026-11-18T18:00:00Z";

/// Short questions: every word is spoken in real time.
const QUESTIONS: &str = r#"{"fields":[
    {"id":"shop","label":"Shop","prompt":"Which shop?","type":"text","required":true},
    {"id":"town","label":"Town","prompt":"Which town?","type":"text","required":true},
    {"id":"notes","label":"Notes","prompt":"Anything else?","type":"text","required":true}]}"#;

/// A clock that runs as every other, and shows another hour.
struct At {
    ahead: i64,
}

impl At {
    fn new(moment: &str) -> Result<Self> {
        let moment = Timestamp::from(moment.parse::<jiff::Timestamp>()?);
        Ok(Self { ahead: moment.millis_since(SystemClock.now()) })
    }
}

impl Clock for At {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.ahead)
    }
}

/// How an agency's calls are to be held.
struct Office {
    provider: Provider,
    profile: VoiceProfile,
    /// Of the agency and its client.
    locale: &'static str,
    /// When it is there.
    moment: &'static str,
    /// The longest call, in seconds.
    longest: u32,
}

impl Default for Office {
    fn default() -> Self {
        Self {
            provider: Provider::ElevenLabs,
            profile: VoiceProfile {
                agent_name: "Al".to_owned(),
                overrides: true,
                transfer_to: Some(OFFICE.to_owned()),
                emergency_to: Some(EMERGENCIES.to_owned()),
                ring_seconds: 20,
                ..VoiceProfile::default()
            },
            locale: "en",
            moment: WORKDAY,
            longest: 600,
        }
    }
}

/// The agency, its client, and everything between them.
struct Agency {
    app: Arc<App>,
    base: Url,
    simulator: RunningSimulator,
    org: OrgId,
    session: SessionId,
    auth_token: String,
    thread: JoinHandle<Result<()>>,
    home: TempDir,
}

impl Agency {
    async fn open(office: Office) -> Result<Self> {
        let home = TempDir::with_prefix("usher-test-")?;
        let (clock, entropy) = (Arc::new(At::new(office.moment)?), Arc::new(SystemEntropy));
        let simulator = Simulator::start(SimulatorConfig::local(clock.clone(), entropy))?;
        let flags = [
            ("data_dir", home.path().join("data").display().to_string()),
            ("bind", "127.0.0.1:0".to_owned()),
            ("rate_per_address", "0".to_owned()),
            ("twilio_api_base", simulator.url.clone()),
            ("elevenlabs_api_base", simulator.url.clone()),
            ("voice_max_seconds", office.longest.to_string()),
        ];
        let settings = Layers::new().with_flags(flags).resolve()?;
        let (started, app) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            server::system().block_on(async {
                let listener = server::bind(settings.bind)?;
                let public = settings.public_base(listener.local_addr()?);
                let app = App::start_with(settings, public, Engine::default(), clock).await?;
                let running = server::serve(&app, listener)?;
                let _ = started.send(Arc::clone(&app));
                server::run(app, running).await
            })
        });
        let app = app.await.context("the server starts")?;
        let (org, session, credentials) = seed(&app, office.locale).await?;
        let auth_token = credentials.auth_token.expose_secret().to_owned();
        let agency =
            Self { base: app.public.clone(), app, simulator, org, session, auth_token, thread, home };
        agency.connect(&credentials, office).await?;
        Ok(agency)
    }

    /// The vendors learn of the agency, and the agency of its agent.
    async fn connect(&self, credentials: &TwilioCredentials, office: Office) -> Result<()> {
        let at = |path: &str| Ok::<_, anyhow::Error>(self.base.join(path)?.to_string());
        let account = json!({
            "account_sid": credentials.account_sid,
            "auth_token": self.auth_token,
            "numbers": [{
                "number": AGENCY,
                "sms_url": at("api/webhooks/twilio/sms")?,
                "voice_url": at("api/webhooks/twilio/voice")?,
                "status_callback": at("api/webhooks/twilio/voice/status")?,
            }],
        });
        self.arrange("POST", "_sim/accounts", &account).await?;
        let api_key = SecretString::from("sk_of_this_test");
        self.arrange("POST", "_sim/elevenlabs/keys", &json!({ "key": api_key.expose_secret() })).await?;
        let agent = self.app.voice.provision(&api_key, "Bo", office.locale, None, None).await?;
        let Office { provider, profile, .. } = office;
        let voice = VoiceSettings { provider, agent_id: Some(agent), api_key: Some(api_key), profile };
        Ok(self.app.store.save_voice(&self.org, voice).await?)
    }

    /// Has the simulator do or know something.
    async fn arrange(&self, method: &str, path: &str, body: &Value) -> Result<()> {
        let url = self.phones()?.join(path)?;
        let request = http::client()?.request(method.parse()?, url).json(body);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        Ok(())
    }

    /// What a handset does when it is called.
    async fn habit(&self, handset: &str, habits: Value) -> Result<()> {
        self.arrange("PUT", &format!("_sim/handsets/{handset}/habits"), &habits).await
    }

    fn handsets(&self) -> Result<SimulatorClient> {
        SimulatorClient::new(&self.simulator.url)
    }

    fn phones(&self) -> Result<Url> {
        Ok(Url::parse(&self.simulator.url)?)
    }

    /// The client calls the agency.
    async fn called(&self) -> Result<Phone> {
        Phone::dials(self.handsets()?, CLIENT, AGENCY).await
    }

    /// The first call that a handset gets.
    async fn rings(&self, handset: &str, before: usize) -> Result<Phone> {
        Phone::rings(self.handsets()?, handset, before).await
    }

    /// What an operator asks of the API.
    async fn asked(&self, path: &str) -> Result<Value> {
        let key = self.app.operator.expose_secret();
        let answer = http::client()?.get(self.base.join(path)?).bearer_auth(key).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// The session's calls as the API lists them, newest first.
    async fn calls(&self) -> Result<Vec<Value>> {
        let page = self.asked(&format!("api/voice/calls?session_id={}", self.session)).await?;
        page["calls"].as_array().cloned().context("a list of calls")
    }

    /// The record of the session's newest call, once `is_so` of it.
    async fn record(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        eventually(what, PATIENCE, || async {
            let calls = self.calls().await?;
            let id = calls.first().and_then(|call| call["id"].as_str()).context("a call")?;
            let call = self.asked(&format!("api/voice/calls/{id}")).await?;
            if is_so(&call) { Ok(Some(call)) } else { anyhow::bail!("{call:#}") }
        })
        .await
    }

    /// The record of the session's newest call, once it ended in this way and the carrier told how long it lasted.
    async fn ended(&self, outcome: &str) -> Result<Value> {
        let what = format!("the call ended: {outcome}");
        self.record(&what, |call| call["outcome"] == outcome && call["seconds"].is_u64()).await
    }

    /// What staff were called for in the client's session.
    async fn escalations(&self) -> Result<Vec<EscalationReason>> {
        let turns = self.app.store.turns(&self.org, &self.session, 0, 10_000).await?;
        let reasons = turns.into_iter().flat_map(|turn| turn.events).filter_map(|event| match event {
            Event::Escalated { reason } => Some(reason),
            _ => None,
        });
        Ok(reasons.collect())
    }

    /// The texts the client got.
    async fn texts(&self) -> Result<Vec<String>> {
        let lines = self.handsets()?.conversation(CLIENT).await?;
        Ok(lines.iter().filter_map(|line| line["text"].as_str().map(str::to_owned)).collect())
    }

    /// The texts the client got, once there is one.
    async fn first_texts(&self) -> Result<Vec<String>> {
        eventually("a text arrives", PATIENCE, || async {
            let texts = self.texts().await?;
            Ok((!texts.is_empty()).then_some(texts))
        })
        .await
    }

    async fn close(self) -> Result<()> {
        self.app.lifecycle.stop();
        drop(self.app);
        tokio::task::spawn_blocking(|| self.thread.join())
            .await?
            .expect("the server's thread does not panic")?;
        self.simulator.stop().await;
        Ok(())
    }
}

/// Makes the agency and its client.
async fn seed(app: &App, locale: &str) -> Result<(OrgId, SessionId, TwilioCredentials)> {
    let store = &app.store;
    let profile = Profile {
        name: "Bo".into(),
        locale: locale.into(),
        region: "US".into(),
        allowed_origins: Vec::new(),
        theme: Theme::default(),
    };
    let org = store.create_organisation(profile).await?.id;
    let flow =
        Flow { id: FlowId::new(app.clock.now(), app.entropy.bits()), ..Flow::from_file_json(QUESTIONS)? };
    let flow = store.save_flow(&org, flow).await?.id.clone();
    let details = ContactDetails {
        name: "Dana".to_owned(),
        phone: Some(CLIENT.to_owned()),
        zone: Some("America/Los_Angeles".to_owned()),
        ..ContactDetails::default()
    };
    let contact = store.find_or_create_contact(&org, details).await?.id;
    let new = NewSession { contact, flow, package: None };
    let session = store.find_or_create_session(&org, new).await?.session;
    let credentials = TwilioCredentials {
        account_sid: format!("AC{}", "a".repeat(32)),
        auth_token: "of this test".to_owned().into(),
        api_key: None,
    };
    let account = NewSmsAccount {
        credentials: credentials.clone(),
        messaging_service_sid: None,
        number: AGENCY.to_owned(),
    };
    store.connect_sms(&org, account).await?;
    Ok((org, session, credentials))
}
