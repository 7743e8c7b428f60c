//! The addresses a vendor reports to. They name the organisation and, sealed, the message: a delivery's id holds the
//! session's, which opens the client's page, and addresses end up in the logs of vendors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use usher_conversation::id::{DeliveryId, OrgId};
use usher_conversation::ports::Entropy;

use crate::crypto::{DataKey, Place};

/// Query of a status callback's address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Reported {
    /// Whose message.
    pub(crate) org: OrgId,
    /// Which one, sealed under the organisation's key.
    delivery: String,
}

impl Reported {
    /// The query that names a message.
    pub(crate) fn query(key: &DataKey, entropy: &dyn Entropy, org: &OrgId, delivery: &DeliveryId) -> String {
        let sealed = key.seal(entropy, org, Place::Callback, delivery.as_str().as_bytes());
        format!("org={org}&delivery={}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The message, when the address is one that we made.
    pub(crate) fn delivery(&self, key: &DataKey) -> Option<DeliveryId> {
        let sealed = URL_SAFE_NO_PAD.decode(&self.delivery).ok()?;
        let plain = key.open(&self.org, Place::Callback, sealed).ok()?;
        String::from_utf8(plain).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;
    use usher_conversation::id::SessionId;
    use usher_conversation::time::Timestamp;

    fn read(query: &str) -> Reported {
        actix_web::web::Query::<Reported>::from_query(query).expect("a query").into_inner()
    }

    #[test]
    fn an_address_names_its_message_to_us_and_to_nobody_else() {
        let at = Timestamp::from_millis(1);
        let (org, other) = (OrgId::new(at, [1; 16]), OrgId::new(at, [2; 16]));
        let session = SessionId::new(at, [3; 16]);
        let delivery = DeliveryId::derive(&session, 4, 0);
        let key = DataKey::generate(&SystemEntropy);
        let query = Reported::query(&key, &SystemEntropy, &org, &delivery);
        assert_eq!(read(&query).delivery(&key).as_ref(), Some(&delivery));
        let secret = session.as_str().trim_start_matches("ses_");
        assert!(!query.contains(secret), "the session's key goes to the vendor: {query}");
        let moved = query.replace(org.as_str(), other.as_str());
        assert_eq!(read(&moved).delivery(&key), None, "another tenant's");
        assert_eq!(read(&query).delivery(&DataKey::generate(&SystemEntropy)), None, "another key");
        assert_eq!(read(&format!("org={org}&delivery={delivery}")).delivery(&key), None, "an id in the open");
    }
}
