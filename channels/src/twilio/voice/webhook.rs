//! What Twilio posts about a call. Everything borrows from the form; unknown parameters are ignored.

use serde::{Deserialize, Serialize};

use crate::twilio::codec::{Address, CodecError, FallbackCause, Reader};
use crate::twilio::form::Form;

/// What stands in `From` when the caller's number is hidden or not known: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN,
/// UNAVAILABLE and PRIVATE, as they are spelled on a telephone's keys. These numbers belong to nobody.
const NOBODYS: [&str; 6] = ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+7748283"];

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Waits to be dialled.
    Queued,
    /// Is being dialled; only in status callbacks.
    Initiated,
    /// Rings.
    Ringing,
    /// Was answered and lasts.
    InProgress,
    /// Was answered and is over.
    Completed,
    /// The line was busy.
    Busy,
    /// Could not be connected.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Was called off before it was answered.
    Canceled,
}

impl CallStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Initiated,
        Self::Ringing,
        Self::InProgress,
        Self::Completed,
        Self::Busy,
        Self::Failed,
        Self::NoAnswer,
        Self::Canceled,
    ];

    /// Twilio's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => true,
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => false,
        }
    }
}

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Somebody called one of our numbers.
    Inbound,
    /// We asked the API to call.
    OutboundApi,
    /// A `<Dial>` of another call.
    OutboundDial,
}

/// Who or what answered, as far as detection could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// A machine, whose greeting has begun.
    MachineStart,
    /// A machine, after its beep.
    MachineEndBeep,
    /// A machine, whose greeting is over.
    MachineEndSilence,
    /// A machine, whose greeting ended otherwise.
    MachineEndOther,
    /// A fax.
    Fax,
    /// It could not be told, or by a word not known here.
    Unknown,
}

impl AnsweredBy {
    /// The verdict of this name; of one that is not known, none.
    pub fn parse(word: &str) -> Self {
        match word {
            "human" => Self::Human,
            "machine_start" => Self::MachineStart,
            "machine_end_beep" => Self::MachineEndBeep,
            "machine_end_silence" => Self::MachineEndSilence,
            "machine_end_other" => Self::MachineEndOther,
            "fax" => Self::Fax,
            _ => Self::Unknown,
        }
    }

    /// Whether nobody listens live.
    pub const fn is_machine(self) -> bool {
        match self {
            Self::MachineStart
            | Self::MachineEndBeep
            | Self::MachineEndSilence
            | Self::MachineEndOther
            | Self::Fax => true,
            Self::Human | Self::Unknown => false,
        }
    }

    /// Whether a message may be left now: the machine records.
    pub const fn records(self) -> bool {
        match self {
            Self::MachineEndBeep | Self::MachineEndSilence | Self::MachineEndOther => true,
            Self::Human | Self::MachineStart | Self::Fax | Self::Unknown => false,
        }
    }
}

/// What every request for a document holds: an incoming call, an outgoing one that was answered, and the results below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceRequest<'f> {
    /// `CA…`.
    pub call_sid: &'f str,
    /// The account, to be mapped to a known one before it is used for anything.
    pub account_sid: &'f str,
    /// Who calls; hidden callers have an address that cannot be called, see [`Self::caller`].
    pub from: Option<Address<'f>>,
    /// Whom they call.
    pub to: Option<Address<'f>>,
    /// How far the call has come.
    pub status: CallStatus,
    /// Which way it goes.
    pub direction: Direction,
    /// The call that dialled this one.
    pub parent_call_sid: Option<&'f str>,
    /// The number the call was forwarded from.
    pub forwarded_from: Option<&'f str>,
    /// The caller's listed name.
    pub caller_name: Option<&'f str>,
    /// How far the network vouches for the caller's number: `TN-Validation-Passed-A`, ….
    pub stir_verstat: Option<&'f str>,
    /// Who answered, when detection ran before this request.
    pub answered_by: Option<AnsweredBy>,
    /// Set when this is a second attempt on the fallback URL.
    pub fallback: Option<FallbackCause<'f>>,
}

