//! `/api/webhooks/retell`: how a call goes, and who is calling.
//!
//! Nothing is believed before the signature holds. A body names its agent or our number; whoever claims those is asked
//! for the key, and whose key fits is who the call belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use usher_channels::retell::Call as RetellCall;
use usher_channels::retell::webhook::{
    CallEvent, EventKind, InboundAnswer, InboundCall, SIGNATURE_HEADER, verify,
};
use usher_channels::widget::ProblemBody;
use usher_conversation::id::OrgId;
use usher_conversation::voice::{CallDirection, CallEnd, briefing};

use super::{OURS, told};
use crate::app::App;
use crate::inbound::routes::malformed;
use crate::voice::peers::calls::{Told, answered, known, over, reported};
use crate::voice::peers::{PeerReport, header, refused};
use crate::voice::{Provider, persona};
use crate::web::{Fault, edge};

/// What tells whose a body is, whatever event it holds.
#[derive(Deserialize)]
struct Posted {
    event: String,
    #[serde(alias = "call_inbound", alias = "data", alias = "chat", default)]
    call: Claim,
}

#[derive(Deserialize, Default)]
struct Claim {
    agent_id: Option<String>,
    direction: Option<String>,
    from_number: Option<String>,
    to_number: Option<String>,
}

impl Claim {
    /// Our number.
    fn line(&self) -> Option<&str> {
        let outbound = self.direction.as_deref() == Some("outbound");
        if outbound { self.from_number.as_deref() } else { self.to_number.as_deref() }
    }
}

/// A call of Retell's began, ended, was looked through, or is about to come in.
#[utoipa::path(
    post, path = "/api/webhooks/retell", tag = "webhooks",
    params(("x-retell-signature" = String, Header, description = "`v=<milliseconds>,d=<HMAC-SHA256 of body and time>`")),
    request_body(content_type = "application/json", description = "Retell's event"),
    responses(
        (status = 200, content_type = "application/json", description = "What to do with an inbound call"),
        (status = 204, description = "Recorded, or of no news"),
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
        serde_json::from_slice(&body).map_err(|_| malformed("This is no event of Retell's."))?;
    let org = signer(&app, &request, &posted.call, &body).await?;
    match posted.event.as_str() {
        "call_inbound" => incoming(&app, &request, &org, &body).await,
        event if event.starts_with("call_") => happened(&app, &request, &org, &body).await,
        _ => Ok(HttpResponse::NoContent().finish()),
    }
}

/// Who signed the body, of those who claim its agent or number.
async fn signer(app: &App, request: &HttpRequest, claim: &Claim, body: &[u8]) -> Result<OrgId, Fault> {
    let agent = claim.agent_id.as_deref();
    let claimants = app.store.orgs_of_agent(Provider::Retell, agent, claim.line()).await?;
    let signature = header(request.headers(), SIGNATURE_HEADER);
    for org in claimants {
        let settings = app.voice.settings_of(&org).await?;
        let key = settings.api_key.as_ref();
        if key.is_some_and(|key| verify(key, signature, body, app.clock.now()).is_ok()) {
            return Ok(org);
        }
    }
    Err(refused("no signature of the agent's owner"))
}

/// Somebody calls one of our numbers: the call is on record before it is answered.
async fn incoming(app: &App, request: &HttpRequest, org: &OrgId, body: &[u8]) -> Result<HttpResponse, Fault> {
    let call = InboundCall::parse(body).map_err(malformed)?;
    let settings = app.voice.settings_of(org).await?;
    let mut answer = InboundAnswer::default();
    if call.agent_id.is_none() {
        answer.override_agent_id.clone_from(&settings.agent_id);
    }
    if let Some(id) = call.call_id.as_deref() {
        let told = Told {
            provider: Provider::Retell,
            id,
            ours: None,
            direction: CallDirection::Inbound,
            phone: Some(&call.from_number),
            line: Some(&call.to_number),
        };
        let record = known(app, org, &told).await?;
        edge::concerns(request, org, &record.session);
        let current = app.runtime.read(org, &record.session).await?;
        let opening = briefing(&current.meta, &current.state, &persona(&settings.profile), &record.id);
        answer.dynamic_variables = variables(&opening.variables);
        answer.metadata = Map::from_iter([(OURS.to_owned(), Value::from(record.id.as_str()))]);
    }
    Ok(HttpResponse::Ok().json(answer.body()))
}

/// Variables as Retell takes them: text only.
pub(in crate::voice) fn variables(values: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

async fn happened(app: &App, request: &HttpRequest, org: &OrgId, body: &[u8]) -> Result<HttpResponse, Fault> {
    let CallEvent { kind, call } = CallEvent::parse(body).map_err(malformed)?;
    let done = || Ok(HttpResponse::NoContent().finish());
    if matches!(kind, EventKind::TranscriptUpdated | EventKind::Other) {
        return done();
    }
    let record = known(app, org, &told(&call)).await?;
    edge::concerns(request, org, &record.session);
    match kind {
        EventKind::Started => answered(app, org, &record).await?,
        EventKind::Ended => {
            over(app, org, &record, call.end().unwrap_or(CallEnd::ContactHungUp), seconds(&call)).await?;
            reported(app, org, &record, report(&call), call.recording_url.as_deref()).await?;
        }
        EventKind::Analyzed => {
            reported(app, org, &record, report(&call), call.recording_url.as_deref()).await?;
        }
        EventKind::TranscriptUpdated | EventKind::Other => {}
    }
    done()
}

fn seconds(call: &RetellCall) -> Option<u32> {
    let timed = || u64::try_from(call.end_timestamp? - call.start_timestamp?).ok();
    u32::try_from(call.duration_ms.or_else(timed)? / 1_000).ok()
}

fn report(call: &RetellCall) -> PeerReport {
    let analysis = call.call_analysis.clone().unwrap_or_default();
    PeerReport {
        transcript: call.transcript.clone(),
        summary: analysis.call_summary,
        successful: analysis.call_successful,
        findings: analysis.user_sentiment.map(|mood| serde_json::json!({ "sentiment": mood })),
        cost_cents: call.call_cost.map(|cost| cost.combined_cost),
        cost_credits: None,
    }
}
