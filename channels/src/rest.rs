//! Requests to vendors' REST APIs, with one set of outcomes whatever the vendor: none of them has an idempotency key for what
//! we create, so the caller must know whether a request may have taken effect.

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;
use usher_conversation::voice::Refusal;

use crate::http::{Answer, HttpError, HttpStack};

/// Longest time a vendor may ask us to wait, in seconds; more is taken as this.
const MAX_WAIT_SECONDS: u64 = 3_600;

/// A request that brought no result. Holds nothing personal: vendors' error texts quote numbers and are left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// It never left. Repeating is safe.
    #[error("no connection to the vendor")]
    NotSent,
    /// It was not processed: too many at a time. Repeating is safe, later.
    #[error("the vendor asks to wait")]
    Throttled {
        /// How long, when the vendor says.
        after_millis: Option<u64>,
    },
    /// It may or may not have taken effect.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// What it names does not exist (any more).
    #[error("the vendor does not know it")]
    NotFound,
    /// It was not accepted, and would not be if repeated.
    #[error("the vendor answered {status}{}", code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The HTTP status; 0 when the request was not worth sending.
        status: u16,
        /// The vendor's word or number for it.
        code: Option<String>,
    },
}

impl ApiError {
    pub(crate) fn unfit(code: &str) -> Self {
        Self::Refused { status: 0, code: Some(code.to_owned()) }
    }

    fn of(answer: &Answer, code: Option<String>) -> Self {
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Self::Throttled { after_millis: retry_after(answer) },
            StatusCode::NOT_FOUND => Self::NotFound,
            status if status.is_server_error() => {
                Self::Unknown(format!("the vendor answered {}", status.as_u16()))
            }
            status => Self::Refused { status: status.as_u16(), code },
        }
    }
}

impl From<HttpError> for ApiError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotSent => Self::NotSent,
            HttpError::TimedOut | HttpError::Broken | HttpError::TooLarge => Self::Unknown(error.to_string()),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotSent | ApiError::Throttled { .. } | ApiError::Unknown(_) => {
                Self::Unreachable(error.to_string())
            }
            ApiError::NotFound | ApiError::Refused { .. } => Self::Refused(error.to_string()),
        }
    }
}

/// `Retry-After`, in milliseconds.
pub(crate) fn retry_after(answer: &Answer) -> Option<u64> {
    let seconds: u64 = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.min(MAX_WAIT_SECONDS) * 1_000)
}

/// The address of an API cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API base must be an http or https URL without credentials, query or fragment")]
pub struct InvalidApiBase;

/// Reads a base URL.
pub(crate) fn api_base(base: &str) -> Result<Url, InvalidApiBase> {
    let base = Url::parse(base).map_err(|_| InvalidApiBase)?;
    let plain = matches!(base.scheme(), "http" | "https")
        && base.has_host()
        && base.username().is_empty()
        && base.password().is_none()
        && base.query().is_none()
        && base.fragment().is_none();
    if plain { Ok(base) } else { Err(InvalidApiBase) }
}

/// The URL of a resource; each segment is percent-encoded, so that none can lead elsewhere.
pub(crate) fn resource<'s>(base: &Url, segments: impl IntoIterator<Item = &'s str>) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// One try. `code` finds the vendor's word for the fault in an answer's body.
pub(crate) async fn send(
    http: &HttpStack,
    request: RequestBuilder,
    code: fn(&[u8]) -> Option<String>,
) -> Result<Answer, ApiError> {
    let answer = http.send(request).await?;
    if answer.status.is_success() { Ok(answer) } else { Err(ApiError::of(&answer, code(&answer.body))) }
}

/// The body of a successful answer.
pub(crate) fn body<T: DeserializeOwned>(answer: &Answer) -> Result<T, ApiError> {
    serde_json::from_slice(&answer.body)
        .map_err(|_| ApiError::Unknown("accepted, but the answer could not be read".to_owned()))
}

/// A vendor's word for a fault, when it is a word and not a sentence that may quote somebody's number.
pub(crate) fn word(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.');
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: reqwest::header::HeaderMap::new(),
        body: body.to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_whether_a_repetition_is_safe() {
        let error = |status| ApiError::of(&answer(status, ""), None);
        assert_eq!(error(429), ApiError::Throttled { after_millis: None });
        assert_eq!(error(404), ApiError::NotFound);
        assert!(matches!(error(503), ApiError::Unknown(_)));
        assert_eq!(error(401), ApiError::Refused { status: 401, code: None });
        assert_eq!(ApiError::from(HttpError::NotSent), ApiError::NotSent);
        assert!(matches!(ApiError::from(HttpError::TimedOut), ApiError::Unknown(_)));

        let mut throttled = answer(429, "");
        throttled.headers.insert(RETRY_AFTER, reqwest::header::HeaderValue::from_static("99999999"));
        assert_eq!(ApiError::of(&throttled, None), ApiError::Throttled { after_millis: Some(3_600_000) });
    }

    #[test]
    fn a_vendors_sentence_is_not_repeated_and_its_word_is() {
        assert_eq!(word("quota_exceeded").as_deref(), Some("quota_exceeded"));
        assert_eq!(word("The number +15550100 is not valid"), None);
        assert_eq!(word(""), None);
        let refused = ApiError::Refused { status: 401, code: word("quota_exceeded") };
        assert_eq!(refused.to_string(), "the vendor answered 401 (quota_exceeded)");
    }

    #[test]
    fn no_segment_leads_out_of_its_place() {
        let base = api_base("https://api.example.com/proxy/").expect("a base");
        let url = resource(&base, ["v1", "agents", "../../x?y#z"]);
        assert_eq!(url.as_str(), "https://api.example.com/proxy/v1/agents/..%2F..%2Fx%3Fy%23z");
        for bad in ["ftp://x", "https://user@x", "https://x/?q", "https://x/#f", "", "x"] {
            assert_eq!(api_base(bad), Err(InvalidApiBase), "{bad}");
        }
    }
}
