//! What an operator sets up, with the command line alone: an organisation, its questions, its number, its telephone.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use usher_testkit::{Database, Phone, TestServer, eventually, http};

use super::{PATIENCE, USHER};

const ACCOUNT: &str = "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const TOKEN: &str = "harbor_token_0123456789abcdef";
const NUMBER: &str = "+12065550111";
const CLIENT: &str = "+12065550142";
const KEY: &str = "sk_harbor_0123456789abcdef";

/// An operator at the command line, beside a running server and a simulated vendor.
struct Operator {
    server: TestServer,
    files: tempfile::TempDir,
}

impl Operator {
    async fn new() -> Result<Self> {
        let server = TestServer::demo(USHER, Database::Sqlite).await?;
        let account =
            json!({ "account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [{ "number": NUMBER }] });
        server.simulator()?.post("/_sim/accounts", &account).await?;
        server.simulator()?.post("/_sim/elevenlabs/keys", &json!({ "key": KEY })).await?;
        let files = tempfile::tempdir()?;
        let questions = json!({ "fields": [
            { "id": "name", "prompt": "What is the name of your practice?", "type": "text", "required": true },
            { "id": "site", "prompt": "What is your website?", "type": "url", "required": true } ] });
        for (name, text) in [
            ("flow.json", questions.to_string()),
            ("token", TOKEN.to_owned()),
            ("wrong", "0123456789abcdef".to_owned()),
            ("key", KEY.to_owned()),
        ] {
            std::fs::write(files.path().join(name), text)?;
        }
        Ok(Self { server, files })
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    /// A command that is answered in JSON.
    async fn does(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.server.command(&[arguments, &["--json"]].concat()).await?;
        Ok(serde_json::from_str(&said)?)
    }

    /// A command that is refused, and the reason.
    async fn is_refused(&self, arguments: &[&str]) -> String {
        match self.does(arguments).await {
            Ok(answer) => panic!("{arguments:?} was answered {answer}"),
            Err(error) => error.to_string(),
        }
    }

    /// An organisation with questions and a number.
    async fn sets_up(&self) -> Result<String> {
        let org = self.does(&["org", "create", "Harbor Dental"]).await?;
        let org = org["id"].as_str().context("an organisation has an id")?.to_owned();
        let saved = self.does(&["org", "flow", &org, &self.file("flow.json")]).await?;
        assert_eq!(saved["questions"], 2);
        let number = self.number(&org, NUMBER, "token");
        let connected = self.does(&number.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        assert_eq!(connected["webhooks_set"], true);
        Ok(org)
    }

    fn number(&self, org: &str, phone: &str, token: &str) -> Vec<String> {
        let from = self.file(token);
        ["org", "number", org, phone, "--account-sid", ACCOUNT, "--auth-token-from", &from]
            .map(str::to_owned)
            .into()
    }

    async fn number_is_refused(&self, org: &str, phone: &str, token: &str) -> String {
        let command = self.number(org, phone, token);
        self.is_refused(&command.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_goes_from_nothing_to_a_number_that_is_texted_and_called() -> Result<()> {
    let operator = Operator::new().await?;
    let org = operator.sets_up().await?;
    let simulator = operator.server.simulator()?;

    let begin = ["session", "start", &org, "--name", "Kim Lee", "--phone", "(206) 555-0142", "--text"];
    let opened = operator.does(&begin).await?;
    assert_eq!(opened["created"], true);
    eventually("the first question is texted", PATIENCE, || async {
        let screen = simulator.conversation(CLIENT).await?;
        let texted = screen.iter().filter_map(|line| line["text"].as_str());
        Ok(texted.into_iter().any(|text| text.contains("name of your practice")).then_some(()))
    })
    .await?;
    assert_eq!(operator.does(&begin).await?["created"], false, "nobody is asked the same twice");

    let shown = operator.does(&["voice", "show", &org]).await?;
    assert_eq!((&shown["provider"], &shown["api_key"]), (&json!("rules"), &Value::Null));
    let key = operator.file("key");
    let set = operator
        .does(&[
            "voice",
            "set",
            &org,
            "--provider",
            "elevenlabs",
            "--new-agent",
            "--api-key-from",
            &key,
            "--agent-name",
            "Marina",
            "--hours",
            "24/7",
            "--zone",
            "America/Los_Angeles",
        ])
        .await?;
    assert_eq!((&set["api_key"]["last4"], &set["profile"]["agent_name"]), (&json!("cdef"), &json!("Marina")));
    assert!(!set.to_string().contains(KEY), "a key is never shown");
    let mut phone = Phone::dials(simulator, CLIENT, NUMBER).await?;
    phone.until("heard:Marina").await?;
    phone.says("Harbor Dental Care").await?;
    phone.until("heard:What is your website").await?;
    phone.hangs_up().await?;
    phone.until("status:completed").await?;

    // What is not named stays, the key too.
    let later = operator.does(&["voice", "set", &org, "--record", "true", "--unset", "hours,zone"]).await?;
    assert_eq!(
        (&later["agent_id"], &later["api_key"], &later["profile"]["record"], &later["profile"]["hours"]),
        (&set["agent_id"], &set["api_key"], &json!(true), &Value::Null)
    );
    operator.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_or_another_organisation_does_not_allow_changes_nothing() -> Result<()> {
    let operator = Operator::new().await?;
    let new = operator.does(&["org", "create", "Harbor Dental"]).await?;
    let new = new["id"].as_str().context("an id")?.to_owned();
    assert!(operator.number_is_refused(&new, NUMBER, "token").await.contains("no questions to ask yet"));
    operator.does(&["org", "flow", &new, &operator.file("flow.json")]).await?;
    assert!(
        operator.number_is_refused(&new, NUMBER, "wrong").await.contains("Twilio: the vendor answered 401")
    );
    assert!(operator.number_is_refused(&new, "+12065550199", "token").await.contains("no such number"));
    let theirs = operator.server.account().number;
    assert!(operator.number_is_refused(&new, &theirs, "token").await.contains("belongs to another"));
    let text = ["session", "start", &new, "--name", "Kim", "--phone", CLIENT, "--text"];
    assert!(operator.is_refused(&text).await.contains("no number to text from"), "nothing was connected");

    let wrong = operator.file("wrong");
    let agent = ["voice", "set", &new, "--provider", "elevenlabs", "--agent-id", "agent_x"];
    let refused = operator.is_refused(&[&agent[..], &["--api-key-from", &wrong]].concat()).await;
    assert!(refused.contains("ElevenLabs: the vendor answered 401"), "{refused}");
    let retell = ["voice", "set", &new, "--provider", "retell", "--agent-id", "agent_x"];
    assert!(operator.is_refused(&retell).await.contains("not connected with this provider"));
    let many =
        ["voice", "set", &new, "--transfer-to", "office", "--hours", "9-5 weekdays", "--attempts", "99"];
    let refused = operator.is_refused(&many).await;
    for member in ["profile.transfer_to", "profile.zone", "profile.attempts"] {
        assert!(refused.contains(member), "{refused}");
    }
    assert_eq!(operator.does(&["voice", "show", &new]).await?["provider"], "rules");
    operator.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_sets_anything_up() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let client = http::client()?;
    let org = &server.ready().org_id;
    for (method, path) in [
        ("GET", "api/orgs".to_owned()),
        ("POST", "api/orgs".to_owned()),
        ("PUT", format!("api/orgs/{org}/flow")),
        ("PUT", format!("api/orgs/{org}/numbers/{NUMBER}")),
        ("POST", format!("api/orgs/{org}/sessions")),
        ("GET", format!("api/voice/settings/{org}")),
        ("PUT", format!("api/voice/settings/{org}")),
    ] {
        let url = server.ready().base_url.join(&path)?;
        let body = match path.as_str() {
            "api/orgs" => json!({ "name": "A" }),
            path if path.contains("numbers") => json!({ "account_sid": ACCOUNT, "auth_token": TOKEN }),
            path if path.contains("sessions") => json!({ "name": "A" }),
            _ => json!({ "provider": "rules" }),
        };
        let request = client.request(method.parse()?, url).bearer_auth("somebody").json(&body);
        let answer = request.send().await?;
        assert_eq!(answer.status(), 401, "{method} {path}");
        assert_eq!(answer.json::<Value>().await?["id"], "unauthorized", "{method} {path}");
    }
    server.stop().await
}
