//! The two sides of a call, as the bridge holds them.

use std::borrow::Cow;
use std::collections::VecDeque;

use futures_util::stream::LocalBoxStream;
use usher_conversation::voice::{AgentEvent, Audio, AudioFormat};

use super::ports::{Agent, Carrier, Transcoder, VoiceNode};

/// The agent's side.
pub(super) struct AgentSide {
    pub(super) agent: Box<dyn Agent>,
    pub(super) events: LocalBoxStream<'static, AgentEvent>,
    pub(super) input: AudioFormat,
    pub(super) output: AudioFormat,
    /// Bytes its socket may be behind; none before it is ready.
    room: usize,
    /// From the contact's format, when that is another.
    inward: Option<Box<dyn Transcoder>>,
    /// To the contact's format, when that is another.
    pub(super) outward: Option<Box<dyn Transcoder>>,
}

impl AgentSide {
    pub(super) fn new(agent: Box<dyn Agent>, events: LocalBoxStream<'static, AgentEvent>) -> Self {
        let format = AudioFormat::Mulaw8k;
        Self { agent, events, input: format, output: format, room: 0, inward: None, outward: None }
    }

    /// The agent said what it hears and speaks; `false` when that cannot be made of what the contact's side speaks.
    pub(super) fn prepare(
        &mut self,
        node: &VoiceNode,
        carrier: AudioFormat,
        input: AudioFormat,
        output: AudioFormat,
        behind_millis: usize,
    ) -> bool {
        let between = |from: AudioFormat, to: AudioFormat| {
            if from == to { Some(None) } else { node.transcoding.between(from, to).map(Some) }
        };
        let (Some(inward), Some(outward)) = (between(carrier, input), between(output, carrier)) else {
            return false;
        };
        (self.inward, self.outward) = (inward, outward);
        (self.input, self.output) = (input, output);
        // Base64 and the frame around it make half as much again.
        self.room = input.bytes_per_second() as usize * behind_millis / 1_000 * 3 / 2;
        true
    }

    /// Whether it is ready and its socket keeps up.
    fn has_room(&self) -> bool {
        self.agent.backlog() < self.room
    }

    fn hear(&mut self, audio: &Audio) {
        match &mut self.inward {
            None => self.agent.audio(audio),
            Some(transcoder) => {
                if let Some(converted) = transcoder.convert(audio) {
                    self.agent.audio(&converted);
                }
            }
        }
    }
}

/// The contact's voice on its way to the agent. Frames that cannot go on at once wait here, few of them: what was said
/// more than a second ago is of no use to somebody who listens.
pub(super) struct Voice {
    held: VecDeque<Audio>,
    most: usize,
    /// Raw bytes that went to the agent.
    pub(super) bytes: u64,
    /// Frames that had to go for newer ones.
    pub(super) dropped: u64,
}

impl Voice {
    pub(super) const fn new(most: usize) -> Self {
        Self { held: VecDeque::new(), most, bytes: 0, dropped: 0 }
    }

    /// Passes a frame on, unless others wait before it or the agent's socket is behind.
    pub(super) fn pass(&mut self, audio: Audio, side: &mut AgentSide) {
        if self.held.is_empty() && side.has_room() {
            self.bytes += audio.raw_len() as u64;
            side.hear(&audio);
        } else {
            self.hold(audio);
        }
    }

    /// Keeps a frame for later; the oldest goes when there are too many.
    pub(super) fn hold(&mut self, audio: Audio) {
        if self.held.len() >= self.most && self.held.pop_front().is_some() {
            self.dropped += 1;
        }
        self.held.push_back(audio);
    }

    /// Passes on what waits, as far as the agent's socket keeps up.
    pub(super) fn release(&mut self, side: &mut AgentSide) {
        while side.has_room()
            && let Some(audio) = self.held.pop_front()
        {
            self.bytes += audio.raw_len() as u64;
            side.hear(&audio);
        }
    }
}

/// The agent's voice on its way to the contact. What the carrier's socket does not take at once waits here, so that of a
/// line that is too slow the oldest sounds are lost: what is said now answers what was heard last.
pub(super) struct Outward {
    waiting: VecDeque<Waiting>,
    /// Raw bytes of the sounds that wait.
    bytes: usize,
    most: usize,
    /// Bytes the socket may be behind.
    behind: usize,
    /// Sounds that had to go for newer ones.
    pub(super) dropped: u64,
}

enum Waiting {
    Sound(Audio),
    Mark(u64),
}

