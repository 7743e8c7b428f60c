//! The two sides of a call and everything that is under way for it, around the pure machine.

mod farewell;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{AgentEvent, Audio, AudioFormat, CarrierEvent, Fault, Opening, Refusal};

use super::call::{Action, Call, Done, Order, Route, Sound, Transferred};
use super::channel::VoiceCall;
use super::clerk::{Answer, Asked, Briefing, Clerk, Desk, Did, Job, key_prefix};
use super::news;
use super::ports::{
    Agent, AgentDialer, CallRef, Caption, Carrier, CarrierEvents, Connection, TelephonyError, TransferPlan,
    VoiceNode,
};
use super::settings::CallLimits;
use super::sides::{AgentSide, Outward, Voice};
use super::switchboard::Line;
use crate::hub::{Subscription, Update};
use farewell::Farewell;

/// Events taken from one side before the other has its turn.
const BUDGET: usize = 64;
/// A watch on the session that ended is begun anew after so long.
const WATCH_AGAIN_MILLIS: i64 = 1_000;

/// Something under way has come to an end.
enum Ended {
    Alarm(Timestamp),
    Clerk(Answer),
    /// Of the dial with this number.
    Dialed(u32, Result<Connection, Refusal>),
    Transferred(Transferred),
    Watching(Option<Box<Subscription>>),
    Session(Box<Subscription>, Update),
    Recorded,
    Nothing,
}

/// See the module.
pub(crate) struct Bridge {
    node: Arc<VoiceNode>,
    call: Arc<CallRef>,
    machine: Call,
    limits: CallLimits,
    actions: Vec<Action>,
    carrier: Box<dyn Carrier>,
    carrier_events: Option<CarrierEvents>,
    carrier_format: AudioFormat,
    filler: Option<Audio>,
    dialer: Arc<dyn AgentDialer>,
    agent: Option<AgentSide>,
    /// An agent that was told goodbye and still writes.
    leaving: Option<Box<dyn Agent>>,
    voice: Voice,
    outward: Outward,
    /// Counts dials: what an earlier one brings is let go.
    dial: u32,
    /// What the session asked after the last turn that was watched.
    watched: Option<Asked>,
    /// The newest that is known of what it asks, from wherever.
    asked: Asked,
    clerk: Clerk,
    desk: Desk,
    under_way: FuturesUnordered<LocalBoxFuture<'static, Ended>>,
    /// Alarms that were set, the nearest last.
    alarms: Vec<Reverse<Timestamp>>,
    /// What the network is asked as part of the farewell.
    last_request: Option<LocalBoxFuture<'static, ()>>,
    farewell: Farewell,
    line: Rc<Line>,
}

impl Bridge {
    pub(crate) fn new(node: Arc<VoiceNode>, call: VoiceCall) -> (Self, Rc<Line>) {
        let VoiceCall { call, setup, persona, carrier, carrier_events, carrier_format, filler, dialer, line } =
            call;
        let (call, line) = (Arc::new(call), Rc::new(line));
        let mut actions = Vec::with_capacity(8);
        let limits = setup.limits.clone();
        let origin = setup.origin.clone();
        let voice = Voice::new(limits.held_frames);
        let outward = Outward::new(limits.carrier_behind, limits.carrier_held);
        let machine = Call::new(setup, &call, node.now(), &mut actions);
        let desk = Desk { node: Arc::clone(&node), call: Arc::clone(&call), origin, persona };
        let mut bridge = Self {
            machine,
            limits,
            actions,
            carrier,
            carrier_events: Some(carrier_events),
            carrier_format,
            filler,
            dialer,
            agent: None,
            leaving: None,
            voice,
            outward,
            dial: 0,
            watched: None,
            asked: Asked::default(),
            clerk: Clerk::new(),
            desk,
            under_way: FuturesUnordered::new(),
            alarms: Vec::new(),
            last_request: None,
            farewell: Farewell::No,
            line: Rc::clone(&line),
            node,
            call,
        };
        bridge.watch(None);
        bridge.perform();
        (bridge, line)
    }

