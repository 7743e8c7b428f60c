//! Whether a webhook that is signed comes from Vapi.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use usher_conversation::time::Timestamp;

use crate::proof::{ProofError, check, fresh};

/// How far the vendor's clock and ours may be apart, the way included.
const TOLERANCE_MILLIS: i64 = 5 * 60 * 1_000;
/// Numbers above this are milliseconds, not seconds, since 1970.
const MAX_SECONDS: i64 = 100_000_000_000;

/// How a body is signed with HMAC-SHA256 in hex, as set up at Vapi; [`HmacPlan::new`] has the vendor's defaults.
#[derive(Debug, Clone)]
pub struct HmacPlan {
    /// The secret.
    pub secret: SecretString,
    /// The header with the signature.
    pub signature_header: String,
    /// What stands before it, e.g. `sha256=`.
    pub prefix: String,
    /// The header with the time; absent when the time is not signed.
    pub timestamp_header: Option<String>,
}

impl HmacPlan {
    /// Over `{timestamp}.{body}`.
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret,
            signature_header: "x-signature".to_owned(),
            prefix: String::new(),
            timestamp_header: Some("x-timestamp".to_owned()),
        }
    }

    /// The header's value for a body, as the vendor writes it; `timestamp` exactly when the time is signed.
    fn sign(&self, timestamp: Option<&str>, body: &[u8]) -> String {
        let key = self.secret.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        if let Some(timestamp) = timestamp {
            mac.update(timestamp.as_bytes());
            mac.update(b".");
        }
        mac.update(body);
        format!("{}{}", self.prefix, hex::encode(mac.finalize().into_bytes()))
    }

    /// Checks a request; `header` finds a header's value by its name in lower case.
    pub fn verify<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), ProofError> {
        let given = header(&self.signature_header).ok_or(ProofError::Missing)?;
        let time = match &self.timestamp_header {
            None => None,
            Some(name) => Some(header(name).ok_or(ProofError::Missing)?),
        };
        check(&self.sign(time, body), given)?;
        time.map_or(Ok(()), |time| {
            let number: i64 = time.parse().map_err(|_| ProofError::Malformed)?;
            let millis = if number > MAX_SECONDS { number } else { number.saturating_mul(1_000) };
            fresh(Timestamp::from_millis(millis), now, TOLERANCE_MILLIS, TOLERANCE_MILLIS)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"message":{"type":"status-update","status":"ended"}}"#;
    const TIMED: &str = "ecd8aa0464d2e99c5d5009fe4c10636278d0197d0233e4ef7fa73407feafcc27";
    const PLAIN: &str = "sha256=2307b27f9a770dd30e0b4c81dd3a04919fa6ead6abd6fd17ef921138ede061da";
    const AT: i64 = 1_714_608_475_000;

    fn verify(
        plan: &HmacPlan,
        headers: &[(&str, &'static str)],
        body: &[u8],
        now: i64,
    ) -> Result<(), ProofError> {
        let find = |name: &str| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        plan.verify(find, body, Timestamp::from_millis(now))
    }

    #[test]
    fn a_signature_with_its_time_is_believed_for_five_minutes() {
        let plan = HmacPlan::new("vapi_test_secret".into());
        let headers = [("x-signature", TIMED), ("x-timestamp", "1714608475")];
        for (now, expected) in [
            (AT, Ok(())),
            (AT + 300_000, Ok(())),
            (AT + 300_001, Err(ProofError::Stale)),
            (AT - 300_001, Err(ProofError::Stale)),
        ] {
            assert_eq!(verify(&plan, &headers, BODY, now), expected, "{now}");
        }
        assert_eq!(verify(&plan, &headers, b"{}", AT), Err(ProofError::Mismatch));
        assert_eq!(verify(&plan, &headers[..1], BODY, AT), Err(ProofError::Missing));
        let later = [("x-signature", TIMED), ("x-timestamp", "1714608476")];
        assert_eq!(verify(&plan, &later, BODY, AT), Err(ProofError::Mismatch));
    }

    #[test]
    fn a_signature_of_the_body_alone_is_believed_with_its_prefix() {
        let plan = HmacPlan {
            signature_header: "x-vapi-signature".to_owned(),
            prefix: "sha256=".to_owned(),
            timestamp_header: None,
            ..HmacPlan::new("vapi_test_secret".into())
        };
        assert_eq!(verify(&plan, &[("x-vapi-signature", PLAIN)], BODY, AT), Ok(()));
        let bare = PLAIN.strip_prefix("sha256=").expect("a prefix");
        assert_eq!(verify(&plan, &[("x-vapi-signature", bare)], BODY, AT), Err(ProofError::Mismatch));
        assert_eq!(verify(&plan, &[], BODY, AT), Err(ProofError::Missing));
    }
}
