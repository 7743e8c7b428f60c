//! Requests as documented, and mutations of them.

use proptest::prelude::*;

use super::*;

const CALL: &str = "AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&ApiVersion=2010-04-01\
    &CallSid=CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&CallStatus=ringing&Called=%2B14155550101&Caller=%2B14155550100\
    &Direction=inbound&From=%2B14155550100&To=%2B14155550101&FromCity=SAN+FRANCISCO&ToZip=\
    &StirVerstat=TN-Validation-Passed-A&CallerName=ANA+DIAZ&ForwardedFrom=%2B14155550102";

fn form(body: &str) -> Form<'_> {
    Form::parse(body.as_bytes()).expect("small")
}

fn with(extra: &str) -> String {
    format!("{CALL}&{extra}")
}

#[test]
fn an_incoming_call_is_read_completely() {
    let form = form(CALL);
    let request = VoiceRequest::parse(&form).expect("well formed");
    assert_eq!(
        request,
        VoiceRequest {
            call_sid: "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            account_sid: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            from: Some(Address::Phone("+14155550100")),
            to: Some(Address::Phone("+14155550101")),
            status: CallStatus::Ringing,
            direction: Direction::Inbound,
            parent_call_sid: None,
            forwarded_from: Some("+14155550102"),
            caller_name: Some("ANA DIAZ"),
            stir_verstat: Some("TN-Validation-Passed-A"),
            answered_by: None,
            fallback: None,
        }
    );
    assert_eq!(request.caller(), Some("+14155550100"));
}

#[test]
fn a_hidden_caller_has_no_number() {
    let keyed = |word: &str| -> String {
        let key = |letter| {
            ["ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ"]
                .iter()
                .zip(2..)
                .find_map(|(letters, key): (&&str, u8)| letters.contains(letter).then(|| key.to_string()))
        };
        word.chars().filter_map(key).collect()
    };
    let hidden = ["ANONYMOUS", "RESTRICTED", "BLOCKED", "UNKNOWN", "UNAVAILABLE", "PRIVATE"];
    let hidden = hidden.map(|word| format!("%2B{}", keyed(word)));
    let others = ["%2B266696687", "anonymous", "Restricted", "", "sip%3Aana%40example.com"];
    for from in hidden.iter().map(String::as_str).chain(others) {
        let body = CALL.replace("&From=%2B14155550100", &format!("&From={from}"));
        let form = form(&body);
        assert_eq!(VoiceRequest::parse(&form).map(|request| request.caller()), Ok(None), "{from}");
    }
    let without = CALL.replace("&From=%2B14155550100", "");
    assert_eq!(VoiceRequest::parse(&form(&without)).map(|request| request.from), Ok(None));
}

#[test]
fn an_answered_call_says_who_answered() {
    let body = CALL.replace("ringing", "in-progress").replace("Direction=inbound", "Direction=outbound-api")
        + "&AnsweredBy=machine_end_beep&MachineDetectionDuration=4120&ErrorCode=11200&ErrorUrl=https%3A%2F%2Fx.example";
    let form = form(&body);
    let request = VoiceRequest::parse(&form).expect("well formed");
    assert_eq!(request.answered_by, Some(AnsweredBy::MachineEndBeep));
    assert_eq!((request.status, request.direction), (CallStatus::InProgress, Direction::OutboundApi));
    assert_eq!(request.fallback, Some(FallbackCause { error_code: 11200, error_url: "https://x.example" }));
    assert!(AnsweredBy::MachineEndBeep.records() && !AnsweredBy::MachineStart.records());
    assert!(AnsweredBy::Fax.is_machine() && !AnsweredBy::Unknown.is_machine());
}

#[test]
fn a_status_callback_has_its_place_in_the_order() {
    let body = with(
        "CallbackSource=call-progress-events&SequenceNumber=3&Timestamp=Tue%2C+31+Aug+2010+20%3A36%3A44+%2B0000\
         &CallDuration=15&Duration=1&SipResponseCode=200",
    )
    .replace("CallStatus=ringing", "CallStatus=completed");
    let form = form(&body);
    let callback = CallStatusCallback::parse(&form).expect("well formed");
    assert_eq!(callback.status, CallStatus::Completed);
    assert_eq!((callback.sequence, callback.seconds, callback.sip_code), (3, Some(15), Some(200)));
    assert!(callback.status.is_final());
}

#[test]
fn every_status_has_its_own_word() {
    for status in CallStatus::ALL {
        assert_eq!(CallStatus::parse(status.as_str()), Some(status));
        let json = serde_json::to_string(&status).expect("a word");
        assert_eq!(json, format!("\"{}\"", status.as_str()));
    }
    assert_eq!(CallStatus::parse("in_progress"), None);
}

