//! What the API refuses, and what it shows.

use serde_json::json;

use crate::support::{
    ACCOUNT, Http, LANDLINE, NUMBER, PHONE, POOLED, Receiver, SERVICE, TOKEN, account, start,
};

#[tokio::test]
async fn requests_without_the_right_credentials_are_refused() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    for request in [
        http.request(&path),
        http.request(&path).basic_auth(ACCOUNT, Some("wrong")),
        http.request(&path).basic_auth(ACCOUNT, None::<&str>),
        http.request(&path).basic_auth("ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Some(TOKEN)),
        http.request(&path).bearer_auth(TOKEN),
    ] {
        let (status, body) = http.finish(request).await;
        assert_eq!((status, &body["code"], &body["status"]), (401, &json!(20003), &json!(401)));
    }
    let other = http.request("/2010-04-01/Accounts/ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/Messages.json");
    let (status, body) = http.finish(other.basic_auth(ACCOUNT, Some(TOKEN))).await;
    assert_eq!((status, &body["code"]), (404, &json!(20404)));
}

#[tokio::test]
async fn wrong_messages_are_refused_with_the_vendors_codes() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let long = "a".repeat(1601);
    let valid = [("To", PHONE), ("From", NUMBER), ("Body", "hi")];
    for (code, changes) in [
        (21604, vec![("To", "")]),
        (21603, vec![("From", "")]),
        (21602, vec![("Body", "")]),
        (21211, vec![("To", "+1555")]),
        (21212, vec![("From", "not a sender!")]),
        (21606, vec![("From", "+14155559999")]),
        (21266, vec![("To", NUMBER)]),
        (21617, vec![("Body", long.as_str())]),
        (21614, vec![("To", LANDLINE)]),
        (21609, vec![("StatusCallback", "http://under_score.example/x")]),
        (21620, vec![("MediaUrl", "ftp://x")]),
        (21701, vec![("MessagingServiceSid", "MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")]),
        (35111, vec![("SendAt", "2026-09-21T16:00:00Z")]),
    ] {
        let mut form: Vec<_> =
            valid.into_iter().filter(|(name, _)| !changes.iter().any(|(n, _)| n == name)).collect();
        form.extend(changes);
        let (status, body) = http.create(&form).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{body}");
        assert_eq!(body["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    }
    let (status, _) = http.create(&[&valid[..], &[("NewParameter", "x")]].concat()).await;
    assert_eq!(status, 201, "unknown parameters are tolerated");
}

#[tokio::test]
async fn a_created_message_is_shown_as_the_vendor_shows_it() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let (status, message) = http.create(&[("To", PHONE), ("From", NUMBER), ("Body", "Hello! 👍")]).await;
    assert_eq!(status, 201);
    let sid = message["sid"].as_str().expect("an id");
    let uri = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}");
    let date = message["date_created"].as_str().expect("a date");
    assert!(date.ends_with("+0000") && date.contains(" 2026 "), "{date}");
    assert_eq!(
        message,
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "Hello! 👍",
            "date_created": date, "date_sent": null, "date_updated": date,
            "direction": "outbound-api", "error_code": null, "error_message": null,
            "from": NUMBER, "to": PHONE, "messaging_service_sid": null,
            "num_media": "0", "num_segments": "1", "price": null, "price_unit": "USD",
            "sid": sid, "status": "queued",
            "subresource_uris": { "media": format!("{uri}/Media.json") },
            "uri": format!("{uri}.json"),
        })
    );
    let (_, through_service) =
        http.create(&[("To", PHONE), ("MessagingServiceSid", SERVICE), ("Body", "hi")]).await;
    assert_eq!(through_service["status"], "accepted");
    assert_eq!(through_service["from"], json!(null));
    assert_eq!(through_service["num_segments"], "0");
}

#[tokio::test]
async fn an_account_can_see_itself_and_no_other() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let fetch = |sid: &str| http.request(&format!("/2010-04-01/Accounts/{sid}.json"));
    let (status, own) = http.finish(fetch(ACCOUNT).basic_auth(ACCOUNT, Some(TOKEN))).await;
    assert_eq!((status, &own["status"]), (200, &json!("active")));
    let other = ACCOUNT.replace('a', "b");
    assert_eq!(http.finish(fetch(&other).basic_auth(ACCOUNT, Some(TOKEN))).await.0, 404);
    assert_eq!(http.finish(fetch(ACCOUNT).basic_auth(ACCOUNT, Some("wrong"))).await.0, 401);
}

