//! One store on one engine with one organisation, and small words for what the tests do with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use secrecy::{ExposeSecret as _, SecretString};
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
use usher_conversation::session::{Effect, Event, MessageKind, Origin, OutboundMessage, TimerKind};
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

    pub(crate) async fn on_postgres() -> Self {
        let database = Database::fresh_postgres("store").await.expect("a PostgreSQL server to test on");
        let Database::Postgres(url) = database else { unreachable!("a PostgreSQL database was asked for") };
        let dir = tempfile::tempdir().expect("a directory");
        Self::on(DatabaseUrl::Postgres(url.as_str().into()), dir).await
    }

    async fn on(url: DatabaseUrl, dir: TempDir) -> Self {
        let (clock, entropy) = (Arc::new(TestClock(AtomicI64::new(1_000_000))), Arc::default());
        let store = open(&url, &dir, &clock, &entropy).await;
        let org = store.create_organisation(profile("Bright Agency")).await.expect("an organisation");
        let flow = store.save_flow(&org.id, a_flow(&*entropy)).await.expect("a flow");
        Self { store, org, flow, clock, entropy, url, dir }
    }

    /// Stops this store and opens another on the same database.
    pub(crate) async fn restart(mut self) -> Self {
        self.store.close().await;
        drop(self.store);
        self.store = open(&self.url, &self.dir, &self.clock, &self.entropy).await;
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
            snapshot: None,
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

async fn open(
    url: &DatabaseUrl,
    dir: &TempDir,
    clock: &Arc<TestClock>,
    entropy: &Arc<CountedEntropy>,
) -> Store {
    let config = config(url, dir);
    Store::open(config, Arc::clone(clock) as _, Arc::clone(entropy) as _).await.expect("the store opens")
}

pub(crate) fn config(url: &DatabaseUrl, dir: &TempDir) -> StoreConfig {
    let url = match url {
        DatabaseUrl::Sqlite(path) => DatabaseUrl::Sqlite(path.clone()),
        DatabaseUrl::Postgres(url) => DatabaseUrl::Postgres(SecretString::from(url.expose_secret())),
    };
    StoreConfig {
        url,
        access: Access::Own,
        data_dir: dir.path().to_owned(),
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
    let origin = Origin { channel: Channel::Sms, address: "+14155550100".into() };
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
    }
}

pub(crate) fn timer(session: &Opened, seq: u64, due: Timestamp) -> (TimerId, Effect) {
    let timer = TimerId::derive(&session.session, seq, 0);
    let kind = TimerKind::Nudge { attempt: 0 };
    (timer.clone(), Effect::SetTimer { timer, kind, due })
}
