//! What the vendor checks before it places a call, in its order and with its codes.

use std::time::Duration;

use usher_channels::twilio::codec::is_e164;

use super::amd::Detection;
use super::lifecycle::{OutgoingPlan, new_call};
use super::recording::{Callback, Wish};
use crate::calls::Instructions;
use crate::sim::Sim;
use crate::twilio::create::{is_callback_url, is_http};
use crate::twilio::params::Params;
use crate::twilio::problem::Problem;
use crate::world::{Account, Call, CallDirection, CallReports};

/// The longest inline TwiML.
const MAX_TWIML: usize = 4_000;
const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// The call that a request asks for, and how it is to be placed.
pub(crate) fn draft(sim: &Sim, account: &Account, params: &Params) -> Result<(Call, OutgoingPlan), Problem> {
    let to = params.get("To").ok_or_else(|| Problem::invalid(21_201, "No 'To' number is specified"))?;
    let from = params.get("From").ok_or_else(|| Problem::invalid(21_213, "No 'From' number is specified"))?;
    if !is_e164(to) {
        return Err(Problem::invalid(21_211, format!("The 'To' number {to} is not a valid phone number.")));
    }
    if account.number(from).is_none() {
        let message =
            format!("The source phone number provided, {from}, is not yet verified for your account.");
        return Err(Problem::invalid(21_210, message));
    }
    let instructions = instructions(params)?
        .ok_or_else(|| Problem::invalid(21_205, "Url parameter is required: Url, Twiml or ApplicationSid"))?;
    let detection = detection(params)?;
    let send_digits = params.get("SendDigits").map(str::to_owned);
    if let Some(digits) = &send_digits
        && (digits.len() > 32 || !digits.bytes().all(|digit| b"0123456789ABCD#*wW".contains(&digit)))
    {
        return Err(Problem::invalid(21_405, "SendDigits may hold 32 of 0-9, A-D, #, *, w and W"));
    }
    let seconds = |name: &str, most: u64| match params.get(name) {
        None => Ok(None),
        Some(text) => {
            let number = text.parse::<u64>().ok().filter(|seconds| *seconds > 0);
            let number =
                number.ok_or_else(|| Problem::invalid(20_001, format!("{name} must be a positive number")));
            number.map(|seconds| Some(Duration::from_secs(seconds.min(most))))
        }
    };
    let plan = OutgoingPlan {
        instructions,
        timeout: seconds("Timeout", 600)?.unwrap_or(Duration::from_mins(1)),
        time_limit: seconds("TimeLimit", 4 * 3_600)?,
        record: (params.get("Record") == Some("true")).then(|| recording(params, "OutboundAPI")),
        // Digits are sent to machines only.
        detection: detection.filter(|_| send_digits.is_none()),
        send_digits,
        wait: Duration::ZERO,
    };
    let call = Call {
        reports: reports(params)?,
        fallback: fallback(params)?,
        ..new_call(sim, &account.account_sid, CallDirection::OutboundApi, from, to)
    };
    Ok((call, plan))
}

/// Where the instructions of a new or a running call come from.
pub(crate) fn instructions(params: &Params) -> Result<Option<Instructions>, Problem> {
    if let Some(url) = params.get("Url") {
        if !is_http(url) {
            return Err(Problem::invalid(21_205, format!("Url is not a valid URL: {url}")));
        }
        return Ok(Some(Instructions::Url { url: url.to_owned(), method: method(params, "Method")? }));
    }
    match params.get("Twiml") {
        Some(twiml) if twiml.chars().count() > MAX_TWIML => {
            Err(Problem::invalid(21_240, "Twiml must not be longer than 4000 characters"))
        }
        Some(twiml) => Ok(Some(Instructions::Inline(twiml.to_owned()))),
        None => Ok(None),
    }
}

/// Who is asked when a document of the call cannot be had.
pub(crate) fn fallback(params: &Params) -> Result<Option<String>, Problem> {
    match params.get("FallbackUrl") {
        Some(url) if !is_http(url) => {
            Err(Problem::invalid(21_205, format!("FallbackUrl is not a valid URL: {url}")))
        }
        url => Ok(url.map(str::to_owned)),
    }
}

fn method(params: &Params, name: &str) -> Result<String, Problem> {
    match params.get(name).unwrap_or("POST").to_ascii_uppercase() {
        method if method == "GET" || method == "POST" => Ok(method),
        _ => Err(Problem::invalid(21_207, format!("{name} must be GET or POST"))),
    }
}

fn reports(params: &Params) -> Result<CallReports, Problem> {
    let url = params.get("StatusCallback");
    if let Some(url) = url.filter(|url| !is_callback_url(url)) {
        return Err(Problem::invalid(21_609, format!("The 'StatusCallback' URL {url} is not a valid URL.")));
    }
    let mut events: Vec<String> = params.all("StatusCallbackEvent").map(str::to_owned).collect();
    if let Some(unknown) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        let message = format!("StatusCallbackEvent {unknown} is not one of {}", EVENTS.join(", "));
        return Err(Problem::invalid(21_626, message));
    }
    if events.is_empty() {
        events.push("completed".to_owned());
    }
    Ok(CallReports {
        url: url.map(str::to_owned),
        method: method(params, "StatusCallbackMethod")?,
        events,
        next: 0,
    })
}

fn detection(params: &Params) -> Result<Option<Detection>, Problem> {
    let message_end = match params.get("MachineDetection") {
        None => return Ok(None),
        Some("Enable") => false,
        Some("DetectMessageEnd") => true,
        Some(other) => {
            return Err(Problem::invalid(
                21_264,
                format!("MachineDetection {other} is not Enable or DetectMessageEnd"),
            ));
        }
    };
    for (name, from, to) in [
        ("MachineDetectionTimeout", 3, 59),
        ("MachineDetectionSpeechThreshold", 1_000, 6_000),
        ("MachineDetectionSpeechEndThreshold", 500, 5_000),
        ("MachineDetectionSilenceTimeout", 2_000, 10_000),
    ] {
        let within = |text: &str| text.parse::<u32>().is_ok_and(|value| (from..=to).contains(&value));
        if params.get(name).is_some_and(|text| !within(text)) {
            return Err(Problem::invalid(21_264, format!("{name} must be between {from} and {to}")));
        }
    }
    let asynchronous = params.get("AsyncAmd") == Some("true");
    let callback = if asynchronous {
        let url = params.get("AsyncAmdStatusCallback").unwrap_or_default().to_owned();
        Some((url, method(params, "AsyncAmdStatusCallbackMethod")?))
    } else {
        None
    };
    Ok(Some(Detection { message_end, callback }))
}

/// What a request wants recorded.
pub(crate) fn recording(params: &Params, source: &'static str) -> Wish {
    let events: Vec<&str> =
        params.all("RecordingStatusCallbackEvent").filter(|event| !event.is_empty()).collect();
    Wish {
        channels: if params.get("RecordingChannels") == Some("dual") { 2 } else { 1 },
        track: params.get("RecordingTrack").unwrap_or("both").to_owned(),
        source,
        callback: Callback {
            url: params.get("RecordingStatusCallback").map(str::to_owned),
            method: params.get("RecordingStatusCallbackMethod").unwrap_or("POST").to_ascii_uppercase(),
            events: if events.is_empty() { "completed".to_owned() } else { events.join(" ") },
        },
    }
}
