//! Audio on its way through a call.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How samples are written; always one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum AudioFormat {
    /// G.711 µ-law, 8,000 samples a second, one byte each: what telephones speak.
    Mulaw8k,
    /// Signed 16-bit little-endian samples at `hz` a second.
    Pcm16 {
        /// Samples per second.
        hz: u32,
    },
}

/// A format nobody speaks here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audio format {0:?} is not known")]
pub struct UnknownFormat(String);

impl AudioFormat {
    /// Rates a PCM side may ask for.
    const RATES: [u32; 6] = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

    /// Samples per second.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Mulaw8k => 8_000,
            Self::Pcm16 { hz } => hz,
        }
    }

    /// Bytes per second.
    pub const fn bytes_per_second(self) -> u32 {
        match self {
            Self::Mulaw8k => 8_000,
            Self::Pcm16 { hz } => hz * 2,
        }
    }

    /// How long `bytes` of raw audio sound, in milliseconds.
    pub fn millis_of(self, bytes: usize) -> u64 {
        bytes as u64 * 1_000 / u64::from(self.bytes_per_second())
    }
}

impl fmt::Display for AudioFormat {
    /// The names `ulaw_8000` and `pcm_16000` that vendors use.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mulaw8k => f.write_str("ulaw_8000"),
            Self::Pcm16 { hz } => write!(f, "pcm_{hz}"),
        }
    }
}

impl FromStr for AudioFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        if name == "ulaw_8000" {
            return Ok(Self::Mulaw8k);
        }
        name.strip_prefix("pcm_")
            .and_then(|rate| rate.parse().ok())
            .filter(|rate| Self::RATES.contains(rate))
            .map(|hz| Self::Pcm16 { hz })
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

impl TryFrom<String> for AudioFormat {
    type Error = UnknownFormat;

    fn try_from(name: String) -> Result<Self, UnknownFormat> {
        name.parse()
    }
}

impl From<AudioFormat> for String {
    fn from(format: AudioFormat) -> Self {
        format.to_string()
    }
}

/// How a piece of audio is wrapped. Two sides that agree on the format exchange it without unwrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Standard base64 with padding, as it stood in a JSON frame.
    Base64,
    /// The samples themselves.
    Raw,
}

/// A piece of audio: a reference into the frame it came in, so that passing it on copies nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// The bytes, wrapped as `coding` says. Not checked: a side that unwraps drops and counts what is no base64.
    pub data: Bytes,
    /// The wrapping.
    pub coding: Coding,
}

impl Audio {
    /// Audio as it stood in a JSON frame.
    pub const fn base64(data: Bytes) -> Self {
        Self { data, coding: Coding::Base64 }
    }

    /// The samples themselves.
    pub const fn raw(data: Bytes) -> Self {
        Self { data, coding: Coding::Raw }
    }

    /// Bytes of raw audio in it, without unwrapping.
    pub fn raw_len(&self) -> usize {
        match self.coding {
            Coding::Raw => self.data.len(),
            Coding::Base64 => {
                let padding = self.data.iter().rev().take(2).filter(|&&byte| byte == b'=').count();
                (self.data.len() / 4 * 3).saturating_sub(padding)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_the_names_that_vendors_use() {
        for name in ["ulaw_8000", "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000"]
        {
            assert_eq!(name.parse::<AudioFormat>().map(|format| format.to_string()).as_deref(), Ok(name));
        }
        for name in ["", "pcm_", "pcm_1", "pcm_16000 ", "ulaw_16000", "mp3_44100_128"] {
            assert!(name.parse::<AudioFormat>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_length_of_wrapped_audio_is_known_without_unwrapping() {
        for (wrapped, bytes) in [("", 0), ("AA==", 1), ("AAA=", 2), ("AAAA", 3), ("AAAAAA==", 4)] {
            assert_eq!(Audio::base64(Bytes::from_static(wrapped.as_bytes())).raw_len(), bytes, "{wrapped}");
        }
        assert_eq!(AudioFormat::Mulaw8k.millis_of(160), 20);
        assert_eq!(AudioFormat::Pcm16 { hz: 16_000 }.millis_of(640), 20);
    }
}
