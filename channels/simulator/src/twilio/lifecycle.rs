//! The life of an outgoing message: queue, carrier, handset, and the callbacks about it.

use std::sync::Arc;
use std::time::Duration;

use usher_channels::twilio::MessageStatus;

use super::webhook::{self, WebhookParams};
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{NewLine, Sim, lock};
use crate::world::{LineMedia, MediaContent, Message, Record};

/// Lets a message live, in the background, from wherever it is. Its faults are drawn before this returns.
pub(crate) fn start(sim: &Arc<Sim>, sid: &str) {
    let Some(message) = sim.read(|world| world.message(sid).cloned()) else { return };
    let subject =
        Subject { to: &message.to, from: message.from.as_deref().unwrap_or_default(), body: &message.body };
    let faults = lock(&sim.faults).draw(Moment::Lifecycle, subject);
    let life = Life { sim: Arc::clone(sim), sid: message.sid.clone() };
    actix_web::rt::spawn(life.run(message, faults));
}

/// Takes up the messages that were on their way when the simulator stopped.
pub(crate) fn resume(sim: &Arc<Sim>) {
    let under_way: Vec<String> = sim.read(|world| {
        let outgoing = world.messages().filter(|message| !message.status.is_final());
        outgoing.map(|message| message.sid.clone()).collect()
    });
    for sid in &under_way {
        start(sim, sid);
    }
}

struct Life {
    sim: Arc<Sim>,
    sid: String,
}

impl Life {
    async fn run(self, message: Message, faults: Vec<FaultKind>) {
        use MessageStatus::{Accepted, Delivered, Queued, Scheduled, Sending, Sent, Undelivered};
        let mut reports = Reports::new(&faults);
        if message.status == Scheduled {
            let wait = message.send_at.unwrap_or_default() - self.sim.now();
            tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
        }
        if matches!(message.status, Accepted | Scheduled) {
            tokio::time::sleep(self.sim.pace).await;
            if !self.advance(Queued, None, &mut reports) {
                return;
            }
        }
        if message.status.rank() < Sending.rank() {
            tokio::time::sleep(self.wait_for_the_sender()).await;
            if !self.advance(Sending, None, &mut reports) {
                return;
            }
        }
        if message.status.rank() < Sent.rank() {
            tokio::time::sleep(self.sim.pace).await;
            if !self.advance(Sent, None, &mut reports) {
                return;
            }
        }
        tokio::time::sleep(self.sim.pace).await;
        let refusal = faults.iter().find_map(|fault| match fault {
            FaultKind::Undelivered { error_code } => Some(*error_code),
            _ => None,
        });
        let last = if refusal.is_some() { Undelivered } else { Delivered };
        if self.advance(last, refusal, &mut reports) {
            reports.finish(&self.sim);
        }
    }

    /// How long the sender's queue is, counted in segments; takes a place in it.
    fn wait_for_the_sender(&self) -> Duration {
        let Some(message) = self.sim.read(|world| world.message(&self.sid).cloned()) else {
            return Duration::ZERO;
        };
        let number = message.from.unwrap_or_default();
        let rate = self.sim.read(|world| {
            let account = world.account(&message.account_sid);
            account
                .and_then(|account| account.number(&number))
                .map_or(1.0, |number| number.segments_per_second)
        });
        let now = millis(self.sim.now());
        let mut lanes = lock(&self.sim.lanes);
        let free = lanes.entry(number).or_insert(now);
        let start = free.max(now);
        *free = start + f64::from(message.segments) * 1000.0 / rate.max(0.001);
        Duration::from_secs_f64((start - now) / 1000.0).max(self.sim.pace)
    }

