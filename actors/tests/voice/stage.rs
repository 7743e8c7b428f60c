//! A line, an agent, a telephone network and call records that write down what they see.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{mpsc, watch};
use usher_actors::voice::ports::{
    Agent, AgentDialer, CallLog, CallRef, CallUsage, Caption, Carrier, Connection, Outcome, Speaker,
    Telephony, TelephonyError, Transcoder, Transcoding, TransferPlan, TransferReason, VoiceNode,
};
use usher_actors::voice::{
    CallHandle, CallLimits, Emergency, Line, People, Setup, Switchboard, VoiceCall, VoiceChannel,
};
use usher_actors::{Alarm, Runtime, RuntimeConfig};
use usher_conversation::channel::Channel;
use usher_conversation::id::{CallId, ContactId, SessionId};
use usher_conversation::ports::BoxFuture;
use usher_conversation::session::{Event, Origin, SessionMeta};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{
    AgentEvent, Audio, AudioFormat, CallDirection, CallNews, CarrierEvent, Opening, Persona, Refusal,
    ToolCall, ToolResult, Utterance,
};

use crate::support::{ManualClock, NOON, World, session_id};

/// Something that was seen outside the call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    ToContact(Audio),
    Mark(u64),
    Clear,
    Caption(Speaker, String),
    LineClosed,
    Dialled(Box<Opening>),
    ToAgent(Audio),
    Result(ToolResult),
    Context(String),
    Message(String),
    Active,
    AgentClosed,
    HungUp,
    Held,
    Transferred(TransferPlan),
    Connected(String),
    Recorded(Outcome, Box<CallUsage>),
}

/// What everybody outside saw, in order.
#[derive(Default)]
pub(crate) struct Log {
    seen: Mutex<Vec<Seen>>,
    changed: watch::Sender<usize>,
    /// Bytes the agent's socket is behind.
    pub(crate) behind: AtomicUsize,
    /// The line panics when it is to show words.
    pub(crate) captions_panic: AtomicBool,
    /// And when it is to be closed.
    pub(crate) closing_panics: AtomicBool,
    /// The telephone network refuses transfers.
    pub(crate) no_transfers: AtomicBool,
}

impl Log {
    fn note(&self, seen: Seen) {
        self.seen().push(seen);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("no poison")
    }

    /// Waits for something, then answers how often it was seen.
    pub(crate) async fn until(&self, wanted: impl Fn(&Seen) -> bool) -> usize {
        self.until_seen(1, wanted).await
    }

    pub(crate) async fn until_seen(&self, times: usize, wanted: impl Fn(&Seen) -> bool) -> usize {
        let mut changed = self.changed.subscribe();
        loop {
            let count = self.count(&wanted);
            if count >= times {
                return count;
            }
            changed.changed().await.expect("the log lives");
        }
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Seen) -> bool) -> usize {
        self.seen().iter().filter(|seen| wanted(seen)).count()
    }

    /// Where the first such thing stands.
    pub(crate) fn place(&self, wanted: impl Fn(&Seen) -> bool) -> usize {
        self.seen().iter().position(wanted).expect("it was seen")
    }

    pub(crate) fn voice(&self) -> Vec<Audio> {
        let frames = |seen: &Seen| match seen {
            Seen::ToAgent(audio) => Some(audio.clone()),
            _ => None,
        };
        self.seen().iter().filter_map(frames).collect()
    }

    pub(crate) fn openings(&self) -> Vec<Opening> {
        let opening = |seen: &Seen| match seen {
            Seen::Dialled(opening) => Some((**opening).clone()),
            _ => None,
        };
        self.seen().iter().filter_map(opening).collect()
    }

    pub(crate) fn results(&self) -> Vec<ToolResult> {
        let result = |seen: &Seen| match seen {
            Seen::Result(result) => Some(result.clone()),
            _ => None,
        };
        self.seen().iter().filter_map(result).collect()
    }
}

struct FakeCarrier(Arc<Log>);

impl Carrier for FakeCarrier {
    fn audio(&mut self, audio: &Audio) {
        self.0.note(Seen::ToContact(audio.clone()));
    }

    fn mark(&mut self, number: u64) {
        self.0.note(Seen::Mark(number));
    }

    fn clear(&mut self) {
        self.0.note(Seen::Clear);
    }

    fn caption(&mut self, caption: Caption<'_>) {
        assert!(!self.0.captions_panic.load(SeqCst), "as the test asked");
        if caption.settled {
            self.0.note(Seen::Caption(caption.speaker, caption.text.to_owned()));
        }
    }

