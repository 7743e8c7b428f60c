//! Recordings the carrier makes: of whole calls where the organisation wants it, and of messages left after hours.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use usher_channels::twilio::Form;
use usher_channels::twilio::voice::twiml::{Recording as Recorded, Verb};
use usher_channels::twilio::voice::webhook::{RecordResult, RecordingCallback};
use usher_conversation::catalogue::Sentence;
use usher_conversation::id::OrgId;
use usher_conversation::session::{Command, EscalationReason};
use usher_conversation::voice::CallEnd;

use super::routes::{Known, told};
use super::spoken::Tongue;
use super::{Call, Recording, VoiceProfile, door, origin};
use crate::app::App;
use crate::inbound::routes::malformed;
use crate::web::Fault;

/// What comes before the first words of a call that is recorded: that it is, and the recording itself.
pub(super) struct Preamble {
    tongue: Tongue,
    notice: String,
    callback: String,
}

impl Preamble {
    /// `None` for calls that are not recorded.
    pub(super) async fn of(
        app: &App,
        org: &OrgId,
        call: &Call,
        profile: &VoiceProfile,
    ) -> Result<Option<Self>, Fault> {
        if !profile.record {
            return Ok(None);
        }
        let tongue = Tongue::of(app, org, call).await?;
        let notice = profile.recording_notice.clone();
        let notice = notice.unwrap_or_else(|| tongue.say(Sentence::CallRecorded));
        Ok(Some(Self { tongue, notice, callback: app.voice.urls.of("/recording", call) }))
    }

    /// Nobody is recorded before they were told.
    pub(super) fn verbs(&self) -> Vec<Verb<'_>> {
        let mut verbs = Vec::with_capacity(4);
        if !self.notice.trim().is_empty() {
            verbs.push(Verb::Prompt(self.tongue.prompt(&self.notice)));
        }
        verbs.push(Verb::StartRecording(Recorded { dual: true, status_callback: Some(&self.callback) }));
        verbs
    }
}

/// The carrier's recording of a call, or of a message.
pub(super) async fn recording(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/recording", "CallSid").await?;
    let report = RecordingCallback::parse(&form).map_err(malformed)?;
    if let Some(url) = report.file() {
        keep(&app, &line.org, &call, report.recording_sid, url).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// A caller has left a message, or has had enough of trying.
pub(super) async fn message(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/message", "CallSid").await?;
    let left = RecordResult::parse(&form).map_err(malformed)?;
    if let Some((id, url)) = left.recording_sid.zip(left.url) {
        keep(&app, &line.org, &call, id, url).await?;
    }
    Ok(told(door::message_taken(&Tongue::of(&app, &line.org, &call).await?)?))
}

/// Keeps where a recording is. One of a call that was not put through is a message, which a person must hear.
async fn keep(app: &App, org: &OrgId, call: &Call, id: &str, url: &str) -> Result<(), Fault> {
    let recording = Recording { id: id.to_owned(), url: url.to_owned() };
    app.store.call_recorded(org, &call.id, recording).await?;
    if call.outcome.as_deref() != Some(CallEnd::AfterHours.as_str()) {
        return Ok(());
    }
    let command = Command::Escalate { origin: origin(call), reason: EscalationReason::MessageLeft };
    let once = Some(format!("call:{}:message", call.id));
    app.runtime.handle(org, &call.session, once, command).await?;
    Ok(())
}
