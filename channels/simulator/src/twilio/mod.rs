//! Twilio Messaging, as strictly as Twilio itself.

mod create;
pub(crate) mod inbound;
mod keywords;
pub(crate) mod lifecycle;
mod list;
mod params;
mod problem;
pub(crate) mod resource;
pub(crate) mod rest;
pub mod twiml;
mod webhook;
