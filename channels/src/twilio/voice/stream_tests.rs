//! The frames of Twilio's documentation, other ways to write them, and what must be refused.

use proptest::prelude::*;

use super::*;

const CONNECTED: &str = r#"{ "event": "connected", "protocol": "Call", "version": "1.0.0" }"#;
const START: &str = r#"{ "event": "start",
  "sequenceNumber": "1",
  "start": {
    "accountSid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "streamSid": "MZaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "callSid": "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "tracks": [ "inbound" ],
    "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
    "customParameters": { "session": "01J", "token": "one-time-secret" }
  },
  "streamSid": "MZaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }"#;
const MEDIA: &str = r#"{ "event": "media",
  "sequenceNumber": "3",
  "media": { "track": "inbound", "chunk": "1", "timestamp": "5", "payload": "no+JhoaJjpz=" },
  "streamSid": "MZaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }"#;

fn frame(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

fn ids() -> StreamIds {
    let sid = |prefix: &str| format!("{prefix}{}", "a".repeat(32));
    let stream = StreamSid::parse(&sid("MZ")).expect("an id");
    StreamIds { account: sid("AC"), call: sid("CA"), stream }
}

fn start() -> Start {
    let parameters = [("session", "01J"), ("token", "one-time-secret")];
    Start {
        ids: ids(),
        tracks: vec!["inbound".to_owned()],
        format: AudioFormat::Mulaw8k,
        parameters: Parameters(
            parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
        ),
    }
}

#[test]
fn the_documented_frames_are_read() {
    let media = frame(MEDIA);
    for (text, expected) in [
        (CONNECTED, Frame::Connected),
        (START, Frame::Start(Box::new(start()))),
        (MEDIA, Frame::Media(Audio::base64(Bytes::from_static(b"no+JhoaJjpz=")))),
        (
            r#"{ "event": "dtmf", "streamSid": "MZaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sequenceNumber": "5",
                "dtmf": { "track": "inbound_track", "digit": "1" } }"#,
            Frame::Dtmf('1'),
        ),
        (
            r#"{ "event": "mark", "sequenceNumber": "4", "streamSid": "MZaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "mark": { "name": "utt-17" } }"#,
            Frame::Mark("utt-17".to_owned()),
        ),
        (
            r#"{ "event": "stop", "sequenceNumber": "5",
                "stop": { "accountSid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                          "callSid": "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
                "streamSid": "MZaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }"#,
            Frame::Stop,
        ),
        (r#"{"event":"weather","media":null,"start":7}"#, Frame::Other),
    ] {
        assert_eq!(Frame::decode(&frame(text)), Ok(expected), "{text}");
    }
    let Ok(Frame::Media(audio)) = Frame::decode(&media) else { panic!("media") };
    assert!(media.as_ptr_range().contains(&audio.data.as_ptr()), "the sound is not copied");
}

#[test]
fn audio_is_found_in_any_order_of_keys_with_any_spacing_and_escapes() {
    for text in [
        r#"{"streamSid":"MZ","media":{"payload":"no+Jhg==","track":"inbound"},"event":"media"}"#,
        "\n{\t\"media\" : {\"payload\"\n:\"no+Jhg==\" } , \"event\":\"media\" }\r\n",
        r#"{"event":"m\u0065dia","media":{"payload":"no\u002bJhg\u003d=","new":[{"payload":"x"}]}}"#,
        r#"{"note":"\"event\":\"stop\"","event":"media","media":{"extra":{"payload":"x"},"payload":"no+Jhg=="}}"#,
    ] {
        let expected = Frame::Media(Audio::base64(Bytes::from_static(b"no+Jhg==")));
        assert_eq!(Frame::decode(&frame(text)), Ok(expected), "{text}");
    }
    let other_side = r#"{"event":"media","media":{"track":"outbound","payload":"no+Jhg=="}}"#;
    assert_eq!(Frame::decode(&frame(other_side)), Ok(Frame::Other));
}

#[test]
fn frames_that_are_not_as_documented_are_refused() {
    for (text, form) in [
        ("", "media stream frame"),
        ("{}", "media stream frame"),
        ("[]", "media stream frame"),
        (r#"{"event":"media"}{}"#, "media stream frame"),
        (r#"{"event":"media"}"#, "media frame"),
        (r#"{"event":"media","media":{"payload":7}}"#, "media stream frame"),
        (r#"{"event":"dtmf","dtmf":{"digit":"12"}}"#, "dtmf digit"),
        (r#"{"event":"dtmf","dtmf":{"digit":"x"}}"#, "dtmf digit"),
        (r#"{"event":"dtmf"}"#, "dtmf frame"),
        (r#"{"event":"mark"}"#, "mark frame"),
        (r#"{"event":"start"}"#, "start frame"),
        (&START.replace("MZa", "MZ\\\""), "stream id"),
        (&START.replace("CAa", "XXa"), "start frame"),
        (&START.replace("8000", "16000"), "media format"),
        (&START.replace("x-mulaw", "x-alaw"), "media format"),
    ] {
        assert_eq!(Frame::decode(&frame(text)), Err(FrameError::Malformed(form)), "{text}");
    }
    let long = format!(r#"{{"event":"media","media":{{"payload":"{}"}}}}"#, "A".repeat(MAX_FRAME_BYTES));
    assert_eq!(Frame::decode(&frame(&long)), Err(FrameError::TooLarge(MAX_FRAME_BYTES)));
}

#[test]
fn our_frames_are_written_as_documented() {
    let written = |order: Order| {
        let mut out = String::new();
        order.encode(&ids().stream, &mut out).expect("base64");
        out
    };
    let sid = ids().stream;
    let sid = sid.as_str();
    assert_eq!(
        written(Order::Media(Audio::base64(Bytes::from_static(b"a3242sa=")))),
        format!(r#"{{"event":"media","streamSid":"{sid}","media":{{"payload":"a3242sa="}}}}"#)
    );
    assert_eq!(
        written(Order::mark(17)),
        format!(r#"{{"event":"mark","streamSid":"{sid}","mark":{{"name":"17"}}}}"#)
    );
    assert_eq!(written(Order::Clear), format!(r#"{{"event":"clear","streamSid":"{sid}"}}"#));

    let mut out = "before".to_owned();
    let forged = Audio::base64(Bytes::from_static(b"\"}}{\"event\":\"clear\""));
    assert_eq!(Order::Media(forged).encode(&ids().stream, &mut out), Err(NotBase64));
    assert_eq!(out, "before");
}

#[test]
fn a_frame_becomes_what_the_call_understands() {
    let event = |frame: Frame| frame.into_event();
    assert_eq!(event(Frame::Mark("18446744073709551615".to_owned())), Some(CarrierEvent::Played(u64::MAX)));
    assert_eq!(event(Frame::Mark("utt-17".to_owned())), None);
    assert_eq!(event(Frame::Dtmf('#')), Some(CarrierEvent::Digit('#')));
    assert_eq!(event(Frame::Stop), Some(CarrierEvent::Hangup));
    assert_eq!(event(Frame::Start(Box::new(start()))), None);
}

#[test]
fn printing_a_start_shows_no_token() {
    let printed = format!("{:?}", start());
    assert!(printed.contains("token") && !printed.contains("one-time-secret"), "{printed}");
}

fn base64() -> impl Strategy<Value = Audio> {
    "[A-Za-z0-9+/]{0,40}={0,2}".prop_map(|text| Audio::base64(text.into()))
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = (Frame::decode(&bytes), Order::decode(&bytes));
    }

    #[test]
    fn no_change_of_a_character_makes_the_decoders_panic(at in 0..START.len(), to in any::<char>(), start in any::<bool>()) {
        let text = if start { START } else { MEDIA };
        let changed: String = text.chars().enumerate().map(|(n, old)| if n == at { to } else { old }).collect();
        let bytes = Bytes::from(changed);
        let _ = (Frame::decode(&bytes), Order::decode(&bytes));
    }

    #[test]
    fn what_is_written_is_read_back(
        audio in base64(), name in ".{0,20}", key in "[0-9*#A-D]", value in ".{0,20}", sequence in any::<u64>(),
    ) {
        let mut start = start();
        start.parameters.0.insert(name.clone(), value);
        let place = Place { sequence, chunk: sequence, millis: sequence };
        for frame in [
            Frame::Connected,
            Frame::Start(Box::new(start)),
            Frame::Media(audio.clone()),
            Frame::Dtmf(key.chars().next().expect("one key")),
            Frame::Mark(name.clone()),
            Frame::Stop,
        ] {
            let mut out = String::new();
            frame.encode(&ids(), place, &mut out).expect("base64");
            prop_assert_eq!(Frame::decode(&out.into()), Ok(frame));
        }
        for order in [Order::Media(audio), Order::Mark(name), Order::Clear] {
            let mut out = String::new();
            order.encode(&ids().stream, &mut out).expect("base64");
            prop_assert_eq!(Order::decode(&out.into()), Ok((ids().stream, order)));
        }
    }
}