#[tokio::test]
async fn the_list_filters_pages_and_forgets_deleted_messages() {
    let mut receiver = Receiver::start("");
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let callback = format!("{}/status", receiver.url);
    for body in ["one", "two", "three"] {
        http.create(&[("To", PHONE), ("From", NUMBER), ("Body", body), ("StatusCallback", &callback)]).await;
        receiver.until_status("delivered").await;
    }
    let bodies = |page: &serde_json::Value| -> Vec<String> {
        let messages = page["messages"].as_array().expect("a list");
        messages.iter().map(|message| message["body"].as_str().expect("text").to_owned()).collect()
    };
    let (_, first) = http.api("GET", "Messages.json?To=%2B14155550100&PageSize=2", &[]).await;
    assert_eq!(bodies(&first), ["three", "two"]);
    let next = first["next_page_uri"].as_str().expect("another page");
    let (_, second) = http.finish(http.request(next).basic_auth(ACCOUNT, Some(TOKEN))).await;
    assert_eq!(bodies(&second), ["one"]);
    assert_eq!(second["next_page_uri"], json!(null));
    let back = second["previous_page_uri"].as_str().expect("the page before");
    let (_, again) = http.finish(http.request(back).basic_auth(ACCOUNT, Some(TOKEN))).await;
    assert_eq!(bodies(&again), bodies(&first));
    assert_eq!(again["previous_page_uri"], json!(null));

    for (query, count) in [
        ("From=%2B14155550101", 3),
        ("From=%2B14155550102", 0),
        ("DateSent=2026-09-21", 3),
        // How the official libraries write the day.
        ("DateSent=2026-09-21T00%3A00%3A00Z", 3),
        ("DateSent%3E=2026-09-22", 0),
        ("DateSent%3C=2026-09-21&DateSent%3E=2026-09-21", 3),
    ] {
        let (_, page) = http.api("GET", &format!("Messages.json?{query}"), &[]).await;
        assert_eq!(bodies(&page).len(), count, "{query}");
    }

    let sid = second["messages"][0]["sid"].as_str().expect("an id");
    let path = format!("Messages/{sid}.json");
    assert_eq!(http.api("POST", &path, &[("Body", "")]).await.1["body"], "");
    assert_eq!(http.api("DELETE", &path, &[]).await.0, 204);
    assert_eq!(http.api("GET", &path, &[]).await.0, 404);
}

#[tokio::test]
async fn a_scheduled_message_can_be_called_back() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let form = [
        ("To", PHONE),
        ("MessagingServiceSid", SERVICE),
        ("Body", "later"),
        ("ScheduleType", "fixed"),
        ("SendAt", "2026-09-22T00:00:00Z"),
    ];
    let (status, message) = http.create(&form).await;
    assert_eq!((status, &message["status"]), (201, &json!("scheduled")), "{message}");
    let path = format!("Messages/{}.json", message["sid"].as_str().expect("an id"));
    assert_eq!(http.api("POST", &path, &[("Status", "canceled")]).await.1["status"], "canceled");
    assert_eq!(http.api("POST", &path, &[("Status", "canceled")]).await.0, 400);
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused() {
    let mut receiver = Receiver::start("");
    let mut narrow = account(None);
    narrow.max_concurrent = 1;
    let simulator = start(narrow);
    let http = Http::to(&simulator);
    http.fault(json!({"kind": "accept_then_timeout"})).await;
    let callback = format!("{}/status", receiver.url);
    let first = [("To", PHONE), ("From", NUMBER), ("Body", "hi"), ("StatusCallback", &callback)];
    tokio::select! {
        answer = http.create(&first) => panic!("{answer:?}"),
        // The message is delivered and its request still has no answer.
        _ = receiver.until_status("delivered") => {}
    }
    let (status, body) = Http::to(&simulator).create(&first).await;
    assert_eq!((status, &body["code"]), (429, &json!(20429)));
}

#[tokio::test]
async fn a_full_queue_is_refused() {
    let mut slow = account(None);
    slow.numbers[0].segments_per_second = 0.00001;
    let simulator = start(slow);
    let http = Http::to(&simulator);
    let form = [("To", PHONE), ("From", NUMBER), ("Body", "hi")];
    // One message keeps the queue busy for more than ten hours.
    let (mut status, mut body) = http.create(&form).await;
    while status == 201 {
        (status, body) = http.create(&form).await;
    }
    assert_eq!((status, &body["code"]), (400, &json!(21611)));
    let pooled = [("To", PHONE), ("From", POOLED), ("Body", "hi")];
    assert_eq!(http.create(&pooled).await.0, 201, "other numbers have their own queue");
}

#[tokio::test]
async fn callbacks_come_in_order_unless_asked_otherwise() {
    let mut receiver = Receiver::start("");
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    let callback = format!("{}/status", receiver.url);
    let form =
        |body| [("To", PHONE), ("From", NUMBER), ("Body", body), ("StatusCallback", callback.as_str())];

    http.fault(json!({"kind": "reorder_callbacks"})).await;
    http.create(&form("reordered")).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(receiver.next().await.get("MessageStatus").expect("a status").to_owned());
    }
    assert_eq!(heard, ["delivered", "sent", "sending"]);

    http.fault(json!({"kind": "undelivered", "error_code": 30003})).await;
    http.create(&form("refused")).await;
    assert_eq!(receiver.until_status("undelivered").await.get("ErrorCode"), Some("30003"));

    http.fault(json!({"kind": "drop_callbacks", "match": {"body": "silent"}})).await;
    http.create(&form("silent")).await;
    http.fault(json!({"kind": "duplicate_callbacks"})).await;
    let (_, message) = http.create(&form("twice")).await;
    for _ in 0..6 {
        assert_eq!(receiver.next().await.get("MessageSid"), message["sid"].as_str());
    }
}

#[tokio::test]
async fn the_control_api_says_what_is_wrong_with_a_request() {
    let simulator = start(account(None));
    let http = Http::to(&simulator);
    for (path, body) in [
        ("faults", json!({"kind": "earthquake"})),
        ("faults", json!({"kind": "rate_limited", "match": {"recipient": "x"}})),
        ("faults", json!({"kind": "rate_limited", "probability": 2.0})),
        ("accounts", json!({"account_sid": ACCOUNT})),
        ("numbers", json!({"account_sid": ACCOUNT, "number": "0101"})),
        ("handsets/0/messages", json!({"to": NUMBER, "body": "hi"})),
        ("handsets/14155550100/messages", json!({"to": "+14155558888", "body": "hi"})),
        ("handsets/14155550100/messages", json!({"to": NUMBER})),
    ] {
        let (status, answer) = http.sim("POST", path, Some(body.clone())).await;
        assert_eq!(status, 400, "{path} {body}");
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}");
    }
}
