//! A handset writes: the vendor keeps the message, handles opt-out words, and tells the webhook.

use std::sync::Arc;

use futures_util::future::join_all;
use usher_channels::segments::segments;
use usher_channels::twilio::MessageStatus;
use usher_channels::twilio::codec::{MEDIA_PARAMETERS, is_e164};
use usher_conversation::consent::Keyword;

use super::twiml::ReplyMessage;
use super::webhook::{self, WebhookParams};
use super::{keywords, lifecycle};
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{NewLine, Sim, lock};
use crate::world::{
    Account, Direction, LineMedia, LineState, Media, MediaContent, Message, Record, WebhookOutcome, World,
};

/// Why a handset cannot send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0} is not a telephone number in E.164 form")]
    NotAPhone(String),
    #[error("no account has the number {0}")]
    UnknownNumber(String),
    #[error("a message needs words or media")]
    Empty,
}

/// A message that a handset has sent and the webhook has not heard of.
pub(crate) struct Received {
    pub(crate) message: Message,
    keyword: Option<Keyword>,
}

/// Takes a message from a handset. From here on the vendor has it.
pub(crate) fn receive(
    sim: &Sim,
    phone: &str,
    to: &str,
    body: &str,
    media: Vec<Media>,
) -> Result<Received, SendError> {
    for number in [phone, to] {
        if !is_e164(number) {
            return Err(SendError::NotAPhone(number.to_owned()));
        }
    }
    if body.is_empty() && media.is_empty() {
        return Err(SendError::Empty);
    }
    let now = sim.now();
    let sid = sim.sid(if media.is_empty() { "SM" } else { "MM" });
    sim.change(|world| {
        let Some(account) = world.owner_of(to) else {
            return (Vec::new(), Err(SendError::UnknownNumber(to.to_owned())));
        };
        let scope = account.opt_out_scope(to);
        let keyword = keywords::keyword(body, world.opted_out(scope, phone));
        let message = Message {
            sid,
            account_sid: account.account_sid.clone(),
            direction: Direction::Inbound,
            from: Some(phone.to_owned()),
            to: to.to_owned(),
            body: body.to_owned(),
            messaging_service_sid: account.service_of(to).map(|service| service.sid.clone()),
            status: MessageStatus::Received,
            error_code: None,
            segments: segments(body).count,
            created: now,
            updated: now,
            sent: Some(now),
            send_at: None,
            status_callback: None,
            webhook: None,
            media,
        };
        let mut records = vec![
            Record::Message { message: Box::new(message.clone()) },
            written(&message).record(world, phone, now),
        ];
        if let Some(keyword @ (Keyword::Stop | Keyword::Start)) = keyword {
            let out = keyword == Keyword::Stop;
            records.push(Record::OptOut { scope: scope.to_owned(), phone: phone.to_owned(), out });
        }
        (records, Ok(Received { message, keyword }))
    })
}

fn written(message: &Message) -> NewLine {
    let media = message.media.iter().map(|media| LineMedia {
        url: format!("/_media/{}", media.sid),
        content_type: media.content_type.clone(),
    });
    NewLine {
        peer: message.to.clone(),
        mine: true,
        text: message.body.clone(),
        media: media.collect(),
        message_sid: Some(message.sid.clone()),
    }
}

/// Tells the webhook about a message, answers an opt-out word, and sends what the webhook's answer asks for.
pub(crate) async fn report(sim: &Arc<Sim>, received: Received) -> WebhookOutcome {
    let Received { mut message, keyword } = received;
    let phone = message.from.clone().unwrap_or_default();
    if let Some(keyword) = keyword {
        // The vendor's own answer is in no list and has no callbacks.
        let text = keywords::reply(keyword).to_owned();
        let line =
            NewLine { peer: message.to.clone(), mine: false, text, media: Vec::new(), message_sid: None };
        sim.show(&phone, line);
    }
    let Some(account) = sim.read(|world| world.account(&message.account_sid).cloned()) else {
        return WebhookOutcome { delivered: false, status: None, attempts: 0, error_code: None };
    };
    let number = account.number(&message.to);
    let url = number.and_then(|number| number.sms_url.clone());
    let fallback = number.and_then(|number| number.sms_fallback_url.clone());
    let (outcome, replies) = match url {
        Some(url) => {
            let params = params(sim, &account, &message, keyword);
            let subject = Subject { to: &message.to, from: &phone, body: &message.body };
            let copies = 1 + duplicates(&lock(&sim.faults).draw(Moment::Inbound, subject));
            let post =
                || webhook::deliver(sim, &account.auth_token, &url, fallback.as_deref(), params.clone());
            // Copies race one another, as the vendor's repetitions do.
            let mut answers = join_all((0..copies).map(|_| post())).await;
            let attempts = answers.iter().map(|(outcome, _)| outcome.attempts).sum();
            let best = answers.iter().position(|(outcome, _)| outcome.delivered).unwrap_or(0);
            let (outcome, replies) = answers.swap_remove(best);
            (WebhookOutcome { attempts, ..outcome }, replies)
        }
        None => {
            (WebhookOutcome { delivered: false, status: None, attempts: 0, error_code: None }, Vec::new())
        }
    };
    message.webhook = Some(outcome.clone());
    sim.record(vec![Record::Message { message: Box::new(message.clone()) }]);
    let state = if outcome.delivered { LineState::Delivered } else { LineState::Failed };
    sim.mark_line(&phone, &message.sid, state);
    for reply in replies {
        send_reply(sim, &message, reply);
    }
    outcome
}

