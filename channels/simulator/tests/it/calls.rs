//! Calls through the REST API and their TwiML.

use serde_json::json;
use usher_channels::twilio::{Form, Payload, SignatureHeaders, SignedUrl, SigningKey};

use crate::phone::{Phone, start_with_voice, with_voice};
use crate::support::{ACCOUNT, Http, NUMBER, PHONE, Receiver, TOKEN, account, start};

const AGENT: &str = "+14155550177";

fn response(inner: &str) -> String {
    format!("<?xml version=\"1.0\"?><Response>{inner}</Response>")
}

#[tokio::test]
async fn a_caller_hears_the_words_of_the_document_and_answers_aloud() {
    let mut server = Receiver::answering(|path| match path {
        "/voice" => response(
            "<Gather input='speech dtmf' action='/heard' timeout='3'><Say>What is your name?</Say></Gather><Hangup/>",
        ),
        "/heard" => response("<Say>Thank you.</Say>"),
        _ => String::new(),
    });
    let mut account = with_voice(&format!("{}/voice", server.url));
    account.numbers[0].status_callback = Some(format!("{}/ended", server.url));
    let simulator = start(account);
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let hook = server.at("/voice").await;
    assert!(hook.is_signed_for(&format!("{}/voice", server.url)));
    for (name, value) in [
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", PHONE),
        ("To", NUMBER),
        ("Called", NUMBER),
    ] {
        assert_eq!(hook.get(name), Some(value), "{name}");
    }
    phone.until("heard:What is your name?").await;
    phone.says("Dana Smith").await;
    let heard = server.at("/heard").await;
    assert_eq!(
        (heard.get("SpeechResult"), heard.get("CallStatus")),
        (Some("Dana Smith"), Some("in-progress"))
    );
    phone.until("heard:Thank you.").await;
    phone.until("ended:completed").await;
    let ended = server.at("/ended").await;
    assert_eq!((ended.get("CallStatus"), ended.get("SequenceNumber")), (Some("completed"), Some("0")));
    assert!(ended.get("CallDuration").is_some());
    let call = phone.look().await;
    assert_eq!(call["audio"], json!({ "lost": 0, "reordered": 0, "garbled": 0, "gaps_ms": 0 }));
}

#[tokio::test]
async fn keys_are_gathered_until_enough_or_the_finishing_one() {
    let mut server = Receiver::answering(|path| match path {
        "/voice" => response("<Gather numDigits='2' action='/two'/>"),
        "/two" => {
            response("<Gather action='/hash' finishOnKey='#'><Say>A long prompt to interrupt</Say></Gather>")
        }
        "/hash" => response("<Gather timeout='1' action='/never'/><Reject/>"),
        _ => String::new(),
    });
    let simulator = start_with_voice(&format!("{}/voice", server.url));
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    phone.until("verb:Gather").await;
    phone.does("digits", json!({ "digits": "12" })).await;
    assert_eq!(server.at("/two").await.get("Digits"), Some("12"));
    phone.until("hearing:A long prompt").await;
    phone.does("digits", json!({ "digits": "7#" })).await;
    let hash = server.at("/hash").await;
    assert_eq!((hash.get("Digits"), hash.get("FinishedOnKey")), (Some("7"), Some("#")));
    // Nothing was entered: the next verb runs, and a call that was answered cannot be rejected any more.
    phone.until("ended:completed").await;
}

