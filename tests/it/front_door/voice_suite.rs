//! One conversation by telephone, whoever holds the call: an agent, a provider, or the rules. What must be seen of it is the
//! same for all.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use usher::clock::SystemClock;
use usher_conversation::ports::Clock as _;
use usher_testkit::{Database, Phone, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// Number at which a provider that has telephones of its own is called.
const THEIR_LINE: &str = "+14157774444";
const RETELL_KEY: &str = "key_simulator";
const VAPI_KEY: &str = "vapi_simulator";

/// Who holds the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// An ElevenLabs agent on the carrier's stream.
    ElevenLabs,
    /// The engine's rules, by the carrier's own ears and voice.
    Rules,
    /// Retell, with our words.
    Retell,
    /// Vapi, with our words.
    VapiWords,
    /// Vapi, with a model of its own and our tools.
    VapiTools,
}

/// A server whose calls are held so, and the number to call.
struct Stage {
    server: TestServer,
    operator: String,
    number: String,
}

impl Stage {
    async fn of(holder: Holder) -> Result<Self> {
        let server = TestServer::demo(USHER, Database::Sqlite).await?;
        let operator = std::fs::read_to_string(server.data_dir().join("operator.key"))?;
        let number = server.account().number;
        let mut stage = Self { server, operator, number };
        match holder {
            // The demo has an agent; a person to put callers through to would end the conversation.
            Holder::ElevenLabs => stage.unset_people().await?,
            Holder::Rules => stage.server.speaks_by_rules().await?,
            Holder::Retell => stage.retell().await?,
            Holder::VapiWords | Holder::VapiTools => stage.vapi(holder).await?,
        }
        Ok(stage)
    }

    async fn operate(&self, method: &str, what: &str, body: &Value) -> Result<Value> {
        let path = format!("api/voice/{what}/{}", self.server.ready().org_id);
        self.server.operate(method, &path, body).await
    }

    async fn unset_people(&self) -> Result<()> {
        let now = self.operate("GET", "settings", &Value::Null).await?;
        let profile = json!({ "agent_name": "Ava", "overrides": true });
        let settings = json!({ "provider": "elevenlabs", "agent_id": now["agent_id"], "profile": profile });
        self.operate("PUT", "settings", &settings).await.map(drop)
    }

    /// Connects the organisation with an agent; gives the addresses to enter at its provider.
    async fn connects(&mut self, provider: &str, key: &str, agent: &Value, line: &Value) -> Result<Value> {
        THEIR_LINE.clone_into(&mut self.number);
        let peer =
            json!({ "provider": provider, "agent_id": agent, "api_key": key, "line": line, "profile": {} });
        self.operate("PUT", "peers", &peer).await
    }

    async fn retell(&mut self) -> Result<()> {
        let simulator = self.server.simulator()?;
        let asks = async |method: &str, path: &str, body: Value| {
            simulator.vendor(RETELL_KEY, method, path, &body).await
        };
        let engine = |url: &Value| json!({ "type": "custom-llm", "llm_websocket_url": url });
        let agent =
            json!({ "voice_id": "11labs-Adrian", "response_engine": engine(&json!("wss://later.example")) });
        let agent = asks("POST", "/create-agent", agent).await?["agent_id"].clone();
        let told = self.connects("retell", RETELL_KEY, &agent, &json!(THEIR_LINE)).await?;
        let path = format!("/update-agent/{}", agent.as_str().context("an id")?);
        let (webhook, engine) = (&told["webhook_url"], engine(&told["llm_url"]));
        asks("PATCH", &path, json!({ "webhook_url": webhook, "response_engine": engine })).await?;
        let number = json!({ "phone_number": THEIR_LINE, "inbound_webhook_url": webhook,
            "inbound_agents": [{ "agent_id": agent, "weight": 1 }] });
        asks("POST", "/create-phone-number", number).await.map(drop)
    }