impl<'f> VoiceRequest<'f> {
    /// Reads the parameters of section "voice request".
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        Ok(Self {
            call_sid: read.sid("CallSid", "CA")?,
            account_sid: read.sid("AccountSid", "AC")?,
            from: read.optional_address("From")?,
            to: read.optional_address("To")?,
            status: read.word("CallStatus", CallStatus::parse)?,
            direction: read.word("Direction", |word| match word {
                "inbound" => Some(Direction::Inbound),
                "outbound-api" => Some(Direction::OutboundApi),
                "outbound-dial" => Some(Direction::OutboundDial),
                _ => None,
            })?,
            parent_call_sid: read.optional_sid("ParentCallSid", "CA")?,
            forwarded_from: read.text("ForwardedFrom")?,
            caller_name: read.text("CallerName")?,
            stir_verstat: read.text("StirVerstat")?,
            answered_by: read.text("AnsweredBy")?.map(AnsweredBy::parse),
            fallback: read.fallback()?,
        })
    }

    /// The caller's number, when it can be called back.
    pub fn caller(&self) -> Option<&'f str> {
        self.from.and_then(Address::phone).filter(|number| !NOBODYS.contains(number))
    }
}

/// What became of a call. Callbacks overtake one another: order them by `sequence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallStatusCallback<'f> {
    /// `CA…`.
    pub call_sid: &'f str,
    /// The account, to be mapped to a known one before it is used for anything.
    pub account_sid: &'f str,
    /// The call that dialled this one.
    pub parent_call_sid: Option<&'f str>,
    /// How far the call has come.
    pub status: CallStatus,
    /// Counts the callbacks of a call from 0; 0 when absent.
    pub sequence: u32,
    /// How long it lasted, in seconds; at the end.
    pub seconds: Option<u32>,
    /// Who answered.
    pub answered_by: Option<AnsweredBy>,
    /// The network's answer, e.g. 486.
    pub sip_code: Option<u32>,
}

impl<'f> CallStatusCallback<'f> {
    /// Reads a status callback.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        Ok(Self {
            call_sid: read.sid("CallSid", "CA")?,
            account_sid: read.sid("AccountSid", "AC")?,
            parent_call_sid: read.optional_sid("ParentCallSid", "CA")?,
            status: read.word("CallStatus", CallStatus::parse)?,
            sequence: read.number("SequenceNumber")?.unwrap_or(0),
            seconds: read.number("CallDuration")?,
            answered_by: read.text("AnsweredBy")?.map(AnsweredBy::parse),
            sip_code: read.number("SipResponseCode")?,
        })
    }
}

/// What a `<Gather>` collected.
#[derive(Debug, Clone, PartialEq)]
pub struct GatherResult<'f> {
    /// The call.
    pub call: VoiceRequest<'f>,
    /// Keys, without the one that ended it.
    pub digits: Option<&'f str>,
    /// The key that ended it.
    pub finished_on: Option<&'f str>,
    /// Recognised speech.
    pub speech: Option<&'f str>,
    /// How sure the recogniser is, 0 to 1; none when it said nothing of the kind.
    pub confidence: Option<f32>,
}

impl<'f> GatherResult<'f> {
    /// Reads the request of a `<Gather>`'s action.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        // How sure somebody was must not cost the words.
        let confidence = read.text("Confidence")?.and_then(|text| text.parse().ok());
        Ok(Self {
            call: VoiceRequest::parse(form)?,
            digits: read.text("Digits")?,
            finished_on: read.text("FinishedOnKey")?,
            speech: read.text("SpeechResult")?,
            confidence: confidence.filter(|sure| (0.0..=1.0).contains(sure)),
        })
    }
}

/// How a `<Dial>` went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialStatus {
    /// Answered, and over.
    Completed,
    /// Answered.
    Answered,
    /// Busy.
    Busy,
    /// Not answered.
    NoAnswer,
    /// Could not be connected.
    Failed,
    /// Called off.
    Canceled,
}

/// The result of a `<Dial>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialResult<'f> {
    /// The caller's leg.
    pub call: VoiceRequest<'f>,
    /// How it went.
    pub status: DialStatus,
    /// The callee's leg.
    pub leg: Option<&'f str>,
    /// How long the two were connected, in seconds.
    pub seconds: Option<u32>,
    /// Whether they were connected at all, when Twilio says: the callee may have answered and hung up before.
    pub bridged: Option<bool>,
}

