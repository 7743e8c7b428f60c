//! What no vendor is shown, and calls that come back: from a person who was not there, and from a server that was down.

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use usher_testkit::{Database, TestServer, eventually, http};

use super::voice::{Ticket, base, conversations, document, ringing};
use super::{PATIENCE, USHER};

const SID: &str = "CA00000000000000000000000000000001";

fn operator(server: &TestServer) -> Result<String> {
    Ok(std::fs::read_to_string(server.data_dir().join("operator.key"))?)
}

/// Has Retell hold the organisation's calls.
async fn held_by_retell(server: &TestServer) -> Result<()> {
    let url = format!("{}/api/voice/peers/{}", base(server), server.ready().org_id);
    let peer = json!({ "provider": "retell", "agent_id": "agent_1", "api_key": "key_of_retell" });
    let answer = http::client()?.put(url).bearer_auth(operator(server)?).json(&peer).send().await?;
    answer.error_for_status()?;
    Ok(())
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The widget's microphone, and the first frame it gets.
async fn microphone(server: &TestServer) -> Result<(Value, Socket)> {
    let address = base(server).replacen("http", "ws", 1);
    let url = format!("{address}/ws/widget/voice?session={}", server.ready().session_id);
    let (mut socket, _) = connect_async(url).await?;
    Ok((told(&mut socket).await?, socket))
}

/// The next frame of text.
async fn told(socket: &mut Socket) -> Result<Value> {
    loop {
        let frame = tokio::time::timeout(PATIENCE, socket.next()).await?.context("the socket ended")??;
        if let Message::Text(text) = frame {
            return Ok(serde_json::from_str(&text)?);
        }
    }
}

async fn call(server: &TestServer, id: &str) -> Result<Value> {
    let url = format!("{}/api/voice/calls/{id}", base(server));
    let answer = http::client()?.get(url).bearer_auth(operator(server)?).send().await?.error_for_status()?;
    Ok(answer.json().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_one_provider_is_shown_to_no_other() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    held_by_retell(&server).await?;
    let page = server.widget()?.session().await?.body;
    assert_eq!(page["voiceConfig"], Value::Null, "no microphone is offered");
    let (refused, _socket) = microphone(&server).await?;
    assert_eq!(
        (&refused["type"], &refused["id"]),
        (&json!("error"), &json!("voice-unavailable")),
        "{refused}"
    );
    let (url, form) = ringing(&server, SID);
    let document = document(&server, &url, &form).await?;
    assert!(document.contains("<Gather") && !document.contains("<Stream"), "{document}");
    assert_eq!(conversations(&server).await?, 0);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_comes_back_from_a_transfer_is_asked_what_is_asked_now() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    held_by_retell(&server).await?;
    let (url, form) = ringing(&server, SID);
    let greeting = document(&server, &url, &form).await?;
    assert!(greeting.contains("exact name of your business"), "{greeting}");
    let said = |words: &str, more: [(&str, &str); 1]| {
        let more = [("SpeechResult", words)].into_iter().chain(more);
        let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
        form.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let asked =
        document(&server, &address(&greeting, "action=\"")?, &said("Reyes Bakery", [("Confidence", "1.7")]))
            .await?;
    assert!(asked.contains("phone number"), "{asked}");
    // Nobody answered where the call was put through to.
    let call = asked.split_once("call=").and_then(|(_, rest)| rest.split_once("&amp;")).context("a call")?.0;
    let transfer = format!("{}/api/webhooks/twilio/voice/transfer?call={call}", base(&server));
    let back = document(&server, &transfer, &said("", [("DialCallStatus", "no-answer")])).await?;
    let again = document(&server, &address(&back, "<Redirect>")?, &form).await?;
    assert!(again.contains("nobody could take your call"), "{again}");
    assert!(again.contains("phone number") && !again.contains("exact name"), "{again}");
    server.stop().await
}

/// The address behind `before` in a document; what stands behind its `#` is for the carrier and is not sent.
fn address(document: &str, before: &str) -> Result<String> {
    let (_, rest) = document.split_once(before).with_context(|| format!("no {before} in {document}"))?;
    let end = rest.find(['"', '<', '#']).context("it ends")?;
    Ok(rest[..end].replace("&amp;", "&"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ended_while_the_server_was_down_is_ended_by_the_next() -> Result<()> {
    let mut server = TestServer::demo(USHER, Database::Sqlite).await?;
    let ticket = Ticket::of_call(&server, 1).await?;
    assert_eq!(call(&server, &ticket.call).await?["outcome"], Value::Null, "it goes on");
    // The simulated carrier goes down as well, and does not know the call any more.
    server.kill().await?;
    server.restart().await?;
    let ended = eventually("the call is ended", PATIENCE, || async {
        let call = call(&server, &ticket.call).await?;
        Ok((!call["outcome"].is_null()).then_some(call))
    });
    let ended = ended.await?;
    assert_eq!((&ended["outcome"], &ended["status"]), (&json!("failed"), &json!("failed")), "{ended}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_has_one_call_and_its_record_says_how_long_it_was() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (ready, mut first) = microphone(&server).await?;
    assert_eq!(ready["type"], "ready", "{ready}");
    let (refused, _) = microphone(&server).await?;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("overloaded")), "{refused}");
    // The agent is told the call's id.
    let known = eventually("the agent is there", PATIENCE, || async {
        let url = server.ready().simulator_url.join("_sim/elevenlabs/conversations")?;
        let known: Value = http::client()?.get(url).send().await?.error_for_status()?.json().await?;
        Ok(known[0]["user_id"].as_str().map(str::to_owned))
    });
    let id = known.await?;
    first.send(Message::text(r#"{"type":"hangup"}"#)).await?;
    while told(&mut first).await?["type"] != "ended" {}
    let record = call(&server, &id).await?;
    assert_eq!(
        (&record["status"], &record["outcome"]),
        (&json!("completed"), &json!("contact_hung_up")),
        "{record}"
    );
    assert!(record["seconds"].is_u64() && record["answered_at"].is_string(), "{record}");
    server.stop().await
}
