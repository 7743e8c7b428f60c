//! Calls that a provider holds, frame by frame: what it reports, what it repeats and loses, and who is not let in. The
//! conversation itself is in [`super::voice_suite`].

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use usher_testkit::peers::{RetellCall, VapiCall, retell_signature, vapi_signature};
use usher_testkit::{Database, TestServer, eventually, http};

use super::{PATIENCE, USHER};
use usher::clock::SystemClock;
use usher_conversation::ports::Clock as _;

const KEY: &str = "key_test_1234567890";
const AGENT: &str = "agent_12345";
const RETELL_LINE: &str = "+14157774444";
const VAPI_LINE: &str = "42b4b25d-031e-4786-857f-63b346c9580f";
const PERSON: &str = "+14155550123";

/// An organisation whose calls a provider holds.
struct Stage {
    server: TestServer,
    client: reqwest::Client,
    operator: String,
    webhook: String,
    llm: String,
    secret: String,
}

impl Stage {
    async fn of(provider: &str, flags: &'static [&'static str]) -> Result<Self> {
        let server = TestServer::demo_with(USHER, Database::Sqlite, flags).await?;
        let client = http::client()?;
        let operator = std::fs::read_to_string(server.data_dir().join("operator.key"))?;
        let line = if provider == "retell" { RETELL_LINE } else { VAPI_LINE };
        let body = json!({ "provider": provider, "agent_id": AGENT, "api_key": KEY, "line": line,
            "profile": { "transfer_to": PERSON } });
        let url = format!("{}api/voice/peers/{}", server.ready().base_url, server.ready().org_id);
        let answer = client.put(url).bearer_auth(&operator).json(&body).send().await?;
        anyhow::ensure!(answer.status() == 200, "{}", answer.text().await?);
        let told: Value = answer.json().await?;
        let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
        let (webhook, llm, secret) = (text("webhook_url"), text("llm_url"), text("secret"));
        Ok(Self { server, client, operator, webhook, llm, secret })
    }

    fn phone(&self) -> String {
        self.server.ready().client.phone.clone()
    }

    /// What Retell posts, signed now.
    async fn retell(&self, body: &Value) -> Result<(u16, Value)> {
        let body = body.to_string();
        let signature = retell_signature(KEY, body.as_bytes(), now_millis());
        self.post(body, &[("x-retell-signature", &signature)]).await
    }

    /// What Vapi posts, with the secret.
    async fn vapi(&self, message: Value) -> Result<(u16, Value)> {
        self.post(json!({ "message": message }).to_string(), &[("x-vapi-secret", &self.secret)]).await
    }

    async fn post(&self, body: String, headers: &[(&str, &str)]) -> Result<(u16, Value)> {
        let mut request = self.client.post(&self.webhook).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null)))
    }

    async fn call(&self, id: &str) -> Result<Value> {
        let url = format!("{}api/voice/calls/{id}", self.server.ready().base_url);
        Ok(self.client.get(url).bearer_auth(&self.operator).send().await?.json().await?)
    }

    async fn answer_of(&self, field: &str) -> Result<Value> {
        answer_of(&self.server, field).await
    }

    /// Somebody calls the number at Retell; the call as Retell tells it, with our id of it.
    async fn retell_call(&self, id: &str) -> Result<(Value, String)> {
        let (from, to) = (self.phone(), RETELL_LINE);
        let asked = json!({ "event": "call_inbound", "event_timestamp": now_millis(),
            "call_inbound": { "call_id": id, "agent_id": AGENT, "from_number": from, "to_number": to } });
        let (status, told) = self.retell(&asked).await?;
        assert_eq!(status, 200, "{told}");
        let metadata = &told["call_inbound"]["metadata"];
        let ours = metadata["usher_call"].as_str().context("our id of the call")?.to_owned();
        let call = json!({ "call_type": "phone_call", "call_id": id, "agent_id": AGENT, "call_status": "ongoing",
            "direction": "inbound", "from_number": from, "to_number": to, "metadata": metadata });
        Ok((call, ours))
    }

    /// Somebody calls the number at Vapi.
    async fn vapi_call(&self, id: &str) -> Result<(Value, String)> {
        let call = json!({ "id": id, "type": "inboundPhoneCall", "assistantId": AGENT, "phoneNumberId": VAPI_LINE,
            "customer": { "number": self.phone() } });
        let (status, told) = self.vapi(json!({ "type": "assistant-request", "call": call })).await?;
        assert_eq!((status, &told["assistantId"]), (200, &json!(AGENT)), "{told}");
        let variables = &told["assistantOverrides"]["variableValues"];
        assert!(
            variables["first_message"].as_str().is_some_and(|first| first.contains("exact name")),
            "{told}"
        );
        Ok((call, variables["usher_call"].as_str().context("our id of the call")?.to_owned()))
    }
}

