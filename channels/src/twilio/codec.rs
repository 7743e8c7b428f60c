//! What Twilio posts to us and what we post to it, as types. Pure: no clock, no network.

use serde::{Deserialize, Serialize};
use usher_conversation::consent::Keyword;

use super::form::Form;
use super::status::MessageStatus;

/// The most media one message carries.
pub const MAX_MEDIA: usize = 10;
/// The parameters of each file: its URL and its type.
pub const MEDIA_PARAMETERS: [(&str, &str); MAX_MEDIA] = [
    ("MediaUrl0", "MediaContentType0"),
    ("MediaUrl1", "MediaContentType1"),
    ("MediaUrl2", "MediaContentType2"),
    ("MediaUrl3", "MediaContentType3"),
    ("MediaUrl4", "MediaContentType4"),
    ("MediaUrl5", "MediaContentType5"),
    ("MediaUrl6", "MediaContentType6"),
    ("MediaUrl7", "MediaContentType7"),
    ("MediaUrl8", "MediaContentType8"),
    ("MediaUrl9", "MediaContentType9"),
];
/// The longest body that may be sent, in characters (21617 above it).
pub const MAX_BODY_CHARS: usize = 1600;

/// A webhook that is not what the protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A parameter that is always there is not.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter is there twice with different values.
    #[error("the parameter {0} is ambiguous")]
    Ambiguous(&'static str),
    /// A parameter cannot be read.
    #[error("the parameter {0} is not valid")]
    Invalid(&'static str),
}

impl CodecError {
    /// The parameter at fault.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Missing(name) | Self::Ambiguous(name) | Self::Invalid(name) => name,
        }
    }
}

/// Whether `text` has the form of a SID with that two-letter prefix. A SID is written in lower-case hex today, but it is an
/// opaque key: an authentic message is not lost over another alphabet.
pub fn is_sid(text: &str, prefix: &str) -> bool {
    text.len() == 34 && text.starts_with(prefix) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether `text` is a telephone number in E.164 form.
pub fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// One side of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'f> {
    /// A telephone number in E.164 form.
    Phone(&'f str),
    /// Another sender of text messages: a short code or an alphanumeric name. It may be impossible to answer.
    Sender(&'f str),
    /// An address on another channel, `whatsapp:+1…`.
    Other {
        /// `whatsapp`, `rcs`, `messenger`, …
        channel: &'f str,
        /// The address on it.
        address: &'f str,
    },
}

impl<'f> Address<'f> {
    fn parse(text: &'f str) -> Option<Self> {
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            return None;
        }
        Some(match text.split_once(':') {
            Some((channel, address)) => Self::Other { channel, address },
            None if is_e164(text) => Self::Phone(text),
            None => Self::Sender(text),
        })
    }

    /// The E.164 number, when it is one.
    pub const fn phone(self) -> Option<&'f str> {
        match self {
            Self::Phone(number) => Some(number),
            Self::Sender(_) | Self::Other { .. } => None,
        }
    }
}

/// A file that came with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundMedia<'f> {
    /// Where it lies. Outside data: only [`super::TwilioClient::fetch_media`] may open it.
    pub url: &'f str,
    /// Its type as the sender's carrier named it; empty when it did not.
    pub content_type: &'f str,
}

/// Where a number is registered, as far as Twilio knows; often empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Geography<'f> {
    /// `SAN FRANCISCO`.
    pub city: &'f str,
    /// `CA`.
    pub state: &'f str,
    /// `94107`.
    pub zip: &'f str,
    /// `US`.
    pub country: &'f str,
}

/// The webhook failed elsewhere first and came to the fallback URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FallbackCause<'f> {
    /// Twilio's code for what went wrong.
    pub error_code: u32,
    /// The URL that failed.
    pub error_url: &'f str,
}

/// A message that a person sent to one of our numbers. Borrows from the form, untrimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMessage<'f> {
    /// `MessageSid`: what a repetition of the webhook is recognised by.
    pub message_sid: &'f str,
    /// The account, to be mapped to a known one before it is used for anything.
    pub account_sid: &'f str,
    /// The messaging service the number belongs to.
    pub messaging_service_sid: Option<&'f str>,
    /// Who wrote.
    pub from: Address<'f>,
    /// The number they wrote to.
    pub to: Address<'f>,
    /// The words; empty when only media came.
    pub body: &'f str,
    /// The files, at most [`MAX_MEDIA`].
    pub media: Vec<InboundMedia<'f>>,
    /// Segments the message came in, when Twilio says.
    pub segments: Option<u32>,
    /// A reserved word that Twilio recognised *and answered itself* (Advanced Opt-Out): we must not reply.
    pub opt_out: Option<Keyword>,
    /// The sender's place.
    pub from_place: Geography<'f>,
    /// Our number's place.
    pub to_place: Geography<'f>,
    /// The version of the API that wrote the webhook.
    pub api_version: &'f str,
    /// Set when this is a second attempt on the fallback URL.
    pub fallback: Option<FallbackCause<'f>>,
}

