//! The session state machine: `decide` turns a command into events, `apply` folds an event into the state,
//! `effects_of` says what must now be done outside. All three are pure.
//!
//! | file | what it holds |
//! |---|---|
//! | [`command`], [`event`], [`effect`] | what is asked, what happened, what must be done |
//! | [`state`], `cursor` | the fold: answers, consent, timers; which question is pending |
//! | [`decide`] | one arm per command; `draft` is the turn in the making |
//! | `understand` | words to intents; `converse` carries the intents out |
//! | `speech` | the bot's words; `nudge` its reminders |
//! | `calls`, [`tools`], `aloud` | the telephone: a call's news, what a speaking model may ask, values as they are said |
//! | [`reply`] | what the caller of a command is told |

mod aloud;
mod calls;
pub mod command;
mod converse;
mod cursor;
pub mod decide;
mod deliveries;
mod draft;
pub mod effect;
mod effects;
pub mod event;
mod nudge;
pub(crate) mod reading;
pub mod reply;
pub(crate) mod speech;
pub mod state;
pub mod tools;
mod understand;

pub use calls::LiveCall;
pub use command::{Command, Inbound, Media, MissedFile, Origin};
pub use decide::decide;
pub use effect::{DeliveryStatus, Effect, MessageKind, OutboundMessage, TimerKind};
pub use effects::effects_of;
pub use event::{EscalationReason, Event};
pub use reply::{FieldError, Reply, refusal, reply_of, reply_to_nothing};
pub use state::{
    Answer, Confirmation, LiveTimer, SessionMeta, SessionState, SessionStatus, Speaker, TranscriptEntry, fold,
};
