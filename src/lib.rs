//! Usher: an actor-based realtime conversational runtime.

pub mod app;
pub mod catalog;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod files;
pub mod inbound;
pub mod lifecycle;
pub mod onboarding;
pub mod outbound;
pub mod projector;
pub mod server;
pub mod setup;
pub mod store;
pub mod tenancy;
pub mod voice;
pub mod web;