    /// Moves the message on; `false` when it was cancelled or deleted meanwhile.
    fn advance(&self, to: MessageStatus, error_code: Option<u32>, reports: &mut Reports) -> bool {
        let now = self.sim.now();
        let moved = self.sim.change(|world| {
            let Some(known) = world.message(&self.sid).filter(|known| known.status.rank() < to.rank()) else {
                return (Vec::new(), None);
            };
            let mut message = known.clone();
            message.status = to;
            message.error_code = error_code;
            message.updated = now;
            if message.from.is_none() {
                // A service chooses its sender when the message enters the queue.
                let account = world.account(&message.account_sid);
                let service = account.and_then(|account| {
                    account
                        .services
                        .iter()
                        .find(|service| Some(&service.sid) == message.messaging_service_sid.as_ref())
                });
                message.from = service.and_then(|service| service.numbers.first().cloned());
            }
            if to == MessageStatus::Sent {
                message.sent = Some(now);
            }
            let mut records = vec![Record::Message { message: Box::new(message.clone()) }];
            if to == MessageStatus::Delivered {
                records.push(arrival(&message).record(world, &message.to, now));
            }
            let token = world.account(&message.account_sid).map(|account| account.auth_token.clone());
            (records, Some((message, token.unwrap_or_default())))
        });
        let Some((message, auth_token)) = moved else { return false };
        if let Some(url) = message.status_callback.clone() {
            reports.add(&self.sim, Report { url, auth_token, params: callback(&message) });
        }
        true
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since the epoch fit 53 bits for 280,000 years")]
const fn millis(at: i64) -> f64 {
    at as f64
}

/// How long the queue of a sender is, in milliseconds.
pub(crate) fn queue_millis(sim: &Sim, number: &str) -> f64 {
    lock(&sim.lanes).get(number).map_or(0.0, |free| free - millis(sim.now()))
}

/// The message as it appears on the handset.
fn arrival(message: &Message) -> NewLine {
    let media = message.media.iter().map(|media| LineMedia {
        url: match &media.content {
            MediaContent::Url(url) => url.clone(),
            MediaContent::Base64(_) => format!("/_media/{}", media.sid),
        },
        content_type: media.content_type.clone(),
    });
    NewLine {
        peer: message.from.clone().unwrap_or_default(),
        mine: false,
        text: message.body.clone(),
        media: media.collect(),
        message_sid: Some(message.sid.clone()),
    }
}

fn callback(message: &Message) -> WebhookParams {
    let status = message.status.as_str().to_owned();
    let mut params: WebhookParams = vec![
        ("AccountSid", message.account_sid.clone()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("From", message.from.clone().unwrap_or_default()),
        ("To", message.to.clone()),
        ("MessageSid", message.sid.clone()),
        ("SmsSid", message.sid.clone()),
        ("MessageStatus", status.clone()),
        ("SmsStatus", status),
    ];
    params.extend(message.messaging_service_sid.clone().map(|sid| ("MessagingServiceSid", sid)));
    params.extend(message.error_code.map(|code| ("ErrorCode", code.to_string())));
    if message.status.is_final() {
        let at = jiff::Timestamp::from_millisecond(message.updated).unwrap_or_default();
        let at = at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%y%m%d%H%M").to_string();
        params.push(("RawDlrDoneDate", at));
    }
    params
}

struct Report {
    url: String,
    auth_token: String,
    params: WebhookParams,
}

/// The callbacks of one message, as the faults in force have them.
struct Reports {
    copies: u32,
    hold: bool,
    held: Vec<Report>,
}

impl Reports {
    fn new(faults: &[FaultKind]) -> Self {
        let copies = if faults.contains(&FaultKind::DropCallbacks) {
            0
        } else if faults.contains(&FaultKind::DuplicateCallbacks) {
            2
        } else {
            1
        };
        Self { copies, hold: faults.contains(&FaultKind::ReorderCallbacks), held: Vec::new() }
    }

    fn add(&mut self, sim: &Arc<Sim>, report: Report) {
        if self.hold {
            self.held.push(report);
        } else {
            self.post(sim, vec![report]);
        }
    }

    fn finish(mut self, sim: &Arc<Sim>) {
        let mut held = std::mem::take(&mut self.held);
        held.reverse();
        self.post(sim, held);
    }

    /// Posts in the background, one after the other: a slow receiver does not hold up the message.
    fn post(&self, sim: &Arc<Sim>, reports: Vec<Report>) {
        let (sim, copies) = (Arc::clone(sim), self.copies);
        actix_web::rt::spawn(async move {
            for report in reports {
                for _ in 0..copies {
                    webhook::deliver(&sim, &report.auth_token, &report.url, None, report.params.clone())
                        .await;
                }
            }
        });
    }
}
