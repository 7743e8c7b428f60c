//! Webhooks as captured from Twilio, and mutations of them.

use super::*;

const SAMPLE: &str = "ToCountry=US&ToState=CA&SmsMessageSid=SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&NumMedia=0&ToCity=\
    &FromZip=94107&SmsSid=SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&FromState=CA&SmsStatus=received&FromCity=SAN+FRANCISCO\
    &Body=Hello&FromCountry=US&To=%2B14155550101&MessagingServiceSid=MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&ToZip=\
    &NumSegments=1&ReferralNumMedia=0&MessageSid=SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
    &AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550100&ApiVersion=2010-04-01";

fn form(body: &str) -> Form<'_> {
    Form::parse(body.as_bytes()).expect("small")
}

fn refused(body: &str) -> CodecError {
    InboundMessage::parse(&form(body)).expect_err(body)
}

#[test]
fn the_documented_sample_is_read_completely() {
    let form = form(SAMPLE);
    let message = InboundMessage::parse(&form).expect("the sample");
    assert_eq!(
        message,
        InboundMessage {
            message_sid: "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            account_sid: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            messaging_service_sid: Some("MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            from: Address::Phone("+14155550100"),
            to: Address::Phone("+14155550101"),
            body: "Hello",
            media: Vec::new(),
            segments: Some(1),
            opt_out: None,
            from_place: Geography { city: "SAN FRANCISCO", state: "CA", zip: "94107", country: "US" },
            to_place: Geography { city: "", state: "CA", zip: "", country: "US" },
            api_version: "2010-04-01",
            fallback: None,
        }
    );
}

#[test]
fn media_opt_out_type_and_fallback_cause_are_read() {
    let body = SAMPLE.replace("NumMedia=0", "NumMedia=2").replace("Body=Hello", "Body=")
        + "&MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fa&MediaContentType0=image%2Fjpeg&MediaUrl1=b&OptOutType=STOP\
           &ErrorCode=11200&ErrorUrl=https%3A%2F%2Fx.example";
    let form = form(&body);
    let message = InboundMessage::parse(&form).expect("well formed");
    assert_eq!(
        message.media,
        [
            InboundMedia { url: "https://api.twilio.com/a", content_type: "image/jpeg" },
            InboundMedia { url: "b", content_type: "" },
        ]
    );
    assert_eq!((message.body, message.opt_out), ("", Some(Keyword::Stop)));
    assert_eq!(message.fallback, Some(FallbackCause { error_code: 11200, error_url: "https://x.example" }));
}

#[test]
fn addresses_of_other_channels_and_short_codes_are_told_apart() {
    assert_eq!(
        Address::parse("whatsapp:+14155550100"),
        Some(Address::Other { channel: "whatsapp", address: "+14155550100" })
    );
    assert_eq!(Address::parse("24273"), Some(Address::Sender("24273")));
    assert_eq!(Address::parse("+14155550100").and_then(Address::phone), Some("+14155550100"));
    assert_eq!(Address::parse(""), None);
    for not_e164 in ["+0123456789", "+123", "14155550100", "+1415555010a", "+1234567890123456"] {
        assert!(!is_e164(not_e164), "{not_e164}");
    }
}

#[test]
fn a_malformed_webhook_names_the_parameter_at_fault() {
    let without_account = SAMPLE.replace("&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "");
    assert_eq!(refused(&without_account), CodecError::Missing("AccountSid"));
    let twice = format!("{SAMPLE}&From=%2B14155550199");
    assert_eq!(refused(&twice), CodecError::Ambiguous("From"));
    for (body, parameter) in [
        (SAMPLE.replace("MessageSid=SMaaaa", "MessageSid=XXaaaa"), "MessageSid"),
        (SAMPLE.replace("NumMedia=0", "NumMedia=11"), "NumMedia"),
        (SAMPLE.replace("NumMedia=0", "NumMedia=-1"), "NumMedia"),
        (SAMPLE.replace("From=%2B14155550100", "From="), "From"),
    ] {
        assert_eq!(refused(&body), CodecError::Invalid(parameter));
    }
    assert_eq!(refused(&SAMPLE.replace("NumMedia=0", "NumMedia=1")), CodecError::Missing("MediaUrl0"));
    assert_eq!(refused(""), CodecError::Missing("MessageSid"));
}

/// Twilio does not send a message again that was refused.
#[test]
fn a_message_is_not_refused_over_what_is_beside_it() {
    for (odd, body) in [
        ("segments", SAMPLE.replace("NumSegments=1", "NumSegments=one")),
        ("a new kind of opt-out", format!("{SAMPLE}&OptOutType=MAYBE")),
        ("a city told twice", format!("{SAMPLE}&FromCity=OAKLAND")),
        ("a service of another form", SAMPLE.replace("MessagingServiceSid=MG", "MessagingServiceSid=XX")),
        ("two versions", format!("{SAMPLE}&ApiVersion=2030-01-01")),
        ("an error that is no number", format!("{SAMPLE}&ErrorCode=E1")),
    ] {
        let form = form(&body);
        let message = InboundMessage::parse(&form).expect(odd);
        assert_eq!((message.body, message.from.phone()), ("Hello", Some("+14155550100")), "{odd}");
        assert_eq!((message.opt_out, message.fallback), (None, None), "{odd}");
    }
}

#[test]
fn a_status_callback_is_read_with_its_error() {
    let body = "AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&ApiVersion=2010-04-01&From=%2B14155550101\
        &To=%2B14155550100&MessageSid=SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb&SmsSid=SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\
        &MessageStatus=undelivered&SmsStatus=undelivered&ErrorCode=30007&RawDlrDoneDate=2308240502";
    let form = form(body);
    let callback = StatusCallback::parse(&form).expect("well formed");
    assert_eq!(callback.status, Some(MessageStatus::Undelivered));
    assert_eq!(callback.error_code, Some(30007));
    assert_eq!(callback.to, Some(Address::Phone("+14155550100")));
    let newer = body.replace("MessageStatus=undelivered", "MessageStatus=lost").replace("30007", "E7");
    let form = Form::parse(newer.as_bytes()).expect("small");
    let callback = StatusCallback::parse(&form).expect("a status of tomorrow is no reason to refuse");
    assert_eq!((callback.status, callback.error_code), (None, None));
}

#[test]
fn a_message_resource_is_read_whatever_else_it_holds() {
    let resource: MessageResource = serde_json::from_str(
        r#"{"account_sid":"AC1","api_version":"2010-04-01","body":"Hi","date_created":"Thu, 24 Aug 2023 05:01:45 +0000",
            "from":null,"to":"+14155552345","num_segments":"0","price":null,"sid":"SM1","status":"one of tomorrow","new_key":{}}"#,
    )
    .expect("well formed");
    assert_eq!((resource.sid.as_str(), resource.from), ("SM1", None));
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_parsers_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let form = Form::parse(&body).expect("small");
        let _ = InboundMessage::parse(&form);
        let _ = StatusCallback::parse(&form);
    }

    #[test]
    fn no_value_of_a_known_parameter_makes_the_parsers_panic(
        index in 0_usize..20, value in "\\PC{0,40}", appended in proptest::prelude::any::<bool>()
    ) {
        let mut pairs: Vec<_> = form_urlencoded::parse(SAMPLE.as_bytes()).into_owned().collect();
        if appended {
            pairs.push((pairs[index].0.clone(), value));
        } else {
            pairs[index].1 = value;
        }
        let form = Form::from_pairs(pairs);
        let _ = InboundMessage::parse(&form);
        let _ = StatusCallback::parse(&form);
    }
}
