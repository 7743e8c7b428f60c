//! The vendors' stand-ins beside a demo, or alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_simulator::{RunningSimulator, Simulator, SimulatorConfig, StartError};

use super::seed::Seeded;
use super::{CLIENT_NAME, CLIENT_PHONE, NUMBER};
use crate::clock::{SystemClock, SystemEntropy};
use crate::inbound::{SENT_AGAIN, SMS_PATH, address};
use crate::voice::{STATUS_PATH, VOICE_PATH, lifeline};

/// The file in the data directory in which messages and opt-outs outlive the process.
const STATE_FILE: &str = "simulator.jsonl";
/// Where the simulator keeps the document of calls that have no other, as the vendor would.
const BIN: &str = "/twiml/EH00000000000000000000000000000001";

/// The simulator of a demo.
pub(super) struct Simulated {
    /// Its address, without a slash at the end.
    pub(super) url: String,
    /// Of the same process; none when it runs in another, where it outlives this one.
    ours: Option<RunningSimulator>,
}

impl Simulated {
    pub(super) fn ours(running: RunningSimulator) -> Self {
        Self { url: running.url.clone(), ours: Some(running) }
    }

    pub(super) fn at(url: &Url) -> Self {
        Self { url: address(url, ""), ours: None }
    }

    /// The port of one of ours.
    pub(super) fn port(&self) -> Option<u16> {
        self.ours.as_ref().map(|running| running.addr.port())
    }

    /// Where it asks when a document of a call cannot be had.
    pub(super) fn fallback_url(&self) -> String {
        format!("{}{BIN}", self.url)
    }

    /// The handset page of a number.
    pub(super) fn handset_url(&self, phone: &str) -> String {
        format!("{}/handset/{}", self.url, phone.trim_start_matches('+'))
    }

    /// Stops it, if it is ours.
    pub(super) async fn stop(self) {
        if let Some(running) = self.ours {
            running.stop().await;
        }
    }
}

/// Starts the simulator on a port of this machine; it remembers what happened in `data_dir`, when there is one.
///
/// # Errors
/// A port that is taken, a state file that cannot be read.
pub fn start(port: u16, data_dir: Option<&Path>) -> anyhow::Result<RunningSimulator> {
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let state_file = data_dir.map(|dir| {
        std::fs::create_dir_all(dir).with_context(|| format!("data_dir: cannot make {}", dir.display()))?;
        anyhow::Ok(dir.join(STATE_FILE))
    });
    let config = SimulatorConfig {
        bind,
        state_file: state_file.transpose()?,
        ..SimulatorConfig::local(Arc::new(SystemClock), Arc::new(SystemEntropy))
    };
    Simulator::start(config).map_err(|error| match error {
        StartError::Io(_) => anyhow::Error::new(error).context(format!(
            "cannot start the simulator on {bind}; choose another port, or 0 for a free one, with --simulator-port"
        )),
        StartError::InUse(_) | StartError::Http(_) => error.into(),
    })
}

/// Tells the simulator of the agency's account and the client's phone; the webhook's address may be a new one.
pub(super) async fn register(simulator: &Simulated, public: &Url, seeded: &Seeded) -> anyhow::Result<()> {
    let client = HttpStack::new(HttpSettings::default())?;
    let kept = client.client().put(format!("{}/_sim{BIN}", simulator.url)).body(lifeline(public)?);
    let answer = client.send(kept).await?;
    ensure!(answer.status.is_success(), "the simulator keeps no document: {}", answer.status);
    let account = json!({
        "account_sid": seeded.account_sid,
        "auth_token": seeded.auth_token.expose_secret(),
        "numbers": [{
            "number": NUMBER,
            "sms_url": format!("{}{SENT_AGAIN}", address(public, SMS_PATH)),
            "voice_url": format!("{}{SENT_AGAIN}", address(public, VOICE_PATH)),
            "voice_fallback_url": simulator.fallback_url(),
            "status_callback": address(public, STATUS_PATH),
        }],
    });
    post(simulator, "/_sim/accounts", &account).await?;
    let handset = json!({ "phone": CLIENT_PHONE, "name": CLIENT_NAME, "default_peer": NUMBER });
    post(simulator, "/_sim/handsets", &handset).await
}

/// Asks the simulator to change something.
pub(super) async fn post(simulator: &Simulated, path: &str, body: &Value) -> anyhow::Result<()> {
    let http = HttpStack::new(HttpSettings::default())?;
    let request = http.client().post(format!("{}{path}", simulator.url)).json(body);
    let answer = http.send(request).await?;
    ensure!(answer.status.is_success(), "the simulator answered {} to {path}", answer.status);
    Ok(())
}
