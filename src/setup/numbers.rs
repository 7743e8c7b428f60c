//! `/api/orgs/{org}/numbers/{phone}`: a Twilio number at which an organisation is reached.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use usher_channels::ApiError;
use usher_channels::twilio::TwilioCredentials;
use usher_channels::twilio::numbers::Hooks;
use usher_channels::widget::ProblemBody;
use usher_conversation::problem::Problem;
use utoipa::ToSchema;

use crate::app::App;
use crate::inbound::{SENT_AGAIN, SMS_PATH, address};
use crate::outbound::NewSmsAccount;
use crate::voice::{STATUS_PATH, VOICE_PATH};
use crate::web::form::{Mistakes, phone, sid, token};
use crate::web::{Fault, operator};

const TOKEN_CHARS: usize = 128;

/// The account a number belongs to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectNumber {
    /// `AC…`.
    account_sid: String,
    /// Its auth token: signs webhooks and opens the API. Sealed, and never shown again.
    auth_token: String,
    /// Texts are sent through this messaging service, `MG…`, rather than from the number.
    messaging_service_sid: Option<String>,
    /// Whether the number's webhooks are set at Twilio. Without it they must be set by hand to the addresses in the answer.
    #[serde(default = "yes")]
    set_webhooks: bool,
}

const fn yes() -> bool {
    true
}

/// A number that is connected, and where Twilio is to ask about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectedNumber {
    /// E.164.
    phone: String,
    /// *A message comes in*.
    sms_url: String,
    /// *A call comes in*.
    voice_url: String,
    /// *Primary handler fails*, of calls.
    voice_fallback_url: String,
    /// *Call status changes*.
    voice_status_url: String,
    /// Whether Twilio was told so.
    webhooks_set: bool,
}

/// Connects a number, or brings its account's token up to date. Needs the organisation's questions: whoever writes to a
/// number is asked.
#[utoipa::path(
    put, path = "/api/orgs/{org}/numbers/{phone}", tag = "setup", request_body = ConnectNumber,
    params(
        ("org" = String, Path, description = "The organisation's id"),
        ("phone" = String, Path, description = "E.164"),
        ("Authorization" = String, Header, description = "`Bearer` and the operator's key"),
    ),
    responses(
        (status = 200, body = ConnectedNumber),
        (status = 400, body = ProblemBody, description = "malformed-request: `errors` says what to change"),
        (status = 401, body = ProblemBody, description = "unauthorized"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "conflict: no questions yet, or the number is somebody else's"),
        (status = 502, body = ProblemBody, description = "vendor-refused: nothing was changed here"),
    )
)]
pub async fn connect(
    app: web::Data<Arc<App>>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Json<ConnectNumber>,
) -> Result<HttpResponse, Fault> {
    let (org, number) = path.into_inner();
    let org = operator::tenant(&app, &request, &org).await?.id;
    let ConnectNumber { account_sid, auth_token, messaging_service_sid, set_webhooks } = body.into_inner();
    let mut mistakes = Mistakes::default();
    mistakes.note("phone", phone(&number));
    mistakes.note("account_sid", sid(&account_sid, "AC"));
    mistakes.note("auth_token", token(&auth_token, TOKEN_CHARS));
    let service = messaging_service_sid.as_deref();
    mistakes.note("messaging_service_sid", service.map_or(Ok(()), |service| sid(service, "MG")));
    mistakes.none()?;

    if app.store.newest_flow(&org).await?.is_none() {
        return Err(Fault::new(
            Problem::Conflict,
            "The organisation has no questions to ask yet: save its flow first.",
        ));
    }
    let taken = || Fault::new(Problem::Conflict, "The number belongs to another organisation.");
    if app.store.line(&number).await?.is_some_and(|line| line.org != org) {
        return Err(taken());
    }
    let credentials = TwilioCredentials { account_sid, auth_token: auth_token.into(), api_key: None };
    let at = |path: &str| address(&app.public, path);
    let sms_url = format!("{}{SENT_AGAIN}", at(SMS_PATH));
    let (voice_url, voice_status_url) = (format!("{}{SENT_AGAIN}", at(VOICE_PATH)), at(STATUS_PATH));
    let voice_fallback_url = app.voice.urls.fallback.clone();
    if set_webhooks {
        let hooks = Hooks {
            sms: &sms_url,
            voice: &voice_url,
            voice_fallback: &voice_fallback_url,
            voice_status: &voice_status_url,
        };
        let known =
            app.twilio.set_hooks(&credentials, &number, hooks).await.map_err(|error| refused(&error))?;
        if !known {
            return Err(Fault::new(Problem::VendorRefused, "Twilio: the account has no such number."));
        }
    }
    let account = NewSmsAccount { credentials, messaging_service_sid, number: number.clone() };
    if !app.store.connect_sms(&org, account).await? {
        return Err(taken());
    }
    app.inbound.directory.forget_lines();
    Ok(HttpResponse::Ok().json(ConnectedNumber {
        phone: number,
        sms_url,
        voice_url,
        voice_fallback_url,
        voice_status_url,
        webhooks_set: set_webhooks,
    }))
}

fn refused(error: &ApiError) -> Fault {
    Fault::new(Problem::VendorRefused, format!("Twilio: {error}."))
}
