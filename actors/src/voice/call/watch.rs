//! What happens when nothing happens: deadlines.

use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallEnd, ToolResult};

use super::words::say;
use super::{Action, Call, Stage};

/// The agent is told so long before the longest call ends.
const WARNING_MILLIS: i64 = 30_000;

/// How long both sides have been silent, not counting the time in which the agent speaks: an agent that asks again and
/// again whether somebody is there does not keep a dead line open.
#[derive(Debug)]
pub(super) struct Silence {
    since: Option<Timestamp>,
    before: i64,
    asked: bool,
}

impl Silence {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { since: Some(now), before: 0, asked: false }
    }

    /// Nothing is heard any more.
    pub(super) fn begins(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    /// The agent speaks.
    pub(super) const fn broken(&mut self, now: Timestamp) {
        if let Some(since) = self.since.take() {
            self.before += now.millis_since(since);
        }
    }

    /// The contact does something.
    pub(super) const fn ended_by_contact(&mut self, now: Timestamp, agent_speaks: bool) {
        self.before = 0;
        self.asked = false;
        self.since = if agent_speaks { None } else { Some(now) };
    }

    /// Something else takes time.
    pub(super) const fn postpone(&mut self, now: Timestamp) {
        self.before = 0;
        self.since = Some(now);
    }

    fn due(&self, longest: i64) -> Option<Timestamp> {
        let longest = if self.asked { longest * 2 } else { longest };
        self.since.map(|since| since.plus_millis(longest - self.before))
    }
}

/// How near the longest call is to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeLeft {
    Plenty,
    /// The agent was told.
    Little,
    /// The agent is saying goodbye.
    None,
}

impl Call {
    /// When [`Call::on_timer`] wants to be called; `None` when the call is over. It may be called earlier or more often.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let stage = match self.stage {
            Stage::Over => return None,
            Stage::Live { .. } => {
                let silence = self.silence.due(self.setup.limits.silence);
                silence.into_iter().chain(self.playback.late_due()).min()
            }
            Stage::Screening { until }
            | Stage::PlayingOut { until }
            | Stage::Dialing { until }
            | Stage::Closing { until, .. }
            | Stage::Transferring { until, .. }
            | Stage::Grace { until, .. } => Some(until),
        };
        let tool = self.tools.iter().map(|tool| tool.due).min();
        let playback = [self.playback.tail_due(), self.playback.due()];
        [stage, tool, self.doubt, self.unsure, self.keys.due(), Some(self.time_due())]
            .into_iter()
            .chain(playback)
            .flatten()
            .min()
    }

    /// When the contact was first connected, whatever attachment that was.
    pub(super) fn connected_at(&self) -> Timestamp {
        self.setup.began.unwrap_or(self.began)
    }

    /// The next step towards the end of the longest call.
    fn time_due(&self) -> Timestamp {
        let limits = &self.setup.limits;
        self.connected_at().plus_millis(match self.time {
            TimeLeft::Plenty => limits.longest - WARNING_MILLIS,
            TimeLeft::Little => limits.longest,
            TimeLeft::None => limits.utmost(),
        })
    }

    /// Does what is due.
    pub(crate) fn on_timer(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if self.stage == Stage::Over {
            return;
        }
        if self.playback.tail_due().is_some_and(|due| due <= now) {
            out.extend(self.playback.mark_end().map(Action::Mark));
        }
        if matches!(self.stage, Stage::Live { .. }) && self.playback.late_due().is_some_and(|due| due <= now)
        {
            // Marks that are lost must not keep a line open on which nobody says anything.
            self.playback.give_up_marks();
            self.silence.begins(now);
        }
        self.tell(now, out);
        if self.unsure.is_some_and(|due| due <= now) {
            self.listen(out);
        }
        if self.keys.due().is_some_and(|due| due <= now) {
            out.extend(self.keys.take().map(Action::Enter));
        }
        for late in self.tools.extract_if(.., |tool| tool.due <= now) {
            out.push(Action::Result(ToolResult {
                id: late.id,
                result: say::TOO_SLOW.to_owned(),
                is_error: true,
            }));
        }
        if self.doubt.is_some_and(|due| due <= now) {
            self.doubt = None;
            out.push(Action::Message(say::go_on(self.playback.last_heard())));
        }
        while self.stage != Stage::Over && self.time_due() <= now {
            self.time_passes(now, out);
        }
        self.stage_due(now, out);
    }

    fn time_passes(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        match self.time {
            TimeLeft::Plenty => {
                self.time = TimeLeft::Little;
                if self.time_due() > now {
                    out.push(Action::Context { id: "time", text: say::ENDING_SOON.to_owned() });
                }
            }
            TimeLeft::Little => {
                self.time = TimeLeft::None;
                match self.stage {
                    Stage::Live { .. } => self.close_asking(say::TIME_IS_UP, CallEnd::TooLong, now, out),
                    Stage::Screening { .. } | Stage::PlayingOut { .. } | Stage::Dialing { .. } => {
                        self.end(CallEnd::TooLong, now, out);
                    }
                    // These end by themselves, soon.
                    Stage::Closing { .. }
                    | Stage::Transferring { .. }
                    | Stage::Grace { .. }
                    | Stage::Over => {}
                }
            }
            TimeLeft::None => self.end(CallEnd::TooLong, now, out),
        }
    }

    fn stage_due(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        match self.stage {
            Stage::Screening { until } if until <= now => self.dial(now, out),
            Stage::PlayingOut { until } if until <= now => {
                self.cut(now, out);
                self.dial(now, out);
            }
            Stage::Dialing { until } if until <= now => {
                self.lost("it did not answer in time".to_owned(), now, out);
            }
            Stage::Closing { until, .. } if until <= now => self.conclude(now, out),
            Stage::Transferring { until, unsure, .. } if until <= now => self.transfer_due(unsure, now, out),
            Stage::Grace { until, heard } if until <= now => {
                match self.tools.iter().map(|tool| tool.due).max() {
                    Some(until) => self.stage = Stage::Grace { until, heard },
                    None => self.end(CallEnd::ContactHungUp, now, out),
                }
            }
            Stage::Live { .. } => self.silent(now, out),
            Stage::Screening { .. }
            | Stage::PlayingOut { .. }
            | Stage::Dialing { .. }
            | Stage::Closing { .. }
            | Stage::Transferring { .. }
            | Stage::Grace { .. }
            | Stage::Over => {}
        }
    }

    /// Both sides are silent: ask once, then end.
    fn silent(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if self.silence.due(self.setup.limits.silence).is_none_or(|due| due > now) {
            return;
        }
        if !self.tools.is_empty() {
            self.silence.postpone(now);
        } else if self.silence.asked {
            self.close_asking(say::NOBODY_THERE, CallEnd::Finished, now, out);
        } else {
            self.silence.asked = true;
            out.push(Action::Message(say::STILL_THERE.to_owned()));
        }
    }
}
