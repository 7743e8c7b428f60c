//! Agents and calls.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use usher_channels::twilio::codec::is_e164;

use super::{API_KEY, Vendor, call};
use crate::calls::Order;
use crate::faults::Subject;
use crate::json_api::{carries, changed, is_url};
use crate::sim::{Sim, lock};

type Shared = Data<Sim>;

/// The routes of this vendor.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/create-agent", web::post().to(create_agent))
        .route("/get-agent/{agent}", web::get().to(fetch_agent))
        .route("/update-agent/{agent}", web::patch().to(update_agent))
        .route("/create-phone-number", web::post().to(create_number))
        .route("/v2/create-phone-call", web::post().to(create_call))
        .route("/v2/get-call/{call}", web::get().to(fetch_call))
        .route("/v2/stop-call/{call}", web::post().to(stop_call))
        .route("/v3/list-calls", web::post().to(list_calls));
}

/// An answer that is not 2xx.
struct Refusal(StatusCode, String);

fn invalid(message: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, message.to_owned())
}

fn not_found() -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "Not found.".to_owned())
}

/// Runs a request whose key is right.
fn answer(
    sim: &Sim,
    request: &HttpRequest,
    run: impl FnOnce(&mut Vendor) -> Result<HttpResponse, Refusal>,
) -> HttpResponse {
    let result = if carries(request, API_KEY) {
        run(&mut lock(&sim.retell))
    } else {
        Err(Refusal(StatusCode::UNAUTHORIZED, "API key is missing or invalid.".to_owned()))
    };
    result.unwrap_or_else(|Refusal(status, message)| {
        HttpResponse::build(status).json(json!({ "status": "error", "message": message }))
    })
}

fn check_agent(agent: &Value) -> Result<(), Refusal> {
    let engine = &agent["response_engine"];
    if !agent["voice_id"].is_string() || !engine.is_object() {
        return Err(invalid("response_engine and voice_id are required"));
    }
    if engine["type"] != "custom-llm" || !is_url(&engine["llm_websocket_url"], &["ws", "wss"]) {
        return Err(invalid("response_engine must be custom-llm with a llm_websocket_url"));
    }
    Ok(())
}

async fn create_agent(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let mut agent = body.into_inner();
        check_agent(&agent)?;
        let id = sim.sid("");
        agent["agent_id"] = json!(id);
        agent["version"] = json!(0);
        agent["is_published"] = json!(false);
        agent["last_modification_timestamp"] = json!(sim.now());
        vendor.agents.insert(id, agent.clone());
        Ok(HttpResponse::Created().json(agent))
    })
}

async fn update_agent(
    sim: Shared,
    request: HttpRequest,
    id: Path<String>,
    body: Json<Value>,
) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let agent = changed(vendor.agents.get(id.as_str()).ok_or_else(not_found)?, &body);
        check_agent(&agent)?;
        vendor.agents.insert(id.into_inner(), agent.clone());
        Ok(HttpResponse::Ok().json(agent))
    })
}

async fn fetch_agent(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let agent = vendor.agents.get(id.as_str()).ok_or_else(not_found)?;
        Ok(HttpResponse::Ok().json(agent))
    })
}

/// A number that is had at once: whichever is asked for.
async fn create_number(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let mut number = body.into_inner();
        let phone = number["phone_number"].as_str().unwrap_or_default().to_owned();
        if !is_e164(&phone) {
            return Err(invalid("phone_number must be in E.164 form"));
        }
        if number.get("inbound_agent_id").is_some() || number.get("outbound_agent_id").is_some() {
            return Err(invalid("inbound_agent_id and outbound_agent_id are no longer supported"));
        }
        let agents = number["inbound_agents"].as_array().map_or(&[][..], Vec::as_slice);
        let known =
            |agent: &Value| agent["agent_id"].as_str().is_some_and(|id| vendor.agents.contains_key(id));
        let weight: f64 = agents.iter().filter_map(|agent| agent["weight"].as_f64()).sum();
        if !agents.iter().all(known) || (!agents.is_empty() && (weight - 1.0).abs() > 1e-6) {
            return Err(invalid("inbound_agents must exist, and their weights must sum to 1"));
        }
        number["phone_number_type"] = json!("retell-twilio");
        number["last_modification_timestamp"] = json!(sim.now());
        vendor.numbers.insert(phone, number.clone());
        Ok(HttpResponse::Created().json(number))
    })
}

async fn create_call(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    let shared = sim.clone().into_inner();
    let subject = Subject { to: body["to_number"].as_str().unwrap_or_default(), from: "", body: "" };
    if let Some(status) = lock(&sim.faults).refusal(subject) {
        let refused = json!({ "status": "error", "message": "This cannot be served now." });
        return HttpResponse::build(status).json(refused);
    }
    answer(&sim, &request, |vendor| {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (from, to, id) = (text("from_number"), text("to_number"), text("override_agent_id"));
        if !is_e164(&to) || !is_e164(&from) {
            return Err(invalid("from_number and to_number must be in E.164 form"));
        }
        if !vendor.numbers.contains_key(&from) && sim.read(|world| world.owner_of(&from).is_none()) {
            return Err(not_found());
        }
        let agent = vendor.agents.get(&id).cloned().ok_or_else(not_found)?;
        let variables = body.get("retell_llm_dynamic_variables").cloned().unwrap_or_else(|| json!({}));
        if !variables.as_object().is_some_and(|variables| variables.values().all(Value::is_string)) {
            return Err(invalid("retell_llm_dynamic_variables must map names to strings"));
        }
        let call = json!({
            "call_type": "phone_call", "call_id": sim.sid(""), "agent_id": id, "agent_version": 0,
            "agent_name": agent["agent_name"], "call_status": "registered", "direction": "outbound",
            "from_number": from, "to_number": to,
            "metadata": body.get("metadata").cloned().unwrap_or_else(|| json!({})),
            "retell_llm_dynamic_variables": variables, "opt_in_signed_url": false,
        });
        vendor.calls.insert(call["call_id"].as_str().unwrap_or_default().to_owned(), call.clone());
        call::start(&shared, agent, &call);
        Ok(HttpResponse::Created().json(call))
    })
}

async fn fetch_call(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        Ok(HttpResponse::Ok().json(vendor.calls.get(id.as_str()).ok_or_else(not_found)?))
    })
}

async fn stop_call(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        vendor.calls.get(id.as_str()).ok_or_else(not_found)?;
        if let Some(live) = sim.live_call(&id) {
            live.order(Order::End);
        }
        Ok(HttpResponse::NoContent().finish())
    })
}

async fn list_calls(sim: Shared, request: HttpRequest) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let items: Vec<&Value> = vendor.calls.values().collect();
        Ok(HttpResponse::Ok().json(json!({ "items": items, "has_more": false, "pagination_key": null })))
    })
}
