//! Retell holds the call, and asks us for every word by a socket.
//!
//! | file | what lives there |
//! |---|---|
//! | [`socket`] | the conversation |
//! | [`webhook`] | how the call goes, and who is calling |

pub mod socket;
pub mod webhook;

use actix_web::web;
use usher_channels::retell::Call as RetellCall;
use usher_channels::retell::webhook::MAX_BODY_BYTES;
use usher_conversation::voice::CallDirection;

use super::Provider;
use super::peers::calls::Told;
use crate::web::route::at;

/// Path of Retell's webhook.
pub const WEBHOOK_PATH: &str = "/api/webhooks/retell";
/// Path of the socket, without the secret and the call that Retell appends.
pub const SOCKET_PATH: &str = "/api/voice/retell/llm";

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    // Reports hold the whole conversation: more than other bodies may be.
    let reports = web::PayloadConfig::new(MAX_BODY_BYTES);
    config
        .service(at(WEBHOOK_PATH).post(webhook::receive).app_data(reports))
        .service(at("/api/voice/retell/llm/{secret}/{call}").get(socket::open));
}

/// The member of a call's metadata that holds our own id of it.
pub(super) const OURS: &str = "usher_call";

/// What Retell tells of a call, in our words.
fn told(call: &RetellCall) -> Told<'_> {
    let direction = match (call.call_type.as_deref(), call.direction.as_deref()) {
        (Some("web_call"), _) => CallDirection::Browser,
        (_, Some("outbound")) => CallDirection::Outbound,
        _ => CallDirection::Inbound,
    };
    let (from, to) = (call.from_number.as_deref(), call.to_number.as_deref());
    let (phone, line) = if direction == CallDirection::Outbound { (to, from) } else { (from, to) };
    Told {
        provider: Provider::Retell,
        id: &call.call_id,
        ours: call.metadata.as_ref().and_then(|metadata| metadata.get(OURS)?.as_str()),
        direction,
        phone,
        line,
    }
}
