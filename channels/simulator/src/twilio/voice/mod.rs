//! Twilio Voice: calls, TwiML, media streams and recordings, as strictly as Twilio itself.

mod amd;
pub(crate) mod bins;
mod dial;
mod document;
mod draft;
mod frames;
mod gather;
pub(crate) mod lifecycle;
pub(crate) mod recording;
mod reports;
mod resource;
pub(crate) mod rest;
mod run;
mod stream;
