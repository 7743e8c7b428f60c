//! What an organisation sells, and the questions that go with it.

mod store;

use serde::{Deserialize, Serialize};
use usher_conversation::id::{PackageId, ServiceId};

pub(crate) use store::STATEMENTS;

/// A service that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// What it is.
    pub offer: Offer,
}

/// What a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// One sentence for the client.
    pub description: String,
    /// The fields it cannot be carried out without.
    #[serde(default)]
    pub required_data_fields: Vec<String>,
    /// What is done once they are known.
    #[serde(default)]
    pub setup_steps: Vec<String>,
}

/// Services sold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its id.
    pub id: PackageId,
    /// Its name.
    pub name: String,
    /// What is in it, in order.
    pub services: Vec<ServiceId>,
}
