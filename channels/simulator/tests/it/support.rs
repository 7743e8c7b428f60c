//! A running simulator with one account, and a server that receives its webhooks.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_channels::twilio::{
    Form, OutgoingMessage, Payload, Sender, SignatureHeaders, SignedUrl, SigningKey, TwilioClient,
    TwilioCredentials,
};
use usher_conversation::ports::{Clock, Entropy};
use usher_conversation::time::Timestamp;
use usher_simulator::world::{Account, Number, Service};
use usher_simulator::{RunningSimulator, Simulator, SimulatorConfig, SpeechVoice};

pub(crate) const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const TOKEN: &str = "12345";
pub(crate) const NUMBER: &str = "+14155550101";
pub(crate) const SERVICE: &str = "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const POOLED: &str = "+14155550102";
pub(crate) const PHONE: &str = "+14155550100";
pub(crate) const LANDLINE: &str = "+14155550199";

/// Long enough for a busy machine; only a broken test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts in 2026 and goes on with the machine.
pub(crate) struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.0.elapsed().as_millis()).expect("a short test");
        Timestamp::from_millis(1_790_000_000_000 + elapsed)
    }
}

/// Counts, from a start of its own.
pub(crate) struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn bits(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

pub(crate) fn config() -> SimulatorConfig {
    config_with_ids_from(1)
}

/// A simulator that goes on from a state file must not repeat ids.
pub(crate) fn config_with_ids_from(start: u64) -> SimulatorConfig {
    let entropy = Arc::new(TestEntropy(AtomicU64::new(start)));
    let mut config = SimulatorConfig::local(Arc::new(TestClock(Instant::now())), entropy);
    config.pace = Duration::from_millis(1);
    config.speech = SpeechVoice::Tone;
    config
}

pub(crate) fn account(sms_url: Option<&str>) -> Account {
    let number = |number: &str| Number {
        number: number.to_owned(),
        sms_url: sms_url.map(str::to_owned),
        sms_fallback_url: None,
        voice_url: None,
        voice_fallback_url: None,
        status_callback: None,
        segments_per_second: 1_000.0,
    };
    Account {
        account_sid: ACCOUNT.to_owned(),
        auth_token: TOKEN.to_owned(),
        numbers: vec![number(NUMBER), number(POOLED)],
        services: vec![Service {
            sid: SERVICE.to_owned(),
            numbers: vec![POOLED.to_owned()],
            advanced_opt_out: true,
        }],
        landlines: [LANDLINE.to_owned()].into(),
        max_concurrent: 100,
        calls_per_second: None,
    }
}

pub(crate) fn start(account: Account) -> RunningSimulator {
    let mut config = config();
    config.accounts = vec![account];
    Simulator::start(config).expect("a free port")
}

pub(crate) fn credentials() -> TwilioCredentials {
    TwilioCredentials { account_sid: ACCOUNT.to_owned(), auth_token: TOKEN.into(), api_key: None }
}

pub(crate) fn client(simulator: &RunningSimulator) -> TwilioClient {
    client_with_timeout(simulator, Duration::from_secs(15))
}

pub(crate) fn client_with_timeout(simulator: &RunningSimulator, timeout: Duration) -> TwilioClient {
    let settings = HttpSettings { request_timeout: timeout, ..HttpSettings::default() };
    TwilioClient::new(HttpStack::new(settings).expect("TLS"), &simulator.url).expect("a URL")
}

pub(crate) fn text(body: &str) -> OutgoingMessage<'_> {
    OutgoingMessage { to: PHONE, from: Sender::Number(NUMBER), body, status_callback: None }
}

/// Plain HTTP against the simulator.
pub(crate) struct Http {
    pub(crate) stack: HttpStack,
    base: String,
}

impl Http {
    pub(crate) fn to(simulator: &RunningSimulator) -> Self {
        let stack = HttpStack::new(HttpSettings::default()).expect("TLS");
        Self { stack, base: simulator.url.clone() }
    }

