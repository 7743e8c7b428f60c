//! The frames of the documentation.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn turn(role: &str, content: &str) -> Turn {
    Turn { role: role.to_owned(), content: content.to_owned() }
}

#[test]
fn the_documented_requests_are_read() {
    for (text, expected) in [
        (
            r#"{"interaction_type":"ping_pong","timestamp":1703302407333}"#,
            Request::PingPong { timestamp: 1_703_302_407_333 },
        ),
        (
            r#"{"interaction_type":"update_only","turntaking":"user_turn","transcript":[{"role":"agent","content":"Hey there."},
                {"role":"user","content":"Hey.","words":[{"word":"Hey.","start":4.375,"end":4.615}]}]}"#,
            Request::UpdateOnly {
                transcript: vec![turn("agent", "Hey there."), turn("user", "Hey.")],
                turntaking: Some(Turntaking::UserTurn),
            },
        ),
        (
            r#"{"interaction_type":"response_required","response_id":3,"transcript":[{"role":"user","content":"I want to book"}]}"#,
            Request::ResponseRequired { response_id: 3, transcript: vec![turn("user", "I want to book")] },
        ),
        (
            r#"{"interaction_type":"reminder_required","response_id":4,"transcript":[]}"#,
            Request::ReminderRequired { response_id: 4, transcript: Vec::new() },
        ),
        (r#"{"interaction_type":"invented_tomorrow","response_id":"x"}"#, Request::Other),
    ] {
        assert_eq!(Request::decode(text.as_bytes()), Ok(expected), "{text}");
    }
    let details = r#"{"interaction_type":"call_details","call":{"call_type":"phone_call","call_id":"c","agent_id":"a",
        "call_status":"ongoing","from_number":"+1","to_number":"+2","direction":"inbound","metadata":{"tenant_id":"ag_1"},
        "retell_llm_dynamic_variables":{}}}"#;
    let Ok(Request::CallDetails { call }) = Request::decode(details.as_bytes()) else { panic!("details") };
    assert_eq!(call.metadata.and_then(|metadata| metadata.get("tenant_id").cloned()), Some(json!("ag_1")));
    for bad in ["", "{}", r#"{"interaction_type":"ping_pong"}"#] {
        assert_eq!(Request::decode(bad.as_bytes()), Err(FrameError::Malformed("interaction")), "{bad}");
    }
}

#[test]
fn what_the_contact_said_since_we_spoke_is_one_text() {
    let said = |turns: &[(&str, &str)]| {
        heard(&turns.iter().map(|(role, content)| turn(role, content)).collect::<Vec<_>>())
    };
    assert_eq!(said(&[]), None);
    assert_eq!(said(&[("user", "Hi "), ("user", "there")]).as_deref(), Some("Hi there"));
    assert_eq!(
        said(&[("user", "Old"), ("agent", "Yes?"), ("user", UNINTELLIGIBLE), ("user", "New")]).as_deref(),
        Some("New")
    );
    assert_eq!(said(&[("agent", "Yes?"), ("user", UNINTELLIGIBLE)]), None);
    assert_eq!(said(&[("user", "Old"), ("agent", "Yes?")]), None);
}

fn words() -> Words {
    Words { response_id: 3, content: "Sure, ".into(), ..Words::default() }
}

