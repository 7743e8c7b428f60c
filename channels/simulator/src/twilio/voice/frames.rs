//! The messages of a media stream, word for word as the vendor writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Numbers and names of one stream.
pub(crate) struct Frames {
    stream_sid: String,
    call_sid: String,
    account_sid: String,
    sequence: u64,
    /// Chunks sent, by track: inbound, outbound.
    chunks: [u64; 2],
}

impl Frames {
    pub(crate) const fn new(stream_sid: String, call_sid: String, account_sid: String) -> Self {
        Self { stream_sid, call_sid, account_sid, sequence: 0, chunks: [0; 2] }
    }

    pub(crate) fn connected() -> String {
        json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" }).to_string()
    }

    pub(crate) fn start(&mut self, tracks: &[&str], parameters: &[(String, String)]) -> String {
        let parameters: Map<String, Value> =
            parameters.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        let start = json!({
            "accountSid": self.account_sid, "streamSid": self.stream_sid, "callSid": self.call_sid,
            "tracks": tracks,
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
            "customParameters": parameters,
        });
        self.message("start", "start", start)
    }

    /// 20 ms of a track: 0 is inbound, 1 outbound.
    pub(crate) fn media(&mut self, track: usize, payload: &[u8]) -> String {
        self.sequence += 1;
        self.chunks[track] += 1;
        let (chunk, sequence, sid) = (self.chunks[track], self.sequence, &self.stream_sid);
        let (timestamp, payload) = ((chunk - 1) * 20, STANDARD.encode(payload));
        let name = ["inbound", "outbound"][track];
        format!(
            r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"{name}","chunk":"{chunk}","timestamp":"{timestamp}","payload":"{payload}"}},"streamSid":"{sid}"}}"#
        )
    }

    pub(crate) fn dtmf(&mut self, digit: char) -> String {
        self.message("dtmf", "dtmf", json!({ "track": "inbound_track", "digit": digit.to_string() }))
    }

    pub(crate) fn mark(&mut self, name: &str) -> String {
        self.message("mark", "mark", json!({ "name": name }))
    }

    pub(crate) fn stop(&mut self) -> String {
        let stop = json!({ "accountSid": self.account_sid, "callSid": self.call_sid });
        self.message("stop", "stop", stop)
    }

    fn message(&mut self, event: &str, key: &str, body: Value) -> String {
        self.sequence += 1;
        let mut message = json!({
            "event": event, "sequenceNumber": self.sequence.to_string(), "streamSid": self.stream_sid,
        });
        message[key] = body;
        message.to_string()
    }

    /// Reads what the server sent. `None` is malformed (31950).
    pub(crate) fn read(&self, text: &str) -> Option<FromServer> {
        let message: Message = serde_json::from_str(text).ok()?;
        if message.stream_sid.as_deref() != Some(&self.stream_sid) {
            return None;
        }
        match message.event.as_str() {
            "media" => {
                let audio = STANDARD.decode(message.media?.payload).ok()?;
                (!audio.is_empty()).then_some(FromServer::Media(audio))
            }
            "mark" => Some(FromServer::Mark(message.mark?.name)),
            "clear" => Some(FromServer::Clear),
            _ => None,
        }
    }
}

/// What a server may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromServer {
    Media(Vec<u8>),
    Mark(String),
    Clear,
}

#[derive(Deserialize)]
struct Message {
    event: String,
    #[serde(rename = "streamSid")]
    stream_sid: Option<String>,
    media: Option<Media>,
    mark: Option<Mark>,
}

#[derive(Deserialize)]
struct Media {
    payload: String,
}

#[derive(Deserialize)]
struct Mark {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Frames {
        Frames::new("MZ1".into(), "CA1".into(), "AC1".into())
    }

    #[test]
    fn messages_are_numbered_together_and_chunks_by_track() {
        let mut frames = frames();
        let start: Value =
            serde_json::from_str(&frames.start(&["inbound"], &[("token".into(), "x".into())])).expect("JSON");
        assert_eq!(start["sequenceNumber"], "1");
        assert_eq!(start["start"]["customParameters"]["token"], "x");
        assert_eq!(start["start"]["mediaFormat"]["sampleRate"], 8000);
        assert_eq!(
            frames.media(0, &[0xFF; 3]),
            r#"{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"////"},"streamSid":"MZ1"}"#
        );
        let third: Value = serde_json::from_str(&frames.media(0, &[0])).expect("JSON");
        assert_eq!((&third["media"]["chunk"], &third["media"]["timestamp"]), (&json!("2"), &json!("20")));
        let dtmf: Value = serde_json::from_str(&frames.dtmf('#')).expect("JSON");
        assert_eq!((&dtmf["sequenceNumber"], &dtmf["dtmf"]["digit"]), (&json!("4"), &json!("#")));
    }

    #[test]
    fn what_the_server_sends_must_be_for_this_stream_and_whole() {
        let frames = frames();
        let media = r#"{"event":"media","streamSid":"MZ1","media":{"payload":"AAE="}}"#;
        assert_eq!(frames.read(media), Some(FromServer::Media(vec![0, 1])));
        assert_eq!(frames.read(r#"{"event":"clear","streamSid":"MZ1"}"#), Some(FromServer::Clear));
        for malformed in [
            "hello",
            r#"{"event":"clear"}"#,
            r#"{"event":"clear","streamSid":"MZ2"}"#,
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"AAE"}}"#,
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":""}}"#,
            r#"{"event":"media","streamSid":"MZ1"}"#,
            r#"{"event":"mark","streamSid":"MZ1"}"#,
            r#"{"event":"dance","streamSid":"MZ1"}"#,
        ] {
            assert_eq!(frames.read(malformed), None, "{malformed}");
        }
    }
}
