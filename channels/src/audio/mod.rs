//! Sound between two sides that speak different formats: G.711 µ-law, linear samples at another rate, with or without base64.
//!
//! Where both sides agree (telephones and agents set up for `ulaw_8000`) none of this runs: see [`Transcoder`].

pub mod mulaw;
mod resample;
mod transcode;

pub use resample::Resampler;
pub use transcode::Transcoder;
