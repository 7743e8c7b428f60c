//! The messages of the documentation.

use super::*;

fn parse(body: &str) -> ServerMessage {
    ServerMessage::parse(body.as_bytes()).expect(body)
}

#[test]
fn a_call_without_an_assistant_is_read_and_answered() {
    let message = parse(
        r#"{"message":{"type":"assistant-request","timestamp":1726000000000,
            "call":{"id":"c","type":"inboundPhoneCall","customer":{"number":"+1555"},"phoneNumberId":"p"}}}"#,
    );
    assert_eq!(message.news, News::AssistantRequest);
    assert_eq!(message.timestamp, Some(1_726_000_000_000));
    let call = message.call.expect("a call");
    assert_eq!(call.customer.and_then(|customer| customer.number).as_deref(), Some("+1555"));
    assert_eq!(call.phone_number_id.as_deref(), Some("p"));
    let variables = Map::from_iter([("client_name".to_owned(), json!("Ana"))]);
    for (answer, body) in [
        (
            AssistantAnswer::Assistant { id: "a", variables },
            json!({ "assistantId": "a", "assistantOverrides": { "variableValues": { "client_name": "Ana" } } }),
        ),
        (AssistantAnswer::Assistant { id: "a", variables: Map::new() }, json!({ "assistantId": "a" })),
        (
            AssistantAnswer::Number("+14155552671"),
            json!({ "destination": { "type": "number", "number": "+14155552671" } }),
        ),
        (AssistantAnswer::Error("Sorry."), json!({ "error": "Sorry." })),
    ] {
        assert_eq!(answer.body(), body);
    }
    assert_eq!(
        destination("+1", Some("Connecting you.")),
        json!({ "destination": { "type": "number", "number": "+1", "message": "Connecting you." } })
    );
}

#[test]
fn tools_are_read_in_every_shape_that_was_seen() {
    let body = r#"{"message":{"type":"tool-calls","call":{"id":"c"},"toolCallList":[
        {"id":"1","type":"function","function":{"name":"book","arguments":"{\"start\":\"10:00\"}"}},
        {"id":"2","type":"function","function":{"name":"book","arguments":{"start":"10:00"}}},
        {"id":"3","name":"book","parameters":{"start":"10:00"}},
        {"id":"4","name":"book","arguments":"not json"},
        {"id":"5","function":{"name":"book"}}],"toolWithToolCallList":[]}}"#;
    let News::ToolCalls { tool_call_list } = parse(body).news else { panic!("tools") };
    let calls: Vec<ToolCall> = tool_call_list.into_iter().map(WantedTool::into_call).collect();
    let start = json!({ "start": "10:00" });
    let expected = [start.clone(), start.clone(), start, json!("not json"), json!({})];
    assert_eq!(
        calls.iter().map(|call| &call.parameters).collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert!(calls.iter().all(|call| call.name == "book"));

    let done = ToolResult { id: "1".into(), result: "{\n\"ok\":true}\r\n".into(), is_error: false };
    let failed = ToolResult { id: "2".into(), result: "No slot".into(), is_error: true };
    assert_eq!(
        tool_results([("book", &done), ("book", &failed)]),
        json!({ "results": [
            { "name": "book", "toolCallId": "1", "result": "{ \"ok\":true}" },
            { "name": "book", "toolCallId": "2", "error": "No slot" } ] })
    );
}

#[test]
fn the_report_tells_how_the_call_went() {
    let body = r#"{"message":{"type":"end-of-call-report","endedReason":"customer-ended-call","timestamp":1726000123000,
        "startedAt":"2024-09-10T11:14:20.000Z","endedAt":"2024-09-10T11:16:20.000Z","cost":0.12,
        "call":{"id":"7420f27a","type":"outboundPhoneCall"},"customer":{"number":"+12345678913"},
        "artifact":{"transcript":"AI: How can I help?","recordingUrl":"https://r.example","messages":[{"role":"assistant","message":"How can I help?"}]},
        "analysis":{"summary":"Short.","structuredData":{"outcome":"booked"},"successEvaluation":"true"}}}"#;
    let News::EndOfCallReport(report) = parse(body).news else { panic!("a report") };
    assert_eq!(call_end(&report.ended_reason), CallEnd::ContactHungUp);
    assert_eq!(report.cost, Some(0.12));
    assert_eq!(report.artifact.transcript.as_deref(), Some("AI: How can I help?"));
    assert_eq!(report.analysis.structured_data, Some(json!({ "outcome": "booked" })));
    assert_eq!(call_end("pipeline-error-openai-llm-failed"), CallEnd::Failed);
}

#[test]
fn the_other_messages_are_told_apart() {
    let news = |message: &str| parse(&format!(r#"{{"message":{{{message}}}}}"#)).news;
    assert_eq!(
        news(r#""type":"status-update","status":"ended","endedReason":"voicemail""#),
        News::StatusUpdate { status: "ended".into(), ended_reason: Some("voicemail".into()) }
    );
    for kind in ["transcript", r#"transcript[transcriptType=\"final\"]"#] {
        assert_eq!(
            news(&format!(
                r#""type":"{kind}","role":"user","transcriptType":"final","transcript":"Hi","originalTranscript":"Hi""#
            )),
            News::Transcript {
                role: "user".into(),
                transcript_type: "final".into(),
                transcript: "Hi".into()
            }
        );
    }
    assert_eq!(
        news(r#""type":"speech-update","status":"started","role":"user","turn":3"#),
        News::SpeechUpdate { status: "started".into(), role: "user".into() }
    );
    for (kind, expected) in [
        ("user-interrupted", News::UserInterrupted),
        ("hang", News::Hang),
        ("conversation-update", News::ConversationUpdate),
        ("model-output", News::ModelOutput),
        ("transfer-destination-request", News::TransferDestinationRequest),
        ("transfer-update", News::TransferUpdate),
        ("invented-tomorrow", News::Other),
    ] {
        assert_eq!(news(&format!(r#""type":"{kind}","output":[1],"destination":{{}}"#)), expected, "{kind}");
    }
    assert_eq!(
        news(r#""type":"phone-call-control","request":"hang-up""#),
        News::PhoneCallControl { request: "hang-up".into() }
    );
    assert_eq!(
        news(r#""type":"language-change-detected","language":"es""#),
        News::LanguageChangeDetected { language: "es".into() }
    );
    assert_eq!(
        news(r#""type":"knowledge-base-request","messages":[{"role":"user"}]"#),
        News::KnowledgeBaseRequest { messages: vec![json!({ "role": "user" })] }
    );
    for bad in ["", "{}", r#"{"message":{}}"#, r#"{"message":{"type":"status-update"}}"#] {
        assert_eq!(
            ServerMessage::parse(bad.as_bytes()),
            Err(FrameError::Malformed("server message")),
            "{bad}"
        );
    }
}

#[test]
fn printing_a_call_shows_no_address_that_steers_it() {
    let call = parse(
        r#"{"message":{"type":"hang","call":{"id":"c","monitor":{"controlUrl":"https://secret.example/control"}}}}"#,
    );
    assert!(!format!("{call:?}").contains("secret.example"));
}

proptest::proptest! {
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = ServerMessage::parse(&body);
    }
}
