//! The projector as a task: it follows commits, and starts again where the last one stopped.

use std::time::Duration;

use usher::onboarding::Opened;
use usher::projector::Projector;

use crate::world::{World, contract};

/// Longer than any machine needs; only a projector that stands still takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

async fn projected(world: &World, session: &Opened) -> String {
    let sql = format!(
        "SELECT CAST(projected_seq AS TEXT) || ' of ' || \
         (SELECT CAST(COUNT(*) AS TEXT) FROM interaction_log i WHERE i.session_id = s.session_id) \
         FROM sessions s WHERE session_id = '{}'",
        session.session
    );
    world.back().await.texts(&sql).await.remove(0)
}

/// The distance of the watermark from the newest turn; none before the first one is saved.
async fn distance(world: &World) -> Option<String> {
    let sql = "SELECT CAST((SELECT MAX(position) FROM journal) - position AS TEXT) FROM projections";
    world.back().await.texts(sql).await.pop()
}

/// Asks the database again and again until it says so.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("it never came true: {what}"));
}

contract! {
    async fn it_follows_commits_and_a_new_one_catches_up(world: World) {
        let session = world.session("+14155550100").await;
        let projector = Projector::start(world.store.clone());
        for seq in 1..=3 {
            world.append(world.said(&session, seq, "hello")).await.unwrap();
        }
        until("three turns are projected", async || projected(&world, &session).await == "3 of 3").await;
        projector.stop().await;
        assert_eq!(distance(&world).await, None, "a young turn may have older ones behind it");

        for seq in 4..=5 {
            world.append(world.said(&session, seq, "hello")).await.unwrap();
        }
        assert_eq!(projected(&world, &session).await, "3 of 3", "nobody follows");
        world.advance(60_000);
        let world = world.restart().await;
        let projector = Projector::start(world.store.clone());
        until("the missed turns are projected", async || projected(&world, &session).await == "5 of 5").await;
        until("the watermark is at the head", async || distance(&world).await.as_deref() == Some("0")).await;
        projector.stop().await;
        assert_eq!(world.store.verify_all().await.unwrap().differences, []);
    }

    async fn words_that_one_database_cannot_hold_keep_nobody_behind(world: World) {
        let odd = world.session("+14155550100").await;
        let plain = world.session("+14155550101").await;
        let projector = Projector::start(world.store.clone());
        world.append(world.said(&odd, 1, "a\0b")).await.unwrap();
        world.append(world.said(&plain, 1, "hello")).await.unwrap();
        until("both are projected", async || {
            projected(&world, &odd).await == "1 of 1" && projected(&world, &plain).await == "1 of 1"
        })
        .await;
        projector.stop().await;
    }
}
