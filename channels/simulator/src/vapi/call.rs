//! The life of a call: ringing, the conversation, the messages about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::{self, Receiver};

use super::talk::{self, Steer};
use super::{Vendor, rest};
use crate::calls::{Live, Order, Phase, Unanswered, ring};
use crate::sim::{Sim, lock};

/// Fixed: an assistant that is not named by then does not take the call.
const ASSISTANT_WITHIN: Duration = Duration::from_millis(7_500);
const SERVER_TIMEOUT_SECONDS: u64 = 20;
/// What a server is told when the assistant does not say.
const USUAL_MESSAGES: [&str; 8] = [
    "conversation-update",
    "end-of-call-report",
    "hang",
    "speech-update",
    "status-update",
    "tool-calls",
    "transfer-destination-request",
    "user-interrupted",
];

/// ISO 8601, as this vendor writes times.
pub(super) fn date(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// A call of this vendor.
pub(super) struct Vapi {
    pub(super) sim: Arc<Sim>,
    pub(super) live: Arc<Live>,
    pub(super) assistant: Value,
    number: Value,
    /// Whether the next message to the server is lost.
    loses: AtomicBool,
}

impl Vapi {
    /// The call object.
    pub(super) fn call(&self) -> Value {
        lock(&self.sim.vapi).calls.get(&self.live.sid).cloned().unwrap_or(Value::Null)
    }

    /// Changes the call object.
    pub(super) fn change(&self, change: impl FnOnce(&mut Value)) {
        if let Some(call) = lock(&self.sim.vapi).calls.get_mut(&self.live.sid) {
            change(call);
        }
    }

    /// The credential of one of its things, by the member that names it.
    pub(super) fn credential(&self, id: &Value) -> Value {
        let known = &lock(&self.sim.vapi).credentials;
        id.as_str().and_then(|id| known.get(id)).cloned().unwrap_or(Value::Null)
    }

    /// The number, as its server is told of it.
    pub(super) fn number(&self) -> Value {
        json!({ "id": self.number["id"], "number": self.number["number"], "provider": self.number["provider"] })
    }

    fn wants(&self, kind: &str) -> bool {
        match self.assistant["serverMessages"].as_array() {
            Some(wanted) => wanted.iter().any(|name| name == kind),
            None => USUAL_MESSAGES.contains(&kind) || kind == "assistant-request",
        }
    }

    /// Tells the server something it wants to know; gives its answer when it took it.
    pub(super) async fn tell(&self, kind: &'static str, own: Value) -> Option<Value> {
        if !self.wants(kind) {
            return None;
        }
        let server = if self.assistant["server"].is_object() {
            &self.assistant["server"]
        } else {
            &self.number["server"]
        };
        let url = server["url"].as_str()?;
        let mut message = own;
        for (member, value) in [
            ("type", json!(kind)),
            ("timestamp", json!(self.sim.now())),
            ("call", self.call()),
            ("customer", json!({ "number": self.live.handset })),
            ("phoneNumber", self.number()),
        ] {
            message[member] = value;
        }
        let body = json!({ "message": message }).to_string();
        let patience = if kind == "assistant-request" {
            ASSISTANT_WITHIN
        } else {
            Duration::from_secs(server["timeoutSeconds"].as_u64().unwrap_or(SERVER_TIMEOUT_SECONDS))
        };
        if self.loses.swap(false, Ordering::Relaxed) {
            self.live.note(&self.sim, "callback", kind, json!({ "url": url, "status": null }));
            return None;
        }
        let request = self.sim.http.client().post(url).header("content-type", "application/json");
        let request = self.signed(request, server, &body).timeout(patience).body(body);
        let answer = self.sim.http.send(request).await;
        let status = answer.as_ref().ok().map(|answer| answer.status.as_u16());
        self.live.note(&self.sim, "callback", kind, json!({ "url": url, "status": status }));
        let answer = answer.ok().filter(|answer| answer.status.is_success())?;
        Some(serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// The next message does not arrive.
    pub(super) fn lose_a_message(&self) {
        self.loses.store(true, Ordering::Relaxed);
    }

    /// Posts messages that are none, and one of a kind that nobody knows.
    pub(super) async fn garble(&self) {
        let server = &self.assistant["server"];
        let Some(url) = server["url"].as_str() else { return };
        for body in ["{", "[]", r#"{"message":7}"#, r#"{"message":{"type":"something-new"}}"#] {
            let request = self.sim.http.client().post(url).header("content-type", "application/json");
            let answer = self.sim.http.send(self.signed(request, server, body).body(body)).await;
            let status = answer.ok().map(|answer| answer.status.as_u16());
            self.live.note(&self.sim, "callback", "malformed", json!({ "url": url, "status": status }));
        }
    }

    /// Shows the server who asks, in the way it has set up.
    fn signed(&self, request: RequestBuilder, server: &Value, body: &str) -> RequestBuilder {
        let mut request = request;
        for (name, value) in server["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        if let Some(secret) = server["secret"].as_str() {
            request = request.header("x-vapi-secret", secret);
        }
        let plan = &self.credential(&server["credentialId"])["authenticationPlan"];
        match plan["type"].as_str() {
            Some("bearer") => request.bearer_auth(plan["token"].as_str().unwrap_or_default()),
            Some("hmac") => {
                let time = (self.sim.now() / 1_000).to_string();
                let key = plan["secretKey"].as_str().unwrap_or_default();
                let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return request };
                mac.update(format!("{time}.{body}").as_bytes());
                let signature = hex::encode(mac.finalize().into_bytes());
                request.header("x-signature", signature).header("x-timestamp", time)
            }
            _ => request,
        }
    }

    /// Moves the call on and tells the server.
    async fn status(&self, status: &str, more: Value) {
        self.change(|call| call["status"] = json!(status));
        self.live.note(&self.sim, "status", status, json!({}));
        let mut news = more;
        news["status"] = json!(status);
        self.tell("status-update", news).await;
    }
}

/// Calls a handset.
pub(super) fn start(sim: &Arc<Sim>, vendor: &mut Vendor, call: &Value, assistant: Value, number: Value) {
    let from = number["number"].as_str().unwrap_or_default();
    let to = call["customer"]["number"].as_str().unwrap_or_default();
    let id = call["id"].as_str().unwrap_or_default();
    let (live, orders) = Live::new(id.to_owned(), "vapi", to, from, false);
    let (steer, steered) = mpsc::channel(16);
    vendor.steering.insert(id.to_owned(), steer);
    sim.add_call(&live);
    let vapi = Vapi { sim: Arc::clone(sim), live, assistant, number, loses: AtomicBool::new(false) };
    actix_web::rt::spawn(run(vapi, orders, steered));
}

/// The number a handset dials, when it is one of this vendor's.
pub(crate) fn number_of(sim: &Sim, dialled: &str) -> Option<Value> {
    lock(&sim.vapi).numbers.values().find(|number| number["number"] == dialled).cloned()
}

/// A handset calls one of the vendor's numbers.
pub(crate) fn dialled(sim: &Arc<Sim>, phone: &str, number: Value) -> Arc<Live> {
    let id = sim.uuid();
    let to = number["number"].as_str().unwrap_or_default();
    let (live, orders) = Live::new(id.clone(), "vapi", phone, to, true);
    let (steer, steered) = mpsc::channel(16);
    let now = date(sim.now());
    let url = sim.base_url();
    let call = json!({
        "id": id, "type": "inboundPhoneCall", "status": "ringing", "phoneNumberId": number["id"],
        "customer": { "number": phone }, "createdAt": now, "updatedAt": now, "cost": 0,
        "monitor": { "controlUrl": format!("{url}/_vapi/{id}/control") },
    });
    let mut vendor = lock(&sim.vapi);
    vendor.calls.insert(id.clone(), call);
    vendor.steering.insert(id, steer);
    drop(vendor);
    sim.add_call(&live);
    let loses = AtomicBool::new(false);
    let vapi = Vapi { sim: Arc::clone(sim), live: Arc::clone(&live), assistant: Value::Null, number, loses };
    actix_web::rt::spawn(run(vapi, orders, steered));
    live
}

async fn run(mut vapi: Vapi, mut orders: Receiver<Order>, mut steered: Receiver<Steer>) {
    let reason = match reached(&mut vapi, &mut orders).await {
        Err(why) => why,
        Ok(first) => {
            let now = date(vapi.sim.now());
            vapi.change(|call| call["startedAt"] = json!(now));
            vapi.live.enter(&vapi.sim, Phase::Talking);
            actix_web::rt::spawn(Arc::clone(&vapi.live).run_line(Arc::clone(&vapi.sim)));
            vapi.status("in-progress", json!({})).await;
            talk::converse(&vapi, &mut orders, &mut steered, first).await
        }
    };
    vapi.live.enter(&vapi.sim, Phase::Ended);
    let now = date(vapi.sim.now());
    lock(&vapi.sim.vapi).steering.remove(&vapi.live.sid);
    vapi.change(|call| {
        call["endedAt"] = json!(now);
        call["endedReason"] = json!(reason);
    });
    vapi.live.note(&vapi.sim, "ended", reason, json!({}));
    vapi.status("ended", json!({ "endedReason": reason })).await;
    let call = vapi.call();
    let report = json!({
        "endedReason": reason, "startedAt": call["startedAt"], "endedAt": call["endedAt"], "cost": 0, "costs": [],
        "artifact": call["artifact"], "analysis": { "summary": "", "successEvaluation": "true" },
    });
    vapi.tell("end-of-call-report", report).await;
}

/// What the call begins with.
pub(super) enum First {
    /// As its assistant is set up.
    Assistant,
    /// These words, and it ends.
    Farewell(String),
}

/// Gets both sides to the line: who is called rings, and who called gets an assistant.
async fn reached(vapi: &mut Vapi, orders: &mut Receiver<Order>) -> Result<First, &'static str> {
    if !vapi.live.outgoing {
        vapi.status("ringing", json!({})).await;
        return ring(&vapi.sim, &vapi.live, orders).await.map(|()| First::Assistant).map_err(
            |why| match why {
                Unanswered::Unreachable => "twilio-failed-to-connect-call",
                Unanswered::NoAnswer => "customer-did-not-answer",
                Unanswered::Busy | Unanswered::Declined => "customer-busy",
                Unanswered::Stopped => "manually-canceled",
            },
        );
    }
    vapi.live.enter(&vapi.sim, Phase::Ringing);
    let body = if vapi.number["assistantId"].is_string() {
        json!({ "assistantId": vapi.number["assistantId"] })
    } else {
        vapi.tell("assistant-request", json!({})).await.ok_or("assistant-request-failed")?
    };
    if let Some(words) = body["error"].as_str() {
        return Ok(First::Farewell(words.to_owned()));
    }
    let found = rest::assistant_of(&lock(&vapi.sim.vapi), &body);
    vapi.assistant = found.ok_or("assistant-request-returned-invalid-assistant")?;
    let id = body["assistantId"].clone();
    vapi.change(|call| call["assistantId"] = id);
    Ok(First::Assistant)
}
