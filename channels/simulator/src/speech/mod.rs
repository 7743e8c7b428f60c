//! Words as sound.
//!
//! What is said on the simulator's lines really travels as sound: a burst with the phrase's number, then a voice or a tone as
//! long as the words take. Whoever listens knows a phrase only from the samples that arrive, and of its words only those
//! whose sound arrived, in order. So captions show what was really played, and a lost frame is noticed.

mod book;
mod burst;
mod ear;
pub(crate) mod g711;
mod resample;
mod voice;
pub(crate) mod wav;

pub(crate) use book::PhraseBook;
pub(crate) use ear::{Ear, Hearing, Sound};
pub(crate) use resample::Resampler;
pub(crate) use voice::Phrase;
pub use voice::SpeechVoice;
