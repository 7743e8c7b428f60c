//! G.711 µ-law, as the telephone network writes samples. The stand-in has its own, so that an error in the product's codec
//! does not cancel itself out here.

/// Telephone audio: samples a second.
pub(crate) const HZ: u32 = 8_000;
/// A frame of 20 ms.
pub(crate) const FRAME: usize = 160;
/// No sound.
pub(crate) const SILENCE: u8 = 0xFF;

const BIAS: i32 = 0x84;
const CLIP: i32 = 32_635;

/// One sample as a byte.
pub(crate) fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    let exponent = 24 - magnitude.leading_zeros();
    let mantissa = (magnitude >> (exponent + 3)) & 0x0F;
    // Exponent and mantissa have three and four bits.
    let coded = u8::try_from((exponent << 4).cast_signed() | mantissa).unwrap_or(0x7F);
    !(sign | coded)
}

/// A byte as one sample.
pub(crate) fn decode(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte >> 4) & 0x07;
    let mantissa = i32::from(byte & 0x0F);
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    let magnitude = i16::try_from(magnitude).unwrap_or(i16::MAX);
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// Samples as bytes.
pub(crate) fn encode_all(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|sample| encode(*sample)).collect()
}

/// Bytes as samples.
pub(crate) fn decode_all(bytes: &[u8]) -> Vec<i16> {
    bytes.iter().map(|byte| decode(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_values_of_the_recommendation() {
        for (byte, sample) in
            [(0xFF, 0), (0x7F, 0), (0x80, 32_124), (0x00, -32_124), (0xFE, 8), (0x7E, -8), (0xF0, 120)]
        {
            assert_eq!(decode(byte), sample, "{byte:#x}");
        }
        assert_eq!(encode(0), SILENCE);
    }

    #[test]
    fn every_byte_but_negative_zero_survives_a_round_trip() {
        for byte in (0..=255_u8).filter(|byte| *byte != 0x7F) {
            assert_eq!(encode(decode(byte)), byte);
        }
        assert_eq!((encode(i16::MAX), encode(i16::MIN)), (0x80, 0x00));
    }
}
