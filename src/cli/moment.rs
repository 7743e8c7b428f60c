//! An instant that somebody names on the command line.

use std::str::FromStr;

use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use usher_conversation::time::Timestamp;

/// An instant, and the clock on the wall of whoever named it: `2026-03-01T23:00:00-05:00` is still the first of March there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    at: jiff::Timestamp,
    zone: Option<String>,
}

impl Moment {
    /// When.
    pub(super) fn at(&self) -> Timestamp {
        self.at.into()
    }

    /// The zone (IANA) with that offset. There is one for every whole hour; for others UTC must do.
    pub(super) fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let at = text.parse()?;
        let zone = Pieces::parse(text)?.to_numeric_offset().and_then(zone_of);
        Ok(Self { at, zone })
    }
}

/// The names of these zones count westwards.
fn zone_of(offset: Offset) -> Option<String> {
    let seconds = offset.seconds();
    (seconds != 0 && seconds % 3_600 == 0).then(|| format!("Etc/GMT{:+}", -seconds / 3_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> Option<String> {
        text.parse::<Moment>().expect("RFC 3339").zone
    }

    #[test]
    fn an_offset_says_where_somebody_is() {
        assert_eq!(zone("2026-03-01T23:00:00-05:00").as_deref(), Some("Etc/GMT+5"));
        assert_eq!(zone("2026-03-01T23:00:00+02:00").as_deref(), Some("Etc/GMT-2"));
        assert_eq!(zone("2026-03-01T23:00:00Z"), None);
        assert_eq!(zone("2026-03-01T23:00:00+05:30"), None);
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in ["", "tomorrow", "2026-03-01", "2026-03-01T23:00:00"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
