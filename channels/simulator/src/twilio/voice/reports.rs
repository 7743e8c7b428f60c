//! What the vendor tells servers about calls: parameters, status callbacks and their order.

use std::sync::Arc;

use serde_json::json;

use crate::calls::Live;
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{Sim, lock};
use crate::twilio::resource::date;
use crate::twilio::webhook::{self, WebhookParams};
use crate::world::{Call, CallDirection, CallStatus, Record};

/// The parameters of every request about a call.
pub(crate) fn standard(call: &Call) -> WebhookParams {
    let direction = match call.direction {
        CallDirection::Inbound => "inbound",
        CallDirection::OutboundApi => "outbound-api",
        CallDirection::OutboundDial => "outbound-dial",
    };
    let mut params: WebhookParams = vec![
        ("CallSid", call.sid.clone()),
        ("AccountSid", call.account_sid.clone()),
        ("From", call.from.clone()),
        ("To", call.to.clone()),
        ("Caller", call.from.clone()),
        ("Called", call.to.clone()),
        ("CallStatus", call.status.as_str().to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("Direction", direction.to_owned()),
    ];
    for (name, value) in [
        ("FromCity", "SAN FRANCISCO"),
        ("FromState", "CA"),
        ("FromZip", "94107"),
        ("FromCountry", "US"),
        ("ToCity", ""),
        ("ToState", "CA"),
        ("ToZip", ""),
        ("ToCountry", "US"),
    ] {
        params.push((name, value.to_owned()));
    }
    if call.direction == CallDirection::Inbound {
        params.push(("StirVerstat", "TN-Validation-Passed-A".to_owned()));
    }
    params.extend(call.parent.clone().map(|parent| ("ParentCallSid", parent)));
    params.extend(call.answered_by.clone().map(|verdict| ("AnsweredBy", verdict)));
    params
}

/// The event whose subscribers hear of a status.
const fn event_of(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Queued => "initiated",
        CallStatus::Ringing => "ringing",
        CallStatus::InProgress => "answered",
        _ => "completed",
    }
}

/// The reports about one call, as the faults in force have them. They are posted one after the other, so that a slow
/// receiver does not hold up the call.
pub(crate) struct Reporter {
    sim: Arc<Sim>,
    live: Arc<Live>,
    auth_token: String,
    copies: u32,
    hold: bool,
    held: Vec<WebhookParams>,
    queue: tokio::sync::mpsc::Sender<Report>,
}

struct Report {
    url: String,
    method: String,
    params: WebhookParams,
}

impl Reporter {
    pub(crate) fn new(sim: &Arc<Sim>, live: &Arc<Live>, call: &Call, auth_token: &str) -> Self {
        let subject = Subject { to: &call.to, from: &call.from, body: "" };
        let faults = lock(&sim.faults).draw(Moment::CallReports, subject);
        let copies = if faults.contains(&FaultKind::DropCallCallbacks) {
            0
        } else if faults.contains(&FaultKind::DuplicateCallCallbacks) {
            2
        } else {
            1
        };
        let (queue, mut waiting) = tokio::sync::mpsc::channel::<Report>(64);
        let poster = (Arc::clone(sim), Arc::clone(live), auth_token.to_owned());
        actix_web::rt::spawn(async move {
            let (sim, live, token) = poster;
            while let Some(Report { url, method, params }) = waiting.recv().await {
                let status = params.iter().find(|(name, _)| *name == "CallStatus");
                let status = status.map(|(_, status)| status.clone()).unwrap_or_default();
                let (outcome, _) = webhook::fetch(&sim, &token, &url, &method, &params).await;
                live.note(&sim, "callback", status, json!({ "url": url, "outcome": outcome }));
            }
        });
        Self {
            sim: Arc::clone(sim),
            live: Arc::clone(live),
            auth_token: auth_token.to_owned(),
            copies,
            hold: faults.contains(&FaultKind::ReorderCallCallbacks),
            held: Vec::new(),
            queue,
        }
    }

    /// The account's secret.
    pub(crate) fn auth_token(&self) -> &str {
        &self.auth_token
    }

    /// Moves the call to a status: kept, shown, and reported.
    pub(crate) fn enter(&mut self, status: CallStatus, more: WebhookParams) {
        let now = self.sim.now();
        let moved = self.sim.change(|world| {
            let Some(known) = world.call(&self.live.sid).filter(|known| !known.status.is_final()) else {
                return (Vec::new(), None);
            };
            let mut call = known.clone();
            call.status = status;
            match status {
                CallStatus::InProgress => call.started = Some(now),
                status if status.is_final() => call.ended = Some(now),
                _ => {}
            }
            let wanted = call.reports.events.iter().any(|event| event == event_of(status));
            let number = call.reports.next;
            if wanted {
                call.reports.next += 1;
            }
            let record = Record::Call { call: Box::new(call.clone()) };
            (vec![record], Some((call, wanted.then_some(number))))
        });
        let Some((call, number)) = moved else { return };
        self.live.note(&self.sim, "status", status.as_str(), json!({}));
        if let (Some(number), Some(_)) = (number, &call.reports.url) {
            let mut params = self.params(&call, number);
            params.extend(more);
            self.report(&call, params);
        }
    }

    fn params(&self, call: &Call, number: u32) -> WebhookParams {
        let mut params = standard(call);
        if call.status == CallStatus::Queued
            && let Some(status) = params.iter_mut().find(|(name, _)| *name == "CallStatus")
        {
            "initiated".clone_into(&mut status.1);
        }
        params.push(("CallbackSource", "call-progress-events".to_owned()));
        params.push(("SequenceNumber", number.to_string()));
        params.push(("Timestamp", date(self.sim.now())));
        if let Some(seconds) = call.seconds() {
            params.push(("CallDuration", seconds.to_string()));
            params.push(("Duration", ((seconds + 59) / 60).to_string()));
            let sip = match call.status {
                CallStatus::Completed => "200",
                CallStatus::Busy => "486",
                CallStatus::NoAnswer | CallStatus::Canceled => "487",
                _ => "404",
            };
            params.push(("SipResponseCode", sip.to_owned()));
            let recordings: Vec<_> =
                self.sim.read(|world| world.recordings_of(&call.sid).cloned().collect::<Vec<_>>());
            if let Some(recording) = recordings.iter().find(|recording| recording.status == "completed") {
                params.push(("RecordingSid", recording.sid.clone()));
                params.push(("RecordingUrl", super::recording::url(&self.sim, recording)));
                params.push(("RecordingDuration", recording.seconds.unwrap_or_default().to_string()));
            }
        }
        params
    }

    fn report(&mut self, call: &Call, params: WebhookParams) {
        if self.hold && !call.status.is_final() {
            self.held.push(params);
            return;
        }
        let mut all = vec![params];
        all.extend(std::mem::take(&mut self.held).into_iter().rev());
        let url = call.reports.url.clone().unwrap_or_default();
        for params in all {
            for _ in 0..self.copies {
                let (url, method) = (url.clone(), call.reports.method.clone());
                // Far fewer reports than places: a call has four.
                let _ = self.queue.try_send(Report { url, method, params: params.clone() });
            }
        }
    }
}
