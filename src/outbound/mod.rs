//! The way out: text messages through the organisation's own Twilio account.

pub(crate) mod store;

use usher_channels::twilio::TwilioCredentials;

/// How an organisation sends text messages.
#[derive(Debug, Clone)]
pub struct SmsAccount {
    /// Its account.
    pub credentials: TwilioCredentials,
    /// Who messages are sent as.
    pub sender: SmsSender,
}

/// Who messages are sent as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsSender {
    /// One number.
    Number(String),
    /// A messaging service, which picks the number.
    Service(String),
}
