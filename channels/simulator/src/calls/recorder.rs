//! What a recording hears.

use super::line::Frame;
use crate::speech::{g711, wav};

/// Half an hour; a longer call is recorded so far.
const MAX_BYTES: usize = 8_000 * 2 * 60 * 30;

/// Which side is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Inbound,
    Outbound,
    Both,
}

/// A recording under way.
pub(crate) struct Recorder {
    pub(crate) sid: String,
    track: Track,
    channels: u16,
    /// Nothing is taken while it pauses; with `silence` that much silence is.
    pub(crate) paused: Option<Pause>,
    bytes: Vec<u8>,
    audible: bool,
}

/// What a pause leaves in the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    Skip,
    Silence,
}

impl Recorder {
    pub(crate) const fn new(sid: String, track: Track, channels: u16) -> Self {
        Self { sid, track, channels, paused: None, bytes: Vec::new(), audible: false }
    }

    /// Takes 20 ms of both sides.
    pub(crate) fn take(&mut self, said: &Frame, played: &Frame) {
        if self.bytes.len() >= MAX_BYTES || self.paused == Some(Pause::Skip) {
            return;
        }
        for (inbound, outbound) in said.iter().zip(played) {
            let silent = self.paused.is_some();
            let inbound = if silent || self.track == Track::Outbound { g711::SILENCE } else { *inbound };
            let outbound = if silent || self.track == Track::Inbound { g711::SILENCE } else { *outbound };
            let mixed = g711::encode(g711::decode(inbound).saturating_add(g711::decode(outbound)));
            self.audible |= mixed != g711::SILENCE;
            if self.channels == 2 {
                self.bytes.extend([inbound, outbound]);
            } else {
                self.bytes.push(mixed);
            }
        }
    }

    /// Whole seconds recorded so far.
    pub(crate) fn seconds(&self) -> i64 {
        let seconds = self.bytes.len().div_ceil(usize::from(self.channels) * 8_000);
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }

    /// The file, or the vendor's code for a recording that is none.
    pub(crate) fn finish(self) -> Result<Vec<u8>, u32> {
        match (self.bytes.is_empty(), self.audible) {
            (true, _) => Err(16_101),
            (false, false) => Err(16_102),
            (false, true) => Ok(wav::write_telephone(&self.bytes, self.channels)),
        }
    }
}
