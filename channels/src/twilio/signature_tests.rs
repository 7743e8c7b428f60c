//! The vectors of Twilio's own SDK tests, and mutations of them. The Auth Token of all is `12345`.

use super::*;

const U: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const P: &[(&str, &str)] = &[
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
];
const REASONS: &[(&str, &str)] = &[("ReasonConferenceEnded", "test"), ("Reason", "Participant")];

fn key() -> SigningKey {
    SigningKey::new("12345".into())
}

fn form(pairs: &[(&'static str, &'static str)]) -> Form<'static> {
    Form::from_pairs(pairs.iter().copied())
}

fn check(seen: &str, payload: Payload<'_>, signature: &str) -> Result<(), SignatureError> {
    key().verify(&SignedUrl::new(seen), payload, SignatureHeaders::signature(signature))
}

#[test]
fn form_vectors_of_the_official_sdks_are_accepted() {
    let p = form(P);
    let addresses =
        form(&[("MessagingBinding.Address", "+1415xxxxxxx"), ("MessagingBinding.Address", "+1325xxxxxxx")]);
    let digits = form(&[
        ("Sid", "CA123"),
        ("SidAccount", "AC123"),
        ("Digits", "5678"),
        ("Digits", "1234"),
        ("Digits", "1234"),
    ]);
    let reasons = form(&[P, REASONS].concat());
    let body = Form::parse(b"property=value&boolean=true").expect("small");
    let with_quote = "https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing";
    let with_port = |port| format!("http://mycompany.com:{port}/myapp.php?foo=1&bar=2");
    let vectors: &[(&str, &str, &Form<'_>, &str)] = &[
        ("1", U, &p, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("2", "https://mycompany.com:443/myapp.php?foo=1&bar=2", &p, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("2 seen without the port", U, &p, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("3", &with_port(80), &p, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (
            "3 seen without the port",
            "http://mycompany.com/myapp.php?foo=1&bar=2",
            &p,
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        ("4", &with_port(1234), &p, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("5", "https://mycompany.com:1234/myapp.php?foo=1&bar=2", &p, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("6", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", &p, "CukzLTc1tT5dXEDIHm/tKBanW10="),
        (
            "7",
            "https://user:pass@mycompany.com:443/myapp.php?foo=1&bar=2",
            &p,
            "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
        ),
        ("8", "https://user@mycompany.com/myapp.php?foo=1&bar=2", &p, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
        ("9", with_quote, &p, "TfZzewPq8wqrGlMfyAud8+/IvJ0="),
        ("10", U, &addresses, "83O6e2vORAoJHUNzJjDWN1jz+BA="),
        ("11", U, &digits, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("15", U, &reasons, "vOEb5UThFn24KEfnOFLQY2AE5FY="),
        ("16", "http://mycompany.com/myapp.php?foo=1&bar=2", &reasons, "n2xBNyzSW7rfYStDtOFiFMv7qNo="),
        ("16 seen with a port", &with_port(1234), &reasons, "n2xBNyzSW7rfYStDtOFiFMv7qNo="),
        ("17", U, &body, "NBdBDr/T/lgjI+tlgpXjKZQZs/k="),
    ];
    for (row, url, form, signature) in vectors {
        assert_eq!(check(url, Payload::Form(form), signature), Ok(()), "row {row}");
    }
}

#[test]
fn json_vectors_are_accepted_only_with_the_hashed_body() {
    const BODY: &[u8] = br#"{"property": "value", "boolean": true}"#;
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let with_port = format!("https://mycompany.com:443/myapp.php?foo=1&bar=2&bodySHA256={empty}");
    let twelve = format!("{U}&bodySHA256={hash}");
    for (row, url, body, signature) in [
        (12, &twelve, BODY, "a9nBmqA0ju/hNViExpshrM61xv4="),
        (
            13,
            &format!("https://mycompany.com/myapp.php?bodySHA256={hash}"),
            BODY,
            "y77kIzt2vzLz71DgmJGsen2scGs=",
        ),
        (14, &with_port, b"{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="),
        (14, &with_port, b"{}", "rw/jVviOgicj2+kHZULvebnA4ag="),
    ] {
        assert_eq!(check(url, Payload::Json(body), signature), Ok(()), "row {row}");
    }
    let other = check(&twelve, Payload::Json(b"{}"), "a9nBmqA0ju/hNViExpshrM61xv4=");
    assert_eq!(other, Err(SignatureError::BodyHashMismatch));
    let unbound = check(U, Payload::Json(BODY), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    assert_eq!(unbound, Err(SignatureError::BodyHashMissing));
}

#[test]
fn empty_values_and_any_unicode_are_signed_as_they_arrive() {
    let url = "https://example.com/sms/inbound";
    let body: &[u8] =
        b"MessageSid=SM00000000000000000000000000000001&AccountSid=AC00000000000000000000000000000001\
        &From=%2B14155550100&To=%2B14155550101&Body=Ol%C3%A1+%F0%9F%91%8B+a%26b%3Dc&NumMedia=0&FromZip=\
        &FromCity=SAN+FRANCISCO";
    let form = Form::parse(body).expect("small");
    assert_eq!(check(url, Payload::Form(&form), "7fvjb6XBgBcCAzM7dn+Y4QlNFiU="), Ok(()));
    let dropped_empty = check(url, Payload::Form(&form), "GJM8NSVJ911vTZxGv8/dwqQ+PqE=");
    assert_eq!(dropped_empty, Err(SignatureError::Mismatch));
}

#[test]
fn get_webhooks_and_socket_upgrades_sign_the_url_alone() {
    let get = "https://example.com/voice?CallSid=CA00000000000000000000000000000001&From=%2B14155550100";
    assert_eq!(check(get, Payload::Empty, "vWIGmk5A9ox4J4d97o9q33fAdqg="), Ok(()));
    let joined = SignedUrl::new("https://example.com/voice")
        .with_query("CallSid=CA00000000000000000000000000000001&From=%2B14155550100");
    assert_eq!(joined, SignedUrl::new(get));

    let socket = "wss://mycompany.com/media-stream";
    assert_eq!(check(socket, Payload::Empty, "N2Y//FHA042H22oVtTOPT1X3yoU="), Ok(()));
    assert_eq!(check(socket, Payload::Empty, "B+WT+LSnUu+RWlK9v/62zQuXpec="), Ok(()), "trailing slash");
    let with_port = key().sign("wss://mycompany.com:443/media-stream", None);
    assert_eq!(check(socket, Payload::Empty, &with_port), Ok(()));
    let as_https = check(socket, Payload::Empty, "Mq5qllSf+ykIJXjR6CcZ2h2USZ0=");
    assert_eq!(as_https, Err(SignatureError::Mismatch));
}

#[test]
fn a_shared_key_counts_only_when_it_is_configured_and_named() {
    let form = form(P);
    let url = SignedUrl::new(U);
    let shared = SharedKey { name: "webhooks_sharedkey_1".into(), secret: "12345".into() };
    let configured = SigningKey::new("another token".into()).with_shared_key(shared);
    let verify = |key: &SigningKey, settings| {
        let signature = Some("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=");
        key.verify(&url, Payload::Form(&form), SignatureHeaders { signature, settings })
    };
    let named = Some("key=webhooks_sharedkey_1,algorithm=hmac_sha256");
    assert_eq!(verify(&configured, named), Ok(()));
    assert_eq!(
        verify(&key(), named),
        Err(SignatureError::Mismatch),
        "not configured: the header chooses nothing"
    );
    assert_eq!(verify(&configured, None), Err(SignatureError::Mismatch));
    for settings in
        ["key=webhooks_sharedkey_2,algorithm=HMAC_SHA256", "key=webhooks_sharedkey_1,algorithm=HMAC_MD5"]
    {
        assert_eq!(verify(&configured, Some(settings)), Err(SignatureError::UnknownSettings), "{settings}");
    }
}

#[test]
fn no_mutation_of_a_signed_request_is_believed() {
    let p = form(P);
    let right = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let url = SignedUrl::new(U);
    let missing = key().verify(&url, Payload::Form(&p), SignatureHeaders::default());
    assert_eq!(missing, Err(SignatureError::Missing));

    let other_token = SigningKey::new("12346".into()).sign(U, Some(&p));
    for signature in
        ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "RSOYDt4T1cUTdK1PDd93/VVr8B8==", " ", "é", &other_token]
    {
        assert_eq!(check(U, Payload::Form(&p), signature), Err(SignatureError::Mismatch), "{signature:?}");
    }
    for seen in [
        "https://mycompany.com/myapp.php?foo=1&bar=3",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "https://MyCompany.com/myapp.php?foo=1&bar=2",
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com.evil.example/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "",
    ] {
        assert_eq!(check(seen, Payload::Form(&p), right), Err(SignatureError::Mismatch), "{seen}");
    }
    for changed in [
        form(&[("Digits", "1234")]),
        form(&[P, &[("Extra", "")]].concat()),
        form(&[P, &[("Digits", "12345")]].concat()),
        form(&[("callSid", "CA1234567890ABCDE")]),
    ] {
        assert_eq!(check(U, Payload::Form(&changed), right), Err(SignatureError::Mismatch), "{changed:?}");
    }
    let unsorted = check(U, Payload::Form(&form(&[P, REASONS].concat())), "95+Bu0JVPi0r/SsESZCVf0dWAjw=");
    assert_eq!(unsorted, Err(SignatureError::Mismatch));
}

#[test]
fn a_fragment_with_connection_overrides_is_not_signed() {
    let p = form(P);
    let with_overrides = format!("{U}#rc=3&rp=all");
    assert_eq!(check(&with_overrides, Payload::Form(&p), "RSOYDt4T1cUTdK1PDd93/VVr8B8="), Ok(()));
    assert_eq!(key().sign(&with_overrides, Some(&p)), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

#[test]
fn ports_are_found_behind_userinfo_and_in_front_of_ipv6() {
    let spellings = |url| SignedUrl::new(url).spellings;
    assert_eq!(
        spellings("https://user:12@[::1]:8443/x"),
        ["https://user:12@[::1]:8443/x", "https://user:12@[::1]/x"]
    );
    assert_eq!(spellings("https://[::1]/x"), ["https://[::1]/x", "https://[::1]:443/x"]);
}

proptest::proptest! {
    #[test]
    fn what_is_signed_verifies_and_nothing_panics(url in ".{0,60}", body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let form = Form::parse(&body).expect("small");
        let signature = key().sign(&url, Some(&form));
        proptest::prop_assert_eq!(check(&url, Payload::Form(&form), &signature), Ok(()));
    }
}
