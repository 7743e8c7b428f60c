//! The frames of the vendor's contract, other ways to write them, and what must be refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn frame(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

fn reaction(text: &str) -> Reaction {
    ServerFrame::decode(&frame(text)).expect(text).react()
}

fn tell(event: AgentEvent) -> Reaction {
    Reaction::Tell(event)
}

fn words(event: u64, text: &str) -> Utterance {
    Utterance { event, text: text.to_owned() }
}

#[test]
fn the_documented_events_become_what_the_call_understands() {
    let telephone = AudioFormat::Mulaw8k;
    for (text, expected) in [
        (
            r#"{ "type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": {
                "conversation_id": "conv_01j", "agent_output_audio_format": "ulaw_8000", "user_input_audio_format": "ulaw_8000" } }"#,
            tell(AgentEvent::Ready { conversation: "conv_01j".into(), input: telephone, output: telephone }),
        ),
        (
            r#"{ "type": "audio", "audio_event": { "audio_base_64": "no+Jhg==", "event_id": 3,
                "alignment": { "chars": ["H","i"], "char_start_times_ms": [0, 60], "char_durations_ms": [60, 90] } } }"#,
            tell(AgentEvent::Audio { event: 3, audio: Audio::base64(Bytes::from_static(b"no+Jhg==")) }),
        ),
        (
            r#"{ "type": "user_transcript", "user_transcription_event": { "user_transcript": "Hello, I got your text.", "event_id": 4 } }"#,
            tell(AgentEvent::Heard(words(4, "Hello, I got your text."))),
        ),
        (
            r#"{ "type": "tentative_user_transcript", "tentative_user_transcription_event": { "user_transcript": "Hello I g", "event_id": 4 } }"#,
            tell(AgentEvent::Hearing("Hello I g".into())),
        ),
        (
            r#"{ "type": "agent_response", "agent_response_event": { "agent_response": " Great. Shall we start? ", "event_id": 5 } }"#,
            tell(AgentEvent::Said(words(5, "Great. Shall we start?"))),
        ),
        (
            r#"{ "type": "agent_response_correction", "agent_response_correction_event": {
                "original_agent_response": "Great. Shall we start with your address?",
                "corrected_agent_response": "Great. Shall we", "event_id": 5 } }"#,
            tell(AgentEvent::Corrected(words(5, "Great. Shall we"))),
        ),
        (
            r#"{ "type": "interruption", "interruption_event": { "event_id": 5 } }"#,
            tell(AgentEvent::Interrupted { event: 5 }),
        ),
        (r#"{ "type": "ping", "ping_event": { "event_id": 17, "ping_ms": 42 } }"#, Reaction::Pong(17)),
        (r#"{ "type": "ping", "ping_event": { "event_id": 0, "ping_ms": null } }"#, Reaction::Pong(0)),
        (
            r#"{ "type": "client_tool_call", "client_tool_call": { "tool_name": "transfer", "tool_call_id": "call_1",
                "parameters": { "department": "billing" }, "event_id": 6, "expects_response": true } }"#,
            tell(AgentEvent::Tool(ToolCall {
                id: "call_1".into(),
                name: "transfer".into(),
                parameters: json!({ "department": "billing" }),
            })),
        ),
        (
            r#"{ "type": "agent_tool_response", "agent_tool_response": { "tool_name": "end_call", "tool_call_id": "x",
                "tool_type": "system", "is_error": false, "is_called": true, "event_id": 9 } }"#,
            tell(AgentEvent::Goodbye),
        ),
        (
            r#"{ "type": "agent_tool_response", "agent_tool_response": { "tool_name": "skip_turn" } }"#,
            Reaction::Ignore,
        ),
        (
            r#"{ "type": "error", "error_event": { "code": 1008, "message": "…", "error_type": "missing_dynamic_variable",
                "reason": "no name", "debug_message": null, "details": {} } }"#,
            tell(AgentEvent::Gone(Fault::Refused("missing_dynamic_variable: no name".into()))),
        ),
        (
            r#"{ "type": "error", "error_event": { "code": 1002, "error_type": "llm_timeout" } }"#,
            tell(AgentEvent::Gone(Fault::Lost("llm_timeout: ".into()))),
        ),
        (
            r#"{ "type": "error", "error_event": { "code": 1000, "error_type": "max_duration_exceeded" } }"#,
            tell(AgentEvent::Gone(Fault::Ended)),
        ),
        (r#"{ "type": "vad_score", "vad_score_event": { "vad_score": 0.95 } }"#, Reaction::Ignore),
        (r#"{ "type": "guardrail_triggered" }"#, Reaction::Ignore),
        (r#"{ "type": "invented_tomorrow", "audio_event": null }"#, Reaction::Ignore),
    ] {
        assert_eq!(reaction(text), expected, "{text}");
    }
}

#[test]
fn formats_that_nobody_speaks_refuse_the_agent_and_a_missing_one_has_its_default() {
    let metadata = |formats: &str| {
        reaction(&format!(
            r#"{{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{{"conversation_id":"c",{formats}}}}}"#
        ))
    };
    assert_eq!(
        metadata(r#""agent_output_audio_format":"pcm_24000""#),
        tell(AgentEvent::Ready {
            conversation: "c".into(),
            input: AudioFormat::Pcm16 { hz: 16_000 },
            output: AudioFormat::Pcm16 { hz: 24_000 },
        })
    );
    assert!(matches!(
        metadata(r#""agent_output_audio_format":"mp3_44100_128""#),
        Reaction::Tell(AgentEvent::Gone(Fault::Refused(_)))
    ));
}

#[test]
fn speech_is_found_in_any_order_of_keys_with_any_spacing_and_escapes_and_is_not_copied() {
    for text in [
        r#"{"audio_event":{"event_id":3,"audio_base_64":"no+Jhg=="},"type":"audio"}"#,
        "{\n \"type\" : \"audio\" ,\t\"audio_event\" : { \"audio_base_64\" : \"no+Jhg==\" , \"event_id\" : 3 } }",
        r#"{"type":"\u0061udio","audio_event":{"alignment":{"chars":["\"","}"]},"audio_base_64":"no\u002bJhg==","event_id":3}}"#,
    ] {
        let expected = ServerFrame::Audio { event: 3, audio: Audio::base64(Bytes::from_static(b"no+Jhg==")) };
        assert_eq!(ServerFrame::decode(&frame(text)), Ok(expected), "{text}");
    }
    let whole = frame(r#"{"type":"audio","audio_event":{"audio_base_64":"no+Jhg==","event_id":3}}"#);
    let Ok(ServerFrame::Audio { audio, .. }) = ServerFrame::decode(&whole) else { panic!("audio") };
    assert!(whole.as_ptr_range().contains(&audio.data.as_ptr()));
}

#[test]
fn frames_that_are_not_as_documented_are_refused() {
    for (text, form) in [
        ("", "agent frame"),
        ("{}", "agent frame"),
        ("null", "agent frame"),
        (r#"{"type":"audio"}"#, "audio event"),
        (r#"{"type":"audio","audio_event":{"event_id":1}}"#, "agent frame"),
        (r#"{"type":"ping"}"#, "agent event"),
        (r#"{"type":"ping","ping_event":{}}"#, "agent event"),
        (r#"{"type":"interruption","interruption_event":{"event_id":-1}}"#, "agent event"),
    ] {
        assert_eq!(ServerFrame::decode(&frame(text)), Err(FrameError::Malformed(form)), "{text}");
    }
}

#[test]
fn our_frames_are_written_as_documented() {
    let written = |event: ClientEvent| {
        let mut out = String::new();
        event.encode(&mut out);
        out
    };
    assert_eq!(written(ClientEvent::Pong { event_id: 0 }), r#"{"type":"pong","event_id":0}"#);
    assert_eq!(written(ClientEvent::UserActivity), r#"{"type":"user_activity"}"#);
    assert_eq!(
        written(ClientEvent::UserMessage { text: "I would like to change my address".into() }),
        r#"{"type":"user_message","text":"I would like to change my address"}"#
    );
    assert_eq!(
        written(ClientEvent::ContextualUpdate {
            text: "The caller pressed 1 (Spanish).".into(),
            context_id: Some("ivr".into()),
        }),
        r#"{"type":"contextual_update","text":"The caller pressed 1 (Spanish).","context_id":"ivr"}"#
    );
    let result = ToolResult { id: "call_123456".into(), result: r#"{"ok":true}"#.into(), is_error: false };
    assert_eq!(
        written(result.into()),
        r#"{"type":"client_tool_result","tool_call_id":"call_123456","result":"{\"ok\":true}","is_error":false}"#
    );
    let empty = ClientEvent::ConversationInitiationClientData(Box::default());
    assert_eq!(written(empty), r#"{"type":"conversation_initiation_client_data"}"#);
    let mut out = String::new();
    user_audio(&Audio::base64(Bytes::from_static(b"no+Jhg==")), &mut out).expect("base64");
    assert_eq!(out, r#"{"user_audio_chunk":"no+Jhg=="}"#);
    assert_eq!(user_audio(&Audio::base64(Bytes::from_static(b"\"")), &mut out), Err(NotBase64));
    assert_eq!(out, r#"{"user_audio_chunk":"no+Jhg=="}"#);
}

#[test]
fn an_opening_says_everything_without_overrides_and_changes_settings_only_where_allowed() {
    let opening = Opening {
        variables: [
            ("client_name".to_owned(), json!("Ana")),
            ("questions_left".to_owned(), json!(2)),
            ("known_answers".to_owned(), json!(["a"])),
            ("resume_from".to_owned(), Value::Null),
            ("system__caller_id".to_owned(), json!("x")),
        ]
        .into(),
        first_message: Some("Hi Ana.".into()),
        language: "en".into(),
        contact_said: None,
        keywords: vec!["Acme".into()],
    };
    let written = |overrides| {
        let initiation = Initiation::new(&opening, "call_1", overrides);
        serde_json::to_value(ClientEvent::ConversationInitiationClientData(Box::new(initiation)))
    };
    let variables = json!({ "client_name": "Ana", "questions_left": 2, "known_answers": "[\"a\"]", "resume_from": "",
        "first_message": "Hi Ana." });
    assert_eq!(
        written(false).expect("JSON"),
        json!({ "type": "conversation_initiation_client_data", "dynamic_variables": variables, "user_id": "call_1" })
    );
    assert_eq!(
        written(true).expect("JSON"),
        json!({ "type": "conversation_initiation_client_data", "dynamic_variables": variables, "user_id": "call_1",
            "conversation_config_override": {
                "agent": { "first_message": "Hi Ana.", "language": "en" }, "asr": { "keywords": ["Acme"] } } })
    );
}

#[test]
fn the_end_of_the_socket_says_whether_to_dial_again() {
    assert_eq!(fault(Some(1000), "bye"), Fault::Ended);
    assert_eq!(fault(Some(1008), "override\u{7}"), Fault::Refused("override".into()));
    for code in [None, Some(1002), Some(1006), Some(1011), Some(4999)] {
        assert_eq!(fault(code, ""), Fault::Lost(String::new()), "{code:?}");
    }
    assert_eq!(fault(None, &"\u{e9}".repeat(500)), Fault::Lost("\u{e9}".repeat(200)));
}

fn audio() -> impl Strategy<Value = Audio> {
    "[A-Za-z0-9+/]{0,40}={0,2}".prop_map(|text| Audio::base64(text.into()))
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = (ServerFrame::decode(&bytes), ClientFrame::decode(&bytes));
    }

    #[test]
    fn what_is_written_is_read_back(audio in audio(), event_id in any::<u64>(), text in ".{0,20}", flag in any::<bool>()) {
        let parameters = json!({ "value": text });
        for event in [
            ServerEvent::UserTranscript { transcript: UserTranscript { user_transcript: text.clone(), event_id } },
            ServerEvent::AgentResponse { response: AgentResponse { agent_response: text.clone(), event_id } },
            ServerEvent::Interruption { interruption: EventId { event_id } },
            ServerEvent::Ping { ping: Ping { event_id, ping_ms: flag.then_some(event_id) } },
            ServerEvent::ClientToolCall {
                call: ClientToolCall { tool_name: text.clone(), tool_call_id: text.clone(), parameters, event_id },
            },
            ServerEvent::Other,
        ] {
            let mut out = String::new();
            ServerFrame::Event(event.clone()).encode(&mut out).expect("no audio");
            prop_assert_eq!(ServerFrame::decode(&out.into()), Ok(ServerFrame::Event(event)));
        }
        let mut out = String::new();
        let speech = ServerFrame::Audio { event: event_id, audio: audio.clone() };
        speech.encode(&mut out).expect("base64");
        prop_assert_eq!(ServerFrame::decode(&out.into()), Ok(speech));

        let opening = Opening { first_message: Some(text.clone()), language: "en".into(), ..Opening::default() };
        for frame in [
            ClientFrame::Audio(audio),
            ClientFrame::Event(ClientEvent::Pong { event_id }),
            ClientFrame::Event(ClientEvent::UserMessage { text: text.clone() }),
            ClientFrame::Event(ClientEvent::ContextualUpdate { text: text.clone(), context_id: flag.then(|| text.clone()) }),
            ClientFrame::Event(ToolResult { id: text.clone(), result: text.clone(), is_error: flag }.into()),
            ClientFrame::Event(ClientEvent::ConversationInitiationClientData(Box::new(Initiation::new(&opening, &text, flag)))),
        ] {
            let mut out = String::new();
            frame.encode(&mut out).expect("base64");
            prop_assert_eq!(ClientFrame::decode(&out.into()), Ok(frame));
        }
    }
}
