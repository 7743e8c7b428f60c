//! How many text-message segments a body takes: what the carrier counts, bills and paces by.

/// The character set a body is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GSM 03.38: 160 septets, or 153 in each part of a longer message.
    Gsm7,
    /// UTF-16: 70 code units, or 67 in each part. One character outside GSM 03.38 is enough.
    Ucs2,
}

impl Encoding {
    const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// Units a character takes; 2 for an escape pair or a surrogate pair.
    const fn width(self, character: char) -> usize {
        match self {
            Self::Gsm7 => match gsm7_width(character) {
                Some(width) => width,
                None => 0,
            },
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// What a body costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// The character set.
    pub encoding: Encoding,
    /// Septets or UTF-16 code units.
    pub units: usize,
    /// Parts the message is sent in; at least 1.
    pub count: u32,
}

/// Counts the segments of `body`. A pair of units is never split between two parts, as in GSM 03.40.
pub fn segments(body: &str) -> Segments {
    let encoding =
        if body.chars().all(|c| gsm7_width(c).is_some()) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let units = body.chars().map(|c| encoding.width(c)).sum();
    if units <= encoding.single() {
        return Segments { encoding, units, count: 1 };
    }
    let mut count = 1;
    let mut room = encoding.part();
    for character in body.chars() {
        let width = encoding.width(character);
        if width > room {
            count += 1;
            room = encoding.part();
        }
        room -= width;
    }
    Segments { encoding, units, count }
}

/// Septets of a character in GSM 03.38; `None` when it is in neither of its tables.
const fn gsm7_width(character: char) -> Option<usize> {
    match character {
        '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' | '\u{c}' => Some(2),
        // Of ASCII, the back-tick and most control characters are in neither table.
        ' '..='_'
        | 'a'..='z'
        | '\n'
        | '\r'
        | '\u{1b}'
        | '£'
        | '¥'
        | 'è'
        | 'é'
        | 'ù'
        | 'ì'
        | 'ò'
        | 'Ç'
        | 'Ø'
        | 'ø'
        | 'Å'
        | 'å'
        | 'Δ'
        | 'Φ'
        | 'Γ'
        | 'Λ'
        | 'Ω'
        | 'Π'
        | 'Ψ'
        | 'Σ'
        | 'Θ'
        | 'Ξ'
        | 'Æ'
        | 'æ'
        | 'ß'
        | 'É'
        | '¤'
        | '¡'
        | 'Ä'
        | 'Ö'
        | 'Ñ'
        | 'Ü'
        | '§'
        | '¿'
        | 'ä'
        | 'ö'
        | 'ñ'
        | 'ü'
        | 'à' => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(character: char, times: usize) -> (Encoding, u32) {
        let segments = segments(&character.to_string().repeat(times));
        (segments.encoding, segments.count)
    }

    #[test]
    fn the_documented_examples_hold() {
        use Encoding::{Gsm7, Ucs2};
        for (character, times, encoding, expected) in [
            ('a', 0, Gsm7, 1),
            ('a', 160, Gsm7, 1),
            ('a', 161, Gsm7, 2),
            ('a', 306, Gsm7, 2),
            ('a', 307, Gsm7, 3),
            ('{', 80, Gsm7, 1),
            ('{', 81, Gsm7, 2),
            ('ж', 70, Ucs2, 1),
            ('ж', 71, Ucs2, 2),
            ('👍', 35, Ucs2, 1),
            ('👍', 36, Ucs2, 2),
        ] {
            assert_eq!(count(character, times), (encoding, expected), "{times} of {character}");
        }
    }

    #[test]
    fn pairs_are_not_split_between_parts() {
        // A part has room for 76 escape pairs and a half: 153 pairs would fit two parts only if one were split.
        assert_eq!(count('{', 153), (Encoding::Gsm7, 3));
        // The same with 33 surrogate pairs and a half.
        assert_eq!(count('👍', 67), (Encoding::Ucs2, 3));
    }

    #[test]
    fn typographic_characters_force_the_wide_encoding() {
        for character in ['`', '’', '“', '—', '…', 'ç', '\u{a0}', '\t'] {
            assert_eq!(count(character, 1).0, Encoding::Ucs2, "{character}");
        }
        for character in
            "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./09:;<=>?¡AZÄÖÑÜ§¿azäöñüà^{}\\[~]|€\u{c}"
                .chars()
        {
            assert_eq!(count(character, 1).0, Encoding::Gsm7, "{character}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_counted(body in ".{0,400}") {
            let counted = segments(&body);
            let capacity = counted.count as usize * counted.encoding.single();
            proptest::prop_assert!(counted.count >= 1 && counted.units <= capacity);
        }
    }
}
