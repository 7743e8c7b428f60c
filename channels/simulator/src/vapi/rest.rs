//! Assistants, credentials, numbers, calls, and the steering of calls that go on.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use usher_channels::twilio::codec::is_e164;

use super::talk::Steer;
use super::{API_KEY, Vendor, call};
use crate::faults::Subject;
use crate::json_api::{carries, changed, is_url};
use crate::sim::{Sim, lock};

type Shared = Data<Sim>;

/// The routes of this vendor.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/assistant", web::post().to(create_assistant))
        .route("/assistant/{id}", web::get().to(fetch_assistant))
        .route("/assistant/{id}", web::patch().to(change_assistant))
        .route("/credential", web::post().to(create_credential))
        .route("/phone-number", web::post().to(create_number))
        .route("/phone-number/{id}", web::get().to(fetch_number))
        .route("/phone-number/{id}", web::patch().to(change_number))
        .route("/call", web::post().to(create_call))
        .route("/call", web::get().to(list_calls))
        .route("/call/{id}", web::get().to(fetch_call))
        .route("/_vapi/{id}/control", web::post().to(control));
}

/// An answer that is not 2xx.
struct Refusal(StatusCode, &'static str, String);

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "Bad Request", message.into())
}

fn not_found(what: &str) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "Not Found", format!("{what} Not Found"))
}

impl Refusal {
    fn response(self) -> HttpResponse {
        let Self(status, error, message) = self;
        let message = if status == StatusCode::BAD_REQUEST { json!([message]) } else { json!(message) };
        let body = json!({ "message": message, "error": error, "statusCode": status.as_u16() });
        HttpResponse::build(status).json(body)
    }
}

/// Runs a request whose key is right.
fn answer(
    sim: &Sim,
    request: &HttpRequest,
    run: impl FnOnce(&mut Vendor) -> Result<HttpResponse, Refusal>,
) -> HttpResponse {
    let result = if carries(request, API_KEY) {
        run(&mut lock(&sim.vapi))
    } else {
        Err(Refusal(StatusCode::UNAUTHORIZED, "Unauthorized", "Invalid Key.".to_owned()))
    };
    result.unwrap_or_else(Refusal::response)
}

/// A new thing with what the vendor adds to each.
fn made(sim: &Sim, mut body: Value) -> (String, Value) {
    let id = sim.uuid();
    let now = call::date(sim.now());
    for (member, value) in [("id", id.as_str()), ("createdAt", &now), ("updatedAt", &now)] {
        body[member] = json!(value);
    }
    body["orgId"] = json!("eb166faa-7145-46ef-8044-589b47ae3b56");
    (id, body)
}

const WEB: [&str; 2] = ["http", "https"];

/// A `server` names its URL, and a credential that is there.
fn check_server(vendor: &Vendor, server: &Value) -> Result<(), Refusal> {
    if server.is_null() {
        return Ok(());
    }
    if !is_url(&server["url"], &WEB) {
        return Err(invalid("server.url must be a URL address"));
    }
    let credential = &server["credentialId"];
    let known = credential.as_str().is_some_and(|id| vendor.credentials.contains_key(id));
    if credential.is_null() || known { Ok(()) } else { Err(invalid("server.credentialId does not exist")) }
}

/// Checks an assistant, whether it is kept or belongs to one call.
fn check_assistant(vendor: &Vendor, assistant: &Value) -> Result<(), Refusal> {
    let model = &assistant["model"];
    match model["provider"].as_str() {
        None => return Err(invalid("model.provider must be a string")),
        Some("custom-llm") if !is_url(&model["url"], &WEB) => {
            return Err(invalid("model.url must be a URL address"));
        }
        Some(_) => {}
    }
    if assistant["name"].as_str().is_some_and(|name| name.chars().count() > 40) {
        return Err(invalid("name must be shorter than or equal to 40 characters"));
    }
    let ids = assistant["credentialIds"].as_array().map_or(&[][..], Vec::as_slice);
    if !ids.iter().all(|id| id.as_str().is_some_and(|id| vendor.credentials.contains_key(id))) {
        return Err(invalid("credentialIds must exist"));
    }
    check_server(vendor, &assistant["server"])
}

async fn create_assistant(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        check_assistant(vendor, &body)?;
        let (id, assistant) = made(&sim, body.into_inner());
        vendor.assistants.insert(id, assistant.clone());
        Ok(HttpResponse::Created().json(assistant))
    })
}

async fn fetch_assistant(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        Ok(HttpResponse::Ok().json(vendor.assistants.get(id.as_str()).ok_or_else(|| not_found("Assistant"))?))
    })
}

async fn change_assistant(
    sim: Shared,
    request: HttpRequest,
    id: Path<String>,
    body: Json<Value>,
) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let known = vendor.assistants.get(id.as_str()).ok_or_else(|| not_found("Assistant"))?;
        let assistant = changed(known, &body);
        check_assistant(vendor, &assistant)?;
        vendor.assistants.insert(id.into_inner(), assistant.clone());
        Ok(HttpResponse::Ok().json(assistant))
    })
}

