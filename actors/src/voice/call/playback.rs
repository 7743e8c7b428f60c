//! What was sent to be played, what of it was played, and so which of the agent's words were heard.
//!
//! All audio sent lies on one line of microseconds. Marks say how far along it the contact has heard; between two marks
//! the clock does, but never beyond a mark that is still out. An utterance is a stretch of the line with a text. Words are
//! told apart by time: of a text of which a third of the sound was played, a third was heard, to the last whole word.

use std::collections::VecDeque;

use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallNews, TurnLatency, sentence_ends};

use super::ending::LATE_MARK_MILLIS;
use super::words::{bounded, spoken_prefix};

/// Audio between two marks.
const MARK_EVERY: u64 = 250_000;
/// A pause of the agent's audio after which its end is marked.
pub(super) const TAIL_MILLIS: i64 = 200;
/// Marks that may be out: two minutes of audio. Beyond it marks are left out, not audio.
const MOST_MARKS: usize = 480;
/// Utterances that may be unfinished.
const MOST_UTTERANCES: usize = 16;
/// The longest text of one utterance, in bytes.
pub(super) const LONGEST_TEXT: usize = 8_000;
/// No more audio for so long before an interruption: all of the utterance's audio was there.
const COMPLETE_AFTER: i64 = 500;
/// The agent's own word on what was spoken is waited for so long.
pub(super) const CORRECTION_MILLIS: i64 = 800;
/// Microseconds one character takes to say, before the agent's own pace is known.
const USUAL_PACE: u64 = 65_000;
/// Words without any sound for so long are told anyway.
pub(super) const SILENT_WORDS_MILLIS: i64 = 2_000;

#[derive(Debug)]
struct Mark {
    number: u64,
    position: u64,
}

/// Where an utterance was broken off.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at: Timestamp,
    /// Microseconds of it that were heard.
    heard: u64,
    /// Microseconds it would have taken.
    whole: u64,
}

/// What became of an utterance.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Not known yet.
    Open,
    /// All of it was heard.
    Heard,
    /// It was broken off.
    Cut(Cut),
}

#[derive(Debug)]
struct Utterance {
    /// Its number on the call, once it has a text.
    number: u32,
    /// The vendor's number of its text.
    event: u64,
    /// The vendor's number of its newest audio.
    last_audio_event: u64,
    text: String,
    /// Characters of it.
    chars: u64,
    /// Characters up to the end of the next sentence that is not known to have been heard, unless that is its last. Counted
    /// once: it is asked for with every frame.
    next: Option<u64>,
    begin: u64,
    end: u64,
    said: Option<Timestamp>,
    sounded: Option<Timestamp>,
    latency: TurnLatency,
    /// The turn passed to somebody else: audio with a newer number is another utterance.
    closed: bool,
    /// The session knows its text.
    told: bool,
    protected: bool,
    fate: Fate,
    correction: Option<String>,
    /// Bytes of the text that the session knows were heard.
    known: usize,
}

/// What becomes of a piece of the agent's voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sound {
    /// It is stale.
    Drop,
    /// It is to be played.
    Play {
        /// The mark that follows it.
        mark: Option<u64>,
    },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Playback {
    utterances: VecDeque<Utterance>,
    marks: VecDeque<Mark>,
    next_mark: u64,
    sent: u64,
    heard: u64,
    /// The instant at which a position was being played.
    anchor: Option<(Timestamp, u64)>,
    unmarked: u64,
    /// The last mark stands at the end of what was sent, after a pause.
    tail_marked: bool,
    last_audio: Timestamp,
    /// Audio with a number up to it is stale.
    stale: Option<u64>,
    /// The number of the last utterance.
    number: u32,
    protected: u32,
    pace: u64,
    last_heard: String,
    /// Whoever has the call next says the rest.
    goes_on: bool,
}

impl Playback {
    pub(super) fn new(protected: u32, now: Timestamp) -> Self {
        Self {
            utterances: VecDeque::new(),
            marks: VecDeque::new(),
            next_mark: 1,
            sent: 0,
            heard: 0,
            anchor: None,
            unmarked: 0,
            tail_marked: false,
            last_audio: now,
            stale: None,
            number: 0,
            protected,
            pace: USUAL_PACE,
            last_heard: String::new(),
            goes_on: false,
        }
    }