    fn close(&mut self) {
        assert!(!self.0.closing_panics.load(SeqCst), "as the test asked");
        self.0.note(Seen::LineClosed);
    }

    fn backlog(&self) -> usize {
        0
    }
}

struct FakeAgent(Arc<Log>);

impl Agent for FakeAgent {
    fn audio(&mut self, audio: &Audio) {
        self.0.note(Seen::ToAgent(audio.clone()));
    }

    fn result(&mut self, result: ToolResult) {
        self.0.note(Seen::Result(result));
    }

    fn context(&mut self, _id: &str, text: &str) {
        self.0.note(Seen::Context(text.to_owned()));
    }

    fn message(&mut self, text: &str) {
        self.0.note(Seen::Message(text.to_owned()));
    }

    fn active(&mut self) {
        self.0.note(Seen::Active);
    }

    fn close(&mut self) {
        self.0.behind.store(0, SeqCst);
        self.0.note(Seen::AgentClosed);
    }

    fn backlog(&self) -> usize {
        self.0.behind.load(SeqCst)
    }
}

/// Answers dials from a script; agents when it has run out.
#[derive(Default)]
pub(crate) struct FakeDialer {
    log: Arc<Log>,
    pub(crate) refusals: Mutex<VecDeque<Refusal>>,
    /// The way to speak as the agent that was dialled last.
    agents: Mutex<Vec<mpsc::Sender<AgentEvent>>>,
}

impl AgentDialer for FakeDialer {
    fn dial<'a>(
        &'a self,
        _call: &'a CallRef,
        opening: Opening,
    ) -> LocalBoxFuture<'a, Result<Connection, Refusal>> {
        Box::pin(async move {
            let refusal = self.refusals.lock().expect("no poison").pop_front();
            let (agent, mut events) = mpsc::channel(256);
            if refusal.is_none() {
                self.agents.lock().expect("no poison").push(agent);
            }
            self.log.note(Seen::Dialled(Box::new(opening)));
            match refusal {
                Some(refusal) => Err(refusal),
                None => Ok(Connection {
                    agent: Box::new(FakeAgent(Arc::clone(&self.log))),
                    events: futures_util::stream::poll_fn(move |task| events.poll_recv(task)).boxed_local(),
                }),
            }
        })
    }
}

struct FakeNetwork(Arc<Log>);

impl Telephony for FakeNetwork {
    fn hang_up<'a>(&'a self, _call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>> {
        self.0.note(Seen::HungUp);
        Box::pin(async { Ok(()) })
    }

    fn transfer<'a>(
        &'a self,
        _call: &'a CallRef,
        plan: &'a TransferPlan,
    ) -> BoxFuture<'a, Result<(), TelephonyError>> {
        self.0.note(Seen::Transferred(plan.clone()));
        let refused = self.0.no_transfers.load(SeqCst);
        Box::pin(
            async move { if refused { Err(TelephonyError::Refused("busy".to_owned())) } else { Ok(()) } },
        )
    }

    fn hold<'a>(&'a self, _call: &'a CallRef) -> BoxFuture<'a, Result<(), TelephonyError>> {
        self.0.note(Seen::Held);
        Box::pin(async { Ok(()) })
    }
}

impl CallLog for FakeNetwork {
    fn connected<'a>(&'a self, _call: &'a CallRef, conversation: &'a str) -> BoxFuture<'a, ()> {
        self.0.note(Seen::Connected(conversation.to_owned()));
        Box::pin(async {})
    }

    fn ended<'a>(
        &'a self,
        _call: &'a CallRef,
        outcome: &'a Outcome,
        usage: &'a CallUsage,
    ) -> BoxFuture<'a, ()> {
        self.0.note(Seen::Recorded(outcome.clone(), Box::new(usage.clone())));
        Box::pin(async {})
    }
}

/// The test's clock, counting the alarms that were ever set.
pub(crate) struct Alarms {
    clock: Arc<ManualClock>,
    set: AtomicUsize,
}

impl Alarms {
    pub(crate) fn set(&self) -> usize {
        self.set.load(SeqCst)
    }
}

impl Alarm for Alarms {
    fn until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        self.set.fetch_add(1, SeqCst);
        self.clock.until(at)
    }
}

/// Makes 16 kHz samples of µ-law by saying everything four times, and the other way round.
struct Stretch(bool);