async fn create_credential(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let plan = &body["authenticationPlan"];
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let complete = match (body["provider"].as_str(), plan["type"].as_str()) {
            (Some("custom-llm"), _) => text(&body["apiKey"]),
            (Some("webhook"), Some("bearer")) => text(&plan["token"]),
            (Some("webhook"), Some("hmac")) => text(&plan["secretKey"]) && plan["algorithm"] == "sha256",
            _ => false,
        };
        if !complete {
            return Err(invalid(
                "provider must be custom-llm with apiKey, or webhook with a bearer or hmac plan",
            ));
        }
        let (id, credential) = made(&sim, body.into_inner());
        vendor.credentials.insert(id, credential.clone());
        Ok(HttpResponse::Created().json(credential))
    })
}

fn check_number(vendor: &Vendor, number: &Value) -> Result<(), Refusal> {
    if !number["number"].as_str().is_some_and(is_e164) {
        return Err(invalid("number must be a valid phone number in the E.164 format"));
    }
    let assistant = number["assistantId"].as_str();
    if assistant.is_some_and(|id| !vendor.assistants.contains_key(id)) {
        return Err(invalid("assistantId does not exist"));
    }
    check_server(vendor, &number["server"])
}

async fn create_number(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        check_number(vendor, &body)?;
        let (id, mut number) = made(&sim, body.into_inner());
        number["status"] = json!("active");
        vendor.numbers.insert(id, number.clone());
        Ok(HttpResponse::Created().json(number))
    })
}

async fn change_number(
    sim: Shared,
    request: HttpRequest,
    id: Path<String>,
    body: Json<Value>,
) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let known = vendor.numbers.get(id.as_str()).ok_or_else(|| not_found("Phone number"))?;
        let number = changed(known, &body);
        check_number(vendor, &number)?;
        vendor.numbers.insert(id.into_inner(), number.clone());
        Ok(HttpResponse::Ok().json(number))
    })
}

async fn fetch_number(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        Ok(HttpResponse::Ok().json(vendor.numbers.get(id.as_str()).ok_or_else(|| not_found("Phone number"))?))
    })
}

/// The assistant a body names, by id or whole, with what it changes for this call.
pub(super) fn assistant_of(vendor: &Vendor, body: &Value) -> Option<Value> {
    let mut assistant = match (body["assistantId"].as_str(), body.get("assistant")) {
        (Some(id), None) => vendor.assistants.get(id)?.clone(),
        (None, Some(whole)) => whole.clone(),
        _ => return None,
    };
    let overrides = body["assistantOverrides"].as_object().into_iter().flatten();
    for (member, value) in overrides {
        assistant[member] = value.clone();
    }
    check_assistant(vendor, &assistant).ok()?;
    Some(assistant)
}

async fn create_call(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    let shared = sim.clone().into_inner();
    let url = sim.base_url().to_owned();
    let subject = Subject { to: body["customer"]["number"].as_str().unwrap_or_default(), from: "", body: "" };
    if let Some(status) = lock(&sim.faults).refusal(subject) {
        let refused = json!({ "message": "This cannot be served now.", "statusCode": status.as_u16() });
        return HttpResponse::build(status).json(refused);
    }
    answer(&sim, &request, |vendor| {
        let to = body["customer"]["number"].as_str().unwrap_or_default();
        if !is_e164(to) {
            return Err(invalid("customer.number must be a valid phone number in the E.164 format"));
        }
        let number = body["phoneNumberId"].as_str().and_then(|id| vendor.numbers.get(id)).cloned();
        let number = number.ok_or_else(|| invalid("phoneNumberId must be one of your phone numbers"))?;
        let assistant = assistant_of(vendor, &body);
        let assistant =
            assistant.ok_or_else(|| invalid("exactly one of assistantId and assistant is needed"))?;
        let (id, mut call) = made(&sim, body.into_inner());
        for (member, value) in
            [("type", "outboundPhoneCall"), ("status", "queued"), ("phoneCallTransport", "pstn")]
        {
            call[member] = json!(value);
        }
        call["cost"] = json!(0);
        call["monitor"] = json!({ "controlUrl": format!("{url}/_vapi/{id}/control") });
        vendor.calls.insert(id, call.clone());
        call::start(&shared, vendor, &call, assistant, number);
        Ok(HttpResponse::Created().json(call))
    })
}

async fn fetch_call(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        Ok(HttpResponse::Ok().json(vendor.calls.get(id.as_str()).ok_or_else(|| not_found("Call"))?))
    })
}

async fn list_calls(sim: Shared, request: HttpRequest) -> HttpResponse {
    answer(&sim, &request, |vendor| Ok(HttpResponse::Ok().json(vendor.calls.values().collect::<Vec<_>>())))
}

/// Steers a call. The address is the permission.
async fn control(sim: Shared, id: Path<String>, body: Json<Value>) -> HttpResponse {
    let words = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let steer = match body["type"].as_str() {
        Some("say") => Steer::Say { words: words("content"), then_end: body["endCallAfterSpoken"] == true },
        Some("end-call") => Steer::End,
        Some("transfer") if body["destination"]["number"].as_str().is_some_and(is_e164) => {
            Steer::Transfer { words: words("content") }
        }
        _ => return invalid("type must be say, end-call or transfer to a number").response(),
    };
    let line = lock(&sim.vapi).steering.get(id.as_str()).cloned();
    match line.map(|line| line.try_send(steer)) {
        Some(Ok(())) => HttpResponse::Ok().json(json!({})),
        Some(Err(_)) | None => not_found("Call").response(),
    }
}
