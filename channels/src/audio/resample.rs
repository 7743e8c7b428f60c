//! Another sample rate, for speech, a chunk at a time.
//!
//! A polyphase filter: each output sample is the input around it weighted by a windowed sinc, and the finitely many
//! fractional places an output can have between two inputs each have their weights ready. Positions are counted in whole
//! numbers, so nothing drifts however long a call lasts, and chunks may be cut anywhere.

use std::f64::consts::PI;

/// Filter length in samples of the slower side. With [`KAISER_BETA`] the passband ends at 0.86 and the stopband begins at
/// 1.04 of the slower side's half rate: 3.4 and 4.2 kHz for a telephone.
const LENGTH: u32 = 48;
/// Middle of the transition, as a part of the slower side's sample rate.
const CUTOFF: f64 = 0.475;
/// Window shape: about 70 dB between passband and stopband, more than µ-law can carry.
const KAISER_BETA: f64 = 6.8;
/// Weights are integers in units of 2^-14: what they sum up stays within 32 bits for any input.
const UNIT_BITS: u32 = 14;

/// Converts samples from one rate to another. Keeps what it needs of earlier chunks.
#[derive(Debug, Clone)]
pub struct Resampler {
    /// `to / from` in lowest terms is `up / down`.
    up: usize,
    down: usize,
    /// Inputs that take part in one output.
    width: usize,
    /// `up` rows of `width` weights, in order of input.
    weights: Vec<i16>,
    /// The inputs still needed; begins with silence.
    pending: Vec<i16>,
    /// The next output's place: its first input in `pending`, ...
    start: usize,
    /// ... and how far it is past that input's counterpart, in units of `1 / up`.
    phase: usize,
}

impl Resampler {
    /// From `from` to `to` samples a second. Costs a table of `to / gcd` rows (441 at most between the rates in use).
    ///
    /// # Panics
    /// When a rate is zero, or `from` is more than 48 times `to`.
    pub fn new(from: u32, to: u32) -> Self {
        assert!(from > 0 && to > 0 && from / to < LENGTH, "rates of speech");
        let divisor = gcd(from, to);
        let (up, down) = (to / divisor, from / divisor);
        // Whole vectors of eight, at the input's rate.
        let width = (LENGTH * from.max(to)).div_ceil(to).next_multiple_of(8);
        let weights = (0..up).flat_map(|phase| row(phase, up, down, width)).collect();
        let (up, down, width) = (up as usize, down as usize, width as usize);
        Self { up, down, width, weights, pending: vec![0; width - 1], start: 0, phase: 0 }
    }

    /// Appends to `out` what `input` completes. After `n` samples in all, exactly `ceil(n * to / from)` have come out.
    ///
    /// The filter looks ahead, so sound comes out half a filter late: 3 ms at a telephone's rate.
    pub fn process(&mut self, input: &[i16], out: &mut Vec<i16>) {
        self.pending.extend_from_slice(input);
        out.reserve(input.len() * self.up / self.down + 1);
        while let Some(window) = self.pending.get(self.start..self.start + self.width) {
            let weights = &self.weights[self.phase * self.width..][..self.width];
            out.push(weigh(window, weights));
            self.phase += self.down;
            self.start += self.phase / self.up;
            self.phase %= self.up;
        }
        let used = self.start.min(self.pending.len());
        self.pending.drain(..used);
        self.start -= used;
    }
}

/// Written so that the compiler multiplies eight pairs at a time.
#[expect(clippy::cast_possible_truncation, reason = "clamped to the range just before")]
fn weigh(window: &[i16], weights: &[i16]) -> i16 {
    let sum: i32 = window.iter().zip(weights).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
    let rounded = (sum + (1 << (UNIT_BITS - 1))) >> UNIT_BITS;
    rounded.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// The weights of one fractional place, first input first, summing up to exactly one.
#[expect(clippy::cast_possible_truncation, reason = "weights are below one in units of 2^-14")]
fn row(phase: u32, up: u32, down: u32, width: u32) -> Vec<i16> {
    let cutoff = CUTOFF * (f64::from(up) / f64::from(down)).min(1.0);
    let half = f64::from(width) / 2.0;
    let exact: Vec<f64> = (0..width)
        .map(|input| {
            let at = f64::from(width - 1 - input) + f64::from(phase) / f64::from(up) - half;
            sinc(2.0 * cutoff * at) * kaiser(at / half)
        })
        .collect();
    let unit = f64::from(1 << UNIT_BITS);
    let scale = unit / exact.iter().sum::<f64>();
    let mut weights: Vec<i16> = exact.iter().map(|weight| (weight * scale).round() as i16).collect();
    // What rounding lost goes to the heaviest weight: otherwise the rows differ in loudness, which is heard as a whine.
    let lost = unit as i16 - weights.iter().sum::<i16>();
    if let Some(heaviest) = weights.iter_mut().max() {
        *heaviest += lost;
    }
    weights
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The Kaiser window over -1 to 1, not normalised: the modified Bessel function I0 by its series, whose terms after these
/// are far below a weight's resolution.
fn kaiser(x: f64) -> f64 {
    let square = (KAISER_BETA / 2.0).powi(2) * (1.0 - x * x).max(0.0);
    let mut term = 1.0;
    (1..18).fold(1.0, |sum, n| {
        term *= square / f64::from(n * n);
        sum + term
    })
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[path = "resample_tests.rs"]
mod tests;
