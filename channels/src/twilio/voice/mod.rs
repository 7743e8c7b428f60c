//! Twilio's telephone network: webhooks about calls, the documents that answer them, the call's audio, and the Calls API.

pub mod calls;
pub mod stream;
pub mod twiml;
pub mod webhook;