impl<'f> InboundMessage<'f> {
    /// Reads the webhook of section "incoming messages". Twilio does not send a refused message again, so only what the
    /// message cannot do without must be as documented: its id, account, sender, recipient, words and files. Unknown
    /// parameters are ignored, odd side information is as good as absent; `SmsSid` and the other legacy copies are read
    /// only when `MessageSid` is absent.
    ///
    /// # Errors
    /// The parameter at fault.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        let message_sid = match read.optional("MessageSid")? {
            Some(sid) => sid,
            None => read
                .optional("SmsMessageSid")?
                .or(read.optional("SmsSid")?)
                .ok_or(CodecError::Missing("MessageSid"))?,
        };
        if !is_sid(message_sid, "SM") && !is_sid(message_sid, "MM") {
            return Err(CodecError::Invalid("MessageSid"));
        }
        Ok(Self {
            message_sid,
            account_sid: read.sid("AccountSid", "AC")?,
            messaging_service_sid: read.side("MessagingServiceSid").filter(|sid| is_sid(sid, "MG")),
            from: read.address("From")?,
            to: read.address("To")?,
            body: read.optional("Body")?.unwrap_or_default(),
            media: read.media()?,
            segments: read.side("NumSegments").and_then(|count| count.parse().ok()),
            opt_out: match read.side("OptOutType") {
                Some("STOP") => Some(Keyword::Stop),
                Some("START") => Some(Keyword::Start),
                Some("HELP") => Some(Keyword::Help),
                Some(_) | None => None,
            },
            from_place: read.place("FromCity", "FromState", "FromZip", "FromCountry"),
            to_place: read.place("ToCity", "ToState", "ToZip", "ToCountry"),
            api_version: read.side("ApiVersion").unwrap_or_default(),
            fallback: read.fallback().unwrap_or_default(),
        })
    }
}

/// What became of a message we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCallback<'f> {
    /// Which message.
    pub message_sid: &'f str,
    /// The account, to be mapped to a known one before it is used for anything.
    pub account_sid: &'f str,
    /// The messaging service it went through.
    pub messaging_service_sid: Option<&'f str>,
    /// How far it has come; `None` for a status that is newer than this program. Callbacks overtake one another.
    pub status: Option<MessageStatus>,
    /// Why it failed; only with `failed` and `undelivered`.
    pub error_code: Option<u32>,
    /// The sender, absent until a service has chosen it.
    pub from: Option<Address<'f>>,
    /// The recipient.
    pub to: Option<Address<'f>>,
}

impl<'f> StatusCallback<'f> {
    /// Reads a status callback; as with messages, only what tells which message it is about must be as documented.
    ///
    /// # Errors
    /// The parameter at fault.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        let message_sid = read.optional("MessageSid")?.or(read.optional("SmsSid")?);
        let message_sid = message_sid.ok_or(CodecError::Missing("MessageSid"))?;
        if !is_sid(message_sid, "SM") && !is_sid(message_sid, "MM") {
            return Err(CodecError::Invalid("MessageSid"));
        }
        let status = read.optional("MessageStatus")?.or(read.optional("SmsStatus")?);
        let status = status.ok_or(CodecError::Missing("MessageStatus"))?;
        Ok(Self {
            message_sid,
            account_sid: read.sid("AccountSid", "AC")?,
            messaging_service_sid: read.side("MessagingServiceSid").filter(|sid| is_sid(sid, "MG")),
            status: MessageStatus::parse(status),
            error_code: read.side("ErrorCode").and_then(|code| code.parse().ok()),
            from: read.side("From").and_then(Address::parse),
            to: read.side("To").and_then(Address::parse),
        })
    }
}

/// Reads typed parameters out of a form.
pub(super) struct Reader<'f, 'b>(pub(super) &'f Form<'b>);