    /// What was broken off is not over: the call goes on elsewhere, from there.
    pub(super) const fn goes_on(&mut self) {
        self.goes_on = true;
    }

    /// Utterances of the call before this attachment, none of which is protected any more.
    pub(super) const fn count_from(&mut self, number: u32) {
        if number > self.number {
            self.number = number;
        }
        if number > 0 {
            self.protected = 0;
        }
    }

    pub(super) const fn utterances(&self) -> u32 {
        self.number
    }

    /// Another conversation numbers its events afresh.
    pub(super) const fn forget_events(&mut self) {
        self.stale = None;
    }

    /// A piece of the agent's voice of so many microseconds. Answers whether it is to be played and the mark to follow.
    pub(super) fn sound(&mut self, event: u64, micros: u64, now: Timestamp) -> Sound {
        if self.stale.is_some_and(|stale| event <= stale) {
            return Sound::Drop;
        }
        if !self.is_playing() {
            self.anchor = Some((now, self.sent));
        }
        let another = self
            .utterances
            .back()
            .is_none_or(|current| !current.is_open() || (current.closed && event > current.last_audio_event));
        if another {
            self.begin();
        }
        self.sent += micros;
        self.unmarked += micros;
        self.tail_marked = false;
        self.last_audio = now;
        let end = self.sent;
        if let Some(current) = self.utterances.back_mut() {
            current.last_audio_event = event;
            current.end = end;
            if current.sounded.is_none() {
                current.sounded = Some(now);
            }
        }
        let due = self.unmarked >= MARK_EVERY && self.marks.len() < MOST_MARKS;
        Sound::Play { mark: due.then(|| self.place_mark()) }
    }

    /// Sound that holds no words of the agent's: it takes its time on the line, and nothing is heard of it.
    pub(super) fn aside(&mut self, micros: u64, now: Timestamp) {
        if !self.is_playing() {
            self.anchor = Some((now, self.sent));
        }
        self.sent += micros;
        self.unmarked += micros;
        self.tail_marked = false;
        self.last_audio = now;
    }

    fn begin(&mut self) -> &mut Utterance {
        if self.utterances.len() == MOST_UTTERANCES {
            self.utterances.pop_front();
        }
        self.utterances.push_back(Utterance {
            number: 0,
            event: 0,
            last_audio_event: 0,
            text: String::new(),
            chars: 0,
            next: None,
            begin: self.sent,
            end: self.sent,
            said: None,
            sounded: None,
            latency: TurnLatency::default(),
            closed: false,
            told: false,
            protected: self.number < self.protected,
            fate: Fate::Open,
            correction: None,
            known: 0,
        });
        let last = self.utterances.len() - 1;
        &mut self.utterances[last]
    }

    /// The agent's words: those of the utterance that is sounding already, or of the next.
    pub(super) fn said(&mut self, event: u64, text: String, latency: TurnLatency, now: Timestamp) {
        let text = bounded(text, LONGEST_TEXT).trim().to_owned();
        let number = self.number + 1;
        let known = self.utterances.back().is_some_and(|current| {
            let replaced = current.event == event && !current.told && current.is_open();
            !current.is_cut() && (current.text.is_empty() || replaced)
        });
        let begun = if known {
            let last = self.utterances.len() - 1;
            &mut self.utterances[last]
        } else {
            self.begin()
        };
        begun.set_text(text);
        begun.event = event;
        begun.said = Some(now);
        begun.latency = latency;
        if begun.number == 0 {
            begun.number = number;
            self.number = number;
        }
    }

    /// The turn passes to the contact, or to a tool.
    pub(super) fn close(&mut self) {
        if let Some(current) = self.utterances.back_mut() {
            current.closed = true;
        }
    }

    fn place_mark(&mut self) -> u64 {
        let number = self.next_mark;
        self.next_mark += 1;
        self.unmarked = 0;
        self.marks.push_back(Mark { number, position: self.sent });
        number
    }