async fn answer_of(server: &TestServer, field: &str) -> Result<Value> {
    let session = server.widget()?.session().await?.body;
    let fields = session["fields"].as_array().context("fields")?;
    let found = fields.iter().find(|known| known["id"] == field).context("the field")?;
    Ok(found["answer"].clone())
}

fn now_millis() -> i64 {
    SystemClock.now().as_millis()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retell_reports_of_a_call_is_kept_once_whatever_comes_first() -> Result<()> {
    let stage = Stage::of("retell", &[]).await?;
    let (call, ours) = stage.retell_call("Jabr9TXYYJHfvl6Syypi88rdAHYHmcq6").await?;
    let mut line = RetellCall::dial(&stage.llm, &call).await?;
    line.greeting().await?;
    line.says("Reyes Bakery").await?;
    assert!(line.says("Okay thanks, goodbye").await?.hangs_up);
    line.hang_up().await?;

    let mut ended = call.clone();
    for (member, value) in [
        ("call_status", json!("ended")),
        ("start_timestamp", json!(1_714_608_475_945_i64)),
        ("end_timestamp", json!(1_714_608_518_000_i64)),
        ("disconnection_reason", json!("agent_hangup")),
        ("recording_url", json!("https://recordings.example/1.wav")),
        ("transcript", json!("Agent: Hi.\nUser: Reyes Bakery\n")),
    ] {
        ended[member] = value;
    }
    // Each is told twice, and the later one first.
    let mut analyzed = ended.clone();
    analyzed["call_analysis"] = json!({ "call_summary": "The name was told.", "call_successful": true });
    for (event, call) in [("call_analyzed", &analyzed), ("call_ended", &ended), ("call_analyzed", &analyzed)]
    {
        assert_eq!(stage.retell(&json!({ "event": event, "call": call })).await?.0, 204, "{event}");
    }
    let record = stage.call(&ours).await?;
    assert_eq!(
        (&record["status"], &record["outcome"], &record["seconds"], &record["direction"]),
        (&json!("completed"), &json!("finished"), &json!(42), &json!("inbound")),
        "{record:#}"
    );
    assert_eq!(record["recording"]["url"], "https://recordings.example/1.wav");
    assert_eq!(record["report"]["summary"], "The name was told.");
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vapi_reports_of_a_call_is_kept_once_and_its_transcript_of_our_own_words_is_not() -> Result<()> {
    let stage = Stage::of("vapi", &[]).await?;
    let (call, ours) = stage.vapi_call("7420f27a-30fd-4f49-a995-5549ae7cc00d").await?;
    let mut line = VapiCall::new(&stage.llm, &stage.secret, call.clone())?;
    line.greeting().await?;
    line.says("Reyes Bakery").await?;
    assert!(line.says("Okay thanks, goodbye").await?.hangs_up);
    // What our own words were is known without Vapi's transcript.
    let heard = json!({ "type": "transcript", "role": "user", "transcriptType": "final", "transcript": "twice",
        "timestamp": now_millis(), "call": call });
    assert_eq!(stage.vapi(heard).await?.0, 200);
    let report = json!({ "type": "end-of-call-report", "endedReason": "assistant-ended-call", "call": call,
        "startedAt": "2024-09-10T11:14:20.000Z", "endedAt": "2024-09-10T11:15:02.000Z", "cost": 0.12,
        "artifact": { "transcript": "AI: Hi. User: Reyes Bakery", "recordingUrl": "https://recordings.example/1.wav" },
        "analysis": { "summary": "The name was told.", "successEvaluation": "true" } });
    for _ in 0..2 {
        assert_eq!(stage.vapi(report.clone()).await?.0, 200);
    }
    let record = stage.call(&ours).await?;
    assert_eq!(
        (&record["status"], &record["outcome"], &record["seconds"]),
        (&json!("completed"), &json!("finished"), &json!(42)),
        "{record:#}"
    );
    assert_eq!(record["report"]["summary"], "The name was told.");
    assert!(!record["transcript"].to_string().contains("twice"), "{record:#}");
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_vapis_answers_with_our_tools() -> Result<()> {
    let stage = Stage::of("vapi", &[]).await?;
    let (call, ours) = stage.vapi_call("tools-1").await?;
    let tool = |id: &str, name: &str, arguments: Value| {
        json!({ "type": "tool-calls", "call": call,
            "toolCallList": [{ "id": id, "type": "function",
                "function": { "name": name, "arguments": arguments.to_string() } }] })
    };
    let result = |told: &Value| -> Value {
        let line = told["results"][0]["result"].as_str().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| told.clone())
    };
    let status = json!({ "type": "status-update", "status": "in-progress", "call": call });
    assert_eq!(stage.vapi(status).await?.0, 200);
    let answered = tool("t1", "record_answer", json!({ "value": "Reyes Bakery" }));
    // Vapi may ask again when we were slow.
    for _ in 0..2 {
        let told = result(&stage.vapi(answered.clone()).await?.1);
        assert_eq!(
            (&told["ok"], &told["next_question"]["field"]),
            (&json!(true), &json!("business_phone")),
            "{told}"
        );
    }
    let unknown = stage.vapi(tool("t2", "rm_rf", json!({}))).await?;
    assert!(unknown.0 == 200 && unknown.1["results"][0]["error"].is_string(), "{unknown:?}");
    let (_, destination) =
        stage.vapi(json!({ "type": "transfer-destination-request", "call": call })).await?;
    assert_eq!(destination["destination"]["number"], PERSON, "{destination}");
    for (role, words) in [("user", "It is Reyes Bakery"), ("assistant", "Great. Which number?")] {
        let said = json!({ "type": "transcript", "role": role, "transcriptType": "final", "transcript": words,
            "timestamp": now_millis(), "call": call });
        assert_eq!(stage.vapi(said).await?.0, 200);
    }
    // Words that come without a time are still told apart.
    for words in ["No time", "No time either"] {
        let said = json!({ "type": "transcript", "role": "user", "transcriptType": "final", "transcript": words, "call": call });
        assert_eq!(stage.vapi(said).await?.0, 200);
    }
    // Sometimes only the report says how it ended.
    let ended = json!({ "type": "status-update", "status": "ended", "call": call });
    assert_eq!(stage.vapi(ended).await?.0, 200);
    assert_eq!(stage.call(&ours).await?["outcome"], Value::Null);
    let ended = json!({ "type": "status-update", "status": "ended", "endedReason": "customer-ended-call", "call": call });
    assert_eq!(stage.vapi(ended).await?.0, 200);
    assert_eq!(stage.answer_of("business_name").await?["value"], "Reyes Bakery");
    let record = stage.call(&ours).await?;
    assert_eq!((&record["status"], &record["outcome"]), (&json!("completed"), &json!("contact_hung_up")));
    let lines = record["transcript"].to_string();
    for words in ["It is Reyes Bakery", "Which number?", "\"No time\"", "\"No time either\""] {
        assert!(lines.contains(words), "{words}: {record:#}");
    }
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_on_speaking_gives_one_answer() -> Result<()> {
    let stage = Stage::of("retell", &[]).await?;
    let (call, _) = stage.retell_call("goes-on").await?;
    let mut line = RetellCall::dial(&stage.llm, &call).await?;
    line.greeting().await?;
    line.says("Reyes").await?;
    line.forget_the_answer();
    let spoken = line.says("Reyes Bakery and Sons").await?;
    assert!(spoken.words.contains("Which phone number"), "{spoken:?}");
    assert_eq!(stage.answer_of("business_name").await?["value"], "Reyes Bakery and Sons");
    // Requests that follow each other are answered for the newest alone.
    line.ask("415 555").await?;
    line.ask("415 555 0199").await?;
    let read_back = line.answer(4).await?;
    assert!(read_back.words.contains('?'), "{read_back:?}");
    line.says("yes").await?;
    assert_eq!(stage.answer_of("business_phone").await?["value"], "+14155550199");
    line.hang_up().await?;
    stage.server.stop().await?;

    let stage = Stage::of("vapi", &[]).await?;
    let (call, _) = stage.vapi_call("goes-on").await?;
    let mut line = VapiCall::new(&stage.llm, &stage.secret, call)?;
    line.greeting().await?;
    line.says("Reyes").await?;
    line.forget_the_answer();
    let spoken = line.says("Reyes Bakery and Sons").await?;
    assert!(spoken.words.contains("Which phone number"), "{spoken:?}");
    assert_eq!(stage.answer_of("business_name").await?["value"], "Reyes Bakery and Sons");
    assert_eq!(stage.answer_of("business_phone").await?, Value::Null);
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_breaks_goes_on_where_it_was_and_greets_nobody_twice() -> Result<()> {
    let stage = Stage::of("retell", &[]).await?;
    let (call, ours) = stage.retell_call("breaks").await?;
    let mut line = RetellCall::dial(&stage.llm, &call).await?;
    line.greeting().await?;
    line.says("Reyes Bakery").await?;
    let mut line = line.redial(&stage.llm, &call).await?;
    assert_eq!(line.greeting().await?.words, "");
    let asked = line.is_silent().await?;
    assert!(asked.words.contains("Which phone number"), "{asked:?}");
    // What is not understood is passed over.
    for junk in
        [Message::text("{"), Message::text(r#"{"interaction_type":"tomorrow"}"#), Message::binary(vec![1])]
    {
        line.send_raw(junk).await?;
    }
    let read_back = line.says("415 555 0199").await?;
    assert!(read_back.words.contains('?'), "{read_back:?}");
    assert_eq!(stage.call(&ours).await?["outcome"], Value::Null, "the call goes on");
    let person = line.says("I want to speak to a human").await?;
    assert_eq!(person.transfer.as_deref(), Some(PERSON), "{person:?}");
    line.hang_up().await?;
    eventually("the call is over", PATIENCE, || async {
        Ok((stage.call(&ours).await?["outcome"] == "transferred").then_some(()))
    })
    .await?;
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_short_is_kept_as_it_was_heard_and_silence_ends_the_call() -> Result<()> {
    let stage = Stage::of("retell", &[]).await?;
    let (call, ours) = stage.retell_call("cut-short").await?;
    let mut line = RetellCall::dial(&stage.llm, &call).await?;
    let greeting = line.greeting().await?.words;
    let beginning: String = greeting.chars().take_while(|c| *c != '.' && *c != '!').collect();
    line.heard_only(&beginning);
    line.says("Reyes Bakery").await?;
    let lines = stage.call(&ours).await?["transcript"].clone();
    let cut = beginning.as_str();
    assert!(lines.as_array().is_some_and(|lines| lines.iter().any(|line| line["text"] == cut)), "{lines:#}");
    assert!(!line.is_silent().await?.hangs_up);
    assert!(!line.is_silent().await?.hangs_up);
    assert!(line.is_silent().await?.hangs_up);
    line.hang_up().await?;
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_retell_is_refused_before_anything() -> Result<()> {
    let stage = Stage::of("retell", &[]).await?;
    let call = json!({ "call_id": "c1", "agent_id": AGENT, "from_number": "+14155550188", "to_number": RETELL_LINE,
        "direction": "inbound" });
    let body = json!({ "event": "call_started", "call": call }).to_string();
    let bytes = body.as_bytes();
    let now = now_millis();
    let good = retell_signature(KEY, bytes, now);
    let other_agent = body.replace(AGENT, "agent_of_nobody").replace(RETELL_LINE, "+14157770000");
    let resigned = retell_signature(KEY, other_agent.as_bytes(), now);
    for (body, signature, what) in [
        (body.clone(), None, "no signature"),
        (body.clone(), Some(retell_signature("another key", bytes, now)), "another key"),
        (body.clone(), Some(retell_signature(KEY, bytes, now - 400_000)), "an old one"),
        (body.replace("0188", "0189"), Some(good.clone()), "another body"),
        (body.clone(), Some(good.to_uppercase()), "in capitals"),
        (other_agent, Some(resigned), "an agent of nobody"),
    ] {
        let headers: Vec<(&str, &str)> =
            signature.iter().map(|value| ("x-retell-signature", value.as_str())).collect();
        let (status, problem) = stage.post(body, &headers).await?;
        assert_eq!((status, &problem["id"]), (403, &json!("invalid-signature")), "{what}: {problem}");
    }
    for malformed in ["", "{", "[]", r#"{"event":7}"#] {
        assert_eq!(stage.post(malformed.to_owned(), &[]).await?.0, 400, "{malformed}");
    }
    let wrong = stage.llm.replace(&stage.secret, &"0".repeat(64));
    for url in [wrong.as_str(), &stage.llm.replace(&stage.secret, "")] {
        assert!(RetellCall::dial(url, &call).await.is_err(), "{url}");
    }
    assert_eq!(stage.post(body, &[("x-retell-signature", &good)]).await?.0, 204, "the real one is taken");
    assert!(!stage.server.log().contains(&stage.secret), "the log knows no secret");
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_vapi_is_refused_before_anything() -> Result<()> {
    let stage = Stage::of("vapi", &[]).await?;
    let call = json!({ "id": "c1", "type": "inboundPhoneCall", "phoneNumberId": VAPI_LINE,
        "customer": { "number": "+14155550188" } });
    let body =
        json!({ "message": { "type": "status-update", "status": "in-progress", "call": call } }).to_string();
    let seconds = (now_millis() / 1_000).to_string();
    let good = vapi_signature(&stage.secret, body.as_bytes(), &seconds);
    let bad = vapi_signature("another secret", body.as_bytes(), &seconds);
    for (headers, what) in [
        (vec![], "nothing"),
        (vec![("x-vapi-secret", "")], "an empty secret"),
        (vec![("x-vapi-secret", KEY)], "another secret"),
        (vec![("authorization", "Bearer wrong")], "another token"),
        (vec![("authorization", stage.secret.as_str())], "a token without its scheme"),
        (vec![("x-signature", bad.as_str()), ("x-timestamp", seconds.as_str())], "another key"),
        (vec![("x-signature", good.as_str()), ("x-timestamp", "1714608475")], "another time"),
        (vec![("x-signature", good.as_str())], "no time"),
    ] {
        let (status, problem) = stage.post(body.clone(), &headers).await?;
        assert_eq!((status, &problem["id"]), (403, &json!("invalid-signature")), "{what}: {problem}");
    }
    let signed = [("x-signature", good.as_str()), ("x-timestamp", seconds.as_str())];
    assert_eq!(stage.post(body, &signed).await?.0, 200, "the real one is taken");
    assert_eq!(stage.post("{".to_owned(), &[("x-vapi-secret", &stage.secret)]).await?.0, 400);
    let stranger = VapiCall::new(&stage.llm, "wrong", call.clone())?.greeting().await;
    assert!(stranger.is_err_and(|error| error.to_string().starts_with("403")));
    let nowhere = VapiCall::new(&stage.llm, &stage.secret, Value::Null)?.greeting().await;
    assert!(nowhere.is_err_and(|error| error.to_string().starts_with("400")));
    stage.server.stop().await
}
