//! What Retell posts: how a call goes, and who is calling.
//!
//! There is no event id and order may invert: an event is known by its kind and its call.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use usher_conversation::time::Timestamp;

use super::call::Call;
use crate::frame::{FrameError, read};
use crate::proof::{ProofError, check, fresh, hmac_sha256};

/// The header that holds the signature.
pub const SIGNATURE_HEADER: &str = "x-retell-signature";
/// The largest body taken, in bytes: a transcript of a long call with the time of each word.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// How far the vendor's clock and ours may be apart, the way included.
const TOLERANCE_MILLIS: i64 = 5 * 60 * 1_000;

/// Checks `v=<milliseconds>,d=<hex>`; the key is the API key that carries the webhook badge.
pub fn verify(
    api_key: &SecretString,
    header: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), ProofError> {
    let header = header.ok_or(ProofError::Missing)?;
    let (time, given) = header
        .strip_prefix("v=")
        .and_then(|rest| rest.split_once(",d="))
        .filter(|(time, given)| {
            !time.is_empty()
                && time.bytes().all(|b| b.is_ascii_digit())
                && given.len() == 64
                && given.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
        .ok_or(ProofError::Malformed)?;
    let signed = Timestamp::from_millis(time.parse().map_err(|_| ProofError::Malformed)?);
    check(&hmac_sha256(api_key, &[body, time.as_bytes()]), given)?;
    fresh(signed, now, TOLERANCE_MILLIS, TOLERANCE_MILLIS)
}

/// Signs a body as the vendor does.
pub fn sign(api_key: &SecretString, body: &[u8], at: Timestamp) -> String {
    let time = at.as_millis().to_string();
    let digest = hmac_sha256(api_key, &[body, time.as_bytes()]);
    format!("v={time},d={digest}")
}

/// How a call goes.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEvent {
    /// What happened.
    pub kind: EventKind,
    /// The call as it is now.
    pub call: Box<Call>,
}

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It was connected. Not told of a call that never was.
    Started,
    /// It is over.
    Ended,
    /// It was looked through.
    Analyzed,
    /// Something was said.
    TranscriptUpdated,
    /// A kind not known here: answer 204 and forget it.
    Other,
}

#[derive(Deserialize)]
struct Posted {
    event: String,
    // Older senders call it data.
    #[serde(alias = "data")]
    call: Box<Call>,
}

impl CallEvent {
    /// Reads a body whose signature was checked. Events of chats are malformed here.
    pub fn parse(body: &[u8]) -> Result<Self, FrameError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(FrameError::TooLarge(MAX_BODY_BYTES));
        }
        let Posted { event, call } = read(body, "call webhook")?;
        let kind = match event.as_str() {
            "call_started" => EventKind::Started,
            "call_ended" => EventKind::Ended,
            "call_analyzed" => EventKind::Analyzed,
            "transcript_updated" => EventKind::TranscriptUpdated,
            _ => EventKind::Other,
        };
        Ok(Self { kind, call })
    }
}

/// Somebody calls one of the numbers kept at Retell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InboundCall {
    /// The vendor's id of the call to be.
    #[serde(default)]
    pub call_id: Option<String>,
    /// The number's agent.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// Who calls.
    pub from_number: String,
    /// Whom.
    pub to_number: String,
}

impl InboundCall {
    /// Reads a body whose signature was checked.
    pub fn parse(body: &[u8]) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Posted {
            call_inbound: InboundCall,
        }
        if body.len() > MAX_BODY_BYTES {
            return Err(FrameError::TooLarge(MAX_BODY_BYTES));
        }
        read(body, "inbound call webhook").map(|Posted { call_inbound }| call_inbound)
    }
}

/// What is done with an inbound call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct InboundAnswer {
    /// The agent, when it is not the number's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_agent_id: Option<String>,
    /// Values for the agent's variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dynamic_variables: BTreeMap<String, String>,
    /// What we call it; comes back with every event.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Do not answer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject: Option<bool>,
}