    /// Carries out what others want.
    pub(crate) fn order(&mut self, order: Order) {
        self.machine.on_order(order, self.node.now(), &mut self.actions);
        self.perform();
    }

    /// Moves everything that can be moved. Ready when nothing is left to do.
    pub(crate) fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        let now = self.node.now();
        let mut budget = BUDGET;
        loop {
            let moved = self.poll_carrier(task, now) | self.poll_agent(task, now) | self.poll_work(task, now);
            // What was just begun must be polled once before it can wake us.
            if !(moved | self.start_next_job() | self.set_alarm()) {
                break;
            }
            budget -= 1;
            if budget == 0 {
                task.waker().wake_by_ref();
                break;
            }
        }
        self.release();
        self.outward.release(&mut *self.carrier);
        self.carrier.flush(task);
        if let Some(side) = &mut self.agent {
            side.agent.flush(task);
        }
        if let Some(agent) = &mut self.leaving {
            agent.flush(task);
            if agent.backlog() == 0 {
                self.leaving = None;
            }
        }
        if self.is_finished(now) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Takes one event from the contact's side; says whether there was one.
    fn poll_carrier(&mut self, task: &mut Context<'_>, now: Timestamp) -> bool {
        let Some(events) = &mut self.carrier_events else { return false };
        match events.poll_next_unpin(task) {
            Poll::Pending => return false,
            Poll::Ready(Some(CarrierEvent::Audio(audio))) => self.hear(audio),
            Poll::Ready(Some(event)) => {
                self.machine.on_carrier(event, now, &mut self.actions);
                self.perform();
            }
            Poll::Ready(None) => {
                self.carrier_events = None;
                self.machine.on_line_lost(now, &mut self.actions);
                self.perform();
            }
        }
        true
    }

    /// The contact's voice.
    fn hear(&mut self, audio: Audio) {
        match (self.machine.on_voice(), &mut self.agent) {
            (Route::Forward, Some(side)) => self.voice.pass(audio, side),
            (Route::Hold, _) => self.voice.hold(audio),
            (Route::Forward, None) | (Route::Drop, _) => {}
        }
    }

    /// What was held goes to an agent that is ready and keeps up.
    fn release(&mut self) {
        if let (Route::Forward, Some(side)) = (self.machine.on_voice(), &mut self.agent) {
            self.voice.release(side);
        }
    }

