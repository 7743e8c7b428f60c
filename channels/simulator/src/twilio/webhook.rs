//! Posting webhooks as the vendor does: signed, with its time-outs, its one retry and its fallback URL.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use tokio::time::Instant;
use usher_channels::http::{HttpError, HttpSettings, HttpStack};
use usher_channels::twilio::{Form, SigningKey};

use super::twiml::{self, ReplyMessage};
use crate::sim::Sim;
use crate::world::WebhookOutcome;

/// Parameters of a webhook.
pub(crate) type WebhookParams = Vec<(&'static str, String)>;

const CONNECT_FAILURE: u32 = 11205;
const TIMED_OUT: u32 = 11200;
const ERROR_STATUS: u32 = 11217;

/// What stands behind the `#` of a webhook URL: `ct=2000&rt=4000&rc=3&rp=all`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Overrides {
    connect: Duration,
    read: Duration,
    total: Duration,
    retries: u32,
    retry_on: RetryOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct RetryOn(u8);

impl RetryOn {
    const CONNECT: Self = Self(1);
    const READ: Self = Self(2);
    const CLIENT_ERROR: Self = Self(4);
    const SERVER_ERROR: Self = Self(8);

    fn parse(words: &str) -> Self {
        words.split(',').fold(Self::default(), |set, word| {
            Self(
                set.0
                    | match word {
                        "ct" => Self::CONNECT.0,
                        "rt" => Self::READ.0,
                        "4xx" => Self::CLIENT_ERROR.0,
                        "5xx" => Self::SERVER_ERROR.0,
                        "all" => 15,
                        _ => 0,
                    },
            )
        })
    }

    const fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Overrides {
    fn of(url: &str) -> Self {
        let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
        let setting = |wanted: &str| {
            fragment
                .split('&')
                .filter_map(|part| part.split_once('='))
                .find_map(|(key, value)| (key == wanted).then_some(value))
        };
        let millis = |key, max, default| {
            let value = setting(key).and_then(|value| value.parse::<u64>().ok());
            Duration::from_millis(value.map_or(default, |value| value.clamp(100, max)))
        };
        Self {
            connect: millis("ct", 10_000, 5_000),
            read: millis("rt", 15_000, 15_000),
            total: millis("tt", 15_000, 15_000),
            retries: setting("rc").and_then(|value| value.parse().ok()).map_or(1, |count: u32| count.min(5)),
            retry_on: setting("rp").map_or(RetryOn::CONNECT, RetryOn::parse),
        }
    }
}

/// What one URL answered in the end.
enum Attempt {
    Answered { status: u16, content_type: String, body: String },
    Failed(RetryOn),
}

impl Attempt {
    /// What kind of failure it is, if it is one.
    const fn failure(&self) -> Option<(RetryOn, u32)> {
        match self {
            Self::Answered { status: 200..=299, .. } => None,
            Self::Answered { status: 400..=499, .. } => Some((RetryOn::CLIENT_ERROR, ERROR_STATUS)),
            Self::Answered { .. } => Some((RetryOn::SERVER_ERROR, ERROR_STATUS)),
            Self::Failed(RetryOn::CONNECT) => Some((RetryOn::CONNECT, CONNECT_FAILURE)),
            Self::Failed(kind) => Some((*kind, TIMED_OUT)),
        }
    }
}

/// Asks a URL and takes its answer: what became of the request, and the content type and body of a 2xx.
pub(crate) async fn fetch(
    sim: &Sim,
    auth_token: &str,
    url: &str,
    method: &str,
    params: &WebhookParams,
) -> (WebhookOutcome, Option<(String, String)>) {
    let (attempt, attempts) = post(sim, auth_token, url, method, params).await;
    let outcome = judge(&attempt, attempts);
    let answer = match attempt {
        Attempt::Answered { content_type, body, .. } if outcome.delivered => Some((content_type, body)),
        Attempt::Answered { .. } | Attempt::Failed(_) => None,
    };
    (outcome, answer)
}

/// Posts a webhook to `url`, then to `fallback` when that failed. The messages that the answer asks for come back, too.
pub(crate) async fn deliver(
    sim: &Sim,
    auth_token: &str,
    url: &str,
    fallback: Option<&str>,
    mut params: WebhookParams,
) -> (WebhookOutcome, Vec<ReplyMessage>) {
    let (mut outcome, mut answer) = fetch(sim, auth_token, url, "POST", &params).await;
    if let (Some(code), Some(fallback)) = (outcome.error_code, fallback) {
        params.push(("ErrorCode", code.to_string()));
        params.push(("ErrorUrl", url.to_owned()));
        let attempts = outcome.attempts;
        (outcome, answer) = fetch(sim, auth_token, fallback, "POST", &params).await;
        outcome.attempts += attempts;
    }
    match answer.map_or(Ok(Vec::new()), |(content_type, body)| twiml::read(&content_type, &body)) {
        Ok(replies) => (outcome, replies),
        Err(error) => (WebhookOutcome { error_code: Some(error.code()), ..outcome }, Vec::new()),
    }
}

fn judge(attempt: &Attempt, attempts: u32) -> WebhookOutcome {
    let failure = attempt.failure();
    WebhookOutcome {
        delivered: failure.is_none(),
        status: match attempt {
            Attempt::Answered { status, .. } => Some(*status),
            Attempt::Failed(_) => None,
        },
        attempts,
        error_code: failure.map(|(_, code)| code),
    }
}

async fn post(
    sim: &Sim,
    auth_token: &str,
    url: &str,
    method: &str,
    params: &WebhookParams,
) -> (Attempt, u32) {
    let overrides = Overrides::of(url);
    let form = Form::from_pairs(params.iter().map(|(name, value)| (*name, value.as_str())));
    let get = method == "GET";
    // A GET carries its parameters in the URL, and that is what is signed.
    let asked = if get { with_query(url, params) } else { url.to_owned() };
    let signature = SigningKey::new(auth_token.into()).sign(&asked, (!get).then_some(&form));
    // The same for every retry of one webhook.
    let token = sim.sid("");
    let Some(http) = stack(sim, &overrides) else { return (Attempt::Failed(RetryOn::CONNECT), 0) };
    let deadline = Instant::now() + overrides.total;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let left = deadline.saturating_duration_since(Instant::now());
        let request = if get {
            http.client().get(&asked)
        } else {
            http.client()
                .post(&asked)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
                .body(form.encode())
        };
        let request = request
            .header("X-Twilio-Signature", &signature)
            .header("I-Twilio-Idempotency-Token", &token)
            .header("User-Agent", "TwilioProxy/1.1")
            .timeout(overrides.read.min(left));
        let attempt = match http.send(request).await {
            Ok(answer) => Attempt::Answered {
                status: answer.status.as_u16(),
                content_type: header_text(answer.headers.get(CONTENT_TYPE)),
                body: String::from_utf8_lossy(&answer.body).into_owned(),
            },
            Err(HttpError::NotSent) => Attempt::Failed(RetryOn::CONNECT),
            Err(HttpError::TimedOut | HttpError::Broken | HttpError::TooLarge) => {
                Attempt::Failed(RetryOn::READ)
            }
        };
        let again = attempt.failure().is_some_and(|(kind, _)| overrides.retry_on.contains(kind))
            && attempts <= overrides.retries
            && Instant::now() < deadline;
        if !again {
            return (attempt, attempts);
        }
    }
}

fn with_query(url: &str, params: &WebhookParams) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params);
    let bare = url.split('#').next().unwrap_or_default();
    let mark = if bare.contains('?') { '&' } else { '?' };
    format!("{bare}{mark}{}", query.finish())
}

/// The shared stack, or one of its own for a URL that asks for another connect time-out.
fn stack(sim: &Sim, overrides: &Overrides) -> Option<HttpStack> {
    let usual = HttpSettings::default();
    if overrides.connect == usual.connect_timeout {
        return Some(sim.http.clone());
    }
    HttpStack::new(HttpSettings { connect_timeout: overrides.connect, ..usual }).ok()
}

fn header_text(value: Option<&reqwest::header::HeaderValue>) -> String {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_read_from_the_fragment_and_kept_in_bounds() {
        let defaults = Overrides::of("https://a.example/sms");
        assert_eq!((defaults.retries, defaults.retry_on), (1, RetryOn::CONNECT));
        let set = Overrides::of("https://a.example/sms#rc=9&rp=5xx,rt&ct=2000&rt=20&tt=99999");
        assert_eq!(set.retries, 5);
        assert!(set.retry_on.contains(RetryOn::SERVER_ERROR) && set.retry_on.contains(RetryOn::READ));
        assert!(!set.retry_on.contains(RetryOn::CONNECT));
        assert_eq!(set.connect, Duration::from_secs(2));
        assert_eq!((set.read, set.total), (Duration::from_millis(100), Duration::from_secs(15)));
    }
}
