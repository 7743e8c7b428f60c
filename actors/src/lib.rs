//! The runtime: session actors on actix, and everything that keeps their promises.
//!
//! | module | what lives there |
//! |---|---|
//! | [`runtime`] | the front door: start, handle, read, subscribe, drain |
//! | [`config`] | settings, the ports and the engine as values |
//! | `admission` | how much may wait, per session and per node |
//! | `mailbox` | the one way a message reaches an actor |
//! | `registry` | one actor per arbiter: session id to address, activation and passivation |
//! | `session`, `owner` | the session actor, and the one-at-a-time work it does |
//! | `replay` | states of the past, folded from the journal |
//! | [`hub`] | watchers: bounded windows, resume without a gap |
//! | `outbox`, `lane` | the relay that claims messages, the channel actor that sends them |
//! | `retry`, `pace` | pure: what follows an outcome, when the next message may start |
//! | `timers` | durable timers come due |
//! | [`voice`] | calls: one actor per call between a line and a speaking agent |
//! | [`alarm`] | waiting for an instant of the injected clock |
//! | `meters` | what is counted |

pub mod alarm;
pub mod config;
pub mod error;
pub mod hub;
pub mod runtime;
pub mod voice;

mod admission;
mod crash_point;
mod lane;
mod mailbox;
mod meters;
mod node;
mod outbox;
mod owner;
mod pace;
mod quarantine;
mod registry;
mod replay;
mod retry;
mod session;
mod timers;

pub use alarm::{Alarm, ClockAlarm};
pub use config::{Engine, Ports, RuntimeConfig};
pub use crash_point::crash_point;
pub use error::RuntimeError;
pub use hub::{Acker, CloseReason, Published, Subscription, Update};
pub use owner::{Current, Handled};
pub use runtime::{Drained, Runtime, Stats};