#[tokio::test]
async fn an_outgoing_call_is_reported_in_order_and_can_be_given_other_instructions() {
    let mut server = Receiver::answering(|path| match path {
        "/out" => response("<Pause length='60'/>"),
        _ => String::new(),
    });
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let (url, callback) = (format!("{}/out", server.url), format!("{}/status", server.url));
    let mut form = vec![("To", PHONE), ("From", NUMBER), ("Url", &url), ("StatusCallback", &callback)];
    form.extend(
        ["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)),
    );
    let (status, call) = http.api("POST", "Calls.json", &form).await;
    assert_eq!(
        (status, &call["status"], &call["direction"]),
        (201, &json!("queued"), &json!("outbound-api"))
    );
    let mut phone = Phone::rings(&http, PHONE, 0).await;
    assert_eq!(Some(phone.sid.as_str()), call["sid"].as_str());
    phone.until("status:ringing").await;
    phone.does("answer", json!({})).await;
    assert_eq!(server.at("/out").await.get("CallStatus"), Some("in-progress"));
    let path = format!("Calls/{}.json", phone.sid);
    let twiml = response("<Say>Something else.</Say>");
    assert_eq!(http.api("POST", &path, &[("Twiml", &twiml)]).await.0, 200);
    phone.until("heard:Something else.").await;
    phone.until("ended").await;
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let hook = server.at("/status").await;
        assert!(hook.is_signed_for(&callback));
        let number = hook.get("SequenceNumber").expect("a number").to_owned();
        seen.push((number, hook.get("CallStatus").expect("a status").to_owned()));
    }
    let expected = [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")];
    assert_eq!(seen, expected.map(|(number, status)| (number.to_owned(), status.to_owned())));
    let (_, call) = http.api("GET", &path, &[]).await;
    assert_eq!((&call["status"], &call["duration"]), (&json!("completed"), &json!("1")));
    let (status, problem) = http.api("POST", &path, &[("Status", "completed")]).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21_220)));
}

#[tokio::test]
async fn a_call_that_is_not_answered_says_why() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let form = [("To", PHONE), ("From", NUMBER), ("Twiml", "<Response/>"), ("Timeout", "1")];
    for (index, (habit, status)) in
        [("busy", "busy"), ("never", "no-answer"), ("unreachable", "failed"), ("always", "completed")]
            .into_iter()
            .enumerate()
    {
        let habits = json!({ "answers": habit, "after_ms": 0 });
        assert_eq!(http.sim("PUT", &format!("handsets/{PHONE}/habits"), Some(habits)).await.0, 204);
        assert_eq!(http.api("POST", "Calls.json", &form).await.0, 201);
        Phone::rings(&http, PHONE, index).await.until(&format!("ended:{status}")).await;
    }
    let person = json!({ "answers": "person" });
    assert_eq!(http.sim("PUT", &format!("handsets/{PHONE}/habits"), Some(person)).await.0, 204);
    http.api("POST", "Calls.json", &form).await;
    let mut declined = Phone::rings(&http, PHONE, 4).await;
    declined.until("status:ringing").await;
    declined.does("decline", json!({})).await;
    declined.until("ended:busy").await;
    http.api("POST", "Calls.json", &form).await;
    let mut cancelled = Phone::rings(&http, PHONE, 5).await;
    http.api("POST", &format!("Calls/{}.json", cancelled.sid), &[("Status", "canceled")]).await;
    cancelled.until("ended:canceled").await;
}

#[tokio::test]
async fn a_machine_is_detected_before_the_document_or_beside_it() {
    let mut server = Receiver::answering(|path| match path {
        "/out" => response("<Pause length='30'/>"),
        _ => String::new(),
    });
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let habits = json!({ "answers": "machine", "greeting": "Leave a message." });
    http.sim("PUT", &format!("handsets/{PHONE}/habits"), Some(habits)).await;
    let (url, verdict) = (format!("{}/out", server.url), format!("{}/amd", server.url));
    let form = [("To", PHONE), ("From", NUMBER), ("Url", &url), ("MachineDetection", "DetectMessageEnd")];
    http.api("POST", "Calls.json", &form).await;
    let hook = server.at("/out").await;
    assert_eq!(hook.get("AnsweredBy"), Some("machine_end_beep"));
    assert!(hook.get("MachineDetectionDuration").is_some());
    let form = [
        ("To", PHONE),
        ("From", NUMBER),
        ("Url", &url),
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", &verdict),
    ];
    http.api("POST", "Calls.json", &form).await;
    assert_eq!(server.at("/out").await.get("AnsweredBy"), None);
    assert_eq!(server.at("/amd").await.get("AnsweredBy"), Some("machine_start"));
}

