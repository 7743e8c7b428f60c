//! The `IncomingPhoneNumbers` resource: an account's own numbers, and where they ask.

use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::create::is_callback_url;
use super::params::Params;
use super::problem::Problem;
use super::resource;
use super::rest::answer;
use crate::sim::Sim;
use crate::world::{Account, Number, Record};

type Shared = Data<Sim>;

/// The routes below an account.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/IncomingPhoneNumbers.json", web::get().to(list))
        .route("/IncomingPhoneNumbers/{number}.json", web::get().to(fetch))
        .route("/IncomingPhoneNumbers/{number}.json", web::post().to(update));
}

/// A number's id: its digits, which nobody else's have.
fn sid(number: &Number) -> String {
    format!("PN{:0>32}", number.number.trim_start_matches('+'))
}

fn shown(sim: &Sim, account: &Account, number: &Number) -> Value {
    let sid = sid(number);
    let date = resource::date(sim.now());
    json!({
        "sid": sid,
        "account_sid": account.account_sid,
        "phone_number": number.number,
        "friendly_name": number.number,
        "capabilities": { "voice": true, "sms": true, "mms": true, "fax": false },
        "sms_url": number.sms_url.as_deref().unwrap_or_default(), "sms_method": "POST",
        "sms_fallback_url": number.sms_fallback_url.as_deref().unwrap_or_default(), "sms_fallback_method": "POST",
        "sms_application_sid": "",
        "voice_url": number.voice_url, "voice_method": "POST",
        "voice_fallback_url": number.voice_fallback_url, "voice_fallback_method": "POST",
        "voice_application_sid": "", "voice_caller_id_lookup": false, "voice_receive_mode": "voice",
        "status_callback": number.status_callback.as_deref().unwrap_or_default(), "status_callback_method": "POST",
        "trunk_sid": null, "address_requirements": "none", "address_sid": null, "bundle_sid": null,
        "identity_sid": null, "emergency_status": "Inactive", "beta": false, "origin": "twilio",
        "status": "in-use", "type": "local", "api_version": "2010-04-01",
        "date_created": date, "date_updated": date,
        "uri": format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{sid}.json", account.account_sid),
    })
}

/// The account's numbers; `PhoneNumber` finds those it is part of.
async fn list(sim: Shared, request: HttpRequest, account: Path<String>) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    answer(&sim, &request, &account, |account| {
        let part = params.get("PhoneNumber").unwrap_or_default();
        let found = account.numbers.iter().filter(|number| number.number.contains(part));
        let found: Vec<Value> = found.map(|number| shown(&sim, account, number)).collect();
        Ok(HttpResponse::Ok().json(json!({
            "incoming_phone_numbers": found, "page": 0, "page_size": 50, "start": 0,
            "end": found.len().saturating_sub(1), "uri": request.path(), "first_page_uri": request.path(),
            "next_page_uri": null, "previous_page_uri": null,
        })))
    })
}

fn own<'a>(account: &'a Account, wanted: &str, path: &str) -> Result<&'a Number, Problem> {
    let found = account.numbers.iter().find(|number| sid(number) == wanted);
    found.ok_or_else(|| Problem::not_found(path))
}

async fn fetch(sim: Shared, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    answer(&sim, &request, &path.0, |account| {
        Ok(HttpResponse::Ok().json(shown(&sim, account, own(account, &path.1, request.path())?)))
    })
}

async fn update(
    sim: Shared,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let params = Params::parse(&body);
    answer(&sim, &request, &path.0, |account| {
        let mut number = own(account, &path.1, request.path())?.clone();
        for method in ["SmsMethod", "VoiceMethod", "StatusCallbackMethod"] {
            if params.get(method).is_some_and(|method| method != "POST") {
                return Err(Problem::invalid(20001, format!("{method}: only POST is simulated")));
            }
        }
        for (name, place) in [
            ("SmsUrl", &mut number.sms_url),
            ("SmsFallbackUrl", &mut number.sms_fallback_url),
            ("VoiceUrl", &mut number.voice_url),
            ("VoiceFallbackUrl", &mut number.voice_fallback_url),
            ("StatusCallback", &mut number.status_callback),
        ] {
            let url = params.get(name);
            if url.is_some_and(|url| !is_callback_url(url)) {
                return Err(Problem::invalid(21502, format!("{name} is not a valid URL")));
            }
            if params.has(name) {
                *place = url.map(str::to_owned);
            }
        }
        let mut changed = account.clone();
        for known in changed.numbers.iter_mut().filter(|known| known.number == number.number) {
            known.clone_from(&number);
        }
        sim.record(vec![Record::Account { account: changed }]);
        Ok(HttpResponse::Ok().json(shown(&sim, account, &number)))
    })
}
