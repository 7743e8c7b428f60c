//! Answering machines: who answered a call of ours, and the one message that a machine gets.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use usher_actors::voice::ports::Outcome;
use usher_channels::twilio::Form;
use usher_channels::twilio::voice::calls::{CallChange, Instructions};
use usher_channels::twilio::voice::twiml::{Verb, document};
use usher_channels::twilio::voice::webhook::{AmdCallback, AnsweredBy};
use usher_conversation::catalogue::Sentence;
use usher_conversation::id::OrgId;
use usher_conversation::voice::CallEnd;

use super::routes::{Known, end};
use super::spoken::Tongue;
use super::{Call, VoiceProfile, VoiceSettings};
use crate::app::App;
use crate::inbound::Line;
use crate::inbound::routes::malformed;
use crate::web::Fault;

/// Who answered a call of ours. A machine that records gets the message: its call is sent to the redirect, which knows
/// ([`message`]).
pub(super) async fn verdict(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let form = Form::parse(&body).map_err(malformed)?;
    let Known { line, call, .. } = Known::of(&app, &request, &form, "/amd", "CallSid").await?;
    let verdict = AmdCallback::parse(&form).map_err(malformed)?;
    app.store.call_answered_by(&line.org, &call.id, name_of(verdict.answered_by)).await?;
    if !verdict.answered_by.is_machine() {
        if let Some(handle) = app.voice.switchboard.find(&call.id) {
            handle.answered();
        }
        return Ok(HttpResponse::NoContent().finish());
    }
    // The record says so before the call moves: the redirect asks it. Of a verdict that is told twice, once.
    if !end(&app, &line.org, &call, CallEnd::Voicemail).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    let records = verdict.answered_by.records();
    // Told before its line closes, the call on this node does not take that for a hang-up.
    if let Some(handle) = app.voice.switchboard.find(&call.id) {
        handle.leave(Outcome::Ended(CallEnd::Voicemail));
    }
    let message = app.voice.urls.of("/redirect", &call);
    let change = if records { CallChange::Redirect(Instructions::Url(&message)) } else { CallChange::HangUp };
    let sid = call.vendor_call.as_deref().unwrap_or_default();
    if let Err(error) = app.twilio.change_call(&line.credentials, sid, change).await {
        tracing::warn!(call = %call.id, %error, "an answering machine keeps its call");
    }
    if !records {
        app.caller.try_again(&line.org, &call).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// What a machine hears of which the network knew before it asked for the call's document; `None` for a person.
pub(super) async fn before(
    app: &App,
    line: &Line,
    call: &Call,
    answered_by: Option<AnsweredBy>,
    settings: &VoiceSettings,
) -> Result<Option<String>, Fault> {
    let Some(verdict) = answered_by else { return Ok(None) };
    let name = name_of(verdict);
    app.store.call_answered_by(&line.org, &call.id, name).await?;
    if !verdict.is_machine() {
        return Ok(None);
    }
    end(app, &line.org, call, CallEnd::Voicemail).await?;
    let outcome = Some(CallEnd::Voicemail.as_str().to_owned());
    let call = Call { answered_by: Some(name.to_owned()), outcome, ..call.clone() };
    if let Some(message) = message(app, &line.org, &call, &settings.profile).await? {
        return Ok(Some(message));
    }
    app.caller.try_again(&line.org, &call).await?;
    document(&[Verb::Hangup]).map(Some).map_err(Fault::internal)
}

/// The message for a machine that waits for one: the organisation's own words, or ours in the contact's language.
pub(super) async fn message(
    app: &App,
    org: &OrgId,
    call: &Call,
    profile: &VoiceProfile,
) -> Result<Option<String>, Fault> {
    let machine = call.answered_by.as_deref().is_some_and(|who| AnsweredBy::parse(who).records());
    if !machine || call.outcome.as_deref() != Some(CallEnd::Voicemail.as_str()) {
        return Ok(None);
    }
    let tongue = Tongue::of(app, org, call).await?;
    let words = profile.voicemail.clone().unwrap_or_else(|| tongue.say(Sentence::CallVoicemail));
    // The beep is over when the machine's verdict comes; a breath lets the recording begin.
    let verbs = [Verb::pause(1), Verb::Prompt(tongue.prompt(&words)), Verb::Hangup];
    document(&verbs).map(Some).map_err(Fault::internal)
}

/// The stored name of a verdict.
const fn name_of(verdict: AnsweredBy) -> &'static str {
    match verdict {
        AnsweredBy::Human => "human",
        AnsweredBy::MachineStart => "machine_start",
        AnsweredBy::MachineEndBeep => "machine_end_beep",
        AnsweredBy::MachineEndSilence => "machine_end_silence",
        AnsweredBy::MachineEndOther => "machine_end_other",
        AnsweredBy::Fax => "fax",
        AnsweredBy::Unknown => "unknown",
    }
}
