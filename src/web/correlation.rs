//! The id that follows a request through logs and problems: `x-correlation-id`.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use usher_conversation::ports::Entropy;

/// The header it comes in with and goes out with.
pub const HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
const MAX_LEN: usize = 64;

/// A request's correlation id: the caller's own when it is harmless, else a new one.
#[derive(Debug, Clone)]
pub struct CorrelationId(HeaderValue);

impl CorrelationId {
    /// The id of a request.
    ///
    /// # Panics
    /// Never: digits are always a valid header.
    pub fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> Self {
        if let Some(value) = headers.get(HEADER)
            && is_harmless(value.as_bytes())
        {
            return Self(value.clone());
        }
        let mut fresh = [0; 32];
        hex::encode_to_slice(entropy.bits(), &mut fresh).expect("two digits for each of 16 bytes");
        Self(HeaderValue::from_bytes(&fresh).expect("hex digits are a valid header value"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as a header's value.
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Ids are written to logs as they stand, so they must not be able to forge a line.
fn is_harmless(id: &[u8]) -> bool {
    !id.is_empty()
        && id.len() <= MAX_LEN
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn bits(&self) -> [u8; 16] {
            [0; 16]
        }
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        let id_for = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(text));
            CorrelationId::of(&headers, &Zeros).as_str().to_owned()
        };
        assert_eq!(id_for("req-1.a_B"), "req-1.a_B");
        let fresh = "0".repeat(32);
        assert_eq!(id_for("two words"), fresh);
        assert_eq!(id_for(""), fresh);
        assert_eq!(CorrelationId::of(&HeaderMap::new(), &Zeros).as_str(), fresh);
    }
}
