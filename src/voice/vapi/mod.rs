//! Vapi holds the call. It posts how the call goes and which tools its model wants, or asks us for the words as if we were
//! its model.
//!
//! | file | what lives there |
//! |---|---|
//! | [`messages`] | what is posted, and the few answers to it |
//! | [`llm`] | being the model |

pub mod llm;
pub mod messages;

use actix_web::web;
use usher_channels::vapi::llm::MAX_BODY_BYTES as MAX_COMPLETION_BYTES;
use usher_channels::vapi::message::{Call as VapiCall, MAX_BODY_BYTES};
use usher_conversation::voice::CallDirection;

use super::Provider;
use super::peers::calls::Told;
use crate::web::route::at;

/// Path of Vapi's webhook.
pub const WEBHOOK_PATH: &str = "/api/webhooks/vapi";
/// Path of the model; Vapi appends `/chat/completions`.
pub const MODEL_PATH: &str = "/api/voice/vapi/llm";

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    // Both hold the whole conversation: more than other bodies may.
    let messages = web::PayloadConfig::new(MAX_BODY_BYTES);
    let completions = web::PayloadConfig::new(MAX_COMPLETION_BYTES);
    config
        .service(at(WEBHOOK_PATH).post(messages::receive).app_data(messages))
        .service(at("/api/voice/vapi/llm/chat/completions").post(llm::complete).app_data(completions));
}

/// What Vapi tells of a call, in our words.
fn told(call: &VapiCall) -> Told<'_> {
    let customer = call.customer.as_ref();
    Told {
        provider: Provider::Vapi,
        id: &call.id,
        ours: customer.and_then(|customer| customer.external_id.as_deref()),
        direction: match call.kind.as_deref() {
            Some("outboundPhoneCall") => CallDirection::Outbound,
            Some("webCall" | "vapi.websocketCall") => CallDirection::Browser,
            _ => CallDirection::Inbound,
        },
        phone: customer.and_then(|customer| customer.number.as_deref()),
        line: call.phone_number_id.as_deref(),
    }
}
