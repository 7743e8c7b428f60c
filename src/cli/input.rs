//! Lines from standard input, whatever they hold.

use std::io::{self, BufRead, Read as _};

/// A line's first bytes; no answer is longer, and no line may fill the memory.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// The lines of `source`: what is not UTF-8 becomes the replacement character, and what is longer than any answer is
/// cut.
pub(super) fn lines(mut source: impl BufRead) -> impl Iterator<Item = io::Result<String>> {
    std::iter::from_fn(move || next_line(&mut source).transpose())
}

fn next_line(source: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if source.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else {
        source.skip_until(b'\n')?;
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        lines(bytes).collect::<io::Result<_>>().expect("memory can be read")
    }

    #[test]
    fn every_line_is_read_the_last_one_too() {
        assert_eq!(read(b"one\r\n\ntwo"), ["one", "", "two"]);
        assert!(read(b"").is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_do_not_end_the_conversation() {
        assert_eq!(read(b"caf\xe9\nnext\n"), ["caf\u{fffd}", "next"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_read() {
        let mut bytes = vec![b'x'; 200_000];
        bytes.extend_from_slice(b"\nnext\n");
        let read = read(&bytes);
        assert_eq!(read[0].len() as u64, MAX_LINE_BYTES);
        assert_eq!(read[1], "next");
    }
}
