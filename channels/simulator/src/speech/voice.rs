//! Phrases: words, and the sound that carries them.

use std::f32::consts::TAU;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::g711::HZ;
use super::resample::Resampler;
use super::{burst, wav};

/// Milliseconds a letter sounds.
const LETTER: usize = 60;
/// Letters sung on one glide.
const SYLLABLE: usize = 3;
const LOUDNESS: f32 = 7_000.0;
/// Notes, in hertz. They lie far apart: a glide between two of them is nowhere like itself, so that no frame of a phrase
/// can be mistaken for another.
const SCALE: [f32; 5] = [300.0, 450.0, 620.0, 800.0, 1_000.0];
/// Words that sound longer than this are not spoken to the end.
const MAX_CHARS: usize = 2_000;

/// What phrases sound like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpeechVoice {
    /// `espeak-ng` speaks when it is installed; otherwise [`SpeechVoice::Tone`].
    #[default]
    Natural,
    /// A glide for every syllable: the same everywhere, and nothing to install.
    Tone,
}

/// A word of a phrase and when it sounds, in samples of the body at 8 kHz.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

enum Body {
    Tone(Vec<Glide>),
    Recorded { hz: u32, samples: Vec<i16> },
}

/// Something said: a burst with its number, then the body.
pub(crate) struct Phrase {
    pub(crate) number: u32,
    pub(crate) text: String,
    pub(crate) words: Vec<Word>,
    body: Body,
    /// The body as it arrives when nothing is lost, at 8 kHz.
    pub(crate) reference: Vec<i16>,
}

impl Phrase {
    /// A phrase sung.
    pub(crate) fn tone(number: u32, text: &str) -> Self {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let (glides, words, millis) = score(&text);
        let reference = sing(&glides, millis, HZ);
        Self { number, text, words, body: Body::Tone(glides), reference }
    }

    /// A phrase that a program has spoken.
    fn recorded(number: u32, text: &str, hz: u32, samples: Vec<i16>) -> Self {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let reference = Resampler::new(hz, HZ).convert(&samples);
        // Where a word lies is guessed from its letters.
        let (_, words, millis) = score(&text);
        let stretch = |at: usize| at * reference.len() / (millis * 8).max(1);
        let words =
            words.into_iter().map(|word| Word { from: stretch(word.from), to: stretch(word.to), ..word });
        Self { number, words: words.collect(), text, body: Body::Recorded { hz, samples }, reference }
    }

    /// The whole sound at a sampling rate.
    pub(crate) fn sound(&self, hz: u32) -> Vec<i16> {
        let mut sound = burst::write(self.number, hz);
        match &self.body {
            Body::Tone(_) if hz == HZ => sound.extend_from_slice(&self.reference),
            Body::Tone(glides) => sound.extend(sing(glides, self.reference.len() / 8, hz)),
            Body::Recorded { hz: own, samples } => sound.extend(Resampler::new(*own, hz).convert(samples)),
        }
        sound
    }

    /// Memory it needs, in samples.
    pub(crate) const fn weight(&self) -> usize {
        self.reference.len()
            + match &self.body {
                Body::Tone(_) => 0,
                Body::Recorded { samples, .. } => samples.len(),
            }
    }
}

/// One note sliding into another.
struct Glide {
    /// Milliseconds from the start of the body.
    at: usize,
    millis: usize,
    from: f32,
    to: f32,
}

/// What is sung for a text: the glides, the words, and how many milliseconds it all takes.
fn score(text: &str) -> (Vec<Glide>, Vec<Word>, usize) {
    let (mut glides, mut words) = (Vec::new(), Vec::new());
    let (mut at, mut note) = (0, 0);
    for word in text.split_whitespace() {
        let start = at;
        let letters: Vec<char> = word.chars().collect();
        for syllable in letters.chunks(SYLLABLE) {
            let millis = syllable.len() * LETTER;
            let step = syllable.iter().fold(0, |sum, letter| sum + *letter as usize);
            // Never the neighbour.
            let next = (note + 2 + step % 2) % SCALE.len();
            glides.push(Glide { at, millis, from: SCALE[note], to: SCALE[next] });
            at += millis;
            note = next;
        }
        words.push(Word { text: word.to_owned(), from: start * 8, to: at * 8 });
        let rest = if word.ends_with(['.', '!', '?', ',', ';', ':']) { 3 } else { 1 };
        at += LETTER * rest;
    }
    // The body ends with its last word: a silence there could not be told from the one that follows.
    let millis = words.last().map_or(0, |word| word.to / 8);
    (glides, words, millis)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a sample is what is left of it"
)]
fn sing(glides: &[Glide], millis: usize, hz: u32) -> Vec<i16> {
    const SOFT: f32 = 0.010;
    let rate = hz as f32;
    let mut sound = vec![0; millis * hz as usize / 1_000];
    for glide in glides {
        let length = glide.millis as f32 / 1_000.0;
        let start = glide.at * hz as usize / 1_000;
        let end = (start + glide.millis * hz as usize / 1_000).min(sound.len());
        for (index, sample) in sound[start..end].iter_mut().enumerate() {
            let time = index as f32 / rate;
            let turns = (glide.to - glide.from).mul_add(time * time / (2.0 * length), glide.from * time);
            let edge = (time / SOFT).min((length - time) / SOFT).clamp(0.0, 1.0);
            let wave = 0.3_f32.mul_add((turns * TAU * 2.0).sin(), (turns * TAU).sin());
            *sample = (wave * edge * LOUDNESS) as i16;
        }
    }
    sound
}

/// Lets `espeak-ng` speak; `None` when it is not there or has nothing usable to say.
pub(crate) async fn spoken(number: u32, text: &str) -> Option<Phrase> {
    let mut espeak = Command::new("espeak-ng")
        .args(["-v", "en-us", "--stdin", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    espeak.stdin.take()?.write_all(text.as_bytes()).await.ok()?;
    let output = espeak.wait_with_output().await.ok()?;
    let sound = wav::read(&output.stdout).ok()?;
    Some(Phrase::recorded(number, text, sound.hz, wav::trimmed(&sound.samples)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_lasts_as_long_as_its_letters() {
        let phrase = Phrase::tone(1, "We are open.");
        assert_eq!(phrase.words.len(), 3);
        assert_eq!(phrase.reference.len(), (10 + 2) * LETTER * 8);
        assert_eq!(phrase.sound(16_000).len(), 2 * phrase.sound(8_000).len());
        assert!(Phrase::tone(2, " ").reference.is_empty());
    }
}