    /// Takes one event from the agent's side; says whether there was one.
    fn poll_agent(&mut self, task: &mut Context<'_>, now: Timestamp) -> bool {
        let Some(side) = &mut self.agent else { return false };
        let event = match side.events.poll_next_unpin(task) {
            Poll::Pending => return false,
            Poll::Ready(Some(AgentEvent::Audio { event, audio })) => {
                self.speech(event, &audio, now);
                return true;
            }
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) => AgentEvent::Gone(Fault::Lost("its stream ended".to_owned())),
        };
        let event = match event {
            AgentEvent::Ready { conversation, input, output } => {
                if side.prepare(&self.node, self.carrier_format, input, output, self.limits.agent_behind) {
                    AgentEvent::Ready { conversation, input, output }
                } else {
                    AgentEvent::Gone(Fault::Refused("it speaks a format we do not".to_owned()))
                }
            }
            other => other,
        };
        let gone = matches!(event, AgentEvent::Gone(_));
        self.machine.on_agent(event, now, &mut self.actions);
        if gone {
            self.agent = None;
        }
        self.perform();
        true
    }

    /// The agent's voice.
    fn speech(&mut self, event: u64, audio: &Audio, now: Timestamp) {
        let Some(side) = &mut self.agent else { return };
        let micros = audio.raw_len() as u64 * 1_000_000 / u64::from(side.output.bytes_per_second());
        match self.machine.on_speech(event, micros, now, &mut self.actions) {
            Sound::Drop => {}
            Sound::Play { mark } => {
                let sound = match &mut side.outward {
                    None => Some(Cow::Borrowed(audio)),
                    Some(transcoder) => transcoder.convert(audio).map(Cow::Owned),
                };
                if let Some(sound) = sound {
                    self.outward.play(sound, &mut *self.carrier);
                }
                if let Some(mark) = mark {
                    self.outward.mark(mark, &mut *self.carrier);
                }
            }
        }
        if !self.actions.is_empty() {
            self.perform();
        }
    }

    /// Takes one result of what is under way; says whether there was one.
    fn poll_work(&mut self, task: &mut Context<'_>, now: Timestamp) -> bool {
        let Poll::Ready(Some(ended)) = self.under_way.poll_next_unpin(task) else { return false };
        match ended {
            Ended::Nothing => return true,
            Ended::Alarm(at) => {
                self.alarms.retain(|alarm| alarm.0 != at);
                self.machine.on_timer(now, &mut self.actions);
            }
            Ended::Clerk(answer) => self.clerk_answers(answer, now),
            Ended::Dialed(dial, connection) => self.dialed(dial, connection, now),
            Ended::Transferred(answer) => {
                self.machine.on_outside(Done::Transferred(answer), now, &mut self.actions);
            }
            Ended::Watching(subscription) => match subscription {
                Some(subscription) => {
                    let (meta, head) = (subscription.meta(), subscription.head());
                    self.watched.get_or_insert_with(|| Asked::after(meta, head));
                    self.next_turn(subscription);
                }
                None => self.watch(Some(now.plus_millis(WATCH_AGAIN_MILLIS))),
            },
            Ended::Session(subscription, update) => self.turn(subscription, update, now),
            Ended::Recorded => {
                self.close_line(now);
                return true;
            }
        }
        self.perform();
        true
    }

    fn clerk_answers(&mut self, answer: Answer, now: Timestamp) {
        self.clerk.busy = false;
        let done = match answer {
            Answer::Told => return,
            Answer::Lost => return self.line.meters().news_lost.increment(1),
            Answer::Used { id, tool, did: Did { answer, withdrawn, asked } } => {
                self.learn(asked);
                Done::Used { id, tool, answer, withdrawn }
            }
            Answer::Entered { entry, private, did: None } => {
                Done::Entered { entry, private, answer: None, turn: None, withdrawn: false }
            }
            Answer::Entered { entry, private, did: Some(Did { answer, withdrawn, asked }) } => {
                let turn = asked.as_ref().map(|asked| asked.turn);
                self.learn(asked);
                Done::Entered { entry, private, answer: Some(answer), turn, withdrawn }
            }
            Answer::Briefed(dial, _) if dial != self.dial => return,
            Answer::Briefed(dial, Ok(briefing)) => {
                let Briefing { mut opening, utterances, asked } = *briefing;
                let turn = asked.turn;
                self.learn(Some(asked));
                let contact_said = opening.contact_said.take();
                if contact_said.is_some() {
                    // The contact has spoken last: the first words are the reply to that.
                    opening.first_message = Some(String::new());
                }
                self.open(dial, opening);
                Done::Briefed { utterances, turn, contact_said }
            }
            Answer::Briefed(dial, Err(error)) => {
                let refusal = Refusal::Unreachable(format!("the session cannot be read: {error}"));
                return self.not_dialed(dial, refusal, now);
            }
        };
        self.machine.on_outside(done, now, &mut self.actions);
    }

    /// What the session asks; turns may be told of in any order.
    fn learn(&mut self, asked: Option<Asked>) {
        if let Some(asked) = asked.filter(|asked| asked.turn >= self.asked.turn) {
            self.machine.on_question(asked.question.clone());
            self.asked = asked;
        }
    }

    /// Opens a conversation.
    fn open(&mut self, dial: u32, opening: Opening) {
        self.line.meters().dials.increment(1);
        let (dialer, call) = (Arc::clone(&self.dialer), Arc::clone(&self.call));
        let too_late = self.node.alarm.until(self.node.now().plus_millis(self.limits.dial));
        self.under_way.push(Box::pin(async move {
            let connection = tokio::select! {
                connection = dialer.dial(&call, opening) => connection,
                () = too_late => Err(Refusal::Unreachable("it did not answer in time".to_owned())),
            };
            Ended::Dialed(dial, connection)
        }));
    }

    fn dialed(&mut self, dial: u32, connection: Result<Connection, Refusal>, now: Timestamp) {
        match connection {
            Ok(Connection { mut agent, .. }) if dial != self.dial => agent.close(),
            Ok(Connection { agent, events }) => self.agent = Some(AgentSide::new(agent, events)),
            Err(refusal) => self.not_dialed(dial, refusal, now),
        }
    }

    fn not_dialed(&mut self, dial: u32, refusal: Refusal, now: Timestamp) {
        if dial == self.dial {
            self.machine.on_outside(Done::NotDialed(refusal), now, &mut self.actions);
        }
    }

    /// Watches the session, from `at` on: at first as it is then, later from the last turn that was watched.
    fn watch(&mut self, at: Option<Timestamp>) {
        let (node, call) = (Arc::clone(&self.node), Arc::clone(&self.call));
        let since = self.watched.as_ref().map_or(u64::MAX, |watched| watched.turn);
        let pause = at.map(|at| node.alarm.until(at));
        self.under_way.push(Box::pin(async move {
            if let Some(pause) = pause {
                pause.await;
            }
            let subscription = node.runtime.subscribe(&call.org, &call.session, since).await;
            Ended::Watching(subscription.ok().map(Box::new))
        }));
    }

    fn next_turn(&mut self, mut subscription: Box<Subscription>) {
        self.under_way.push(Box::pin(async move {
            let update = subscription.next().await;
            Ended::Session(subscription, update)
        }));
    }

    fn turn(&mut self, subscription: Box<Subscription>, update: Update, now: Timestamp) {
        let Update::Turn(published) = update else {
            return self.watch(Some(now.plus_millis(WATCH_AGAIN_MILLIS)));
        };
        let (turn, state) = (&published.turn, &published.state);
        subscription.acker().ack(turn.seq);
        let prefix = key_prefix(&self.call);
        let ours = turn.dedup.as_deref().is_some_and(|key| key.starts_with(&prefix));
        let asked = Asked::after(subscription.meta(), state);
        let before = self.watched.replace(asked.clone()).and_then(|before| before.question);
        self.learn(Some(asked));
        if !ours
            && let Some(news) =
                news::of_turn(subscription.meta(), turn, state, before.as_ref().map(|asked| &asked.field))
        {
            self.machine.on_session(news, now, &mut self.actions);
        }
        self.next_turn(subscription);
    }

    fn start_next_job(&mut self) -> bool {
        let Some((number, job)) = self.clerk.next() else { return false };
        let work = self.desk.clone().perform(number, job);
        self.under_way.push(Box::pin(async move { Ended::Clerk(work.await) }));
        true
    }

    fn take_on(&mut self, job: Job) {
        if !self.clerk.take_on(job) {
            self.line.meters().news_lost.increment(1);
        }
    }

    /// Sets an alarm for the machine's next deadline if none is set that rings before; says whether it did. Deadlines
    /// that move away leave their alarm: it rings for nothing, which is cheaper than resetting it with every frame.
    fn set_alarm(&mut self) -> bool {
        let due = match self.farewell {
            Farewell::No => self.machine.next_deadline(),
            Farewell::Recording(_) => None,
            Farewell::Closed(_, until) => Some(until),
        };
        let Some(due) = due.filter(|due| self.alarms.last().is_none_or(|next| *due < next.0)) else {
            return false;
        };
        self.alarms.push(Reverse(due));
        let alarm = self.node.alarm.until(due);
        self.under_way.push(Box::pin(async move {
            alarm.await;
            Ended::Alarm(due)
        }));
        true
    }

    /// Performs what the machine wants.
    fn perform(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            self.act(action);
        }
        self.actions = actions;
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Mark(number) => self.outward.mark(number, &mut *self.carrier),
            Action::Clear => self.outward.clear(&mut *self.carrier),
            Action::Caption { speaker, text, settled } => {
                self.carrier.caption(Caption { speaker, text: &text, settled });
            }
            Action::Filler => {
                if let Some(filler) = &self.filler {
                    let micros = filler.raw_len() as u64 * 1_000_000;
                    let micros = micros / u64::from(self.carrier_format.bytes_per_second());
                    self.outward.play(Cow::Borrowed(filler), &mut *self.carrier);
                    self.machine.on_filler(micros, self.node.now());
                }
            }
            Action::Silence => self.be_silent(),
            Action::Result(result) => self.with_agent(|agent| agent.result(result)),
            Action::Context { id, text } => self.with_agent(|agent| agent.context(id, &text)),
            Action::Message(text) => self.with_agent(|agent| agent.message(&text)),
            Action::Active => self.with_agent(|agent| agent.active()),
            Action::Dial => {
                self.dial += 1;
                self.take_on(Job::Brief { dial: self.dial });
            }
            Action::Release => self.release(),
            Action::CloseAgent => self.close_agent(),
            Action::Tell(news) => self.take_on(Job::Tell(news)),
            Action::Use { id, tool } => {
                let until = self.node.now().plus_millis(self.limits.tool);
                self.take_on(Job::Use { id, tool, until });
            }
            Action::Enter(entry) => self.take_on(Job::Enter(entry)),
            Action::Escalate(reason) => self.take_on(Job::Escalate(reason)),
            Action::Connected { conversation } => {
                let (node, call) = (Arc::clone(&self.node), Arc::clone(&self.call));
                self.under_way.push(Box::pin(async move {
                    node.log.connected(&call, &conversation).await;
                    Ended::Nothing
                }));
            }
            Action::Transfer(plan) => self.transfer(plan),
            Action::HangUp => {
                let (node, call) = (Arc::clone(&self.node), Arc::clone(&self.call));
                self.last_request = Some(Box::pin(async move {
                    if let Err(error) = node.telephony.hang_up(&call).await {
                        tracing::warn!(call = %call.call, %error, "a call could not be hung up; its line is closed");
                    }
                }));
            }
            Action::Hold => {
                let (node, call) = (Arc::clone(&self.node), Arc::clone(&self.call));
                self.last_request = Some(Box::pin(async move {
                    if let Err(error) = node.telephony.hold(&call).await {
                        tracing::warn!(call = %call.call, %error, "a call goes on without a word to its contact");
                    }
                }));
            }
            Action::Finish(outcome) => self.finish(outcome),
        }
    }

    fn with_agent(&mut self, tell: impl FnOnce(&mut dyn Agent)) {
        if let Some(side) = &mut self.agent {
            tell(&mut *side.agent);
        }
    }

    /// A second of silence, so that the agent's recogniser ends the contact's last sentence.
    fn be_silent(&mut self) {
        if let Some(side) = &mut self.agent {
            let level = match side.input {
                AudioFormat::Mulaw8k => 0xFF,
                AudioFormat::Pcm16 { .. } => 0,
            };
            let second = vec![level; side.input.bytes_per_second() as usize];
            side.agent.audio(&Audio::raw(Bytes::from(second)));
        }
    }

    fn close_agent(&mut self) {
        self.dial += 1;
        if let Some(AgentSide { mut agent, .. }) = self.agent.take() {
            agent.close();
            self.leaving = Some(agent);
        }
    }

    fn transfer(&mut self, plan: TransferPlan) {
        let (node, call) = (Arc::clone(&self.node), Arc::clone(&self.call));
        self.under_way.push(Box::pin(async move {
            let taken = node.telephony.transfer(&call, &plan).await;
            if let Err(error) = &taken {
                tracing::warn!(call = %call.call, %error, "a call could not be transferred");
            }
            Ended::Transferred(match taken {
                Ok(()) => Transferred::Taken,
                Err(TelephonyError::Refused(_)) => Transferred::Refused,
                Err(TelephonyError::Unknown(_)) => Transferred::Unknown,
            })
        }));
    }
}
