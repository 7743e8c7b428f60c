//! Audio as one side gives it, made into what the other side takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use usher_conversation::voice::{Audio, AudioFormat, Coding};

use super::mulaw;
use super::resample::Resampler;

/// Converts a stream of audio. One for each direction of a call; chunks in order.
#[derive(Debug, Clone)]
pub struct Transcoder {
    from: AudioFormat,
    to: AudioFormat,
    coding: Coding,
    /// Absent when the rates agree.
    resampler: Option<Resampler>,
    /// The first half of a 16-bit sample that was cut in two.
    half: Option<u8>,
    dropped: u64,
    // Kept between chunks for their memory only.
    unwrapped: Vec<u8>,
    samples: Vec<i16>,
    resampled: Vec<i16>,
    raw: Vec<u8>,
}

impl Transcoder {
    /// From `from`, however its chunks are wrapped, to `to` wrapped as `coding`.
    pub fn new(from: AudioFormat, to: AudioFormat, coding: Coding) -> Self {
        let resampler = (from.hz() != to.hz()).then(|| Resampler::new(from.hz(), to.hz()));
        Self {
            from,
            to,
            coding,
            resampler,
            half: None,
            dropped: 0,
            unwrapped: Vec::new(),
            samples: Vec::new(),
            resampled: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// The chunk for the other side; the same bytes, not copied, when the sides agree. `None` when there is nothing to play:
    /// what should be base64 is not (see [`Self::dropped`]), or the chunk completes no sample.
    pub fn convert(&mut self, audio: &Audio) -> Option<Audio> {
        if self.from == self.to && audio.coding == self.coding {
            return Some(audio.clone());
        }
        let mut unwrapped = std::mem::take(&mut self.unwrapped);
        let converted = match audio.coding {
            Coding::Raw => self.made_of(&audio.data),
            Coding::Base64 => {
                unwrapped.clear();
                if STANDARD.decode_vec(&audio.data, &mut unwrapped).is_ok() {
                    self.made_of(&unwrapped)
                } else {
                    self.dropped += 1;
                    self.half = None;
                    None
                }
            }
        };
        self.unwrapped = unwrapped;
        converted
    }

    /// The other side's form of these bytes. Only what is given away is a new piece of memory.
    fn made_of(&mut self, raw: &[u8]) -> Option<Audio> {
        if self.from == self.to {
            return wrap(self.coding, raw);
        }
        self.read(raw);
        let samples = match &mut self.resampler {
            None => &self.samples,
            Some(resampler) => {
                self.resampled.clear();
                resampler.process(&self.samples, &mut self.resampled);
                &self.resampled
            }
        };
        self.raw.clear();
        match self.to {
            AudioFormat::Mulaw8k => self.raw.extend(samples.iter().map(|&sample| mulaw::encode(sample))),
            AudioFormat::Pcm16 { .. } => {
                self.raw.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
            }
        }
        wrap(self.coding, &self.raw)
    }

    /// Chunks that were no base64.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn read(&mut self, raw: &[u8]) {
        self.samples.clear();
        match self.from {
            AudioFormat::Mulaw8k => self.samples.extend(raw.iter().map(|&code| mulaw::decode(code))),
            AudioFormat::Pcm16 { .. } => {
                let mut rest = raw;
                if let (Some(low), Some((&high, after))) = (self.half, raw.split_first()) {
                    self.samples.push(i16::from_le_bytes([low, high]));
                    self.half = None;
                    rest = after;
                }
                let (whole, odd) = rest.as_chunks();
                self.samples.extend(whole.iter().map(|&bytes| i16::from_le_bytes(bytes)));
                self.half = odd.first().copied().or(self.half);
            }
        }
    }
}

fn wrap(coding: Coding, raw: &[u8]) -> Option<Audio> {
    if raw.is_empty() {
        return None;
    }
    Some(match coding {
        Coding::Raw => Audio::raw(Bytes::copy_from_slice(raw)),
        Coding::Base64 => Audio::base64(STANDARD.encode(raw).into()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TELEPHONE: AudioFormat = AudioFormat::Mulaw8k;
    const MICROPHONE: AudioFormat = AudioFormat::Pcm16 { hz: 16_000 };

    fn formats() -> impl Strategy<Value = AudioFormat> {
        let pcm = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000].map(|hz| AudioFormat::Pcm16 { hz });
        prop::sample::select([&[TELEPHONE], &pcm[..]].concat())
    }

    #[test]
    fn sides_that_agree_share_the_bytes() {
        let audio = Audio::base64(Bytes::from("not looked at".to_owned()));
        let converted = Transcoder::new(TELEPHONE, TELEPHONE, Coding::Base64).convert(&audio);
        assert_eq!(converted.map(|audio| audio.data.as_ptr()), Some(audio.data.as_ptr()));
    }

    #[test]
    fn wrapping_alone_changes_no_sample() {
        let mut wrap = Transcoder::new(TELEPHONE, TELEPHONE, Coding::Base64);
        let wrapped = wrap.convert(&Audio::raw(Bytes::from_static(&[0, 1, 2]))).expect("three samples");
        assert_eq!(wrapped, Audio::base64(Bytes::from_static(b"AAEC")));
        let mut unwrap = Transcoder::new(TELEPHONE, TELEPHONE, Coding::Raw);
        assert_eq!(unwrap.convert(&wrapped), Some(Audio::raw(Bytes::from_static(&[0, 1, 2]))));
    }

    #[test]
    fn telephone_sound_becomes_samples_and_back() {
        let wide = AudioFormat::Pcm16 { hz: 8_000 };
        let mut there = Transcoder::new(TELEPHONE, wide, Coding::Raw);
        let samples = there.convert(&Audio::base64(Bytes::from_static(b"/86A"))).expect("three codes");
        assert_eq!(samples, Audio::raw(Bytes::from_static(&[0, 0, 0xDC, 0x03, 0x7C, 0x7D])));
        let mut back = Transcoder::new(wide, TELEPHONE, Coding::Base64);
        assert_eq!(back.convert(&samples), Some(Audio::base64(Bytes::from_static(b"/86A"))));
    }

    #[test]
    fn what_is_no_base64_is_dropped_and_counted() {
        let mut transcoder = Transcoder::new(TELEPHONE, MICROPHONE, Coding::Raw);
        for bad in ["*", "A", "AA=", "AA AA", "\u{e9}"] {
            assert_eq!(transcoder.convert(&Audio::base64(Bytes::from(bad.to_owned()))), None, "{bad}");
        }
        assert_eq!(transcoder.dropped(), 5);
        assert!(transcoder.convert(&Audio::base64(Bytes::from_static(b"////"))).is_some());
    }

    proptest! {
        // Each case fills tables of weights, which takes long without optimisation.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn chunks_may_be_cut_anywhere_even_within_a_sample(
            from in formats(),
            to in formats(),
            raw in prop::collection::vec(any::<u8>(), 0..700),
            cuts in prop::collection::vec(0..150_usize, 0..8),
        ) {
            let gather = |pieces: &[&[u8]]| {
                let mut transcoder = Transcoder::new(from, to, Coding::Raw);
                let chunk = |piece: &&[u8]| transcoder.convert(&Audio::raw(Bytes::copy_from_slice(piece)));
                pieces.iter().filter_map(chunk).flat_map(|audio| audio.data.to_vec()).collect::<Vec<u8>>()
            };
            let (mut pieces, mut rest) = (Vec::new(), &raw[..]);
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(gather(&pieces), gather(&[&raw]));
        }
    }
}
