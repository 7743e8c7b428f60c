//! Telephone calls, whichever vendor carries them.

pub(crate) mod brain;
mod line;
mod live;
mod log;
mod recorder;
mod ring;

pub(crate) use line::{Tapped, telephone};
pub(crate) use live::{LineEvent, Live, Order, Phase, play, silence};
pub(crate) use log::{Entry, Log, Until};
pub(crate) use recorder::{Pause, Recorder, Track};
pub(crate) use ring::{Unanswered, ring};

/// What a call is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// What a server answers.
    Url {
        /// Its address.
        url: String,
        /// `GET` or `POST`.
        method: String,
    },
    /// These, word for word.
    Inline(String),
}
