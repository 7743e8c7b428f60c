//! An ear: hears phrases in a stream of samples, and no more of them than really arrived.

use std::sync::Arc;

use serde::Serialize;

use super::book::PhraseBook;
use super::burst;
use super::g711::FRAME;
use super::voice::Phrase;

/// What an ear notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sound {
    /// Somebody has spoken for 60 ms.
    Voice,
    /// A phrase begins.
    Began(String),
    /// A phrase is over, or the line fell silent in the middle of it.
    Heard(Hearing),
}

/// How a phrase arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Hearing {
    /// The words that arrived.
    pub(crate) text: String,
    /// The words that were said.
    pub(crate) said: String,
    /// All of them arrived.
    pub(crate) whole: bool,
    /// Frames of 20 ms that are missing in the middle.
    pub(crate) lost: u32,
    /// Frames that came in the wrong place, or twice.
    pub(crate) reordered: u32,
    /// Frames that are no part of the phrase.
    pub(crate) garbled: u32,
    /// Milliseconds of silence in the middle.
    pub(crate) gaps: u32,
}

/// Louder than this is a voice: the mean of a frame's magnitudes.
const AUDIBLE: i32 = 150;
const VOICE_FRAMES: u32 = 3;
/// Voice after this much silence is somebody beginning to speak.
const PAUSE_FRAMES: u32 = 15;
/// A phrase that is silent for this long where it should not be is over.
const CUT_FRAMES: u32 = 25;
/// How well a frame agrees with what was said: 1 is the same.
const ALIKE: f32 = 0.9;
/// A frame that is looked for elsewhere must agree better: glides resemble one another.
const SAME: f32 = 0.93;
/// What is alike to within this is equally good; the nearest place is taken.
const EQUAL: f32 = 0.005;
/// Arrival is kept track of in quarters of a frame, because frames do not begin where phrases do.
const UNIT: usize = FRAME / 4;
/// How far a missing frame is looked for, in samples.
const REACH: usize = 2 * 8_000;
/// Searches in one phrase; a stream of noise must not cost more than a stream of speech.
const MAX_SEARCHES: u32 = 40;
/// The end of a burst is found this exactly.
const SLACK: usize = 12;

/// Listens to one direction of one call, at 8 kHz.
pub(crate) struct Ear {
    bursts: burst::Reader,
    frame: Vec<i16>,
    loud: u32,
    quiet: u32,
    /// The samples before now, in case a body began a little earlier than its burst was found.
    before: Vec<i16>,
    listening: Option<Listening>,
}

struct Listening {
    phrase: Arc<Phrase>,
    heard: Vec<i16>,
    /// Where in the phrase the next frame belongs; unknown for the first.
    next: Option<usize>,
    /// Which quarters of a frame have arrived.
    arrived: Vec<bool>,
    /// Samples in a row that belong nowhere.
    stray: usize,
    /// Quarters of a frame that lie across two places of the phrase and cannot be recognised.
    astride: usize,
    silent: u32,
    searches: u32,
    tally: Hearing,
}

impl Default for Ear {
    fn default() -> Self {
        // Nobody has spoken yet.
        let quiet = PAUSE_FRAMES;
        let bursts = burst::Reader::default();
        Self { bursts, frame: Vec::new(), loud: 0, quiet, before: Vec::new(), listening: None }
    }
}

impl Ear {
    /// Hears the next samples.
    pub(crate) fn hear(&mut self, samples: &[i16], book: &PhraseBook) -> Vec<Sound> {
        let mut sounds = Vec::new();
        for &sample in samples {
            self.frame.push(sample);
            if self.frame.len() == FRAME {
                self.notice_voice(&mut sounds);
                self.frame.clear();
            }
            if let Some(number) = self.bursts.read(sample)
                && let Some(phrase) = book.find(number)
            {
                self.finish(&mut sounds);
                sounds.push(Sound::Began(phrase.text.clone()));
                self.before.push(sample);
                let recent = self.before.len().saturating_sub(SLACK);
                let heard = self.before.split_off(recent);
                self.listening = Some(Listening::new(phrase, heard));
            } else if let Some(listening) = &mut self.listening {
                listening.heard.push(sample);
                if listening.is_over() {
                    self.finish(&mut sounds);
                }
            }
            self.before.push(sample);
            if self.before.len() > 4 * SLACK {
                self.before.drain(..2 * SLACK);
            }
        }
        sounds
    }

