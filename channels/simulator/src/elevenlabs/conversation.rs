//! One conversation: the agent listens, thinks and speaks, and everything is logged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use usher_conversation::voice::AudioFormat;

use super::agents::AgentConfig;
use super::contract::{self, FromClient, Initiation, Violation};
use crate::calls::Log;
use crate::calls::brain::{Act, Brain};
use crate::sim::{Sim, lock};
use crate::speech::{Ear, Hearing, Phrase, Resampler, Sound, g711};

/// How much audio one message carries, in milliseconds.
const CHUNK_MS: usize = 200;
const PING_EVERY: Duration = Duration::from_secs(2);
/// A client that leaves so many pings unanswered is gone.
const MAX_UNANSWERED: usize = 5;
/// No input for this long ends the conversation.
const RECEIVE_TIMEOUT: Duration = Duration::from_mins(1);
/// Text at a time for whoever reads slowly.
const WAITING: usize = 64;

/// A conversation as others see it.
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) agent: String,
    /// Milliseconds since the epoch.
    pub(crate) started: i64,
    pub(crate) log: Mutex<Log>,
    logged: watch::Sender<u64>,
    orders: mpsc::Sender<Order>,
    pub(crate) facts: Mutex<Facts>,
}

/// What is told about a conversation afterwards.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) ended: Option<i64>,
    pub(crate) termination: String,
    pub(crate) transcript: Vec<Value>,
    pub(crate) client_data: Value,
    pub(crate) config: Value,
    pub(crate) user_id: Option<String>,
    pub(crate) counts: Counts,
}

/// What went over the socket.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) audio_chunks_received: u64,
    pub(crate) audio_ms_received: u64,
    pub(crate) audio_chunks_sent: u64,
    pub(crate) audio_ms_sent: u64,
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    pub(crate) tool_calls: u64,
    pub(crate) tool_results: u64,
    pub(crate) interruptions: u64,
    pub(crate) lost: u64,
    pub(crate) reordered: u64,
    pub(crate) garbled: u64,
}

/// What the control API makes an agent do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    Say(String),
    Interrupt,
    Correct(String),
    Close(u16, String),
    Drop,
    Stall(u64),
    EndCall,
}

impl Conversation {
    pub(crate) fn new(sim: &Sim, agent: &str) -> (Arc<Self>, mpsc::Receiver<Order>) {
        let (orders, taken) = mpsc::channel(WAITING);
        let conversation = Self {
            id: sim.sid("conv_"),
            agent: agent.to_owned(),
            started: sim.now(),
            log: Mutex::default(),
            logged: watch::channel(0).0,
            orders,
            facts: Mutex::default(),
        };
        (Arc::new(conversation), taken)
    }

    /// Notes something in the log.
    pub(crate) fn note(&self, sim: &Sim, event: &'static str, text: impl Into<String>, detail: Value) {
        let seq = lock(&self.log).add(sim.now(), event, text.into(), detail);
        self.logged.send_replace(seq);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.logged.subscribe()
    }

    /// Gives an order; `false` when the conversation is over.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }
}

/// What is to be done after something happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Out {
    /// A message for the client.
    Send(Value),
    /// The end, with the code and the reason of the close frame.
    Close(u16, String),
}

/// A tool call that waits for its result.
struct Pending {
    tool: &'static str,
    until: Option<Instant>,
}

/// What the agent is saying, as far as it can tell.
struct Speaking {
    event: i64,
    phrase: Arc<Phrase>,
    begins: Instant,
    ends: Instant,
}

/// The agent's side of a conversation: messages in, messages out. It owns no socket.
pub(crate) struct Session {
    sim: Arc<Sim>,
    pub(crate) conversation: Arc<Conversation>,
    config: AgentConfig,
    input: AudioFormat,
    output: AudioFormat,
    text_only: bool,
    silent: bool,
    brain: Brain,
    ear: Ear,
    resampler: Resampler,
    events: i64,
    pings: i64,
    unanswered: usize,
    calls: u64,
    pending: HashMap<String, Pending>,
    speaking: Vec<Speaking>,
    began: Instant,
    last_input: Instant,
    last_voice: Instant,
    next_ping: Instant,
    prompted: u32,
    ending: bool,
}

