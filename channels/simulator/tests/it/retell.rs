//! A Retell call: the server's custom-LLM socket gives the words.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};
use usher_simulator::retell::API_KEY;

use crate::phone::Phone;
use crate::support::{Http, NUMBER, PHONE, Receiver, account, start};

async fn send(socket: &mut WebSocketStream<TcpStream>, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.expect("the socket is open");
}

/// The next frame of a kind.
async fn until(socket: &mut WebSocketStream<TcpStream>, kind: &str) -> Value {
    loop {
        let message = socket.next().await.expect("the socket stays open").expect("a frame");
        if let Message::Text(text) = message {
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["interaction_type"] == kind {
                return frame;
            }
        }
    }
}

#[tokio::test]
async fn a_call_is_talked_through_the_servers_socket_and_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut hooks = Receiver::start("");
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let ask = async |path: &str, body: Value| {
        http.finish(http.any("POST", path).bearer_auth(API_KEY).json(&body)).await
    };
    let agent = json!({
        "voice_id": "v", "webhook_url": format!("{}/hook", hooks.url),
        "response_engine": {
            "type": "custom-llm", "llm_websocket_url": format!("ws://{}/llm", listener.local_addr().expect("bound")),
        },
    });
    assert_eq!(http.finish(http.any("POST", "/create-agent").json(&agent)).await.0, 401);
    assert_eq!(ask("/create-agent", json!({ "voice_id": "v" })).await.0, 400);
    let (status, agent) = ask("/create-agent", agent).await;
    assert_eq!(status, 201, "{agent}");
    let call = json!({ "from_number": NUMBER, "to_number": PHONE, "override_agent_id": agent["agent_id"] });
    let (status, call) = ask("/v2/create-phone-call", call).await;
    assert_eq!((status, &call["call_status"]), (201, &json!("registered")));
    let mut phone = Phone::rings(&http, PHONE, 0).await;
    phone.until("status:ringing").await;
    phone.does("answer", json!({})).await;

    let (socket, _) = listener.accept().await.expect("a connection");
    let mut socket = accept_async(socket).await.expect("a handshake");
    send(&mut socket, json!({ "response_type": "config", "config": { "call_details": true } })).await;
    assert_eq!(until(&mut socket, "call_details").await["call"]["call_id"], call["call_id"]);
    let greeting = json!({ "response_type": "response", "response_id": 0, "content": "How can I help?", "content_complete": true });
    send(&mut socket, greeting).await;
    phone.until("heard:How can I help?").await;
    phone.says("I want to book").await;
    let asked = until(&mut socket, "response_required").await;
    assert_eq!(asked["transcript"][1], json!({ "role": "user", "content": "I want to book" }));
    let stale = json!({ "response_type": "response", "response_id": 0, "content": "Too late", "content_complete": true });
    send(&mut socket, stale).await;
    let id = asked["response_id"].clone();
    send(&mut socket, json!({ "response_type": "response", "response_id": id, "content": "Done. ", "content_complete": false })).await;
    send(&mut socket, json!({ "response_type": "response", "response_id": id, "content": "Bye!", "content_complete": true, "end_call": true })).await;
    assert_eq!(phone.until("heard").await["text"], "Done. Bye!");
    phone.until("ended:agent_hangup").await;
    for _ in 0..3 {
        assert!(hooks.at("/hook").await.retell_signature.starts_with("v="));
    }
}
