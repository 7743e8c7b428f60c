//! Calls through the runtime's public door: a fake line, a fake agent, the real session engine over an in-memory store.
//!
//! Time moves only when a test moves it. What the two sides, the telephone network and the call records see is written
//! into one log, in order; tests await what they expect to find in it.

mod stage;
#[path = "../runtime/support/mod.rs"]
#[expect(dead_code, reason = "the runtime's own tests use the rest of it")]
mod support;

mod bridge;
mod failures;
mod flaws;
mod session;
mod switchboard;
