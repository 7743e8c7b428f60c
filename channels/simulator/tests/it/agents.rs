//! The agent's side: its REST API, the contract of its socket, and how it talks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use usher_simulator::RunningSimulator;
use usher_simulator::elevenlabs::{AGENT_ID, API_KEY};

use crate::phone::{MediaServer, Phone, start_with_voice};
use crate::support::{Http, Receiver, account, start};

/// A client of the agent's REST API.
struct Api<'h> {
    http: &'h Http,
    key: &'static str,
}

impl Api<'_> {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.any(method, &format!("/v1/convai/{path}")).header("xi-api-key", self.key);
        self.http
            .finish(match body {
                Some(body) => request.json(&body),
                None => request,
            })
            .await
    }
}

/// The bridge's side of a conversation.
struct Bridge(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Bridge {
    async fn open(url: &str) -> Self {
        Self(connect_async(url).await.expect("a handshake").0)
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("the socket is open");
    }

    /// The next message; the code and the reason when the socket is closed. Pings are answered on the way.
    async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["type"] != "ping" {
                        return Ok(message);
                    }
                    let pong = json!({ "type": "pong", "event_id": message["ping_event"]["event_id"] });
                    self.send(pong).await;
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err((u16::from(close.code), close.reason.to_string()));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err((1_006, String::new())),
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message of a type, without what comes before it.
    async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.expect("the socket stays open");
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// How it is closed, and the error before that.
    async fn close(&mut self) -> (u16, Value) {
        let mut error = Value::Null;
        loop {
            match self.next().await {
                Ok(message) if message["type"] == "error" => {
                    error = message["error_event"]["error_type"].clone();
                }
                Ok(_) => {}
                Err((code, _)) => return (code, error),
            }
        }
    }
}

async fn signed(http: &Http) -> String {
    let api = Api { http, key: API_KEY };
    let path = format!("conversation/get-signed-url?agent_id={AGENT_ID}");
    let (status, answer) = api.ask("GET", &path, None).await;
    assert_eq!(status, 200, "{answer}");
    answer["signed_url"].as_str().expect("an address").to_owned()
}

fn simulator() -> (RunningSimulator, Http) {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    (simulator, http)
}

fn initiation(first_message: &str) -> Value {
    json!({
        "type": "conversation_initiation_client_data",
        "conversation_config_override": { "agent": { "first_message": first_message } },
    })
}

#[tokio::test]
async fn a_key_a_signature_and_a_known_agent_are_needed() {
    let (simulator, http) = simulator();
    let stranger = Api { http: &http, key: "sk_other" };
    let (status, refusal) = stranger.ask("GET", "agents", None).await;
    assert_eq!((status, &refusal["detail"]["status"]), (401, &json!("invalid_api_key")));
    let api = Api { http: &http, key: API_KEY };
    assert_eq!(api.ask("GET", "conversation/get-signed-url?agent_id=agent_x", None).await.0, 404);

    let plain = simulator.url.replace("http", "ws");
    let bare = format!("{plain}/v1/convai/conversation?agent_id={AGENT_ID}");
    for url in [bare.clone(), format!("{bare}&conversation_signature=cvtkn_guess")] {
        match connect_async(&url).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 403),
            other => panic!("{other:?}"),
        }
    }
    let mut bridge = Bridge::open(&signed(&http).await).await;
    bridge.send(initiation("")).await;
    let metadata = bridge.next().await.expect("metadata");
    let event = &metadata["conversation_initiation_metadata_event"];
    assert_eq!(event["agent_output_audio_format"], "ulaw_8000");
    assert!(event["conversation_id"].as_str().is_some_and(|id| id.starts_with("conv_")));
}

