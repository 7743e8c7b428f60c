//! The application as a value: everything a server is made of, wired once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{Error, web};
use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use usher_actors::{Engine, Ports, Runtime, RuntimeConfig};
use usher_channels::http::{HttpSettings, HttpStack};
use usher_channels::twilio::TwilioClient;
use usher_conversation::channel::Channel;
use usher_conversation::ports::{Clock, Entropy, Transport};

use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Settings;
use crate::db::{Access, DatabaseUrl};
use crate::inbound::Inbound;
use crate::lifecycle::Lifecycle;
use crate::onboarding::Onboarding;
use crate::outbound::SmsTransport;
use crate::projector::Projector;
use crate::store::{Store, StoreConfig};
use crate::voice::{Caller, Voice};
use crate::web::edge::{self, Edge};
use crate::web::route::at;
use crate::web::{assets, health, openapi, operator, page, telemetry};
use crate::{files, inbound, onboarding, setup, voice};

/// Calls that outlast the patience of a stopping server are handed to the carrier's redirect in this time.
const CALL_FAREWELL: Duration = Duration::from_secs(5);

/// A server's parts.
pub struct App {
    /// How it is set.
    pub settings: Settings,
    /// The address the outside world knows, with a slash at the end.
    pub public: Url,
    /// Journal, outbox, timers and the tables of the features.
    pub store: Store,
    /// The session actors.
    pub runtime: Runtime,
    /// Keeps the read model up to date; taken out when the server ends.
    projector: Mutex<Option<Projector>>,
    /// Whether it wants traffic.
    pub lifecycle: Lifecycle,
    /// The shared middleware's state.
    pub edge: Arc<Edge>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids.
    pub entropy: Arc<dyn Entropy>,
    /// Twilio's REST API.
    pub twilio: TwilioClient,
    /// Vendors' webhooks.
    pub inbound: Inbound,
    /// The widget's API.
    pub onboarding: Onboarding,
    /// Calls.
    pub voice: Voice,
    /// Makes the calls that are due.
    pub caller: Caller,
    /// Opens what is for operators only.
    pub operator: SecretString,
}

/// How to open the store of these settings.
///
/// # Errors
/// A database URL of no known form, or a data directory that cannot be made.
pub fn store_config(settings: &Settings, public: &Url, access: Access) -> anyhow::Result<StoreConfig> {
    let text = settings
        .database_url
        .as_ref()
        .map_or_else(|| Settings::default_database(&settings.data_dir), |url| url.expose_secret().to_owned());
    let url: DatabaseUrl = text.parse().context("database_url")?;
    if access == Access::Own {
        make_private_dir(&settings.data_dir)?;
    }
    Ok(StoreConfig {
        url,
        access,
        data_dir: settings.data_dir.clone(),
        master_key: settings.master_key.as_ref().map(|key| SecretString::from(key.expose_secret())),
        public_url: public.as_str().trim_end_matches('/').to_owned(),
    })
}

/// A store for a command: with [`Access::Look`] also beside a server that runs on it.
///
/// # Errors
/// When it is not there or cannot be opened.
pub async fn open_store(settings: &Settings, access: Access) -> anyhow::Result<Store> {
    let config = store_config(settings, &settings.public_base(settings.bind), access)?;
    Ok(Store::open(config, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?)
}

/// The data directory holds keys: nobody else may look into it.
fn make_private_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("data_dir: cannot make {}", path.display()))
}

impl App {
    /// Opens the store and starts the runtime. Runs inside an actix system.
    ///
    /// # Errors
    /// When the store cannot be opened or a client cannot be set up.
    pub async fn start(settings: Settings, public: Url) -> anyhow::Result<Arc<Self>> {
        Self::start_with(settings, public, Engine::default(), Arc::new(SystemClock)).await
    }

