//! One store on one engine with one organisation, and small words for what the tests do with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use usher::db::{Access, DatabaseUrl};
use usher::onboarding::{NewSession, Opened};
use usher::store::{Store, StoreConfig};
use usher::tenancy::{Contact, ContactDetails, Organisation, Profile, Theme};
use usher_conversation::channel::Channel;
use usher_conversation::flow::Flow;
use usher_conversation::id::{DeliveryId, FlowId, TimerId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Append, Appended, Clock, Entropy, Journal as _, StoreError};
use usher_conversation::session::{
    Effect, Event, MessageKind, Origin, OutboundMessage, SessionState, TimerKind,
};
use usher_conversation::time::Timestamp;
use usher_testkit::database::Database;

/// Declares contract tests: each runs once per engine, in a world of its own.
macro_rules! contract {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        $(#[$doc])*
        async fn $name($world: $crate::world::World) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$name($crate::world::World::on_sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$name($crate::world::World::on_postgres().await).await;
            }
        }
    )*};
}
pub(crate) use contract;

/// A clock that stands still until it is moved.
#[derive(Default)]
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Distinct bits, the same in every run.
#[derive(Default)]
pub(crate) struct CountedEntropy(AtomicU64);

impl Entropy for CountedEntropy {
    fn bits(&self) -> [u8; 16] {
        // An odd multiplier makes every value occur once, spread over all bits.
        let count = u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1);
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
    }
}

/// What a test works with.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) org: Organisation,
    pub(crate) flow: Arc<Flow>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) entropy: Arc<CountedEntropy>,
    pub(crate) url: DatabaseUrl,
    pub(crate) dir: TempDir,
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let url = DatabaseUrl::Sqlite(dir.path().join("usher.db"));
        Self::on(url, dir).await
    }

    /// The store's role owns its database and is nothing more, as in production: row-level security binds it.
    pub(crate) async fn on_postgres() -> Self {
        let database = Database::fresh_postgres("store").await.expect("a PostgreSQL server to test on");
        let Database::Postgres(url) = database else { unreachable!("a PostgreSQL database was asked for") };
        let dir = tempfile::tempdir().expect("a directory");
        Self::on(DatabaseUrl::Postgres(url.as_str().into()), dir).await
    }

    async fn on(url: DatabaseUrl, dir: TempDir) -> Self {
        let (clock, entropy) = (Arc::new(TestClock(AtomicI64::new(1_000_000))), Arc::default());
        let store = open(&url, dir.path(), &clock, &entropy).await;
        let org = store.create_organisation(profile("Bright Agency")).await.expect("an organisation");
        let flow = store.save_flow(&org.id, a_flow(&*entropy)).await.expect("a flow");
        Self { store, org, flow, clock, entropy, url, dir }
    }

    /// The database behind the store's back, for every tenant.
    pub(crate) async fn back(&self) -> Back {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let path = path.display().to_string();
                Back::Sqlite(SqliteConnection::connect(&path).await.expect("the file opens"))
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection =
                    PgConnection::connect(url.expose_secret()).await.expect("the server answers");
                connection.execute("SET app.org = '*'").await.expect("a setting");
                Back::Postgres(connection)
            }
        }
    }

    /// Stops this store and opens another on the same database.
    pub(crate) async fn restart(mut self) -> Self {
        self.store.close().await;
        drop(self.store);
        self.store = open(&self.url, self.dir.path(), &self.clock, &self.entropy).await;
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, millis: i64) -> Timestamp {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
        self.now()
    }

    pub(crate) async fn contact(&self, phone: &str) -> Contact {
        let details = ContactDetails {
            name: "Dana Smith".into(),
            phone: Some(phone.into()),
            ..ContactDetails::default()
        };
        self.store.find_or_create_contact(&self.org.id, details).await.expect("a contact")
    }

    /// A session of its own contact.
    pub(crate) async fn session(&self, phone: &str) -> Opened {
        let contact = self.contact(phone).await.id;
        let new = NewSession { contact, flow: self.flow.id.clone(), package: None };
        self.store.find_or_create_session(&self.org.id, new).await.expect("a session")
    }

    /// A turn in which the contact said `text`.
    pub(crate) fn said(&self, session: &Opened, seq: u64, text: &str) -> Append {
        Append {
            org: self.org.id.clone(),
            session: session.session.clone(),
            contact: session.contact.clone(),
            turn: Arc::new(Turn { seq, at: self.now(), dedup: None, events: vec![received(text)] }),
            effects: Vec::new(),
            state: Arc::new(SessionState::new()),
            snapshot: false,
        }
    }

    pub(crate) async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.store.append(append).await
    }

    /// Makes turn `seq` durable, with one message of this kind to send.
    pub(crate) async fn send(&self, session: &Opened, seq: u64, kind: MessageKind) -> DeliveryId {
        let mut append = self.said(session, seq, "hello");
        let message = message(session, seq, kind);
        let delivery = message.delivery.clone();
        append.effects.push(Effect::Send(message));
        assert_eq!(self.append(append).await.expect("the store works"), Appended::Committed);
        delivery
    }
}

