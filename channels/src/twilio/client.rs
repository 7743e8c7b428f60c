//! The REST client: create a message, find one whose fate is unknown, fetch media.
//!
//! There is no idempotency key for creating messages, so a try whose answer got lost is *ambiguous* and must be looked up
//! before it is repeated.

use jiff::fmt::rfc2822;
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;
use usher_conversation::ports::{Consequence, Lookup, SendOutcome};
use usher_conversation::session::DeliveryStatus;
use usher_conversation::time::Timestamp;

use super::codec::{
    ErrorBody, MAX_BODY_CHARS, MessagePage, MessageResource, NumberPage, NumberResource, is_sid,
};
use super::errors::{Class, classify};
use crate::http::{Answer, HttpError, HttpStack};
use crate::rest::{ApiError, InvalidApiBase, api_base, resource, retry_after, send};

/// Where Twilio's core API is, unless configured otherwise.
pub const DEFAULT_API_BASE: &str = "https://api.twilio.com";

/// Clock difference allowed between Twilio and us when a message is looked up by time; its dates have whole seconds.
const CLOCK_SKEW_MILLIS: i64 = 5_000;
const LOOKUP_PAGE_SIZE: &str = "100";
const MAX_LOOKUP_PAGES: u32 = 5;

/// An organisation's account. The secrets leave the process only towards the configured API host.
#[derive(Debug, Clone)]
pub struct TwilioCredentials {
    /// `AC…`.
    pub account_sid: String,
    /// Authenticates requests and signs webhooks.
    pub auth_token: SecretString,
    /// Authenticates requests in place of the token when present.
    pub api_key: Option<ApiKey>,
}

/// An API key of an account.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// `SK…`.
    pub sid: String,
    /// Its secret.
    pub secret: SecretString,
}

impl TwilioCredentials {
    /// User name and password of Basic authentication.
    pub(super) fn basic(&self) -> (&str, &str) {
        match &self.api_key {
            Some(key) => (&key.sid, key.secret.expose_secret()),
            None => (&self.account_sid, self.auth_token.expose_secret()),
        }
    }
}

/// Who a message is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender<'m> {
    /// A number (or short code) of the account.
    Number(&'m str),
    /// A messaging service: Twilio picks the number.
    Service(&'m str),
}

/// A message to be created.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingMessage<'m> {
    /// The recipient in E.164 form.
    pub to: &'m str,
    /// The sender.
    pub from: Sender<'m>,
    /// The words.
    pub body: &'m str,
    /// Where status callbacks go.
    pub status_callback: Option<&'m str>,
}

/// What an ambiguous try is recognised by.
#[derive(Debug, Clone, Copy)]
pub struct LookupQuery<'m> {
    /// The message as it was sent.
    pub message: OutgoingMessage<'m>,
    /// Our message was not created before this.
    pub since: Timestamp,
    /// Vendor ids known to belong to other deliveries, with perhaps the same words.
    pub taken: &'m [String],
}

/// Talks to Twilio for every organisation; the credentials come with each call.
#[derive(Debug, Clone)]
pub struct TwilioClient {
    pub(super) http: HttpStack,
    pub(super) base: Url,
}

impl TwilioClient {
    /// A client for the API at `base` ([`DEFAULT_API_BASE`], or a simulator).
    pub fn new(http: HttpStack, base: &str) -> Result<Self, InvalidApiBase> {
        Ok(Self { http, base: api_base(base)? })
    }

