//! The machine of a call, on a line that plays in real time and answers marks as a telephone network does.

mod behaviours;
mod contact;
mod endings;
mod flaws;
mod late;
mod laws;
mod transfers;

use std::collections::VecDeque;

use serde_json::json;
use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::id::{CallId, OrgId, SessionId};
use usher_conversation::session::Origin;
use usher_conversation::session::tools::{Tool, ToolAnswer};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{
    AgentEvent, AudioFormat, CallDirection, CallNews, CarrierEvent, ToolCall, Utterance,
};

use super::{Action, Call, Done, Entry, Question, Sound};
use crate::voice::ports::{CallRef, Outcome, TransferPlan, TransferReason};
use crate::voice::settings::{CallLimits, Emergency, People, Setup};

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A telephone: plays what is sent, in real time, and returns marks.
#[derive(Default)]
struct Line {
    /// When everything sent will have been played.
    plays_until: Option<Timestamp>,
    marks: VecDeque<(Timestamp, u64)>,
    /// What is played when: the words and the span.
    spans: Vec<(String, Timestamp, Timestamp)>,
}

impl Line {
    fn send(&mut self, millis: i64, now: Timestamp) {
        self.plays_until = Some(self.free_at(now).plus_millis(millis));
    }

    fn free_at(&self, now: Timestamp) -> Timestamp {
        self.plays_until.filter(|until| *until > now).unwrap_or(now)
    }

    fn mark(&mut self, number: u64, now: Timestamp) {
        self.marks.push_back((self.free_at(now), number));
    }

    fn clear(&mut self, now: Timestamp) {
        self.plays_until = Some(now);
        for (at, _) in &mut self.marks {
            *at = now;
        }
        for (_, from, to) in &mut self.spans {
            (*from, *to) = ((*from).min(now), (*to).min(now));
        }
    }

    /// Milliseconds of these words that really sounded.
    fn sounded(&self, words: &str, now: Timestamp) -> i64 {
        let spans = self.spans.iter().filter(|(text, ..)| text == words);
        spans.map(|(_, from, to)| (*to).min(now).millis_since(*from).max(0)).sum()
    }
}

/// A call with a line and everything it ever wanted.
struct Rig {
    call: Call,
    now: Timestamp,
    line: Line,
    log: Vec<Action>,
    /// Whether marks come back at all.
    echoes: bool,
    /// What is wrong with the machine, where a check is to be shown to notice it.
    flaw: Option<flaws::Flaw>,
}

fn plan(reason: TransferReason) -> TransferPlan {
    TransferPlan { to: "+15035550100".to_owned(), ring_seconds: 20, warm: true, reason }
}

fn setup() -> Setup {
    Setup {
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
                keywords: vec!["gas leak".to_owned()],
            }),
        },
        limits: CallLimits::default(),
    }
}

fn call_ref() -> CallRef {
    CallRef {
        call: CallId::new(NOON, [1; 16]),
        org: OrgId::new(NOON, [2; 16]),
        session: SessionId::new(NOON, [3; 16]),
        vendor_call: Some("CA1".to_owned()),
        direction: CallDirection::Inbound,
        attachment: 0,
    }
}

impl Rig {
    fn with(setup: Setup) -> Self {
        let mut log = Vec::new();
        let call = Call::new(setup, &call_ref(), NOON, &mut log);
        Self { call, now: NOON, line: Line::default(), log, echoes: true, flaw: None }
    }

    /// A call on which both sides are connected.
    fn live() -> Self {
        Self::live_with(setup())
    }

    fn live_with(setup: Setup) -> Self {
        let mut rig = Self::with(setup);
        rig.dialed();
        rig.log.clear();
        rig
    }

    fn dialed(&mut self) {
        self.briefed_to(1);
    }

    /// The agent that was briefed up to this turn is there.
    fn briefed_to(&mut self, turn: u64) {
        self.done(Done::Briefed { utterances: 0, turn, contact_said: None });
        self.ready();
    }

    fn ready(&mut self) {
        self.agent(AgentEvent::Ready {
            conversation: "conv_1".to_owned(),
            input: AudioFormat::Mulaw8k,
            output: AudioFormat::Mulaw8k,
        });
    }

    /// Carries new actions out on the line, and keeps them.
    fn absorb(&mut self, actions: Vec<Action>) {
        for action in &actions {
            match action {
                Action::Mark(number) => self.line.mark(*number, self.now),
                Action::Clear => self.line.clear(self.now),
                _ => {}
            }
        }
        self.log.extend(actions);
    }

    fn step(&mut self, work: impl FnOnce(&mut Call, Timestamp, &mut Vec<Action>)) {
        let mut actions = Vec::new();
        let over = self.outcome().is_some();
        work(&mut self.call, self.now, &mut actions);
        if over && self.flaw == Some(flaws::Flaw::HangsUpAgain) {
            actions.push(Action::HangUp);
        }
        self.absorb(actions);
    }

    fn agent(&mut self, event: AgentEvent) {
        let bent = self.flaw.map(|flaw| (flaw, event.clone()));
        self.step(|call, now, out| {
            call.on_agent(event, now, out);
            if let Some((flaw, event)) = bent {
                flaw.bend(&event, out);
            }
        });
    }

