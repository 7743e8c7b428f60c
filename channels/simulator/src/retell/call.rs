//! The life of a call: ringing, the conversation, the webhooks about it.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::Receiver;

use super::API_KEY;
use super::socket::{self, Over};
use crate::calls::{Live, Order, Phase, Unanswered, ring};
use crate::sim::{Sim, lock};

/// A webhook that is not answered with 2xx is posted again so often.
const WEBHOOK_RETRIES: u32 = 3;

/// A call of this vendor.
pub(crate) struct Retell {
    pub(crate) sim: Arc<Sim>,
    pub(crate) live: Arc<Live>,
    agent: Value,
}

impl Retell {
    /// The call object.
    pub(crate) fn call(&self) -> Value {
        lock(&self.sim.retell).calls.get(&self.live.sid).cloned().unwrap_or(Value::Null)
    }

    /// Changes the call object.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        if let Some(call) = lock(&self.sim.retell).calls.get_mut(&self.live.sid) {
            change(call);
        }
    }

    /// Where the words come from.
    pub(crate) fn llm_url(&self) -> String {
        let url = self.agent["response_engine"]["llm_websocket_url"].as_str().unwrap_or_default();
        format!("{}/{}", url.trim_end_matches('/'), self.live.sid)
    }

    async fn report(&self, event: &str) {
        let wanted = self.agent["webhook_events"].as_array();
        if wanted.is_some_and(|wanted| !wanted.iter().any(|name| name == event)) {
            return;
        }
        let Some(url) = self.agent["webhook_url"].as_str() else { return };
        self.post(event, url, &json!({ "event": event, "call": self.call() })).await;
    }

    /// Posts to a webhook until it takes it; gives its answer.
    async fn post(&self, event: &str, url: &str, body: &Value) -> Option<Value> {
        let body = body.to_string();
        let millis = self.sim.now();
        let mut mac = Hmac::<Sha256>::new_from_slice(API_KEY.as_bytes()).ok()?;
        mac.update(body.as_bytes());
        mac.update(millis.to_string().as_bytes());
        let signature = format!("v={millis},d={}", hex::encode(mac.finalize().into_bytes()));
        for _ in 0..=WEBHOOK_RETRIES {
            let request = self
                .sim
                .http
                .client()
                .post(url)
                .header("content-type", "application/json")
                .header("x-retell-signature", &signature)
                .timeout(Duration::from_secs(10))
                .body(body.clone());
            let answer = self.sim.http.send(request).await;
            let status = answer.as_ref().ok().map(|answer| answer.status.as_u16());
            self.live.note(&self.sim, "callback", event, json!({ "url": url, "status": status }));
            if let Some(taken) = answer.ok().filter(|answer| answer.status.is_success()) {
                return Some(serde_json::from_slice(&taken.body).unwrap_or(Value::Null));
            }
        }
        None
    }

    /// Asks whose call it is that came in, and gets it an agent.
    async fn welcome(&mut self, number: &Value) -> Result<(), &'static str> {
        let mut agent = number["inbound_agents"][0]["agent_id"].clone();
        if let Some(url) = number["inbound_webhook_url"].as_str() {
            let call = self.call();
            let asked = json!({ "event": "call_inbound", "event_timestamp": self.sim.now(), "call_inbound": {
                "call_id": call["call_id"], "agent_id": agent, "agent_version": 0,
                "from_number": call["from_number"], "to_number": call["to_number"], "custom_sip_headers": {} } });
            let told = self.post("call_inbound", url, &asked).await.unwrap_or_default();
            let told = &told["call_inbound"];
            if told["reject"] == true {
                return Err("telephony_provider_permission_denied");
            }
            self.change(|call| {
                for (name, told) in [
                    ("metadata", &told["metadata"]),
                    ("retell_llm_dynamic_variables", &told["dynamic_variables"]),
                ] {
                    call[name] = if told.is_object() { told.clone() } else { json!({}) };
                }
            });
            if told["override_agent_id"].is_string() {
                agent = told["override_agent_id"].clone();
            }
        }
        let found = agent.as_str().and_then(|id| lock(&self.sim.retell).agents.get(id).cloned());
        self.agent = found.ok_or("error_retell")?;
        self.change(|call| call["agent_id"] = agent);
        Ok(())
    }
}