    /// One try to create a message.
    pub async fn send(&self, credentials: &TwilioCredentials, message: OutgoingMessage<'_>) -> SendOutcome {
        if message.body.is_empty() || message.body.chars().count() > MAX_BODY_CHARS {
            return refused(
                None,
                "the text is empty or longer than 1600 characters",
                Consequence::Misconfigured,
            );
        }
        let Some(url) = self.messages_url(credentials) else {
            return refused(None, "the account SID is not valid", Consequence::Misconfigured);
        };
        let mut form = vec![("To", message.to), ("Body", message.body)];
        form.push(match message.from {
            Sender::Number(number) => ("From", number),
            Sender::Service(sid) => ("MessagingServiceSid", sid),
        });
        form.extend(message.status_callback.map(|url| ("StatusCallback", url)));
        let (user, password) = credentials.basic();
        let request = self.http.client().post(url).basic_auth(user, Some(password)).form(&form);
        match self.http.send(request).await {
            Ok(answer) => outcome(&answer),
            Err(HttpError::NotSent) => {
                transient(None, None, "Twilio could not be reached: no connection was established")
            }
            Err(error @ (HttpError::TimedOut | HttpError::Broken | HttpError::TooLarge)) => {
                SendOutcome::Ambiguous { reason: error.to_string() }
            }
        }
    }

    /// Looks for a message of which an earlier try ended ambiguously.
    ///
    /// The list is filtered by recipient and sender only: a message that is still queued has no `DateSent`, and one sent
    /// through a service has no `From` yet. Newest first, until messages are older than ours can be.
    pub async fn look_up(&self, credentials: &TwilioCredentials, query: LookupQuery<'_>) -> Lookup {
        let Some(mut url) = self.messages_url(credentials) else {
            return Lookup::Unknown { reason: "the account SID is not valid".to_owned() };
        };
        url.query_pairs_mut().append_pair("To", query.message.to).append_pair("PageSize", LOOKUP_PAGE_SIZE);
        if let Sender::Number(number) = query.message.from {
            url.query_pairs_mut().append_pair("From", number);
        }
        for _ in 0..MAX_LOOKUP_PAGES {
            let page: MessagePage = match self.get(credentials, url).await {
                Ok(page) => page,
                Err(reason) => return Lookup::Unknown { reason },
            };
            for found in &page.messages {
                match query.judge(found) {
                    Verdict::Ours => return Lookup::Found { vendor_id: found.sid.clone() },
                    Verdict::Another => {}
                    Verdict::TooOld => return Lookup::Absent,
                }
            }
            let Some(next) = page.next_page_uri else { return Lookup::Absent };
            // Join with the base, so that the answer cannot send our credentials to another host.
            url = match self.base.join(&next) {
                Ok(next) if next.origin() == self.base.origin() => next,
                Ok(_) | Err(_) => {
                    return Lookup::Unknown { reason: "the next page is on another host".to_owned() };
                }
            };
        }
        Lookup::Unknown { reason: "too many messages to this recipient to look through".to_owned() }
    }

    /// How one of the account's numbers is set up; `None` when the account does not have it.
    ///
    /// # Errors
    /// Why it is not known, for staff.
    pub async fn number(
        &self,
        credentials: &TwilioCredentials,
        number: &str,
    ) -> Result<Option<NumberResource>, String> {
        let url = self.account_url(credentials, &["IncomingPhoneNumbers.json"]);
        let mut url = url.map_err(|error| error.to_string())?;
        url.query_pairs_mut().append_pair("PhoneNumber", number);
        let page: NumberPage = self.get(credentials, url).await?;
        Ok(page.incoming_phone_numbers.into_iter().next())
    }

    async fn get<T: DeserializeOwned>(&self, credentials: &TwilioCredentials, url: Url) -> Result<T, String> {
        let (user, password) = credentials.basic();
        let request = self.http.client().get(url).basic_auth(user, Some(password));
        let answer = self.http.send(request).await.map_err(|error| error.to_string())?;
        if answer.status != StatusCode::OK {
            return Err(format!("Twilio answered {}", answer.status.as_u16()));
        }
        serde_json::from_slice(&answer.body).map_err(|_| "Twilio's answer could not be read".to_owned())
    }

