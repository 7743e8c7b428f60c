//! Retell AI: calls whose words come from a server's custom-LLM socket. The telephony, the ears and the voice are here.

mod call;
mod rest;
mod socket;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use call::{dialled, number_of};
pub(crate) use rest::routes;

/// The key that is accepted; it signs the webhooks, too.
pub const API_KEY: &str = "key_simulator";

/// What the vendor knows. It lasts as long as the simulator.
#[derive(Default)]
pub(crate) struct Vendor {
    agents: BTreeMap<String, Value>,
    /// By E.164.
    numbers: BTreeMap<String, Value>,
    /// Call objects by id.
    calls: BTreeMap<String, Value>,
}
