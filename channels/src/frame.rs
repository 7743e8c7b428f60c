//! What the vendors' sockets have in common: JSON in text frames, most of them audio.
//!
//! A frame of audio is read in one pass, without a tree and without copying the sound, and written by appending to the
//! caller's buffer. All other frames are rare and go through serde's derived code.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use usher_conversation::voice::{Audio, Coding};

/// A frame that is not what the protocol says. Carries no content: that is somebody's speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Larger than this side takes, in bytes.
    #[error("the frame is larger than {0} bytes")]
    TooLarge(usize),
    /// Not JSON, or not of the form the named event has.
    #[error("the frame is not a well-formed {0}")]
    Malformed(&'static str),
}

/// Audio that cannot stand in a JSON frame, because what should be base64 is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audio is not base64")]
pub struct NotBase64;

/// Text of a frame: a slice of the frame, unless something in it was escaped.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'f>(#[serde(borrow)] Cow<'f, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as part of `frame`, which it was read from.
    pub(crate) fn bytes(&self, frame: &Bytes) -> Bytes {
        match &self.0 {
            Cow::Borrowed(text) => frame.slice_ref(text.as_bytes()),
            Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        }
    }
}

/// Reads a frame of the named form.
pub(crate) fn read<'f, T: Deserialize<'f>>(frame: &'f [u8], form: &'static str) -> Result<T, FrameError> {
    serde_json::from_slice(frame).map_err(|_| FrameError::Malformed(form))
}

/// Appends a frame that is not audio.
pub(crate) fn write(frame: &impl Serialize, out: &mut String) {
    let json = serde_json::to_string(frame).expect("frames have text keys and finite numbers");
    out.push_str(&json);
}

/// Appends audio as the inside of a JSON string. On an error `out` is as it was.
pub(crate) fn push_audio(audio: &Audio, out: &mut String) -> Result<(), NotBase64> {
    match audio.coding {
        Coding::Raw => STANDARD.encode_string(&audio.data, out),
        Coding::Base64 => out.push_str(base64_text(&audio.data)?),
    }
    Ok(())
}

/// The bytes as text when they consist of base64's characters only, so that they need no escaping. Whether they decode is
/// for the player to find out.
fn base64_text(bytes: &[u8]) -> Result<&str, NotBase64> {
    // No early end: this way the compiler looks at many bytes at once.
    let fits = |byte: u8| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=');
    let all = bytes.iter().fold(true, |all, &byte| all & fits(byte));
    if all { std::str::from_utf8(bytes).map_err(|_| NotBase64) } else { Err(NotBase64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_written_as_it_came_or_wrapped() {
        let mut out = "[".to_owned();
        push_audio(&Audio::base64(Bytes::from_static(b"no+J/w==")), &mut out).expect("base64");
        push_audio(&Audio::raw(Bytes::from_static(&[0, 1, 2])), &mut out).expect("raw");
        assert_eq!(out, "[no+J/w==AAEC");
    }

    #[test]
    fn nothing_can_break_out_of_the_json_string() {
        for bad in ["\"", "AA\",\"event\":\"stop", "AA\\", "A A", "A\n", "\u{e9}", "\0"] {
            let mut out = String::new();
            assert_eq!(push_audio(&Audio::base64(Bytes::from(bad.to_owned())), &mut out), Err(NotBase64));
            assert_eq!(out, "", "{bad:?}");
        }
    }
}