    /// One request for the account, with its form, if it has one.
    pub(super) async fn ask(
        &self,
        credentials: &TwilioCredentials,
        method: Method,
        url: Url,
        form: Option<&impl Serialize>,
    ) -> Result<Answer, ApiError> {
        let (user, password) = credentials.basic();
        let request = self.http.client().request(method, url).basic_auth(user, Some(password));
        send(&self.http, form.into_iter().fold(request, RequestBuilder::form), error_code).await
    }

    /// The address of something below the account.
    pub(super) fn account_url(
        &self,
        credentials: &TwilioCredentials,
        path: &[&str],
    ) -> Result<Url, ApiError> {
        let account = credentials.account_sid.as_str();
        if !is_sid(account, "AC") {
            return Err(ApiError::unfit("account_sid"));
        }
        let path = ["2010-04-01", "Accounts", account].into_iter().chain(path.iter().copied());
        Ok(resource(&self.base, path))
    }

    fn messages_url(&self, credentials: &TwilioCredentials) -> Option<Url> {
        self.account_url(credentials, &["Messages.json"]).ok()
    }
}

/// Twilio's number for a fault.
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.code.to_string())
}

enum Verdict {
    Ours,
    Another,
    TooOld,
}

impl LookupQuery<'_> {
    fn judge(&self, found: &MessageResource) -> Verdict {
        let created = found.date_created.as_deref().and_then(|date| rfc2822::parse(date).ok());
        if created
            .is_some_and(|at| Timestamp::from(at.timestamp()).millis_since(self.since) < -CLOCK_SKEW_MILLIS)
        {
            return Verdict::TooOld;
        }
        let sender = match self.message.from {
            Sender::Number(number) => found.from.as_deref() == Some(number),
            Sender::Service(sid) => found.messaging_service_sid.as_deref() == Some(sid),
        };
        let ours = sender
            && found.direction.as_deref().is_none_or(|direction| direction.starts_with("outbound"))
            && found.to.as_deref() == Some(self.message.to)
            && found.body.as_deref() == Some(self.message.body)
            && !self.taken.contains(&found.sid);
        if ours { Verdict::Ours } else { Verdict::Another }
    }
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

/// What an answer to a create request means.
fn outcome(answer: &Answer) -> SendOutcome {
    let status = answer.status;
    if status.is_success() {
        // A message exists at Twilio even when we cannot read which one.
        return match serde_json::from_slice::<Created>(&answer.body) {
            Ok(Created { sid }) => SendOutcome::Accepted { vendor_id: sid, status: DeliveryStatus::Queued },
            Err(_) => SendOutcome::Ambiguous {
                reason: "Twilio accepted but its answer could not be read".to_owned(),
            },
        };
    }
    if status.is_server_error() {
        return SendOutcome::Ambiguous { reason: format!("Twilio answered {}", status.as_u16()) };
    }
    let code = serde_json::from_slice::<ErrorBody>(&answer.body).ok().map(|body| body.code);
    // Twilio's message quotes the recipient's number, so the reason for staff is the code alone.
    let reason = match code {
        Some(code) => format!("Twilio answered {} with error {code}", status.as_u16()),
        None => format!("Twilio answered {}", status.as_u16()),
    };
    if status == StatusCode::TOO_MANY_REQUESTS {
        // Twilio documents no `Retry-After`; a proxy on the way may send one.
        return transient(retry_after(answer), code, &reason);
    }
    match code.map_or(Class::Misconfigured, classify) {
        Class::Retry { after_millis } => transient(Some(after_millis), code, &reason),
        class @ (Class::Suppress | Class::Unreachable | Class::Misconfigured) => {
            refused(code, &reason, class.consequence())
        }
    }
}

fn transient(after_millis: Option<u64>, error_code: Option<u32>, reason: &str) -> SendOutcome {
    SendOutcome::Transient { after_millis, error_code, reason: reason.to_owned() }
}

fn refused(error_code: Option<u32>, reason: &str, consequence: Consequence) -> SendOutcome {
    SendOutcome::Permanent { error_code, reason: reason.to_owned(), consequence }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