impl InboundAnswer {
    /// The body of the answer.
    pub fn body(&self) -> Value {
        serde_json::json!({ "call_inbound": self })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "key_test_1234567890";
    const BODY: &str = r#"{"event":"call_started","call":{"call_id":"Jabr9TXYYJHfvl6Syypi88rdAHYHmcq6"}}"#;
    const AT: i64 = 1_714_608_475_945;
    const DIGEST: &str = "444164721b54d84df55aaf38443d074c3b345837b7513a603aee9f8c869a73fb";

    fn check(key: &str, header: &str, body: &str, now: i64) -> Result<(), ProofError> {
        verify(&key.to_owned().into(), Some(header), body.as_bytes(), Timestamp::from_millis(now))
    }

    #[test]
    fn the_vector_is_believed_for_five_minutes() {
        let header = format!("v={AT},d={DIGEST}");
        assert_eq!(sign(&KEY.to_owned().into(), BODY.as_bytes(), Timestamp::from_millis(AT)), header);
        for (now, expected) in [
            (AT, Ok(())),
            (AT + 300_000, Ok(())),
            (AT - 300_000, Ok(())),
            (AT + 300_001, Err(ProofError::Stale)),
            (AT - 300_001, Err(ProofError::Stale)),
        ] {
            assert_eq!(check(KEY, &header, BODY, now), expected, "{now}");
        }
        assert_eq!(check(KEY, &header, &format!("{BODY} "), AT), Err(ProofError::Mismatch));
        assert_eq!(check("key_test_1234567891", &header, BODY, AT), Err(ProofError::Mismatch));
        let later = header.replace("945,", "946,");
        assert_eq!(check(KEY, &later, BODY, AT), Err(ProofError::Mismatch));
        let upper = DIGEST.to_uppercase();
        for bad in [
            &format!("v={AT},d={upper}"),
            &format!("{AT},d={DIGEST}"),
            &format!("d={DIGEST},v={AT}"),
            "",
            "v=,d=",
        ] {
            assert_eq!(check(KEY, bad, BODY, AT), Err(ProofError::Malformed), "{bad}");
        }
        assert_eq!(verify(&KEY.to_owned().into(), None, b"", Timestamp::default()), Err(ProofError::Missing));
    }

    #[test]
    fn the_documented_event_is_read() {
        let ended = r#"{"event":"call_ended","call":{"call_type":"phone_call","from_number":"+12137771234","to_number":"+12137771235",
            "direction":"inbound","call_id":"Jabr9TXYYJHfvl6Syypi88rdAHYHmcq6","agent_id":"oBeDLoLOeuAbiuaMFXRtDOLriTJ5tSxD",
            "call_status":"ended","metadata":{},"retell_llm_dynamic_variables":{"customer_name":"John Doe"},
            "start_timestamp":1714608475945,"end_timestamp":1714608491736,"disconnection_reason":"user_hangup","transcript":"…",
            "transcript_object":[],"transcript_with_tool_calls":[],"opt_in_signed_url":false,"call_cost":{"combined_cost":70}}}"#;
        let event = CallEvent::parse(ended.as_bytes()).expect("well formed");
        assert_eq!(event.kind, EventKind::Ended);
        assert_eq!(event.call.end(), Some(usher_conversation::voice::CallEnd::ContactHungUp));
        assert_eq!(event.call.call_cost.map(|cost| cost.combined_cost), Some(70.0));
        let older =
            br#"{"event":"call_analyzed","data":{"call_id":"c","call_analysis":{"in_voicemail":true}}}"#;
        assert_eq!(CallEvent::parse(older).map(|event| event.kind), Ok(EventKind::Analyzed));
        let new = br#"{"event":"transfer_started","transfer_option":{},"call":{"call_id":"c"}}"#;
        assert_eq!(CallEvent::parse(new).map(|event| event.kind), Ok(EventKind::Other));
        assert_eq!(CallEvent::parse(b"{}"), Err(FrameError::Malformed("call webhook")));
    }

    #[test]
    fn an_inbound_call_is_read_and_answered() {
        let body = br#"{"event":"call_inbound","event_timestamp":1714608475000,"call_inbound":{"call_id":"c","agent_id":"agent_12345",
            "agent_version":1,"from_number":"+12137771234","to_number":"+12137771235","custom_sip_headers":{}}}"#;
        let call = InboundCall::parse(body).expect("well formed");
        assert_eq!(
            (call.from_number.as_str(), call.agent_id.as_deref()),
            ("+12137771234", Some("agent_12345"))
        );
        assert_eq!(InboundAnswer::default().body(), json!({ "call_inbound": {} }));
        let reject = InboundAnswer { reject: Some(true), ..InboundAnswer::default() };
        assert_eq!(reject.body(), json!({ "call_inbound": { "reject": true } }));
    }

    proptest::proptest! {
        #[test]
        fn no_header_and_no_body_makes_it_panic(header in ".{0,80}", body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = verify(&KEY.to_owned().into(), Some(&header), &body, Timestamp::default());
            let _ = (CallEvent::parse(&body), InboundCall::parse(&body));
        }
    }
}
