//! What the contact does: speaks, types, presses keys, and speaks over the agent.

use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallNews, asks_for_help};

use super::held::Note;
use super::keys::Pressed;
use super::playback::LONGEST_TEXT;
use super::words::bounded;
use super::{Action, Call, Entry, Stage};
use crate::voice::ports::Speaker;

/// The agent gets so long to use a tool for last words that were recognised after the contact had hung up.
const LAST_ANSWER_MILLIS: i64 = 4_000;

impl Call {
    /// A key of the telephone.
    pub(super) fn pressed(&mut self, key: char, now: Timestamp, out: &mut Vec<Action>) {
        self.contact_is_there(now);
        match self.keys.press(key, self.asked.as_ref(), now, self.setup.limits.digits) {
            Pressed::Pending => out.push(Action::Active),
            Pressed::Number(entry) => out.push(Action::Enter(entry)),
            Pressed::Pound => {
                if self.setup.people.emergency.as_ref().is_some_and(|emergency| emergency.pound_key) {
                    self.emergency(now, out);
                }
            }
        }
    }

    /// The contact typed instead of speaking. What answers a private question goes to the session and to nobody else.
    pub(super) fn typed(&mut self, text: String, now: Timestamp, out: &mut Vec<Action>) {
        self.contact_said(&text, now, out);
        let help = self.asks_for_help(&text);
        match &self.asked {
            Some(asked) if asked.private && !help => {
                out.push(Action::Enter(Entry { text, keyed: false, asked: Some(asked.clone()) }));
            }
            Some(_) | None => {
                out.push(Action::Tell(CallNews::Heard { text: text.clone() }));
                self.inform(Note::saying(text), out);
            }
        }
        if help {
            self.emergency(now, out);
        }
    }

    /// The contact's words, recognised and final.
    pub(super) fn heard(&mut self, text: &str, now: Timestamp, out: &mut Vec<Action>) {
        if text.is_empty() {
            return;
        }
        self.contact_said(text, now, out);
        out.push(Action::Tell(CallNews::Heard { text: text.to_owned() }));
        if let Stage::Grace { until, heard: heard @ false } = &mut self.stage {
            (*until, *heard) = ((*until).max(now.plus_millis(LAST_ANSWER_MILLIS)), true);
        }
        if self.asks_for_help(text) {
            self.emergency(now, out);
        }
    }

    /// The contact's words so far.
    pub(super) fn hearing(&mut self, text: String, now: Timestamp, out: &mut Vec<Action>) {
        self.hears_along = true;
        self.contact_is_there(now);
        self.contact_speaks(now);
        let text = bounded(text, LONGEST_TEXT);
        out.push(Action::Caption { speaker: Speaker::Contact, text, settled: false });
    }

    /// The contact has said something, in whichever way.
    fn contact_said(&mut self, text: &str, now: Timestamp, out: &mut Vec<Action>) {
        self.contact_is_there(now);
        self.heard_at = Some(now);
        self.usage.heard += 1;
        self.playback.close();
        self.playback.settle_cut();
        self.tell(now, out);
        out.push(Action::Caption { speaker: Speaker::Contact, text: text.to_owned(), settled: true });
        if let Stage::Closing { cancellable: true, .. } = self.stage {
            // "Wait, one more thing": the goodbye was too early.
            self.stage = Stage::Live { since: now };
        }
    }

    fn asks_for_help(&self, text: &str) -> bool {
        let emergency = self.setup.people.emergency.as_ref();
        emergency.is_some_and(|emergency| asks_for_help(text, &emergency.keywords))
    }

    /// The contact speaks, and it is not known yet what: a goodbye waits for their words, which may take it back.
    fn contact_speaks(&mut self, now: Timestamp) {
        let last_words = self.setup.limits.last_words;
        if let Stage::Closing { until, begun, cancellable: true, .. } = &mut self.stage {
            (*until, *begun) = ((*until).max(now.plus_millis(last_words)), false);
        }
    }

    /// The contact speaks over the agent.
    pub(super) fn interrupted(&mut self, event: u64, now: Timestamp, out: &mut Vec<Action>) {
        self.usage.interruptions += 1;
        self.contact_speaks(now);
        if self.playback.is_protected() {
            return;
        }
        let cut_short = self.playback.is_playing();
        self.playback.interrupt(event, now);
        out.push(Action::Clear);
        if cut_short {
            // Without words told as they are recognised, a long sentence looks like none.
            let patience = self.setup.limits.doubt * if self.hears_along { 1 } else { 3 };
            self.doubt = Some(now.plus_millis(patience));
            self.silence.begins(now);
        }
        self.tell(now, out);
    }

    pub(super) fn contact_is_there(&mut self, now: Timestamp) {
        self.doubt = None;
        self.silence.ended_by_contact(now, self.playback.is_playing());
    }
}
