//! A number inside a sound: a short burst of two tones that says which phrase follows.
//!
//! 56 bits at 800 a second (16 to find it by, a 24-bit number, a checksum): 70 ms. The tones lie in the middle of what a
//! telephone carries, so the burst survives µ-law and any reasonable change of the sampling rate.

use std::f32::consts::TAU;

use super::g711::HZ;

const ZERO_HZ: f32 = 1_200.0;
const ONE_HZ: f32 = 2_000.0;
const BITS_PER_SECOND: u32 = 800;
/// Samples a bit at 8 kHz.
const BIT: usize = (HZ / BITS_PER_SECOND) as usize;
const SYNC: u16 = 0x1ACF;
const BITS: usize = 56;
const LOUDNESS: f32 = 9_000.0;
/// A bit whose tone is weaker than this is none: the square of a window's sum.
const FAINTEST: f32 = 4.0e7;

/// How many samples a burst has at a rate.
pub(crate) const fn samples(hz: u32) -> usize {
    BITS * hz as usize / BITS_PER_SECOND as usize
}

fn checksum(number: u32) -> u16 {
    number.to_be_bytes()[1..].iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

fn word(number: u32) -> u64 {
    (u64::from(SYNC) << 40) | (u64::from(number & 0x00FF_FFFF) << 16) | u64::from(checksum(number))
}

/// The burst of a number, `hz` samples a second.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a sample is what is left of it"
)]
pub(crate) fn write(number: u32, hz: u32) -> Vec<i16> {
    let word = word(number);
    let mut phase = 0.0_f32;
    (0..samples(hz))
        .map(|index| {
            let bit = index * BITS_PER_SECOND as usize / hz as usize;
            let tone = if word >> (BITS - 1 - bit) & 1 == 1 { ONE_HZ } else { ZERO_HZ };
            phase = (phase + TAU * tone / hz as f32) % TAU;
            (phase.sin() * LOUDNESS) as i16
        })
        .collect()
}

/// How many differences the reader looks back on.
const HISTORY: usize = BITS * BIT;

/// Finds bursts in a stream of samples at 8 kHz.
pub(crate) struct Reader {
    window: [f32; BIT],
    /// How much stronger the one-tone was than the zero-tone, for the window that ends at each sample.
    differences: Vec<f32>,
    at: usize,
    /// `cos` and `sin` of both tones.
    tables: Box<[[f32; 4]; 20]>,
}

impl Default for Reader {
    #[expect(clippy::cast_precision_loss, reason = "twenty is small")]
    fn default() -> Self {
        let tables = std::array::from_fn(|n| {
            let zero = TAU * ZERO_HZ * n as f32 / HZ as f32;
            let one = TAU * ONE_HZ * n as f32 / HZ as f32;
            [zero.cos(), zero.sin(), one.cos(), one.sin()]
        });
        Self { window: [0.0; BIT], differences: vec![0.0; HISTORY], at: 0, tables: Box::new(tables) }
    }
}

impl Reader {
    /// Takes a sample; says the number of a burst that ends with it.
    pub(crate) fn read(&mut self, sample: i16) -> Option<u32> {
        self.window[self.at % BIT] = f32::from(sample);
        let mut sums = [0.0_f32; 4];
        for (offset, value) in self.window.iter().enumerate() {
            // Any common start of both tables gives the same magnitudes; the window's own positions do.
            let table = self.tables[(self.position(offset)) % 20];
            for (sum, factor) in sums.iter_mut().zip(table) {
                *sum += value * factor;
            }
        }
        let zero = sums[0].mul_add(sums[0], sums[1] * sums[1]);
        let one = sums[2].mul_add(sums[2], sums[3] * sums[3]);
        self.differences[self.at % HISTORY] = one - zero;
        self.at += 1;
        let number = self.number();
        if number.is_some() {
            // The same burst would be found again one sample later.
            self.differences.fill(0.0);
        }
        number
    }

    /// The time at which the sample in a slot of the window was taken.
    const fn position(&self, slot: usize) -> usize {
        let newest = self.at % BIT;
        self.at + BIT * 2 - (newest + BIT - slot) % BIT
    }

    fn bit(&self, index: usize) -> Option<u64> {
        let back = (BITS - 1 - index) * BIT + 1;
        let difference = self.differences[(self.at + HISTORY - back) % HISTORY];
        if difference.abs() < FAINTEST { None } else { Some(u64::from(difference > 0.0)) }
    }

    fn bits(&self, range: std::ops::Range<usize>) -> Option<u64> {
        range.into_iter().try_fold(0, |word, index| Some(word << 1 | self.bit(index)?))
    }

    fn number(&self) -> Option<u32> {
        for index in 0..16 {
            if self.bit(index)? != u64::from(SYNC >> (15 - index) & 1) {
                return None;
            }
        }
        let number = u32::try_from(self.bits(16..40)?).ok()?;
        (self.bits(40..56)? == u64::from(checksum(number))).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::g711;
    use super::super::resample::Resampler;
    use super::*;

    fn found(samples: &[i16]) -> Option<u32> {
        let mut reader = Reader::default();
        samples.iter().find_map(|sample| reader.read(*sample))
    }

    #[test]
    fn a_number_survives_the_telephone_and_every_rate_an_agent_may_choose() {
        for number in [0, 1, 4_711, 0x00FF_FFFF, 0x00AA_55AA] {
            let telephone: Vec<u8> = g711::encode_all(&write(number, HZ));
            let telephone = g711::decode_all(&telephone);
            assert_eq!(found(&telephone), Some(number));
            for hz in [8_000, 16_000, 22_050, 24_000, 44_100, 48_000] {
                let there = Resampler::new(HZ, hz).convert(&telephone);
                let back = Resampler::new(hz, HZ).convert(&there);
                let back: Vec<i16> = back.iter().copied().chain([0; 16]).collect();
                assert_eq!(found(&back), Some(number), "{hz}");
                let other_end = Resampler::new(hz, HZ).convert(&write(number, hz));
                let other_end: Vec<i16> = other_end.iter().copied().chain([0; 16]).collect();
                assert_eq!(found(&other_end), Some(number), "spoken at {hz}");
            }
        }
    }

    #[test]
    fn a_burst_that_lost_a_frame_or_a_bit_is_no_number() {
        let whole = write(4_711, HZ);
        let cut: Vec<i16> = whole[..200].iter().chain(&whole[360..]).copied().collect();
        assert_eq!(found(&cut), None);
        let mut flipped = whole;
        flipped[300..310].fill(0);
        assert_eq!(found(&flipped), None);
        assert_eq!(found(&[0; 2_000]), None);
    }
}