#[tokio::test]
async fn agents_and_tools_are_kept_as_they_were_sent_and_checked_before() {
    let (_simulator, http) = simulator();
    let api = Api { http: &http, key: API_KEY };
    assert_eq!(api.ask("POST", "agents/create", Some(json!({ "name": "x" }))).await.0, 422);
    let tool = json!({ "tool_config": {
        "type": "client", "name": "record_answer", "description": "Keeps an answer.", "expects_response": true,
        "parameters": { "type": "object", "properties": { "value": { "type": "string", "description": "It." } } },
    } });
    let (_, kept) = api.ask("POST", "tools", Some(tool.clone())).await;
    for (at, wrong) in [
        ("type", json!("robot")),
        ("name", json!("record answer")),
        ("response_timeout_secs", json!(500)),
        ("parameters", json!({ "type": "object", "properties": { "value": { "type": "string" } } })),
    ] {
        let mut broken = tool.clone();
        broken["tool_config"][at] = wrong;
        assert_eq!(api.ask("POST", "tools", Some(broken)).await.0, 422, "{at}");
    }
    let config = |tool: &Value| {
        json!({ "name": "Voice", "conversation_config": {
            "tts": { "agent_output_audio_format": "pcm_16000" },
            "agent": { "first_message": "Hi", "prompt": { "tool_ids": [tool] } },
        } })
    };
    assert_eq!(api.ask("POST", "agents/create", Some(config(&json!("tool_x")))).await.0, 422);
    let (status, created) = api.ask("POST", "agents/create", Some(config(&kept["id"]))).await;
    assert_eq!(status, 200, "{created}");
    let path = format!("agents/{}", created["agent_id"].as_str().expect("an id"));
    let change = json!({ "conversation_config": { "agent": { "first_message": "Hello" } } });
    assert_eq!(api.ask("PATCH", &path, Some(change)).await.0, 200);
    let (_, agent) = api.ask("GET", &path, None).await;
    assert_eq!(agent["conversation_config"]["agent"]["first_message"], "Hello");
    assert_eq!(agent["conversation_config"]["tts"]["agent_output_audio_format"], "pcm_16000");
}

#[tokio::test]
async fn a_client_that_breaks_the_contract_is_closed_with_1008() {
    let (_simulator, http) = simulator();
    for (first, error) in [
        (json!({ "user_audio_chunk": "////" }), "invalid_message"),
        (
            json!({ "type": "conversation_initiation_client_data", "conversation_config_override": { "tts": { "model_id": "x" } } }),
            "override_error",
        ),
        (initiation("Hi {{name}}"), "missing_dynamic_variable"),
    ] {
        let mut bridge = Bridge::open(&signed(&http).await).await;
        bridge.send(first).await;
        assert_eq!(bridge.close().await, (1_008, json!(error)));
    }
    for (later, error) in [
        (json!({ "type": "dance" }), "invalid_message"),
        (json!({ "type": "contextual_update" }), "missing_fields"),
        (
            json!({ "type": "client_tool_result", "tool_call_id": "c", "result": { "ok": true }, "is_error": false }),
            "value_error",
        ),
    ] {
        let mut bridge = Bridge::open(&signed(&http).await).await;
        bridge.send(initiation("")).await;
        bridge.send(later).await;
        assert_eq!(bridge.close().await, (1_008, json!(error)));
    }
}

#[tokio::test]
async fn the_agent_asks_through_the_clients_tools_and_ends_when_all_is_answered() {
    let (_simulator, http) = simulator();
    let mut bridge = Bridge::open(&signed(&http).await).await;
    bridge.send(initiation("Hi Dana, this is Bright Agency.")).await;
    let response = bridge.until("agent_response").await;
    assert_eq!(response["agent_response_event"]["agent_response"], "Hi Dana, this is Bright Agency.");
    let call = bridge.until("client_tool_call").await["client_tool_call"].clone();
    assert_eq!(call["tool_name"], "get_next_question");
    let question = json!({ "ok": true, "say": "What is your website?",
        "next_question": { "field": "website", "question": "What is your website?" } });
    let result = |call: &Value, result: Value| {
        json!({
            "type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": result.to_string(), "is_error": false,
        })
    };
    bridge.send(result(&call, question)).await;
    let response = bridge.until("agent_response").await;
    assert_eq!(response["agent_response_event"]["agent_response"], "What is your website?");
    let first = bridge.until("audio").await["audio_event"].clone();
    assert_eq!(first["event_id"], response["agent_response_event"]["event_id"]);
    let audio = STANDARD.decode(first["audio_base_64"].as_str().expect("audio")).expect("base64");
    assert_eq!(audio.len(), 1_600);

    bridge.send(json!({ "type": "user_message", "text": "I have just sent my website" })).await;
    let interruption = bridge.until("interruption").await;
    assert!(interruption["interruption_event"]["event_id"].is_u64());
    let call = bridge.until("client_tool_call").await["client_tool_call"].clone();
    let done = json!({ "ok": true, "say": "That is all I need.", "complete": true });
    bridge.send(result(&call, done)).await;
    let response = bridge.until("agent_response").await;
    assert_eq!(response["agent_response_event"]["agent_response"], "Got it, thanks. That is all I need.");
    let call = bridge.until("client_tool_call").await["client_tool_call"].clone();
    assert_eq!(call["tool_name"], "end_call");
    bridge.send(result(&call, json!({ "ok": true }))).await;
    assert_eq!(bridge.until("agent_tool_response").await["agent_tool_response"]["tool_name"], "end_call");
    assert_eq!(bridge.close().await.0, 1_000);
}

