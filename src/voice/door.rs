//! Who is put through: in the business hours, while a line is free. Everybody else hears why, and how to go on: by text,
//! or with a message that a person hears later.

use usher_actors::voice::Line;
use usher_channels::twilio::voice::twiml::{Prompt, Record, Verb, document};
use usher_conversation::catalogue::Sentence;
use usher_conversation::id::OrgId;
use usher_conversation::voice::{CallDirection, CallEnd};

use super::spoken::Tongue;
use super::{Call, Voice, VoiceProfile, VoiceSettings};
use crate::app::App;
use crate::web::Fault;

/// A message's longest silence and its length, in seconds.
const SILENCE: u32 = 5;
const LONGEST_MESSAGE: u32 = 120;

/// Why a caller is not put through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// The office is closed.
    AfterHours,
    /// All lines are taken.
    LinesBusy,
}

impl TurnedAway {
    /// How the call ends for us.
    pub(super) const fn end(self) -> CallEnd {
        match self {
            Self::AfterHours => CallEnd::AfterHours,
            Self::LinesBusy => CallEnd::LinesBusy,
        }
    }

    /// What the caller hears.
    pub(super) fn words(self, tongue: &Tongue, profile: &VoiceProfile) -> String {
        match self {
            Self::AfterHours => {
                let closed = profile.after_hours.clone();
                let closed = closed.unwrap_or_else(|| tongue.say(Sentence::CallClosed));
                format!("{closed} {}", tongue.say(Sentence::CallTextUs))
            }
            Self::LinesBusy => tongue.say(Sentence::CallLinesBusy),
        }
    }
}

/// A line for a call, before anything is dialled for it.
pub(super) fn admit(
    app: &App,
    org: &OrgId,
    call: &Call,
    settings: &VoiceSettings,
) -> Result<Line, TurnedAway> {
    if call.direction == CallDirection::Inbound && !settings.profile.is_open(app.clock.now()) {
        return Err(TurnedAway::AfterHours);
    }
    app.voice.line(&Voice::call_ref(org, call), &settings.profile).map_err(|_no_line| TurnedAway::LinesBusy)
}

/// The document for a caller who is not put through. After hours a message can be left.
pub(super) fn apology(
    app: &App,
    call: &Call,
    why: TurnedAway,
    tongue: &Tongue,
    profile: &VoiceProfile,
) -> Result<String, Fault> {
    let mut words = why.words(tongue, profile);
    if why == TurnedAway::LinesBusy {
        return document(&[Verb::Prompt(tongue.prompt(&words)), Verb::Hangup]).map_err(Fault::internal);
    }
    words.push(' ');
    words.push_str(&tongue.say(Sentence::CallLeaveMessage));
    let (taken, kept) = (app.voice.urls.of("/message", call), app.voice.urls.of("/recording", call));
    let message = Record {
        action: Some(&taken),
        timeout_seconds: Some(SILENCE),
        max_seconds: Some(LONGEST_MESSAGE),
        finish_on_key: Some("#"),
        beep: Some(true),
        status_callback: Some(&kept),
    };
    let goodbye = tongue.say(Sentence::CallGoodbye);
    // Who says nothing hears goodbye.
    let verbs: [Verb<'_>; 4] = [
        Verb::Prompt(tongue.prompt(&words)),
        Verb::Record(message),
        Verb::Prompt(tongue.prompt(&goodbye)),
        Verb::Hangup,
    ];
    document(&verbs).map_err(Fault::internal)
}

/// The document behind a message that was left.
pub(super) fn message_taken(tongue: &Tongue) -> Result<String, Fault> {
    let words = tongue.say(Sentence::CallMessageTaken);
    let thanks: Prompt<'_> = tongue.prompt(&words);
    document(&[Verb::Prompt(thanks), Verb::Hangup]).map_err(Fault::internal)
}
