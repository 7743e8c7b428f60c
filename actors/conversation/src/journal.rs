//! How a turn's events become bytes, and back.

use serde::{Deserialize, Serialize};

use crate::consent::ConsentChange;
use crate::session::Event;
use crate::time::Timestamp;

/// One journal row: all events of one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// 1 for the first turn of a session, then gapless.
    pub seq: u64,
    /// When the turn was decided.
    pub at: Timestamp,
    /// The unique key of the input that caused it, e.g. `twilio:SM…`, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup: Option<String>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Turn {
    /// Whether the contact withdrew consent in it.
    pub fn withdraws_consent(&self) -> bool {
        let withdrawn = ConsentChange::OptedOut;
        self.events
            .iter()
            .any(|event| matches!(event, Event::ConsentChanged { change, .. } if *change == withdrawn))
    }
}

/// A journal body that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("journal body of format {format} cannot be read: {source}")]
pub struct CodecError {
    /// The first byte of the body.
    pub format: u8,
    /// What the decoder said.
    #[source]
    pub source: serde_json::Error,
}

/// The first byte of every body written by this version: JSON list of events.
pub const FORMAT_JSON: u8 = 1;

/// Events as the bytes that are sealed and stored.
///
/// # Errors
/// Never for events made by `decide`; floats that are not finite are refused by the encoder.
pub fn encode(events: &[Event]) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![FORMAT_JSON];
    serde_json::to_writer(&mut out, events).map_err(|source| CodecError { format: FORMAT_JSON, source })?;
    Ok(out)
}

/// The events of a stored body.
///
/// # Errors
/// An unknown format byte, or JSON that is not a list of known events.
pub fn decode(body: &[u8]) -> Result<Vec<Event>, CodecError> {
    use serde::de::Error as _;
    match body.split_first() {
        Some((&FORMAT_JSON, json)) => {
            serde_json::from_slice(json).map_err(|source| CodecError { format: FORMAT_JSON, source })
        }
        Some((&format, _)) => {
            Err(CodecError { format, source: serde_json::Error::custom("unknown journal format") })
        }
        None => Err(CodecError { format: 0, source: serde_json::Error::custom("empty journal body") }),
    }
}
