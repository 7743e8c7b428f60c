//! Typed identifiers: a prefix, 48 bits of time and 128 random bits, in lower-case Crockford base 32.
//!
//! `ses_` + 10 characters of time + 26 characters of randomness. They sort by creation time, and the random
//! part is long enough that an id can stand in a link. Copies share their text: an id goes with every message, row and
//! event.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The longest id accepted from outside, in bytes.
pub const MAX_ID_LEN: usize = 64;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct InvalidId {
    /// Which kind of id was expected, e.g. `session`.
    pub kind: &'static str,
}

fn push_base32(out: &mut String, value: u128, digits: u32) {
    for digit in (0..digits).rev() {
        let index = usize::try_from((value >> (digit * 5)) & 31).unwrap_or(0);
        out.push(char::from(ALPHABET[index]));
    }
}

fn encode(prefix: &str, at: Timestamp, entropy: [u8; 16]) -> String {
    let mut out = String::with_capacity(prefix.len() + 37);
    out.push_str(prefix);
    out.push('_');
    push_base32(&mut out, u128::from(at.as_millis().unsigned_abs()), 10);
    push_base32(&mut out, u128::from_be_bytes(entropy), 26);
    out
}

fn check(text: &str, prefix: &str, kind: &'static str) -> Result<(), InvalidId> {
    let body = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    let valid = body.is_some_and(|body| {
        !body.is_empty()
            && text.len() <= MAX_ID_LEN
            && body.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    });
    if valid { Ok(()) } else { Err(InvalidId { kind }) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The prefix every id of this kind starts with (without the underscore).
            pub const PREFIX: &'static str = $prefix;

            /// A new id made at `at` from 128 random bits.
            pub fn new(at: Timestamp, entropy: [u8; 16]) -> Self {
                Self(encode($prefix, at, entropy).into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text, $prefix, $kind)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                (*id.0).into()
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant.
    OrgId = "org", "organisation";
    /// A contact: the person on the other side.
    ContactId = "con", "contact";
    /// A session: one conversation with one contact.
    SessionId = "ses", "session";
    /// One version of a flow.
    FlowId = "flw", "flow";
    /// A service that is sold.
    ServiceId = "svc", "service";
    /// A package of services.
    PackageId = "pkg", "package";
    /// One outgoing message and its attempts. Derived from session, turn and position: see [`DeliveryId::derive`].
    DeliveryId = "dlv", "delivery";
    /// A durable timer. Derived like a delivery id.
    TimerId = "tmr", "timer";
    /// A stored file.
    FileId = "fil", "file";
    /// A call: by telephone or by the widget's microphone.
    CallId = "call", "call";
    /// Something a human must look at.
    EscalationId = "esc", "escalation";
}

macro_rules! derived {
    ($($name:ident),*) => {$(
        impl $name {
            /// The id of the `index`-th such thing in turn `seq` of `session`. Deriving it keeps `decide` free of
            /// randomness: a replay gives the same ids.
            pub fn derive(session: &SessionId, seq: u64, index: usize) -> Self {
                let body = session.as_str().strip_prefix("ses_").unwrap_or(session.as_str());
                Self(format!("{}_{body}_{seq}_{index}", Self::PREFIX).into())
            }
        }
    )*};
}
derived!(DeliveryId, TimerId, EscalationId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_a_round_trip_and_sorts_by_time() {
        let early = SessionId::new(Timestamp::from_millis(1), [0xff; 16]);
        let late = SessionId::new(Timestamp::from_millis(2), [0; 16]);
        assert!(early < late);
        assert_eq!(early.as_str().parse::<SessionId>().as_ref(), Ok(&early));
    }

    #[test]
    fn foreign_and_hostile_ids_are_refused() {
        for text in ["", "ses_", "con_abc", "ses_ABC", "ses_a/../b", &format!("ses_{}", "a".repeat(80))] {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }

    #[test]
    fn derived_ids_parse_and_differ_by_position() {
        let session = SessionId::new(Timestamp::from_millis(7), [3; 16]);
        let first = DeliveryId::derive(&session, 4, 0);
        assert_ne!(first, DeliveryId::derive(&session, 4, 1));
        assert_eq!(first.as_str().parse::<DeliveryId>().as_ref(), Ok(&first));
    }
}
