//! How a message crosses the border: one folder per vendor.
//!
//! Each vendor folder has a pure `codec` (bytes to types and back), a thin `client` on the one shared [`http`] stack, and a
//! `signature` module when the vendor signs what it posts.

pub mod audio;
pub mod elevenlabs;
mod frame;
pub mod http;
mod proof;
mod rest;
pub mod retell;
pub mod segments;
pub mod twilio;
pub mod vapi;
pub mod widget;

pub use frame::{FrameError, NotBase64};
pub use proof::ProofError;
pub use rest::{ApiError, InvalidApiBase};
