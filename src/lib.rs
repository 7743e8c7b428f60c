//! Usher: an actor-based realtime conversational runtime.

pub mod crypto;
pub mod db;
pub mod store;
