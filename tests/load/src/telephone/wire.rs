//! WebSocket frames at the least cost that is still correct (RFC 6455): the generator must not need the processor that the
//! measured server runs on. Clients mask with zeros, which leaves the payload as it is.

use anyhow::{Result, bail, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;

/// The longest frame of either side.
const MAX_FRAME: usize = 1 << 20;

/// A text frame, masked as a client's must be.
pub(super) fn masked(text: &str) -> Vec<u8> {
    framed(text, true)
}

/// A text frame as a server sends it.
pub(super) fn plain(text: &str) -> Vec<u8> {
    framed(text, false)
}

fn framed(text: &str, mask: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 14);
    out.push(0x81);
    let bit = if mask { 0x80 } else { 0 };
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => out.push(bit | short),
        _ => {
            out.push(bit | 0x7e);
            out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    if mask {
        out.extend_from_slice(&[0; 4]);
    }
    out.extend_from_slice(text.as_bytes());
    out
}

/// The frames that come in.
#[derive(Debug)]
pub(super) struct Frames {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    start: usize,
}

impl Frames {
    /// Of a connection whose handshake is done.
    pub(super) fn of(stream: OwnedReadHalf) -> Self {
        Self { stream, buffer: Vec::with_capacity(16 * 1024), start: 0 }
    }

    /// The next text frame, unmasked; `None` when the other side closed.
    ///
    /// # Errors
    /// When the connection breaks or carries something else than frames.
    pub(super) async fn next(&mut self) -> Result<Option<&mut [u8]>> {
        loop {
            if let Some((head, length, mask)) = header(&self.buffer[self.start..])? {
                let begin = self.start + head;
                if self.buffer.len() - begin >= length {
                    let opcode = self.buffer[self.start] & 0x0f;
                    self.start = begin + length;
                    match opcode {
                        0x1 => {
                            let payload = &mut self.buffer[begin..begin + length];
                            unmask(payload, mask);
                            return Ok(Some(payload));
                        }
                        0x8 => return Ok(None),
                        // Nobody here waits for an answer to a ping within a benchmark.
                        _ => continue,
                    }
                }
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

type Header = (usize, usize, Option<[u8; 4]>);

/// Length of the head, length of the payload, mask; `None` when more bytes are needed.
fn header(bytes: &[u8]) -> Result<Option<Header>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    ensure!(first & 0x80 != 0, "a frame in pieces");
    let (length, mut head) = match second & 0x7f {
        126 => match rest {
            [high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
            _ => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(length) => (usize::try_from(u64::from_be_bytes(*length))?, 10),
            None => return Ok(None),
        },
        short => (usize::from(short), 2),
    };
    if length > MAX_FRAME {
        bail!("a frame of {length} bytes");
    }
    let mask = if second & 0x80 == 0 {
        None
    } else {
        let Some(mask) = bytes.get(head..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
        head += 4;
        Some(*mask)
    };
    Ok(Some((head, length, mask)))
}

fn unmask(payload: &mut [u8], mask: Option<[u8; 4]>) {
    if let Some(mask) = mask.filter(|mask| *mask != [0; 4]) {
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_back() {
        for length in [0, 1, 125, 126, 300, 65_535] {
            let text = "x".repeat(length);
            for frame in [masked(&text), plain(&text)] {
                let (head, payload, _) = header(&frame).expect("well formed").expect("complete");
                assert_eq!((payload, head + payload), (length, frame.len()));
                assert!(
                    header(&frame[..head - 1])
                        .expect("well formed")
                        .is_none_or(|(_, found, _)| found == length)
                );
            }
        }
    }
}
