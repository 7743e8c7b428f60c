//! The pure machine of one call: events and the time go in, actions come out.
//!
//! Nothing here waits, and nothing reads a clock: [`Call::next_deadline`] says when [`Call::on_timer`] wants to be called.
//! The two audio paths do not go through actions: [`Call::on_voice`] and [`Call::on_speech`] answer directly.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | the stages of a call, and what each event means in them |
//! | `vocabulary` | actions, and what goes in besides the two sides' events |
//! | `contact` | what the contact says, types and presses |
//! | `ending` | goodbye, transfer, hang-up, hand-over |
//! | `held` | what waits until the agent is there |
//! | `watch` | deadlines: silence, doubtful interruptions, slow tools, the longest call |
//! | `playback` | what was sent, played and so heard |
//! | `keys` | digits typed on the telephone |
//! | `words` | how much of a text was heard; what a speaking model is told |

mod contact;
mod ending;
mod held;
mod keys;
mod playback;
#[cfg(test)]
mod tests;
mod vocabulary;
mod watch;
mod words;

use usher_conversation::session::EscalationReason;
use usher_conversation::session::tools::{self, Tool, ToolAnswer};
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{
    AgentEvent, CallDirection, CallEnd, CallNews, CarrierEvent, Fault, Refusal, ToolCall, ToolResult,
    TurnLatency,
};

use super::ports::{CallRef, CallUsage, Handover, Speaker, TransferPlan, TransferReason};
use super::settings::Setup;
use ending::{After, LineState};
use held::{Held, Note};
use keys::Keys;
pub(crate) use playback::Sound;
use playback::{LONGEST_TEXT, Playback};
pub(crate) use vocabulary::{Action, Done, Entry, Order, Question, Route, SessionNews, Transferred};
use watch::{Silence, TimeLeft};
use words::{bounded, say};

/// Tools that may be under way at once.
const MOST_TOOLS: usize = 8;
/// Bytes of a vendor's id. A tool with a longer one is passed over: nothing could be answered to it.
const LONGEST_ID: usize = 256;
/// The agent may be lost once; a conversation that lasted so long since counts as a new one.
const LASTED_MILLIS: i64 = 30_000;
/// So much audio may still be played out before a lost agent is dialled again; more is thrown away.
const PLAYED_OUT_MILLIS: u64 = 2_000;

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Not known yet who answered.
    Screening { until: Timestamp },
    /// The agent was lost; what it said last is being played out.
    PlayingOut { until: Timestamp },
    /// Being connected, up to the agent's first event.
    Dialing { until: Timestamp },
    /// Both sides talk.
    Live { since: Timestamp },
    /// Last words, then something else.
    Closing { after: After, until: Timestamp, begun: bool, cancellable: bool },
    /// The network is asked to give the call to somebody; `unsure` when its answer says nothing, so that only the line can.
    Transferring { until: Timestamp, reason: TransferReason, line: LineState, unsure: bool },
    /// The contact hung up; their last words may still be recognised, and when they were, what the agent makes of them.
    Grace { until: Timestamp, heard: bool },
    /// Finished.
    Over,
}

