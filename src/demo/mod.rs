//! `usher demo`: a server, the simulator and a believable agency in one process, with no account and no network.
//!
//! Started again on the same data it goes on where it stopped: everything is found by the agency's number and the
//! client's phone, nothing is made twice.

mod ports;
mod seed;
pub mod simulator;
mod voice;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use url::Url;
use usher_actors::Subscription;
use usher_conversation::channel::Channel;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::session::Command;

use crate::app::App;
use crate::config::Layers;
use crate::inbound::{SMS_PATH, address};
use crate::server::{self, Serving};
use crate::voice::{STATUS_PATH, VOICE_PATH};
pub use ports::TakenPorts;
use seed::Seeded;
use simulator::Simulated;

/// The agency.
pub const ORG_NAME: &str = "Bright Harbor Marketing";
/// The agency's client.
pub const CLIENT_NAME: &str = "Dana Reyes";
const CLIENT_PHONE: &str = "+14155550142";
const NUMBER: &str = "+14155550100";

/// What a demo sets otherwise than a server: it keeps its data apart, and everything comes from one address.
pub const DEFAULTS: [(&str, &str); 3] =
    [("data_dir", ".usher/demo"), ("rate_per_address", "0"), ("sms_rate", "100")];

/// Where a person finds the server when nobody says otherwise.
const USUAL_PORT: u16 = 8080;
/// Where a person finds the simulator.
pub const USUAL_SIMULATOR_PORT: u16 = 8090;

/// Where the parts of a demo are to be. A port 0 is any free one, and so is none when the usual one is taken.
#[derive(Debug, Clone)]
pub struct Places {
    /// The server's port.
    pub server: Option<u16>,
    /// The simulator's port.
    pub simulator: Option<u16>,
    /// A simulator that runs already, in a process of its own; none is started then.
    pub running_simulator: Option<Url>,
}

/// A running demo.
pub struct Demo {
    app: Arc<App>,
    server: Serving,
    simulator: Simulated,
    seeded: Seeded,
    /// The agency's agent at the simulator.
    agent: String,
}

/// What a program needs to use the demo; the first line of `usher demo --json`.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// The server, without a slash at the end.
    pub base_url: String,
    /// The simulator.
    pub simulator_url: String,
    /// The agency.
    pub org_id: OrgId,
    /// The client's session.
    pub session_id: SessionId,
    /// The client's page.
    pub widget_url: String,
    /// The client.
    pub client: ReadyClient,
    /// The agency's account at the simulator.
    pub twilio: ReadyTwilio,
    /// The agency's telephone.
    pub voice: ReadyVoice,
    /// The client's phone, for a person to use.
    #[serde(skip)]
    pub handset_url: String,
}

/// The agency's telephone.
#[derive(Debug, Clone, Serialize)]
pub struct ReadyVoice {
    /// Where the simulator asks what to do with a call; what is signed.
    pub voice_webhook_url: String,
    /// Where it reports on calls to the agency's number.
    pub status_webhook_url: String,
    /// The agent who speaks.
    pub agent_id: String,
    /// What `POST /api/voice/calls` takes. Made up on the spot.
    pub operator_key: String,
}

/// The client.
#[derive(Debug, Clone, Serialize)]
pub struct ReadyClient {
    /// E.164.
    pub phone: &'static str,
}

/// The agency's account at the simulator.
#[derive(Debug, Clone, Serialize)]
pub struct ReadyTwilio {
    /// `AC…`.
    pub account_sid: String,
    /// Signs webhooks. Made up on the spot and good for the simulator only.
    pub auth_token: String,
    /// The agency's number, E.164.
    pub number: &'static str,
    /// Where the simulator posts incoming messages; what is signed.
    pub sms_webhook_url: String,
}

impl Demo {
    /// Starts everything and sends the first text, if that has not happened before.
    ///
    /// # Errors
    /// Ports that are taken, a store that cannot be opened.
    pub async fn start(layers: &Layers, places: Places) -> anyhow::Result<Self> {
        let layers = layers.clone().with_defaults(DEFAULTS);
        let settings = layers.resolve()?;
        let before = TakenPorts::remembered(&settings.data_dir);
        let listener = if places.server.is_none() && settings.is_set("bind") {
            listen(settings.bind)?
        } else {
            let local = |port| listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            ports::open(places.server, before.map(|ports| ports.server), USUAL_PORT, local)?
        };
        let simulator = if let Some(url) = places.running_simulator {
            Simulated::at(&url)
        } else {
            let simulate = |port| simulator::start(port, Some(&settings.data_dir));
            let before = before.and_then(|ports| ports.simulator);
            Simulated::ours(ports::open(places.simulator, before, USUAL_SIMULATOR_PORT, simulate)?)
        };
        let mut bases = vec![("twilio_api_base", simulator.url.clone())];
        // Somebody may want to hear another agent than the simulator's.
        let voices = ["elevenlabs_api_base", "retell_api_base", "vapi_api_base"];
        let simulated = voices.into_iter().filter(|base| !settings.is_set(base));
        bases.extend(simulated.map(|base| (base, simulator.url.clone())));
        bases.push(("voice_fallback_url", simulator.fallback_url()));
        let settings = layers.with_flags(bases).resolve()?;
        let address = listener.local_addr()?;
        let public = settings.public_base(address);
        let app = App::start(settings, public).await?;
        let seeded = seed::seed(&app).await?;
        simulator::register(&simulator, &app.public, &seeded).await?;
        let agent = voice::seed(&app, &simulator, &seeded.org).await?;
        let server = server::serve(&app, listener)?;
        // Changes nothing when it has happened before: a session starts once.
        let start = Command::Start { channel: Some(Channel::Sms) };
        app.runtime.handle(&seeded.org, &seeded.session, None, start).await?;
        let taken = TakenPorts { server: address.port(), simulator: simulator.port() };
        taken.remember(&app.settings.data_dir)?;
        Ok(Self { app, server, simulator, seeded, agent })
    }

    /// What a program needs to use it.
    pub fn ready(&self) -> Ready {
        Ready {
            base_url: address(&self.app.public, ""),
            simulator_url: self.simulator.url.clone(),
            org_id: self.seeded.org.clone(),
            session_id: self.seeded.session.clone(),
            widget_url: self.seeded.page.clone(),
            client: ReadyClient { phone: CLIENT_PHONE },
            twilio: ReadyTwilio {
                account_sid: self.seeded.account_sid.clone(),
                auth_token: self.seeded.auth_token.expose_secret().to_owned(),
                number: NUMBER,
                sms_webhook_url: address(&self.app.public, SMS_PATH),
            },
            voice: ReadyVoice {
                voice_webhook_url: address(&self.app.public, VOICE_PATH),
                status_webhook_url: address(&self.app.public, STATUS_PATH),
                agent_id: self.agent.clone(),
                operator_key: self.app.operator.expose_secret().to_owned(),
            },
            handset_url: self.simulator.handset_url(CLIENT_PHONE),
        }
    }

    /// Follows the client's session from its first turn.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn watch(&self) -> anyhow::Result<Subscription> {
        Ok(self.app.runtime.subscribe(&self.seeded.org, &self.seeded.session, 0).await?)
    }

    /// Serves until SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// When the server dies by itself.
    pub async fn run(self) -> anyhow::Result<()> {
        server::run(self.app, self.server).await?;
        self.simulator.stop().await;
        Ok(())
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    server::bind(address).with_context(|| {
        format!("cannot listen on {address}; choose another port, or 0 for a free one, with --port")
    })
}