impl Outward {
    pub(super) const fn new(behind: usize, most: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, most, behind, dropped: 0 }
    }

    /// Plays a sound behind those that wait.
    pub(super) fn play(&mut self, audio: Cow<'_, Audio>, carrier: &mut dyn Carrier) {
        if self.waiting.is_empty() && carrier.backlog() < self.behind {
            return carrier.audio(&audio);
        }
        self.bytes += audio.raw_len();
        self.waiting.push_back(Waiting::Sound(audio.into_owned()));
        while self.bytes > self.most {
            self.drop_oldest();
        }
    }

    /// The oldest sound goes; marks stay, because somebody waits for them.
    fn drop_oldest(&mut self) {
        let oldest = self.waiting.iter().position(|waiting| matches!(waiting, Waiting::Sound(_)));
        if let Some(Waiting::Sound(audio)) = oldest.and_then(|at| self.waiting.remove(at)) {
            self.bytes -= audio.raw_len();
            self.dropped += 1;
        }
    }

    /// Marks the place behind everything so far.
    pub(super) fn mark(&mut self, number: u64, carrier: &mut dyn Carrier) {
        if self.waiting.is_empty() {
            carrier.mark(number);
        } else {
            self.waiting.push_back(Waiting::Mark(number));
        }
    }

    /// Throws away what was not played, here and at the carrier.
    pub(super) fn clear(&mut self, carrier: &mut dyn Carrier) {
        self.waiting.clear();
        self.bytes = 0;
        carrier.clear();
    }

    /// Passes on what waits, as far as the carrier's socket keeps up.
    pub(super) fn release(&mut self, carrier: &mut dyn Carrier) {
        while carrier.backlog() < self.behind
            && let Some(waiting) = self.waiting.pop_front()
        {
            match waiting {
                Waiting::Sound(audio) => {
                    self.bytes -= audio.raw_len();
                    carrier.audio(&audio);
                }
                Waiting::Mark(number) => carrier.mark(number),
            }
        }
    }
}

/// A line that is no more.
pub(super) struct Gone;

impl Carrier for Gone {
    fn audio(&mut self, _audio: &Audio) {}
    fn mark(&mut self, _number: u64) {}
    fn clear(&mut self) {}
    fn close(&mut self) {}
    fn backlog(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// A line whose socket takes as much as it is let.
    #[derive(Default)]
    struct Slow {
        stuck: bool,
        heard: Vec<u8>,
        marks: Vec<u64>,
        cleared: bool,
    }

    impl Carrier for Slow {
        fn audio(&mut self, audio: &Audio) {
            self.heard.push(audio.data[0]);
        }
        fn mark(&mut self, number: u64) {
            self.marks.push(number);
        }
        fn clear(&mut self) {
            self.cleared = true;
        }
        fn close(&mut self) {}
        fn backlog(&self) -> usize {
            if self.stuck { 1_000 } else { 0 }
        }
    }

    fn sound(number: u8) -> Cow<'static, Audio> {
        Cow::Owned(Audio::raw(Bytes::from(vec![number; 160])))
    }

    /// Ten sounds, of which a stuck line has room for four; then it takes everything.
    fn heard_of_ten(mut play: impl FnMut(&mut Outward, u8, &mut Slow)) -> (Vec<u8>, Outward, Slow) {
        let mut line = Slow { stuck: true, ..Slow::default() };
        let mut outward = Outward::new(100, 4 * 160);
        for number in 0..10 {
            play(&mut outward, number, &mut line);
        }
        line.stuck = false;
        outward.release(&mut line);
        (line.heard.clone(), outward, line)
    }

    /// What a slow line must still hear: the newest, in order.
    fn is_newest(heard: &[u8]) -> bool {
        heard == [6, 7, 8, 9]
    }

    #[test]
    fn a_line_that_is_too_slow_loses_the_oldest_sounds_and_that_is_counted() {
        let (heard, outward, line) = heard_of_ten(|outward, number, line| {
            outward.play(sound(number), line);
            outward.mark(u64::from(number), line);
        });
        assert!(is_newest(&heard), "{heard:?}");
        assert_eq!(outward.dropped, 6);
        assert_eq!(
            line.marks,
            (0..10).collect::<Vec<_>>(),
            "a mark is waited for, whatever became of its sound"
        );
    }

    /// The broken variant: a line that has no room is given nothing more.
    #[test]
    fn a_line_that_loses_the_newest_sounds_is_noticed() {
        let (heard, ..) = heard_of_ten(|outward, number, line| {
            if outward.bytes < outward.most {
                outward.play(sound(number), line);
            }
        });
        assert!(!is_newest(&heard), "{heard:?}");
    }

    #[test]
    fn what_was_interrupted_is_not_played_later() {
        let mut line = Slow { stuck: true, ..Slow::default() };
        let mut outward = Outward::new(100, 4 * 160);
        outward.play(sound(1), &mut line);
        outward.clear(&mut line);
        line.stuck = false;
        outward.play(sound(2), &mut line);
        outward.release(&mut line);
        assert!(line.cleared);
        assert_eq!((line.heard, outward.dropped), (vec![2], 0), "an interruption is no loss");
    }
}