/// A tool under way.
#[derive(Debug)]
struct PendingTool {
    id: String,
    since: Timestamp,
    due: Timestamp,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Call {
    setup: Setup,
    direction: CallDirection,
    stage: Stage,
    playback: Playback,
    keys: Keys,
    tools: Vec<PendingTool>,
    silence: Silence,
    /// An interruption without words so far: when the agent is asked to go on.
    doubt: Option<Timestamp>,
    /// Who answered is not known: the agent may speak by then, but what it would hear may be a machine's greeting, which
    /// is no answer to anything.
    unsure: Option<Timestamp>,
    /// The agent tells words as they are being recognised.
    hears_along: bool,
    /// The session knows that the sides are connected.
    connected: bool,
    /// The agent is there.
    agent: bool,
    /// Conversations lost or not reached since the last good one.
    failures: u8,
    /// What the agent is told once it is there.
    held: Held,
    /// What the session asks now.
    asked: Option<Question>,
    time: TimeLeft,
    /// When this attachment began.
    began: Timestamp,
    /// The contact's last words, while the agent thinks.
    heard_at: Option<Timestamp>,
    tools_took: Option<i64>,
    /// Whom the contact is put through to, once the agent's last words were heard.
    person: Option<TransferPlan>,
    usage: CallUsage,
}

impl Call {
    /// A call whose line is open.
    pub(crate) fn new(setup: Setup, call: &CallRef, now: Timestamp, out: &mut Vec<Action>) -> Self {
        let mut machine = Self {
            direction: call.direction,
            stage: Stage::Screening { until: now.plus_millis(setup.limits.screening) },
            playback: Playback::new(setup.protected, now),
            keys: Keys::default(),
            tools: Vec::new(),
            silence: Silence::new(now),
            doubt: None,
            unsure: setup.screened.then(|| now.plus_millis(setup.limits.unsure)),
            hears_along: false,
            connected: false,
            agent: false,
            failures: 0,
            held: Held::default(),
            asked: None,
            time: TimeLeft::Plenty,
            began: now,
            heard_at: None,
            tools_took: None,
            person: None,
            usage: CallUsage::default(),
            setup,
        };
        if !machine.setup.screened {
            machine.dial(now, out);
        }
        machine
    }

    /// The contact spoke for 20 ms or so.
    pub(crate) fn on_voice(&self) -> Route {
        match self.stage {
            Stage::Live { .. } | Stage::Closing { .. } | Stage::Transferring { .. } | Stage::Grace { .. } => {
                if self.unsure.is_some() {
                    Route::Hold
                } else {
                    Route::Forward
                }
            }
            Stage::Screening { .. } | Stage::PlayingOut { .. } | Stage::Dialing { .. } => Route::Hold,
            Stage::Over => Route::Drop,
        }
    }

    /// The agent speaks: `micros` microseconds of sound with the vendor's number `event`.
    pub(crate) fn on_speech(
        &mut self,
        event: u64,
        micros: u64,
        now: Timestamp,
        out: &mut Vec<Action>,
    ) -> Sound {
        match self.stage {
            Stage::Live { .. } | Stage::Closing { .. } => {}
            Stage::Screening { .. }
            | Stage::PlayingOut { .. }
            | Stage::Dialing { .. }
            | Stage::Transferring { .. }
            | Stage::Grace { .. }
            | Stage::Over => return Sound::Drop,
        }
        let began = !self.playback.is_playing();
        let sound = self.playback.sound(event, micros, now);
        if sound == Sound::Drop {
            return sound;
        }
        self.doubt = None;
        self.usage.audio_out_millis += micros / 1_000;
        self.silence.broken(now);
        if began {
            self.tell(now, out);
        }
        if let Stage::Closing { until, begun, .. } = &mut self.stage {
            *begun = true;
            *until = (*until).max(ending::bound(&self.playback, now));
        }
        sound
    }

    /// Something from the contact's side. Audio is [`Call::on_voice`]'s.
    pub(crate) fn on_carrier(&mut self, event: CarrierEvent, now: Timestamp, out: &mut Vec<Action>) {
        if self.stage == Stage::Over {
            return;
        }
        match event {
            CarrierEvent::Audio(_) => {}
            CarrierEvent::Played(mark) => {
                let playing = self.playback.is_playing();
                self.playback.played(mark, now);
                if playing && !self.playback.is_playing() {
                    self.silence.begins(now);
                }
                self.tell(now, out);
                self.after_words(now, out);
            }
            CarrierEvent::Digit(key) => self.pressed(key, now, out),
            CarrierEvent::Typed(text) => self.typed(text, now, out),
            CarrierEvent::Hangup => self.hung_up(now, out),
        }
    }