    async fn vapi(&mut self, holder: Holder) -> Result<()> {
        let simulator = self.server.simulator()?;
        let asks = async |method: &str, path: &str, body: Value| {
            simulator.vendor(VAPI_KEY, method, path, &body).await
        };
        let number =
            asks("POST", "/phone-number", json!({ "provider": "twilio", "number": THEIR_LINE })).await?;
        let empty = json!({ "name": "Usher", "model": { "provider": "openai", "model": "gpt-4o" } });
        let assistant = asks("POST", "/assistant", empty).await?;
        let told = self.connects("vapi", VAPI_KEY, &assistant["id"], &number["id"]).await?;
        // One signs, the other shows the secret: both are let in.
        let plan = if holder == Holder::VapiWords {
            json!({ "type": "hmac", "secretKey": told["secret"], "algorithm": "sha256" })
        } else {
            json!({ "type": "bearer", "token": told["secret"] })
        };
        let door = json!({ "provider": "webhook", "authenticationPlan": plan });
        let door = asks("POST", "/credential", door).await?;
        let key = json!({ "provider": "custom-llm", "apiKey": told["secret"] });
        let key = asks("POST", "/credential", key).await?;
        let server = json!({ "url": told["webhook_url"], "credentialId": door["id"] });
        let change = if holder == Holder::VapiWords {
            json!({ "server": server, "credentialIds": [key["id"]],
                "firstMessageMode": "assistant-speaks-first-with-model-generated-message",
                "model": { "provider": "custom-llm", "url": told["llm_url"], "model": "usher",
                    "tools": [{ "type": "endCall" }, { "type": "transferCall" }] } })
        } else {
            let tools = TOOLS.map(|name| json!({ "type": "function", "function": { "name": name } }));
            json!({ "server": server, "firstMessage": "{{first_message}}",
                "serverMessages": ["status-update", "end-of-call-report", "tool-calls", "transcript"],
                "model": { "provider": "openai", "model": "gpt-4o", "tools": tools } })
        };
        let path =
            |kind: &str, thing: &Value| format!("/{kind}/{}", thing["id"].as_str().unwrap_or_default());
        asks("PATCH", &path("assistant", &assistant), change).await?;
        asks("PATCH", &path("phone-number", &number), json!({ "server": server })).await.map(drop)
    }

    /// The call's record, once it is over.
    async fn record(&self) -> Result<Value> {
        let session = &self.server.ready().session_id;
        let base = self.server.ready().base_url.join("api/voice/calls")?;
        let get = async |url: String| {
            let answer = http::client()?.get(url).bearer_auth(&self.operator).send().await?;
            anyhow::Ok(answer.error_for_status()?.json::<Value>().await?)
        };
        let over = eventually("the call is over", PATIENCE, || async {
            let calls = get(format!("{base}?session_id={session}")).await?;
            let newest = &calls["calls"][0];
            Ok((newest["status"] == "completed" && newest["outcome"].is_string()).then(|| newest.clone()))
        });
        let id = over.await?["id"].as_str().context("a call has an id")?.to_owned();
        get(format!("{base}/{id}")).await
    }
}

/// The tools a model of somebody else's is given.
const TOOLS: [&str; 6] =
    ["get_next_question", "record_answer", "correct_answer", "answer_question", "escalate", "end_call"];

/// What was seen of a conversation.
#[derive(Debug, Clone)]
struct Seen {
    /// What was heard, in order, at the turns of the conversation.
    heard: Vec<String>,
    /// The page's fields: value and channel of each answer.
    answers: Vec<(Value, Value)>,
    /// The session's status on the page.
    status: String,
    /// The call's record.
    record: Value,
}

