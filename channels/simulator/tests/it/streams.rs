//! Media streams, against a small server of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use usher_channels::twilio::SigningKey;
use usher_simulator::RunningSimulator;

use crate::phone::{MediaServer, Phone, start_with_voice};
use crate::support::{ACCOUNT, Http, Receiver, TOKEN};

fn connect(url: &str) -> String {
    format!(
        "<Response><Connect><Stream url='{url}'><Parameter name='token' value='t0'/></Stream></Connect>\
         <Say>Still here</Say></Response>"
    )
}

/// A document server for one stream.
fn server_for(media: &MediaServer) -> Receiver {
    let twiml = connect(&media.url);
    Receiver::answering(move |_| twiml.clone())
}

/// What a call needs: somewhere for its stream, a document that leads there, and the network. The document server answers
/// as long as it is kept.
async fn a_line_with_a_stream() -> (MediaServer, Receiver, RunningSimulator) {
    let media = MediaServer::start().await;
    let server = server_for(&media);
    let simulator = start_with_voice(&server.url);
    (media, server, simulator)
}

#[tokio::test]
async fn a_stream_begins_as_documented_and_every_message_has_its_number() {
    let (media, _server, simulator) = a_line_with_a_stream().await;
    let http = Http::to(&simulator);
    let phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    assert_eq!(stream.signature, SigningKey::new(TOKEN.into()).sign(&media.url, None));
    assert_eq!(stream.next().await, json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" }));
    let start = stream.next().await;
    let sid = stream.stream_sid.clone();
    assert_eq!(
        start,
        json!({
            "event": "start", "sequenceNumber": "1", "streamSid": sid,
            "start": {
                "accountSid": ACCOUNT, "callSid": phone.sid, "streamSid": sid, "tracks": ["inbound"],
                "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
                "customParameters": { "token": "t0" },
            },
        })
    );
    for chunk in 1..=25_u64 {
        let message = stream.next().await;
        assert_eq!(message["sequenceNumber"], (chunk + 1).to_string());
        assert_eq!(message["media"]["chunk"], chunk.to_string());
        assert_eq!(message["media"]["timestamp"], ((chunk - 1) * 20).to_string());
        assert_eq!(
            STANDARD.decode(message["media"]["payload"].as_str().expect("audio")).map(|a| a.len()),
            Ok(160)
        );
    }
    phone.does("digits", json!({ "digits": "5" })).await;
    assert_eq!(stream.until("dtmf", false).await["dtmf"], json!({ "track": "inbound_track", "digit": "5" }));
    phone.does("hangup", json!({})).await;
    let stop = stream.until("stop", false).await;
    assert_eq!(stop["stop"], json!({ "accountSid": ACCOUNT, "callSid": phone.sid }));
    assert_eq!(stream.next().await, Value::Null);
}

#[tokio::test]
async fn words_that_are_sent_back_are_heard_again_without_a_frame_missing() {
    let (media, _server, simulator) = a_line_with_a_stream().await;
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    phone.until("stream:started").await;
    phone.says("My website is acme dot com").await;
    let echo = tokio::spawn(async move { stream.until("stop", true).await });
    let heard = phone.until("heard").await;
    assert_eq!(heard["text"], "My website is acme dot com");
    assert_eq!(heard["detail"]["whole"], true);
    assert_eq!((&heard["detail"]["lost"], &heard["detail"]["reordered"]), (&json!(0), &json!(0)));
    phone.does("hangup", json!({})).await;
    echo.await.expect("the stream ends");
}

#[tokio::test]
async fn marks_come_back_when_the_audio_was_played_or_thrown_away() {
    let (media, _server, simulator) = a_line_with_a_stream().await;
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    stream.until("start", false).await;
    let half_a_second = json!({ "payload": STANDARD.encode([0x20; 4_000]) });
    stream.send("mark", json!({ "name": "at once" })).await;
    assert_eq!(stream.until("mark", false).await["mark"]["name"], "at once");
    stream.send("media", half_a_second.clone()).await;
    stream.send("mark", json!({ "name": "played" })).await;
    // Half a second is played while half a second is heard.
    let mut heard = 0;
    let mark = loop {
        let message = stream.next().await;
        if message["event"] != "media" {
            break message;
        }
        heard += 1;
    };
    assert_eq!(mark["mark"]["name"], "played");
    assert!(heard >= 25, "{heard} frames");
    for _ in 0..20 {
        stream.send("media", half_a_second.clone()).await;
    }
    stream.send("mark", json!({ "name": "dropped" })).await;
    stream.send_text(format!(r#"{{"event":"clear","streamSid":"{}"}}"#, stream.stream_sid)).await;
    assert_eq!(stream.until("mark", false).await["mark"]["name"], "dropped");
    let cleared = phone.until("clear").await;
    assert!(cleared["detail"]["dropped_ms"].as_u64().is_some_and(|dropped| dropped > 5_000), "{cleared}");
}

#[tokio::test]
async fn when_the_server_closes_the_document_goes_on() {
    let (media, _server, simulator) = a_line_with_a_stream().await;
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    stream.until("start", false).await;
    for malformed in
        ["{", r#"{"event":"clear"}"#, r#"{"event":"media","streamSid":"MZ0","media":{"payload":"AA=="}}"#]
    {
        stream.send_text(malformed.to_owned()).await;
    }
    phone.until("error:31950").await;
    stream.close().await;
    let stopped = phone.until("stream:stopped").await;
    assert_eq!(stopped["detail"]["why"], "server");
    assert_eq!(stopped["detail"]["counts"]["malformed"], 3);
    phone.until("heard:Still here").await;
    phone.until("ended:completed").await;
}

#[tokio::test]
async fn a_stream_that_cannot_be_opened_is_an_error_and_the_document_goes_on() {
    let refusing = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let forbidden = format!("ws://{}/media", refusing.local_addr().expect("bound"));
    tokio::spawn(async move {
        let (mut socket, _) = refusing.accept().await.expect("a connection");
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        socket.write_all(answer).await.expect("the client reads");
        socket.read_to_end(&mut Vec::new()).await.expect("the client closes");
    });
    for (url, code) in [
        ("ws://127.0.0.1:1/media".to_owned(), "31902"),
        ("ws://media.example/media".to_owned(), "31922"),
        ("wss://media.example/media?token=t0".to_owned(), "31920"),
        (forbidden, "31920"),
    ] {
        let twiml = connect(&url);
        let server = Receiver::answering(move |_| twiml.clone());
        let simulator = start_with_voice(&server.url);
        let http = Http::to(&simulator);
        let mut phone = Phone::dials(&http).await;
        phone.until(&format!("error:{code}")).await;
        phone.until("heard:Still here").await;
    }
}

#[tokio::test]
async fn faults_break_stall_and_forge_a_stream() {
    let (media, _server, simulator) = a_line_with_a_stream().await;
    let http = Http::to(&simulator);
    for fault in [
        json!({ "kind": "stream_bad_signature" }),
        json!({ "kind": "stream_foreign_call" }),
        json!({ "kind": "stream_parameter", "name": "token", "value": "used" }),
        json!({ "kind": "stream_malformed", "after_ms": 0 }),
        json!({ "kind": "stream_drop", "after_ms": 100 }),
    ] {
        http.fault(fault).await;
    }
    let mut phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    assert_ne!(stream.signature, SigningKey::new(TOKEN.into()).sign(&media.url, None));
    stream.next().await;
    let start = stream.next().await;
    assert_ne!(start["start"]["callSid"], phone.sid);
    assert_eq!(start["start"]["customParameters"]["token"], "used");
    assert_eq!(stream.until("stop", false).await, Value::Null, "it breaks without a stop");
    assert_eq!(phone.until("stream:stopped").await["detail"]["why"], "fault");
}

#[tokio::test]
async fn new_instructions_stop_the_stream() {
    let (media, _server, simulator) = a_line_with_a_stream().await;
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let mut stream = media.accept().await;
    stream.until("start", false).await;
    let twiml = "<Response><Say>Transferring</Say></Response>";
    assert_eq!(http.api("POST", &format!("Calls/{}.json", phone.sid), &[("Twiml", twiml)]).await.0, 200);
    assert_eq!(stream.until("stop", false).await["event"], "stop");
    phone.until("heard:Transferring").await;
    phone.until("ended:completed").await;
}