impl Transcoding for Stretch {
    fn between(&self, from: AudioFormat, to: AudioFormat) -> Option<Box<dyn Transcoder>> {
        match (from, to) {
            (AudioFormat::Mulaw8k, AudioFormat::Pcm16 { hz: 16_000 }) => Some(Box::new(Self(true))),
            (AudioFormat::Pcm16 { hz: 16_000 }, AudioFormat::Mulaw8k) => Some(Box::new(Self(false))),
            _ => None,
        }
    }
}

impl Transcoder for Stretch {
    fn convert(&mut self, audio: &Audio) -> Option<Audio> {
        let bytes = audio.data.iter();
        let converted: Vec<u8> = if self.0 {
            bytes.flat_map(|&byte| [byte; 4]).collect()
        } else {
            bytes.step_by(4).copied().collect()
        };
        Some(Audio::raw(Bytes::from(converted)))
    }
}

/// A node with a session and everything a call needs.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) runtime: Runtime,
    pub(crate) node: Arc<VoiceNode>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) board: Switchboard,
    pub(crate) log: Arc<Log>,
    pub(crate) dialer: Arc<FakeDialer>,
    pub(crate) session: SessionId,
}

/// A call that was put through, and the contact's end of its line.
pub(crate) struct Phone {
    pub(crate) handle: CallHandle,
    pub(crate) line: Option<mpsc::Sender<CarrierEvent>>,
}

impl Phone {
    pub(crate) async fn send(&self, event: CarrierEvent) {
        self.line.as_ref().expect("the line is open").send(event).await.expect("the call listens");
    }

    /// 20 ms of the contact's voice.
    pub(crate) async fn speak(&self, byte: u8) {
        self.send(CarrierEvent::Audio(frame(byte))).await;
    }
}

/// 20 ms of sound that can be told apart.
pub(crate) fn frame(byte: u8) -> Audio {
    Audio::raw(Bytes::from(vec![byte; 160]))
}

