//! The conversation socket: handshake, messages in order, faults, and the close frame.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, CloseCode, CloseReason, MessageStream};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};

use super::agents::AgentConfig;
use super::contract::{self, Violation};
use super::conversation::{Conversation, Order, Out, Session, error};
use super::post_call;
use super::rest::Refusal;
use crate::connection;
use crate::faults::{FaultKind, Moment, Subject, Timed};
use crate::sim::{Sim, lock};
use crate::twilio::params::Params;

/// As the vendor's own client allows.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The initiation data must come at once.
const INITIATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Conversations that are remembered.
const MAX_CONVERSATIONS: usize = 2_000;

/// `GET /v1/convai/conversation`.
pub(crate) async fn open(sim: Data<Sim>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    let (agent, config) = match admit(&sim, &params) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.response(),
    };
    let protocols = ["convai"];
    let (response, session, stream) = match actix_ws::handle_with_protocols(&request, payload, &protocols) {
        Ok(handshake) => handshake,
        Err(error) => return error.error_response(),
    };
    let sim = sim.into_inner();
    actix_web::rt::spawn(async move {
        let stream = stream.max_frame_size(MAX_MESSAGE);
        let socket = Socket { sim, request, session, agent };
        socket.run(config, stream).await;
    });
    response
}

/// Finds the agent and checks the signature.
fn admit(sim: &Sim, params: &Params) -> Result<(String, AgentConfig), Refusal> {
    let subject = Subject { to: params.get("agent_id").unwrap_or_default(), from: "", body: "socket" };
    if let Some(FaultKind::AgentHttpError { status }) =
        lock(&sim.faults).draw(Moment::AgentHttp, subject).into_iter().next()
    {
        return Err(Refusal::fault(status));
    }
    lock(&sim.elevenlabs).admit(params, sim.now())
}

struct Socket {
    sim: Arc<Sim>,
    request: HttpRequest,
    session: actix_ws::Session,
    agent: String,
}

/// How a conversation ended.
enum End {
    Close(u16, String),
    /// The client closed, or is gone.
    Client,
    /// The connection breaks.
    Cut,
}

impl Socket {
    async fn run(mut self, config: AgentConfig, stream: MessageStream) {
        let (conversation, mut orders) = Conversation::new(&self.sim, &self.agent);
        {
            let mut vendor = lock(&self.sim.elevenlabs);
            vendor.conversations.push(Arc::clone(&conversation));
            if vendor.conversations.len() > MAX_CONVERSATIONS {
                vendor.conversations.remove(0);
            }
        }
        conversation.note(&self.sim, "opened", self.agent.clone(), json!({}));
        // Whoever waits for a conversation watches the handsets' channel, too.
        self.sim.ring();
        let mut stream = stream.aggregate_continuations().max_continuation_size(MAX_MESSAGE);
        let end = self.converse(&conversation, config, &mut stream, &mut orders).await;
        let (termination, detail) = match &end {
            End::Close(code, reason) => (reason.clone(), json!({ "code": code })),
            End::Client => ("User ended conversation".to_owned(), json!({ "code": 1_000 })),
            End::Cut => ("the connection broke".to_owned(), json!({})),
        };
        {
            let mut facts = lock(&conversation.facts);
            facts.ended = Some(self.sim.now());
            facts.termination.clone_from(&termination);
        }
        conversation.note(&self.sim, "ended", termination, detail);
        post_call::tell(&self.sim, &conversation);
        match end {
            End::Close(code, reason) => {
                let reason = CloseReason { code: CloseCode::from(code), description: Some(reason) };
                // The client may be gone already.
                let _ = self.session.close(Some(reason)).await;
            }
            End::Client => drop(self.session.close(None).await),
            End::Cut => connection::cut(&self.request),
        }
    }

