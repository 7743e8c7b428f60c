//! What a file is, by its first bytes: names and declared types are only claims.

/// How many leading bytes are looked at.
pub const HEAD_BYTES: usize = 512;

/// The media type of an accepted file, or `None` for what is not accepted (programs, scripts, pages).
pub fn media_type(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    match head {
        _ if starts(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if starts(b"\xff\xd8\xff") => Some("image/jpeg"),
        _ if starts(b"GIF87a") || starts(b"GIF89a") => Some("image/gif"),
        _ if starts(b"RIFF") && at(8, b"WEBP") => Some("image/webp"),
        _ if at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1") => Some("image/heic"),
        _ if at(4, b"ftypavif") => Some("image/avif"),
        _ if at(4, b"ftyp") => Some("video/mp4"),
        _ if starts(b"%PDF-") => Some("application/pdf"),
        _ if starts(b"PK\x03\x04") => Some("application/zip"),
        _ => text_type(head),
    }
}

/// Plain text, as far as the head shows; markup that a browser would run is refused, except drawings.
fn text_type(head: &[u8]) -> Option<&'static str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end inside a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let lower = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if lower.is_empty() || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return None;
    }
    if lower.starts_with("<svg") || (lower.starts_with("<?xml") && lower.contains("<svg")) {
        return Some("image/svg+xml");
    }
    let runnable = lower.starts_with('<') || lower.starts_with("#!");
    (!runnable).then_some("text/plain")
}

/// A file name safe to store and show: its last part, without control characters, at most 120 characters.
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last.chars().filter(|c| !c.is_control()).take(120).collect();
    let trimmed = cleaned.trim().trim_start_matches('.');
    if trimmed.is_empty() { "file".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_files_are_recognised_by_their_bytes() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(media_type(b"%PDF-1.7"), Some("application/pdf"));
        assert_eq!(media_type(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type("<?xml version=\"1.0\"?><svg>".as_bytes()), Some("image/svg+xml"));
        assert_eq!(media_type("plain words, caf\u{e9}".as_bytes()), Some("text/plain"));
        assert_eq!(media_type(&"caf\u{e9}".as_bytes()[..4]), Some("text/plain"));
    }

    #[test]
    fn programs_pages_and_nothing_are_refused() {
        for head in [
            &b"MZ\x90\x00"[..],
            b"\x7fELF",
            b"<html><script>",
            b"<script>alert(1)",
            b"#!/bin/sh",
            b"",
            b"a\x00b",
        ] {
            assert_eq!(media_type(head), None, "{head:?}");
        }
    }

    #[test]
    fn names_lose_their_directories_and_their_tricks() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("C:\\pics\\logo.png"), "logo.png");
        assert_eq!(clean_name("..\n"), "file");
        assert_eq!(clean_name(&"x".repeat(500)).len(), 120);
    }
}
