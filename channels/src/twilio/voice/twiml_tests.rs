//! Whole documents, byte for byte.

use proptest::prelude::*;

use super::*;

fn body(verbs: &[Verb<'_>]) -> String {
    let document = document(verbs).expect("small");
    let body = document.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#);
    body.and_then(|body| body.strip_suffix("</Response>")).expect("a response").to_owned()
}

#[test]
fn a_stream_is_connected_with_what_it_must_know() {
    let stream = Verb::Connect(Connect {
        action: Some("https://app.example.com/voice/after-stream"),
        url: "wss://app.example.com/media",
        status_callback: Some("https://app.example.com/voice/stream-status"),
        parameters: &[("session", "01J"), ("token", "one-time-secret")],
    });
    let say = Prompt::Say(Say {
        text: "One moment please.",
        voice: Some("Polly.Joanna-Neural"),
        language: Some("en-US"),
    });
    assert_eq!(
        document(&[Verb::Prompt(say), stream, Verb::Hangup]).as_deref(),
        Ok(
            r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="Polly.Joanna-Neural" language="en-US">One moment please.</Say><Connect action="https://app.example.com/voice/after-stream"><Stream url="wss://app.example.com/media" statusCallback="https://app.example.com/voice/stream-status"><Parameter name="session" value="01J"/><Parameter name="token" value="one-time-secret"/></Stream></Connect><Hangup/></Response>"#
        )
    );
}

#[test]
fn a_call_is_recorded_beside_what_else_happens_on_it() {
    let recording = Recording { dual: true, status_callback: Some("https://app.example.com/recording") };
    assert_eq!(
        body(&[Verb::StartRecording(recording)]),
        r#"<Start><Recording channels="dual" track="both" recordingStatusCallback="https://app.example.com/recording" recordingStatusCallbackEvent="completed absent"/></Start>"#
    );
}

#[test]
fn a_transfer_dials_and_has_words_for_when_nobody_answers() {
    let dial = Verb::Dial(Dial {
        action: Some("https://app.example.com/voice/dial-done"),
        timeout_seconds: Some(20),
        limit_seconds: Some(3_600),
        caller_id: Some("+14155550101"),
        answer_on_bridge: true,
        hangup_on_star: true,
        numbers: &[Number {
            number: "+14155550199",
            url: Some("https://app.example.com/voice/whisper?a=1&b=2"),
            status_callback: Some("https://app.example.com/voice/leg"),
        }],
    });
    assert_eq!(
        body(&[dial, Verb::say("Nobody could take your call.")]),
        r#"<Dial action="https://app.example.com/voice/dial-done" timeout="20" timeLimit="3600" callerId="+14155550101" answerOnBridge="true" hangupOnStar="true"><Number url="https://app.example.com/voice/whisper?a=1&amp;b=2" statusCallbackEvent="initiated ringing answered completed" statusCallback="https://app.example.com/voice/leg">+14155550199</Number></Dial><Say>Nobody could take your call.</Say>"#
    );
}

#[test]
fn a_question_is_asked_while_keys_and_speech_are_awaited() {
    let prompts = [Prompt::Say(Say { text: "Press 1 or say yes.", ..Say::default() }), Prompt::Pause(2)];
    let gather = Verb::Gather(Gather {
        input: Input::Both,
        action: Some("https://app.example.com/voice/menu"),
        timeout_seconds: Some(5),
        speech_timeout: Some(SpeechTimeout::Auto),
        digits: Some(1),
        finish_on_key: Some(""),
        language: Some("en-US"),
        hints: Some("yes, no"),
        speech_model: Some("phone_call"),
        action_on_empty_result: true,
        prompts: &prompts,
    });
    assert_eq!(
        body(&[gather, Verb::Redirect("https://app.example.com/voice/menu?retry=1")]),
        r#"<Gather input="dtmf speech" action="https://app.example.com/voice/menu" timeout="5" speechTimeout="auto" numDigits="1" finishOnKey="" language="en-US" hints="yes, no" speechModel="phone_call" actionOnEmptyResult="true"><Say>Press 1 or say yes.</Say><Pause length="2"/></Gather><Redirect>https://app.example.com/voice/menu?retry=1</Redirect>"#
    );
}

#[test]
fn the_other_verbs_are_written_as_named() {
    let record = Verb::Record(Record {
        action: Some("https://x.example/done"),
        timeout_seconds: Some(3),
        max_seconds: Some(120),
        finish_on_key: Some("#"),
        beep: Some(false),
        status_callback: Some("https://x.example/file"),
    });
    let gather =
        Verb::Gather(Gather { speech_timeout: Some(SpeechTimeout::Seconds(3)), ..Gather::default() });
    let verbs =
        [record, gather, Verb::Gather(Gather { input: Input::Speech, ..Gather::default() }), Verb::pause(1)];
    assert_eq!(
        body(&verbs),
        r##"<Record action="https://x.example/done" timeout="3" maxLength="120" finishOnKey="#" playBeep="false" recordingStatusCallback="https://x.example/file"/><Gather input="dtmf" speechTimeout="3"></Gather><Gather input="speech"></Gather><Pause length="1"/>"##
    );
    assert_eq!(body(&[]), "");
}

#[test]
fn outside_text_cannot_become_a_verb() {
    assert_eq!(
        body(&[Verb::say("</Say><Dial>+1900</Dial>\"'&\u{0}\u{8}\u{ffff}\n\u{e9}")]),
        "<Say>&lt;/Say&gt;&lt;Dial&gt;+1900&lt;/Dial&gt;&quot;'&amp;&#10;\u{e9}</Say>"
    );
}

#[test]
fn what_twilio_would_not_take_is_refused_here() {
    let long = "a".repeat(MAX_BYTES);
    assert_eq!(document(&[Verb::say(&long)]), Err(TwimlError::TooLarge));
    let value = "v".repeat(499);
    let with = |value: &str| {
        document(&[Verb::Connect(Connect { parameters: &[("n", value)], ..Connect::default() })])
    };
    assert_eq!(with(&value), Err(TwimlError::ParameterTooLong));
    assert!(with(&value[1..]).is_ok());
}

proptest! {
    #[test]
    fn any_text_stays_inside_its_element_and_attribute(text in ".{0,60}") {
        let url = text.as_str();
        let say = body(&[Verb::say(url)]);
        let inside = say.strip_prefix("<Say>").and_then(|rest| rest.strip_suffix("</Say>")).expect("one element");
        prop_assert!(!inside.contains(['<', '>', '"']));
        let connect = body(&[Verb::Connect(Connect { url, ..Connect::default() })]);
        let inside = connect.strip_prefix("<Connect><Stream url=\"").and_then(|rest| rest.strip_suffix("\"></Stream></Connect>"));
        prop_assert!(!inside.expect("one attribute").contains(['<', '>', '"']));
    }
}
