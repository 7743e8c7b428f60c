//! Webhooks as Twilio sends them, signed by an implementation of our own of Twilio's published algorithm.

use std::collections::BTreeMap;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// `X-Twilio-Signature` for a form posted to `url`.
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn signature(auth_token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in form {
        by_name.entry(name).or_default().push(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes any key");
    mac.update(url.as_bytes());
    for (name, mut values) in by_name {
        values.sort_unstable();
        values.dedup();
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Who posts: the account, its token and the URL it was configured with.
#[derive(Debug, Clone)]
pub struct Account {
    /// `AC…`.
    pub sid: String,
    /// Signs the webhooks.
    pub auth_token: String,
    /// The business's number, E.164.
    pub number: String,
    /// The configured webhook, as signed.
    pub sms_url: String,
}

/// A message SID made from a number: the same number gives the same SID.
pub fn message_sid(number: u64) -> String {
    format!("SM{number:032x}")
}

impl Account {
    /// The form of an inbound text.
    pub fn text_from(&self, phone: &str, sid: &str, body: &str) -> Vec<(String, String)> {
        [
            ("ToCountry", "US"),
            ("ToState", ""),
            ("SmsMessageSid", sid),
            ("NumMedia", "0"),
            ("ToCity", ""),
            ("FromZip", ""),
            ("SmsSid", sid),
            ("FromState", "CA"),
            ("SmsStatus", "received"),
            ("FromCity", "SAN FRANCISCO"),
            ("Body", body),
            ("FromCountry", "US"),
            ("To", &self.number),
            ("ToZip", ""),
            ("NumSegments", "1"),
            ("MessageSid", sid),
            ("AccountSid", &self.sid),
            ("From", phone),
            ("ApiVersion", "2010-04-01"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// Body and signature of a form.
    pub fn signed(&self, form: &[(String, String)]) -> (String, String) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        (body, signature(&self.auth_token, &self.sms_url, form))
    }

    /// Posts an inbound text to the configured URL and says what status came back.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn deliver(&self, client: &reqwest::Client, phone: &str, sid: &str, body: &str) -> Result<u16> {
        let (body, signature) = self.signed(&self.text_from(phone, sid, body));
        let response = client
            .post(&self.sms_url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", signature)
            .body(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        response.bytes().await?;
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn signatures_agree_with_the_vectors_of_twilios_own_libraries() {
        let call = form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]);
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(signature("12345", url, &call), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let repeated = form(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert_eq!(signature("12345", url, &repeated), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    }

    #[test]
    fn a_changed_form_has_another_signature() {
        let url = "https://example.com/sms";
        let honest = signature("12345", url, &form(&[("Body", "yes")]));
        assert_ne!(honest, signature("12345", url, &form(&[("Body", "no")])));
        assert_ne!(honest, signature("54321", url, &form(&[("Body", "yes")])));
    }
}
