//! The one HTTP stack every vendor's client uses: time-outs, limits and error classes in one place.
//!
//! It repeats nothing by itself (only the caller knows whether a repetition is safe) and follows no redirect (only the
//! caller knows whether its credentials may go there). Errors carry no URL: URLs hold account ids and phone numbers.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response, StatusCode};
pub use rustls::ClientConfig as ClientTls;

/// An idle connection is kept for so long: shorter than servers keep theirs, which end them while a request is on its way.
const IDLE: Duration = Duration::from_secs(30);

/// Limits of the stack.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// To establish a connection, TLS included.
    pub connect_timeout: Duration,
    /// From the start of a request to the last byte of its answer.
    pub request_timeout: Duration,
    /// Answers are read up to this many bytes.
    pub max_response_bytes: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
            max_response_bytes: 1024 * 1024,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request never left: no connection, or it could not be built. Repeating it is safe.
    #[error("no connection to the vendor")]
    NotSent,
    /// The request left and no complete answer came. The vendor may have acted on it.
    #[error("the vendor did not answer in time")]
    TimedOut,
    /// The connection broke after the request left. The vendor may have acted on it.
    #[error("the connection to the vendor broke")]
    Broken,
    /// The answer is larger than allowed.
    #[error("the vendor's answer is too large")]
    TooLarge,
}

impl HttpError {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            Self::NotSent
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Broken
        }
    }
}

/// The stack could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS has no protocol version in common with the crypto provider.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The client refused its settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`HttpSettings::max_response_bytes`] (or the limit given with the request).
    pub body: Bytes,
}

/// A shared connection pool with the limits of [`HttpSettings`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpStack {
    client: reqwest::Client,
    settings: Arc<HttpSettings>,
}

impl HttpStack {
    /// Sets up the pool, with [`trusted_tls`].
    pub fn new(settings: HttpSettings) -> Result<Self, SetupError> {
        let tls = trusted_tls()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE)
            .timeout(settings.request_timeout)
            .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, settings: Arc::new(settings) })
    }

    /// The client to build a request with; send it through [`Self::send`].
    pub const fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// One try.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, HttpError> {
        self.send_up_to(request, self.settings.max_response_bytes).await
    }

    /// One try, with its own limit for the answer.
    pub async fn send_up_to(&self, request: RequestBuilder, max_bytes: usize) -> Result<Answer, HttpError> {
        let response = request.send().await.map_err(|error| HttpError::of(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = read_up_to(response, max_bytes).await?;
        Ok(Answer { status, headers, body })
    }
}

/// TLS for every connection to a vendor. Trusts the certificate authorities that browsers trust, compiled in, so that the
/// binary runs on a machine without any.
pub fn trusted_tls() -> Result<ClientTls, SetupError> {
    let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientTls::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

async fn read_up_to(mut response: Response, max_bytes: usize) -> Result<Bytes, HttpError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |announced| announced > max_bytes) {
        return Err(HttpError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::of(&error))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
