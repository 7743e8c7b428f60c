//! G.711 µ-law: one byte for a 14-bit sample, with steps that grow with loudness (ITU-T G.711, table 2a/2b).
//!
//! Samples are scaled to 16 bits, so they lie within ±32124.

/// Silence.
pub const SILENCE: u8 = 0xFF;

/// Makes every magnitude at least one segment long, so that its highest bit names the segment.
const BIAS: i16 = 132;
/// The loudest magnitude that still fits after the bias.
const CLIP: u16 = 32_635;

const DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut code: u8 = 0;
    loop {
        // The bits are sent inverted: 1 sign, 3 segment, 4 step.
        let bits = !code;
        let step = ((bits & 0x0F) as i16) << 3;
        let magnitude = ((step + BIAS) << ((bits & 0x70) >> 4)) - BIAS;
        table[code as usize] = if bits & 0x80 == 0 { magnitude } else { -magnitude };
        if code == u8::MAX {
            break table;
        }
        code += 1;
    }
};

/// The sample a code stands for.
pub const fn decode(code: u8) -> i16 {
    DECODED[code as usize]
}

/// The code nearest to zero whose interval holds the sample; louder samples than ±32635 are clipped.
#[expect(clippy::cast_possible_truncation, reason = "a segment has three bits and a step four")]
pub const fn encode(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs();
    let magnitude = if magnitude > CLIP { CLIP } else { magnitude } + BIAS.unsigned_abs();
    // The highest bit set is one of 7 (quietest segment) to 14.
    let segment = 8 - magnitude.leading_zeros();
    let step = (magnitude >> (segment + 3)) & 0x0F;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | step as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_being_decoded_and_encoded() {
        for code in 0..=u8::MAX {
            // Zero has two codes; the negative one becomes the positive one.
            let expected = if code == 0x7F { SILENCE } else { code };
            assert_eq!(encode(decode(code)), expected, "{code:#04x}");
        }
    }

    #[test]
    fn known_codes_stand_for_the_samples_of_the_standard() {
        for (code, sample) in [
            (0x00, -32_124),
            (0x01, -31_100),
            (0x0F, -16_764),
            (0x10, -15_996),
            (0x7E, -8),
            (0x7F, 0),
            (0x80, 32_124),
            (0xCE, 988),
            (0xEF, 132),
            (0xFE, 8),
            (0xFF, 0),
        ] {
            assert_eq!(decode(code), sample, "{code:#04x}");
        }
        for (sample, code) in
            [(0, 0xFF), (-1, 0x7F), (1_000, 0xCE), (-1_000, 0x4E), (i16::MAX, 0x80), (i16::MIN, 0x00)]
        {
            assert_eq!(encode(sample), code, "{sample}");
        }
    }

    #[test]
    fn no_sample_is_further_off_than_half_its_step() {
        for sample in i16::MIN..=i16::MAX {
            let heard = i32::from(decode(encode(sample)));
            let clipped = i32::from(sample).clamp(-i32::from(CLIP), i32::from(CLIP));
            let step = (clipped.abs() + 132) / 16;
            assert!((heard - clipped).abs() <= step.max(8), "{sample} became {heard}");
        }
    }
}
