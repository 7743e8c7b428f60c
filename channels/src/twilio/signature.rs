//! `X-Twilio-Signature`: proof that a request comes from Twilio and was not changed on the way.
//!
//! The signature is `base64(HMAC(key, url + name1 + value1 + name2 + value2 …))` over the URL *as configured at Twilio* and
//! the decoded form values in byte order. Which spelling of the URL Twilio signed (with or without the port, for instance)
//! differs between its back ends, so a small fixed set of spellings is tried; see [`SignedUrl`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::form::Form;

/// Why a request is not believed. The caller answers 403 to all of these and tells the sender nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `X-Twilio-Signature` header.
    #[error("the signature header is missing")]
    Missing,
    /// The signature fits no accepted spelling of the URL.
    #[error("the signature does not match")]
    Mismatch,
    /// A JSON body whose URL has no `bodySHA256`.
    #[error("the URL carries no body hash")]
    BodyHashMissing,
    /// The body is not the one that was hashed.
    #[error("the body hash does not match")]
    BodyHashMismatch,
    /// The settings header names an algorithm or a key that is not ours.
    #[error("the signature settings are unknown")]
    UnknownSettings,
}

/// The two headers that take part in validation.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignatureHeaders<'h> {
    /// `X-Twilio-Signature`.
    pub signature: Option<&'h str>,
    /// `X-Twilio-Webhooks-Signature-Settings`; looked at only when a [`SharedKey`] is configured.
    pub settings: Option<&'h str>,
}

impl<'h> SignatureHeaders<'h> {
    /// The usual case: only the signature.
    pub const fn signature(signature: &'h str) -> Self {
        Self { signature: Some(signature), settings: None }
    }
}

/// What was signed together with the URL.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'p> {
    /// A GET request or a WebSocket upgrade: everything is in the URL.
    Empty,
    /// A form-encoded POST.
    Form(&'p Form<'p>),
    /// A JSON POST: the raw bytes, bound by `bodySHA256` in the URL.
    Json(&'p [u8]),
}

/// A shared key of Twilio's webhook settings (beta): replaces the Auth Token when the request names it.
#[derive(Debug, Clone)]
pub struct SharedKey {
    /// The key's name, `webhooks_sharedkey_…`.
    pub name: String,
    /// The secret.
    pub secret: SecretString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    HmacSha1,
    HmacSha256,
}

/// Signs and checks for one account.
#[derive(Debug, Clone)]
pub struct SigningKey {
    auth_token: SecretString,
    shared: Option<SharedKey>,
}

impl SigningKey {
    /// The account's primary Auth Token (an API key's secret does not sign webhooks).
    pub const fn new(auth_token: SecretString) -> Self {
        Self { auth_token, shared: None }
    }

    /// Accepts requests signed with `key` as well, when they name it.
    #[must_use]
    pub fn with_shared_key(mut self, key: SharedKey) -> Self {
        self.shared = Some(key);
        self
    }

    /// Checks a request that was configured at Twilio as `url`. Takes the same time for every wrong signature of the right
    /// length.
    pub fn verify(
        &self,
        url: &SignedUrl,
        payload: Payload<'_>,
        headers: SignatureHeaders<'_>,
    ) -> Result<(), SignatureError> {
        let given = headers.signature.ok_or(SignatureError::Missing)?;
        let (key, algorithm) = self.choose_key(headers.settings)?;
        let form = match payload {
            Payload::Form(form) => Some(form),
            Payload::Empty => None,
            Payload::Json(body) => {
                check_body_hash(url.as_configured(), body)?;
                None
            }
        };
        let fits = |spelling: &String| same(&signature(key, algorithm, spelling, form), given);
        if url.spellings.iter().any(fits) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    /// Signs with the Auth Token, as Twilio does.
    pub fn sign(&self, url: &str, form: Option<&Form<'_>>) -> String {
        signature(&self.auth_token, Algorithm::HmacSha1, without_fragment(url), form)
    }

    fn choose_key(&self, settings: Option<&str>) -> Result<(&SecretString, Algorithm), SignatureError> {
        let own = (&self.auth_token, Algorithm::HmacSha1);
        let (Some(shared), Some(settings)) = (&self.shared, settings) else { return Ok(own) };
        let setting = |wanted: &str| {
            settings
                .split(',')
                .filter_map(|part| part.split_once('='))
                .find(|(name, _)| name.trim() == wanted)
        };
        let Some((_, algorithm)) = setting("algorithm") else { return Ok(own) };
        let algorithm = match algorithm.trim() {
            name if name.eq_ignore_ascii_case("HMAC_SHA1") => Algorithm::HmacSha1,
            name if name.eq_ignore_ascii_case("HMAC_SHA256") => Algorithm::HmacSha256,
            _ => return Err(SignatureError::UnknownSettings),
        };
        match setting("key") {
            Some((_, name)) if name.trim() == shared.name => Ok((&shared.secret, algorithm)),
            _ => Err(SignatureError::UnknownSettings),
        }
    }
}

/// Constant-time comparison of text; only the length, which is no secret, ends it early.
fn same(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

fn signature(key: &SecretString, algorithm: Algorithm, url: &str, form: Option<&Form<'_>>) -> String {
    let key = key.expose_secret().as_bytes();
    match algorithm {
        Algorithm::HmacSha1 => {
            let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
            feed(url, form, |bytes| mac.update(bytes));
            STANDARD.encode(mac.finalize().into_bytes())
        }
        Algorithm::HmacSha256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            feed(url, form, |bytes| mac.update(bytes));
            STANDARD.encode(mac.finalize().into_bytes())
        }
    }
}

fn feed(url: &str, form: Option<&Form<'_>>, mut update: impl FnMut(&[u8])) {
    update(url.as_bytes());
    for (name, value) in form.into_iter().flat_map(Form::pairs) {
        update(name.as_bytes());
        update(value.as_bytes());
    }
}

fn check_body_hash(url: &str, body: &[u8]) -> Result<(), SignatureError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let expected = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "bodySHA256")
        .map(|(_, hash)| hash)
        .ok_or(SignatureError::BodyHashMissing)?;
    let actual = hex::encode(Sha256::digest(body));
    if same(&actual, &expected) { Ok(()) } else { Err(SignatureError::BodyHashMismatch) }
}

