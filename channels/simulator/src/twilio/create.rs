//! What the vendor checks before it takes a message, in its order and with its codes.

use url::Url;
use usher_channels::segments::segments;
use usher_channels::twilio::MessageStatus;
use usher_channels::twilio::codec::{MAX_BODY_CHARS, MAX_MEDIA, is_e164};

use super::params::Params;
use super::problem::Problem;
use crate::world::{Account, Direction, Media, MediaContent, Message, World};

/// The longest a sender's queue may grow, in milliseconds (10 hours; 21611 above it).
pub(crate) const MAX_QUEUE_MILLIS: f64 = 36_000_000.0;
const MIN_SCHEDULE_SECONDS: i64 = 300;
const MAX_SCHEDULE_SECONDS: i64 = 35 * 24 * 3600;

/// Who sends: a number, or a service that will choose one.
struct ChosenSender<'p> {
    number: Option<&'p str>,
    service: Option<&'p str>,
    /// What an opt-out is compared with.
    scope: &'p str,
}

/// The message that a request asks for. Its id and the media ids are filled in by the caller.
pub(crate) fn draft(world: &World, account: &Account, params: &Params, now: i64) -> Result<Message, Problem> {
    let to = params.get("To").ok_or_else(|| Problem::invalid(21604, "A 'To' phone number is required."))?;
    let body = params.get("Body").unwrap_or_default();
    let media: Vec<&str> = params.all("MediaUrl").filter(|url| !url.is_empty()).collect();
    if body.is_empty() && media.is_empty() {
        return Err(Problem::invalid(21602, "Message body is required."));
    }
    let sender = sender(account, params)?;
    if !is_e164(to) {
        return Err(Problem::invalid(21211, format!("The 'To' number {to} is not a valid phone number.")));
    }
    if sender.number == Some(to) {
        return Err(Problem::invalid(21266, "'To' and 'From' number cannot be the same"));
    }
    if body.chars().count() > MAX_BODY_CHARS {
        let message = "The concatenated message body exceeds the 1600 character limit";
        return Err(Problem::invalid(21617, message));
    }
    check_media(&media)?;
    if let Some(callback) = params.get("StatusCallback")
        && !is_callback_url(callback)
    {
        let message = format!("The 'StatusCallback' URL {callback} is not a valid URL.");
        return Err(Problem::invalid(21609, message));
    }
    if account.landlines.contains(to) {
        return Err(Problem::invalid(21614, format!("To number: {to}, is not a mobile number")));
    }
    if world.opted_out(sender.scope, to) {
        return Err(Problem::invalid(21610, "Attempt to send to unsubscribed recipient"));
    }
    let send_at = schedule(params, sender.service, now)?;
    Ok(Message {
        sid: String::new(),
        account_sid: account.account_sid.clone(),
        direction: Direction::OutboundApi,
        from: sender.number.map(str::to_owned),
        to: to.to_owned(),
        body: body.to_owned(),
        media: media.into_iter().map(linked).collect(),
        messaging_service_sid: sender.service.map(str::to_owned),
        status: match (send_at, sender.number) {
            (Some(_), _) => MessageStatus::Scheduled,
            (None, None) => MessageStatus::Accepted,
            (None, Some(_)) => MessageStatus::Queued,
        },
        error_code: None,
        segments: segments(body).count,
        created: now,
        updated: now,
        sent: None,
        send_at,
        status_callback: params.get("StatusCallback").map(str::to_owned),
        webhook: None,
    })
}

fn linked(url: &str) -> Media {
    let content_type = "application/octet-stream".to_owned();
    Media { sid: String::new(), content_type, content: MediaContent::Url(url.to_owned()) }
}

fn sender<'p>(account: &'p Account, params: &'p Params) -> Result<ChosenSender<'p>, Problem> {
    if let Some(sid) = params.get("MessagingServiceSid") {
        let service = account.services.iter().find(|service| service.sid == sid);
        let service = service
            .ok_or_else(|| Problem::invalid(21701, format!("The Messaging Service Sid {sid} is invalid.")))?;
        if service.numbers.is_empty() {
            let message = "The Messaging Service contains no phone numbers.";
            return Err(Problem::invalid(21703, message));
        }
        let number = params.get("From");
        if let Some(number) = number.filter(|number| !service.numbers.iter().any(|own| own == number)) {
            let message = format!("The 'From' phone number {number} is not in the Messaging Service {sid}.");
            return Err(Problem::invalid(21712, message));
        }
        return Ok(ChosenSender { number, service: Some(sid), scope: &service.sid });
    }
    let from =
        params.get("From").ok_or_else(|| Problem::invalid(21603, "A 'From' phone number is required."))?;
    if !is_sender(from) {
        let message = format!(
            "The 'From' number {from} is not a valid phone number, shortcode, or alphanumeric sender ID."
        );
        return Err(Problem::invalid(21212, message));
    }
    if account.number(from).is_none() {
        let message = format!(
            "The 'From' phone number {from} is not a valid, SMS-capable inbound phone number or short code for your account."
        );
        return Err(Problem::invalid(21606, message));
    }
    let service = account.service_of(from).map(|service| service.sid.as_str());
    Ok(ChosenSender { number: Some(from), service, scope: account.opt_out_scope(from) })
}

/// A number, a short code, or a name of at most 11 letters, digits and spaces.
fn is_sender(from: &str) -> bool {
    let short_code = (5..=6).contains(&from.len()) && from.bytes().all(|b| b.is_ascii_digit());
    let name = from.len() <= 11
        && from.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
        && from.bytes().any(|b| b.is_ascii_alphabetic());
    is_e164(from) || short_code || name
}

fn check_media(urls: &[&str]) -> Result<(), Problem> {
    if urls.len() > MAX_MEDIA {
        return Err(Problem::invalid(21623, "Number of media files exceeds allowed limit"));
    }
    if urls.iter().any(|url| !is_http(url)) {
        return Err(Problem::invalid(21620, "Invalid media URL(s)"));
    }
    Ok(())
}

pub(crate) fn is_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

pub(crate) fn is_callback_url(url: &str) -> bool {
    let underscore = Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(|host| host.contains('_')));
    is_http(url) && !underscore
}

fn schedule(params: &Params, service: Option<&str>, now: i64) -> Result<Option<i64>, Problem> {
    if params.get("ScheduleType").is_none() && params.get("SendAt").is_none() {
        return Ok(None);
    }
    if service.is_none() || params.get("ScheduleType") != Some("fixed") {
        let message = "MessagingServiceSid and ScheduleType=fixed are required to schedule a message";
        return Err(Problem::invalid(35111, message));
    }
    let at = params.get("SendAt").and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let at = at
        .ok_or_else(|| Problem::invalid(35114, "SendAt must be an ISO 8601 date and time"))?
        .as_millisecond();
    let ahead = (at - now) / 1000;
    if !(MIN_SCHEDULE_SECONDS..=MAX_SCHEDULE_SECONDS).contains(&ahead) {
        return Err(Problem::invalid(35115, "SendAt must be between 5 minutes and 35 days ahead"));
    }
    Ok(Some(at))
}
