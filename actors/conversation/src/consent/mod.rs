//! Consent: opt-out, opt-in and help words on every channel, and quiet hours.

mod quiet_hours;
mod wording;
mod zones;

pub use quiet_hours::{calling_code, permitted_at};
pub use wording::{keyword, opted_in_again, plain_opt_out};

use serde::{Deserialize, Serialize};

/// A reserved word's class (`protocols`: Twilio section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyword {
    /// STOP, UNSUBSCRIBE, …
    Stop,
    /// START, UNSTOP, and YES while opted out.
    Start,
    /// HELP, INFO.
    Help,
}

/// How consent changes, for the person and the whole organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentChange {
    /// Nothing may be sent any more.
    OptedOut,
    /// Sending is allowed again.
    OptedIn,
}
