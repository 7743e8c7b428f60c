//! Tones in, tones out; and chunks cut anywhere.

use proptest::prelude::*;

use super::*;

const RATES: [u32; 6] = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

fn tone(hz: f64, rate: u32, samples: u32) -> Vec<i16> {
    #[expect(clippy::cast_possible_truncation, reason = "within ±16000")]
    let sample = |n| ((2.0 * PI * hz * f64::from(n) / f64::from(rate)).sin() * 16_000.0).round() as i16;
    (0..samples).map(sample).collect()
}

fn resample(from: u32, to: u32, input: &[i16]) -> Vec<i16> {
    let mut out = Vec::new();
    Resampler::new(from, to).process(input, &mut out);
    out
}

/// Power of the tone at `hz` and of everything else, after the filter has filled.
fn powers(samples: &[i16], hz: f64, rate: u32) -> (f64, f64) {
    let settled = &samples[samples.len() / 2..];
    let (mut cosine, mut sine, mut all) = (0.0, 0.0, 0.0);
    for (n, &sample) in (0..).zip(settled) {
        let angle = 2.0 * PI * hz * f64::from(n) / f64::from(rate);
        let sample = f64::from(sample);
        cosine += sample * angle.cos();
        sine += sample * angle.sin();
        all += sample * sample;
    }
    let count = f64::from(u32::try_from(settled.len()).expect("short"));
    let tone = 2.0 * (cosine * cosine + sine * sine) / (count * count);
    (tone, all / count - tone)
}

fn decibels(ratio: f64) -> f64 {
    10.0 * ratio.log10()
}

#[test]
fn a_voice_keeps_its_pitch_and_loudness_at_every_pair_of_rates() {
    for from in RATES {
        for to in RATES.into_iter().filter(|&to| to != from) {
            for hz in [300.0, 1_000.0, 3_000.0] {
                // Both halves, 100 ms each, hold whole periods of all three tones.
                let out = resample(from, to, &tone(hz, from, from / 5));
                let (tone, rest) = powers(&out, hz, to);
                let loudness = decibels(tone / (16_000.0 * 16_000.0 / 2.0));
                assert!(loudness.abs() < 0.2, "{from} to {to}: {hz} Hz changed by {loudness} dB");
                let noise = decibels(rest.max(1e-9) / tone);
                assert!(noise < -60.0, "{from} to {to}: {noise} dB beside {hz} Hz");
            }
        }
    }
}

#[test]
fn what_the_slower_side_cannot_carry_does_not_fold_back() {
    for from in [16_000, 22_050, 24_000, 44_100, 48_000] {
        for hz in [4_500.0, 5_000.0, 7_000.0] {
            let out = resample(from, 8_000, &tone(hz, from, from / 5));
            let (_, all) = powers(&out, 0.0, 8_000);
            let folded = decibels(all / (16_000.0 * 16_000.0 / 2.0));
            assert!(folded < -60.0, "{from} to 8000: {hz} Hz came through with {folded} dB");
        }
    }
}

#[test]
fn dropping_samples_instead_of_filtering_would_be_noticed() {
    let dropped: Vec<i16> = tone(5_000.0, 16_000, 3_200).into_iter().step_by(2).collect();
    let (folded, _) = powers(&dropped, 3_000.0, 8_000);
    assert!(decibels(folded / (16_000.0 * 16_000.0 / 2.0)) > -1.0);
}

#[test]
fn the_loudest_input_is_clipped_and_overflows_nothing() {
    for from in RATES {
        for to in RATES {
            let square: Vec<i16> =
                (0..1_000).map(|n| if n / 7 % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
            assert!(!resample(from, to, &square).is_empty());
            let steady = resample(from, to, &[i16::MAX; 1_000]);
            assert_eq!(steady.last(), Some(&i16::MAX), "{from} to {to}: each row of weights sums up to one");
        }
    }
}

proptest! {
    // Each case fills tables of weights, which takes long without optimisation.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cutting_the_input_anywhere_changes_nothing(
        from in prop::sample::select(&RATES[..]),
        to in prop::sample::select(&RATES[..]),
        input in prop::collection::vec(any::<i16>(), 0..600),
        cuts in prop::collection::vec(0..150_usize, 0..8),
    ) {
        let whole = resample(from, to, &input);
        let expected = (input.len() * to as usize).div_ceil(from as usize);
        prop_assert_eq!(whole.len(), expected);

        let mut resampler = Resampler::new(from, to);
        let (mut pieces, mut rest) = (Vec::new(), &input[..]);
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            resampler.process(piece, &mut pieces);
            rest = after;
        }
        resampler.process(rest, &mut pieces);
        prop_assert_eq!(pieces, whole);
    }
}
