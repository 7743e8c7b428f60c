//! The two sides of a call, as the bridge holds them.

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
