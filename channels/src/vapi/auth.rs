//! Whether a webhook comes from Vapi: by one of the credentials its customers can set up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use usher_conversation::time::Timestamp;

use crate::proof::{ProofError, check, fresh};

/// How far the vendor's clock and ours may be apart, the way included.
const TOLERANCE_MILLIS: i64 = 5 * 60 * 1_000;
/// Numbers above this are milliseconds, not seconds, since 1970.
const MAX_SECONDS: i64 = 100_000_000_000;

/// A credential.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Bearer <token>`.
    Bearer(SecretString),
    /// `X-Vapi-Secret: <token>`.
    Secret(SecretString),
    /// A signature.
    Hmac(HmacPlan),
}

/// How a body is signed, as set up at Vapi; [`HmacPlan::new`] has the vendor's defaults.
#[derive(Debug, Clone)]
pub struct HmacPlan {
    /// The secret.
    pub secret: SecretString,
    /// The secret is base64 of the key.
    pub secret_is_base64: bool,
    /// The hash.
    pub algorithm: Algorithm,
    /// The header with the signature.
    pub signature_header: String,
    /// What stands before it, e.g. `sha256=`.
    pub prefix: String,
    /// The header with the time; absent when the time is not signed.
    pub timestamp_header: Option<String>,
    /// How the signature is written.
    pub encoding: Encoding,
}

/// A hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Standard base64.
    Base64,
}

impl HmacPlan {
    /// HMAC-SHA256 over `{timestamp}.{body}` in hex.
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret,
            secret_is_base64: false,
            algorithm: Algorithm::Sha256,
            signature_header: "x-signature".to_owned(),
            prefix: String::new(),
            timestamp_header: Some("x-timestamp".to_owned()),
            encoding: Encoding::Hex,
        }
    }

    /// The header's value for a body, as the vendor writes it; `timestamp` exactly when the time is signed.
    pub fn sign(&self, timestamp: Option<&str>, body: &[u8]) -> Result<String, ProofError> {
        let text = self.secret.expose_secret();
        let decoded;
        let key = if self.secret_is_base64 {
            decoded = STANDARD.decode(text).map_err(|_| ProofError::Malformed)?;
            &decoded
        } else {
            text.as_bytes()
        };
        let time = timestamp.unwrap_or_default().as_bytes();
        let dot: &[u8] = if timestamp.is_some() { b"." } else { b"" };
        let parts = [time, dot, body];
        let digest = match self.algorithm {
            Algorithm::Sha1 => digest::<Hmac<Sha1>>(key, parts),
            Algorithm::Sha256 => digest::<Hmac<Sha256>>(key, parts),
            Algorithm::Sha512 => digest::<Hmac<Sha512>>(key, parts),
        };
        let written = match self.encoding {
            Encoding::Hex => hex::encode(digest),
            Encoding::Base64 => STANDARD.encode(digest),
        };
        Ok(format!("{}{written}", self.prefix))
    }
}

fn digest<M: Mac + KeyInit>(key: &[u8], parts: [&[u8]; 3]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

impl Auth {
    /// Checks a request; `header` finds a header's value by its name in lower case.
    pub fn verify<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), ProofError> {
        match self {
            Self::Bearer(token) => {
                let given = header("authorization").ok_or(ProofError::Missing)?;
                let given = given.strip_prefix("Bearer ").ok_or(ProofError::Malformed)?;
                check_token(token, given)
            }
            Self::Secret(token) => check_token(token, header("x-vapi-secret").ok_or(ProofError::Missing)?),
            Self::Hmac(plan) => {
                let given = header(&plan.signature_header).ok_or(ProofError::Missing)?;
                let time = match &plan.timestamp_header {
                    None => None,
                    Some(name) => Some(header(name).ok_or(ProofError::Missing)?),
                };
                check(&plan.sign(time, body)?, given)?;
                time.map_or(Ok(()), |time| {
                    let number: i64 = time.parse().map_err(|_| ProofError::Malformed)?;
                    let millis = if number > MAX_SECONDS { number } else { number.saturating_mul(1_000) };
                    fresh(Timestamp::from_millis(millis), now, TOLERANCE_MILLIS, TOLERANCE_MILLIS)
                })
            }
        }
    }
}