#[tokio::test]
async fn another_telephone_is_dialled_whispered_to_and_connected() {
    let mut server = Receiver::answering(|path| match path {
        "/voice" => response(&format!(
            "<Dial action='/done' timeout='5'><Number url='/whisper'>{AGENT}</Number></Dial><Say>Never</Say>"
        )),
        "/whisper" => response("<Say>A caller about billing</Say>"),
        "/done" => response("<Say>Goodbye</Say>"),
        _ => String::new(),
    });
    let simulator = start_with_voice(&format!("{}/voice", server.url));
    let http = Http::to(&simulator);
    let mut caller = Phone::dials(&http).await;
    let mut agent = Phone::rings(&http, AGENT, 0).await;
    agent.until("status:ringing").await;
    agent.does("answer", json!({})).await;
    agent.until("heard:A caller about billing").await;
    caller.until("bridged").await;
    caller.says("Hello from the caller").await;
    assert_eq!(agent.until("heard:Hello from the caller").await["detail"]["whole"], true);
    agent.says("Hello from the agent").await;
    assert_eq!(caller.until("heard:Hello from the agent").await["detail"]["whole"], true);
    agent.does("hangup", json!({})).await;
    let done = server.at("/done").await;
    assert_eq!((done.get("DialCallStatus"), done.get("DialBridged")), (Some("completed"), Some("true")));
    assert_eq!(done.get("DialCallSid"), Some(agent.sid.as_str()));
    caller.until("heard:Goodbye").await;
    caller.until("ended:completed").await;
}

