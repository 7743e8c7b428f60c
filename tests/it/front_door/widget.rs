//! The widget's API and socket.

use serde_json::json;
use usher_testkit::{Database, TestServer, http};

use super::USHER;

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
    assert_eq!(foreign.send().await?.status(), 403);
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
    let upload = |key: &str, bytes: &[u8]| {
        let mut body =
            b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../logo.png\"\r\n\r\n"
                .to_vec();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--x--\r\n");
        let url = format!("{base}api/widget/upload?sessionId={session}&field=logo&idempotencyKey={key}");
        client.post(url).header("content-type", "multipart/form-data; boundary=x").body(body).send()
    };
    assert_eq!(upload("k1", b"\x7fELF not a picture").await?.status(), 422);
    assert_eq!(upload("k2", b"\x89PNG\r\n\x1a\n pixels").await?.status(), 200);
    let view = server.widget()?.session().await?.body;
    let fields = view["fields"].as_array().cloned().unwrap_or_default();
    let logo = fields.iter().find(|field| field["id"] == "logo").cloned().unwrap_or_default();
    assert_eq!(logo["answer"]["value"]["name"], "logo.png", "{logo}");
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
    page.respond("business_hours", "Mon-Fri 9-5", "k2").await?;
    let next = later.turns_until(head, head + 1).await?;
    assert_eq!(next[0]["view"]["progress"]["answered"], 2);
    server.stop().await
}
