//! Two processes on one PostgreSQL database: what comes to both takes effect once.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use futures_util::future::{try_join, try_join_all};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;
use usher_testkit::twilio::{Account, message_sid};
use usher_testkit::{Database, TestServer, WidgetClient, eventually, http};

use super::{PATIENCE, USHER};

/// Who waits for a table on this database.
const WAITING: &str = "SELECT COUNT(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
    WHERE NOT l.granted AND d.datname = current_database()";

/// Posts to `base` what was signed for the public address, as a load balancer passes it on.
async fn deliver(account: &Account, base: &str, phone: &str, sid: &str, text: &str) -> Result<u16> {
    let (body, signature) = account.signed(&account.text_from(phone, sid, text));
    let url = format!("{base}api/webhooks/twilio/sms");
    let request = http::client()?.post(url).header("x-twilio-signature", signature).body(body);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await?;
    Ok(answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_comes_a_hundred_times_to_two_processes_is_heard_and_answered_once() -> Result<()> {
    let server = TestServer::demo(USHER, Database::fresh_postgres("nodes").await?).await?;
    let beside = server.beside().await?;
    let (account, phone) = (server.account(), server.ready().client.phone.clone());
    let bases = [server.ready().base_url.as_str(), beside.base()];
    let sid = message_sid(1);
    let copies = (0..100).map(|copy| deliver(&account, bases[copy % 2], &phone, &sid, "Reyes Bakery"));
    let statuses = try_join_all(copies).await?;
    ensure!(statuses.iter().all(|status| [200, 429, 503].contains(status)), "{statuses:?}");
    ensure!(statuses.contains(&200), "{statuses:?}");
    for base in bases {
        let again = deliver(&account, base, &phone, &sid, "Reyes Bakery").await?;
        assert_eq!(again, 200, "a late copy is answered as the first");
        let page = WidgetClient::new(base, &server.ready().session_id)?;
        assert_eq!(page.heard().await?, ["Reyes Bakery"], "heard once, whichever process is asked");
    }
    let simulator = server.simulator()?;
    let texts = eventually("the next question arrives", PATIENCE, async || {
        let lines = simulator.conversation(&phone).await?;
        let texts: Vec<String> = lines.iter().map(|line| line["text"].to_string()).collect();
        Ok(texts.iter().any(|text| text.contains("phone number")).then_some(texts))
    })
    .await?;
    assert_eq!(texts.len(), texts.iter().collect::<BTreeSet<_>>().len(), "nothing is sent twice: {texts:#?}");
    beside.stop().await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_texts_of_somebody_new_make_one_session_whichever_process_they_reach() -> Result<()> {
    let server = TestServer::demo(USHER, Database::fresh_postgres("first").await?).await?;
    let beside = server.beside().await?;
    let (account, stranger) = (server.account(), "+14155550155");
    let bases = [server.ready().base_url.as_str(), beside.base()];
    let number = |nth: usize| message_sid(100 + nth as u64);
    let mut left: Vec<usize> = (0..20).collect();
    // A refusal is the vendor's to repeat.
    while !left.is_empty() {
        let sends = left.iter().map(|&nth| {
            let (account, sid) = (&account, number(nth));
            async move { deliver(account, bases[nth % 2], stranger, &sid, &format!("text-{nth}")).await }
        });
        let statuses = try_join_all(sends).await?;
        ensure!(statuses.iter().all(|status| [200, 429, 503].contains(status)), "{statuses:?}");
        left =
            left.into_iter().zip(statuses).filter(|&(_, status)| status != 200).map(|(nth, _)| nth).collect();
    }
    let replay = server.command(&["replay", "--all", "--json"]).await?;
    let replay: serde_json::Value = serde_json::from_str(&replay)?;
    assert_eq!(replay["sessions"], 2, "the seeded one and one more: {replay}");
    beside.stop().await?;
    server.stop().await
}

/// What became of one text and of a stranger's first text, each given to both processes while neither can write: they
/// read, decide, and wait at the same lock, so that both write on what was true before.
#[derive(Debug, PartialEq, Eq)]
struct Raced {
    heard: usize,
    sessions: u64,
    /// Whether every session is what its journal says when all is over.
    verified: bool,
}

/// Locks a table, gives both processes the same text, and lets them go when both wait.
async fn race(
    url: &Url,
    table: &str,
    account: &Account,
    bases: [&str; 2],
    phone: &str,
    sid: &str,
) -> Result<()> {
    let mut holder = PgConnection::connect(url.as_str()).await?;
    let lock = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
    holder.execute(AssertSqlSafe(lock)).await?;
    let both_wait = eventually("both processes wait", PATIENCE, async || {
        let mut looker = PgConnection::connect(url.as_str()).await?;
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut looker).await?;
        looker.close().await?;
        Ok((waiting >= 2).then_some(()))
    });
    let go = async {
        both_wait.await?;
        holder.execute("COMMIT").await?;
        Ok(())
    };
    let sends = try_join_all(bases.map(|base| deliver(account, base, phone, sid, "Reyes Bakery")));
    let (statuses, ()) = try_join(sends, go).await?;
    ensure!(statuses.iter().all(|status| [200, 429, 500, 503].contains(status)), "{statuses:?}");
    Ok(())
}

/// The race on a database without these indexes.
async fn raced_without(name: &str, indexes: &[&str]) -> Result<Raced> {
    let database = Database::fresh_postgres(name).await?;
    let Database::Postgres(url) = database.clone() else { unreachable!("PostgreSQL was asked for") };
    let server = TestServer::demo(USHER, database).await?;
    let beside = server.beside().await?;
    for index in indexes {
        let drop = format!("DROP INDEX {index}");
        PgConnection::connect(url.as_str()).await?.execute(AssertSqlSafe(drop)).await?;
    }
    let bases = [server.ready().base_url.as_str(), beside.base()];
    let (account, phone) = (server.account(), server.ready().client.phone.clone());
    race(&url, "journal", &account, bases, &phone, &message_sid(1)).await?;
    race(&url, "contacts", &account, bases, "+14155550155", &message_sid(2)).await?;
    let mut looker = PgConnection::connect(url.as_str()).await?;
    looker.execute("SET app.org = '*'").await?;
    let heard: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM journal WHERE dedup_key LIKE '%' || $1")
        .bind(message_sid(1))
        .fetch_one(&mut looker)
        .await?;
    let sessions: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sessions").fetch_one(&mut looker).await?;
    beside.stop().await?;
    let verified = server.stop().await.is_ok();
    Ok(Raced { heard: usize::try_from(heard)?, sessions: sessions.unsigned_abs(), verified })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_write_at_the_same_moment_write_once() -> Result<()> {
    assert_eq!(raced_without("raced", &[]).await?, Raced { heard: 1, sessions: 2, verified: true });
    Ok(())
}

/// The broken variant: without the unique keys both make the stranger's session, and the check above would say so. (What
/// becomes of a text that is recorded twice, the store's tests show without the chance of a report in between.)
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_write_at_the_same_moment_write_twice_without_the_unique_keys() -> Result<()> {
    assert_eq!(raced_without("unguarded", &["contacts_phone", "sessions_open"]).await?.sessions, 3);
    Ok(())
}