    /// The stream ends: what was being heard is over.
    pub(crate) fn close(&mut self) -> Option<Hearing> {
        self.listening.take().map(Listening::finish)
    }

    fn finish(&mut self, sounds: &mut Vec<Sound>) {
        if let Some(hearing) = self.close() {
            sounds.push(Sound::Heard(hearing));
            // Whatever is said next is something new, however soon it comes.
            (self.loud, self.quiet) = (0, PAUSE_FRAMES);
        }
    }

    fn notice_voice(&mut self, sounds: &mut Vec<Sound>) {
        if loudness(&self.frame) > AUDIBLE {
            self.loud += 1;
            if self.loud == VOICE_FRAMES && self.quiet >= PAUSE_FRAMES {
                sounds.push(Sound::Voice);
            }
            if self.loud >= VOICE_FRAMES {
                self.quiet = 0;
            }
        } else {
            self.loud = 0;
            self.quiet = self.quiet.saturating_add(1);
        }
    }
}

impl Listening {
    fn new(phrase: Arc<Phrase>, heard: Vec<i16>) -> Self {
        let arrived = vec![false; phrase.reference.len().div_ceil(UNIT)];
        let tally = Hearing::default();
        Self { phrase, heard, next: None, arrived, stray: 0, astride: 0, silent: 0, searches: 0, tally }
    }

    /// Takes what has arrived since; `true` when nothing more is to come.
    fn is_over(&mut self) -> bool {
        let enough = if self.next.is_none() { FRAME + 2 * SLACK } else { FRAME };
        if self.heard.len() >= enough {
            self.take_frame();
        }
        let end = self.next.is_some_and(|next| next + FRAME / 2 >= self.phrase.reference.len());
        end || self.silent >= CUT_FRAMES || self.phrase.reference.is_empty()
    }

    fn take_frame(&mut self) {
        let Some(next) = self.next else {
            return self.take_first();
        };
        let frame = self.heard[..FRAME].to_vec();
        let audible = loudness(&frame) > AUDIBLE;
        let expected = self.expected(next);
        // A pause of the phrase, or of the line: silence is the same everywhere.
        let pause = !audible && loudness(expected) <= AUDIBLE;
        let taken = if pause || audible && alike(&frame, expected) >= ALIKE {
            self.arrive(next);
            FRAME
        } else if audible {
            self.search(next, &frame)
        } else {
            self.silent += 1;
            self.tally.gaps += 20;
            FRAME
        };
        self.heard.drain(..taken);
    }

    /// The burst's end is known to a few samples: the first frame shows it exactly.
    fn take_first(&mut self) {
        let reference = self.phrase.reference.get(..FRAME.min(self.phrase.reference.len()));
        let reference = reference.unwrap_or_default();
        let fit = |shift: &usize| alike(&self.heard[*shift..*shift + FRAME], reference);
        let best = (0..2 * SLACK).max_by(|a, b| fit(a).total_cmp(&fit(b))).unwrap_or(SLACK);
        let shift = if fit(&best) >= ALIKE { best } else { SLACK };
        self.heard.drain(..shift);
        self.next = Some(0);
        self.take_frame();
    }

    fn expected(&self, at: usize) -> &[i16] {
        let end = (at + FRAME).min(self.phrase.reference.len());
        self.phrase.reference.get(at..end).unwrap_or_default()
    }