/// Calls a handset.
pub(crate) fn start(sim: &Arc<Sim>, agent: Value, call: &Value) {
    let text = |name: &str| call[name].as_str().unwrap_or_default();
    let (live, orders) =
        Live::new(text("call_id").to_owned(), "retell", text("to_number"), text("from_number"), false);
    sim.add_call(&live);
    let retell = Retell { sim: Arc::clone(sim), live, agent };
    actix_web::rt::spawn(run(retell, orders, None));
}

/// The number a handset dials, when it is one of this vendor's.
pub(crate) fn number_of(sim: &Sim, dialled: &str) -> Option<Value> {
    lock(&sim.retell).numbers.get(dialled).cloned()
}

/// A handset calls one of the vendor's numbers.
pub(crate) fn dialled(sim: &Arc<Sim>, phone: &str, number: Value) -> Arc<Live> {
    let id = sim.sid("");
    let to = number["phone_number"].as_str().unwrap_or_default();
    let (live, orders) = Live::new(id.clone(), "retell", phone, to, true);
    let call = json!({
        "call_type": "phone_call", "call_id": id, "call_status": "registered", "direction": "inbound",
        "from_number": phone, "to_number": to, "metadata": {}, "retell_llm_dynamic_variables": {},
        "opt_in_signed_url": false,
    });
    lock(&sim.retell).calls.insert(id, call);
    sim.add_call(&live);
    let retell = Retell { sim: Arc::clone(sim), live: Arc::clone(&live), agent: Value::Null };
    actix_web::rt::spawn(run(retell, orders, Some(number)));
    live
}

async fn run(mut retell: Retell, mut orders: Receiver<Order>, number: Option<Value>) {
    let reason = if let Err(why) = reached(&mut retell, &mut orders, number).await {
        why
    } else {
        let now = retell.sim.now();
        retell.change(|call| {
            call["call_status"] = json!("ongoing");
            call["start_timestamp"] = json!(now);
        });
        retell.live.note(&retell.sim, "status", "in-progress", json!({}));
        retell.live.enter(&retell.sim, Phase::Talking);
        actix_web::rt::spawn(Arc::clone(&retell.live).run_line(Arc::clone(&retell.sim)));
        retell.report("call_started").await;
        match socket::converse(&retell, &mut orders).await {
            Over::AgentHungUp => "agent_hangup",
            Over::UserHungUp => "user_hangup",
            Over::Stopped => "manual_stopped",
            Over::NotOpened => "error_llm_websocket_open",
            Over::Lost => "error_llm_websocket_lost_connection",
            Over::Corrupt => "error_llm_websocket_corrupt_payload",
            Over::Transferred => "call_transfer",
        }
    };
    retell.live.enter(&retell.sim, Phase::Ended);
    let now = retell.sim.now();
    retell.change(|call| {
        let started = call["start_timestamp"].as_i64();
        call["call_status"] = json!(if started.is_some() { "ended" } else { "not_connected" });
        call["end_timestamp"] = json!(now);
        call["duration_ms"] = json!(started.map(|started| now - started));
        call["disconnection_reason"] = json!(reason);
    });
    retell.live.note(&retell.sim, "ended", reason, json!({}));
    retell.report("call_ended").await;
    retell.change(|call| {
        call["call_analysis"] = json!({
            "call_summary": "", "in_voicemail": false, "user_sentiment": "Neutral",
            "call_successful": reason == "agent_hangup" || reason == "user_hangup",
            "custom_analysis_data": {},
        });
    });
    retell.report("call_analyzed").await;
}

/// Lets the handset ring; who dialled a number is connected at once.
async fn reached(
    retell: &mut Retell,
    orders: &mut Receiver<Order>,
    number: Option<Value>,
) -> Result<(), &'static str> {
    if let Some(number) = number {
        retell.live.enter(&retell.sim, Phase::Ringing);
        return retell.welcome(&number).await;
    }
    ring(&retell.sim, &retell.live, orders).await.map_err(|why| match why {
        Unanswered::Unreachable => "dial_failed",
        Unanswered::NoAnswer => "dial_no_answer",
        Unanswered::Busy => "dial_busy",
        Unanswered::Declined => "user_declined",
        Unanswered::Stopped => "manual_stopped",
    })
}
