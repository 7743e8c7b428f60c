//! The Calls API: place a call, change one that lasts, look at one, record one.

use std::borrow::Cow;

use reqwest::Method;
use serde::Deserialize;

use super::twiml::MAX_INLINE_CHARS;
use super::webhook::CallStatus;
use crate::http::Answer;
use crate::rest::{ApiError, body};
use crate::twilio::client::{TwilioClient, TwilioCredentials};
use crate::twilio::codec::is_sid;

/// "Call is not in-progress": an update came after the end.
const NOT_IN_PROGRESS: &str = "21220";
/// "Not found", which is also what a call that ended long ago is.
const NOT_FOUND: &str = "20404";

/// What a call does once it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions<'c> {
    /// Twilio asks this URL for a document.
    Url(&'c str),
    /// A document, at most 4,000 characters.
    Twiml(&'c str),
}

/// Finding out whether a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineDetection<'c> {
    /// Wait for the end of a machine's greeting, so that a message can be left.
    pub message_end: bool,
    /// Where the verdict goes while the call goes on; without it the call is held up, and the verdict comes with the
    /// request for its document.
    pub callback: Option<&'c str>,
    /// Seconds to try; 30.
    pub timeout_seconds: Option<u32>,
}

/// A call to be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewCall<'c> {
    /// Whom, in E.164 form.
    pub to: &'c str,
    /// Our number.
    pub from: &'c str,
    /// What happens once it is answered.
    pub instructions: Instructions<'c>,
    /// Asked for a document when the first URL fails.
    pub fallback_url: Option<&'c str>,
    /// Told about all four stages.
    pub status_callback: Option<&'c str>,
    /// Seconds of ringing; 60.
    pub ring_seconds: Option<u32>,
    /// Seconds the call may last.
    pub limit_seconds: Option<u32>,
    /// Whether to find out who answers.
    pub machine_detection: Option<MachineDetection<'c>>,
}

/// A change to a call that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallChange<'c> {
    /// Drop what it does, its media stream included, and do this.
    Redirect(Instructions<'c>),
    /// Hang up.
    HangUp,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// The call was over already.
    AlreadyEnded,
}

/// A call as Twilio keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CallResource {
    /// `CA…`.
    pub sid: String,
    /// How far it has come.
    pub status: CallStatus,
    /// `human`, `machine_start`, …
    #[serde(default)]
    pub answered_by: Option<String>,
    /// Seconds, in decimal text; null until the end.
    #[serde(default)]
    pub duration: Option<String>,
}

impl CallResource {
    /// How long it lasted, in seconds.
    pub fn seconds(&self) -> Option<u32> {
        self.duration.as_deref()?.parse().ok()
    }
}

type Parameter<'c> = (&'static str, Cow<'c, str>);

impl<'c> Instructions<'c> {
    fn parameter(self) -> Result<Parameter<'c>, ApiError> {
        match self {
            Self::Url(url) => Ok(("Url", url.into())),
            Self::Twiml(document) if document.chars().count() <= MAX_INLINE_CHARS => {
                Ok(("Twiml", document.into()))
            }
            Self::Twiml(_) => Err(ApiError::unfit("twiml_too_long")),
        }
    }
}

impl<'c> NewCall<'c> {
    fn form(&self) -> Result<Vec<Parameter<'c>>, ApiError> {
        let mut form =
            vec![("To", self.to.into()), ("From", self.from.into()), self.instructions.parameter()?];
        form.extend(self.fallback_url.map(|url| ("FallbackUrl", url.into())));
        if let Some(url) = self.status_callback {
            form.push(("StatusCallback", url.into()));
            // One parameter for each: unlike in a document, a list with spaces is not understood.
            let events = ["initiated", "ringing", "answered", "completed"];
            form.extend(events.map(|event| ("StatusCallbackEvent", event.into())));
        }
        form.extend(self.ring_seconds.map(|seconds| ("Timeout", seconds.to_string().into())));
        form.extend(self.limit_seconds.map(|seconds| ("TimeLimit", seconds.to_string().into())));
        if let Some(detection) = self.machine_detection {
            let mode = if detection.message_end { "DetectMessageEnd" } else { "Enable" };
            form.push(("MachineDetection", mode.into()));
            if let Some(callback) = detection.callback {
                form.push(("AsyncAmd", "true".into()));
                form.push(("AsyncAmdStatusCallback", callback.into()));
            }
            let timeout = detection.timeout_seconds;
            form.extend(timeout.map(|seconds| ("MachineDetectionTimeout", seconds.to_string().into())));
        }
        Ok(form)
    }
}

impl TwilioClient {
    /// Places a call. [`ApiError::Unknown`] means that the telephone may ring: its status callbacks tell.
    pub async fn create_call(
        &self,
        credentials: &TwilioCredentials,
        call: &NewCall<'_>,
    ) -> Result<CallResource, ApiError> {
        let form = call.form()?;
        body(&self.post(credentials, &["Calls.json"], &form).await?)
    }

    /// Changes a call. One that has ended is no error.
    pub async fn change_call(
        &self,
        credentials: &TwilioCredentials,
        call_sid: &str,
        change: CallChange<'_>,
    ) -> Result<Changed, ApiError> {
        let file = call_file(call_sid)?;
        let parameter = match change {
            CallChange::Redirect(instructions) => instructions.parameter()?,
            CallChange::HangUp => ("Status", "completed".into()),
        };
        changed(self.post(credentials, &["Calls", &file], &[parameter]).await)
    }

    /// Looks at a call.
    pub async fn fetch_call(
        &self,
        credentials: &TwilioCredentials,
        call_sid: &str,
    ) -> Result<CallResource, ApiError> {
        let file = call_file(call_sid)?;
        let url = self.account_url(credentials, &["Calls", &file])?;
        body(&self.ask(credentials, Method::GET, url, None::<&()>).await?)
    }

    async fn post(
        &self,
        credentials: &TwilioCredentials,
        path: &[&str],
        form: &[Parameter<'_>],
    ) -> Result<Answer, ApiError> {
        let url = self.account_url(credentials, path)?;
        self.ask(credentials, Method::POST, url, Some(&form)).await
    }
}

/// The file of a call below its account.
fn call_file(call_sid: &str) -> Result<String, ApiError> {
    if is_sid(call_sid, "CA") { Ok(format!("{call_sid}.json")) } else { Err(ApiError::unfit("call_sid")) }
}

fn changed(outcome: Result<Answer, ApiError>) -> Result<Changed, ApiError> {
    match outcome {
        Ok(_) => Ok(Changed::Done),
        Err(ApiError::NotFound) => Ok(Changed::AlreadyEnded),
        Err(ApiError::Refused { code: Some(code), .. }) if code == NOT_IN_PROGRESS || code == NOT_FOUND => {
            Ok(Changed::AlreadyEnded)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
