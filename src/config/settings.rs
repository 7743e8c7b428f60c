//! The table of settings.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::layers::{Layers, Resolved, SettingError, Source};
use super::value::{LogFormat, Origins, TrustedProxies, Value};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its key in `usher.toml`, e.g. `public_url`; the flag is the same with dashes.
    pub key: &'static str,
    /// Its environment variable, e.g. `USHER_PUBLIC_URL`.
    pub env: &'static str,
    /// What it is for, in a sentence or two.
    pub doc: &'static str,
    /// The default as text; empty means unset.
    pub default: &'static str,
    /// Whether its value must never be printed, and it has no flag: every user of a machine sees its command lines. Only
    /// `database_url`, which holds a password for PostgreSQL alone, has one.
    pub secret: bool,
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $key:ident / $env:literal : $type:ty = $default:literal $($secret:ident)?;)*) => {
        /// Everything that can be set.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $key: $type,)*
            sources: Vec<(Source, String)>,
        }

        impl Settings {
            /// Every setting, in the order it is shown.
            pub const SPECS: &'static [Spec] = &[$(Spec {
                key: stringify!($key),
                env: $env,
                doc: concat!($($doc),+),
                default: $default,
                secret: settings!(@secret $($secret)?),
            }),*];

            /// Resolves every setting; all mistakes are reported together.
            pub(super) fn resolve(layers: &Layers) -> Result<Self, Vec<SettingError>> {
                let mut errors = Vec::new();
                let mut sources = Vec::new();
                let mut specs = Self::SPECS.iter();
                $(
                    let spec = specs.next().expect("one spec per setting");
                    let $key = layers.find(spec).and_then(|Resolved { source, text }| {
                        let value = <$type as Value>::parse(text.trim())
                            .map_err(|why| SettingError::invalid(spec, &source, why))?;
                        sources.push((source, if spec.secret { value.redacted() } else { value.show() }));
                        Ok(value)
                    }).map_err(|error| errors.push(error)).ok();
                )*
                match ($($key,)*) {
                    ($(Some($key),)*) if errors.is_empty() => Ok(Self { $($key,)* sources }),
                    _ => Err(errors),
                }
            }

            /// Each setting with the place its value came from and the value as it may be shown.
            pub(crate) fn provenance(&self) -> impl Iterator<Item = (&'static Spec, &Source, &str)> {
                Self::SPECS.iter().zip(&self.sources).map(|(spec, (source, text))| (spec, source, text.as_str()))
            }
        }
    };
    (@secret) => { false };
    (@secret secret) => { true };
}

