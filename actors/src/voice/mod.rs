//! Calls: one actor per call between the contact's line and a speaking agent.
//!
//! | module | what lives there |
//! |---|---|
//! | [`ports`] | what a call needs from the outside |
//! | [`settings`] | what a call is set up with |
//! | [`switchboard`] | admission, live calls, drain |
//! | [`channel`] | the actor of a call |
//! | `bridge`, `sides` | its two sides, and what is under way for it |
//! | `call` | the pure machine: events in, actions out |
//! | `clerk` | what a call asks of its session, in order |
//! | `news` | what a live call must know of the session's other channels |
//! | `meters` | what is counted |

pub mod channel;
pub mod ports;
pub mod settings;
pub mod switchboard;

mod bridge;
mod call;
mod clerk;
mod meters;
mod news;
mod sides;

pub use channel::{CallHandle, VoiceCall, VoiceChannel};
pub use settings::{CallLimits, Emergency, People, Setup};
pub use switchboard::{Line, NoLine, Switchboard};