    fn arrive(&mut self, at: usize) {
        self.silent = 0;
        // Up to a frame before a gap in the line, and one after it.
        self.astride += (self.stray / UNIT).min(8);
        self.stray = 0;
        let units = (at + UNIT / 2) / UNIT..(at + FRAME + UNIT / 2) / UNIT;
        let end = units.end.min(self.arrived.len());
        self.arrived[units.start.min(end)..end].fill(true);
        self.next = Some(at + FRAME);
    }

    /// A frame that is not the next one: a later one, an earlier one, or no part of the phrase. Says how many samples
    /// it has made something of.
    fn search(&mut self, next: usize, frame: &[i16]) -> usize {
        self.silent = 0;
        self.searches += 1;
        if self.searches > MAX_SEARCHES {
            self.tally.garbled += 1;
            self.next = Some(next + FRAME);
            return FRAME;
        }
        // Half a silence resembles the edge of every word.
        let voiced = frame.chunks(UNIT).all(|unit| loudness(unit) > AUDIBLE);
        let Some(found) = voiced.then(|| self.best_place(next, frame)).flatten() else {
            // Two frames that do not belong together look like this; the next one may begin anywhere.
            self.stray += UNIT;
            if self.stray > FRAME && self.stray.is_multiple_of(FRAME) {
                self.tally.garbled += 1;
            }
            return UNIT;
        };
        if next.saturating_sub(found) > FRAME * 3 / 4 {
            self.tally.reordered += 1;
        }
        self.arrive(found);
        FRAME
    }

    fn best_place(&self, next: usize, frame: &[i16]) -> Option<usize> {
        let last = self.phrase.reference.len().saturating_sub(FRAME);
        let places = next.saturating_sub(REACH)..=(next + REACH).min(last);
        let fits: Vec<(usize, f32)> =
            places.map(|at| (at, alike(frame, self.expected(at)))).filter(|(_, fit)| *fit >= SAME).collect();
        let best = fits.iter().map(|(_, fit)| *fit).max_by(f32::total_cmp)?;
        let good = fits.iter().filter(|(_, fit)| *fit >= best - EQUAL);
        good.map(|(at, _)| *at).min_by_key(|at| at.abs_diff(next))
    }

    fn finish(self) -> Hearing {
        let arrived = |from: usize, to: usize| {
            let units = self.arrived.get(from / UNIT..to.div_ceil(UNIT)).unwrap_or_default();
            units.iter().filter(|arrived| **arrived).count() * 2 > units.len()
        };
        let furthest = self.arrived.iter().rposition(|arrived| *arrived).unwrap_or(0);
        let missing =
            self.arrived[..furthest.min(self.arrived.len())].iter().filter(|arrived| !**arrived).count();
        let lost = missing.saturating_sub(self.astride).div_ceil(4);
        let words = &self.phrase.words;
        let heard: Vec<&str> =
            words.iter().filter(|word| arrived(word.from, word.to)).map(|word| word.text.as_str()).collect();
        Hearing {
            text: heard.join(" "),
            said: self.phrase.text.clone(),
            whole: heard.len() == words.len(),
            lost: u32::try_from(lost).unwrap_or(u32::MAX),
            ..self.tally
        }
    }
}

fn loudness(frame: &[i16]) -> i32 {
    let sum: i32 = frame.iter().map(|sample| i32::from(sample.unsigned_abs())).sum();
    sum / i32::try_from(frame.len().max(1)).unwrap_or(i32::MAX)
}

/// How much two frames have the same shape, from -1 to 1, however loud they are.
fn alike(a: &[i16], b: &[i16]) -> f32 {
    let (mut both, mut of_a, mut of_b) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let size = (of_a * of_b).sqrt();
    // A frame at the very end of the phrase is shorter; one that is hardly there proves nothing.
    if b.len() < FRAME / 4 || size < 1.0 { 0.0 } else { both / size }
}

#[cfg(test)]
mod tests {
    use super::super::g711;
    use super::super::resample::Resampler;
    use super::super::voice::SpeechVoice;
    use super::*;

    const WORDS: &str = "Thanks for calling Bright Agency, what is your website?";

