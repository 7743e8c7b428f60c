//! Fetching the media of a message, without becoming a proxy for whoever forges a URL.
//!
//! The credentials go only to the configured API host, and only below the account's own path. That host answers with a
//! redirect to storage, which is followed by hand, without credentials, to https hosts on a list.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use url::Url;

use super::client::{TwilioClient, TwilioCredentials};
use super::codec::is_sid;
use crate::http::{Answer, HttpError};

/// The largest file taken, in bytes. Twilio's own limit is 5 MB.
pub const MAX_MEDIA_BYTES: usize = 10 * 1024 * 1024;
/// All hops together.
pub const MEDIA_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_REDIRECTS: u32 = 3;

/// Why a file was not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The URL is not below the account's messages on the configured API host. Nothing was requested.
    #[error("the media URL does not belong to the account")]
    ForeignUrl,
    /// A redirect to a host that is not on the list. It was not followed.
    #[error("the media was redirected to a host that is not allowed")]
    ForeignRedirect,
    /// The file is larger than [`MAX_MEDIA_BYTES`].
    #[error("the media is too large")]
    TooLarge,
    /// There is no such file (any more).
    #[error("the media does not exist")]
    Gone,
    /// No complete answer in time, or a server error. It may work later.
    #[error("the media is not available now")]
    Unavailable,
    /// The host refuses us.
    #[error("the media host answered {0}")]
    Refused(u16),
}

/// A file from a message. Its bytes and its type are outside data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedMedia {
    /// The bytes.
    pub bytes: Bytes,
    /// What the host says they are, lower case, without parameters.
    pub content_type: Option<String>,
}

/// Where Twilio keeps media: exact names, or `*.` and a domain for every name below it.
const STORAGE: [&str; 5] = [
    "*.twilio.com",
    "*.twiliocdn.com",
    "s3.amazonaws.com",
    "s3-external-1.amazonaws.com",
    "*.s3.amazonaws.com",
];

/// Whether media may be redirected there.
pub fn is_storage(url: &Url) -> bool {
    // A name, never a literal address; https, so that the name is proved and no resolver can rebind it.
    let Some(url::Host::Domain(host)) = url.host() else { return false };
    url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && STORAGE.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == *pattern,
        })
}

impl TwilioClient {
    /// Fetches a file that came with a message to `credentials`' account.
    pub async fn fetch_media(
        &self,
        credentials: &TwilioCredentials,
        url: &str,
    ) -> Result<FetchedMedia, MediaError> {
        tokio::time::timeout(MEDIA_TIMEOUT, self.follow(credentials, url))
            .await
            .unwrap_or(Err(MediaError::Unavailable))
    }

    async fn follow(&self, credentials: &TwilioCredentials, url: &str) -> Result<FetchedMedia, MediaError> {
        let mut url = self.own_media_url(credentials, url).ok_or(MediaError::ForeignUrl)?;
        let (user, password) = credentials.basic();
        let mut request = self.http.client().get(url.clone()).basic_auth(user, Some(password));
        for _ in 0..=MAX_REDIRECTS {
            let answer =
                self.http.send_up_to(request, MAX_MEDIA_BYTES).await.map_err(|error| match error {
                    HttpError::TooLarge => MediaError::TooLarge,
                    HttpError::NotSent | HttpError::TimedOut | HttpError::Broken => MediaError::Unavailable,
                })?;
            if !answer.status.is_redirection() {
                return finished(answer);
            }
            url = self.redirect_target(&url, &answer).ok_or(MediaError::ForeignRedirect)?;
            request = self.http.client().get(url.clone());
        }
        Err(MediaError::ForeignRedirect)
    }

