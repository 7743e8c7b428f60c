//! Vapi: a telephone agent that posts what happens on a call, and may ask us for its words as if we were a language model.

pub mod auth;
pub mod client;
pub mod llm;
pub mod message;

pub use client::{DEFAULT_API_BASE, VapiClient};
