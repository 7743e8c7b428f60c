//! An account's own telephone numbers: where Twilio asks when one of them is texted or called.

use reqwest::Method;
use serde::Deserialize;

use super::client::{TwilioClient, TwilioCredentials};
use super::codec::is_sid;
use crate::rest::{ApiError, body};

/// Where Twilio asks about a number. Everything is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hooks<'h> {
    /// A message came in.
    pub sms: &'h str,
    /// A call came in.
    pub voice: &'h str,
    /// A document of a call cannot be had.
    pub voice_fallback: &'h str,
    /// A call to it moved on.
    pub voice_status: &'h str,
}

impl Hooks<'_> {
    fn form(&self) -> [(&'static str, &str); 8] {
        [
            ("SmsUrl", self.sms),
            ("SmsMethod", "POST"),
            ("VoiceUrl", self.voice),
            ("VoiceMethod", "POST"),
            ("VoiceFallbackUrl", self.voice_fallback),
            ("VoiceFallbackMethod", "POST"),
            ("StatusCallback", self.voice_status),
            ("StatusCallbackMethod", "POST"),
        ]
    }
}

#[derive(Deserialize)]
struct Page {
    incoming_phone_numbers: Vec<Number>,
}

#[derive(Deserialize)]
struct Number {
    sid: String,
    phone_number: String,
}

impl TwilioClient {
    /// Sets where Twilio asks about a number of the account's. `false` when the account has no such number.
    pub async fn set_hooks(
        &self,
        credentials: &TwilioCredentials,
        number: &str,
        hooks: Hooks<'_>,
    ) -> Result<bool, ApiError> {
        let mut url = self.account_url(credentials, &["IncomingPhoneNumbers.json"])?;
        url.query_pairs_mut().append_pair("PhoneNumber", number);
        let page: Page = body(&self.ask(credentials, Method::GET, url, None::<&()>).await?)?;
        // The filter also matches parts of numbers.
        let found = page.incoming_phone_numbers.into_iter().find(|found| found.phone_number == number);
        let Some(Number { sid, .. }) = found else { return Ok(false) };
        if !is_sid(&sid, "PN") {
            return Err(ApiError::Unknown("the number's id cannot be used".to_owned()));
        }
        let url = self.account_url(credentials, &["IncomingPhoneNumbers", &format!("{sid}.json")])?;
        self.ask(credentials, Method::POST, url, Some(&hooks.form())).await?;
        Ok(true)
    }
}
