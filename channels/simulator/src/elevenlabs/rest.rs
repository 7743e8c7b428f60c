//! The REST API: signed addresses, agents, tools, conversations.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::agents::{AgentConfig, Invalid, check_tool, merge};
use super::conversation::Conversation;
use super::{Signed, Vendor, post_call, socket};
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{Sim, lock};
use crate::twilio::params::Params;

type Shared = Data<Sim>;

/// A signed address may be used for this long.
const SIGNED_MILLIS: i64 = 15 * 60 * 1_000;

/// The routes of this vendor.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.route("/v1/workspace/webhooks", web::post().to(post_call::create));
    config.service(
        web::scope("/v1/convai")
            .route("/conversation", web::get().to(socket::open))
            .route("/conversation/get-signed-url", web::get().to(signed_url))
            .route("/conversation/get_signed_url", web::get().to(signed_url))
            .route("/agents/create", web::post().to(create_agent))
            .route("/agents", web::get().to(list_agents))
            .route("/agents/{agent}", web::get().to(fetch_agent))
            .route("/agents/{agent}", web::patch().to(update_agent))
            .route("/agents/{agent}", web::delete().to(delete_agent))
            .route("/tools", web::post().to(create_tool))
            .route("/tools", web::get().to(list_tools))
            .route("/tools/{tool}", web::get().to(fetch_tool))
            .route("/tools/{tool}", web::patch().to(update_tool))
            .route("/tools/{tool}", web::delete().to(delete_tool))
            .route("/conversations", web::get().to(list_conversations))
            .route("/conversations/{conversation}", web::get().to(fetch_conversation))
            .default_service(web::to(|| async { Refusal::not_found("resource").response() })),
    );
}

/// An answer that is not 2xx, in the vendor's form.
pub(crate) struct Refusal {
    status: StatusCode,
    detail: Value,
}

impl Refusal {
    fn new(status: StatusCode, name: &str, message: &str) -> Self {
        Self { status, detail: json!({ "status": name, "message": message }) }
    }

    fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "Invalid API key")
    }

    fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            &format!("{what}_not_found"),
            &format!("Document with id for {what} not found."),
        )
    }

    /// As a fault has it.
    pub(crate) fn fault(status: u16) -> Self {
        let name = match status {
            401 => "quota_exceeded",
            429 => "too_many_concurrent_requests",
            _ => "system_busy",
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Self::new(status, name, "This request cannot be served now.")
    }

    pub(crate) fn response(self) -> HttpResponse {
        HttpResponse::build(self.status).json(json!({ "detail": self.detail }))
    }
}

impl From<Invalid> for Refusal {
    fn from(Invalid { at, why }: Invalid) -> Self {
        let detail = json!([{ "loc": ["body", at], "msg": why, "type": "value_error" }]);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail }
    }
}

impl Vendor {
    /// One more key that is accepted.
    pub(crate) fn add_key(&mut self, key: String) {
        self.keys.insert(key);
    }

    /// An agent's JSON.
    pub(crate) fn agent(&self, id: &str) -> Value {
        self.agents.get(id).cloned().unwrap_or(Value::Null)
    }

    /// Lets somebody open a conversation: a signed address that is still good, or an agent that needs none.
    pub(crate) fn admit(&mut self, params: &Params, now: i64) -> Result<(String, AgentConfig), Refusal> {
        let id = params.get("agent_id").ok_or_else(|| Refusal::not_found("agent"))?.to_owned();
        let agent = self.agents.get(&id).ok_or_else(|| Refusal::not_found("agent"))?;
        let config = AgentConfig::read(agent, self)?;
        match params.get("conversation_signature").or(params.get("token")) {
            Some(signature) => {
                let signed =
                    self.signed.get(signature).filter(|signed| signed.agent == id && now < signed.until);
                let once = signed.map(|signed| signed.once);
                match once {
                    None => {
                        let message = "The signed URL is invalid or has expired.";
                        return Err(Refusal::new(StatusCode::FORBIDDEN, "invalid_signature", message));
                    }
                    Some(true) => drop(self.signed.remove(signature)),
                    Some(false) => {}
                }
            }
            None if config.needs_signature => {
                let message = "This agent requires a signed URL.";
                return Err(Refusal::new(StatusCode::FORBIDDEN, "authorization_required", message));
            }
            None => {}
        }
        Ok((id, config))
    }
}