    /// A request to the vendor's API with the account's credentials.
    pub(crate) async fn api(&self, method: &str, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}/{path}", self.base);
        let method = method.parse().expect("a method");
        let mut request = self.stack.client().request(method, url).basic_auth(ACCOUNT, Some(TOKEN));
        if !form.is_empty() {
            request = request.form(form);
        }
        self.finish(request).await
    }

    pub(crate) async fn create(&self, form: &[(&str, &str)]) -> (u16, Value) {
        self.api("POST", "Messages.json", form).await
    }

    pub(crate) async fn sim(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self
            .stack
            .client()
            .request(method.parse().expect("a method"), format!("{}/_sim/{path}", self.base));
        self.finish(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub(crate) async fn fault(&self, rule: Value) {
        assert_eq!(self.sim("POST", "faults", Some(rule)).await.0, 204);
    }

    /// The phone texts a number and waits for the webhook's answer.
    pub(crate) async fn say(&self, to: &str, body: &str) -> Value {
        let message = json!({ "to": to, "body": body, "wait": true });
        let (status, answer) = self.sim("POST", &format!("handsets/{PHONE}/messages"), Some(message)).await;
        assert_eq!(status, 200, "{answer}");
        answer["webhook"].clone()
    }

    /// What the phone shows, oldest first.
    pub(crate) async fn screen(&self) -> Vec<String> {
        let (_, lines) = self.sim("GET", &format!("handsets/{PHONE}/messages"), None).await;
        let lines = lines.as_array().expect("a list");
        lines.iter().map(|line| line["text"].as_str().expect("text").to_owned()).collect()
    }

    pub(crate) async fn finish(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = self.stack.send(request).await.expect("the simulator answers");
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// A request of any kind.
    pub(crate) fn any(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.stack.client().request(method.parse().expect("a method"), format!("{}{path}", self.base))
    }

    pub(crate) fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.stack.client().get(format!("{}{path}", self.base))
    }
}

/// A webhook as it arrived.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) path: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) signature: String,
    pub(crate) token: String,
    pub(crate) retell_signature: String,
    pub(crate) form: Form<'static>,
}

impl Hook {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.form.values(name).next()
    }

    /// Checks the signature over the URL as it was configured.
    pub(crate) fn is_signed_for(&self, url: &str) -> bool {
        let headers = SignatureHeaders::signature(&self.signature);
        SigningKey::new(TOKEN.into()).verify(&SignedUrl::new(url), Payload::Form(&self.form), headers).is_ok()
    }
}

type Answering = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// A server that takes webhooks: `/sms` and `/status` answer as told, `/broken` with 500.
pub(crate) struct Receiver {
    pub(crate) url: String,
    hooks: mpsc::Receiver<Hook>,
    /// Came before one that was waited for.
    earlier: VecDeque<Hook>,
    handle: ServerHandle,
}

impl Receiver {
    pub(crate) fn start(answer: &'static str) -> Self {
        Self::answering(move |_path| answer.to_owned())
    }

    /// One that answers every path in its own way.
    pub(crate) fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let answer: Answering = Arc::new(answer);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (hooks, received) = mpsc::channel(1_000);
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let app = move || {
                    let (hooks, answer) = (hooks.clone(), Arc::clone(&answer));
                    App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                        take(hooks.clone(), request, body, Arc::clone(&answer))
                    }))
                };
                let server =
                    HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("bound").run();
                tell.send(server.handle()).expect("the test waits");
                server.await
            })
        });
        Self {
            url,
            hooks: received,
            earlier: VecDeque::new(),
            handle: told.recv().expect("the server starts"),
        }
    }

    pub(crate) async fn next(&mut self) -> Hook {
        match self.earlier.pop_front() {
            Some(hook) => hook,
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Hook {
        tokio::time::timeout(PATIENCE, self.hooks.recv()).await.expect("a webhook comes").expect("open")
    }

    /// The next webhook at a path.
    pub(crate) async fn at(&mut self, path: &str) -> Hook {
        if let Some(known) = self.earlier.iter().position(|hook| hook.path == path) {
            return self.earlier.remove(known).expect("it was found");
        }
        loop {
            let hook = self.receive().await;
            if hook.path == path {
                return hook;
            }
            self.earlier.push_back(hook);
        }
    }

    /// The next webhook about a final status.
    pub(crate) async fn until_status(&mut self, status: &str) -> Hook {
        loop {
            let hook = self.next().await;
            if hook.get("MessageStatus") == Some(status) {
                return hook;
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn take(
    hooks: mpsc::Sender<Hook>,
    request: HttpRequest,
    body: web::Bytes,
    answer: Answering,
) -> HttpResponse {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let hook = Hook {
        path: request.path().to_owned(),
        target: request.uri().to_string(),
        signature: header("X-Twilio-Signature"),
        token: header("I-Twilio-Idempotency-Token"),
        retell_signature: header("x-retell-signature"),
        form: Form::from_pairs(pairs),
    };
    hooks.send(hook).await.expect("the test is there");
    match request.path() {
        "/broken" => HttpResponse::InternalServerError().finish(),
        path => HttpResponse::Ok().content_type("text/xml").body(answer(path)),
    }
}
