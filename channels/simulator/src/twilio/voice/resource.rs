//! Calls and recordings as the API shows them.

use serde_json::{Value, json};

use crate::twilio::resource::date;
use crate::world::{Call, Recording};

/// The Call resource.
pub(crate) fn call(call: &Call) -> Value {
    let account = format!("/2010-04-01/Accounts/{}", call.account_sid);
    let uri = format!("{account}/Calls/{}", call.sid);
    json!({
        "account_sid": call.account_sid,
        "annotation": null,
        "answered_by": call.answered_by,
        "api_version": "2010-04-01",
        "caller_name": null,
        "date_created": date(call.created),
        "date_updated": date(call.ended.or(call.started).unwrap_or(call.created)),
        "direction": call.direction,
        "duration": call.seconds().map(|seconds| seconds.to_string()),
        "end_time": call.ended.map(date),
        "forwarded_from": null,
        "from": call.from,
        "from_formatted": call.from,
        "group_sid": null,
        "parent_call_sid": call.parent,
        "phone_number_sid": null,
        "price": null,
        "price_unit": "USD",
        "queue_time": call.queue_time.to_string(),
        "sid": call.sid,
        "start_time": call.started.map(date),
        "status": call.status,
        "subresource_uris": {
            "recordings": format!("{uri}/Recordings.json"),
            "streams": format!("{uri}/Streams.json"),
        },
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": null,
        "uri": format!("{uri}.json"),
    })
}

/// The Recording resource.
pub(crate) fn recording(recording: &Recording) -> Value {
    let account = format!("/2010-04-01/Accounts/{}", recording.account_sid);
    json!({
        "account_sid": recording.account_sid,
        "api_version": "2010-04-01",
        "call_sid": recording.call_sid,
        "channels": recording.channels,
        "conference_sid": null,
        "date_created": date(recording.started),
        "date_updated": date(recording.started),
        "duration": recording.seconds.map(|seconds| seconds.to_string()),
        "error_code": recording.error_code,
        "price": null,
        "price_unit": "USD",
        "sid": recording.sid,
        "source": recording.source,
        "start_time": date(recording.started),
        "status": recording.status,
        "track": recording.track,
        "uri": format!("{account}/Recordings/{}.json", recording.sid),
    })
}