    fn carrier(&mut self, event: CarrierEvent) {
        self.step(|call, now, out| call.on_carrier(event, now, out));
    }

    fn done(&mut self, done: Done) {
        self.step(|call, now, out| call.on_outside(done, now, out));
    }

    fn said(&mut self, event: u64, text: &str) {
        self.agent(AgentEvent::Said(Utterance { event, text: text.to_owned() }));
    }

    fn heard(&mut self, text: &str) {
        self.agent(AgentEvent::Heard(Utterance { event: 0, text: text.to_owned() }));
    }

    fn tool(&mut self, id: &str, name: &str, parameters: serde_json::Value) {
        self.agent(AgentEvent::Tool(ToolCall { id: id.to_owned(), name: name.to_owned(), parameters }));
    }

    /// The session asks for this field.
    fn asked(&mut self, field: &FieldId, private: bool) {
        self.call.on_question(Some(Question { field: field.clone(), private }));
    }

    /// What came of an entry that is nothing private.
    fn entered(&mut self, entry: Entry, answer: Option<ToolAnswer>, turn: Option<u64>) {
        self.done(Done::Entered { entry, private: false, answer, turn, withdrawn: false });
    }

    fn digits(&mut self, keys: &str) {
        keys.chars().for_each(|key| self.carrier(CarrierEvent::Digit(key)));
    }

    /// Answers the tool that waits longest.
    fn answer(&mut self) {
        let used = self.log.iter().rev().find_map(|action| match action {
            Action::Use { id, tool } => Some((id.clone(), tool.clone())),
            _ => None,
        });
        let (id, tool) = used.unwrap_or_else(|| ("none".to_owned(), Tool::GetNextQuestion));
        let answer = ToolAnswer { json: json!({ "ok": true }).to_string(), is_error: false };
        self.done(Done::Used { id, tool, answer, withdrawn: false });
    }

    /// The agent sends `millis` of sound at once, in frames of 20 ms; says how many were to be played.
    fn sound(&mut self, event: u64, millis: i64) -> usize {
        let mut played = 0;
        for _ in 0..millis / 20 {
            let mut actions = Vec::new();
            let sound = match self.call.on_speech(event, 20_000, self.now, &mut actions) {
                Sound::Drop if self.flaw == Some(flaws::Flaw::PlaysStaleSound) => Sound::Play { mark: None },
                sound => sound,
            };
            if let Sound::Play { mark } = sound {
                played += 1;
                self.line.send(20, self.now);
                if let Some(mark) = mark {
                    self.line.mark(mark, self.now);
                }
            }
            self.absorb(actions);
        }
        played
    }

    /// An utterance: its words, and all of its sound at once.
    fn speaks(&mut self, event: u64, text: &str, millis: i64) {
        self.said(event, text);
        let from = self.line.free_at(self.now);
        if self.sound(event, millis) > 0 {
            self.line.spans.push((text.to_owned(), from, from.plus_millis(millis)));
        }
    }

    /// Lets time pass, with everything that comes due in it, in order.
    fn pass(&mut self, millis: i64) {
        let end = self.now.plus_millis(millis);
        loop {
            let mark = self.line.marks.front().map(|(at, _)| *at).filter(|_| self.echoes);
            let timer = self.call.next_deadline();
            let next = [mark, timer].into_iter().flatten().min().filter(|at| *at <= end);
            let Some(at) = next else { break };
            self.now = self.now.max(at);
            if mark == Some(at) {
                if let Some((_, number)) = self.line.marks.pop_front() {
                    self.carrier(CarrierEvent::Played(number));
                }
            } else {
                self.step(Call::on_timer);
                let next = self.call.next_deadline();
                assert!(
                    next.is_none_or(|next| next > self.now),
                    "a timer that changes nothing rings for ever"
                );
            }
        }
        self.now = end;
    }

    fn news(&self) -> Vec<&CallNews> {
        self.log
            .iter()
            .filter_map(|action| match action {
                Action::Tell(news) => Some(news),
                _ => None,
            })
            .collect()
    }

    /// What was really heard, as told: the number of the utterance, the words, and whether that was all.
    fn played(&self) -> Vec<(u32, &str, bool)> {
        self.news()
            .into_iter()
            .filter_map(|news| match news {
                CallNews::Playing { utterance, text } => Some((*utterance, text.as_str(), false)),
                CallNews::Played { utterance, text, whole } => Some((*utterance, text.as_str(), *whole)),
                _ => None,
            })
            .collect()
    }

    /// The same without what was told on the way.
    fn played_in_the_end(&self) -> Vec<(u32, &str, bool)> {
        let over: Vec<u32> = self
            .news()
            .into_iter()
            .filter_map(
                |news| if let CallNews::Played { utterance, .. } = news { Some(*utterance) } else { None },
            )
            .collect();
        let mut played = self.played();
        played.reverse();
        played.retain(|(utterance, ..)| over.contains(utterance));
        played.dedup_by_key(|(utterance, ..)| *utterance);
        played.reverse();
        played
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.log.iter().find_map(|action| match action {
            Action::Finish(outcome) => Some(outcome),
            _ => None,
        })
    }

    fn messages(&self) -> Vec<&str> {
        self.log
            .iter()
            .filter_map(|action| match action {
                Action::Message(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    fn count(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        self.log.iter().filter(|action| wanted(action)).count()
    }
}
