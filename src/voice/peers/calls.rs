//! How a call begins and ends when somebody else holds it.

use usher_channels::twilio::codec::is_e164;
use usher_conversation::id::OrgId;
use usher_conversation::voice::{CallDirection, CallEnd};

use super::PeerReport;
use crate::app::App;
use crate::voice::routes::{end, settle};
use crate::voice::{Call, CallStatus, NewCall, Provider, Recording, StatusReport};
use crate::web::Fault;

/// A call as its provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::voice) struct Told<'t> {
    /// The provider.
    pub(in crate::voice) provider: Provider,
    /// Its id of the call.
    pub(in crate::voice) id: &'t str,
    /// Our id, when we placed it and the provider gives back what it was told.
    pub(in crate::voice) ours: Option<&'t str>,
    /// Who called whom.
    pub(in crate::voice) direction: CallDirection,
    /// The contact's number.
    pub(in crate::voice) phone: Option<&'t str>,
    /// Our number, as the provider knows it.
    pub(in crate::voice) line: Option<&'t str>,
}

/// The record of a call; made when the provider tells of it for the first time.
pub(in crate::voice) async fn known(app: &App, org: &OrgId, told: &Told<'_>) -> Result<Call, Fault> {
    let store = &app.store;
    if let Some(call) = store.call_of_vendor(org, told.id).await? {
        return Ok(call);
    }
    // A call we placed may be told of before the answer that names it has arrived.
    if let Some(ours) = told.ours.and_then(|ours| ours.parse().ok())
        && let Some(call) = store.call(org, &ours).await?
        && store.call_placed(org, &ours, told.id).await?
    {
        return Ok(Call { vendor_call: Some(told.id.to_owned()), ..call });
    }
    let phone = told.phone.filter(|phone| is_e164(phone));
    let session = match phone {
        Some(phone) => store.session_of_phone(org, phone).await?,
        None => store.session_of_stranger(org).await?,
    };
    let new = NewCall {
        session,
        direction: told.direction,
        provider: told.provider,
        phone: phone.map(str::to_owned),
        line: told.line.map(str::to_owned),
        vendor_call: Some(told.id.to_owned()),
        status: CallStatus::Ringing,
        due: None,
    };
    Ok(store.open_call(org, new).await?)
}

/// The two sides are connected.
pub(in crate::voice) async fn answered(app: &App, org: &OrgId, call: &Call) -> Result<(), Fault> {
    let report = StatusReport { status: CallStatus::InProgress, seconds: None, answered_by: None };
    app.store.report_call(org, &call.id, report).await?;
    Ok(())
}

/// A call is over, as its provider tells: its record moves to the end, its session is told once, and a contact who did
/// not answer is called again by the organisation's rule.
pub(in crate::voice) async fn over(
    app: &App,
    org: &OrgId,
    call: &Call,
    how: CallEnd,
    seconds: Option<u32>,
) -> Result<(), Fault> {
    let status = match how {
        CallEnd::ContactHungUp
        | CallEnd::Finished
        | CallEnd::Transferred
        | CallEnd::Voicemail
        | CallEnd::TooLong
        | CallEnd::AfterHours
        | CallEnd::LinesBusy => CallStatus::Completed,
        CallEnd::NoAnswer => CallStatus::NoAnswer,
        CallEnd::Busy => CallStatus::Busy,
        CallEnd::Failed => CallStatus::Failed,
        CallEnd::Canceled => CallStatus::Canceled,
    };
    let answered_by = (how == CallEnd::Voicemail).then(|| "machine".to_owned());
    let news = app.store.report_call(org, &call.id, StatusReport { status, seconds, answered_by }).await?;
    if let Some(seconds) = seconds {
        app.store.call_lasted(org, &call.id, seconds).await?;
    }
    app.voice.peers.turns.invalidate(&call.id);
    if news { settle(app, org, call, how).await } else { end(app, org, call, how).await.map(drop) }
}

/// Keeps what the provider has to say about a call.
pub(in crate::voice) async fn reported(
    app: &App,
    org: &OrgId,
    call: &Call,
    report: PeerReport,
    recording: Option<&str>,
) -> Result<(), Fault> {
    if let Some(url) = recording {
        let id = call.vendor_call.clone().unwrap_or_default();
        app.store.call_recorded(org, &call.id, Recording { id, url: url.to_owned() }).await?;
    }
    if report != PeerReport::default() {
        app.store.keep_call_report(org, call, report).await?;
    }
    Ok(())
}
