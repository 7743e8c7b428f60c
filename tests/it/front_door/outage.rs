//! The database goes away, falls silent, or is full: nothing is acknowledged, callers are told when to come back, and
//! when it is there again everything goes on by itself, each input once.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use usher_testkit::proxy::Door;
use usher_testkit::twilio::message_sid;
use usher_testkit::{Database, TestServer, eventually, http};

use super::{PATIENCE, USHER};

/// Longer than the server waits for a database that says nothing.
const SILENCE: Duration = Duration::from_secs(40);
/// Makes PostgreSQL refuse new turns as it does when a file of its own cannot grow. A test cannot fill the disk of
/// the whole test run.
const FILL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$; \
    CREATE TRIGGER full_disk BEFORE INSERT ON journal EXECUTE FUNCTION full_disk()";

const END_CONNECTIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user";

/// Refused: nothing was recorded, and the caller knows when to try again.
async fn assert_come_back(answer: reqwest::Response) -> Result<()> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let problem: Value = answer.json().await?;
    ensure!(status == 503 && problem["id"] == "store-unavailable", "{status} {problem}");
    let seconds: u64 = headers.get("retry-after").context("when to come back")?.to_str()?.parse()?;
    ensure!((1..=60).contains(&seconds) && problem["retryable"] == true, "{seconds} {problem}");
    Ok(())
}

/// One answer from the page and one text, tried while the database is gone and again when it is back.
async fn refused_then_taken_once(
    server: TestServer,
    close: impl AsyncFnOnce() -> Result<()>,
    open: impl AsyncFnOnce() -> Result<()>,
) -> Result<()> {
    let (client, account, phone) = (http::client()?, server.account(), server.ready().client.phone.clone());
    let base = server.ready().base_url.clone();
    let session = server.ready().session_id.clone();
    let patient = reqwest::Client::builder().no_proxy().timeout(SILENCE).build()?;
    let typed = || {
        let body =
            serde_json::json!({ "sessionId": session, "text": "my name is Dana", "idempotencyKey": "typed" });
        patient.post(format!("{base}api/widget/response")).json(&body).send()
    };
    let (form, signature) = account.signed(&account.text_from(&phone, &message_sid(77), "texted words"));
    let texted = || {
        let request = patient.post(&account.sms_url).header("x-twilio-signature", &signature);
        request.header("content-type", "application/x-www-form-urlencoded").body(form.clone()).send()
    };
    // The session is in memory, so that the answer of the page fails where it would be made durable.
    let before = server.widget()?.heard().await?;

    close().await?;
    assert_come_back(typed().await?).await?;
    assert_come_back(texted().await?).await?;
    ensure!(client.get(format!("{base}healthz")).send().await?.status() == 200, "the process lives");

    open().await?;
    eventually("the server takes inputs again by itself", SILENCE, async || {
        let (typed, texted) = (typed().await?.status(), texted().await?.status());
        Ok((typed == 200 && texted == 200).then_some(()))
    })
    .await?;
    eventually("the server wants traffic again", PATIENCE, async || {
        Ok((client.get(format!("{base}readyz")).send().await?.status() == 200).then_some(()))
    })
    .await?;
    let after = server.widget()?.heard().await?;
    assert_eq!(after.len(), before.len() + 2, "each once, and nothing of the refused tries: {after:?}");
    assert_eq!(after.iter().collect::<BTreeSet<_>>().len(), after.len(), "{after:?}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_told_and_waited_for() -> Result<()> {
    let (database, door) = Database::fresh_postgres("down").await?.behind_a_door().await?;
    let server = TestServer::demo(USHER, database).await?;
    let base = server.ready().base_url.clone();
    let close = async || {
        door.set(Door::Shut);
        let ready = http::client()?.get(format!("{base}readyz")).send().await?;
        ensure!(ready.status() == 503, "no traffic is wanted");
        Ok(())
    };
    let open = async || {
        door.set(Door::Open);
        Ok(())
    };
    refused_then_taken_once(server, close, open).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_fell_silent_is_told_and_waited_for() -> Result<()> {
    let (database, door) = Database::fresh_postgres("silent").await?.behind_a_door().await?;
    let server = TestServer::demo(USHER, database).await?;
    let set = |state| {
        let door = &door;
        async move || {
            door.set(state);
            Ok(())
        }
    };
    refused_then_taken_once(server, set(Door::Silent), set(Door::Open)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_postgres_is_told_and_waited_for() -> Result<()> {
    let database = Database::fresh_postgres("full").await?;
    let Database::Postgres(url) = database.clone() else { unreachable!("PostgreSQL was asked for") };
    let server = TestServer::demo(USHER, database).await?;
    let fill = async || {
        PgConnection::connect(url.as_str()).await?.execute(FILL).await?;
        Ok(())
    };
    let make_room = async || {
        PgConnection::connect(url.as_str()).await?.execute("DROP TRIGGER full_disk ON journal").await?;
        Ok(())
    };
    refused_then_taken_once(server, fill, make_room).await
}

/// As after a failover to a copy that must not be written to.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_became_read_only_is_told_and_waited_for() -> Result<()> {
    let database = Database::fresh_postgres("readonly").await?;
    let Database::Postgres(url) = database.clone() else { unreachable!("PostgreSQL was asked for") };
    let name = url.path().trim_start_matches('/').to_owned();
    let server = TestServer::demo(USHER, database).await?;
    // A setting of the database holds for new connections: those that are open end with the old one.
    let alter = async |setting: &str| {
        let mut connection = PgConnection::connect(url.as_str()).await?;
        connection.execute(AssertSqlSafe(format!("ALTER DATABASE {name} {setting}"))).await?;
        connection.execute(END_CONNECTIONS).await?;
        Ok(())
    };
    let close = async || alter("SET default_transaction_read_only = on").await;
    let open = async || {
        let mut connection = PgConnection::connect(url.as_str()).await?;
        connection.execute("SET default_transaction_read_only = off").await?;
        let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
        connection.execute(AssertSqlSafe(reset)).await?;
        connection.execute(END_CONNECTIONS).await?;
        Ok(())
    };
    refused_then_taken_once(server, close, open).await
}

/// The broken variant: a database that goes on taking turns fails the check above.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_is_none_is_found_out() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let found = refused_then_taken_once(server, async || Ok(()), async || Ok(())).await;
    assert!(found.is_err_and(|error| error.to_string().starts_with("200 OK")));
    Ok(())
}

/// The size no file of the process may grow beyond from now on.
fn limit_files(pid: u32, bytes: &str) -> Result<()> {
    let limit = format!("--fsize={bytes}:unlimited");
    let limited = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status()?;
    ensure!(limited.success(), "prlimit: {limited}");
    Ok(())
}

/// A limit on file sizes stands in for a disk that is full: to the server both are writes that fail until there is room.
/// (The store's tests fill the database itself.)
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_sqlite_is_told_and_waited_for() -> Result<()> {
    let server = TestServer::demo(USHER, Database::Sqlite).await?;
    let (pid, log) = (server.pid().context("it runs")?, server.data_dir().join("usher.db-wal"));
    let fill = async || limit_files(pid, &(std::fs::metadata(&log)?.len() + 1).to_string());
    let make_room = async || limit_files(pid, "unlimited");
    refused_then_taken_once(server, fill, make_room).await
}