#[test]
fn our_frames_are_written_as_documented() {
    let complete = |response_id, content: &str| Words {
        response_id,
        content: content.into(),
        content_complete: true,
        ..Words::default()
    };
    for (response, text) in [
        (
            Response::Config {
                config: Config { auto_reconnect: true, call_details: true, ..Config::default() },
            },
            r#"{"response_type":"config","config":{"auto_reconnect":true,"call_details":true}}"#,
        ),
        (
            Response::PingPong { timestamp: 1_703_302_407_333 },
            r#"{"response_type":"ping_pong","timestamp":1703302407333}"#,
        ),
        (
            Response::Response(words()),
            r#"{"response_type":"response","response_id":3,"content":"Sure, ","content_complete":false}"#,
        ),
        (
            Response::Response(Words { end_call: true, ..complete(5, "Goodbye!") }),
            r#"{"response_type":"response","response_id":5,"content":"Goodbye!","content_complete":true,"end_call":true}"#,
        ),
        (
            Response::Response(Words {
                transfer_number: Some("+14155550100".into()),
                show_transferee_as_caller: Some(false),
                ..complete(6, "One moment.")
            }),
            r#"{"response_type":"response","response_id":6,"content":"One moment.","content_complete":true,"transfer_number":"+14155550100","show_transferee_as_caller":false}"#,
        ),
        (
            Response::Response(Words { digit_to_press: Some("1".into()), ..complete(7, "") }),
            r#"{"response_type":"response","response_id":7,"content":"","content_complete":true,"digit_to_press":"1"}"#,
        ),
        (
            Response::AgentInterrupt {
                interrupt_id: 1,
                content: "Sorry to cut in".into(),
                content_complete: true,
                no_interruption_allowed: true,
            },
            r#"{"response_type":"agent_interrupt","interrupt_id":1,"content":"Sorry to cut in","content_complete":true,"no_interruption_allowed":true}"#,
        ),
        (
            Response::ToolCallInvocation {
                tool_call_id: "t1".into(),
                name: "book_slot".into(),
                arguments: "{}".into(),
            },
            r#"{"response_type":"tool_call_invocation","tool_call_id":"t1","name":"book_slot","arguments":"{}"}"#,
        ),
        (
            Response::ToolCallResult {
                tool_call_id: "t1".into(),
                content: "booked".into(),
                successful: Some(true),
            },
            r#"{"response_type":"tool_call_result","tool_call_id":"t1","content":"booked","successful":true}"#,
        ),
        (
            Response::UpdateAgent {
                agent_config: AgentConfig {
                    interruption_sensitivity: Some(0.8),
                    reminder_max_count: Some(2),
                    ..AgentConfig::default()
                },
            },
            r#"{"response_type":"update_agent","agent_config":{"interruption_sensitivity":0.8,"reminder_max_count":2}}"#,
        ),
        (
            Response::Metadata { metadata: Map::from_iter([("stage".to_owned(), json!("qualified"))]) },
            r#"{"response_type":"metadata","metadata":{"stage":"qualified"}}"#,
        ),
    ] {
        let mut out = String::new();
        response.encode(&mut out);
        assert_eq!(out, text);
        assert_eq!(Response::decode(text.as_bytes()), Ok(response));
    }
    let untyped = br#"{"response_id":3,"content":"Sure, ","content_complete":false}"#;
    assert_eq!(Response::decode(untyped), Ok(Response::Response(words())));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (Request::decode(&bytes), Response::decode(&bytes));
    }

    #[test]
    fn what_is_written_is_read_back(text in ".{0,30}", id in any::<u64>(), timestamp in any::<i64>(), flag in any::<bool>()) {
        let transcript = vec![turn("user", &text)];
        for request in [
            Request::PingPong { timestamp },
            Request::UpdateOnly { transcript: transcript.clone(), turntaking: flag.then_some(Turntaking::AgentTurn) },
            Request::ResponseRequired { response_id: id, transcript: transcript.clone() },
            Request::ReminderRequired { response_id: id, transcript },
            Request::CallDetails { call: Box::new(Call { call_id: text.clone(), ..Call::default() }) },
        ] {
            let mut out = String::new();
            request.encode(&mut out);
            prop_assert_eq!(Request::decode(out.as_bytes()), Ok(request));
        }
        let words = Words { response_id: id, content: text, content_complete: flag, end_call: flag, ..Words::default() };
        let mut out = String::new();
        Response::Response(words.clone()).encode(&mut out);
        prop_assert_eq!(Response::decode(out.as_bytes()), Ok(Response::Response(words)));
    }
}
