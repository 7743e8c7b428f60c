//! SIGKILL at random instants: what was acknowledged is there once, what was answered is not asked, what was sent is
//! not sent again. `USHER_CRASH_KILLS` and `USHER_TEST_SEED` make longer and other runs.

mod audit;
mod auditor;
mod call_audit;
mod call_auditor;
mod calls;
mod clients;
mod journals;
mod points;
mod reported;
mod spoken;
mod spoken_audit;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use usher_testkit::seed::rounds;
use usher_testkit::twilio::message_sid;
use usher_testkit::{Database, Seed, TestServer, WidgetClient};

use audit::{History, audit};
use clients::{Acknowledged, Person, vendor_log};

/// Kills per run.
const KILLS: usize = 8;
/// People beside the seeded client, who write first and so get a session of their own.
const STRANGERS: u64 = 5;
/// For what is still on its way after the last restart.
const SETTLE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_random_instants_loses_nothing_and_repeats_nothing_on_sqlite() -> Result<()> {
    killed_at_random_instants(Database::Sqlite, Seed::from_env(0xdead)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_random_instants_loses_nothing_and_repeats_nothing_on_postgres() -> Result<()> {
    killed_at_random_instants(Database::fresh_postgres("crash").await?, Seed::from_env(0xbeef)).await
}

async fn killed_at_random_instants(database: Database, seed: Seed) -> Result<()> {
    let mut server = TestServer::demo(env!("CARGO_BIN_EXE_usher"), database).await?;
    let acknowledged = Acknowledged::default();
    let phones = introduce_everyone(&server, &acknowledged).await?;
    let mut people = start_talking(&server, &phones, seed, &acknowledged).await?;

    let mut rng = seed.rng(0);
    for _ in 0..rounds("USHER_CRASH_KILLS", KILLS) {
        // The kill comes at an instant, not after an event: nothing is waited for here.
        sleep_until(Instant::now() + Duration::from_millis(rng.random_range(20..700))).await;
        server.kill().await?;
        server.restart().await?;
    }
    while let Some(person) = people.join_next().await {
        person?.with_context(|| server.log())?;
    }

    journals::everything_sent(&server, SETTLE).await.with_context(|| server.log())?;
    let acknowledged = acknowledged.lock().expect("nobody panicked").clone();
    let history = History {
        acknowledged,
        stories: journals::stories(&server, &phones).await?,
        accepted: vendor_log(&server.simulator()?).await?,
    };
    let breaches = audit(&history);
    assert!(breaches.is_empty(), "{breaches:#?}\nseed {}", seed.0);
    server.stop().await
}

/// The seeded client and strangers, each of whom has a session afterwards.
async fn introduce_everyone(server: &TestServer, acknowledged: &Acknowledged) -> Result<Vec<String>> {
    let http = usher_testkit::http::client()?;
    let mut phones = vec![server.ready().client.phone.clone()];
    for stranger in 0..STRANGERS {
        let (phone, sid) = (format!("+1415555{:04}", 2000 + stranger), message_sid(stranger));
        let status = server.account().deliver(&http, &phone, &sid, "hello").await?;
        ensure!(status == 200, "a first text was answered {status}\n{}", server.log());
        acknowledged.lock().expect("nobody panicked").push(sid);
        phones.push(phone);
    }
    Ok(phones)
}

/// Everyone on the phone and at a desk at the same time.
async fn start_talking(
    server: &TestServer,
    phones: &[String],
    seed: Seed,
    acknowledged: &Acknowledged,
) -> Result<JoinSet<Result<()>>> {
    let sessions = journals::sessions(server, phones).await?;
    let mut people = JoinSet::new();
    for ((phone, session), strand) in phones.iter().zip(sessions).zip(1..) {
        let person = Person {
            phone: phone.clone(),
            page: WidgetClient::new(server.ready().base_url.as_str(), &session)?,
            handset: server.simulator()?,
            account: server.account(),
            http: usher_testkit::http::client()?,
            rng: seed.rng(strand),
            acknowledged: Arc::clone(acknowledged),
        };
        people.spawn(person.converse());
    }
    Ok(people)
}
