//! What HTTP itself allows and clients get wrong: methods, heads without bodies, bodies without ends, no HTTP at all.

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use usher_testkit::{Database, TestServer, http};

use super::USHER;

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_refused_with_those_that_are_known() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (base, client) = (server.ready().base_url.clone(), http::client()?);
    let link = server.ready().widget_url.path().trim_start_matches('/').to_owned();
    for (method, path, allow) in [
        ("DELETE", "healthz", "GET, HEAD"),
        ("POST", "metrics", "GET, HEAD"),
        ("PUT", "api/widget/response", "POST"),
        ("HEAD", "api/widget/response", "POST"),
        ("GET", "api/webhooks/twilio/sms", "POST"),
        ("OPTIONS", "api/webhooks/twilio/status", "POST"),
        ("PATCH", link.as_str(), "GET, HEAD"),
    ] {
        let answer = client.request(method.parse()?, format!("{base}{path}")).send().await?;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["allow"]),
            (405, &allow.parse()?),
            "{method} {path}"
        );
    }
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn head_tells_what_get_would_and_sends_no_body() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (base, client) = (server.ready().base_url.clone(), http::client()?);
    let link = server.ready().widget_url.path().trim_start_matches('/').to_owned();
    for path in
        ["healthz", "readyz", "version", "openapi.json", link.as_str(), "s/lnk_00000000000000000000000000"]
    {
        let get = client.get(format!("{base}{path}")).send().await?;
        let head = client.head(format!("{base}{path}")).send().await?;
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length", "cache-control", "content-security-policy"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path}: {name}");
        }
        assert!(head.bytes().await?.is_empty(), "{path}");
    }
    server.stop().await
}

/// What the server says to these bytes before it closes. A close on bytes it did not want to read may cut its own words.
async fn says(server: &TestServer, bytes: &[u8]) -> Result<String> {
    let base = &server.ready().base_url;
    let mut stream = TcpStream::connect(&*base.socket_addrs(|| None)?).await?;
    let mut answer = Vec::new();
    if stream.write_all(bytes).await.is_ok() && stream.shutdown().await.is_ok() {
        let _ = stream.read_to_end(&mut answer).await;
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_closed_and_leaves_no_trace() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let before = server.widget()?.session().await?.body["transcript"].clone();
    let post = "POST /api/widget/response HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let endless = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(200_000));
    for (bytes, status) in [
        ("GARBAGE\r\n\r\n".to_owned(), 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(), 400),
        (format!("{post}content-length: -1\r\n\r\n"), 400),
        (format!("{post}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"), 400),
        (format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
    ] {
        let answer = says(&server, bytes.as_bytes()).await?;
        let head = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&head) && answer.contains("connection: close"), "{bytes:.60}: {answer}");
    }
    let answer = says(&server, endless.as_bytes()).await?;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    for half in [
        "content-length: 900\r\n\r\n{\"sessionId\":",
        "transfer-encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    ] {
        let answer = says(&server, format!("{post}{half}").as_bytes()).await?;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"id\":\"malformed-request\""),
            "{answer}"
        );
    }
    assert_eq!(server.widget()?.session().await?.body["transcript"], before);
    server.stop().await
}
