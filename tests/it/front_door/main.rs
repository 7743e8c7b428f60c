//! The product through its front door: the real binary, signed webhooks, the widget's API and its socket.

mod calls;
mod command_line;
mod edges;
mod faults;
mod flood;
mod lines;
mod nodes;
mod outage;
mod setup;
mod sms;
mod stopping;
mod stopping_calls;
mod trouble;
mod voice;
mod voice_borders;
mod voice_frames;
mod voice_peers;
mod voice_suite;
mod widget;

use std::time::Duration;

/// The binary under test.
const USHER: &str = env!("CARGO_BIN_EXE_usher");
/// Longer than a healthy server needs for anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(15);
