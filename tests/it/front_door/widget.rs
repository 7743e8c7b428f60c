//! The widget's API and socket.

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use usher_testkit::{Database, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// Turns that go to a page before it must acknowledge one.
const WINDOW: usize = usher_channels::widget::ACK_WINDOW;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_answer_is_answered_as_the_first_time() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let page = server.widget()?;
    let first = page.respond("business_name", "Reyes Bakery", "k1").await?;
    assert_eq!((first.status, &first.body["action"]), (200, &json!("next")));
    page.respond("business_hours", "Mon-Fri 9-5", "k2").await?;
    assert_eq!(page.respond("business_name", "Reyes Bakery", "k1").await?.body, first.body);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_names_the_field_and_says_how_to_put_it() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let page = server.widget()?;
    let refused = page.respond("business_phone", "twelve", "k1").await?;
    assert_eq!((refused.status, &refused.body["id"]), (422, &json!("invalid-answer")));
    assert_eq!(refused.body["errors"][0]["field"], "business_phone");
    assert!(refused.body["correlation_id"].is_string());
    assert_eq!(page.respond("no_such_field", "x", "k2").await?.status, 404);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_unknown_sessions_and_oversize_bodies_are_refused() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (base, session) = (server.ready().base_url.clone(), server.ready().session_id.clone());
    let client = http::client()?;
    let at = |path: &str| format!("{base}{path}");
    let foreign =
        client.get(at(&format!("api/widget/session/{session}"))).header("origin", "https://evil.test");
    let foreign = foreign.send().await?;
    assert_eq!(foreign.status(), 403);
    assert_eq!(
        foreign.headers()["access-control-allow-origin"],
        "https://evil.test",
        "the page may read why"
    );
    let problem: serde_json::Value = foreign.json().await?;
    assert_eq!(problem["id"], "origin-not-allowed");
    assert!(!problem.to_string().contains(&session), "{problem}");
    let own = base.as_str().trim_end_matches('/');
    let ours = client.get(at(&format!("api/widget/session/{session}"))).header("origin", own).send().await?;
    assert_eq!(ours.headers()["access-control-allow-origin"], own);
    assert_eq!(client.get(at("api/widget/session/lnk_00000000000000000000")).send().await?.status(), 404);
    let large = client.post(at("api/widget/response")).json(&json!({ "text": "x".repeat(100_000) }));
    assert_eq!(large.send().await?.status(), 413);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_becomes_the_answer_and_programs_are_refused() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let base = server.ready().base_url.clone();
    let session = &server.ready().session_id;
    let client = http::client()?;
    let upload_to = |field: &str, key: &str, bytes: &[u8]| {
        let mut body =
            b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../logo.png\"\r\n\r\n"
                .to_vec();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--x--\r\n");
        let url = format!("{base}api/widget/upload?sessionId={session}&field={field}&idempotencyKey={key}");
        client.post(url).header("content-type", "multipart/form-data; boundary=x").body(body).send()
    };
    let picture = b"\x89PNG\r\n\x1a\n pixels";
    assert_eq!(upload_to("business_name", "k0", picture).await?.status(), 422, "it wants words");
    assert_eq!(upload_to("no_such_field", "k0", picture).await?.status(), 404);
    assert_eq!(upload_to("logo", "k1", b"\x7fELF not a picture").await?.status(), 422);
    let mp4 = b"\0\0\0\x18ftypmp42 a film where a picture is wanted";
    assert_eq!(upload_to("logo", "k1", mp4).await?.status(), 422);
    for _ in 0..2 {
        assert_eq!(upload_to("logo", "k2", picture).await?.status(), 200);
    }
    let view = server.widget()?.session().await?.body;
    let fields = view["fields"].as_array().cloned().unwrap_or_default();
    let logo = fields.iter().find(|field| field["id"] == "logo").cloned().unwrap_or_default();
    assert_eq!(logo["answer"]["value"]["name"], "logo.png", "{logo}");

    let key = std::fs::read_to_string(server.data_dir().join("operator.key"))?;
    let file = logo["answer"]["value"]["file"].as_str().unwrap_or_default().to_owned();
    let read = |session: &str, key: &str| {
        client.get(format!("{base}api/sessions/{session}/files/{file}")).bearer_auth(key).send()
    };
    assert_eq!(read(session, "not the key, but as long").await?.status(), 401);
    assert_eq!(read("ses_00000000000000000000000000", &key).await?.status(), 404, "somebody else's");
    let read = read(session, &key).await?;
    assert_eq!((read.status().as_u16(), &read.headers()["content-type"]), (200, &"image/png".parse()?));
    let shown = read.headers()["content-disposition"].to_str()?;
    assert!(shown.starts_with("attachment") && shown.contains("logo.png"), "{shown}");
    assert_eq!(read.headers()["x-content-type-options"], "nosniff");
    assert_eq!(&read.bytes().await?[..], picture);
    server.stop().await
}