/// A webhook URL as configured at Twilio, with the spellings of it that Twilio may have signed.
///
/// They are, in the order tried: as configured; without its port; with its port or the scheme's standard one; each of these
/// with `'` in the query written as `%27`; and for a WebSocket the same with a `/` at the end of the path. Build it once per
/// configured URL: the set does not depend on the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUrl {
    spellings: Vec<String>,
}

impl SignedUrl {
    /// The spellings of `url`; a fragment (Twilio's connection overrides) is not part of what is signed.
    pub fn new(url: &str) -> Self {
        let url = without_fragment(url);
        let mut spellings = vec![url.to_owned()];
        let mut add = |spelling: String| {
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        };
        let parts = UrlParts::split(url);
        if let Some(parts) = &parts {
            add(parts.with_port(""));
            // Twilio's helpers know only https and give everything else port 80; the Media Streams back end uses 443.
            let standard: &[&str] = match parts.scheme {
                "https" => &["443"],
                "wss" => &["443", "80"],
                _ => &["80"],
            };
            match parts.port {
                "" => standard.iter().for_each(|port| add(parts.with_port(port))),
                port => add(parts.with_port(port)),
            }
        }
        if let Some((_, query)) = url.split_once('?')
            && query.contains('\'')
        {
            for index in 0..spellings.len() {
                let (path, query) = spellings[index].split_once('?').unwrap_or((url, ""));
                spellings.push(format!("{path}?{}", query.replace('\'', "%27")));
            }
        }
        if parts.is_some_and(|parts| matches!(parts.scheme, "ws" | "wss")) {
            for index in 0..spellings.len() {
                let (path, query) =
                    spellings[index].split_at(spellings[index].find('?').unwrap_or(spellings[index].len()));
                if !path.ends_with('/') {
                    spellings.push(format!("{path}/{query}"));
                }
            }
        }
        Self { spellings }
    }

    /// The URL of a GET webhook or of one with a body hash: the configured URL plus the query that arrived.
    #[must_use]
    pub fn with_query(&self, query: &str) -> Self {
        if query.is_empty() {
            return self.clone();
        }
        let base = self.as_configured();
        let separator = if base.contains('?') { '&' } else { '?' };
        Self::new(&format!("{base}{separator}{query}"))
    }

    /// The URL without its fragment.
    pub fn as_configured(&self) -> &str {
        &self.spellings[0]
    }
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

/// A URL in pieces that are never re-encoded: a URL parser would normalise what must stay byte for byte.
struct UrlParts<'u> {
    scheme: &'u str,
    /// `user:pass@host`.
    authority: &'u str,
    port: &'u str,
    rest: &'u str,
}

impl<'u> UrlParts<'u> {
    fn split(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host_start = authority.rfind('@').map_or(0, |at| at + 1);
        // The last colon starts a port only when digits follow it; in `[::1]` it does not.
        let colon = authority[host_start..].rfind(':').map(|colon| host_start + colon);
        let (authority, port) = match colon {
            Some(colon) if authority[colon + 1..].bytes().all(|b| b.is_ascii_digit()) => {
                (&authority[..colon], &authority[colon + 1..])
            }
            _ => (authority, ""),
        };
        Some(Self { scheme, authority, port, rest })
    }

    fn with_port(&self, port: &str) -> String {
        let colon = if port.is_empty() { "" } else { ":" };
        format!("{}://{}{colon}{port}{}", self.scheme, self.authority, self.rest)
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
