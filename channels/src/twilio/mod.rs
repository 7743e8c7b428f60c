//! Twilio: messages and calls.

pub mod client;
pub mod codec;
pub mod errors;
pub mod form;
pub mod media;
pub mod numbers;
pub mod signature;
pub mod status;
pub mod voice;

pub use client::{LookupQuery, OutgoingMessage, Sender, TwilioClient, TwilioCredentials};
pub use codec::{Address, CodecError, InboundMessage, StatusCallback};
pub use form::{Form, FormError};
pub use media::{FetchedMedia, MediaError};
pub use signature::{Payload, SharedKey, SignatureError, SignatureHeaders, SignedUrl, SigningKey};
pub use status::MessageStatus;