/// Two answers aloud, a read-back, a correction, an answer by text meanwhile, a wish for a person, and the end.
async fn converse(stage: &Stage) -> Result<Seen> {
    let (server, client) = (&stage.server, stage.server.ready().client.phone.clone());
    let mut phone = Phone::dials(server.simulator()?, &client, &stage.number).await?;
    let mut turns = Vec::new();
    let mut hears = async |phone: &mut Phone, part: &str| {
        let entry = phone.until(&format!("heard:{part}")).await?;
        turns.push(entry.text);
        anyhow::Ok(())
    };
    hears(&mut phone, "exact name of your business").await?;
    phone.says("Reyes Bakery").await?;
    hears(&mut phone, "Which phone number").await?;
    phone.says("415-555-0142").await?;
    hears(&mut phone, "Is that right").await?;
    phone.says("Yes").await?;
    hears(&mut phone, "When are you open").await?;
    phone.says("Actually, my phone number is 415-555-0199").await?;
    hears(&mut phone, "Is that right").await?;
    phone.says("Yes").await?;
    hears(&mut phone, "When are you open").await?;
    server.simulator()?.text(&client, &server.account().number, "Mon-Fri 9-5").await?;
    eventually("the text is taken", PATIENCE, || async {
        let fields = server.widget()?.session().await?.body["fields"].clone();
        Ok(fields[2]["answer"].is_object().then_some(()))
    })
    .await?;
    // Nobody says anything meanwhile: what was texted is heard of at once.
    hears(&mut phone, "Do you have a website").await?;
    phone.says("I want to talk to a human").await?;
    hears(&mut phone, "").await?;
    phone.hangs_up().await?;

    let record = stage.record().await?;
    let page = server.widget()?.session().await?.body;
    let answers = page["fields"].as_array().context("fields")?.iter().take(3);
    let answers = answers.map(|field| (field["answer"]["value"].clone(), field["answer"]["channel"].clone()));
    let status = page["session"]["status"].as_str().unwrap_or_default().to_owned();
    Ok(Seen { heard: turns, answers: answers.collect(), status, record })
}

/// What must be true of every conversation, whoever holds it; gives what is not.
fn broken(seen: &Seen) -> Vec<&'static str> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let heard = |turn: usize| seen.heard.get(turn).map(String::as_str).unwrap_or_default();
    let lines = seen.record["transcript"].as_array().map_or(&[][..], Vec::as_slice);
    let said = |from: &str, words: &str| {
        lines.iter().any(|line| {
            line["from"] == from
                && line["channel"] == "voice"
                && line["text"].as_str().is_some_and(|text| text.contains(words))
        })
    };
    let asked = |part: &str| seen.heard.iter().filter(|words| words.contains(part)).count();
    let laws = [
        ("who calls is greeted once and asked", heard(0).contains("exact name") && asked("exact name") == 1),
        ("nobody is told of a break that was none", !heard(0).contains("the line was gone")),
        ("a number is read back", digits(heard(2)).contains("4155550142")),
        ("a correction is read back", digits(heard(4)).contains("4155550199")),
        (
            "the corrected answer is kept",
            seen.answers.get(1).is_some_and(|(value, _)| value == "+14155550199"),
        ),
        ("what was said aloud is kept as that", {
            let (value, channel) = (json!("Reyes Bakery"), json!("voice"));
            seen.answers.first() == Some(&(value, channel))
        }),
        ("what was texted meanwhile is kept as that", seen.answers.get(2).is_some_and(|(_, by)| by == "sms")),
        ("what was texted is not asked again", !heard(6).contains("When are you open")),
        ("who wants a person is passed on", seen.status == "escalated"),
        ("who hangs up ends the call", seen.record["outcome"] == "contact_hung_up"),
        ("the record says that it was answered", seen.record["answered_at"].is_string()),
        (
            "the record holds both sides' words",
            said("client", "Reyes Bakery") && said("bot", "Which phone number"),
        ),
    ];
    laws.into_iter().filter(|(_, holds)| !holds).map(|(law, _)| law).collect()
}

