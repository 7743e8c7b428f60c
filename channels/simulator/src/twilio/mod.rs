//! Twilio Messaging and Voice, as strictly as Twilio itself.

mod create;
pub(crate) mod inbound;
mod keywords;
pub(crate) mod lifecycle;
mod list;
mod numbers;
pub(crate) mod params;
pub(crate) mod problem;
pub(crate) mod resource;
pub(crate) mod rest;
pub mod twiml;
pub(crate) mod voice;
pub(crate) mod webhook;
