//! The product as a process under load.

use anyhow::{Context, Result};
use usher_testkit::twilio::Account;
use usher_testkit::{Database, TestServer};

use crate::process;

/// A seeded server.
#[derive(Debug)]
pub struct Product {
    /// The process.
    pub server: TestServer,
    /// Where it listens.
    pub port: u16,
    /// Whose webhooks it verifies.
    pub account: Account,
    /// Ids of the sessions it holds.
    pub sessions: Vec<String>,
    /// The telephones of their contacts, in the same order.
    pub phones: Vec<String>,
}

/// The binary under test: `USHER_BIN`, else the one beside this program.
///
/// # Errors
/// When this program's own place is unknown.
pub fn binary() -> Result<std::path::PathBuf> {
    match std::env::var_os("USHER_BIN") {
        Some(path) => Ok(path.into()),
        None => Ok(std::env::current_exe()?.with_file_name("usher")),
    }
}

impl Product {
    /// Starts it on a fresh SQLite database with the one session of the demo.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start() -> Result<Self> {
        let server = TestServer::demo(binary()?, Database::Sqlite).await?;
        let ready = server.ready();
        let port = ready.base_url.port().context("the server's URL has a port")?;
        let (sessions, phones) = (vec![ready.session_id.clone()], vec![ready.client.phone.clone()]);
        let account = server.account();
        Ok(Self { server, port, account, sessions, phones })
    }

    /// CPU seconds so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        process::cpu_seconds(self.server.pid().context("the server runs")?)
    }
}
