//! How the outside world sees this server: its public address and the signatures over it.

use secrecy::SecretString;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_channels::twilio::codec::NumberResource;
use usher_channels::twilio::{
    Form, LookupQuery, OutgoingMessage, Payload, Sender, SignatureHeaders, SignedUrl, SigningKey,
    TwilioClient, TwilioCredentials,
};
use usher_conversation::ports::Lookup;
use usher_conversation::time::Timestamp;

use super::Finding;
use crate::config::Settings;
use crate::inbound::{SENT_AGAIN, SMS_PATH, address};
use crate::outbound::{SmsAccount, SmsSender};

pub(super) fn examine(settings: &Settings) -> Vec<Finding> {
    vec![public_url(settings), signatures(settings)]
}

fn public_url(settings: &Settings) -> Finding {
    let why = "Links in messages and webhook signatures are built on it.";
    let next = "Set USHER_PUBLIC_URL to the address under which clients and vendors reach this server.";
    match &settings.public_url {
        None => Finding::warning("public address", "not set", why, next),
        Some(url) if url.scheme() != "https" && !is_local(url.host_str()) => Finding::warning(
            "public address",
            format!("{url} is not https"),
            "Links to sessions and what clients enter would travel in the open.",
            "Put a proxy with a certificate in front and set USHER_PUBLIC_URL to its https address.",
        ),
        Some(url) => Finding::ok("public address", url.to_string()),
    }
}

fn is_local(host: Option<&str>) -> bool {
    matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Signs a webhook over the public address and checks it the way the server does.
fn signatures(settings: &Settings) -> Finding {
    let url = address(&settings.public_base(settings.bind), SMS_PATH);
    let key = SigningKey::new(SecretString::from("0123456789abcdef0123456789abcdef"));
    let form = Form::from_pairs([("From", "+14155550100"), ("Body", "hello")]);
    let signature = key.sign(&url, Some(&form));
    let headers = SignatureHeaders::signature(&signature);
    match key.verify(&SignedUrl::new(&url), Payload::Form(&form), headers) {
        Ok(()) => Finding::ok("webhook signature", format!("a signature over {url} is accepted")),
        Err(error) => Finding::broken(
            "webhook signature",
            format!("a signature over {url} is refused: {error}"),
            "Every message of every client would be refused.",
            "Check the form of USHER_PUBLIC_URL.",
        ),
    }
}

/// Asks the vendor whether it knows an organisation's credentials, and where its number's messages go.
pub(super) async fn account(settings: &Settings, account: &SmsAccount) -> Vec<Finding> {
    let base = &settings.twilio_api_base;
    let credentials = &account.credentials;
    let sid = &credentials.account_sid;
    let why = "The organisation's text messages could not be sent.";
    let broken = |error: String| {
        vec![Finding::broken(
            "Twilio",
            format!("{sid} at {base}: {error}"),
            why,
            "Check the account's SID and token, and USHER_TWILIO_API_BASE; for a demo, that it runs.",
        )]
    };
    let client = HttpStack::new(HttpSettings::default())
        .map_err(|error| error.to_string())
        .and_then(|http| TwilioClient::new(http, base.as_str()).map_err(|error| error.to_string()));
    let client = match client {
        Ok(client) => client,
        Err(error) => return broken(error),
    };
    if let Err(error) = ask(&client, credentials).await {
        return broken(error);
    }
    let mut findings = vec![Finding::ok("Twilio", format!("{sid} is known at {base}"))];
    // The numbers of a messaging service follow the service's own settings.
    if let SmsSender::Number(number) = &account.sender {
        let url = address(&settings.public_base(settings.bind), SMS_PATH);
        findings.push(webhook(&url, client.number(credentials, number).await));
    }
    findings
}

/// Whether a number's messages come here, and come again when something goes wrong.
fn webhook(url: &str, number: Result<Option<NumberResource>, String>) -> Finding {
    const CHECK: &str = "Twilio webhook";
    let lost = "Messages of clients would be lost.";
    let next = format!("Set the number's webhook for messages to {url}{SENT_AGAIN} (POST).");
    let number = match number {
        Ok(Some(number)) => number,
        Ok(None) => {
            let next = "Check which account has the organisation's number.";
            return Finding::broken(CHECK, "the account does not have the number", lost, next);
        }
        Err(error) => {
            let next = "Look again when Twilio answers.";
            return Finding::warning(CHECK, format!("its settings cannot be read: {error}"), lost, next);
        }
    };
    let set = number.sms_url.unwrap_or_default();
    let (place, overrides) = set.split_once('#').unwrap_or((&set, ""));
    if place != url {
        return Finding::warning(CHECK, format!("leads to {place:?} and not to {url}"), lost, next);
    }
    let retries = overrides.split('&').filter_map(|part| part.strip_prefix("rp="));
    if retries.flat_map(|kinds| kinds.split(',')).any(|kind| matches!(kind, "all" | "5xx")) {
        Finding::ok(CHECK, format!("{url} is tried again when it fails"))
    } else {
        let why = "Twilio does not send a message again that was answered with an error: it would be lost.";
        Finding::warning(CHECK, format!("{url} is tried once"), why, next)
    }
}

/// Lists the messages to a number nobody has: the answer is empty, and only given to who knows the token.
async fn ask(client: &TwilioClient, credentials: &TwilioCredentials) -> Result<(), String> {
    let nobody = "+15005550001";
    let message =
        OutgoingMessage { to: nobody, from: Sender::Number(nobody), body: "doctor", status_callback: None };
    let query = LookupQuery { message, since: Timestamp::from_millis(0), taken: &[] };
    match client.look_up(credentials, query).await {
        Lookup::Absent | Lookup::Found { .. } => Ok(()),
        Lookup::Unknown { reason } => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn a_webhook_that_leads_elsewhere_or_is_not_tried_again_is_found() {
        let url = "https://usher.example/api/webhooks/twilio/sms";
        let severity =
            |set: &str| webhook(url, Ok(Some(NumberResource { sms_url: Some(set.into()) }))).severity;
        assert_eq!(severity(&format!("{url}{SENT_AGAIN}")), Severity::Ok);
        assert_eq!(severity(&format!("{url}#rt=4000&rp=ct,5xx")), Severity::Ok);
        for wrong in [url.to_owned(), format!("{url}#rc=5"), format!("{url}#rp=ct"), format!("{url}/#rp=all")]
        {
            assert_eq!(severity(&wrong), Severity::Warning, "{wrong}");
        }
        assert_eq!(webhook(url, Ok(None)).severity, Severity::Broken);
    }
}
