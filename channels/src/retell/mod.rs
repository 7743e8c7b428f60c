//! Retell: a telephone agent that asks us for every word it says.

pub mod call;
pub mod client;
pub mod frame;
pub mod webhook;

pub use call::Call;
pub use client::{DEFAULT_API_BASE, RetellClient};