    /// The same with another engine and another clock. No command does so: it is the seam through which a test makes the
    /// engine of a whole server fail, or lets it run at another time of day.
    ///
    /// # Errors
    /// When the store cannot be opened or a client cannot be set up.
    pub async fn start_with(
        settings: Settings,
        public: Url,
        engine: Engine,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Arc<Self>> {
        // Recorders must be there before anything is counted.
        telemetry::metrics();
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let config = store_config(&settings, &public, Access::Own)?;
        let store = Store::open(config, Arc::clone(&clock), Arc::clone(&entropy)).await?;
        store.db().spawn(telemetry::keep_small());
        let http = HttpStack::new(HttpSettings::default())?;
        let twilio = TwilioClient::new(http.clone(), settings.twilio_api_base.as_str())?;

        let sms: Arc<dyn Transport> =
            Arc::new(SmsTransport::new(store.clone(), twilio.clone(), &public, settings.sms_rate));
        let ports =
            Ports::new(Arc::new(store.clone()), BTreeMap::from([(Channel::Sms, sms)]), Arc::clone(&clock));
        let runtime = Runtime::start(RuntimeConfig { engine, ..runtime_config(&settings) }, ports)?;
        let voice = Voice::new(&settings, &public, &store, runtime.clone(), (&twilio, &http), &clock)?;
        let caller = Caller::start(&voice, store.clone(), twilio.clone(), settings.voice_max_seconds);
        let operator = match &settings.operator_key {
            Some(key) => operator::strong(key.clone()).context("operator_key")?,
            None => operator::key_of_data_dir(&settings.data_dir, &*entropy).context("operator_key")?,
        };
        let https = public.scheme() == "https";
        let app = Arc::new(Self {
            edge: Arc::new(Edge::new(&settings, https, Arc::clone(&entropy))),
            inbound: Inbound::new(&public),
            onboarding: Onboarding::default(),
            voice,
            caller,
            operator,
            projector: Mutex::new(Some(Projector::start(store.clone()))),
            lifecycle: Lifecycle::new(),
            settings,
            public,
            store,
            runtime,
            clock,
            entropy,
            twilio,
        });
        voice::reconcile::start(&app);
        Ok(app)
    }

    /// The routes with everything around them, for one HTTP worker.
    pub fn service(
        self: &Arc<Self>,
    ) -> actix_web::App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody + use<>>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        let edge = Arc::clone(&self.edge);
        actix_web::App::new()
            .app_data(web::Data::new(Arc::clone(self)))
            .app_data(web::JsonConfig::default().limit(self.settings.body_limit))
            .app_data(web::PayloadConfig::new(self.settings.body_limit))
            .configure(inbound::routes::configure)
            .configure(onboarding::routes::configure)
            .configure(files::routes::configure)
            .configure(voice::routes::configure)
            .configure(setup::configure)
            .configure(operations)
            .default_service(web::to(edge::not_found))
            .wrap(from_fn(move |request, next| edge::pass(Arc::clone(&edge), request, next)))
    }

    /// Lets the calls end that are live, within the time the settings give, and begins none. They need the network
    /// meanwhile: for their documents, for what becomes of transfers, for what their contacts text.
    pub async fn drain_calls(&self) {
        self.caller.stop();
        self.voice.release_lines();
        let patience = Duration::from_secs(self.settings.voice_drain_seconds);
        let drained = self.voice.switchboard.drain(patience, CALL_FAREWELL);
        let (calls, ()) = tokio::join!(drained, self.voice.hand_over(patience, CALL_FAREWELL));
        tracing::info!(?calls, "no call is held here any more");
    }

    /// Finishes what is under way, within the time the settings give. Call after the last request was answered.
    pub async fn drain(&self) {
        let patience = Duration::from_secs(self.settings.drain_seconds);
        let drained = self.runtime.drain(patience).await;
        tracing::info!(?drained, "the runtime stopped");
        let projector = self.projector.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(projector) = projector {
            projector.stop().await;
        }
        self.store.close().await;
    }
}

fn runtime_config(settings: &Settings) -> RuntimeConfig {
    RuntimeConfig {
        arbiters: NonZeroUsize::new(settings.session_threads),
        session_bound: settings.session_queue,
        node_bound: settings.node_queue,
        watcher_window: usher_channels::widget::ACK_WINDOW,
        ..RuntimeConfig::default()
    }
}

fn operations(config: &mut web::ServiceConfig) {
    config
        .service(at("/").get(page::root))
        .service(at("/healthz").get(health::live))
        .service(at("/readyz").get(health::ready))
        .service(at("/version").get(health::version))
        .service(at("/metrics").get(health::metrics))
        .service(at(openapi::PATH).get(openapi::json))
        .service(at("/w/{path:.*}").get(assets::widget_file))
        .configure(openapi::page);
}