settings! {
    /// Address and port the server listens on; port 0 takes a free one.
    bind / "USHER_BIND": SocketAddr = "127.0.0.1:8080";
    /// Address under which the outside world reaches this server: links, webhook signatures and status callbacks are
    /// built on it. Unset: `http://` and the listening address.
    public_url / "USHER_PUBLIC_URL": Option<Url> = "";
    /// Directory of everything the server keeps: the embedded database, files and the generated master key.
    data_dir / "USHER_DATA_DIR": PathBuf = ".usher";
    /// `sqlite:PATH` or `postgres://user:password@host/database`. Unset: `usher.db` in the data directory. Every user of the
    /// machine sees a flag, so a password belongs into the variable or the file it names.
    database_url / "USHER_DATABASE_URL": Option<SecretString> = "" secret;
    /// 32 random bytes, base64 or hex: the key that wraps every other key. Unset: generated into the data directory.
    master_key / "USHER_MASTER_KEY": Option<SecretString> = "" secret;
    /// What an operator sends as `Authorization: Bearer …` to set up organisations, make calls and read call records; at
    /// least 16 characters. Unset: generated into the data directory.
    operator_key / "USHER_OPERATOR_KEY": Option<SecretString> = "" secret;
    /// Base address of Twilio's REST API; the credentials of organisations are only ever sent to this host.
    twilio_api_base / "USHER_TWILIO_API_BASE": Url = "https://api.twilio.com";
    /// Text message segments that may leave per second and sending number (or messaging service). Carriers set it by
    /// registration: 1 for an unregistered number, 3 toll-free, 12 and more for a registered campaign, 100 for a short code.
    sms_rate / "USHER_SMS_RATE": u32 = "12";
    /// Base address of ElevenLabs' API; its sockets are at the same host. Organisations' keys are only ever sent there.
    elevenlabs_api_base / "USHER_ELEVENLABS_API_BASE": Url = "https://api.elevenlabs.io";
    /// Base address of Retell's API. Organisations' keys are only ever sent there.
    retell_api_base / "USHER_RETELL_API_BASE": Url = "https://api.retellai.com";
    /// Base address of Vapi's API. Organisations' keys are only ever sent there.
    vapi_api_base / "USHER_VAPI_API_BASE": Url = "https://api.vapi.ai";
    /// Calls an organisation may have at one time, unless its own settings say fewer.
    voice_calls_per_org / "USHER_VOICE_CALLS_PER_ORG": usize = "20";
    /// Calls this node may have at one time.
    voice_calls_per_node / "USHER_VOICE_CALLS_PER_NODE": usize = "1000";
    /// Seconds after which a call is ended.
    voice_max_seconds / "USHER_VOICE_MAX_SECONDS": u32 = "900";
    /// Seconds a stopping server lets calls go on, and answers for them. Those that last longer hear that they should hold
    /// the line and are attached again wherever the public address leads by then.
    voice_drain_seconds / "USHER_VOICE_DRAIN_SECONDS": u64 = "25";
    /// Address at which Twilio asks when a document of a call cannot be had: a document that it keeps itself (a TwiML Bin), so
    /// that a call lives on while no server of ours answers. Unset: the public address once more, which is enough behind a load
    /// balancer with another server.
    voice_fallback_url / "USHER_VOICE_FALLBACK_URL": Option<Url> = "";
    /// What is logged: a level, or `target=level` pairs separated by commas.
    log / "USHER_LOG": String = "info,actix_server=warn,actix_http=off";
    /// `human`, `json`, or `auto`: human on a terminal, JSON otherwise.
    log_format / "USHER_LOG_FORMAT": LogFormat = "auto";
    /// Threads that answer HTTP; 0 is one per processor.
    http_workers / "USHER_HTTP_WORKERS": usize = "0";
    /// Threads that run sessions; 0 is one per processor.
    session_threads / "USHER_SESSION_THREADS": usize = "0";
    /// Inputs that may wait for one session before callers are told that it is busy.
    session_queue / "USHER_SESSION_QUEUE": usize = "64";
    /// Inputs that may wait on this node before callers are told that it is overloaded.
    node_queue / "USHER_NODE_QUEUE": usize = "8192";
    /// Largest body of an API request or webhook, in bytes.
    body_limit / "USHER_BODY_LIMIT": usize = "65536";
    /// Largest uploaded file, in bytes.
    upload_limit / "USHER_UPLOAD_LIMIT": u64 = "10485760";
    /// Widget requests per second and address, on average; a burst of ten times as many is let through. 0 is no limit.
    rate_per_address / "USHER_RATE_PER_ADDRESS": u32 = "20";
    /// Widget requests per second and organisation, on average; a burst of ten times as many is let through.
    /// 0 is no limit.
    rate_per_org / "USHER_RATE_PER_ORG": u32 = "500";
    /// Proxies (addresses or networks such as `10.0.0.0/8`, separated by commas) whose `X-Forwarded-For` is believed.
    trusted_proxies / "USHER_TRUSTED_PROXIES": TrustedProxies = "";
    /// Sites (origins, separated by commas) that may embed the widget of every organisation, besides its own list.
    allowed_origins / "USHER_ALLOWED_ORIGINS": Origins = "";
    /// Days of rest after which a client's link no longer opens the session; whatever happens in the session starts them
    /// anew. 0 lets links live for ever.
    link_days / "USHER_LINK_DAYS": u32 = "90";
    /// Seconds a stopping server gives to work in progress, once no call is live any more.
    drain_seconds / "USHER_DRAIN_SECONDS": u64 = "25";
}

impl Settings {
    /// The public address, given the one the server listens on.
    ///
    /// # Panics
    /// Never: a socket address makes a valid address.
    pub fn public_base(&self, listening: SocketAddr) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            Url::parse(&format!("http://{listening}")).expect("a socket address makes a valid http address")
        })
    }

    /// Whether somebody set it.
    pub fn is_set(&self, key: &str) -> bool {
        self.provenance().any(|(spec, source, _)| spec.key == key && *source != Source::Default)
    }

    /// The embedded database's file when none is configured.
    pub fn default_database(data_dir: &Path) -> String {
        format!("sqlite:{}", data_dir.join("usher.db").display())
    }
}
