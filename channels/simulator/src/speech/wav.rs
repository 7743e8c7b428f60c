//! WAV files: reading what a program or a web server gives, writing what was recorded.

use super::g711;

/// A sound with its rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sound {
    pub(crate) hz: u32,
    pub(crate) samples: Vec<i16>,
}

/// Why a file cannot be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a WAV file with 16-bit or µ-law samples")]
pub(crate) struct NotPlayable;

const PCM: u16 = 1;
const MULAW: u16 = 7;
/// More would be minutes of a stranger's file.
const MAX_SAMPLES: usize = 48_000 * 120;

/// Reads 16-bit PCM and µ-law; of several channels the first.
pub(crate) fn read(file: &[u8]) -> Result<Sound, NotPlayable> {
    let rest = file.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..)).ok_or(NotPlayable)?;
    let mut rest = rest.strip_prefix(b"WAVE").ok_or(NotPlayable)?;
    let mut format: Option<(u16, usize, u32)> = None;
    while rest.len() >= 8 {
        let (head, body) = rest.split_at(8);
        let announced = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        // A program that writes into a pipe does not know the length.
        let length = announced.min(body.len());
        let chunk = &body[..length];
        match &head[..4] {
            b"fmt " if chunk.len() >= 16 => {
                let hz = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
                let channels = u16::from_le_bytes([chunk[2], chunk[3]]);
                let coding = u16::from_le_bytes([chunk[0], chunk[1]]);
                format = Some((coding, usize::from(channels.max(1)), hz));
            }
            b"data" => {
                let (coding, channels, hz) = format.ok_or(NotPlayable)?;
                let all: Vec<i16> = match coding {
                    PCM => chunk.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect(),
                    MULAW => g711::decode_all(chunk),
                    _ => return Err(NotPlayable),
                };
                let samples = all.into_iter().step_by(channels).take(MAX_SAMPLES).collect();
                return if (4_000..=96_000).contains(&hz) {
                    Ok(Sound { hz, samples })
                } else {
                    Err(NotPlayable)
                };
            }
            _ => {}
        }
        rest = body.get(length + length % 2..).unwrap_or_default();
    }
    Err(NotPlayable)
}

/// The samples without the silence around them.
pub(crate) fn trimmed(samples: &[i16]) -> Vec<i16> {
    let loud = |sample: &i16| sample.unsigned_abs() > 200;
    let first = samples.iter().position(loud).unwrap_or(0);
    let last = samples.iter().rposition(loud).map_or(0, |last| last + 1);
    samples.get(first..last).unwrap_or_default().to_vec()
}

/// A file of telephone audio; the bytes of several channels follow one another in turn.
pub(crate) fn write_telephone(bytes: &[u8], channels: u16) -> Vec<u8> {
    let length = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = Vec::with_capacity(bytes.len() + 46);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&length(bytes.len() + 38));
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&18_u32.to_le_bytes());
    file.extend_from_slice(&MULAW.to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&g711::HZ.to_le_bytes());
    file.extend_from_slice(&(g711::HZ * u32::from(channels)).to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&8_u16.to_le_bytes());
    file.extend_from_slice(&0_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length(bytes.len()));
    file.extend_from_slice(bytes);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_rubbish_is_refused() {
        let bytes: Vec<u8> = (0..=255).filter(|byte| *byte != 0x7F).collect();
        let sound = read(&write_telephone(&bytes, 1)).expect("a file");
        assert_eq!((sound.hz, sound.samples), (8_000, g711::decode_all(&bytes)));
        assert_eq!(read(&write_telephone(&[1, 2, 3, 4], 2)).expect("a file").samples.len(), 2);
        for rubbish in [&b"RIFF"[..], b"RIFF1234WAVE", b"RIFF1234WAVEdata\x01\0\0\0\0", b"<html>", b""] {
            assert_eq!(read(rubbish), Err(NotPlayable));
        }
    }
}
