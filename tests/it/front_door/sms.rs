//! Text messages: what is signed is taken once, what is not leaves no trace.

use usher_testkit::twilio::message_sid;
use usher_testkit::{Database, TestServer, eventually, http};

use super::{PATIENCE, USHER};

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_text_is_answered_on_the_handset() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let phone = server.ready().client.phone.clone();
    let simulator = server.simulator()?;
    let lines = || async { simulator.conversation(&phone).await };
    eventually("the greeting arrives", PATIENCE, || async { Ok((!lines().await?.is_empty()).then_some(())) })
        .await?;
    simulator.text(&phone, &server.account().number, "Reyes Bakery").await?;
    let told = eventually("the next question arrives", PATIENCE, || async {
        Ok(lines().await?.into_iter().find(|line| line["text"].to_string().contains("phone number")))
    })
    .await?;
    assert_eq!(told["mine"], false);
    let session = server.widget()?.session().await?.body;
    assert_eq!(session["fields"][0]["answer"]["value"], "Reyes Bakery");
    assert_eq!(session["fields"][0]["answer"]["channel"], "sms");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_webhook_takes_effect_once() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (account, client, phone) = (server.account(), http::client()?, server.ready().client.phone.clone());
    let sid = message_sid(1);
    for _ in 0..3 {
        assert_eq!(account.deliver(&client, &phone, &sid, "Reyes Bakery").await?, 200);
    }
    let session = server.widget()?.session().await?.body;
    let heard = session["transcript"]
        .as_array()
        .map_or(0, |lines| lines.iter().filter(|line| line["from"] == "client").count());
    assert_eq!(heard, 1, "{session}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_not_signed_as_it_stands_is_refused_and_changes_nothing() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (account, client, phone) = (server.account(), http::client()?, server.ready().client.phone.clone());
    let form = account.text_from(&phone, &message_sid(2), "Evil Inc");
    let (body, signature) = account.signed(&form);
    let before = server.widget()?.session().await?.body["transcript"].clone();
    let other = usher_testkit::twilio::signature("another token", &account.sms_url, &form);
    let over = |url: String| Some(usher_testkit::twilio::signature(&account.auth_token, &url, &form));
    let port = server.ready().base_url.port().map_or_else(String::new, |port| format!(":{port}/"));
    let attempts = [
        (body.clone(), Some(String::new()), "an empty signature"),
        (body.clone(), over(format!("{}/", account.sms_url)), "a slash at the address's end"),
        (body.clone(), over(account.sms_url.replace("/sms", "/SMS")), "an address in other letters"),
        (body.clone(), over(account.sms_url.replace(&port, ":1/")), "another port"),
        (body.clone(), over(account.sms_url.replace("127.0.0.1", "elsewhere.example")), "another host"),
        (body.clone(), over(account.sms_url.replace("http:", "https:")), "another scheme"),
        (body.clone(), over(format!("{}?a=1", account.sms_url)), "another query"),
        (body.clone(), None, "no signature"),
        (body.clone(), Some(other), "another token"),
        (body.clone(), Some(signature[1..].to_owned()), "a short signature"),
        (body.replace("Evil", "Good"), Some(signature.clone()), "another body"),
        (body.replace("%2B14155550100", "%2B14155550999"), Some(signature.clone()), "another number"),
        (format!("{body}&Body=again"), Some(signature), "a repeated parameter"),
    ];
    for (body, signature, what) in attempts {
        let mut request = client
            .post(&account.sms_url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "elsewhere.example")
            .header("x-forwarded-host", "elsewhere.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-port", "1");
        if let Some(signature) = signature {
            request = request.header("x-twilio-signature", signature);
        }
        let answer = request.body(body).send().await?;
        assert_eq!(answer.status(), 403, "{what}");
        let problem: serde_json::Value = answer.json().await?;
        assert_eq!(problem["id"], "invalid-signature", "{what}");
        assert!(problem["correlation_id"].is_string(), "{what}");
    }
    assert_eq!(server.widget()?.session().await?.body["transcript"], before);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_texts_gets_a_session_of_their_own() -> anyhow::Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let simulator = server.simulator()?;
    let stranger = "+14155550177";
    simulator.text(stranger, &server.account().number, "hello?").await?;
    eventually("the stranger is answered", PATIENCE, || async {
        let lines = simulator.conversation(stranger).await?;
        Ok(lines.iter().any(|line| line["mine"] == false).then_some(()))
    })
    .await?;
    server.stop().await
}