    /// The parsed URL, when the credentials may go there.
    pub fn own_media_url(&self, credentials: &TwilioCredentials, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let plain =
            url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none();
        let path = url.path().strip_prefix(self.base.path().trim_end_matches('/'))?;
        let path: Vec<&str> = path.split('/').collect();
        let own = matches!(path.as_slice(), ["", "2010-04-01", "Accounts", account, "Messages", message, "Media", media]
            if *account == credentials.account_sid
                && (is_sid(message, "MM") || is_sid(message, "SM"))
                && is_sid(media, "ME"));
        (plain && own && is_sid(&credentials.account_sid, "AC")).then_some(url)
    }

    fn redirect_target(&self, from: &Url, answer: &Answer) -> Option<Url> {
        let location = answer.headers.get(LOCATION)?.to_str().ok()?;
        let target = from.join(location).ok()?;
        // The configured host itself is trusted (a simulator is on http and keeps the files, too).
        let allowed = target.origin() == self.base.origin() || is_storage(&target);
        allowed.then_some(target)
    }
}

fn finished(answer: Answer) -> Result<FetchedMedia, MediaError> {
    match answer.status {
        StatusCode::OK => {
            let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let content_type = content_type.and_then(|value| value.split(';').next());
            let content_type = content_type.map(|value| value.trim().to_ascii_lowercase());
            Ok(FetchedMedia { bytes: answer.body, content_type })
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(MediaError::Gone),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Err(MediaError::Unavailable)
        }
        status => Err(MediaError::Refused(status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpSettings, HttpStack};

    fn client(base: &str) -> TwilioClient {
        TwilioClient::new(HttpStack::new(HttpSettings::default()).expect("TLS"), base).expect("a base")
    }

    fn credentials() -> TwilioCredentials {
        TwilioCredentials {
            account_sid: format!("AC{}", "a".repeat(32)),
            auth_token: "token".into(),
            api_key: None,
        }
    }

    fn path() -> String {
        let id = "a".repeat(32);
        format!("/2010-04-01/Accounts/AC{id}/Messages/MM{id}/Media/ME{id}")
    }

    #[test]
    fn credentials_go_only_to_the_accounts_media_on_the_configured_host() {
        let client = client("https://api.twilio.com");
        let path = path();
        let own = |url: &str| client.own_media_url(&credentials(), url).is_some();
        assert!(own(&format!("https://api.twilio.com{path}")));
        for foreign in [
            format!("http://api.twilio.com{path}"),
            format!("https://api.twilio.com:8443{path}"),
            format!("https://api.twilio.com.evil.example{path}"),
            format!("https://api.twilio.com@evil.example{path}"),
            format!("https://user@api.twilio.com{path}"),
            format!("https://evil.example{path}"),
            format!("https://169.254.169.254{path}"),
            format!("https://0x7f000001{path}"),
            format!("https://[::ffff:127.0.0.1]{path}"),
            format!("https://api.twilio.com{}", path.replace("ACaa", "ACbb")),
            format!("https://api.twilio.com{path}/../../../../Calls"),
            format!("https://api.twilio.com/x{path}"),
            "https://api.twilio.com/".to_owned(),
            "file:///etc/passwd".to_owned(),
            String::new(),
        ] {
            assert!(!own(&foreign), "{foreign}");
        }
    }

    #[test]
    fn redirects_lead_only_to_listed_https_hosts() {
        let allowed = |url: &str| is_storage(&Url::parse(url).expect("a URL"));
        assert!(allowed("https://media.twiliocdn.com/x"));
        assert!(allowed("https://bucket.s3.amazonaws.com/x?signature"));
        for foreign in [
            "http://media.twiliocdn.com/x",
            "https://media.twiliocdn.com:444/x",
            "https://user@media.twiliocdn.com/x",
            "https://eviltwiliocdn.com/x",
            "https://twiliocdn.com.evil.example/x",
            "https://169.254.169.254/x",
            "https://2852039166/x",
            "https://[::1]/x",
            "https://127.0.0.1.nip.io/x",
        ] {
            assert!(!allowed(foreign), "{foreign}");
        }
    }
}