    /// A mark at the end of what was sent, if there is none.
    pub(super) fn mark_end(&mut self) -> Option<u64> {
        if self.unmarked == 0 {
            self.tail_marked = true;
            return None;
        }
        let mark = self.place_mark();
        self.tail_marked = true;
        Some(mark)
    }

    /// When the end of what was sent should be marked.
    pub(super) fn tail_due(&self) -> Option<Timestamp> {
        let open = !self.tail_marked && self.is_playing();
        open.then(|| self.last_audio.plus_millis(TAIL_MILLIS))
    }

    /// A mark came back. One that is not out (cleared, or never sent) says nothing.
    pub(super) fn played(&mut self, number: u64, now: Timestamp) {
        if !self.marks.iter().any(|mark| mark.number == number) {
            return;
        }
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.number <= number) {
            self.heard = mark.position;
        }
        self.anchor = self.is_playing().then_some((now, self.heard));
    }

    /// When marks that are still out will not come back: long after everything was played, by the clock.
    pub(super) fn late_due(&self) -> Option<Timestamp> {
        let (since, from) = self.anchor.filter(|_| self.tail_marked)?;
        let millis = i64::try_from((self.sent - from).div_ceil(1_000)).ok()?;
        Some(since.plus_millis(millis).plus_millis(LATE_MARK_MILLIS))
    }

    /// Everything sent counts as played; marks that are out say nothing any more.
    pub(super) fn give_up_marks(&mut self) {
        self.heard = self.sent;
        self.marks.clear();
        self.anchor = None;
    }

    /// Whether sound is known to be under way.
    pub(super) const fn is_playing(&self) -> bool {
        self.heard < self.sent
    }

    /// Microseconds that are still to be played.
    pub(super) fn remaining(&self, now: Timestamp) -> u64 {
        self.sent - self.position(now)
    }

    /// How far the contact has heard: at least to the last mark that came back, at most to the first that did not.
    fn position(&self, now: Timestamp) -> u64 {
        let Some((since, from)) = self.anchor else { return self.heard };
        let elapsed = u64::try_from(now.millis_since(since)).unwrap_or(0).saturating_mul(1_000);
        let limit = self.marks.front().map_or(self.sent, |mark| mark.position);
        from.saturating_add(elapsed).min(limit).max(self.heard)
    }

    /// Whether what is being played must not be cut.
    pub(super) fn is_protected(&self) -> bool {
        self.is_playing()
            && self.utterances.iter().any(|current| current.protected && current.end > self.heard)
    }

    /// The contact interrupted at this event: what is not played yet will not be.
    pub(super) fn interrupt(&mut self, event: u64, now: Timestamp) {
        self.stale = Some(self.stale.map_or(event, |stale| stale.max(event)));
        self.cut(now);
    }

    /// Whatever is not played yet will not be: `clear` was sent, or the line broke. Marks that are out say nothing.
    pub(super) fn cut(&mut self, now: Timestamp) {
        let position = self.position(now);
        let complete = self.complete_at() <= now;
        let pace = self.pace;
        for current in self.utterances.iter_mut().filter(|current| current.is_open()) {
            let sent = current.end - current.begin;
            let expected = current.chars * pace;
            current.fate = Fate::Cut(Cut {
                at: now,
                heard: position.clamp(current.begin, current.end) - current.begin,
                whole: if complete { sent } else { sent.max(expected) },
            });
        }
        self.heard = self.sent;
        self.marks.clear();
        self.anchor = None;
        self.unmarked = 0;
        self.tail_marked = true;
    }

    /// The agent's own word on how much of an interrupted utterance was spoken.
    pub(super) fn correct(&mut self, text: String) {
        let text = bounded(text, LONGEST_TEXT);
        if let Some(current) = self.utterances.iter_mut().rev().find(|current| !current.text.is_empty()) {
            current.correction = Some(text);
        }
    }

    /// The agent's own word on what was interrupted is not waited for any longer.
    pub(super) fn settle_cut(&mut self) {
        for current in &mut self.utterances {
            if let Fate::Cut(cut) = &mut current.fate {
                cut.at = cut.at.plus_millis(-CORRECTION_MILLIS);
            }
        }
    }

    /// The last words that were heard.
    pub(super) fn last_heard(&self) -> &str {
        &self.last_heard
    }

    /// When all of the sound of what the agent says must have arrived.
    const fn complete_at(&self) -> Timestamp {
        self.last_audio.plus_millis(COMPLETE_AFTER)
    }

    /// When [`Playback::tell`] has something to say without anything else happening.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let cut = self.utterances.iter().filter_map(|current| match current.fate {
            Fate::Cut(cut) => Some(cut.at.plus_millis(CORRECTION_MILLIS)),
            Fate::Open | Fate::Heard => None,
        });
        let silent = self.utterances.back().filter(|current| !current.told && current.sounded.is_none());
        let silent = silent.and_then(|current| Some(current.said?.plus_millis(SILENT_WORDS_MILLIS)));
        cut.chain(silent).chain(self.next_sentence_due()).min()
    }

    /// When the next sentence will have been heard, by the clock.
    fn next_sentence_due(&self) -> Option<Timestamp> {
        let last = self.utterances.len().checked_sub(1)?;
        let soonest = |(index, current): (usize, &Utterance)| {
            let due = self.reached_at(current.next_sentence(0)?)?;
            if index < last || due >= self.complete_at() {
                return Some(due);
            }
            let if_more_comes =
                current.next_sentence(self.pace).and_then(|position| self.reached_at(position));
            Some(if_more_comes.map_or(self.complete_at(), |due| due.min(self.complete_at())))
        };
        self.utterances.iter().enumerate().filter_map(soonest).min()
    }

    /// When this position will have been heard; `None` when only a mark can tell.
    fn reached_at(&self, position: u64) -> Option<Timestamp> {
        let (since, from) = self.anchor?;
        let limit = self.marks.front().map_or(self.sent, |mark| mark.position);
        let millis = i64::try_from(position.saturating_sub(from).div_ceil(1_000)).ok()?;
        (position <= limit).then(|| since.plus_millis(millis))
    }

    /// Passes on what became certain: texts that sound, and how much of them was heard. With `all`, nothing is waited for
    /// any more.
    pub(super) fn tell(&mut self, now: Timestamp, all: bool, mut news: impl FnMut(CallNews)) {
        let ended = !self.is_playing() && self.tail_marked;
        let last = self.utterances.len().saturating_sub(1);
        let (heard, pace, goes_on) = (self.heard, self.pace, self.goes_on);
        let (position, complete) = (self.position(now), self.complete_at() <= now);
        let mut finished = 0;
        for (index, current) in self.utterances.iter_mut().enumerate() {
            if !current.told && current.is_ready(now) {
                current.told = true;
                let latency = current.measured();
                news(CallNews::Spoke { utterance: current.number, text: current.text.clone(), latency });
            }
            let sounded = current.end > current.begin;
            if current.is_open() && sounded && current.end <= heard && (index < last || ended) {
                current.fate = Fate::Heard;
            }
            let over = match current.fate {
                Fate::Open => !sounded && index < last,
                Fate::Heard => current.told || all || index < last,
                Fate::Cut(cut) => {
                    let settled = now.millis_since(cut.at) >= CORRECTION_MILLIS;
                    all || index < last || current.correction.is_some() || settled
                }
            };
            if over && index == finished {
                finished += 1;
                current.tell_end(pace, goes_on, &mut self.last_heard, &mut news);
                self.pace = current.learned(self.pace);
            } else if current.told && current.is_open() {
                let pace = if complete || index < last { 0 } else { pace };
                current.tell_progress(position, pace, &mut self.last_heard, &mut news);
            }
        }
        self.utterances.drain(..finished);
    }
}