    /// A sample in the middle of a word, where no frame begins.
    const INSIDE: usize = 1_234 + 560 + 6_403;

    /// What an ear makes of the telephone audio that `change` makes of a phrase.
    async fn heard(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Hearing {
        let book = PhraseBook::new(SpeechVoice::Tone);
        let sound = book.phrase(WORDS).await.sound(g711::HZ);
        let mut line = vec![g711::SILENCE; 1_234];
        line.extend(g711::encode_all(&sound));
        let mut line = change(line);
        line.extend([g711::SILENCE; 8_000]);
        let mut ear = Ear::default();
        let sounds: Vec<Sound> =
            line.chunks(FRAME).flat_map(|frame| ear.hear(&g711::decode_all(frame), &book)).collect();
        let hearing = sounds.iter().find_map(|sound| match sound {
            Sound::Heard(hearing) => Some(hearing.clone()),
            _ => None,
        });
        assert!(sounds.contains(&Sound::Voice) && sounds.contains(&Sound::Began(WORDS.to_owned())));
        hearing.expect("the phrase ends")
    }

    fn whole() -> Hearing {
        Hearing { text: WORDS.into(), said: WORDS.into(), whole: true, ..Hearing::default() }
    }

    #[tokio::test]
    async fn a_phrase_that_arrives_whole_is_heard_whole() {
        assert_eq!(heard(|line| line).await, whole());
    }

    #[tokio::test]
    async fn a_phrase_survives_another_rate_on_its_way() {
        for hz in [16_000, 22_050, 24_000, 44_100, 48_000] {
            let hearing = heard(|line| {
                let there = Resampler::new(g711::HZ, hz).convert(&g711::decode_all(&line));
                g711::encode_all(&Resampler::new(hz, g711::HZ).convert(&there))
            });
            assert_eq!(hearing.await, whole(), "{hz}");
        }
    }

    #[tokio::test]
    async fn of_a_phrase_that_was_cut_off_only_the_words_before_are_heard() {
        let hearing = heard(|mut line| {
            line.truncate(1_234 + 560 + 8 * 60 * 19);
            line
        })
        .await;
        assert_eq!((hearing.text.as_str(), hearing.whole), ("Thanks for calling", false));
        assert_eq!((hearing.lost, hearing.reordered), (0, 0));
    }

    #[tokio::test]
    async fn a_lost_frame_is_counted() {
        let hearing = heard(|mut line| {
            line.drain(INSIDE..INSIDE + 2 * FRAME);
            line
        })
        .await;
        assert_eq!((hearing.lost, hearing.reordered, hearing.garbled), (2, 0, 0), "{hearing:?}");
    }

    #[tokio::test]
    async fn frames_in_the_wrong_order_are_counted() {
        let hearing = heard(|mut line| {
            let (left, right) = line[INSIDE..].split_at_mut(FRAME);
            left.swap_with_slice(&mut right[..FRAME]);
            line
        })
        .await;
        assert!(hearing.reordered > 0, "{hearing:?}");
    }

    #[tokio::test]
    async fn noise_in_place_of_speech_is_not_heard_as_words() {
        let hearing = heard(|mut line| {
            for (index, byte) in line[1_234 + 560..].iter_mut().enumerate() {
                *byte = u8::try_from(index * index * 31 % 127).expect("less than 127");
            }
            line
        })
        .await;
        assert!(!hearing.whole && hearing.garbled > 20, "{hearing:?}");
    }

    #[tokio::test]
    async fn a_gap_in_the_line_loses_no_words() {
        let hearing = heard(|mut line| {
            let rest = line.split_off(INSIDE);
            line.extend([g711::SILENCE; 700]);
            line.extend(rest);
            line
        })
        .await;
        assert_eq!((hearing.text.as_str(), hearing.whole), (WORDS, true), "{hearing:?}");
        // The frame that the gap cuts in two is recognised on neither side of it.
        assert!(hearing.gaps > 0 && hearing.lost <= 1, "{hearing:?}");
    }
}
