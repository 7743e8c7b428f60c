//! Media Streams: the audio of a call over a WebSocket, as JSON in text frames.
//!
//! Twilio opens the socket and sends [`Frame`]s: `connected`, then `start`, then the caller's audio 20 ms at a time. We send
//! [`Order`]s, and nothing before `start` has named the stream. Both directions are written and read here: the server needs
//! one half, a stand-in for Twilio the other.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use usher_conversation::voice::{Audio, AudioFormat, CarrierEvent};

use crate::frame::{FrameError, NotBase64, Text, push_audio, read, write};
use crate::twilio::codec::is_sid;

/// The largest frame taken, in bytes. Twilio's hold 216 characters of audio and `start` up to 99 parameters of 500; ours at
/// most a few seconds of audio.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;
/// The only encoding a call has.
const ENCODING: &str = "audio/x-mulaw";

/// What a stream belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamIds {
    /// `AC…`; a claim until the upgrade's signature or the token proves it.
    pub account: String,
    /// `CA…`.
    pub call: String,
    /// The stream itself.
    pub stream: StreamSid,
}

/// The id of a stream, `MZ…`: letters and digits only, so it is written into frames as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamSid(Box<str>);

impl StreamSid {
    /// The id, when it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        is_sid(text, "MZ").then(|| Self(text.into()))
    }

    /// As text.
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the TwiML's `<Parameter>`s hand over. A token is among them, so printing shows the names only.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, String>);

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Parameters {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// How a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What the stream belongs to.
    pub ids: StreamIds,
    /// The sides that will be heard; `inbound` alone where we may speak.
    pub tracks: Vec<String>,
    /// Always µ-law so far; another format makes the frame malformed.
    pub format: AudioFormat,
    /// What the TwiML handed over.
    pub parameters: Parameters,
}

/// A frame from Twilio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The first frame, once.
    Connected,
    /// The second frame, once.
    Start(Box<Start>),
    /// The caller's voice. The data is a slice of the frame.
    Media(Audio),
    /// A key was pressed.
    Dtmf(char),
    /// Everything sent before the mark of this name was played, or thrown away by a `clear`.
    Mark(String),
    /// The stream is over. The socket may also close without it.
    Stop,
    /// An event that is not known here, or audio that is not the caller's: to be ignored.
    Other,
}