/// Uploads that stall hold their places, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_stall_keep_only_their_own_session_from_uploading() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let base = server.ready().base_url.clone();
    let (client, session) = (http::client()?, server.ready().session_id.clone());
    let other = server.strangers(1).await?.remove(0).session().await?.body["session"]["id"].clone();
    let other = other.as_str().unwrap_or_default().to_owned();
    let path = |session: &str, key: &str| {
        format!("api/widget/upload?sessionId={session}&field=logo&idempotencyKey={key}")
    };
    let upload = |session: &str| {
        let body = b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"logo.png\"\r\n\r\n\
            \x89PNG\r\n\x1a\n pixels\r\n--x--\r\n";
        let request = client.post(format!("{base}{}", path(session, "k1")));
        request.header("content-type", "multipart/form-data; boundary=x").body(body.to_vec()).send()
    };
    // Each holds a place from the moment it is heard, which nothing tells from outside: one more, until there is none left.
    let mut stalled = Vec::new();
    let refused = loop {
        assert!(stalled.len() < 100, "there is always another place");
        let number = stalled.len();
        let mut socket =
            TcpStream::connect((base.host_str().unwrap_or_default(), base.port().unwrap_or(80))).await?;
        let head = format!(
            "POST /{} HTTP/1.1\r\nhost: usher\r\ncontent-type: multipart/form-data; boundary=x\r\n\
             content-length: 1000000\r\n\r\n--x\r\n",
            path(&session, &format!("slow{number}"))
        );
        socket.write_all(head.as_bytes()).await?;
        stalled.push(socket);
        let answer = upload(&session).await?;
        if answer.status() != 200 {
            break answer;
        }
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(upload(&other).await?.status(), 200, "another session");
    drop(stalled);
    eventually("the places are free again", PATIENCE, || async {
        Ok((upload(&session).await?.status() == 200).then_some(()))
    })
    .await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_so_many_open_pages_and_room_again_when_one_is_left() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let page = server.widget()?;
    let mut open = Vec::new();
    for _ in 0..256 {
        open.push(page.watch(0).await?);
    }
    assert!(page.watch(0).await.is_err(), "one too many");
    drop(open);
    eventually("room again", PATIENCE, || async { Ok(page.watch(0).await.ok()) }).await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_gets_every_turn_it_missed() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let page = server.widget()?;
    page.respond("business_name", "Reyes Bakery", "k1").await?;
    let head = page.session().await?.body["session"]["seq"].as_u64().unwrap_or(0);
    let mut socket = page.watch(0).await?;
    assert_eq!(socket.turns_until(0, head).await?.len() as u64, head);
    let mut later = page.watch(head).await?;
    // What became of the first text is a turn, too, and may come in between.
    let seq = page.respond("business_hours", "Mon-Fri 9-5", "k2").await?.body["seq"].as_u64().unwrap_or(0);
    let next = later.turns_until(head, seq).await?;
    assert_eq!(next.last().map(|turn| &turn["view"]["progress"]["answered"]), Some(&json!(2)));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() -> anyhow::Result<()> {
    let server = TestServer::demo_with(USHER, Database::Sqlite, &["--rate-per-address", "1"]).await?;
    let url = format!("{}s/lnk_00000000000000000000000000000000", server.ready().base_url);
    let client = http::client()?;
    // The burst is ten: this many requests cannot all pass while they take less than a minute.
    for _ in 0..70 {
        let answer = client.get(&url).header("x-forwarded-for", "203.0.113.9").send().await?;
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
            let problem: serde_json::Value = answer.json().await?;
            assert_eq!(problem["id"], "rate-limited");
            return server.stop().await;
        }
        assert_eq!(answer.status(), 404);
    }
    anyhow::bail!("nobody was refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_a_problem_and_record_nothing() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (base, client) = (server.ready().base_url.clone(), http::client()?);
    let before = server.widget()?.session().await?.body["transcript"].clone();
    let post = |path: &str| client.post(format!("{base}{path}"));
    let get = |path: &str| client.get(format!("{base}{path}"));
    let json = "application/json";
    let session = &server.ready().session_id;
    let attempts = [
        (post("api/widget/response").header("content-type", json).body("{bad"), 400, "malformed-request"),
        (
            post("api/widget/response").header("content-type", "text/plain").body("{}"),
            400,
            "malformed-request",
        ),
        (
            post("api/widget/response").json(&json!({ "sessionId": session, "text": "no key" })),
            400,
            "malformed-request",
        ),
        (get("api/widget/response"), 405, "method-not-allowed"),
        (get("api/webhooks/twilio/sms"), 405, "method-not-allowed"),
        (get(&format!("ws/widget?session={session}")), 400, "malformed-request"),
        (get("ws/widget"), 400, "malformed-request"),
        (get("w/..%2f..%2fCargo.toml"), 404, "not-found"),
        (get("nowhere"), 404, "not-found"),
    ];
    for (request, status, id) in attempts {
        let answer = request.send().await?;
        let url = answer.url().to_string();
        assert_eq!(answer.status(), status, "{url}");
        assert!(answer.headers().contains_key("x-correlation-id"), "{url}");
        let problem: serde_json::Value = answer.json().await?;
        assert_eq!(problem["id"], id, "{url}");
        assert!(problem["correlation_id"].is_string(), "{url}");
    }
    assert_eq!(server.widget()?.session().await?.body["transcript"], before);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_never_reads_is_cut_and_the_others_miss_nothing() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let page = server.widget()?;
    let since = page.session().await?.body["session"]["seq"].as_u64().unwrap_or(0);
    let (mut silent, mut good) = (page.watch(since).await?, page.watch(since).await?);
    let mut last = since;
    // More than a window that waits for acknowledgement and a window that waits to be sent.
    for number in 0..2 * WINDOW + 8 {
        let told = page.respond("business_name", &format!("Bakery {number}"), &format!("k{number}")).await?;
        let seq = told.body["seq"].as_u64().unwrap_or(0);
        good.turns_until(last, seq).await?;
        last = seq;
    }
    let mut turns = 0;
    let closing = loop {
        let frame = silent.next().await?;
        if frame["type"] == "closing" {
            break frame;
        }
        turns += usize::from(frame["type"] == "turn");
    };
    assert_eq!(closing["reason"], "slow");
    assert!(turns <= WINDOW, "{turns} turns went to a page that acknowledged none");
    server.stop().await
}
