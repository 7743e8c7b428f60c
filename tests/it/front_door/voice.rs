//! Calls through the simulated telephone network and the simulated agent, and streams that are not theirs.

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use usher_testkit::twilio::signature;
use usher_testkit::{Database, Phone, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// The client calls the agency.
async fn dials(server: &TestServer) -> Result<Phone> {
    Phone::dials(server.simulator()?, &server.ready().client.phone, &server.account().number).await
}

/// How many conversations were begun with the agent.
pub(super) async fn conversations(server: &TestServer) -> Result<usize> {
    let url = server.ready().simulator_url.join("_sim/elevenlabs/conversations")?;
    let known: Vec<Value> = http::client()?.get(url).send().await?.error_for_status()?.json().await?;
    Ok(known.len())
}

/// The first `count` answers on the page, once all are there: channel and value.
async fn answers(server: &TestServer, count: usize) -> Result<Vec<(Value, Value)>> {
    let page = server.widget()?;
    eventually("the page shows the answers", PATIENCE, || async {
        let fields = page.session().await?.body["fields"].clone();
        let answers = (0..count).map(|field| fields[field]["answer"].clone());
        let answers: Vec<_> = answers.filter(|answer| !answer.is_null()).collect();
        Ok((answers.len() == count).then_some(answers))
    })
    .await
    .map(|answers| {
        answers.into_iter().map(|answer| (answer["channel"].clone(), answer["value"].clone())).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_on_a_call_and_texted_meanwhile_meets_in_one_session() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let mut phone = dials(&server).await?;
    phone.until("heard:exact name of your business").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:phone number").await?;
    phone.says("415-555-0142").await?;
    phone.until("heard:Is that right").await?;
    phone.says("Yes").await?;
    phone.until("heard:When are you open").await?;
    let (client, number) = (&server.ready().client.phone, server.account().number);
    server.simulator()?.text(client, &number, "Mon-Fri 9-5").await?;
    phone.until("heard:Got it").await?;
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    let answers = answers(&server, 3).await?;
    let channels: Vec<_> = answers.iter().map(|(channel, _)| channel.clone()).collect();
    assert_eq!(channels, [json!("voice"), json!("voice"), json!("sms")]);
    assert_eq!(answers[0].1, "Reyes Bakery");
    assert_eq!(answers[1].1, "+14155550142");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_agent_refuses_is_asked_by_the_rules_at_once() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let refusal = json!({ "kind": "agent_refuse", "code": 1008, "reason": "quota" });
    server.simulator()?.fault(&refusal).await?;
    let mut phone = dials(&server).await?;
    let heard = phone.until("heard:I will ask you the questions myself").await?.text;
    assert!(heard.contains("automated assistant of"), "the caller is told who speaks: {heard}");
    assert!(heard.contains("exact name of your business"), "{heard}");
    phone.says("Reyes Bakery").await?;
    phone.until("heard:phone number").await?;
    assert_eq!(conversations(&server).await?, 1, "an agent that refused is not asked again");
    phone.hangs_up().await?;
    assert_eq!(answers(&server, 1).await?, [(json!("voice"), json!("Reyes Bakery"))]);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_stream_breaks_is_attached_again_and_goes_on() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    // In the middle of the greeting.
    server.simulator()?.fault(&json!({ "kind": "stream_drop", "after_ms": 3000 })).await?;
    let mut phone = dials(&server).await?;
    phone.until("stream:stopped").await?;
    phone.until("verb:Redirect").await?;
    phone.until("stream:started").await?;
    phone.until("heard:Sorry, the line was gone").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:phone number").await?;
    phone.hangs_up().await?;
    assert_eq!(answers(&server, 1).await?, [(json!("voice"), json!("Reyes Bakery"))]);
    server.stop().await
}

/// What a stream shows of its call.
pub(super) struct Ticket {
    pub(super) call: String,
    sid: String,
    token: String,
}

impl Ticket {
    /// A call comes in; its document says what its stream shall show.
    pub(super) async fn of_call(server: &TestServer, number: u8) -> Result<Self> {
        let sid = format!("CA{number:032x}");
        let (url, form) = ringing(server, &sid);
        let document = document(server, &url, &form).await?;
        let parameter = |name: &str| {
            let (_, rest) = document.split_once(&format!(r#"name="{name}" value=""#))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let parameters = parameter("call").zip(parameter("token"));
        let (call, token) = parameters.with_context(|| format!("no stream in {document}"))?;
        Ok(Self { call, sid, token })
    }

    /// Opens a stream and shows this.
    async fn shown(&self, server: &TestServer, auth_token: &str) -> Result<Stream> {
        let url = format!("{}/api/voice/twilio/stream", base(server).replacen("http", "ws", 1));
        let mut request = url.as_str().into_client_request()?;
        let signed = signature(auth_token, &url, &[]).parse()?;
        request.headers_mut().insert("x-twilio-signature", signed);
        let (mut stream, _) = connect_async(request).await?;
        let (account, stream_sid) = (server.account().sid, format!("MZ{}", &self.sid[2..]));
        let start = json!({
            "event": "start", "sequenceNumber": "1", "streamSid": stream_sid,
            "start": {
                "accountSid": account, "streamSid": stream_sid, "callSid": self.sid, "tracks": ["inbound"],
                "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
                "customParameters": { "call": self.call, "token": self.token },
            },
        });
        stream.send(Message::text(start.to_string())).await?;
        Ok(stream)
    }
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The first frame the server sends, or with which code it closes.
async fn answer(stream: &mut Stream) -> Result<Option<u16>> {
    let first = tokio::time::timeout(PATIENCE, stream.next()).await?.context("the stream ended")??;
    match first {
        Message::Close(frame) => Ok(frame.map(|frame| frame.code.into())),
        other => anyhow::bail!("the stream was taken: {other}"),
    }
}

pub(super) fn base(server: &TestServer) -> String {
    server.ready().base_url.as_str().trim_end_matches('/').to_owned()
}

/// What the carrier is told to do when it asks `url` as it should.
pub(super) async fn document(server: &TestServer, url: &str, form: &[(String, String)]) -> Result<String> {
    let signed = signature(&server.account().auth_token, url, form);
    let request = http::client()?.post(url).form(form).header("x-twilio-signature", signed);
    Ok(request.send().await?.error_for_status()?.text().await?)
}

/// The webhook of a call that comes in.
pub(super) fn ringing(server: &TestServer, sid: &str) -> (String, Vec<(String, String)>) {
    let account = server.account();
    let form = [
        ("CallSid", sid),
        ("AccountSid", &account.sid),
        ("From", "+14155550142"),
        ("To", &account.number),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("ApiVersion", "2010-04-01"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    (format!("{}/api/webhooks/twilio/voice", base(server)), form)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_about_a_call_without_its_numbers_signature_is_refused() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (url, form) = ringing(&server, "CA00000000000000000000000000000001");
    for token in ["another token", ""] {
        let request = http::client()?.post(&url).form(&form);
        let answer = request.header("x-twilio-signature", signature(token, &url, &form)).send().await?;
        assert_eq!(answer.status(), 403, "{token}");
    }
    Ticket::of_call(&server, 1).await.context("the right signature is taken")?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_its_calls_own_is_closed_before_an_agent_is_dialled() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let auth_token = server.account().auth_token;
    let (first, second) = (Ticket::of_call(&server, 1).await?, Ticket::of_call(&server, 2).await?);
    let with_foreign_token =
        Ticket { call: first.call.clone(), sid: first.sid.clone(), token: second.token.clone() };
    let of_foreign_call =
        Ticket { call: first.call.clone(), sid: second.sid.clone(), token: first.token.clone() };
    for (ticket, key) in
        [(&first, "another token"), (&with_foreign_token, &*auth_token), (&of_foreign_call, &auth_token)]
    {
        assert_eq!(answer(&mut ticket.shown(&server, key).await?).await?, Some(1008));
    }
    assert_eq!(conversations(&server).await?, 0);
    // Whoever shows the right things is taken, once.
    let mut taken = first.shown(&server, &auth_token).await?;
    let spoken = answer(&mut taken).await;
    assert!(spoken.is_err_and(|error| error.to_string().contains("the stream was taken")));
    assert_eq!(answer(&mut first.shown(&server, &auth_token).await?).await?, Some(1008));
    assert_eq!(conversations(&server).await?, 1);
    drop(taken);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_stream_never_comes_goes_on_by_the_rules_and_not_round_for_ever() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (mut url, form) = ringing(&server, "CA00000000000000000000000000000001");
    let mut streams = 0;
    let last = loop {
        let document = document(&server, &url, &form).await?;
        let Some((_, rest)) = document.split_once("<Redirect") else { break document };
        let (_, rest) = rest.split_once('>').context("an address follows")?;
        let (address, _) = rest.split_once('<').context("the address ends")?;
        // What stands behind the mark is for the carrier alone.
        let (address, _) = address.split_once('#').context("the address is asked again")?;
        url = address.replace("&amp;", "&");
        streams += 1;
        anyhow::ensure!(streams < 100, "the call goes round for ever");
    };
    assert!(streams > 1, "a broken stream is attached again");
    assert!(last.contains("<Gather") && !last.contains("<Stream"), "{last}");
    assert_eq!(conversations(&server).await?, 0);
    server.stop().await
}
