//! `/api/webhooks/elevenlabs`: what ElevenLabs has to say of a conversation once it is over.
//!
//! Nothing is believed before the signature holds. A body names its agent; whoever claims that is asked for the secret, and
//! whose secret fits is who the conversation belongs to. The vendor may post twice, or not at all: what the call itself
//! journaled does not depend on it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use usher_channels::elevenlabs::webhook::{Conversation, MAX_BODY_BYTES, PostCall, SIGNATURE_HEADER, verify};
use usher_channels::widget::ProblemBody;
use usher_conversation::id::{CallId, OrgId};

use super::peers::calls::reported;
use super::peers::{PeerReport, header, refused};
use super::{Call, Provider};
use crate::app::App;
use crate::inbound::routes::malformed;
use crate::web::route::at;
use crate::web::{Fault, edge};

/// Path of the webhook.
pub const WEBHOOK_PATH: &str = "/api/webhooks/elevenlabs";

/// Mounts the route.
pub fn configure(config: &mut web::ServiceConfig) {
    // A report holds the whole conversation: more than other bodies may.
    config.service(at(WEBHOOK_PATH).post(receive).app_data(web::PayloadConfig::new(MAX_BODY_BYTES)));
}

/// What tells whose a body is, whatever it holds.
#[derive(Deserialize)]
struct Posted {
    data: Claim,
}

#[derive(Deserialize)]
struct Claim {
    agent_id: Option<String>,
}

/// A conversation with an ElevenLabs agent is over and was looked through.
#[utoipa::path(
    post, path = "/api/webhooks/elevenlabs", tag = "webhooks",
    params(("ElevenLabs-Signature" = String, Header, description = "`t=<seconds>,v0=<HMAC-SHA256 of time and body>`")),
    request_body(content_type = "application/json", description = "ElevenLabs' post-call webhook"),
    responses(
        (status = 200, description = "Recorded, or of no news"),
        (status = 400, body = ProblemBody, description = "malformed-request"),
        (status = 403, body = ProblemBody, description = "invalid-signature"),
        (status = 503, body = ProblemBody, description = "Nothing was recorded; send it again"),
    )
)]
pub async fn receive(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let posted: Posted =
        serde_json::from_slice(&body).map_err(|_| malformed("This is no webhook of ElevenLabs'."))?;
    let org = signer(&app, &request, posted.data.agent_id.as_deref(), &body).await?;
    // Calls that the vendor makes itself are none of ours.
    if let PostCall::Transcription(conversation) = PostCall::parse(&body).map_err(malformed)?
        && let Some(call) = call_of(&app, &org, &conversation).await?
    {
        edge::concerns(&request, &org, &call.session);
        reported(&app, &org, &call, report(*conversation), None).await?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// Who signed the body, of those who claim its agent.
async fn signer(app: &App, request: &HttpRequest, agent: Option<&str>, body: &[u8]) -> Result<OrgId, Fault> {
    app.edge.check_unproved(request)?;
    let signature = header(request.headers(), SIGNATURE_HEADER);
    for org in app.store.orgs_of_agent(Provider::ElevenLabs, agent, None).await? {
        let Some(peer) = app.store.voice_peer(&org).await? else { continue };
        if verify(&peer.door, signature, body, app.clock.now()).is_ok() {
            return Ok(org);
        }
    }
    Err(refused("no signature of the agent's owner"))
}

/// The call that had this conversation, if it was its last: a call whose line broke has had others before.
async fn call_of(app: &App, org: &OrgId, conversation: &Conversation) -> Result<Option<Call>, Fault> {
    let named = conversation.user_id.as_deref().and_then(|id| id.parse::<CallId>().ok());
    let Some(id) = named else { return Ok(None) };
    let found = app.store.call(org, &id).await?;
    Ok(found.filter(|call| {
        call.provider == Provider::ElevenLabs
            && call.conversation.as_deref() == Some(conversation.conversation_id.as_str())
    }))
}

fn report(conversation: Conversation) -> PeerReport {
    let line = |role: &str, words: &str| {
        let speaker = if role == "user" { "User" } else { "Agent" };
        format!("{speaker}: {words}\n")
    };
    let turns = conversation.transcript.iter();
    let transcript: String =
        turns.filter_map(|turn| Some(line(&turn.role, turn.message.as_deref()?))).collect();
    let analysis = conversation.analysis;
    PeerReport {
        transcript: (!transcript.is_empty()).then_some(transcript),
        summary: analysis
            .as_ref()
            .map(|found| found.transcript_summary.clone())
            .filter(|text| !text.is_empty()),
        successful: analysis.and_then(|found| match found.call_successful.as_str() {
            "success" => Some(true),
            "failure" => Some(false),
            _ => None,
        }),
        findings: None,
        cost_cents: None,
        cost_credits: conversation.metadata.cost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_becomes_a_report() {
        let told = serde_json::json!({ "type": "post_call_transcription", "event_timestamp": 1, "data": {
            "agent_id": "a", "conversation_id": "c", "status": "done",
            "transcript": [
                { "role": "agent", "message": "Hello?", "time_in_call_secs": 0 },
                { "role": "agent", "message": null, "time_in_call_secs": 1 },
                { "role": "user", "message": "Hi", "time_in_call_secs": 2 } ],
            "metadata": { "cost": 296 },
            "analysis": { "call_successful": "failure", "transcript_summary": "Hardly anything." } } });
        let Ok(PostCall::Transcription(conversation)) = PostCall::parse(told.to_string().as_bytes()) else {
            panic!("a conversation");
        };
        assert_eq!(
            report(*conversation),
            PeerReport {
                transcript: Some("Agent: Hello?\nUser: Hi\n".to_owned()),
                summary: Some("Hardly anything.".to_owned()),
                successful: Some(false),
                cost_credits: Some(296.0),
                ..PeerReport::default()
            }
        );
    }
}