impl Session {
    pub(crate) fn new(
        sim: &Arc<Sim>,
        conversation: &Arc<Conversation>,
        config: AgentConfig,
        initiation: &Initiation,
        silent: bool,
    ) -> Self {
        let now = Instant::now();
        // A tool the client is not told about cannot be used.
        let tools = config.tools.iter().filter(|_| config.sends("client_tool_call"));
        let brain = Brain::new(tools.map(|tool| tool.name.clone()), initiation.first_message.clone());
        Self {
            sim: Arc::clone(sim),
            conversation: Arc::clone(conversation),
            input: config.input,
            output: config.output,
            text_only: initiation.text_only,
            silent,
            resampler: Resampler::new(config.input.hz(), g711::HZ),
            config,
            brain,
            ear: Ear::default(),
            events: 0,
            pings: 0,
            unanswered: 0,
            calls: 0,
            pending: HashMap::new(),
            speaking: Vec::new(),
            began: now,
            last_input: now,
            last_voice: now,
            next_ping: now + Duration::from_millis(500),
            prompted: 0,
            ending: false,
        }
    }

    /// The metadata, and the first words.
    pub(crate) async fn begin(&mut self) -> Vec<Out> {
        let mut out = Vec::new();
        self.emit(
            &mut out,
            "conversation_initiation_metadata",
            json!({ "type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": {
                "conversation_id": self.conversation.id,
                "agent_output_audio_format": self.output.to_string(),
                "user_input_audio_format": self.input.to_string(),
            } }),
        );
        if !self.silent {
            let acts = self.brain.begin();
            self.act(acts, &mut out).await;
        }
        out
    }

    /// When something happens even if nobody sends anything.
    pub(crate) fn wakes(&self) -> Instant {
        let tools = self.pending.values().filter_map(|pending| pending.until);
        let quiet = self.quiet_since() + self.config.turn_timeout;
        let ends = self.config.silence_end.map(|silence| self.quiet_since() + silence);
        let receive = self.last_input + RECEIVE_TIMEOUT;
        let fixed = [self.next_ping, receive, self.began + self.config.max_duration];
        let quiet = (self.prompted < 2 && self.pending.is_empty()).then_some(quiet);
        fixed.into_iter().chain(tools).chain(quiet).chain(ends).min().unwrap_or(receive)
    }

    fn quiet_since(&self) -> Instant {
        let spoken = self.speaking.last().map_or(self.began, |speaking| speaking.ends);
        self.last_voice.max(spoken)
    }

