//! `/_sim/elevenlabs/*`: what tests see of the agent's side, and how they make it misbehave.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Json, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::conversation::{Conversation, Order};
use crate::control::waiting::{self, Next, Wanted};
use crate::control::{Shared, refuse};
use crate::sim::{Sim, lock};

const MAX_STALL_MS: u64 = 120_000;

/// The routes below `/_sim`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/elevenlabs/keys", web::post().to(add_key))
        .route("/elevenlabs/conversations", web::get().to(list))
        .route("/elevenlabs/conversations/wait", web::get().to(wait_for_one))
        .route("/elevenlabs/conversations/{id}", web::get().to(fetch))
        .route("/elevenlabs/conversations/{id}/wait", web::get().to(wait))
        .route("/elevenlabs/conversations/{id}/orders", web::post().to(order));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
}

async fn add_key(sim: Shared, body: Json<Key>) -> HttpResponse {
    if body.key.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "key must not be empty");
    }
    lock(&sim.elevenlabs).add_key(body.into_inner().key);
    HttpResponse::NoContent().finish()
}

fn shown(conversation: &Conversation) -> Value {
    let facts = lock(&conversation.facts);
    json!({
        "id": conversation.id, "agent": conversation.agent, "started": conversation.started,
        "ended": facts.ended, "termination": facts.termination, "counts": facts.counts,
        "client_data": facts.client_data, "user_id": facts.user_id, "transcript": facts.transcript,
    })
}

fn find(sim: &Sim, id: &str) -> Option<Arc<Conversation>> {
    lock(&sim.elevenlabs).conversations.iter().find(|conversation| conversation.id == id).cloned()
}

fn unknown(id: &str) -> HttpResponse {
    refuse(StatusCode::NOT_FOUND, &format!("there is no conversation {id}"))
}

async fn list(sim: Shared) -> Json<Vec<Value>> {
    Json(lock(&sim.elevenlabs).conversations.iter().map(|conversation| shown(conversation)).collect())
}

/// Waits until there is one more conversation than `after`; answers with it.
async fn wait_for_one(sim: Shared, query: Query<Next>) -> HttpResponse {
    let one_more = || lock(&sim.elevenlabs).conversations.get(query.after).map(|one| shown(one));
    waiting::for_next(&sim, &query, one_more).await
}

async fn fetch(sim: Shared, id: Path<String>) -> HttpResponse {
    let Some(conversation) = find(&sim, &id) else { return unknown(&id) };
    let mut shown = shown(&conversation);
    shown["log"] = json!(lock(&conversation.log).since(0).collect::<Vec<_>>());
    HttpResponse::Ok().json(shown)
}

/// Waits for an entry of the log; answers with it.
async fn wait(sim: Shared, id: Path<String>, query: Query<Wanted>) -> HttpResponse {
    let Some(conversation) = find(&sim, &id) else { return unknown(&id) };
    waiting::for_entry(&conversation.log, conversation.watch(), &query).await
}

/// What a test wants the agent to do.
#[derive(Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
enum Wish {
    /// Says something.
    Say { text: String },
    /// Believes it was interrupted.
    Interrupt,
    /// Takes back what it said last.
    Correct { text: String },
    /// Closes with a code.
    Close { code: u16, reason: Option<String> },
    /// Breaks the connection.
    Drop,
    /// Neither sends nor reads.
    Stall { millis: u64 },
    /// Ends the call.
    EndCall,
}

async fn order(sim: Shared, id: Path<String>, body: Json<Wish>) -> HttpResponse {
    let Some(conversation) = find(&sim, &id) else { return unknown(&id) };
    let order = match body.into_inner() {
        Wish::Say { text } => Order::Say(text),
        Wish::Interrupt => Order::Interrupt,
        Wish::Correct { text } => Order::Correct(text),
        Wish::Close { code, reason } => Order::Close(code, reason.unwrap_or_default()),
        Wish::Drop => Order::Drop,
        Wish::Stall { millis } => Order::Stall(millis.min(MAX_STALL_MS)),
        Wish::EndCall => Order::EndCall,
    };
    if conversation.order(order) {
        HttpResponse::NoContent().finish()
    } else {
        refuse(StatusCode::CONFLICT, "the conversation is over")
    }
}
