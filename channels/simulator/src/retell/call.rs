//! The life of a call: ringing, the conversation, the webhooks about it.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use super::API_KEY;
use super::socket::{self, Over};
use crate::calls::{Live, Order, Phase};
use crate::sim::{Sim, lock};
use crate::world::{Answers, CallHabits};

const RINGING: Duration = Duration::from_secs(30);
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
        let body = json!({ "event": event, "call": self.call() }).to_string();
        let millis = self.sim.now();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(API_KEY.as_bytes()) else { return };
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
            if answer.is_ok_and(|answer| answer.status.is_success()) {
                return;
            }
        }
    }
}

/// Calls a handset.
pub(crate) fn start(sim: &Arc<Sim>, agent: Value, call: &Value) {
    let text = |name: &str| call[name].as_str().unwrap_or_default();
    let (live, orders) =
        Live::new(text("call_id").to_owned(), "retell", text("to_number"), text("from_number"), false);
    sim.add_call(&live);
    let retell = Retell { sim: Arc::clone(sim), live, agent };
    actix_web::rt::spawn(run(retell, orders));
}

async fn run(retell: Retell, mut orders: Receiver<Order>) {
    let reason = if let Err(reason) = ring(&retell, &mut orders).await {
        reason
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

/// Lets the handset ring until somebody decides.
async fn ring(retell: &Retell, orders: &mut Receiver<Order>) -> Result<(), &'static str> {
    let known =
        retell.sim.read(|world| world.handset(&retell.live.handset).map(|handset| handset.habits.clone()));
    let CallHabits { answers, after_ms, .. } = known.unwrap_or_default();
    if answers == Answers::Unreachable {
        return Err("dial_failed");
    }
    retell.live.note(&retell.sim, "status", "ringing", json!({}));
    retell.live.enter(&retell.sim, Phase::Ringing);
    let begun = Instant::now();
    let acts_alone = !matches!(answers, Answers::Person | Answers::Never);
    loop {
        tokio::select! {
            () = sleep_until(begun + RINGING) => return Err("dial_no_answer"),
            () = sleep_until(begun + Duration::from_millis(after_ms)), if acts_alone => {
                return if answers == Answers::Busy { Err("dial_busy") } else { Ok(()) };
            }
            order = orders.recv() => match order {
                Some(Order::Answer) => return Ok(()),
                Some(Order::Decline | Order::HangUp) => return Err("user_declined"),
                Some(Order::End) | None => return Err("manual_stopped"),
                Some(Order::Run(_)) => {}
            }
        }
    }
}
