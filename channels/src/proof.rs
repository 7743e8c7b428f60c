//! What vendors' webhook signatures have in common.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use usher_conversation::time::Timestamp;

/// Why a webhook is not believed. The caller answers 401 to all of these and tells the sender nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The header is missing.
    #[error("the proof is missing")]
    Missing,
    /// The header does not have the documented form, or we have no secret to check it with.
    #[error("the proof cannot be read")]
    Malformed,
    /// Signed too long ago, or in the future.
    #[error("the proof is out of date")]
    Stale,
    /// It does not fit the body.
    #[error("the proof does not match")]
    Mismatch,
}

/// Lower-case hex of the HMAC-SHA256 over the parts, one after the other.
pub(crate) fn hmac_sha256(secret: &SecretString, parts: &[&[u8]]) -> String {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

/// Constant-time comparison of text; only the length, which is no secret, ends it early.
pub(crate) fn check(expected: &str, given: &str) -> Result<(), ProofError> {
    let same: bool = expected.as_bytes().ct_eq(given.as_bytes()).into();
    if same { Ok(()) } else { Err(ProofError::Mismatch) }
}

/// Whether what was signed at `signed` may still be believed at `now`.
pub(crate) fn fresh(
    signed: Timestamp,
    now: Timestamp,
    past_millis: i64,
    ahead_millis: i64,
) -> Result<(), ProofError> {
    let age = now.millis_since(signed);
    if (-ahead_millis..=past_millis).contains(&age) { Ok(()) } else { Err(ProofError::Stale) }
}