impl Utterance {
    /// Whether its text can be told: both text and sound are there, or no sound will come. Words that were never spoken
    /// because the call ended first are no part of it.
    fn is_ready(&self, now: Timestamp) -> bool {
        let overdue = |said: Timestamp| now.millis_since(said) >= SILENT_WORDS_MILLIS;
        !self.text.is_empty() && (self.sounded.is_some() || self.said.is_some_and(overdue))
    }

    fn measured(&self) -> TurnLatency {
        let between =
            |(said, sounded): (Timestamp, Timestamp)| u32::try_from(sounded.millis_since(said)).unwrap_or(0);
        TurnLatency { speaking: self.said.zip(self.sounded).map(between), ..self.latency }
    }

    /// How long it takes to say. At a pace it takes at least as long as its text does: more of its sound may come.
    fn length(&self, pace: u64) -> u64 {
        (self.end - self.begin).max(self.chars * pace)
    }

    /// The position at which the next of its sentences has been heard, unless that is its last.
    fn next_sentence(&self, pace: u64) -> Option<u64> {
        if !self.told || !self.is_open() || self.end == self.begin {
            return None;
        }
        Some(self.begin + (self.length(pace) * self.next?).div_ceil(self.chars))
    }

    fn set_text(&mut self, text: String) {
        self.chars = text.chars().count() as u64;
        self.text = text;
        self.look_ahead();
    }