async fn is_held_by(holder: Holder) -> Result<()> {
    let stage = Stage::of(holder).await?;
    let seen = converse(&stage).await?;
    assert_eq!(broken(&seen), [""; 0], "{holder:?}: {seen:#?}");
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_an_elevenlabs_agent_keeps_every_law() -> Result<()> {
    is_held_by(Holder::ElevenLabs).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_by_the_rules_alone_keeps_every_law() -> Result<()> {
    is_held_by(Holder::Rules).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_retell_holds_keeps_every_law() -> Result<()> {
    is_held_by(Holder::Retell).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_vapi_holds_with_our_words_keeps_every_law() -> Result<()> {
    is_held_by(Holder::VapiWords).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_vapi_holds_with_our_tools_keeps_every_law() -> Result<()> {
    is_held_by(Holder::VapiTools).await
}

/// A call goes on although its provider loses the connection, falters and sends what nobody understands.
async fn goes_on_in_spite_of(holder: Holder, faults: &[Value]) -> Result<()> {
    let stage = Stage::of(holder).await?;
    let simulator = stage.server.simulator()?;
    for fault in faults {
        simulator.fault(fault).await?;
    }
    let client = stage.server.ready().client.phone.clone();
    let mut phone = Phone::dials(simulator, &client, &stage.number).await?;
    phone.until("heard:exact name of your business").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:Which phone number").await?;
    phone.says("415-555-0142").await?;
    phone.until("heard:Is that right").await?;
    phone.hangs_up().await?;
    let record = stage.record().await?;
    assert_eq!(record["outcome"], "contact_hung_up", "{record:#}");
    let page = stage.server.widget()?.session().await?.body;
    assert_eq!(page["fields"][0]["answer"]["value"], "Reyes Bakery");
    let greetings = phone.lines().await?.iter().filter(|line| line.contains("heard:Hi")).count();
    assert!(greetings <= 1, "nobody is greeted twice");
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_retells_goes_on_when_its_socket_garbles_falters_and_breaks() -> Result<()> {
    let faults = [
        json!({ "kind": "peer_malformed", "after_ms": 500 }),
        json!({ "kind": "peer_stall", "after_ms": 1_500, "millis": 1_000 }),
        json!({ "kind": "peer_drop", "after_ms": 4_000 }),
    ];
    goes_on_in_spite_of(Holder::Retell, &faults).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_vapis_goes_on_when_its_messages_are_garbled_late_and_lost() -> Result<()> {
    let faults = [
        json!({ "kind": "peer_malformed", "after_ms": 500 }),
        json!({ "kind": "peer_stall", "after_ms": 1_500, "millis": 1_000 }),
        json!({ "kind": "peer_drop", "after_ms": 3_000 }),
    ];
    goes_on_in_spite_of(Holder::VapiWords, &faults).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_its_provider_refuses_to_place_has_failed() -> Result<()> {
    for holder in [Holder::Retell, Holder::VapiWords] {
        let stage = Stage::of(holder).await?;
        stage.server.simulator()?.fault(&json!({ "kind": "peer_refuse", "status": 402 })).await?;
        let phone = phone_where_it_is_day()?;
        let org = stage.server.ready().org_id.as_str();
        let begin = ["session", "start", org, "--name", "Kim Lee", "--phone", phone, "--json"];
        let opened: Value = serde_json::from_str(&stage.server.command(&begin).await?)?;
        let session = opened["session_id"].as_str().context("a session")?;
        stage.server.command(&["call", session, "--json"]).await?;
        let calls = format!("api/voice/calls?session_id={session}");
        eventually("the call has failed", PATIENCE, || async {
            let calls = stage.server.operate("GET", &calls, &Value::Null).await?;
            Ok((calls["calls"][0]["outcome"] == "failed").then_some(()))
        })
        .await?;
        stage.server.stop().await?;
    }
    Ok(())
}

/// Numbers around the world: somewhere it is day, and calls may be made.
fn phone_where_it_is_day() -> Result<&'static str> {
    let now = SystemClock.now();
    ["+14155550177", "+442079460123", "+919876543210", "+81312345678", "+61291234567", "+6495551234"]
        .into_iter()
        .find(|phone| usher_conversation::consent::permitted_at(now, None, phone).is_ok())
        .context("somewhere it is day")
}

/// We call a contact who is busy, through a provider; the provider knows the call by our id, and we by its.
async fn a_busy_contact_is_called_by(holder: Holder) -> Result<()> {
    let stage = Stage::of(holder).await?;
    let phone = phone_where_it_is_day()?;
    let habits = format!("/_sim/handsets/{phone}/habits");
    stage.server.simulator()?.vendor("", "PUT", &habits, &json!({ "answers": "busy" })).await?;
    let org = stage.server.ready().org_id.as_str();
    let begin = ["session", "start", org, "--name", "Kim Lee", "--phone", phone, "--json"];
    let opened: Value = serde_json::from_str(&stage.server.command(&begin).await?)?;
    let session = opened["session_id"].as_str().context("a session")?;
    let placed: Value = serde_json::from_str(&stage.server.command(&["call", session, "--json"]).await?)?;
    let ours = placed["id"].as_str().context("our id")?;
    let url = stage.server.ready().base_url.join(&format!("api/voice/calls/{ours}"))?;
    let record = eventually("the call is over", PATIENCE, || async {
        let answer = http::client()?.get(url.clone()).bearer_auth(&stage.operator).send().await?;
        let record: Value = answer.error_for_status()?.json().await?;
        Ok(record["outcome"].is_string().then_some(record))
    })
    .await?;
    assert_eq!(
        (&record["status"], &record["outcome"], &record["direction"]),
        (&json!("busy"), &json!("busy"), &json!("outbound")),
        "{record:#}"
    );
    assert!(record["vendor_call_id"].is_string(), "{record:#}");
    stage.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_contact_called_through_retell_is_on_record_as_busy() -> Result<()> {
    a_busy_contact_is_called_by(Holder::Retell).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_contact_called_through_vapi_is_on_record_as_busy() -> Result<()> {
    a_busy_contact_is_called_by(Holder::VapiTools).await
}

/// Breaks one law.
type Spoil = fn(&mut Seen);

#[test]
fn a_conversation_that_breaks_a_law_is_caught() {
    let line = |from: &str, text: &str| json!({ "from": from, "channel": "voice", "text": text });
    let good = Seen {
        heard: [
            "Hello. What is the exact name of your business?",
            "Thank you. Which phone number should customers call?",
            "415 555 0142. Is that right?",
            "When are you open?",
            "415 555 0199. Is that right?",
            "When are you open?",
            "Got it. Do you have a website today?",
            "Somebody will call you.",
        ]
        .map(str::to_owned)
        .into(),
        answers: vec![
            (json!("Reyes Bakery"), json!("voice")),
            (json!("+14155550199"), json!("voice")),
            (json!({ "mon": [["09:00", "17:00"]] }), json!("sms")),
        ],
        status: "escalated".to_owned(),
        record: json!({ "outcome": "contact_hung_up", "answered_at": "2026-01-01T00:00:00Z",
            "transcript": [line("client", "Reyes Bakery"), line("bot", "Which phone number should customers call?")] }),
    };
    assert_eq!(broken(&good), [""; 0]);
    let variants: [(&str, Spoil); 11] = [
        ("greets twice", |seen| seen.heard[1] = seen.heard[0].clone()),
        ("speaks of a break", |seen| seen.heard[0].push_str(" Sorry, the line was gone.")),
        ("reads nothing back", |seen| seen.heard[2] = "Is that right?".to_owned()),
        ("reads the old number back", |seen| seen.heard[4] = seen.heard[2].clone()),
        ("keeps the old number", |seen| seen.answers[1].0 = json!("+14155550142")),
        ("loses what was said", |seen| seen.answers[0] = (Value::Null, Value::Null)),
        ("loses what was texted", |seen| seen.answers[2] = (Value::Null, Value::Null)),
        ("asks for what was texted", |seen| seen.heard[6] = seen.heard[5].clone()),
        ("passes nobody on", |seen| seen.status = "active".to_owned()),
        ("never ends", |seen| seen.record["outcome"] = Value::Null),
        ("forgets the words", |seen| seen.record["transcript"] = json!([])),
    ];
    for (name, spoil) in variants {
        let mut seen = good.clone();
        spoil(&mut seen);
        assert!(!broken(&seen).is_empty(), "{name}");
    }
}
