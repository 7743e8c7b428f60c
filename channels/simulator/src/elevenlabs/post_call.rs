//! The post-call webhook: the workspace hears, signed and once, what became of a conversation.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use usher_channels::elevenlabs::webhook::{SIGNATURE_HEADER, sign};

use super::conversation::Conversation;
use super::rest::{answer, told};
use crate::sim::{Sim, lock};

/// A webhook of the workspace.
#[derive(Clone)]
pub(super) struct Webhook {
    url: String,
    secret: String,
}

pub(super) async fn create(sim: Data<Sim>, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    let settings = &body["settings"];
    let url = settings["webhook_url"].as_str().filter(|url| url.starts_with("http"));
    let Some(url) = url.filter(|_| settings["auth_type"] == "hmac") else {
        return HttpResponse::UnprocessableEntity().finish();
    };
    answer(&sim, &request, |vendor| {
        let (id, secret) = (sim.sid("wh_"), sim.sid("wsec_"));
        let made = json!({ "webhook_id": id, "webhook_secret": secret });
        vendor.webhooks.insert(id, Webhook { url: url.to_owned(), secret });
        Ok(HttpResponse::Ok().json(made))
    })
}

/// Posts what became of a conversation, when its agent says where. Retries are off, as at the vendor.
pub(super) fn tell(sim: &Arc<Sim>, conversation: &Arc<Conversation>) {
    let webhook = {
        let vendor = lock(&sim.elevenlabs);
        let platform = &vendor.agent(&conversation.agent)["platform_settings"];
        let wanted = &platform["workspace_overrides"]["webhooks"]["post_call_webhook_id"];
        wanted.as_str().and_then(|id| vendor.webhooks.get(id)).cloned()
    };
    let Some(Webhook { url, secret }) = webhook else { return };
    let (sim, conversation) = (Arc::clone(sim), Arc::clone(conversation));
    actix_web::rt::spawn(async move {
        let posted = json!({ "type": "post_call_transcription", "event_timestamp": sim.now() / 1_000,
            "data": told(&conversation) });
        let body = posted.to_string();
        let signature = sign(&secret.into(), body.as_bytes(), sim.clock.now());
        let request = sim.http.client().post(&url).header("content-type", "application/json");
        let answer = sim.http.send(request.header(SIGNATURE_HEADER, signature).body(body)).await;
        let status = answer.ok().map(|answer| answer.status.as_u16());
        conversation.note(&sim, "webhook", "post_call_transcription", json!({ "status": status }));
    });
}
