//! The ways a conversation crosses the border.

use serde::{Deserialize, Serialize};

/// A way of talking with a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Text messages.
    Sms,
    /// Telephone calls and the widget's microphone.
    Voice,
    /// Electronic mail.
    Email,
    /// The embeddable web widget and its hosted page.
    Widget,
}

impl Channel {
    /// The stable name used in the journal, the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::Widget => "widget",
        }
    }
}

impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