impl Stage {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let config = RuntimeConfig { arbiters: NonZeroUsize::new(1), ..RuntimeConfig::default() };
        let runtime = world.start_with(config);
        let log = Arc::new(Log::default());
        let network = Arc::new(FakeNetwork(Arc::clone(&log)));
        let alarms = Arc::new(Alarms { clock: Arc::clone(&world.clock), set: AtomicUsize::new(0) });
        let node = Arc::new(VoiceNode {
            runtime: runtime.clone(),
            telephony: Arc::clone(&network) as Arc<_>,
            log: network,
            transcoding: Arc::new(Stretch(true)),
            clock: Arc::clone(&world.clock) as Arc<_>,
            alarm: Arc::clone(&alarms) as Arc<_>,
        });
        let dialer = Arc::new(FakeDialer { log: Arc::clone(&log), ..FakeDialer::default() });
        let session = session_id(1);
        let flow = serde_json::json!({ "id": "flw_x", "version": 1, "name": "Test", "fields": [
            { "id": "website", "label": "Website", "prompt": "What is your website?", "type": "url" },
            { "id": "size", "label": "Team size", "prompt": "How many people work with you?", "type": "number" },
            { "id": "plan", "label": "Plan", "prompt": "Which plan?", "type": "select",
              "options": [{ "id": "s", "label": "Small" }, { "id": "l", "label": "Large" }] },
        ]});
        world.store.create(SessionMeta {
            session: session.clone(),
            org: world.org.clone(),
            org_name: "Bright Agency".to_owned(),
            contact: ContactId::new(NOON, [9; 16]),
            contact_name: "Dana Smith".to_owned(),
            phone: None,
            flow: Arc::new(serde_json::from_value(flow).expect("a flow")),
            locale: "en".to_owned(),
            region: "US".to_owned(),
            zone: None,
            link: None,
            created_at: NOON,
        });
        Self { world, runtime, node, alarms, board: Switchboard::new(2, 3), log, dialer, session }
    }

    pub(crate) fn call_ref(&self, number: u8, attachment: u32) -> CallRef {
        CallRef {
            call: CallId::new(NOON, [number; 16]),
            org: self.world.org.clone(),
            session: self.session.clone(),
            vendor_call: Some(format!("CA{number}")),
            direction: CallDirection::Inbound,
            attachment,
        }
    }

    /// Puts a call through whose agent is dialled.
    pub(crate) fn ring(&self) -> Phone {
        self.ring_as(self.call_ref(1, 0))
    }

    pub(crate) fn ring_as(&self, call: CallRef) -> Phone {
        let line = self.board.admit(&call, None).expect("a line");
        self.put_through(call, line)
    }

    /// A call that has its line.
    pub(crate) fn put_through(&self, call: CallRef, line: Line) -> Phone {
        let plan =
            |reason| TransferPlan { to: "+15035550100".to_owned(), ring_seconds: 20, warm: true, reason };
        let setup = Setup {
            origin: Origin { channel: Channel::Voice, address: "+14155550142".to_owned(), line: None },
            began: None,
            protected: 0,
            screened: false,
            people: People {
                anybody: Some(plan(TransferReason::Requested)),
                departments: Vec::new(),
                emergency: Some(Emergency {
                    plan: Some(plan(TransferReason::Emergency)),
                    pound_key: true,
                    keywords: Vec::new(),
                }),
            },
            limits: CallLimits::default(),
        };
        let (contact, mut events) = mpsc::channel(256);
        let handle = VoiceChannel::start(
            &self.node,
            VoiceCall {
                call,
                setup,
                persona: Persona { name: "Ava".to_owned() },
                carrier: Box::new(FakeCarrier(Arc::clone(&self.log))),
                carrier_events: futures_util::stream::poll_fn(move |task| events.poll_recv(task))
                    .boxed_local(),
                carrier_format: AudioFormat::Mulaw8k,
                filler: Some(frame(0xAA)),
                dialer: Arc::clone(&self.dialer) as Arc<_>,
                line,
            },
        );
        Phone { handle, line: Some(contact) }
    }

    /// A call on which both sides are connected and the session knows.
    pub(crate) async fn talk(&self) -> Phone {
        let phone = self.ring();
        self.pick_up(AudioFormat::Mulaw8k).await;
        phone
    }

    /// The agent that was dialled is there.
    pub(crate) async fn pick_up(&self, format: AudioFormat) {
        let known = self.log.count(|seen| matches!(seen, Seen::Connected(_)));
        self.log.until_seen(known + 1, |seen| matches!(seen, Seen::Dialled(_))).await;
        let ready = AgentEvent::Ready { conversation: "conv".to_owned(), input: format, output: format };
        self.agent(ready).await;
        self.log.until_seen(known + 1, |seen| matches!(seen, Seen::Connected(_))).await;
        self.journaled(|news| matches!(news, CallNews::Connected { .. })).await;
    }

    /// Speaks as the agent that was dialled last.
    pub(crate) async fn agent(&self, event: AgentEvent) {
        let agent = self.dialer.agents.lock().expect("no poison").last().cloned().expect("an agent");
        agent.send(event).await.expect("the call listens");
    }

    pub(crate) async fn agent_says(&self, event: u64, text: &str, frames: usize) {
        let sounded = |seen: &Seen| matches!(seen, Seen::ToContact(audio) if audio.data[0] == 1);
        let before = self.log.count(sounded);
        self.agent(AgentEvent::Said(Utterance { event, text: text.to_owned() })).await;
        for _ in 0..frames {
            self.agent(AgentEvent::Audio { event, audio: frame(1) }).await;
        }
        self.log.until_seen(before + frames, sounded).await;
    }

    pub(crate) async fn agent_uses(&self, id: &str, name: &str, parameters: serde_json::Value) {
        let call = ToolCall { id: id.to_owned(), name: name.to_owned(), parameters };
        self.agent(AgentEvent::Tool(call)).await;
    }

    /// Waits until such news are in the journal.
    pub(crate) async fn journaled(&self, wanted: impl Fn(&CallNews) -> bool) {
        let session = self.session.clone();
        let found = |event: &Event| matches!(event, Event::Call { news, .. } if wanted(news));
        self.world
            .store
            .until(|store| store.turns[&session].iter().flat_map(|turn| &turn.events).any(found))
            .await;
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.world.store.events_of(&self.session)
    }

    pub(crate) fn news(&self) -> Vec<CallNews> {
        let news = |event| match event {
            Event::Call { news, .. } => Some(news),
            _ => None,
        };
        self.events().into_iter().filter_map(news).collect()
    }
}

/// Runs a test on a thread with an actix system; one that hangs fails instead of holding the suite.
pub(crate) fn run<T>(body: impl Future<Output = T>) -> T {
    actix_rt::System::new()
        .block_on(async { tokio::time::timeout(Duration::from_mins(1), body).await.expect("the test hangs") })
}
