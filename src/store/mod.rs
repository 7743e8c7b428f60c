//! The store: journal, outbox and timers of the conversation engine on either database.
//!
//! | file | what lives there |
//! |---|---|
//! | [`sealed`] | a turn made ready for the disk in its caller's task |
//! | [`writer`] | the one task that makes turns durable, many per commit |
//! | [`journal`] | loading sessions, reading gaps |
//! | [`reading`] | the rows of many sessions in one trip |
//! | [`keyring`] | data keys: made, wrapped, remembered, destroyed |
//! | [`outbox`], [`timers`] | what is to be done, claimed under leases |
//!
//! The SQL of a feature lies in the feature's own `store.rs` as methods of [`Store`].

mod journal;
mod keyring;
mod outbox;
mod reading;
mod sealed;
mod timers;
mod verify;
mod writer;

pub use verify::{Difference, Verified};

pub(crate) use journal::{corrupt, open, parse_id};
pub(crate) use reading::READING;
pub(crate) use writer::{Committed, REPEATED, column};

use std::path::PathBuf;
use std::sync::Arc;

use moka::sync::Cache;
use secrecy::SecretString;
use tokio::sync::{broadcast, mpsc};
use usher_conversation::flow::Flow;
use usher_conversation::id::FlowId;
use usher_conversation::ports::{Clock, Entropy, StoreError};

use self::keyring::Keyring;
use self::reading::Reading;
use crate::crypto::MasterKey;
use crate::db::{Access, DatabaseUrl, Db, DbError, OpenError, Scope, Statement, fetch_one, statements};
use crate::onboarding::store::{Doors, doors};

statements! {
    PING = "SELECT 1";
}

/// Flow versions kept in memory; they never change.
const REMEMBERED_FLOWS: u64 = 10_000;

/// How to open a [`Store`].
#[derive(Debug)]
pub struct StoreConfig {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// What this process wants from it.
    pub access: Access,
    /// Where a generated master key is kept.
    pub data_dir: PathBuf,
    /// The configured master key; without one, the data directory's.
    pub master_key: Option<SecretString>,
    /// Where clients reach this installation, without a slash at the end; resume links start with it.
    pub public_url: String,
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    public_url: String,
    flows: Cache<FlowId, Arc<Flow>>,
    reading: Reading,
    doors: Doors,
    writer: mpsc::Sender<writer::Waiting>,
    commits: writer::Commits,
}

impl Store {
    /// Opens the database, brings its schema up to date when this process owns it, and starts the writer on the
    /// current Tokio runtime, which must outlive every caller.
    pub async fn open(
        config: StoreConfig,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let db = Db::open(&config.url, config.access).await?;
        if config.access == Access::Own {
            db.migrate().await?;
            if let Some(why) = db.unbound_role().await? {
                tracing::warn!(
                    "the database role {why}: PostgreSQL's row-level security does not bind it, so only Usher's own \
                     statements keep organisations apart; see docs/OPERATIONS.md for the role to use"
                );
            }
        }
        let master = master_key(&db, &config, &*entropy).await?;
        let keyring = Arc::new(Keyring::new(db.clone(), master, Arc::clone(&entropy)));
        let (writer, commits) = writer::start(&db);
        let store = Self(Arc::new(Inner {
            reading: Reading::start(&db),
            doors: Doors::start(&db, doors),
            db,
            keyring,
            clock,
            entropy,
            public_url: config.public_url,
            flows: Cache::new(REMEMBERED_FLOWS),
            writer,
            commits,
        }));
        if store.db().is_ours_alone() {
            store.end_claims().await?;
        }
        Ok(store)
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn keyring(&self) -> &Arc<Keyring> {
        &self.0.keyring
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    pub(crate) fn doors(&self) -> &Doors {
        &self.0.doors
    }

    fn reading(&self) -> &Reading {
        &self.0.reading
    }

    pub(crate) fn flows(&self) -> &Cache<FlowId, Arc<Flow>> {
        &self.0.flows
    }

    /// The hosted page of a resume link.
    pub fn page_url(&self, link: &str) -> String {
        format!("{}/s/{link}", self.0.public_url)
    }

    /// The turns of every commit of this node's writer from now on.
    pub(crate) fn commits(&self) -> broadcast::Receiver<Arc<[Committed]>> {
        self.0.commits.subscribe()
    }

    /// Runs a unit of work to its end even when the caller goes away.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DbError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.db.detached(work).await.map_err(StoreError::from)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let db = self.0.db.clone();
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_one!(&mut tx, (i32,), PING).map(drop)
        })
        .await
    }

    /// Closes the connections once running work is done. Later calls find the store unavailable.
    pub async fn close(&self) {
        self.0.db.close().await;
    }
}

/// The configured master key, or the data directory's. It is made for a database that holds nothing sealed yet, and only
/// by the process that owns it: another key than the one the data was written with would be worse than none.
async fn master_key(db: &Db, config: &StoreConfig, entropy: &dyn Entropy) -> Result<MasterKey, OpenError> {
    if let Some(text) = &config.master_key {
        return Ok(MasterKey::parse(text)?);
    }
    if config.access == Access::Own && !keyring::holds_keys(db).await? {
        return Ok(MasterKey::of_data_dir_or_new(&config.data_dir, entropy)?);
    }
    Ok(MasterKey::of_data_dir(&config.data_dir)?)
}

/// The statements of the journal, the outbox and the timers.
pub(crate) fn statements() -> Vec<Statement> {
    [
        STATEMENTS,
        keyring::STATEMENTS,
        writer::STATEMENTS,
        journal::STATEMENTS,
        outbox::STATEMENTS,
        timers::STATEMENTS,
        verify::STATEMENTS,
    ]
    .concat()
}
