//! Conversations with an ElevenLabs agent: one socket each, whose two halves live on the thread of the call.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt as _, stream};
use secrecy::SecretString;
use url::Url;
use usher_actors::voice::ports::{Agent, AgentDialer, CallRef, Connection};
use usher_channels::elevenlabs::ElevenLabsClient;
use usher_channels::elevenlabs::frame::{ClientEvent, Initiation};
use usher_channels::elevenlabs::socket::AgentSocket;
use usher_channels::http::{ClientTls, HttpStack, trusted_tls};
use usher_conversation::voice::{Audio, Opening, Refusal, ToolResult};

use super::Profiles;

/// Opens conversations with the agents of every organisation.
pub(super) struct Dialer {
    profiles: Arc<Profiles>,
    client: ElevenLabsClient,
    /// Where an agent that anybody may talk to is reached.
    open_to_all: Url,
    tls: Arc<ClientTls>,
}

impl Dialer {
    pub(super) fn new(profiles: Arc<Profiles>, http: HttpStack, base: &Url) -> anyhow::Result<Self> {
        let client = ElevenLabsClient::new(http, base.as_str()).context("elevenlabs_api_base")?;
        let mut open_to_all = base.join("v1/convai/conversation").context("elevenlabs_api_base")?;
        let scheme = if base.scheme() == "http" { "ws" } else { "wss" };
        if open_to_all.set_scheme(scheme).is_err() {
            anyhow::bail!("elevenlabs_api_base: no socket can be opened at this address");
        }
        Ok(Self { profiles, client, open_to_all, tls: Arc::new(trusted_tls()?) })
    }

    pub(super) const fn client(&self) -> &ElevenLabsClient {
        &self.client
    }

    async fn open(&self, call: &CallRef, opening: Opening) -> Result<Connection, Refusal> {
        let settings = self.profiles.of(&call.org).await;
        let settings = settings.map_err(|error| Refusal::Unreachable(error.to_string()))?;
        // A key is only ever shown to the vendor it belongs to.
        if !settings.provider.is_dialled() {
            return Err(Refusal::Refused(
                "the organisation's provider is not one that is dialled".to_owned(),
            ));
        }
        let agent = settings.agent_id.as_deref();
        let agent = agent.ok_or_else(|| Refusal::Refused("the organisation names no agent".to_owned()))?;
        let url: SecretString = if let Some(key) = &settings.api_key {
            self.client.signed_url(key, agent).await?
        } else {
            let mut url = self.open_to_all.clone();
            url.query_pairs_mut().append_pair("agent_id", agent);
            String::from(url).into()
        };
        let mut socket = AgentSocket::open(&url, Arc::clone(&self.tls)).await?;
        let initiation = Initiation::new(&opening, call.call.as_str(), settings.profile.overrides);
        socket.event(&ClientEvent::ConversationInitiationClientData(Box::new(initiation)));
        let socket = Rc::new(RefCell::new(socket));
        let shared = Rc::clone(&socket);
        let events = stream::poll_fn(move |task| {
            let mut socket = shared.borrow_mut();
            loop {
                match socket.poll_event(task) {
                    Poll::Ready(Some(Ok(event))) => return Poll::Ready(Some(event)),
                    Poll::Ready(Some(Err(_))) => {
                        metrics::counter!("usher_voice_frames_malformed_total", "side" => "agent")
                            .increment(1);
                    }
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        Ok(Connection { agent: Box::new(Speaker(socket)), events: events.boxed_local() })
    }
}

impl AgentDialer for Dialer {
    fn dial<'a>(
        &'a self,
        call: &'a CallRef,
        opening: Opening,
    ) -> LocalBoxFuture<'a, Result<Connection, Refusal>> {
        Box::pin(self.open(call, opening))
    }
}

/// The way to the agent.
struct Speaker(Rc<RefCell<AgentSocket>>);

impl Agent for Speaker {
    fn audio(&mut self, audio: &Audio) {
        self.0.borrow_mut().audio(audio);
    }

    fn result(&mut self, result: ToolResult) {
        self.0.borrow_mut().event(&result.into());
    }

    fn context(&mut self, id: &str, text: &str) {
        let (text, context_id) = (text.to_owned(), Some(id.to_owned()));
        self.0.borrow_mut().event(&ClientEvent::ContextualUpdate { text, context_id });
    }

    fn message(&mut self, text: &str) {
        self.0.borrow_mut().event(&ClientEvent::UserMessage { text: text.to_owned() });
    }

    fn active(&mut self) {
        self.0.borrow_mut().event(&ClientEvent::UserActivity);
    }

    fn close(&mut self) {
        self.0.borrow_mut().close();
    }

    fn backlog(&self) -> usize {
        self.0.borrow().unsent()
    }

    fn flush(&mut self, task: &mut Context<'_>) {
        self.0.borrow_mut().flush(task);
    }
}
