//! The session state machine: `decide` turns a command into events, `apply` folds an event into the state,
//! `effects_of` says what must now be done outside. All three are pure.

pub mod command;
pub mod decide;
pub mod effect;
pub mod event;
pub mod state;

pub use command::{Command, Inbound, Media, Origin};
pub use decide::{decide, effects_of};
pub use effect::{DeliveryStatus, Effect, MessageKind, OutboundMessage, TimerKind};
pub use event::Event;
pub use state::{
    Answer, Confirmation, SessionMeta, SessionState, SessionStatus, Speaker, TranscriptEntry, fold,
};
