//! Vapi calls: what is refused, and how a call is talked through, steered and reported.

use serde_json::{Value, json};
use usher_simulator::vapi::API_KEY;

use crate::phone::Phone;
use crate::support::{Http, PHONE, Receiver, account, start};

const LINE: &str = "+14157774444";

/// A request with the private key.
async fn ask(http: &Http, path: &str, body: Value) -> (u16, Value) {
    http.finish(http.any("POST", path).bearer_auth(API_KEY).json(&body)).await
}

/// An assistant with words of its own, and the number it is reached at.
async fn assistant(http: &Http, hooks: &str) -> (Value, Value) {
    let server = json!({ "url": format!("{hooks}/vapi") });
    let body = json!({ "name": "Reception", "server": server, "firstMessage": "Hello {{name}}.",
        "model": { "provider": "openai", "model": "gpt-4o" } });
    let (status, assistant) = ask(http, "/assistant", body).await;
    assert_eq!(status, 201, "{assistant}");
    let (status, number) =
        ask(http, "/phone-number", json!({ "provider": "twilio", "number": LINE, "server": server })).await;
    assert_eq!(status, 201, "{number}");
    (assistant["id"].clone(), number["id"].clone())
}

#[tokio::test]
async fn what_the_vendor_refuses_is_refused_in_its_words() {
    let hooks = Receiver::start("{}");
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let model = json!({ "model": { "provider": "openai" } });
    assert_eq!(http.finish(http.any("POST", "/assistant").json(&model)).await.0, 401);
    let (id, number) = assistant(&http, &hooks.url).await;
    for (path, body, message) in [
        ("/assistant", json!({}), "model.provider must be a string"),
        (
            "/assistant",
            json!({ "model": { "provider": "custom-llm", "url": "x" } }),
            "model.url must be a URL address",
        ),
        (
            "/credential",
            json!({ "provider": "custom-llm" }),
            "provider must be custom-llm with apiKey, or webhook with a bearer or hmac plan",
        ),
        (
            "/phone-number",
            json!({ "number": "415" }),
            "number must be a valid phone number in the E.164 format",
        ),
        (
            "/call",
            json!({ "assistantId": id, "phoneNumberId": number, "customer": { "number": "415" } }),
            "customer.number must be a valid phone number in the E.164 format",
        ),
        (
            "/call",
            json!({ "assistantId": id, "phoneNumberId": "x", "customer": { "number": PHONE } }),
            "phoneNumberId must be one of your phone numbers",
        ),
        (
            "/call",
            json!({ "phoneNumberId": number, "customer": { "number": PHONE } }),
            "exactly one of assistantId and assistant is needed",
        ),
    ] {
        let expected = json!({ "message": [message], "error": "Bad Request", "statusCode": 400 });
        assert_eq!(ask(&http, path, body).await, (400, expected), "{path}");
    }
}

#[tokio::test]
async fn a_call_speaks_is_steered_at_its_own_address_and_is_reported() {
    let mut hooks = Receiver::start("{}");
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let (id, number) = assistant(&http, &hooks.url).await;
    let asked = json!({ "assistantId": id, "phoneNumberId": number, "customer": { "number": PHONE },
        "assistantOverrides": { "variableValues": { "name": "Dana" } } });
    let (status, call) = ask(&http, "/call", asked).await;
    assert_eq!(
        (status, &call["status"], &call["type"]),
        (201, &json!("queued"), &json!("outboundPhoneCall"))
    );
    let mut phone = Phone::rings(&http, PHONE, 0).await;
    phone.until("status:ringing").await;
    phone.does("answer", json!({})).await;
    phone.until("heard:Hello Dana.").await;
    let control = call["monitor"]["controlUrl"].as_str().expect("an address");
    let control = control.strip_prefix(&simulator.url).expect("here").to_owned();
    let steer = async |body: Value| http.finish(http.any("POST", &control).json(&body)).await.0;
    assert_eq!(steer(json!({ "type": "control", "control": "mute-assistant" })).await, 400, "not simulated");
    assert_eq!(steer(json!({ "type": "say", "content": "One moment." })).await, 200);
    phone.until("heard:One moment.").await;
    assert_eq!(steer(json!({ "type": "say", "content": "Bye.", "endCallAfterSpoken": true })).await, 200);
    phone.until("ended:assistant-ended-call").await;
    // Ringing, answered, ended, and the report.
    for _ in 0..4 {
        hooks.at("/vapi").await;
    }
    assert_eq!(steer(json!({ "type": "end-call" })).await, 404, "a call that is over is steered by nobody");
}

#[tokio::test]
async fn a_number_without_an_assistant_asks_its_server_and_takes_no_nonsense() {
    let mut hooks = Receiver::start("nonsense");
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    assistant(&http, &hooks.url).await;
    let mut phone = Phone::dials_to(&http, LINE).await;
    hooks.at("/vapi").await;
    phone.until("ended:assistant-request-returned-invalid-assistant").await;
}