/// An empty token would let everybody in who sends an empty one.
fn check_token(token: &SecretString, given: &str) -> Result<(), ProofError> {
    let token = token.expose_secret();
    if token.is_empty() { Err(ProofError::Malformed) } else { check(token, given) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"message":{"type":"status-update","status":"ended"}}"#;
    const TIMED: &str = "ecd8aa0464d2e99c5d5009fe4c10636278d0197d0233e4ef7fa73407feafcc27";
    const PLAIN: &str = "sha256=2307b27f9a770dd30e0b4c81dd3a04919fa6ead6abd6fd17ef921138ede061da";
    const AT: i64 = 1_714_608_475_000;

    fn verify(
        auth: &Auth,
        headers: &[(&str, &'static str)],
        body: &[u8],
        now: i64,
    ) -> Result<(), ProofError> {
        let find = |name: &str| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        auth.verify(find, body, Timestamp::from_millis(now))
    }

    #[test]
    fn a_signature_with_its_time_is_believed_for_five_minutes() {
        let auth = Auth::Hmac(HmacPlan::new("vapi_test_secret".into()));
        let headers = [("x-signature", TIMED), ("x-timestamp", "1714608475")];
        for (now, expected) in [
            (AT, Ok(())),
            (AT + 300_000, Ok(())),
            (AT + 300_001, Err(ProofError::Stale)),
            (AT - 300_001, Err(ProofError::Stale)),
        ] {
            assert_eq!(verify(&auth, &headers, BODY, now), expected, "{now}");
        }
        assert_eq!(verify(&auth, &headers, b"{}", AT), Err(ProofError::Mismatch));
        assert_eq!(verify(&auth, &headers[..1], BODY, AT), Err(ProofError::Missing));
        let later = [("x-signature", TIMED), ("x-timestamp", "1714608476")];
        assert_eq!(verify(&auth, &later, BODY, AT), Err(ProofError::Mismatch));
    }

    #[test]
    fn a_signature_of_the_body_alone_is_believed_with_its_prefix() {
        let plan = HmacPlan {
            signature_header: "x-vapi-signature".to_owned(),
            prefix: "sha256=".to_owned(),
            timestamp_header: None,
            ..HmacPlan::new("vapi_test_secret".into())
        };
        let auth = Auth::Hmac(plan);
        assert_eq!(verify(&auth, &[("x-vapi-signature", PLAIN)], BODY, AT), Ok(()));
        let bare = PLAIN.strip_prefix("sha256=").expect("a prefix");
        assert_eq!(verify(&auth, &[("x-vapi-signature", bare)], BODY, AT), Err(ProofError::Mismatch));
        assert_eq!(verify(&auth, &[], BODY, AT), Err(ProofError::Missing));
    }

    #[test]
    fn every_setting_of_the_signature_counts() {
        let plain = HmacPlan::new("c2VjcmV0".into());
        let signed = |plan: &HmacPlan| plan.sign(Some("1"), BODY).expect("a key");
        let mut seen = vec![signed(&plain)];
        for changed in [
            HmacPlan { algorithm: Algorithm::Sha1, ..plain.clone() },
            HmacPlan { algorithm: Algorithm::Sha512, ..plain.clone() },
            HmacPlan { encoding: Encoding::Base64, ..plain.clone() },
            HmacPlan { secret_is_base64: true, ..plain.clone() },
            HmacPlan { prefix: "p".to_owned(), ..plain.clone() },
        ] {
            let signature = signed(&changed);
            assert!(!seen.contains(&signature), "{changed:?}");
            seen.push(signature);
        }
        let decoded = HmacPlan { secret: "secret".into(), ..plain.clone() };
        assert_eq!(signed(&decoded), signed(&HmacPlan { secret_is_base64: true, ..plain.clone() }));
        let no_base64 = HmacPlan { secret: "*".into(), secret_is_base64: true, ..plain };
        assert_eq!(no_base64.sign(None, BODY), Err(ProofError::Malformed));
    }

    #[test]
    fn tokens_are_compared_whole_and_an_empty_one_opens_nothing() {
        let bearer = Auth::Bearer("token".into());
        assert_eq!(verify(&bearer, &[("authorization", "Bearer token")], BODY, AT), Ok(()));
        assert_eq!(verify(&bearer, &[("authorization", "token")], BODY, AT), Err(ProofError::Malformed));
        assert_eq!(verify(&bearer, &[("authorization", "Bearer toke")], BODY, AT), Err(ProofError::Mismatch));
        let secret = Auth::Secret("token".into());
        assert_eq!(verify(&secret, &[("x-vapi-secret", "token")], BODY, AT), Ok(()));
        assert_eq!(
            verify(&secret, &[("x-vapi-secret", "Bearer token")], BODY, AT),
            Err(ProofError::Mismatch)
        );
        assert_eq!(verify(&secret, &[], BODY, AT), Err(ProofError::Missing));
        assert_eq!(
            verify(&Auth::Secret("".into()), &[("x-vapi-secret", "")], BODY, AT),
            Err(ProofError::Malformed)
        );
    }
}
