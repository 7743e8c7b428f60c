//! `/api/webhooks/vapi`: how a call goes, and the few things Vapi asks on the way.
//!
//! Nothing is believed before the sender is known: by the organisation's secret in a header, or by a signature made with
//! it.

use std::sync::Arc;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use usher_channels::vapi::auth::HmacPlan;
use usher_channels::vapi::client::{Control, Destination};
use usher_channels::vapi::message::{
    AssistantAnswer, Call as VapiCall, News, Report, ServerMessage, WantedTool, call_end, destination,
    tool_results,
};
use usher_channels::widget::ProblemBody;
use usher_conversation::catalogue::{Catalogue, Sentence};
use usher_conversation::id::OrgId;
use usher_conversation::session::tools::{self, Tool};
use usher_conversation::session::{Command, EscalationReason};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallNews, ToolCall, ToolResult, TurnLatency, briefing};

use super::told;
use crate::app::App;
use crate::inbound::routes::malformed;
use crate::voice::door::admit;
use crate::voice::elsewhere::follow_vapi;
use crate::voice::peers::calls::{answered, known, over, reported};
use crate::voice::peers::turns::insist;
use crate::voice::peers::{PeerReport, header, refused};
use crate::voice::routes::{end, tell};
use crate::voice::spoken::{Tongue, words as sentence};
use crate::voice::{Call, Provider, VoiceSettings, origin, persona};
use crate::web::{Fault, edge};

/// Tools one message may ask for.
const MOST_TOOLS: usize = 16;

