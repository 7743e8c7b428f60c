//! Messages as the API shows them.

use serde_json::{Value, json};

use crate::world::{Direction, Message};

/// RFC 2822 with a numeric zone, as the 2010 API writes dates.
pub(crate) fn date(millis: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// The Message resource.
pub(crate) fn message(message: &Message) -> Value {
    let uri = format!("/2010-04-01/Accounts/{}/Messages/{}", message.account_sid, message.sid);
    // Until a service has chosen the sender, nobody knows how the message will be split.
    let segments = if message.from.is_none() { 0 } else { message.segments };
    json!({
        "account_sid": message.account_sid,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": date(message.created),
        "date_sent": message.sent.map(date),
        "date_updated": date(message.updated),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": message.error_code.map(|code| format!("Error {code}")),
        "from": message.from,
        "messaging_service_sid": message.messaging_service_sid,
        "num_media": message.media.len().to_string(),
        "num_segments": segments.to_string(),
        "price": null,
        "price_unit": if message.direction == Direction::Inbound { Value::Null } else { json!("USD") },
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": { "media": format!("{uri}/Media.json") },
        "to": message.to,
        "uri": format!("{uri}.json"),
    })
}

/// The same with what only the simulator knows.
pub(crate) fn message_inside(of: &Message) -> Value {
    let mut value = message(of);
    value["status_callback"] = json!(of.status_callback);
    value["webhook"] = json!(of.webhook);
    value["created_ms"] = json!(of.created);
    value["media"] =
        of.media.iter().map(|media| json!({"sid": media.sid, "content_type": media.content_type})).collect();
    value
}