/// Runs a request whose key is right.
pub(super) fn answer(
    sim: &Sim,
    request: &HttpRequest,
    run: impl FnOnce(&mut Vendor) -> Result<HttpResponse, Refusal>,
) -> HttpResponse {
    let key = request.headers().get("xi-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let mut vendor = lock(&sim.elevenlabs);
    let known = vendor.keys.iter().any(|known| known.as_bytes().ct_eq(key.as_bytes()).into());
    let result = if known { run(&mut vendor) } else { Err(Refusal::unauthorized()) };
    result.unwrap_or_else(Refusal::response)
}

async fn signed_url(sim: Shared, request: HttpRequest) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    let agent = params.get("agent_id").unwrap_or_default().to_owned();
    let subject = Subject { to: &agent, from: "", body: "signed" };
    let fault = lock(&sim.faults).draw(Moment::AgentHttp, subject).into_iter().next();
    answer(&sim, &request, |vendor| {
        if let Some(FaultKind::AgentHttpError { status }) = fault {
            return Err(Refusal::fault(status));
        }
        if !vendor.agents.contains_key(&agent) {
            return Err(Refusal::not_found("agent"));
        }
        let now = sim.now();
        vendor.signed.retain(|_, signed| now < signed.until);
        let token = sim.sid("cvtkn_");
        let once = params.get("include_conversation_id") == Some("true");
        let mut url = format!(
            "{}/v1/convai/conversation?agent_id={agent}&conversation_signature={token}",
            sim.base_url().replacen("http", "ws", 1)
        );
        if once {
            url = format!("{url}&conversation_id={}", sim.sid("conv_"));
        }
        vendor.signed.insert(token, Signed { agent: agent.clone(), until: now + SIGNED_MILLIS, once });
        Ok(HttpResponse::Ok().json(json!({ "signed_url": url })))
    })
}

async fn create_agent(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let agent = body.into_inner();
        AgentConfig::read(&agent, vendor)?;
        let id = sim.sid("agent_");
        vendor.agents.insert(id.clone(), agent);
        Ok(HttpResponse::Ok().json(json!({ "agent_id": id })))
    })
}

/// An agent as it is shown.
fn shown(id: &str, agent: &Value) -> Value {
    let mut shown = agent.clone();
    shown["agent_id"] = json!(id);
    shown
}

async fn list_agents(sim: Shared, request: HttpRequest) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let agents: Vec<_> = vendor
            .agents
            .iter()
            .map(|(id, agent)| json!({ "agent_id": id, "name": agent["name"] }))
            .collect();
        Ok(HttpResponse::Ok().json(json!({ "agents": agents, "next_cursor": null, "has_more": false })))
    })
}

async fn fetch_agent(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let agent = vendor.agents.get(id.as_str()).ok_or_else(|| Refusal::not_found("agent"))?;
        Ok(HttpResponse::Ok().json(shown(&id, agent)))
    })
}

async fn update_agent(
    sim: Shared,
    request: HttpRequest,
    id: Path<String>,
    body: Json<Value>,
) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let mut agent = vendor.agents.get(id.as_str()).cloned().ok_or_else(|| Refusal::not_found("agent"))?;
        merge(&mut agent, body.into_inner());
        AgentConfig::read(&agent, vendor)?;
        let answer = shown(&id, &agent);
        vendor.agents.insert(id.into_inner(), agent);
        Ok(HttpResponse::Ok().json(answer))
    })
}

async fn delete_agent(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        vendor.agents.remove(id.as_str()).ok_or_else(|| Refusal::not_found("agent"))?;
        Ok(HttpResponse::Ok().json(json!({})))
    })
}

fn shown_tool(id: &str, tool: &Value) -> Value {
    json!({ "id": id, "tool_config": tool, "access_info": {}, "usage_stats": {} })
}

