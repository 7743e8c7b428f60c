//! How the outside world sees this server: its public address and the signatures over it.

use secrecy::SecretString;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_channels::twilio::{
    Form, LookupQuery, OutgoingMessage, Payload, Sender, SignatureHeaders, SignedUrl, SigningKey,
    TwilioClient, TwilioCredentials,
};
use usher_conversation::ports::Lookup;
use usher_conversation::time::Timestamp;

use super::Finding;
use crate::config::Settings;
use crate::inbound::{SMS_PATH, address};

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

/// Asks the vendor whether it knows an organisation's credentials.
pub(super) async fn account(settings: &Settings, credentials: &TwilioCredentials) -> Finding {
    let base = &settings.twilio_api_base;
    let sid = &credentials.account_sid;
    let why = "The organisation's text messages could not be sent.";
    let client = HttpStack::new(HttpSettings::default())
        .map_err(|error| error.to_string())
        .and_then(|http| TwilioClient::new(http, base.as_str()).map_err(|error| error.to_string()));
    let known = match client {
        Ok(client) => ask(&client, credentials).await,
        Err(error) => Err(error),
    };
    match known {
        Ok(()) => Finding::ok("Twilio", format!("{sid} is known at {base}")),
        Err(error) => Finding::broken(
            "Twilio",
            format!("{sid} at {base}: {error}"),
            why,
            "Check the account's SID and token, and USHER_TWILIO_API_BASE; for a demo, that it runs.",
        ),
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
