//! Frames of `/ws/widget/voice`: the browser's microphone as a telephone.
//!
//! Binary frames are audio both ways, signed 16-bit little-endian samples of one channel at the rates that `ready`
//! announces. Text frames are JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallEnd, Speaker};

/// Settings of the voice mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceConfig {
    /// What the agent calls itself.
    pub agent_name: String,
    /// Samples per second of the microphone.
    pub input_rate: u32,
    /// The number to call instead, E.164.
    pub phone: Option<String>,
}

/// What the server sends on the voice socket besides audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum VoiceServerFrame {
    /// The call is connected: send the microphone, play what comes.
    #[serde(rename_all = "camelCase")]
    Ready {
        /// Samples per second that the browser sends.
        input_rate: u32,
        /// Samples per second of the audio that comes.
        output_rate: u32,
    },
    /// Words of either side; a later caption of the same side replaces one that is not final.
    Caption {
        /// Who speaks.
        from: Speaker,
        /// The words so far.
        text: String,
        /// Whether these words will not change any more.
        #[serde(rename = "final")]
        is_final: bool,
    },
    /// Throw away all audio that was not played yet, and answer every mark that waits.
    Clear,
    /// Answer with the same mark when all audio before it was played.
    Mark {
        /// Which.
        n: u64,
    },
    /// The call is over; the socket closes.
    Ended {
        /// Why.
        reason: CallEnd,
    },
    /// The call cannot be held; the socket closes.
    Error {
        /// The problem's stable id.
        id: String,
        /// The short human title.
        title: String,
        /// What is wrong.
        detail: String,
        /// Whether trying again may help.
        retryable: bool,
    },
}

/// What a browser sends on the voice socket besides audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum VoiceClientFrame {
    /// All audio before this mark was played, or thrown away by a `clear`.
    Mark {
        /// Which.
        n: u64,
    },
    /// Typed instead of spoken.
    Text {
        /// The words.
        text: String,
    },
    /// The microphone was switched off or on; off, the server hears silence.
    Mute {
        /// Whether it is off.
        on: bool,
    },
    /// The client ends the call.
    Hangup,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_have_the_names_that_browsers_use() {
        let wire = |frame: VoiceServerFrame| serde_json::to_value(frame).expect("plain data");
        let ready = VoiceServerFrame::Ready { input_rate: 16_000, output_rate: 24_000 };
        assert_eq!(wire(ready), json!({"type": "ready", "inputRate": 16_000, "outputRate": 24_000}));
        let caption = VoiceServerFrame::Caption { from: Speaker::Bot, text: "Hi".to_owned(), is_final: true };
        assert_eq!(wire(caption), json!({"type": "caption", "from": "bot", "text": "Hi", "final": true}));
        let ended = VoiceServerFrame::Ended { reason: CallEnd::ContactHungUp };
        assert_eq!(wire(ended), json!({"type": "ended", "reason": "contact_hung_up"}));
    }

    #[test]
    fn client_frames_are_read_strictly() {
        let read = |text| serde_json::from_str::<VoiceClientFrame>(text);
        assert_eq!(read(r#"{"type":"mark","n":7}"#).expect("mark"), VoiceClientFrame::Mark { n: 7 });
        assert_eq!(read(r#"{"type":"hangup"}"#).expect("hangup"), VoiceClientFrame::Hangup);
        assert_eq!(read(r#"{"type":"mute","on":true}"#).expect("mute"), VoiceClientFrame::Mute { on: true });
        for text in [r#"{"type":"mark"}"#, r#"{"type":"mark","n":-1}"#, r#"{"type":"ready"}"#, "7", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
