//! SIGKILL during calls that are held by the rules alone: the carrier speaks on without us, asks for the next document, and comes
//! back by the document it keeps itself when nobody answers. `USHER_TEST_SEED` makes other runs.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::time::{Instant, sleep_until};
use usher_testkit::{Database, Seed, Simulation, TestServer};

use crate::calls::{Contact, QUESTIONS, USHER, wall_clock};
use crate::journals;
use crate::spoken_audit::{SpokenHistory, audit};

/// When the server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// While a question is spoken; it is back before the answer.
    WhileAsked,
    /// While a question is spoken; the answer finds nobody.
    Unheard,
    /// Around the moment in which the answer is taken.
    AfterAnswer,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_by_the_rules_survives_the_death_of_its_server_on_sqlite() -> Result<()> {
    survives(Database::Sqlite, Seed::from_env(0x5a1d)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_by_the_rules_survives_the_death_of_its_server_on_postgres() -> Result<()> {
    survives(Database::fresh_postgres("spoken").await?, Seed::from_env(0x5a1e)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_taken_but_whose_carrier_was_not_answered_is_not_asked_for_again() -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let mut server = TestServer::demo_dying_at(USHER, Database::Sqlite, &simulation, "turn-taken:1").await?;
    server.speaks_by_rules().await?;
    let mut contact = Contact::calls(&server).await?;
    let answer = contact.asked().await?;
    contact.phone.says(answer).await?;
    server.died().await?;
    // The carrier has found nobody, however often it asked.
    contact.phone.until("error:112").await?;
    server.restart().await?;
    let next = contact.phone.until("heard:phone number").await.with_context(|| server.log())?;
    assert!(!next.text.contains("exact name"), "{next:?}");
    contact.phone.hangs_up().await?;
    contact.phone.until("status:completed").await?;
    server.stop().await
}

async fn survives(database: Database, seed: Seed) -> Result<()> {
    let simulation = Simulation::start(USHER).await?;
    let mut server = TestServer::demo_behind(USHER, database, None, &simulation, &[]).await?;
    server.speaks_by_rules().await?;
    let mut rng = seed.rng(0);
    let mut moments = [Moment::WhileAsked, Moment::Unheard, Moment::AfterAnswer];
    moments.shuffle(&mut rng);
    let mut contact = Contact::calls(&server).await?;
    let mut breaks = Vec::new();
    let context = |server: &TestServer| format!("{moments:?} seed {}\n{}", seed.0, server.log());
    for moment in moments {
        let lost = dies(&mut server, &mut contact, moment, &mut rng).await;
        breaks.extend(lost.with_context(|| context(&server))?);
    }
    contact.answers_to_the_end().await.with_context(|| context(&server))?;

    let line = contact.phone.log().await?;
    let turns = journals::stories(&server, &[contact.handset.clone()]).await?.remove(0).turns;
    let history = SpokenHistory { line, turns, breaks };
    let breaches = audit(&history, &QUESTIONS);
    let script: Vec<_> = history.line.iter().map(|entry| format!("{} {}", entry.at, entry.line())).collect();
    assert!(breaches.is_empty(), "{breaches:#?}\n{}\n{script:#?}", context(&server));
    server.stop().await
}

/// The server dies and comes back; says when something was said that nobody took.
async fn dies(
    server: &mut TestServer,
    contact: &mut Contact,
    moment: Moment,
    rng: &mut StdRng,
) -> Result<Option<i64>> {
    match moment {
        Moment::WhileAsked => {
            contact.phone.until("hearing").await?;
            server.kill().await?;
            server.restart().await?;
            Ok(None)
        }
        Moment::Unheard => {
            let answer = contact.asked().await?;
            server.kill().await?;
            contact.phone.says(answer).await?;
            contact.phone.until("error:112").await?;
            let lost = wall_clock();
            server.restart().await?;
            Ok(Some(lost))
        }
        Moment::AfterAnswer => {
            let answer = contact.asked().await?;
            contact.phone.says(answer).await?;
            contact.phone.until("said").await?;
            // The kill comes at an instant, not after an event: nothing is waited for here.
            sleep_until(Instant::now() + Duration::from_millis(rng.random_range(0..500))).await;
            server.kill().await?;
            let killed = wall_clock();
            server.restart().await?;
            Ok(Some(killed))
        }
    }
}
