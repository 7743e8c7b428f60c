//! The vectors of the protocol notes, the negative cases of the official client's tests, and documented payloads.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn check_at(secret: &str, header: Option<&str>, body: &str, now: Timestamp) -> Result<(), ProofError> {
    verify(&secret.to_owned().into(), header, body.as_bytes(), now)
}

#[test]
fn the_vectors_are_believed_for_half_an_hour() {
    for (secret, time, body, digest) in [
        (
            "test_secret",
            1_600_000_000,
            r#"{"event_type": "speech.completed", "id": "123456"}"#,
            "f8a0d1dc33ee963cb54d2f31514555995e93313c9d2042c030adbb82b87fae13",
        ),
        (
            "wsec_0123456789abcdef",
            1_739_537_297,
            r#"{"type":"post_call_transcription","event_timestamp":1739537297,"data":{"agent_id":"agent_1","conversation_id":"conv_1"}}"#,
            "c20f20313d4d2effef3ee6ae815b10ebf95a9ffc663bdc637adce5bc02418052",
        ),
    ] {
        let header = format!("t={time},v0={digest}");
        assert_eq!(sign(&secret.to_owned().into(), body.as_bytes(), at(time)), header);
        let verify = |header: &str, body: &str, now| check_at(secret, Some(header), body, now);
        assert_eq!(verify(&header, body, at(time)), Ok(()));
        assert_eq!(verify(&header, body, at(time + 1_800)), Ok(()));
        assert_eq!(verify(&header, body, at(time + 1_801)), Err(ProofError::Stale));
        assert_eq!(verify(&header, body, at(time - 301)), Err(ProofError::Stale));
        assert_eq!(verify(&header, &format!("{body} "), at(time)), Err(ProofError::Mismatch));
        assert_eq!(verify(&header.replace("t=1", "t=2"), body, at(time)), Err(ProofError::Mismatch));
        assert_eq!(verify(&header.to_uppercase(), body, at(time)), Err(ProofError::Malformed));
    }
}

#[test]
fn headers_of_another_form_are_refused() {
    let now = at(1_600_000_000);
    for (header, error) in [
        (None, ProofError::Missing),
        (Some(""), ProofError::Missing),
        (Some("invalid_format"), ProofError::Malformed),
        (Some("t=1600000000"), ProofError::Malformed),
        (Some("v0=aa"), ProofError::Malformed),
        (Some("t=x,v0=aa"), ProofError::Malformed),
        (Some("t=1600000000, v0=aa"), ProofError::Malformed),
        (Some("t=99999999999999999999,v0=aa"), ProofError::Malformed),
        (Some("t=9223372036854775807,v0=aa"), ProofError::Mismatch),
        (Some("t=1600000000,v0=invalid_signature"), ProofError::Mismatch),
    ] {
        assert_eq!(check_at("test_secret", header, "{}", now), Err(error), "{header:?}");
    }
    assert_eq!(check_at("", Some("t=1,v0=a"), "{}", now), Err(ProofError::Malformed));
}

#[test]
fn the_documented_payloads_are_read() {
    let transcription = r#"{ "type": "post_call_transcription", "event_timestamp": 1739537297,
      "data": { "agent_id": "xyz", "conversation_id": "abc", "status": "done", "user_id": "user123",
        "transcript": [
          { "role": "agent", "message": "Hey there. How are you?", "tool_calls": null, "tool_results": null,
            "feedback": null, "time_in_call_secs": 0, "conversation_turn_metrics": null },
          { "role": "user", "message": null, "time_in_call_secs": 2 } ],
        "metadata": { "start_time_unix_secs": 1739537297, "call_duration_secs": 22, "cost": 296,
          "authorization_method": "authorization_header", "termination_reason": "",
          "feedback": { "overall_score": null, "likes": 0, "dislikes": 0 }, "charging": { "dev_discount": true } },
        "analysis": { "evaluation_criteria_results": {}, "data_collection_results": {},
          "call_successful": "success", "transcript_summary": "Short." },
        "conversation_initiation_client_data": {
          "conversation_config_override": { "agent": { "prompt": null, "first_message": null, "language": "en" } },
          "custom_llm_extra_body": {}, "dynamic_variables": { "user_name": "ana" } },
        "has_audio": true, "has_user_audio": true, "has_response_audio": true } }"#;
    let Ok(PostCall::Transcription(conversation)) = PostCall::parse(transcription.as_bytes()) else {
        panic!("a transcription");
    };
    assert_eq!((conversation.conversation_id.as_str(), conversation.status.as_str()), ("abc", "done"));
    assert_eq!(conversation.transcript[0].message.as_deref(), Some("Hey there. How are you?"));
    assert_eq!(
        (conversation.metadata.call_duration_secs, conversation.metadata.cost),
        (Some(22), Some(296.0))
    );
    let variables = &conversation.conversation_initiation_client_data.dynamic_variables;
    assert_eq!(variables.get("user_name"), Some(&Value::from("ana")));

    let failure = r#"{ "type": "call_initiation_failure", "event_timestamp": 1759931652,
      "data": { "agent_id": "xyz", "conversation_id": "abc", "failure_reason": "busy",
        "metadata": { "type": "twilio", "body": { "CallSid": "CA1", "CallStatus": "busy" } } } }"#;
    assert!(
        matches!(PostCall::parse(failure.as_bytes()), Ok(PostCall::InitiationFailure(f)) if f.failure_reason == "busy")
    );

    for other in
        [r#"{"type":"post_call_audio","data":{"full_audio":"AAAA"}}"#, r#"{"type":"new","data":[1]}"#]
    {
        assert_eq!(PostCall::parse(other.as_bytes()), Ok(PostCall::Other), "{other}");
    }
    let empty = PostCall::parse(br#"{"type":"post_call_transcription"}"#);
    assert_eq!(empty, Err(FrameError::Malformed("post-call transcription")));
}

proptest::proptest! {
    #[test]
    fn no_header_and_no_body_makes_it_panic(header in ".{0,60}", body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = verify(&"secret".to_owned().into(), Some(&header), &body, at(0));
        let _ = PostCall::parse(&body);
    }
}
