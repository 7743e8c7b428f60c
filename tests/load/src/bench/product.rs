//! The product as a process under load.

use std::sync::Arc;

use anyhow::{Context, Result};
use usher::db::{Access, DatabaseUrl};
use usher::store::{Store, StoreConfig};
use usher_conversation::id::OrgId;
use usher_testkit::twilio::{Account, message_sid};
use usher_testkit::{Database, TestServer};

use crate::drive::{Requests, saturate};
use crate::http::post;
use crate::process;
use crate::worker::{Counted, Still};

/// Connections of a saturating run.
pub const CONNECTIONS: u64 = 64;

/// A server with conversations in it.
#[derive(Debug)]
pub struct Product {
    /// The process.
    pub server: TestServer,
    /// Where it listens.
    pub port: u16,
    account: Account,
    phones: u64,
    texts: u64,
}

/// The binary under test: `USHER_BIN`, else the one beside this program.
pub(super) fn binary() -> Result<std::path::PathBuf> {
    match std::env::var_os("USHER_BIN") {
        Some(path) => Ok(path.into()),
        None => Ok(std::env::current_exe()?.with_file_name("usher")),
    }
}

/// The n-th telephone: the whole of area code 415 and the nine after it.
fn phone(number: u64) -> String {
    format!("+1{}{:07}", 415 + number / 7_000_000, 2_000_000 + number % 7_000_000)
}

impl Product {
    /// Starts it on a fresh SQLite database, with only the conversation of the demo. Replies leave at a real number's
    /// rate and not at the demo's, because the simulator lives in the server's process and would be measured with it. One
    /// organisation may ask without limit: all load is in one.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start() -> Result<Self> {
        let server =
            TestServer::demo_with(binary()?, Database::Sqlite, &["--sms-rate", "12", "--rate-per-org", "0"])
                .await?;
        let port = server.ready().base_url.port().context("the server's URL has a port")?;
        let account = server.account();
        Ok(Self { server, port, account, phones: 0, texts: 0 })
    }

    /// Lets people write for the first time until that many have a session.
    ///
    /// # Errors
    /// When a text is not answered with success.
    pub async fn grow(&mut self, phones: u64) -> Result<()> {
        let (first, new) = (self.texts, phones - self.phones);
        let requests = self.texts_from(self.phones, new, first);
        saturate(self.port, CONNECTIONS, first, new, requests).await?;
        self.texts += new;
        self.phones = phones;
        Ok(())
    }

    /// Reserves the numbers of `count` texts, from everyone in turns.
    pub fn texts(&mut self, count: u64) -> (u64, Requests) {
        let first = self.texts;
        self.texts += count;
        (first, self.texts_from(0, self.phones, first))
    }

    fn texts_from(&self, first_phone: u64, phones: u64, first: u64) -> Requests {
        let (account, port) = (self.account.clone(), self.port);
        let path =
            url::Url::parse(&account.sms_url).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
        Arc::new(move |number| {
            let phone = phone(first_phone + (number - first) % phones);
            let form = account.text_from(&phone, &message_sid(number), "It is a long story, honestly");
            let (body, signature) = account.signed(&form);
            let form_type = ("content-type", "application/x-www-form-urlencoded");
            post(port, &path, &[form_type, ("x-twilio-signature", signature.as_str())], &body)
        })
    }

    /// The ids of everyone's sessions.
    ///
    /// # Errors
    /// When the database cannot be read beside the server.
    pub async fn sessions(&self) -> Result<Vec<String>> {
        let config = StoreConfig {
            url: DatabaseUrl::Sqlite(self.server.data_dir().join("usher.db")),
            access: Access::Look,
            data_dir: self.server.data_dir(),
            master_key: None,
            public_url: self.server.ready().base_url.to_string(),
        };
        let store = Store::open(config, Arc::new(Still), Arc::new(Counted::default())).await?;
        let org: OrgId = self.server.ready().org_id.parse()?;
        let mut sessions = Vec::new();
        for number in 0..self.phones {
            sessions.push(store.session_of_phone(&org, &phone(number)).await?.to_string());
        }
        store.close().await;
        Ok(sessions)
    }

    /// The process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&self) -> Result<u32> {
        self.server.pid().context("the server runs")
    }

    /// CPU seconds so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        process::cpu_seconds(self.pid()?)
    }
}
