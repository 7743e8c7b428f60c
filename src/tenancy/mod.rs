//! Organisations (the tenants) and their contacts.

mod store;

use serde::{Deserialize, Serialize};
use usher_conversation::id::{ContactId, OrgId};

pub(crate) use store::{STATEMENTS, hold_contact};

/// A tenant: an agency or a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrgId,
    /// Its settings.
    pub profile: Profile,
}

/// What an organisation says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What clients call it.
    pub name: String,
    /// Language of new sessions: `en` or `es`.
    pub locale: String,
    /// Region of phone numbers written without a country, e.g. `US`.
    pub region: String,
    /// Pages that may embed the widget.
    pub allowed_origins: Vec<String>,
    /// How its pages look.
    pub theme: Theme,
}

impl std::ops::Deref for Organisation {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        &self.profile
    }
}

/// How an organisation's pages look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Theme {
    /// A CSS colour.
    pub accent: String,
}

impl Default for Theme {
    fn default() -> Self {
        Self { accent: "#0066cc".to_owned() }
    }
}

/// The person on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Their id.
    pub id: ContactId,
    /// What is known about them.
    pub details: ContactDetails,
}

/// What is known about a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactDetails {
    /// Their name; empty when unknown.
    pub name: String,
    /// E.164.
    pub phone: Option<String>,
    /// Lower-cased.
    pub email: Option<String>,
    /// Their time zone (IANA), when known.
    pub zone: Option<String>,
}