    /// Something from the agent. Audio is [`Call::on_speech`]'s.
    pub(crate) fn on_agent(&mut self, event: AgentEvent, now: Timestamp, out: &mut Vec<Action>) {
        if self.stage == Stage::Over {
            return;
        }
        match event {
            AgentEvent::Audio { .. } => {}
            AgentEvent::Ready { conversation, .. } => self.ready(conversation, now, out),
            AgentEvent::Said(said) => {
                let text = said.text.trim();
                if !text.is_empty() {
                    self.doubt = None;
                    let thinking = self.heard_at.take().map(|since| span(now, since));
                    let tools = self.tools_took.take().map(|took| u32::try_from(took).unwrap_or(u32::MAX));
                    let latency = TurnLatency { thinking, speaking: None, tools };
                    self.playback.said(said.event, text.to_owned(), latency, now);
                    out.push(Action::Caption {
                        speaker: Speaker::Agent,
                        text: text.to_owned(),
                        settled: true,
                    });
                    self.tell(now, out);
                }
            }
            AgentEvent::Corrected(corrected) => {
                self.playback.correct(corrected.text);
                self.tell(now, out);
            }
            AgentEvent::Heard(heard) => self.heard(bounded(heard.text, LONGEST_TEXT).trim(), now, out),
            AgentEvent::Hearing(text) => self.hearing(text, now, out),
            AgentEvent::Interrupted { event } => self.interrupted(event, now, out),
            AgentEvent::Tool(call) => self.tool(call, now, out),
            AgentEvent::Goodbye => self.goodbye(now, out),
            AgentEvent::Gone(fault) => self.gone(fault, now, out),
        }
    }

    fn ready(&mut self, conversation: String, now: Timestamp, out: &mut Vec<Action>) {
        let Stage::Dialing { .. } = self.stage else { return };
        self.stage = Stage::Live { since: now };
        self.agent = true;
        self.usage.dials += 1;
        self.silence.begins(now);
        out.push(Action::Connected { conversation: bounded(conversation, LONGEST_ID) });
        if !self.connected {
            self.connected = true;
            let (origin, direction) = (self.setup.origin.clone(), self.direction);
            out.push(Action::Tell(CallNews::Connected { origin, direction }));
        }
        out.push(Action::Release);
        self.release_notes(out);
    }

    fn tool(&mut self, call: ToolCall, now: Timestamp, out: &mut Vec<Action>) {
        self.doubt = None;
        self.playback.close();
        let ToolCall { id, name, parameters } = call;
        if id.len() > LONGEST_ID || self.tools.iter().any(|pending| pending.id == id) {
            return;
        }
        self.usage.tools += 1;
        let fail = |id, result: String| Action::Result(ToolResult { id, result, is_error: true });
        match Tool::parse(&name, &parameters) {
            Err(error) => out.push(fail(id, tools::refuse(&error).json)),
            Ok(Tool::Transfer { .. }) if self.setup.people.anybody.is_none() => {
                out.push(fail(id, say::NOBODY.to_owned()));
            }
            Ok(_) if self.tools.len() == MOST_TOOLS => out.push(fail(id, say::TOO_MANY.to_owned())),
            Ok(tool) => {
                let tool = self.about_what_is_asked(tool);
                let due = now.plus_millis(self.setup.limits.tool);
                self.tools.push(PendingTool { id: id.clone(), since: now, due });
                out.push(Action::Use { id, tool });
            }
        }
    }

    /// An answer without its question is about the question that is asked now, also if it is carried out late: it must not
    /// become the answer to the next one. Of several at once only the first is: the others are about what follows.
    fn about_what_is_asked(&self, tool: Tool) -> Tool {
        match tool {
            Tool::RecordAnswer { field: None, value } if self.tools.is_empty() => {
                Tool::RecordAnswer { field: self.asked.as_ref().map(|asked| asked.field.clone()), value }
            }
            tool => tool,
        }
    }

    /// What the session asks now.
    pub(crate) fn on_question(&mut self, asked: Option<Question>) {
        self.asked = asked;
    }

    /// The filler is being played, for so many microseconds.
    pub(crate) fn on_filler(&mut self, micros: u64, now: Timestamp) {
        self.playback.aside(micros, now);
    }