impl<'f> DialResult<'f> {
    /// Reads the request of a `<Dial>`'s action.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        Ok(Self {
            call: VoiceRequest::parse(form)?,
            status: read.word("DialCallStatus", |word| match word {
                "completed" => Some(DialStatus::Completed),
                "answered" => Some(DialStatus::Answered),
                "busy" => Some(DialStatus::Busy),
                "no-answer" => Some(DialStatus::NoAnswer),
                "failed" => Some(DialStatus::Failed),
                "canceled" => Some(DialStatus::Canceled),
                _ => None,
            })?,
            leg: read.optional_sid("DialCallSid", "CA")?,
            seconds: read.number("DialCallDuration")?,
            bridged: match read.text("DialBridged")? {
                None => None,
                Some("true") => Some(true),
                Some("false") => Some(false),
                Some(_) => return Err(CodecError::Invalid("DialBridged")),
            },
        })
    }
}

/// The verdict of asynchronous machine detection. The answer to it is ignored: act by updating the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmdCallback<'f> {
    /// `CA…`.
    pub call_sid: &'f str,
    /// The account, to be mapped to a known one before it is used for anything.
    pub account_sid: &'f str,
    /// The verdict.
    pub answered_by: AnsweredBy,
    /// How long it took, in milliseconds.
    pub millis: Option<u32>,
}

impl<'f> AmdCallback<'f> {
    /// Reads the callback.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        Ok(Self {
            call_sid: read.sid("CallSid", "CA")?,
            account_sid: read.sid("AccountSid", "AC")?,
            answered_by: AnsweredBy::parse(read.required("AnsweredBy")?),
            millis: read.number("MachineDetectionDuration")?,
        })
    }
}

/// What became of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingStatus {
    /// It runs.
    InProgress,
    /// The file is there.
    Completed,
    /// Nothing was recorded.
    Absent,
    /// It could not be made.
    Failed,
}

/// News of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingCallback<'f> {
    /// `CA…`.
    pub call_sid: &'f str,
    /// The account, to be mapped to a known one before it is used for anything.
    pub account_sid: &'f str,
    /// `RE…`.
    pub recording_sid: &'f str,
    /// Where the file is: append `.wav` or `.mp3`. Outside data.
    pub url: Option<&'f str>,
    /// What became of it.
    pub status: RecordingStatus,
    /// How long it is, in seconds.
    pub seconds: Option<u32>,
    /// 1 or 2.
    pub channels: Option<u32>,
    /// Why there is none: 16101 too short, 16102 silent.
    pub error_code: Option<u32>,
}

impl<'f> RecordingCallback<'f> {
    /// Where the file is, once there is one.
    pub fn file(&self) -> Option<&'f str> {
        self.url.filter(|_| self.status == RecordingStatus::Completed)
    }

    /// Reads the callback.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        Ok(Self {
            call_sid: read.sid("CallSid", "CA")?,
            account_sid: read.sid("AccountSid", "AC")?,
            recording_sid: read.sid("RecordingSid", "RE")?,
            url: read.text("RecordingUrl")?,
            status: read.word("RecordingStatus", |word| match word {
                "in-progress" => Some(RecordingStatus::InProgress),
                "completed" => Some(RecordingStatus::Completed),
                "absent" => Some(RecordingStatus::Absent),
                "failed" => Some(RecordingStatus::Failed),
                _ => None,
            })?,
            seconds: read.number("RecordingDuration")?,
            channels: read.number("RecordingChannels")?,
            error_code: read.number("ErrorCode")?,
        })
    }
}

/// What a `<Record>` recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordResult<'f> {
    /// The call.
    pub call: VoiceRequest<'f>,
    /// `RE…`.
    pub recording_sid: Option<&'f str>,
    /// Where the file is. Outside data.
    pub url: Option<&'f str>,
    /// How long it is, in seconds.
    pub seconds: Option<u32>,
    /// The caller ended it by hanging up.
    pub hung_up: bool,
}

impl<'f> RecordResult<'f> {
    /// Reads the request of a `<Record>`'s action.
    pub fn parse(form: &'f Form<'_>) -> Result<Self, CodecError> {
        let read = Reader(form);
        Ok(Self {
            call: VoiceRequest::parse(form)?,
            recording_sid: read.optional_sid("RecordingSid", "RE")?,
            url: read.text("RecordingUrl")?,
            seconds: read.number("RecordingDuration")?,
            hung_up: read.text("Digits")? == Some("hangup"),
        })
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
