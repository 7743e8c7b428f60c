//! Usher: an actor-based realtime conversational runtime.

pub mod catalog;
pub mod crypto;
pub mod db;
pub mod files;
pub mod inbound;
pub mod onboarding;
pub mod outbound;
pub mod store;
pub mod tenancy;