    fn gone(&mut self, fault: Fault, now: Timestamp, out: &mut Vec<Action>) {
        self.forget_agent();
        match self.stage {
            Stage::Live { .. } | Stage::Dialing { .. } => match fault {
                // Nobody has said anything yet: that is no goodbye.
                Fault::Ended if matches!(self.stage, Stage::Dialing { .. }) => {
                    self.unavailable("it closed before it was ready".to_owned(), now, out);
                }
                Fault::Ended => {
                    out.push(Action::CloseAgent);
                    self.goodbye_now(now, out);
                }
                Fault::Lost(reason) => self.lost(reason, now, out),
                Fault::Refused(reason) => self.unavailable(reason, now, out),
            },
            Stage::Closing { .. } => {
                out.push(Action::CloseAgent);
                self.no_more_words(now, out);
            }
            Stage::Grace { .. } => self.end(CallEnd::ContactHungUp, now, out),
            Stage::Transferring { .. } | Stage::PlayingOut { .. } | Stage::Screening { .. } | Stage::Over => {
            }
        }
    }

    /// The agent broke off, or was not reached: once more, unless that happened just before.
    fn lost(&mut self, reason: String, now: Timestamp, out: &mut Vec<Action>) {
        if let Stage::Live { since } = self.stage
            && now.millis_since(since) >= LASTED_MILLIS
        {
            self.failures = 0;
        }
        self.failures += 1;
        self.forget_agent();
        if self.failures > 1 {
            return self.unavailable(reason, now, out);
        }
        out.push(Action::CloseAgent);
        let remaining = self.playback.remaining(now) / 1_000;
        if remaining == 0 && !self.playback.is_playing() {
            return self.dial(now, out);
        }
        if remaining <= PLAYED_OUT_MILLIS {
            out.extend(self.playback.mark_end().map(Action::Mark));
            self.stage = Stage::PlayingOut { until: ending::bound(&self.playback, now) };
        } else {
            self.cut(now, out);
            self.dial(now, out);
        }
    }

    /// Whatever comes from an agent next comes from another, who numbers its events afresh and knows of no tool.
    fn forget_agent(&mut self) {
        self.agent = false;
        self.tools.clear();
        self.doubt = None;
        self.playback.close();
        self.playback.forget_events();
    }

    fn dial(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        self.playback.settle_cut();
        self.tell(now, out);
        if self.connected {
            out.push(Action::Filler);
        }
        self.stage = Stage::Dialing { until: now.plus_millis(self.setup.limits.dial) };
        out.push(Action::Dial);
    }

    /// The agent will not talk: the contact gets the questions another way.
    fn unavailable(&mut self, reason: String, now: Timestamp, out: &mut Vec<Action>) {
        out.push(Action::Escalate(EscalationReason::VoiceUnavailable));
        self.hand_over(Handover::AgentUnavailable(reason), now, out);
    }

    /// Something that was asked for is done.
    pub(crate) fn on_outside(&mut self, outcome: Done, now: Timestamp, out: &mut Vec<Action>) {
        match outcome {
            Done::Briefed { utterances, turn, contact_said } => {
                self.playback.count_from(utterances);
                self.held.briefed(turn, contact_said);
            }
            Done::NotDialed(refusal) => {
                if let Stage::Dialing { .. } = self.stage {
                    match refusal {
                        Refusal::Unreachable(reason) => self.lost(reason, now, out),
                        Refusal::Refused(reason) => self.unavailable(reason, now, out),
                    }
                }
            }
            Done::Used { id, tool, answer, withdrawn } => {
                self.used(&id, &tool, answer, now, out);
                if withdrawn {
                    self.withdrawn(now, out);
                }
            }
            Done::Entered { entry, private, answer, turn, withdrawn } => {
                let message = match (private, answer.is_some()) {
                    (true, true) => say::ENTERED.to_owned(),
                    (true, false) => say::NOT_TAKEN.to_owned(),
                    (false, true) => say::typed(&entry.text),
                    (false, false) => say::pressed(&entry.text),
                };
                let context = answer.map(|answer| ("keypad", answer.json));
                let turn = turn.filter(|_| context.is_some());
                self.inform(Note { turn, context, message: Some(message) }, out);
                if withdrawn {
                    self.withdrawn(now, out);
                }
            }
            Done::Transferred(answer) => self.transferred(answer, now, out),
        }
    }