    /// Time has passed.
    pub(crate) async fn tick(&mut self) -> Vec<Out> {
        let (now, mut out) = (Instant::now(), Vec::new());
        if now >= self.began + self.config.max_duration {
            return self.fail(&Violation::new(1_000, "max_duration_exceeded", "max duration exceeded"));
        }
        if now >= self.last_input + RECEIVE_TIMEOUT {
            let reason = "no user input for 60 seconds";
            return self.fail(&Violation::new(1_002, "transport_receive_timeout", reason));
        }
        if self.config.silence_end.is_some_and(|silence| now >= self.quiet_since() + silence) {
            self.end(&mut out);
            return out;
        }
        if now >= self.next_ping {
            if self.unanswered >= MAX_UNANSWERED {
                return self.fail(&Violation::new(1_002, "websocket_disconnect", "pings were not answered"));
            }
            self.pings += 1;
            self.unanswered += 1;
            self.next_ping = now + PING_EVERY;
            lock(&self.conversation.facts).counts.pings += 1;
            let ping = json!({ "type": "ping", "ping_event": { "event_id": self.pings, "ping_ms": null } });
            self.emit(&mut out, "ping", ping);
        }
        let late: Vec<String> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.until.is_some_and(|until| now >= until))
            .map(|(id, _)| id.clone())
            .collect();
        for id in late {
            if let Some(pending) = self.pending.remove(&id) {
                self.note("tool_timeout", pending.tool, json!({ "tool_call_id": id }));
                let acts = self.brain.result(pending.tool, "", true);
                self.act(acts, &mut out).await;
            }
        }
        if self.prompted < 2
            && self.pending.is_empty()
            && now >= self.quiet_since() + self.config.turn_timeout
            && !self.silent
        {
            self.prompted += 1;
            let acts = self.brain.silent();
            self.act(acts, &mut out).await;
        }
        out
    }

    /// The client has sent a message.
    pub(crate) async fn take_text(&mut self, text: &str) -> Vec<Out> {
        match contract::message(text, self.input) {
            Ok(message) => self.take(message).await,
            Err(violation) => self.fail(&violation),
        }
    }

    async fn take(&mut self, message: FromClient) -> Vec<Out> {
        let mut out = Vec::new();
        if !matches!(message, FromClient::Pong(_)) {
            self.last_input = Instant::now();
        }
        match message {
            FromClient::Audio(audio) => self.listen(&audio, &mut out).await,
            FromClient::Pong(id) => {
                if (1..=self.pings).contains(&id) {
                    self.unanswered = 0;
                    lock(&self.conversation.facts).counts.pongs += 1;
                } else {
                    self.note("protocol", "a pong to no ping", json!({ "event_id": id }));
                }
            }
            FromClient::Message(text) => {
                self.note("user_message", text.clone(), Value::Null);
                self.last_voice = Instant::now();
                self.interrupt(&mut out);
                let acts = self.brain.told(&text);
                self.act(acts, &mut out).await;
            }
            FromClient::Activity => {
                self.note("user_activity", "", Value::Null);
                self.last_voice = Instant::now();
            }
            FromClient::Context(id, text) => {
                self.note("contextual_update", text, json!({ "context_id": id }));
            }
            FromClient::ToolResult { id, result, is_error } => {
                lock(&self.conversation.facts).counts.tool_results += 1;
                self.note("tool_result", result.clone(), json!({ "tool_call_id": id, "is_error": is_error }));
                if let Some(pending) = self.pending.remove(&id) {
                    let acts = self.brain.result(pending.tool, &result, is_error);
                    self.act(acts, &mut out).await;
                }
            }
            FromClient::Other => {}
        }
        out
    }

    /// The control API, or a fault, has the agent do something.
    pub(crate) async fn obey(&mut self, order: &Order) -> Vec<Out> {
        let mut out = Vec::new();
        match order {
            Order::Say(text) => self.speak(text, &mut out).await,
            Order::Interrupt => self.interrupt_always(&mut out),
            Order::Correct(text) => self.correct(text, &mut out),
            Order::EndCall => self.end(&mut out),
            Order::Close(code, reason) => out.push(Out::Close(*code, reason.clone())),
            Order::Drop | Order::Stall(_) => {}
        }
        out
    }

    async fn listen(&mut self, audio: &[u8], out: &mut Vec<Out>) {
        let samples = match self.input {
            AudioFormat::Mulaw8k => g711::decode_all(audio),
            AudioFormat::Pcm16 { .. } => {
                let samples: Vec<i16> =
                    audio.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
                self.resampler.convert(&samples)
            }
        };
        {
            let counts = &mut lock(&self.conversation.facts).counts;
            counts.audio_chunks_received += 1;
            counts.audio_ms_received += self.input.millis_of(audio.len());
        }
        for sound in self.ear.hear(&samples, &self.sim.phrases) {
            self.last_voice = Instant::now();
            self.prompted = 0;
            match sound {
                Sound::Voice => self.interrupt(out),
                Sound::Began(_) => {}
                Sound::Heard(hearing) => self.heard(hearing, out).await,
            }
        }
    }

    async fn heard(&mut self, hearing: Hearing, out: &mut Vec<Out>) {
        {
            let counts = &mut lock(&self.conversation.facts).counts;
            counts.lost += u64::from(hearing.lost);
            counts.reordered += u64::from(hearing.reordered);
            counts.garbled += u64::from(hearing.garbled);
        }
        if hearing.text.is_empty() {
            return;
        }
        self.events += 1;
        let transcript = json!({ "type": "user_transcript", "user_transcription_event": {
            "user_transcript": hearing.text, "event_id": self.events,
        } });
        self.note("heard", hearing.text.clone(), json!(hearing));
        self.remember(json!({ "role": "user", "message": hearing.text }));
        self.emit(out, "user_transcript", transcript);
        let acts = self.brain.heard(&hearing.text);
        self.act(acts, out).await;
    }

    async fn act(&mut self, acts: Vec<Act>, out: &mut Vec<Out>) {
        for act in acts {
            match act {
                Act::Speak(text) => self.speak(&text, out).await,
                Act::Call { tool, parameters } => self.call(tool, &parameters, out),
                Act::End => self.end(out),
            }
        }
    }

    fn call(&mut self, tool: &'static str, parameters: &Value, out: &mut Vec<Out>) {
        self.calls += 1;
        self.events += 1;
        let id = format!("call_{}_{}", &self.conversation.id[5..13], self.calls);
        let known = self.config.tool(tool);
        let until = known.and_then(|tool| tool.timeout).map(|timeout| Instant::now() + timeout);
        let expects = known.is_some_and(|tool| tool.expects_response);
        lock(&self.conversation.facts).counts.tool_calls += 1;
        self.note("tool_call", tool, json!({ "tool_call_id": id, "parameters": parameters }));
        self.remember(json!({ "role": "agent", "message": null, "tool_calls": [{
            "type": "client", "request_id": id, "tool_name": tool,
            "params_as_json": parameters.to_string(), "tool_has_been_called": true,
        }] }));
        let call = json!({ "type": "client_tool_call", "client_tool_call": {
            "tool_name": tool, "tool_call_id": id, "parameters": parameters, "event_id": self.events,
            "expects_response": expects,
        } });
        self.pending.insert(id, Pending { tool, until });
        self.emit(out, "client_tool_call", call);
    }

    async fn speak(&mut self, text: &str, out: &mut Vec<Out>) {
        if text.trim().is_empty() || self.silent {
            return;
        }
        self.events += 1;
        self.note("speaking", text, json!({ "event_id": self.events }));
        self.remember(json!({ "role": "agent", "message": text }));
        let response = json!({ "type": "agent_response", "agent_response_event": {
            "agent_response": text, "event_id": self.events,
        } });
        self.emit(out, "agent_response", response);
        if self.text_only {
            return;
        }
        let phrase = self.sim.phrases.phrase(text).await;
        let samples = phrase.sound(self.output.hz());
        let length = Duration::from_millis(samples.len() as u64 * 1_000 / u64::from(self.output.hz()));
        let begins = self.speaking.last().map_or_else(Instant::now, |last| last.ends.max(Instant::now()));
        self.speaking.retain(|speaking| speaking.ends > Instant::now());
        self.speaking.push(Speaking { event: self.events, phrase, begins, ends: begins + length });
        let chunk = self.output.hz() as usize * CHUNK_MS / 1_000;
        for samples in samples.chunks(chunk) {
            let bytes = match self.output {
                AudioFormat::Mulaw8k => g711::encode_all(samples),
                AudioFormat::Pcm16 { .. } => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            };
            {
                let counts = &mut lock(&self.conversation.facts).counts;
                counts.audio_chunks_sent += 1;
                counts.audio_ms_sent += self.output.millis_of(bytes.len());
            }
            let audio = json!({ "type": "audio", "audio_event": {
                "audio_base_64": STANDARD.encode(bytes), "event_id": self.events,
            } });
            self.emit(out, "audio", audio);
        }
    }

    /// The contact spoke: what the agent is saying is broken off, when it is saying something.
    fn interrupt(&mut self, out: &mut Vec<Out>) {
        if self.speaking.last().is_some_and(|speaking| speaking.ends > Instant::now()) {
            self.interrupt_always(out);
        }
    }

    fn interrupt_always(&mut self, out: &mut Vec<Out>) {
        // Without the event among those that are sent, interruptions are switched off.
        if !self.config.sends("interruption") {
            return;
        }
        let now = Instant::now();
        let event = self.events;
        lock(&self.conversation.facts).counts.interruptions += 1;
        self.note("interruption", event.to_string(), Value::Null);
        let interruption = json!({ "type": "interruption", "interruption_event": { "event_id": event } });
        self.emit(out, "interruption", interruption);
        let broken: Vec<Speaking> = self.speaking.drain(..).filter(|speaking| speaking.ends > now).collect();
        for speaking in broken {
            let played = now.saturating_duration_since(speaking.begins).as_millis();
            let played = usize::try_from(played).unwrap_or(usize::MAX).saturating_mul(8);
            let spoken: Vec<&str> = speaking
                .phrase
                .words
                .iter()
                .filter(|word| word.to <= played)
                .map(|word| word.text.as_str())
                .collect();
            self.correction(speaking.event, &speaking.phrase.text, &spoken.join(" "), out);
        }
    }

    /// Takes back what was said last.
    fn correct(&mut self, text: &str, out: &mut Vec<Out>) {
        if let Some((event, original)) =
            self.speaking.last().map(|last| (last.event, last.phrase.text.clone()))
        {
            self.correction(event, &original, text, out);
        }
    }

    fn correction(&self, event: i64, original: &str, corrected: &str, out: &mut Vec<Out>) {
        self.note("correction", corrected, json!({ "original": original, "event_id": event }));
        let correction = json!({ "type": "agent_response_correction", "agent_response_correction_event": {
            "original_agent_response": original, "corrected_agent_response": corrected, "event_id": event,
        } });
        self.emit(out, "agent_response_correction", correction);
    }

    /// Says that the call is over, and closes. What was said may still be playing at the client.
    fn end(&mut self, out: &mut Vec<Out>) {
        if std::mem::replace(&mut self.ending, true) {
            return;
        }
        self.events += 1;
        if self.config.may_end_call {
            let response = json!({ "type": "agent_tool_response", "agent_tool_response": {
                "tool_name": "end_call", "tool_call_id": format!("end_{}", self.events), "tool_type": "system",
                "is_error": false, "is_called": true, "event_id": self.events,
            } });
            self.emit(out, "agent_tool_response", response);
        }
        out.push(Out::Close(1_000, "Agent ended the call".to_owned()));
    }

    /// Says what is wrong, and closes.
    pub(crate) fn fail(&self, violation: &Violation) -> Vec<Out> {
        self.note(
            "error",
            violation.error_type.clone(),
            json!({ "code": violation.code, "reason": violation.reason }),
        );
        let close = Out::Close(violation.code, violation.reason.clone());
        vec![Out::Send(error(violation)), close]
    }

    fn emit(&self, out: &mut Vec<Out>, event: &str, message: Value) {
        // The metadata always comes: without it no conversation begins.
        if event == "conversation_initiation_metadata" || self.config.sends(event) {
            out.push(Out::Send(message));
        }
    }

    fn note(&self, event: &'static str, text: impl Into<String>, detail: Value) {
        self.conversation.note(&self.sim, event, text, detail);
    }

    fn remember(&self, mut turn: Value) {
        turn["time_in_call_secs"] = json!(self.began.elapsed().as_secs());
        lock(&self.conversation.facts).transcript.push(turn);
    }
}

/// The event that comes before a close.
pub(crate) fn error(violation: &Violation) -> Value {
    json!({ "type": "error", "error_event": {
        "code": violation.code, "message": violation.reason, "error_type": violation.error_type,
        "reason": violation.reason, "debug_message": null, "details": {},
    } })
}