    async fn converse(
        &mut self,
        conversation: &Arc<Conversation>,
        mut config: AgentConfig,
        stream: &mut actix_ws::AggregatedMessageStream,
        orders: &mut mpsc::Receiver<Order>,
    ) -> End {
        let subject = Subject { to: &self.agent, from: "", body: "" };
        let faults = lock(&self.sim.faults).draw(Moment::Agent, subject);
        for fault in &faults {
            if let FaultKind::AgentFormats { input, output } = fault {
                config.input = input.parse().unwrap_or(config.input);
                config.output = output.parse().unwrap_or(config.output);
            }
        }
        let initiation = match timeout(INITIATION_TIMEOUT, stream.next()).await {
            Ok(Some(Ok(AggregatedMessage::Text(text)))) => contract::initiation(&text, &config),
            Ok(Some(Ok(AggregatedMessage::Binary(_)))) => Err(binary()),
            Ok(Some(Ok(AggregatedMessage::Ping(_) | AggregatedMessage::Pong(_)))) | Err(_) => {
                Err(Violation::new(1_008, "missing_fields", "no conversation_initiation_client_data"))
            }
            Ok(Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None) => return End::Client,
        };
        let refused = faults.iter().find_map(|fault| match fault {
            FaultKind::AgentRefuse { code, error_type, reason } => {
                Some(Violation::new(*code, error_type, reason.clone()))
            }
            _ => None,
        });
        let initiation = match refused.map_or(initiation, Err) {
            Ok(initiation) => initiation,
            Err(violation) => return self.refuse(conversation, &violation).await,
        };
        {
            let vendor = lock(&self.sim.elevenlabs);
            let mut facts = lock(&conversation.facts);
            facts.client_data = json!({
                "dynamic_variables": initiation.variables,
                "conversation_config_override": initiation.overrides,
            });
            facts.config = contract::effective(&vendor.agent(&self.agent), &initiation.overrides);
            facts.user_id.clone_from(&initiation.user_id);
        }
        conversation.note(&self.sim, "initiated", "", json!({ "variables": initiation.variables }));
        let silent = faults.contains(&FaultKind::AgentSilent);
        let session = Session::new(&self.sim, conversation, config, &initiation, silent);
        self.exchange(session, Timed::new(&faults), stream, orders).await
    }

    /// Messages both ways until somebody has enough.
    async fn exchange(
        &mut self,
        mut session: Session,
        mut faults: Timed,
        stream: &mut actix_ws::AggregatedMessageStream,
        orders: &mut mpsc::Receiver<Order>,
    ) -> End {
        let mut out = session.begin().await;
        loop {
            if let Some(end) = self.send(out).await {
                return end;
            }
            out = tokio::select! {
                fault = faults.next() => match self.strike(fault, &mut session).await {
                    Ok(out) => out,
                    Err(end) => return end,
                },
                Some(order) = orders.recv() => match order {
                    Order::Drop => return End::Cut,
                    Order::Stall(millis) => {
                        sleep(Duration::from_millis(millis)).await;
                        Vec::new()
                    }
                    order => session.obey(&order).await,
                },
                () = sleep_until(session.wakes()) => session.tick().await,
                message = stream.next() => match message {
                    Some(Ok(AggregatedMessage::Text(text))) => session.take_text(&text).await,
                    Some(Ok(AggregatedMessage::Binary(_))) => session.fail(&binary()),
                    // That it cannot be answered shows with the next message.
                    Some(Ok(AggregatedMessage::Ping(bytes))) => {
                        drop(self.session.pong(&bytes).await);
                        Vec::new()
                    }
                    Some(Ok(AggregatedMessage::Pong(_))) => Vec::new(),
                    Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => return End::Client,
                },
            };
        }
    }

    /// What a fault does.
    async fn strike(&mut self, fault: FaultKind, session: &mut Session) -> Result<Vec<Out>, End> {
        match fault {
            FaultKind::AgentDrop { .. } => Err(End::Cut),
            FaultKind::AgentClose { code, .. } => Err(End::Close(code, "Internal error".to_owned())),
            FaultKind::AgentInterrupts { .. } => Ok(session.obey(&Order::Interrupt).await),
            FaultKind::AgentStall { millis, .. } => {
                sleep(Duration::from_millis(millis)).await;
                Ok(Vec::new())
            }
            FaultKind::AgentMalformed { .. } => {
                for text in ["{", "[]", r#"{"type":"audio"}"#, r#"{"type":"something_new","x":1}"#] {
                    self.session.text(text).await.map_err(|_| End::Client)?;
                }
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn refuse(&mut self, conversation: &Conversation, violation: &Violation) -> End {
        let Violation { code, error_type, reason } = violation;
        conversation.note(&self.sim, "error", error_type.clone(), json!({ "code": code, "reason": reason }));
        // Whether the client still reads does not matter: the close says it again.
        let _ = self.session.text(error(violation).to_string()).await;
        End::Close(*code, reason.clone())
    }

    async fn send(&mut self, out: Vec<Out>) -> Option<End> {
        for out in out {
            match out {
                Out::Close(code, reason) => return Some(End::Close(code, reason)),
                Out::Send(message) => {
                    if self.session.text(message.to_string()).await.is_err() {
                        return Some(End::Client);
                    }
                }
            }
        }
        None
    }
}

fn binary() -> Violation {
    Violation::new(1_008, "invalid_message", "a binary frame is no message")
}