    /// Answers a tool. Of one that was said to have failed, and took effect after all, the agent must know: otherwise it
    /// does it again.
    fn used(&mut self, id: &str, tool: &Tool, answer: ToolAnswer, now: Timestamp, out: &mut Vec<Action>) {
        let Some(at) = self.tools.iter().position(|pending| pending.id == id) else {
            // An agent that was lost meanwhile has a successor, whose briefing knows it.
            if let (Stage::Live { .. } | Stage::Closing { .. }, false) = (&self.stage, answer.is_error) {
                out.push(Action::Context { id: "late", text: say::late(&answer.json) });
            }
            return;
        };
        let pending = self.tools.swap_remove(at);
        *self.tools_took.get_or_insert(0) += now.millis_since(pending.since);
        let ToolAnswer { json, is_error } = answer;
        out.push(Action::Result(ToolResult { id: pending.id, result: json, is_error }));
        match tool {
            Tool::EndCall { .. } if !is_error => self.close_call(now, out),
            Tool::Transfer { to } if !is_error => self.close_for_a_person(to.as_deref(), now, out),
            Tool::EndCall { .. }
            | Tool::Transfer { .. }
            | Tool::GetNextQuestion
            | Tool::RecordAnswer { .. }
            | Tool::CorrectAnswer { .. }
            | Tool::AnswerQuestion { .. }
            | Tool::Escalate { .. } => {}
        }
    }

    /// The contact withdrew consent on this call: what the agent was told to say is the last thing that is said.
    fn withdrawn(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        match self.stage {
            Stage::Live { .. } | Stage::Closing { .. } => self.goodbye(now, out),
            Stage::Screening { .. } | Stage::PlayingOut { .. } | Stage::Dialing { .. } => {
                self.end(CallEnd::Finished, now, out);
            }
            Stage::Transferring { .. } | Stage::Grace { .. } | Stage::Over => {}
        }
    }

    /// News from the session.
    pub(crate) fn on_session(&mut self, news: SessionNews, now: Timestamp, out: &mut Vec<Action>) {
        match news {
            SessionNews::Elsewhere { turn, context, message } => {
                if let Stage::Live { .. } | Stage::Closing { .. } = self.stage {
                    self.contact_is_there(now);
                }
                let note = Note { turn: Some(turn), context: Some(("session", context)), message };
                self.inform(note, out);
            }
            SessionNews::Stop if self.stage == Stage::Over => {}
            SessionNews::Stop => {
                self.cut(now, out);
                self.end(CallEnd::Finished, now, out);
            }
        }
    }

    /// A person answered, or nobody will say: the agent hears the contact from here on.
    fn listen(&mut self, out: &mut Vec<Action>) {
        if self.unsure.take().is_some() && matches!(self.stage, Stage::Live { .. } | Stage::Closing { .. }) {
            out.push(Action::Release);
        }
    }

    /// Throws away what was not played.
    fn cut(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if self.playback.is_playing() {
            out.push(Action::Clear);
        }
        self.playback.cut(now);
    }

    /// Passes on what became certain about the agent's words.
    fn tell(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        let usage = &mut self.usage;
        self.playback.tell(now, self.stage == Stage::Over, |news| {
            if let CallNews::Spoke { latency, .. } = &news
                && usage.turns.len() < CallUsage::MAX_TURNS
            {
                usage.turns.push(*latency);
            }
            out.push(Action::Tell(news));
        });
    }

    /// After a panic: nothing more is wanted.
    pub(crate) fn give_up(&mut self) {
        self.stage = Stage::Over;
    }

    /// What was used so far.
    pub(crate) fn usage(&self, now: Timestamp) -> CallUsage {
        let millis = u64::try_from(now.millis_since(self.began)).unwrap_or(0);
        CallUsage { millis, utterances: self.playback.utterances(), ..self.usage.clone() }
    }
}

fn span(now: Timestamp, since: Timestamp) -> u32 {
    u32::try_from(now.millis_since(since).max(0)).unwrap_or(u32::MAX)
}