/// A connection behind the store's back: it looks where no statement of the store looks, and breaks things.
pub(crate) enum Back {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Back {
    /// Runs SQL; tells how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(c) => c.execute(sql).await.expect("SQL that works").rows_affected(),
            Self::Postgres(c) => c.execute(sql).await.expect("SQL that works").rows_affected(),
        }
    }

    /// The first column of every row.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(c) => sqlx::query_scalar(sql).fetch_all(c).await.expect("SQL that works"),
            Self::Postgres(c) => sqlx::query_scalar(sql).fetch_all(c).await.expect("SQL that works"),
        }
    }

    /// Changes the only blob `select` finds, and writes it with `update`, where it is `$1`.
    pub(crate) async fn change_blob(
        &mut self,
        select: &str,
        update: &str,
        change: impl FnOnce(&mut Vec<u8>),
    ) {
        let (select, update) = (AssertSqlSafe(select.to_owned()), AssertSqlSafe(update.to_owned()));
        macro_rules! change_on {
            ($connection:expr) => {{
                let mut blob: Vec<u8> =
                    sqlx::query_scalar(select).fetch_one(&mut *$connection).await.expect("a blob");
                change(&mut blob);
                sqlx::query(update).bind(blob).execute($connection).await.expect("SQL that works");
            }};
        }
        match self {
            Self::Sqlite(c) => change_on!(c),
            Self::Postgres(c) => change_on!(c),
        }
    }
}

pub(crate) async fn open(
    url: &DatabaseUrl,
    dir: &Path,
    clock: &Arc<TestClock>,
    entropy: &Arc<CountedEntropy>,
) -> Store {
    let config = config(url, dir);
    Store::open(config, Arc::clone(clock) as _, Arc::clone(entropy) as _).await.expect("the store opens")
}

pub(crate) fn config(url: &DatabaseUrl, dir: &Path) -> StoreConfig {
    let url = match url {
        DatabaseUrl::Sqlite(path) => DatabaseUrl::Sqlite(path.clone()),
        DatabaseUrl::Postgres(url) => DatabaseUrl::Postgres(SecretString::from(url.expose_secret())),
    };
    StoreConfig {
        url,
        access: Access::Own,
        data_dir: dir.to_owned(),
        master_key: None,
        public_url: "https://usher.test".into(),
    }
}

pub(crate) fn profile(name: &str) -> Profile {
    Profile {
        name: name.into(),
        locale: "en".into(),
        region: "US".into(),
        allowed_origins: vec!["https://agency.test".into()],
        theme: Theme::default(),
    }
}

pub(crate) fn a_flow(entropy: &dyn Entropy) -> Flow {
    Flow {
        id: FlowId::new(Timestamp::from_millis(0), entropy.bits()),
        version: 1,
        name: "Onboarding".into(),
        fields: Vec::new(),
        next_steps: Vec::new(),
    }
}

pub(crate) fn received(text: &str) -> Event {
    let origin = Origin { channel: Channel::Sms, address: "+14155550100".into(), line: None };
    Event::Received { origin, text: text.into(), media: Vec::new() }
}

pub(crate) fn message(session: &Opened, seq: u64, kind: MessageKind) -> OutboundMessage {
    OutboundMessage {
        delivery: DeliveryId::derive(&session.session, seq, 0),
        channel: Channel::Sms,
        kind,
        text: format!("message {seq}"),
        not_before: None,
        epoch: 0,
        line: None,
    }
}

pub(crate) fn timer(session: &Opened, seq: u64, due: Timestamp) -> (TimerId, Effect) {
    let timer = TimerId::derive(&session.session, seq, 0);
    let kind = TimerKind::Nudge { attempt: 0 };
    (timer.clone(), Effect::SetTimer { timer, kind, due })
}