/// Reports what was received but not reported when the simulator stopped: the vendor itself would not have stopped.
pub(crate) fn resume(sim: &Arc<Sim>) {
    let unreported: Vec<Message> = sim.read(|world| {
        let waiting = |m: &&Message| m.direction == Direction::Inbound && m.webhook.is_none();
        world.messages().filter(waiting).cloned().collect()
    });
    for message in unreported {
        let keyword = keywords::keyword(&message.body, false);
        let sim = Arc::clone(sim);
        actix_web::rt::spawn(async move { report(&sim, Received { message, keyword }).await });
    }
}

fn duplicates(faults: &[FaultKind]) -> u32 {
    let copies = faults.iter().map(|fault| match fault {
        FaultKind::DuplicateWebhooks { copies } => *copies,
        _ => 0,
    });
    copies.sum::<u32>().min(1_000)
}

fn params(sim: &Sim, account: &Account, message: &Message, keyword: Option<Keyword>) -> WebhookParams {
    let from = message.from.clone().unwrap_or_default();
    let mut params: WebhookParams = vec![
        ("ToCountry", "US".to_owned()),
        ("ToState", "CA".to_owned()),
        ("ToCity", String::new()),
        ("ToZip", String::new()),
        ("FromCountry", "US".to_owned()),
        ("FromState", "CA".to_owned()),
        ("FromCity", "SAN FRANCISCO".to_owned()),
        ("FromZip", "94107".to_owned()),
        ("MessageSid", message.sid.clone()),
        ("SmsSid", message.sid.clone()),
        ("SmsMessageSid", message.sid.clone()),
        ("AccountSid", message.account_sid.clone()),
        ("From", from),
        ("To", message.to.clone()),
        ("Body", message.body.clone()),
        ("NumMedia", message.media.len().to_string()),
        ("NumSegments", message.segments.to_string()),
        ("ReferralNumMedia", "0".to_owned()),
        ("SmsStatus", "received".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    if let Some(service) = account.service_of(&message.to) {
        params.push(("MessagingServiceSid", service.sid.clone()));
        if let Some(keyword) = keyword.filter(|_| service.advanced_opt_out) {
            params.push(("OptOutType", keywords::opt_out_type(keyword).to_owned()));
        }
    }
    for (media, (url, content_type)) in message.media.iter().zip(MEDIA_PARAMETERS) {
        let path = format!("Accounts/{}/Messages/{}/Media/{}", message.account_sid, message.sid, media.sid);
        params.push((url, format!("{}/2010-04-01/{path}", sim.base_url())));
        params.push((content_type, media.content_type.clone()));
    }
    params
}

/// Sends a `<Message>` of the webhook's answer.
fn send_reply(sim: &Arc<Sim>, to: &Message, reply: ReplyMessage) {
    let now = sim.now();
    let message = Message {
        sid: sim.sid(if reply.media.is_empty() { "SM" } else { "MM" }),
        direction: Direction::OutboundReply,
        to: reply.to.unwrap_or_else(|| to.from.clone().unwrap_or_default()),
        from: Some(reply.from.unwrap_or_else(|| to.to.clone())),
        segments: segments(&reply.body).count,
        body: reply.body,
        media: reply
            .media
            .into_iter()
            .map(|url| Media {
                sid: sim.sid("ME"),
                content_type: "application/octet-stream".to_owned(),
                content: MediaContent::Url(url),
            })
            .collect(),
        status: MessageStatus::Queued,
        status_callback: reply.status_callback,
        created: now,
        updated: now,
        sent: None,
        webhook: None,
        ..to.clone()
    };
    let sid = message.sid.clone();
    let sent = sim.change(|world| {
        if blocked(world, &message) {
            let refused = Message { status: MessageStatus::Failed, error_code: Some(21610), ..message };
            (vec![Record::Message { message: Box::new(refused) }], false)
        } else {
            (vec![Record::Message { message: Box::new(message) }], true)
        }
    });
    if sent {
        lifecycle::start(sim, &sid);
    }
}

fn blocked(world: &World, message: &Message) -> bool {
    let from = message.from.as_deref().unwrap_or_default();
    let account = world.account(&message.account_sid);
    account.is_some_and(|account| world.opted_out(account.opt_out_scope(from), &message.to))
}