    /// Finds the next sentence behind what is known to have been heard.
    fn look_ahead(&mut self) {
        let end = sentence_ends(&self.text).find(|end| *end > self.known && *end < self.text.len());
        self.next = end.map(|end| self.text[..end].chars().count() as u64);
    }

    /// The sentences of a long utterance that were heard so far: whoever takes over after a crash goes on behind them.
    fn tell_progress(
        &mut self,
        heard: u64,
        pace: u64,
        last_heard: &mut String,
        news: &mut impl FnMut(CallNews),
    ) {
        // Nearly always the next sentence is still being played.
        if self.next_sentence(pace).is_none_or(|end| heard < end) {
            return;
        }
        let heard = spoken_prefix(&self.text, heard - self.begin, self.length(pace)).len();
        let ends = sentence_ends(&self.text).filter(|end| *end <= heard && *end < self.text.len());
        let Some(sentences) = ends.last().filter(|end| *end > self.known).map(|end| &self.text[..end]) else {
            return;
        };
        last_heard.replace_range(.., sentences);
        let text = sentences.to_owned();
        self.known = text.len();
        self.look_ahead();
        news(CallNews::Playing { utterance: self.number, text });
    }

    fn tell_end(
        &mut self,
        pace: u64,
        goes_on: bool,
        last_heard: &mut String,
        news: &mut impl FnMut(CallNews),
    ) {
        if !self.told {
            return;
        }
        let heard = match self.fate {
            Fate::Open => "",
            Fate::Heard => self.text.as_str(),
            Fate::Cut(cut) => self.heard_until(cut, pace),
        };
        // What is known to have been heard stays heard.
        let text = &self.text[..heard.len().max(self.known)];
        if text.is_empty() {
            return;
        }
        let whole = text.len() == self.text.len();
        last_heard.replace_range(.., text);
        let (utterance, text) = (self.number, text.to_owned());
        if goes_on && !whole {
            return news(CallNews::Playing { utterance, text });
        }
        news(CallNews::Played { utterance, text, whole });
    }

    /// The agent knows its words better than any proportion does; but not what was played. Its correction stands unless
    /// it claims more than can have been said in the time.
    fn heard_until(&self, cut: Cut, pace: u64) -> &str {
        let possible = |text: &&str| text.chars().count() as u64 * pace * 2 / 3 <= cut.heard;
        let corrected = self.correction.as_deref().map(str::trim).filter(possible);
        let corrected = corrected.filter(|&text| self.text.starts_with(text));
        corrected.unwrap_or_else(|| spoken_prefix(&self.text, cut.heard, cut.whole.max(1)))
    }

    /// The agent's pace, as far as this utterance shows it: by one that was heard whole.
    fn learned(&self, pace: u64) -> u64 {
        match self.fate {
            Fate::Heard if self.chars >= 20 => pace.midpoint((self.end - self.begin) / self.chars),
            Fate::Heard | Fate::Open | Fate::Cut(_) => pace,
        }
    }

    const fn is_open(&self) -> bool {
        matches!(self.fate, Fate::Open)
    }

    const fn is_cut(&self) -> bool {
        matches!(self.fate, Fate::Cut(_))
    }
}
