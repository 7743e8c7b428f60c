//! Strict local stand-ins for every vendor, and the handset page.
//!
//! The simulator speaks each vendor's real protocol on its own port: it refuses what the vendor refuses, signs what the
//! vendor signs, and goes wrong on demand. `usher demo` runs it beside the server, `usher simulate` alone; `usher serve`
//! never starts it.

mod calls;
mod connection;
mod control;
pub mod elevenlabs;
pub mod faults;
mod json_api;
mod page;
pub mod retell;
mod sim;
mod speech;
mod store;
mod twilio;
pub mod vapi;
pub mod world;

pub use twilio::twiml;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer};
use usher_channels::http::{HttpSettings, HttpStack, SetupError};
use usher_conversation::ports::{Clock, Entropy};

pub use crate::speech::SpeechVoice;

use crate::sim::Sim;
use crate::world::{Account, Handset, Record};

/// An idle connection is kept for so long; longer than clients keep theirs.
const KEEP_ALIVE: Duration = Duration::from_mins(2);

/// A handset that is there from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandsetConfig {
    /// Its number in E.164 form.
    pub phone: String,
    /// Whose it is.
    pub name: Option<String>,
    /// The number it writes to first.
    pub default_peer: Option<String>,
}

/// How a simulator is set up.
pub struct SimulatorConfig {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Accounts to register; one that the state file knows is replaced.
    pub accounts: Vec<Account>,
    /// Handsets to register.
    pub handsets: Vec<HandsetConfig>,
    /// Time between two statuses of an outgoing message.
    pub pace: Duration,
    /// What phrases on calls sound like.
    pub speech: SpeechVoice,
    /// Where messages, opt-outs and handsets outlive the process.
    pub state_file: Option<PathBuf>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids.
    pub entropy: Arc<dyn Entropy>,
}

impl SimulatorConfig {
    /// An empty simulator on a free local port.
    pub fn local(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            accounts: Vec::new(),
            handsets: Vec::new(),
            pace: Duration::from_millis(40),
            speech: SpeechVoice::default(),
            state_file: None,
            clock,
            entropy,
        }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or the state file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another simulator keeps its state there.
    #[error("another process is using {}", .0.display())]
    InUse(PathBuf),
    /// The client for webhooks cannot be set up.
    #[error(transparent)]
    Http(#[from] SetupError),
}

/// The simulator.
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on a thread of its own; it listens when this returns.
    pub fn start(config: SimulatorConfig) -> Result<RunningSimulator, StartError> {
        let listener = TcpListener::bind(config.bind)?;
        let addr = listener.local_addr()?;
        let http = HttpStack::new(HttpSettings::default())?;
        let SimulatorConfig { clock, entropy, pace, speech, state_file, .. } = config;
        let sim = Sim::new(clock, entropy, http, pace, speech, state_file.as_deref())?;
        // Every address is also the local one; media links must name a host that can be asked.
        let url = if addr.ip().is_unspecified() {
            format!("http://127.0.0.1:{}", addr.port())
        } else {
            format!("http://{addr}")
        };
        sim.url.get_or_init(|| url.clone());
        sim.record(config.accounts.into_iter().map(|account| Record::Account { account }).collect());
        let named = config.handsets.into_iter().map(|HandsetConfig { phone, name, default_peer }| {
            Record::Handset { phone, handset: Handset { name, default_peer, ..Handset::default() } }
        });
        sim.record(named.collect());

        let (tell, told) = sync_channel(1);
        let thread = std::thread::Builder::new().name("usher-simulator".to_owned()).spawn(move || {
            actix_web::rt::System::new().block_on(serve(Data::new(sim), listener, |handle| {
                // The receiver waits below; it cannot be gone.
                let _ = tell.send(handle);
            }))
        })?;
        let Ok(handle) = told.recv() else {
            return Err(io::Error::other("the simulator's server did not start").into());
        };
        Ok(RunningSimulator { url, addr, handle, thread: Some(thread) })
    }
}

async fn serve(sim: Data<Sim>, listener: TcpListener, ready: impl FnOnce(ServerHandle)) -> io::Result<()> {
    let shared = sim.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(PayloadConfig::new(64 * 1024))
            .configure(control::routes)
            .configure(twilio::rest::routes)
            .configure(twilio::voice::bins::routes)
            .configure(elevenlabs::routes)
            .configure(retell::routes)
            .configure(vapi::routes)
            .configure(page::routes)
    })
    .workers(1)
    // Clients end idle connections before the simulator does, and a connection that was opened to spare is no slow
    // request: a stray 408 on it would be taken for the answer to whatever is sent there next.
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(Duration::ZERO)
    .on_connect(connection::remember)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    ready(server.handle());
    twilio::lifecycle::resume(&sim);
    twilio::inbound::resume(&sim);
    let ended = server.await;
    // A worker's thread may outlive the server a little; another simulator may have the file now.
    sim.close_file();
    ended
}

/// A simulator that listens. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct RunningSimulator {
    /// `http://127.0.0.1:port`: the API base of every vendor and the address of the handset pages.
    pub url: String,
    /// The address it listens on.
    pub addr: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl RunningSimulator {
    /// The handset page of a number.
    pub fn handset_url(&self, phone: &str) -> String {
        format!("{}/handset/{}", self.url, phone.trim_start_matches('+'))
    }

    /// Stops it and waits until it has.
    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(thread) = self.thread.take() {
            // Ends as soon as the server has; an error there has nobody left to concern.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for RunningSimulator {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // The command is sent at once; the future only waits for its end.
            drop(self.handle.stop(false));
        }
    }
}
