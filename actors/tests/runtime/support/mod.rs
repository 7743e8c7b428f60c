//! A world to test in: store, clock, transport and a toy engine.

pub(crate) mod clock;
pub(crate) mod engine;
pub(crate) mod store;
pub(crate) mod transport;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use usher_actors::{Handled, Ports, Runtime, RuntimeConfig, RuntimeError};
use usher_conversation::channel::Channel;
use usher_conversation::id::{ContactId, OrgId, SessionId};
use usher_conversation::ports::Transport;
use usher_conversation::session::{Command, Inbound, Origin, SessionMeta};
use usher_conversation::time::Timestamp;

pub(crate) use clock::ManualClock;
pub(crate) use engine::Toy;
pub(crate) use store::{FakeStore, Fault};
pub(crate) use transport::ScriptedTransport;

/// When every test begins.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Everything around a runtime. Several runtimes may share one.
pub(crate) struct World {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sms: Arc<ScriptedTransport>,
    pub(crate) toy: Arc<Toy>,
    pub(crate) org: OrgId,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            store: Arc::new(FakeStore::default()),
            clock: Arc::new(ManualClock::new(NOON)),
            sms: Arc::new(ScriptedTransport::default()),
            toy: Arc::new(Toy::default()),
            org: OrgId::new(NOON, [1; 16]),
        }
    }

    pub(crate) fn config(&self) -> RuntimeConfig {
        RuntimeConfig {
            arbiters: NonZeroUsize::new(2),
            engine: self.toy.engine(),
            ..RuntimeConfig::default()
        }
    }

    pub(crate) fn ports(&self) -> Ports {
        let sms = Arc::clone(&self.sms) as Arc<dyn Transport>;
        Ports {
            alarm: Arc::clone(&self.clock) as Arc<_>,
            ..Ports::new(
                Arc::clone(&self.store),
                BTreeMap::from([(Channel::Sms, sms)]),
                Arc::clone(&self.clock) as Arc<_>,
            )
        }
    }

    pub(crate) fn start(&self) -> Runtime {
        self.start_with(self.config())
    }

    pub(crate) fn start_with(&self, config: RuntimeConfig) -> Runtime {
        Runtime::start(config, self.ports()).expect("threads start")
    }

    /// Creates the `number`-th session in the store.
    pub(crate) fn session(&self, number: u8) -> SessionId {
        let session = session_id(number);
        let flow = serde_json::json!({ "id": "flw_x", "version": 1, "name": "Test", "fields": [] });
        self.store.create(SessionMeta {
            session: session.clone(),
            org: self.org.clone(),
            org_name: "Bright Agency".to_owned(),
            contact: ContactId::new(NOON, [number; 16]),
            contact_name: "Dana".to_owned(),
            phone: None,
            flow: Arc::new(serde_json::from_value(flow).expect("a flow")),
            locale: "en".to_owned(),
            region: "US".to_owned(),
            zone: None,
            link: None,
            created_at: NOON,
        });
        session
    }

    /// Says `text` over the widget, whose replies need no outbox.
    pub(crate) async fn say(
        &self,
        runtime: &Runtime,
        session: &SessionId,
        key: Option<&str>,
        text: &str,
    ) -> Result<Handled, RuntimeError> {
        let command = words(Channel::Widget, text);
        runtime.handle(&self.org, session, key.map(str::to_owned), command).await
    }

    /// Texts `text`, which the toy answers by SMS.
    pub(crate) async fn text(
        &self,
        runtime: &Runtime,
        session: &SessionId,
        text: &str,
    ) -> Result<Handled, RuntimeError> {
        runtime.handle(&self.org, session, None, words(Channel::Sms, text)).await
    }
}

/// The id of the `number`-th session.
pub(crate) fn session_id(number: u8) -> SessionId {
    SessionId::new(NOON, [number; 16])
}

pub(crate) fn words(channel: Channel, text: &str) -> Command {
    Command::Receive(Inbound {
        origin: Origin { channel, address: String::new(), line: None },
        text: text.to_owned(),
        media: Vec::new(),
        missed: Vec::new(),
        vendor_keyword: None,
    })
}

/// Runs a test body to its end; one that hangs fails instead of holding the suite.
pub(crate) fn run<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a tokio runtime");
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_mins(1), body).await.expect("the test hangs") })
}