#[tokio::test]
async fn faults_change_the_formats_refuse_break_and_interrupt() {
    let (_simulator, http) = simulator();
    http.fault(json!({ "kind": "agent_formats", "input": "pcm_16000", "output": "pcm_22050" })).await;
    let mut bridge = Bridge::open(&signed(&http).await).await;
    bridge.send(initiation("Hi")).await;
    let metadata = bridge.next().await.expect("metadata");
    assert_eq!(metadata["conversation_initiation_metadata_event"]["agent_output_audio_format"], "pcm_22050");
    bridge.send(json!({ "user_audio_chunk": "AA==" })).await;
    assert_eq!(bridge.close().await, (1_008, json!("value_error")));

    http.fault(json!({ "kind": "agent_refuse", "code": 1002, "error_type": "quota", "reason": "no credit" }))
        .await;
    let mut bridge = Bridge::open(&signed(&http).await).await;
    bridge.send(initiation("Hi")).await;
    assert_eq!(bridge.close().await, (1_002, json!("quota")));

    http.fault(json!({ "kind": "agent_drop", "after_ms": 50 })).await;
    http.fault(json!({ "kind": "agent_interrupts", "after_ms": 10 })).await;
    let mut bridge = Bridge::open(&signed(&http).await).await;
    bridge.send(initiation("Hi there, how are you?")).await;
    bridge.until("interruption").await;
    let correction = bridge.until("agent_response_correction").await;
    assert_eq!(
        correction["agent_response_correction_event"]["original_agent_response"],
        "Hi there, how are you?"
    );
    assert_eq!(bridge.close().await.0, 1_006);

    http.fault(json!({ "kind": "agent_http_error", "status": 429 })).await;
    let api = Api { http: &http, key: API_KEY };
    assert_eq!(
        api.ask("GET", &format!("conversation/get-signed-url?agent_id={AGENT_ID}"), None).await.0,
        429
    );
}

/// Words of a handset cross a media stream and a hand-written bridge to the agent, and its words come back.
#[tokio::test]
async fn a_caller_and_the_agent_hear_each_other_through_a_bridge() {
    let media = MediaServer::start().await;
    let twiml = format!("<Response><Connect><Stream url='{}'/></Connect></Response>", media.url);
    let server = Receiver::answering(move |_| twiml.clone());
    let simulator = start_with_voice(&server.url);
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    stream.until("start", false).await;
    let mut bridge = Bridge::open(&signed(&http).await).await;
    bridge.send(initiation("What is your website, please?")).await;
    let bridging = tokio::spawn(async move {
        let mut heard = Value::Null;
        let mut interrupted = 0;
        loop {
            tokio::select! {
                message = stream.next() => match message["event"].as_str() {
                    Some("media") => {
                        bridge.send(json!({ "user_audio_chunk": message["media"]["payload"] })).await;
                    }
                    Some("stop") | None => return (heard, interrupted),
                    Some(_) => {}
                },
                message = bridge.next() => {
                    let message = message.expect("the agent stays");
                    match message["type"].as_str().expect("a type") {
                        "audio" if message["audio_event"]["event_id"].as_u64() > Some(interrupted) => {
                            stream.send("media", json!({ "payload": message["audio_event"]["audio_base_64"] })).await;
                        }
                        "interruption" => {
                            interrupted = message["interruption_event"]["event_id"].as_u64().expect("a number");
                            stream.send("clear", Value::Null).await;
                        }
                        "user_transcript" => heard = message["user_transcription_event"]["user_transcript"].clone(),
                        _ => {}
                    }
                }
            }
        }
    });
    let asked = phone.until("heard:What is your website, please?").await;
    assert_eq!((&asked["detail"]["whole"], &asked["detail"]["lost"]), (&json!(true), &json!(0)));
    let (_, conversation) = http.sim("GET", "elevenlabs/conversations/wait", None).await;
    let id = conversation["id"].as_str().expect("a conversation").to_owned();
    phone.says("My website is acme dot com").await;
    let path = format!("elevenlabs/conversations/{id}/wait?until=heard:acme");
    let (_, heard) = http.sim("GET", &path, None).await;
    assert_eq!(heard["detail"]["whole"], true);

    // Speaking over the agent breaks it off.
    let long = "This is a very long sentence that nobody wants to hear to its very end";
    let path = format!("elevenlabs/conversations/{id}/orders");
    http.sim("POST", &path, Some(json!({ "order": "say", "text": long }))).await;
    phone.until("hearing:This is a very long").await;
    phone.does("interrupt", json!({ "text": "Excuse me" })).await;
    let cut = phone.until("heard").await;
    assert_eq!(cut["detail"]["whole"], false, "{cut}");
    phone.does("hangup", json!({})).await;
    let (heard, interrupted) = bridging.await.expect("the bridge ends");
    assert!(heard.as_str().is_some_and(|heard| heard.contains("acme")) && interrupted > 0);
}
