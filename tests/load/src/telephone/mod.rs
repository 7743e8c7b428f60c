//! Many telephone calls at once: the carrier's side and the agent's side of each, in this program.
//!
//! Both ends being here, every 20 ms frame carries its number from one end to the other inside its sound, so that loss,
//! disorder and the time on the way are seen exactly.

mod agent;
mod call;
mod meter;
mod wire;

pub use agent::Agent;
pub use call::{Call, Way};
pub use meter::{Direction, Meter, Seen, percentiles};