impl<'f> Reader<'f, '_> {
    fn optional(&self, name: &'static str) -> Result<Option<&'f str>, CodecError> {
        let mut values = self.0.values(name);
        let first = values.next();
        if values.next().is_some() { Err(CodecError::Ambiguous(name)) } else { Ok(first) }
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&'f str, CodecError> {
        self.optional(name)?.ok_or(CodecError::Missing(name))
    }

    pub(super) fn sid(&self, name: &'static str, prefix: &str) -> Result<&'f str, CodecError> {
        let sid = self.required(name)?;
        if is_sid(sid, prefix) { Ok(sid) } else { Err(CodecError::Invalid(name)) }
    }

    pub(super) fn optional_sid(
        &self,
        name: &'static str,
        prefix: &str,
    ) -> Result<Option<&'f str>, CodecError> {
        match self.optional(name)? {
            None | Some("") => Ok(None),
            Some(sid) if is_sid(sid, prefix) => Ok(Some(sid)),
            Some(_) => Err(CodecError::Invalid(name)),
        }
    }

    fn address(&self, name: &'static str) -> Result<Address<'f>, CodecError> {
        Address::parse(self.required(name)?).ok_or(CodecError::Invalid(name))
    }

    /// Text; absent and empty are the same.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'f str>, CodecError> {
        Ok(self.optional(name)?.filter(|text| !text.is_empty()))
    }

    /// One of the words that `parse` knows.
    pub(super) fn word<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, CodecError> {
        parse(self.required(name)?).ok_or(CodecError::Invalid(name))
    }

    /// An address; absent and empty are the same.
    pub(super) fn optional_address(&self, name: &'static str) -> Result<Option<Address<'f>>, CodecError> {
        self.text(name)?.map(|text| Address::parse(text).ok_or(CodecError::Invalid(name))).transpose()
    }

    /// Why a webhook came to the fallback URL, if it did.
    pub(super) fn fallback(&self) -> Result<Option<FallbackCause<'f>>, CodecError> {
        let Some(error_code) = self.number("ErrorCode")? else { return Ok(None) };
        Ok(Some(FallbackCause { error_code, error_url: self.optional("ErrorUrl")?.unwrap_or_default() }))
    }

    /// A number in decimal text; absent and empty are the same.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, CodecError> {
        match self.optional(name)? {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| CodecError::Invalid(name)),
        }
    }

    fn media(&self) -> Result<Vec<InboundMedia<'f>>, CodecError> {
        let count = self.number("NumMedia")?.unwrap_or(0);
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_MEDIA);
        let count = count.ok_or(CodecError::Invalid("NumMedia"))?;
        let file = |(url, content_type)| {
            let url = self.required(url)?;
            Ok(InboundMedia { url, content_type: self.side(content_type).unwrap_or_default() })
        };
        MEDIA_PARAMETERS.into_iter().take(count).map(file).collect()
    }

    /// Side information: what is said once and in words; anything else is as good as absent.
    fn side(&self, name: &'static str) -> Option<&'f str> {
        self.optional(name).ok().flatten().filter(|text| !text.is_empty())
    }

    fn place(
        &self,
        city: &'static str,
        state: &'static str,
        zip: &'static str,
        country: &'static str,
    ) -> Geography<'f> {
        let text = |name| self.side(name).unwrap_or_default();
        Geography { city: text(city), state: text(state), zip: text(zip), country: text(country) }
    }
}

/// The body of any answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Twilio's error number.
    pub code: u32,
    /// For people; may quote the recipient's number, so it does not belong in a log.
    #[serde(default)]
    pub message: String,
    /// A page about the error.
    #[serde(default)]
    pub more_info: String,
    /// The HTTP status again.
    #[serde(default)]
    pub status: u16,
}

/// The Message resource, as far as we read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MessageResource {
    /// The message's id.
    pub sid: String,
    /// The words.
    #[serde(default)]
    pub body: Option<String>,
    /// The sender; null until a service has chosen it.
    #[serde(default)]
    pub from: Option<String>,
    /// The recipient.
    #[serde(default)]
    pub to: Option<String>,
    /// The service it went through.
    #[serde(default)]
    pub messaging_service_sid: Option<String>,
    /// RFC 2822.
    #[serde(default)]
    pub date_created: Option<String>,
    /// `inbound`, `outbound-api`, …
    #[serde(default)]
    pub direction: Option<String>,
}

/// A number of an account, as far as we read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NumberResource {
    /// Where incoming messages are posted, with its fragment.
    #[serde(default)]
    pub sms_url: Option<String>,
}

/// The numbers that fit a filter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NumberPage {
    /// The numbers.
    pub incoming_phone_numbers: Vec<NumberResource>,
}

/// One page of the list of messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<MessageResource>,
    /// Path and query of the next page.
    #[serde(default)]
    pub next_page_uri: Option<String>,
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