#[test]
fn keys_and_speech_are_read_from_a_gather() {
    let body = with("Digits=12&FinishedOnKey=%23&SpeechResult=twelve+rooms&Confidence=0.92&Language=en-US");
    let form_ = form(&body);
    let result = GatherResult::parse(&form_).expect("well formed");
    assert_eq!((result.digits, result.finished_on), (Some("12"), Some("#")));
    assert_eq!((result.speech, result.confidence), (Some("twelve rooms"), Some(0.92)));
    let empty = with("Digits=");
    assert_eq!(GatherResult::parse(&form(&empty)).map(|result| result.digits), Ok(None));
    for confidence in ["high", "NaN", "2", "-1"] {
        let body = with(&format!("SpeechResult=yes&Confidence={confidence}"));
        let form = form(&body);
        let result = GatherResult::parse(&form).map(|result| (result.speech, result.confidence));
        assert_eq!(result, Ok((Some("yes"), None)), "{confidence}");
    }
}

#[test]
fn a_transfer_that_failed_is_told_from_one_that_worked() {
    let body = with("DialCallStatus=no-answer&DialBridged=false");
    let form_ = form(&body);
    let result = DialResult::parse(&form_).expect("well formed");
    assert_eq!((result.status, result.bridged, result.leg), (DialStatus::NoAnswer, Some(false), None));
    let body = with(
        "DialCallStatus=completed&DialBridged=true&DialCallDuration=61&DialCallSid=CAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    );
    let form_ = form(&body);
    let result = DialResult::parse(&form_).expect("well formed");
    assert_eq!((result.status, result.seconds), (DialStatus::Completed, Some(61)));
    assert_eq!(DialResult::parse(&form(CALL)), Err(CodecError::Missing("DialCallStatus")));
}

#[test]
fn verdicts_recordings_and_streams_are_read() {
    let sids = "AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&CallSid=CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&";
    let body = format!("{sids}AnsweredBy=machine_end_beep&MachineDetectionDuration=4120");
    let form_ = form(&body);
    let verdict = AmdCallback::parse(&form_).expect("well formed");
    assert_eq!((verdict.answered_by, verdict.millis), (AnsweredBy::MachineEndBeep, Some(4120)));

    let body = format!(
        "{sids}RecordingSid=REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&RecordingUrl=https%3A%2F%2Fapi.twilio.com%2Fx\
         &RecordingStatus=completed&RecordingDuration=15&RecordingChannels=2&RecordingSource=StartCallRecordingAPI\
         &RecordingStartTime=Tue%2C+31+Aug+2010+20%3A36%3A44+%2B0000&RecordingTrack=both"
    );
    let form_ = form(&body);
    let recording = RecordingCallback::parse(&form_).expect("well formed");
    assert_eq!(recording.status, RecordingStatus::Completed);
    assert_eq!(
        (recording.seconds, recording.channels, recording.url),
        (Some(15), Some(2), Some("https://api.twilio.com/x"))
    );

    let body = with(
        "RecordingUrl=u&RecordingSid=REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&RecordingDuration=4&Digits=hangup",
    );
    let form_ = form(&body);
    let record = RecordResult::parse(&form_).expect("well formed");
    assert!(record.hung_up && record.seconds == Some(4));
}

#[test]
fn a_malformed_request_names_the_parameter_at_fault() {
    for (body, error) in [
        (CALL.replace("CallSid=CA", "CallSid=SM"), CodecError::Invalid("CallSid")),
        (CALL.replace("CallStatus=ringing", "CallStatus=humming"), CodecError::Invalid("CallStatus")),
        (CALL.replace("Direction=inbound", "Direction=up"), CodecError::Invalid("Direction")),
        (CALL.replace("&Direction=inbound", ""), CodecError::Missing("Direction")),
        (with("From=%2B14155550199"), CodecError::Ambiguous("From")),
        (with("ParentCallSid=1"), CodecError::Invalid("ParentCallSid")),
    ] {
        assert_eq!(VoiceRequest::parse(&form(&body)), Err(error), "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_the_parsers_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        name in "(Confidence|DialCallStatus|AnsweredBy|CallDuration|From)",
        value in ".{0,12}",
    ) {
        let changed = Form::from_pairs(form(CALL).pairs().chain([(name.as_str(), value.as_str())])).encode();
        for body in [&body[..], changed.as_bytes()] {
            let Ok(form) = Form::parse(body) else { continue };
            let _ = (VoiceRequest::parse(&form), CallStatusCallback::parse(&form), GatherResult::parse(&form));
            let _ = (DialResult::parse(&form), AmdCallback::parse(&form), RecordingCallback::parse(&form));
            let _ = RecordResult::parse(&form);
        }
    }
}