/// Something happened on a call of Vapi's, or is asked of us.
#[utoipa::path(
    post, path = "/api/webhooks/vapi", tag = "webhooks",
    params(
        ("Authorization" = Option<String>, Header, description = "`Bearer` and the organisation's secret"),
        ("X-Vapi-Secret" = Option<String>, Header, description = "The organisation's secret"),
        ("X-Signature" = Option<String>, Header, description = "HMAC-SHA256 with that secret over `X-Timestamp` and the body"),
    ),
    request_body(content_type = "application/json", description = "Vapi's message"),
    responses(
        (status = 200, content_type = "application/json", description = "Recorded, with the answer to what was asked"),
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
    let org = sender(&app, &request, &body).await?;
    let ServerMessage { call, timestamp, news } = ServerMessage::parse(&body).map_err(malformed)?;
    let settings = app.voice.settings_of(&org).await?;
    let Some(vendor) = call else { return Ok(HttpResponse::Ok().json(json!({}))) };
    let on = On { app: app.get_ref(), org: &org, settings: &settings, vendor: &vendor };
    let answer = match news {
        News::AssistantRequest => on.assistant(&request).await?,
        News::ToolCalls { tool_call_list } => {
            let wanted = tool_call_list.into_iter().take(MOST_TOOLS).map(WantedTool::into_call);
            on.tools(&request, wanted.collect()).await
        }
        News::StatusUpdate { status, ended_reason } => {
            let record = on.record(&request).await?;
            match status.as_str() {
                "in-progress" => {
                    answered(&app, &org, &record).await?;
                    on.follow(&record);
                }
                "ended" => match ended_reason.as_deref().or(vendor.ended_reason.as_deref()) {
                    Some(reason) => on.over(&record, reason, None).await?,
                    // How it ended is told by the report.
                    None => app.voice.release_line(&record.id),
                },
                _ => {}
            }
            json!({})
        }
        News::Transcript { role, transcript_type, transcript } if transcript_type != "partial" => {
            let record = on.record(&request).await?;
            on.said(&record, &role, transcript, timestamp).await?;
            json!({})
        }
        News::EndOfCallReport(report) => {
            let record = on.record(&request).await?;
            on.over(&record, &report.ended_reason, seconds(&report)).await?;
            let recording = report.artifact.recording_url.clone();
            reported(&app, &org, &record, kept(*report), recording.as_deref()).await?;
            json!({})
        }
        News::TransferDestinationRequest => on.destination().await?,
        // Questions are answered by our tools and by our words: there are no documents to hand out.
        News::KnowledgeBaseRequest { .. } => json!({ "documents": [] }),
        News::Transcript { .. }
        | News::SpeechUpdate { .. }
        | News::UserInterrupted
        | News::Hang
        | News::ConversationUpdate
        | News::ModelOutput
        | News::TransferUpdate
        | News::PhoneCallControl { .. }
        | News::LanguageChangeDetected { .. }
        | News::Other => json!({}),
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// Whose Vapi this is.
async fn sender(app: &App, request: &HttpRequest, body: &[u8]) -> Result<OrgId, Fault> {
    let headers = request.headers();
    let bearer = || header(headers, AUTHORIZATION.as_str())?.strip_prefix("Bearer ");
    if let Some(secret) = header(headers, "x-vapi-secret").or_else(bearer) {
        let found = app.store.org_of_door(Provider::Vapi, &secret.to_owned().into()).await?;
        return found.ok_or_else(|| refused("a secret that is nobody's"));
    }
    if header(headers, "x-signature").is_none() && header(headers, "x-vapi-signature").is_none() {
        return Err(refused("neither secret nor signature"));
    }
    let message = ServerMessage::parse(body).map_err(|_| refused("a signed body that says nothing"))?;
    let call = message.call.unwrap_or_default();
    let (agent, line) = (call.assistant_id.as_deref(), call.phone_number_id.as_deref());
    for org in app.store.orgs_of_agent(Provider::Vapi, agent, line).await? {
        let Some(peer) = app.store.voice_peer(&org).await? else { continue };
        let timed = HmacPlan::new(peer.door);
        let plain = HmacPlan {
            signature_header: "x-vapi-signature".to_owned(),
            prefix: "sha256=".to_owned(),
            timestamp_header: None,
            ..timed.clone()
        };
        let fits = |plan: &HmacPlan| plan.verify(|name| header(headers, name), body, app.clock.now()).is_ok();
        if fits(&timed) || fits(&plain) {
            return Ok(org);
        }
    }
    Err(refused("no signature of the assistant's owner"))
}

/// A call whose provider was believed.
struct On<'m> {
    app: &'m Arc<App>,
    org: &'m OrgId,
    settings: &'m VoiceSettings,
    vendor: &'m VapiCall,
}

impl On<'_> {
    async fn record(&self, request: &HttpRequest) -> Result<Call, Fault> {
        let record = known(self.app, self.org, &told(self.vendor)).await?;
        edge::concerns(request, self.org, &record.session);
        Ok(record)
    }

    /// Who takes a call to a number without an assistant.
    async fn assistant(&self, request: &HttpRequest) -> Result<Value, Fault> {
        let Self { app, org, settings, .. } = *self;
        let record = self.record(request).await?;
        match admit(app, org, &record, settings) {
            Ok(line) => app.voice.hold_line(&record.id, line),
            Err(why) => {
                end(app, org, &record, why.end()).await?;
                let words = why.words(&Tongue::of(app, org, &record).await?, &settings.profile);
                return Ok(AssistantAnswer::Error(&words).body());
            }
        }
        let begin = Command::Start { channel: None };
        let session = app.runtime.handle(org, &record.session, None, begin).await?;
        let opening = briefing(&session.meta, &session.state, &persona(&settings.profile), &record.id);
        let mut variables: Map<String, Value> = opening.variables.into_iter().collect();
        variables.insert("first_message".to_owned(), opening.first_message.into());
        variables.insert("usher_call".to_owned(), record.id.as_str().into());
        Ok(match (&settings.agent_id, &settings.profile.transfer_to) {
            (Some(id), _) => AssistantAnswer::Assistant { id, variables }.body(),
            (None, Some(number)) => AssistantAnswer::Number(number).body(),
            (None, None) => {
                let words = sentence(app, org, Sentence::CallNobodyFree).await?;
                AssistantAnswer::Error(&words).body()
            }
        })
    }

    /// The answers to tools: whatever happens here, the vendor wants one for each, with a good status.
    async fn tools(&self, request: &HttpRequest, wanted: Vec<ToolCall>) -> Value {
        let record = match self.record(request).await {
            Ok(record) => {
                self.follow(&record);
                self.connected(&record).await.map(|()| record)
            }
            Err(error) => Err(error),
        };
        let mut results = Vec::with_capacity(wanted.len());
        for ToolCall { id, name, parameters } in wanted {
            let answer = match (&record, Tool::parse(&name, &parameters)) {
                (Ok(record), Ok(tool)) => self.run(record, &id, &tool).await.unwrap_or_else(|e| failure(&e)),
                (Ok(_), Err(error)) => tools::refuse(&error),
                (Err(error), _) => failure(error),
            };
            results.push((name, ToolResult { id, result: answer.json, is_error: answer.is_error }));
        }
        tool_results(results.iter().map(|(name, result)| (name.as_str(), result)))
    }

    async fn run(&self, record: &Call, id: &str, tool: &Tool) -> Result<tools::ToolAnswer, Fault> {
        let Self { app, org, .. } = *self;
        let answer = if let Some(command) = tool.command(&record.id, &origin(record)) {
            let key = format!("call:{}:tool:{id}", record.id);
            let handled = insist(app, org, record, key, &command).await?;
            tools::answer(&handled.meta, &handled.state, tool, Some(&handled.reply()))
        } else {
            let current = app.runtime.read(org, &record.session).await?;
            tools::answer(&current.meta, &current.state, tool, None)
        };
        match tool {
            Tool::EndCall { .. } => {
                // Hanging up at once would cut the goodbye off.
                let current = app.runtime.read(org, &record.session).await?;
                let words = Catalogue::of(&current.meta.locale).say(Sentence::CallGoodbye, &[]);
                self.steer(record, &Control::Say { content: &words, end_call_after_spoken: true }).await;
            }
            Tool::Transfer { to } => {
                let Some(number) = self.settings.profile.person(to.as_deref().unwrap_or_default()) else {
                    let json = json!({ "ok": false, "error": "nobody can take the call now" }).to_string();
                    return Ok(tools::ToolAnswer { json, is_error: true });
                };
                self.transfer(record, number).await?;
            }
            Tool::GetNextQuestion
            | Tool::RecordAnswer { .. }
            | Tool::CorrectAnswer { .. }
            | Tool::AnswerQuestion { .. }
            | Tool::Escalate { .. } => {}
        }
        Ok(answer)
    }

    async fn transfer(&self, record: &Call, number: &str) -> Result<(), Fault> {
        let words = sentence(self.app, self.org, Sentence::CallOneMoment).await?;
        let destination = Destination::Number { number };
        self.steer(record, &Control::Transfer { destination, content: &words }).await;
        Ok(())
    }

    /// What is texted meanwhile is told at once where Vapi says the call can be steered, elsewhere at the next turn.
    fn follow(&self, record: &Call) {
        let control = self.vendor.monitor.as_ref().and_then(|monitor| monitor.control_url.as_deref());
        if let Some(control) = control.filter(|_| record.outcome.is_none()) {
            follow_vapi(self.app, self.org, record, control);
        }
    }

    /// Steers the call where Vapi says it can be steered; elsewhere its own tools do.
    async fn steer(&self, record: &Call, control: &Control<'_>) {
        let Some(url) = self.vendor.monitor.as_ref().and_then(|monitor| monitor.control_url.as_deref())
        else {
            return;
        };
        if let Err(error) = self.app.voice.peers.vapi.control(url, control).await {
            tracing::warn!(call = %record.id, %error, "a call could not be steered");
        }
    }

    /// Tells the session that the call is connected, once. The words of our own model tell it themselves.
    async fn connected(&self, record: &Call) -> Result<(), Fault> {
        let news = CallNews::Connected { origin: origin(record), direction: record.direction };
        tell(self.app, self.org, record, "connected", news).await
    }

    /// Something was said on a call whose model is Vapi's; the words of ours are known already.
    async fn said(&self, record: &Call, role: &str, text: String, at: Option<i64>) -> Result<(), Fault> {
        let Self { app, org, .. } = *self;
        if record.attachments > 0 || record.outcome.is_some() || text.trim().is_empty() {
            return Ok(());
        }
        self.connected(record).await?;
        // A message has no id; without a time its words must do.
        let words = hex::encode(&Sha256::digest(&text)[..8]);
        let at = at.map_or(words.clone(), |at| format!("{at}:{words}"));
        if role == "user" {
            let help = self.settings.profile.is_emergency(&text);
            tell(app, org, record, &format!("heard:{at}"), CallNews::Heard { text }).await?;
            return if help { self.emergency(record, &at).await } else { Ok(()) };
        }
        let current = app.runtime.read(org, &record.session).await?;
        let utterance = current.state.call().map_or(0, |live| live.utterance) + 1;
        let spoke = CallNews::Spoke { utterance, text: text.clone(), latency: TurnLatency::default() };
        tell(app, org, record, &format!("spoke:{at}"), spoke).await?;
        let played = CallNews::Played { utterance, text, whole: true };
        tell(app, org, record, &format!("played:{at}"), played).await
    }

    /// The contact of a model that is Vapi's needs help at once.
    async fn emergency(&self, record: &Call, at: &str) -> Result<(), Fault> {
        let Some(number) = self.settings.profile.emergency_to.as_deref() else { return Ok(()) };
        let command = Command::Escalate { origin: origin(record), reason: EscalationReason::Emergency };
        let key = format!("call:{}:emergency:{at}", record.id);
        insist(self.app, self.org, record, key, &command).await?;
        self.transfer(record, number).await
    }

    async fn over(&self, record: &Call, reason: &str, seconds: Option<u32>) -> Result<(), Fault> {
        self.app.voice.release_line(&record.id);
        over(self.app, self.org, record, call_end(reason), seconds).await
    }

    /// Where a call goes that the model wants a person to take.
    async fn destination(&self) -> Result<Value, Fault> {
        let Self { app, org, settings, .. } = *self;
        let Some(number) = settings.profile.transfer_to.as_deref() else {
            let words = sentence(app, org, Sentence::CallNobodyFree).await?;
            return Ok(AssistantAnswer::Error(&words).body());
        };
        let words = sentence(app, org, Sentence::CallOneMoment).await?;
        Ok(destination(number, Some(&words)))
    }
}

fn failure(error: &Fault) -> tools::ToolAnswer {
    tracing::warn!(%error, "a tool of a call could not be carried out");
    let json =
        json!({ "ok": false, "error": "it could not be saved just now; go on and try it again later" });
    tools::ToolAnswer { json: json.to_string(), is_error: true }
}

fn seconds(report: &Report) -> Option<u32> {
    let at = |text: &Option<String>| -> Option<Timestamp> {
        text.as_deref()?.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
    };
    u32::try_from(at(&report.ended_at)?.millis_since(at(&report.started_at)?) / 1_000).ok()
}

fn kept(report: Report) -> PeerReport {
    let successful = match &report.analysis.success_evaluation {
        Some(Value::Bool(success)) => Some(*success),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    PeerReport {
        transcript: report.artifact.transcript,
        summary: report.analysis.summary,
        successful,
        findings: report.analysis.structured_data,
        cost_cents: report.cost.map(|dollars| dollars * 100.0),
        cost_credits: None,
    }
}
