//! From one sampling rate to another: every new sample is the mean of the time it covers.

/// A stream's converter; it remembers where the last piece ended.
pub(crate) struct Resampler {
    /// Old samples that one new sample covers.
    ratio: f64,
    missing: f64,
    sum: f64,
}

impl Resampler {
    pub(crate) fn new(from_hz: u32, to_hz: u32) -> Self {
        let ratio = f64::from(from_hz) / f64::from(to_hz);
        Self { ratio, missing: ratio, sum: 0.0 }
    }

    /// Converts the next piece.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of samples is a sample")]
    pub(crate) fn convert(&mut self, samples: &[i16]) -> Vec<i16> {
        let mut converted = Vec::new();
        for sample in samples {
            let mut left = 1.0;
            while left >= self.missing {
                self.sum += f64::from(*sample) * self.missing;
                converted.push((self.sum / self.ratio).round() as i16);
                left -= self.missing;
                self.sum = 0.0;
                self.missing = self.ratio;
            }
            self.sum += f64::from(*sample) * left;
            self.missing -= left;
        }
        converted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_same_stream_as_the_whole() {
        let samples: Vec<i16> = (0..999).map(|n| n * 7 % 1_000).collect();
        let whole = Resampler::new(22_050, 8_000).convert(&samples);
        let mut pieces = Resampler::new(22_050, 8_000);
        let joined: Vec<i16> = samples.chunks(13).flat_map(|piece| pieces.convert(piece)).collect();
        assert_eq!(joined, whole);
        assert_eq!(whole.len(), 362);
    }
}