impl Frame {
    /// Reads a text frame.
    pub fn decode(frame: &Bytes) -> Result<Self, FrameError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(MAX_FRAME_BYTES));
        }
        let head: Head<'_> = read(frame, "media stream frame")?;
        Ok(match (head.event.as_str(), head.media) {
            ("media", Some(media)) => match media.track {
                Some(track) if track.as_str() != "inbound" => Self::Other,
                _ => Self::Media(Audio::base64(media.payload.bytes(frame))),
            },
            ("media", None) => return Err(FrameError::Malformed("media frame")),
            ("start", _) => Self::Start(Box::new(read::<StartFrame>(frame, "start frame")?.try_into()?)),
            ("dtmf", _) => {
                Self::Dtmf(digit(read::<DtmfFrame<'_>>(frame, "dtmf frame")?.dtmf.digit.as_str())?)
            }
            ("mark", _) => Self::Mark(read::<MarkFrame>(frame, "mark frame")?.mark.name),
            ("connected", _) => Self::Connected,
            ("stop", _) => Self::Stop,
            _ => Self::Other,
        })
    }

    /// What it means for the call; nothing for `connected`, `start` and a mark that is not ours.
    pub fn into_event(self) -> Option<CarrierEvent> {
        match self {
            Self::Media(audio) => Some(CarrierEvent::Audio(audio)),
            Self::Dtmf(digit) => Some(CarrierEvent::Digit(digit)),
            Self::Mark(name) => name.parse().ok().map(CarrierEvent::Played),
            Self::Stop => Some(CarrierEvent::Hangup),
            Self::Connected | Self::Start(_) | Self::Other => None,
        }
    }

    /// Appends the frame as Twilio writes it. [`Self::Other`] appends nothing. On an error `out` is as it was.
    pub fn encode(&self, ids: &StreamIds, place: Place, out: &mut String) -> Result<(), NotBase64> {
        let sequence = place.sequence.to_string();
        let stream = ids.stream.as_str();
        match self {
            Self::Connected => out.push_str(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#),
            Self::Start(start) => write(&StartFrame::new(start, sequence), out),
            Self::Media(audio) => {
                let before = out.len();
                let (chunk, millis) = (place.chunk.to_string(), place.millis.to_string());
                let media =
                    [r#"","media":{"track":"inbound","chunk":""#, &chunk, r#"","timestamp":""#, &millis];
                out.extend([r#"{"event":"media","sequenceNumber":""#, &sequence]);
                out.extend(media);
                out.push_str(r#"","payload":""#);
                if let Err(error) = push_audio(audio, out) {
                    out.truncate(before);
                    return Err(error);
                }
                out.extend([r#""},"streamSid":""#, stream, r#""}"#]);
            }
            Self::Dtmf(digit) => {
                let head = [r#"{"event":"dtmf","streamSid":""#, stream, r#"","sequenceNumber":""#, &sequence];
                out.extend(head);
                out.push_str(r#"","dtmf":{"track":"inbound_track","digit":""#);
                out.push(*digit);
                out.push_str(r#""}}"#);
            }
            Self::Mark(name) => write(
                &MarkFrame {
                    event: "mark".into(),
                    sequence_number: Some(sequence),
                    stream_sid: stream.into(),
                    mark: Name { name: name.clone() },
                },
                out,
            ),
            Self::Stop => write(
                &StopFrame {
                    event: "stop",
                    sequence_number: &sequence,
                    stop: Stop { account_sid: &ids.account, call_sid: &ids.call },
                    stream_sid: stream,
                },
                out,
            ),
            Self::Other => {}
        }
        Ok(())
    }
}

/// Where in a stream a frame stands, for the side that plays Twilio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Counts all frames from 1, `start`; `connected` has none.
    pub sequence: u64,
    /// Counts the frames of audio from 1.
    pub chunk: u64,
    /// Milliseconds of sound before this frame.
    pub millis: u64,
}

/// A frame to Twilio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Play this after everything sent before: µ-law at 8,000 a second, any length.
    Media(Audio),
    /// Say when everything sent before has been played.
    Mark(String),
    /// Throw away what has not been played. All pending marks come back.
    Clear,
}

impl Order {
    /// The mark that comes back as [`CarrierEvent::Played`] of this number.
    pub fn mark(number: u64) -> Self {
        Self::Mark(number.to_string())
    }

    /// Appends the frame. On an error `out` is as it was.
    pub fn encode(&self, stream: &StreamSid, out: &mut String) -> Result<(), NotBase64> {
        match self {
            Self::Media(audio) => return media(stream, audio, out),
            Self::Mark(name) => write(
                &MarkFrame {
                    event: "mark".into(),
                    sequence_number: None,
                    stream_sid: stream.as_str().into(),
                    mark: Name { name: name.clone() },
                },
                out,
            ),
            Self::Clear => out.extend([r#"{"event":"clear","streamSid":""#, stream.as_str(), r#""}"#]),
        }
        Ok(())
    }

    /// Reads a text frame as Twilio does: strictly, and an event that is not known is an error (31950).
    pub fn decode(frame: &Bytes) -> Result<(StreamSid, Self), FrameError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge(MAX_FRAME_BYTES));
        }
        let head: Head<'_> = read(frame, "media stream frame")?;
        let stream = head.stream_sid.as_ref().and_then(|sid| StreamSid::parse(sid.as_str()));
        let stream = stream.ok_or(FrameError::Malformed("stream id"))?;
        let order = match (head.event.as_str(), head.media) {
            ("media", Some(media)) => Self::Media(Audio::base64(media.payload.bytes(frame))),
            ("mark", _) => Self::Mark(read::<MarkFrame>(frame, "mark frame")?.mark.name),
            ("clear", _) => Self::Clear,
            _ => return Err(FrameError::Malformed("media stream frame")),
        };
        Ok((stream, order))
    }
}

/// Appends a frame that plays `audio`. On an error `out` is as it was.
pub fn media(stream: &StreamSid, audio: &Audio, out: &mut String) -> Result<(), NotBase64> {
    let before = out.len();
    out.extend([r#"{"event":"media","streamSid":""#, stream.as_str(), r#"","media":{"payload":""#]);
    if let Err(error) = push_audio(audio, out) {
        out.truncate(before);
        return Err(error);
    }
    out.push_str(r#""}}"#);
    Ok(())
}

/// The keys of a telephone.
fn digit(text: &str) -> Result<char, FrameError> {
    let mut keys = text.chars();
    match (keys.next(), keys.next()) {
        (Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => Ok(key),
        _ => Err(FrameError::Malformed("dtmf digit")),
    }
}

/// What every frame is looked at for; one pass, and all there is to read in a frame of audio.
#[derive(Deserialize)]
struct Head<'f> {
    #[serde(borrow)]
    event: Text<'f>,
    #[serde(borrow, rename = "streamSid")]
    stream_sid: Option<Text<'f>>,
    #[serde(borrow)]
    media: Option<MediaPart<'f>>,
}

#[derive(Deserialize)]
struct MediaPart<'f> {
    #[serde(borrow)]
    track: Option<Text<'f>>,
    #[serde(borrow)]
    payload: Text<'f>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartFrame {
    event: String,
    #[serde(default)]
    sequence_number: String,
    start: StartPart,
    #[serde(default)]
    stream_sid: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartPart {
    account_sid: String,
    stream_sid: String,
    call_sid: String,
    #[serde(default)]
    tracks: Vec<String>,
    media_format: MediaFormat,
    #[serde(default)]
    custom_parameters: Parameters,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: String,
    sample_rate: u32,
    channels: u32,
}

impl StartFrame {
    fn new(start: &Start, sequence_number: String) -> Self {
        let Start { ids, tracks, format, parameters } = start;
        let stream_sid = ids.stream.as_str().to_owned();
        Self {
            event: "start".to_owned(),
            sequence_number,
            start: StartPart {
                account_sid: ids.account.clone(),
                stream_sid: stream_sid.clone(),
                call_sid: ids.call.clone(),
                tracks: tracks.clone(),
                media_format: MediaFormat {
                    encoding: ENCODING.to_owned(),
                    sample_rate: format.hz(),
                    channels: 1,
                },
                custom_parameters: parameters.clone(),
            },
            stream_sid,
        }
    }
}

impl TryFrom<StartFrame> for Start {
    type Error = FrameError;

    fn try_from(frame: StartFrame) -> Result<Self, FrameError> {
        let StartPart { account_sid, stream_sid, call_sid, tracks, media_format, custom_parameters } =
            frame.start;
        if !(is_sid(&account_sid, "AC") && is_sid(&call_sid, "CA")) {
            return Err(FrameError::Malformed("start frame"));
        }
        if !matches!(&media_format, MediaFormat { encoding, sample_rate: 8_000, channels: 1 } if encoding == ENCODING)
        {
            return Err(FrameError::Malformed("media format"));
        }
        let stream = StreamSid::parse(&stream_sid).ok_or(FrameError::Malformed("stream id"))?;
        Ok(Self {
            ids: StreamIds { account: account_sid, call: call_sid, stream },
            tracks,
            format: AudioFormat::Mulaw8k,
            parameters: custom_parameters,
        })
    }
}

#[derive(Deserialize)]
struct DtmfFrame<'f> {
    #[serde(borrow)]
    dtmf: DtmfPart<'f>,
}

#[derive(Deserialize)]
struct DtmfPart<'f> {
    #[serde(borrow)]
    digit: Text<'f>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MarkFrame {
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
    #[serde(default)]
    stream_sid: String,
    mark: Name,
}

#[derive(Serialize, Deserialize)]
struct Name {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StopFrame<'f> {
    event: &'static str,
    sequence_number: &'f str,
    stop: Stop<'f>,
    stream_sid: &'f str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stop<'f> {
    account_sid: &'f str,
    call_sid: &'f str,
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
