//! Providers that hold a whole call themselves, Retell and Vapi: they hear and speak, and ask us for the words.
//!
//! | file | what lives there |
//! |---|---|
//! | [`turns`] | what the contact said becomes what they hear next |
//! | [`calls`] | how a call begins and ends when somebody else holds it |
//! | [`setup`] | how an operator connects an organisation with a provider |
//! | [`store`] | the SQL |

pub(super) mod calls;
pub mod setup;
mod store;
pub(super) mod turns;

pub(crate) use store::STATEMENTS;

use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::web;
use moka::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use usher_channels::http::HttpStack;
use usher_channels::retell::RetellClient;
use usher_channels::vapi::VapiClient;
use usher_conversation::id::CallId;
use usher_conversation::problem::Problem;

use super::{elevenlabs, retell, vapi};
use crate::config::Settings;
use crate::web::Fault;
use crate::web::route::at;

/// What is remembered of a call's last turn is of use for so long.
const REMEMBER_TURNS: Duration = Duration::from_hours(1);
const REMEMBERED: u64 = 10_000;

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/voice/peers/{org}").put(setup::connect))
        .configure(elevenlabs::configure)
        .configure(retell::configure)
        .configure(vapi::configure);
}

/// What lets an organisation's provider in, and where it reaches us.
#[derive(Debug)]
pub struct Peer {
    /// Our number as the provider knows it: E.164 at Retell, an id at Vapi.
    pub line: Option<String>,
    /// The secret in the address of the socket, and of every webhook that is not signed.
    pub door: SecretString,
}

/// What a provider reported of a call that is over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerReport {
    /// The conversation as one text.
    pub transcript: Option<String>,
    /// A few sentences about it.
    pub summary: Option<String>,
    /// Whether the call did what it was for, in the provider's judgement.
    pub successful: Option<bool>,
    /// What the provider was asked to find in it.
    pub findings: Option<Value>,
    /// What it cost, in cents.
    pub cost_cents: Option<f64>,
    /// What it cost, in the provider's credits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_credits: Option<f64>,
}

/// The clients of the providers, and what is remembered of their calls.
pub(crate) struct Peers {
    pub(super) retell: RetellClient,
    pub(super) vapi: VapiClient,
    /// The last turn of each call.
    pub(super) turns: Cache<CallId, turns::LastTurn>,
}

impl Peers {
    /// # Errors
    /// When an API's address cannot be used.
    pub(super) fn new(settings: &Settings, http: &HttpStack) -> anyhow::Result<Self> {
        Ok(Self {
            retell: RetellClient::new(http.clone(), settings.retell_api_base.as_str())?,
            vapi: VapiClient::new(http.clone(), settings.vapi_api_base.as_str())?,
            turns: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBER_TURNS).build(),
        })
    }
}

/// Refuses a request that does not come from the organisation's provider. Which part was wrong is told to the log only.
pub(super) fn refused(why: &'static str) -> Fault {
    metrics::counter!("usher_webhooks_refused_total").increment(1);
    tracing::warn!(why, "a provider's request was refused");
    Fault::new(Problem::InvalidSignature, "The request does not come from the organisation's provider.")
}

/// The value of a header, when it is text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