#[tokio::test]
async fn a_dial_that_fails_goes_on_with_the_document() {
    let server =
        Receiver::answering(|_| response(&format!("<Dial>{AGENT}</Dial><Say>Nobody is there</Say>")));
    let simulator = start_with_voice(&format!("{}/voice", server.url));
    let http = Http::to(&simulator);
    http.sim("PUT", &format!("handsets/{AGENT}/habits"), Some(json!({ "answers": "busy" }))).await;
    let mut caller = Phone::dials(&http).await;
    caller.until("dial:busy").await;
    caller.until("heard:Nobody is there").await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_an_application_error_and_what_cannot_be_fetched_has_a_fallback() {
    let mut server = Receiver::answering(|path| match path {
        "/unknown" => response("<Message>Hello</Message>"),
        "/huge" => response(&format!("<Say>{}</Say>", "x".repeat(65_536))),
        "/fallback" => response("<Say>We are back</Say>"),
        _ => String::new(),
    });
    for (path, code) in [("/unknown", "12200"), ("/huge", "11750"), ("/broken", "11217")] {
        let simulator = start_with_voice(&format!("{}{path}", server.url));
        let http = Http::to(&simulator);
        let mut phone = Phone::dials(&http).await;
        phone.until(&format!("error:{code}")).await;
        phone.until("heard:application error").await;
        phone.until("ended:completed").await;
    }
    let mut account = with_voice(&format!("{}/broken", server.url));
    account.numbers[0].voice_fallback_url = Some(format!("{}/fallback", server.url));
    let simulator = start(account);
    let http = Http::to(&simulator);
    let mut phone = Phone::dials(&http).await;
    let fallback = server.at("/fallback").await;
    assert_eq!(fallback.get("ErrorCode"), Some("11217"));
    assert_eq!(fallback.get("ErrorUrl"), Some(format!("{}/broken", server.url).as_str()));
    phone.until("heard:We are back").await;
}

#[tokio::test]
async fn a_document_that_fails_later_has_the_calls_fallback_too_which_the_vendor_may_keep_itself() {
    let mut server = Receiver::answering(|path| match path {
        "/voice" => {
            response("<Gather input='dtmf' numDigits='1' action='/broken'><Say>Press a key</Say></Gather>")
        }
        "/back" => response("<Say>We are back</Say>"),
        _ => String::new(),
    });
    let mut account = with_voice(&format!("{}/voice", server.url));
    account.numbers[0].voice_fallback_url = Some(format!("{}/fallback", server.url));
    let simulator = start(account.clone());
    let http = Http::to(&simulator);
    let bin = format!("<Response><Redirect>{}/back</Redirect></Response>", server.url);
    let keep = |document: String| {
        let url = format!("{}/_sim/twiml/EH1", simulator.url);
        http.finish(http.stack.client().put(url).body(document))
    };
    assert_eq!(keep("<Response><Message/></Response>".to_owned()).await.0, 400);
    assert_eq!(keep(bin).await.0, 204);
    account.numbers[0].voice_fallback_url = Some(format!("{}/twiml/EH1", simulator.url));
    let known = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": account.numbers });
    http.sim("POST", "accounts", Some(known)).await;
    let mut phone = Phone::dials(&http).await;
    phone.until("heard:Press a key").await;
    phone.does("digits", json!({ "digits": "1" })).await;
    phone.until("error:11217").await;
    phone.until("heard:We are back").await;
    assert_eq!(server.at("/broken").await.get("Digits"), Some("1"));
}

#[tokio::test]
async fn a_recording_holds_what_was_said_and_played() {
    let mut server = Receiver::answering(|_| response("<Say>Please speak</Say><Pause length='20'/>"));
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    http.sim("PUT", &format!("handsets/{PHONE}/habits"), Some(json!({ "answers": "always" }))).await;
    let (url, callback) = (format!("{}/out", server.url), format!("{}/recording", server.url));
    let form = [
        ("To", PHONE),
        ("From", NUMBER),
        ("Url", url.as_str()),
        ("Record", "true"),
        ("RecordingChannels", "dual"),
        ("RecordingStatusCallback", &callback),
    ];
    http.api("POST", "Calls.json", &form).await;
    let mut phone = Phone::rings(&http, PHONE, 0).await;
    phone.until("heard:Please speak").await;
    phone.says("I do").await;
    phone.until("said:I do").await;
    phone.does("hangup", json!({})).await;
    let hook = server.at("/recording").await;
    assert_eq!((hook.get("RecordingStatus"), hook.get("RecordingChannels")), (Some("completed"), Some("2")));
    let wav = hook.get("RecordingUrl").expect("an address").replace(&simulator.url, "") + ".wav";
    let request = http.request(&wav).basic_auth(ACCOUNT, Some(TOKEN));
    let file = request.send().await.expect("an answer").bytes().await.expect("a file");
    assert!(file.starts_with(b"RIFF") && file[8..].starts_with(b"WAVE"));
    let loud = |channel: usize| file[46 + channel..].iter().step_by(2).filter(|byte| **byte != 0xFF).count();
    assert!(loud(0) > 1_000 && loud(1) > 1_000, "{} {}", loud(0), loud(1));
    assert_eq!(http.finish(http.request(&wav)).await.0, 401);
    let path = format!("Calls/{}/Recordings.json", phone.sid);
    let (_, list) = http.api("GET", &path, &[]).await;
    assert_eq!(list["recordings"][0]["status"], "completed");
}

#[tokio::test]
async fn a_call_that_the_vendor_would_refuse_is_refused_with_its_code() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let fine = [("To", PHONE), ("From", NUMBER), ("Twiml", "<Response/>")];
    let with = |name: &'static str, value: &'static str| {
        let mut form: Vec<_> = fine.into_iter().filter(|(known, _)| *known != name).collect();
        form.push((name, value));
        form
    };
    for (form, code) in [
        (with("To", ""), 21_201),
        (with("To", "0155"), 21_211),
        (with("From", ""), 21_213),
        (with("From", "+14155559999"), 21_210),
        (with("Twiml", ""), 21_205),
        (with("Url", "voice"), 21_205),
        (with("StatusCallbackEvent", "finished"), 21_626),
        (with("MachineDetection", "true"), 21_264),
        (with("SendDigits", "12x"), 21_405),
        (with("Timeout", "soon"), 20_001),
    ] {
        let (status, problem) = http.api("POST", "Calls.json", &form).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{form:?}");
    }
    http.fault(json!({ "kind": "call_rate_limited" })).await;
    assert_eq!(http.api("POST", "Calls.json", &fine).await.0, 429);
    assert_eq!(http.api("POST", "Calls.json", &fine).await.0, 201);
    assert_eq!(http.api("GET", "Calls/CA0.json", &[]).await.0, 404);
}

#[tokio::test]
async fn a_callback_asked_for_by_get_is_signed_over_its_whole_address() {
    let mut server = Receiver::answering(|_| response("<Hangup/>"));
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    http.sim("PUT", &format!("handsets/{PHONE}/habits"), Some(json!({ "answers": "always" }))).await;
    let url = format!("{}/out?x=1", server.url);
    http.api("POST", "Calls.json", &[("To", PHONE), ("From", NUMBER), ("Url", &url), ("Method", "GET")])
        .await;
    let hook = server.at("/out").await;
    let asked = format!("{}{}", server.url, hook.target);
    assert!(asked.contains("/out?x=1&CallSid=CA"), "{asked}");
    let headers = SignatureHeaders::signature(&hook.signature);
    let none = Form::from_pairs(Vec::<(String, String)>::new());
    SigningKey::new(TOKEN.into())
        .verify(&SignedUrl::new(&asked), Payload::Form(&none), headers)
        .expect("signed");
}
