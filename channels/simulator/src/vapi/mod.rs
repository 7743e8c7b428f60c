//! Vapi: assistants that hold calls. The telephony, the ears and the voice are here; the words come from a server's own
//! model, or from a model here that uses the server's tools.
//!
//! | file | what lives there |
//! |---|---|
//! | `rest` | assistants, credentials, numbers and calls |
//! | `call` | the life of a call, and the messages about it |
//! | `talk` | who says what |
//! | `model` | the two kinds of model |

mod call;
mod model;
mod rest;
mod talk;

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::mpsc::Sender;

pub(crate) use call::{dialled, number_of};
pub(crate) use rest::routes;

/// The private key that is accepted.
pub const API_KEY: &str = "vapi_simulator";

/// What the vendor knows, by id. It lasts as long as the simulator.
#[derive(Default)]
pub(crate) struct Vendor {
    assistants: BTreeMap<String, Value>,
    credentials: BTreeMap<String, Value>,
    numbers: BTreeMap<String, Value>,
    calls: BTreeMap<String, Value>,
    /// How calls that go on are steered.
    steering: BTreeMap<String, Sender<talk::Steer>>,
}
