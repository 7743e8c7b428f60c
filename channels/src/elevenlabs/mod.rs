//! `ElevenLabs` Agents: a speaking model at the end of a WebSocket.

pub mod client;
pub mod frame;
pub mod setup;
pub mod socket;
pub mod webhook;

pub use client::{DEFAULT_API_BASE, ElevenLabsClient, Webhook};