async fn create_tool(sim: Shared, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let tool = body["tool_config"].clone();
        check_tool(&tool)?;
        let id = sim.sid("tool_");
        let answer = shown_tool(&id, &tool);
        vendor.tools.insert(id, tool);
        Ok(HttpResponse::Ok().json(answer))
    })
}

async fn list_tools(sim: Shared, request: HttpRequest) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let tools: Vec<_> = vendor.tools.iter().map(|(id, tool)| shown_tool(id, tool)).collect();
        Ok(HttpResponse::Ok().json(json!({ "tools": tools, "next_cursor": null, "has_more": false })))
    })
}

async fn fetch_tool(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let tool = vendor.tools.get(id.as_str()).ok_or_else(|| Refusal::not_found("tool"))?;
        Ok(HttpResponse::Ok().json(shown_tool(&id, tool)))
    })
}

async fn update_tool(sim: Shared, request: HttpRequest, id: Path<String>, body: Json<Value>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let mut tool = vendor.tools.get(id.as_str()).cloned().ok_or_else(|| Refusal::not_found("tool"))?;
        merge(&mut tool, body["tool_config"].clone());
        check_tool(&tool)?;
        let answer = shown_tool(&id, &tool);
        vendor.tools.insert(id.into_inner(), tool);
        Ok(HttpResponse::Ok().json(answer))
    })
}

async fn delete_tool(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        vendor.tools.remove(id.as_str()).ok_or_else(|| Refusal::not_found("tool"))?;
        Ok(HttpResponse::Ok().json(json!({})))
    })
}

fn seconds(conversation: &Conversation) -> Option<i64> {
    lock(&conversation.facts).ended.map(|ended| (ended - conversation.started + 999) / 1_000)
}

async fn list_conversations(sim: Shared, request: HttpRequest) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    answer(&sim, &request, |vendor| {
        let fits = |conversation: &&std::sync::Arc<Conversation>| {
            params.get("agent_id").is_none_or(|agent| conversation.agent == agent)
        };
        let items = vendor.conversations.iter().rev().filter(fits).map(|conversation| {
            let seconds = seconds(conversation);
            json!({
                "agent_id": conversation.agent, "conversation_id": conversation.id,
                "start_time_unix_secs": conversation.started / 1_000,
                "call_duration_secs": seconds.unwrap_or(0),
                "message_count": lock(&conversation.facts).transcript.len(),
                "status": if seconds.is_some() { "done" } else { "in-progress" },
                "call_successful": if seconds.is_some() { "success" } else { "unknown" },
            })
        });
        let items: Vec<_> = items.take(100).collect();
        Ok(HttpResponse::Ok().json(json!({ "conversations": items, "next_cursor": null, "has_more": false })))
    })
}

async fn fetch_conversation(sim: Shared, request: HttpRequest, id: Path<String>) -> HttpResponse {
    answer(&sim, &request, |vendor| {
        let found = vendor.conversations.iter().find(|conversation| conversation.id == *id);
        let conversation = found.ok_or_else(|| Refusal::not_found("conversation"))?;
        Ok(HttpResponse::Ok().json(told(conversation)))
    })
}

/// A conversation as the API and the post-call webhook tell it.
pub(super) fn told(conversation: &Conversation) -> Value {
    let seconds = seconds(conversation);
    let facts = lock(&conversation.facts);
    json!({
        "agent_id": conversation.agent, "conversation_id": conversation.id,
        "status": if seconds.is_some() { "done" } else { "in-progress" },
        "user_id": facts.user_id, "has_audio": false, "has_user_audio": false, "has_response_audio": false,
        "transcript": facts.transcript,
        "metadata": {
            "start_time_unix_secs": conversation.started / 1_000, "call_duration_secs": seconds.unwrap_or(0),
            "cost": seconds.unwrap_or(0) * 13, "termination_reason": facts.termination, "error": null,
            "phone_call": null, "text_only": false, "main_language": "en",
        },
        "analysis": seconds.map(|_| json!({
            "call_successful": "success", "transcript_summary": "The caller was asked some questions.",
            "evaluation_criteria_results": {}, "data_collection_results": {},
        })),
        "conversation_initiation_client_data": facts.client_data,
    })
}
