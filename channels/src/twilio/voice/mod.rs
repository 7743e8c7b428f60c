//! Twilio's telephone network: webhooks about calls, the documents that answer them, the call's audio, and the Calls API.

pub mod stream;
