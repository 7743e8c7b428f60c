//! A graceful stop finishes what was admitted, and a hard one loses nothing that was acknowledged.

use std::time::Duration;

use futures_util::future::{join, join_all};
use usher_actors::{CloseReason, Drained, RuntimeError, Update};
use usher_conversation::id::DeliveryId;
use usher_conversation::ports::Settlement;

use crate::support::{World, run};

const LONG: Duration = Duration::from_hours(1);

#[test]
fn a_drain_finishes_the_queue_refuses_newcomers_and_tells_the_watchers() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let mut watcher = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        world.store.hold();
        let queued = join_all((0..10).map(|_| world.say(&runtime, &session, None, "hello")));
        let newcomer = async {
            world.store.until(|store| store.appends_begun == 1).await;
            let drain = tokio::spawn({
                let runtime = runtime.clone();
                async move { runtime.drain(LONG).await }
            });
            // A newcomer is refused as soon as the drain has begun.
            while !matches!(
                runtime.read(&world.org, &world.session(2)).await,
                Err(RuntimeError::ShuttingDown)
            ) {}
            world.store.release();
            drain.await.expect("the drain ends")
        };
        let (answers, drained) = join(queued, newcomer).await;
        assert_eq!(drained, Drained::Clean);
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(world.store.journal_of(&session).len(), 10);
        assert!(matches!(watcher.next().await, Update::Closing(CloseReason::Restart)));
        let late = world.say(&runtime, &session, None, "late").await;
        assert!(matches!(late, Err(RuntimeError::ShuttingDown)));
    });
}

#[test]
fn a_drain_waits_for_a_send_that_began_and_begins_no_other() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.sms.hold();
        world.text(&runtime, &session, "one").await.expect("heard");
        world.text(&runtime, &session, "two").await.expect("heard");
        world.sms.until(|vendor| vendor.attempts.len() == 1).await;
        let release = async {
            while !matches!(runtime.read(&world.org, &session).await, Err(RuntimeError::ShuttingDown)) {}
            world.sms.release();
        };
        let (drained, ()) = join(runtime.drain(LONG), release).await;
        assert_eq!((drained, runtime.stats().sends_in_flight), (Drained::Clean, 0));
        let deliveries = [1, 2].map(|seq| DeliveryId::derive(&session, seq, 0));
        assert!(matches!(world.store.settlement_of(&deliveries[0]), Some(Settlement::Accepted { .. })));
        assert_eq!(world.store.settlement_of(&deliveries[1]), None);
        // The next start goes on where this one stopped.
        let _next = world.start();
        world.store.until(|store| store.outbox[&deliveries[1]].settled.is_some()).await;
        assert_eq!(world.sms.vendor().arrived, deliveries);
    });
}

#[test]
fn a_drain_gives_up_at_its_deadline() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.store.hold();
        let stuck = world.say(&runtime, &session, None, "hello");
        let drain = async {
            world.store.until(|store| store.appends_begun == 1).await;
            runtime.drain(Duration::from_millis(1)).await
        };
        let (stuck, drained) = join(stuck, drain).await;
        assert_eq!(drained, Drained::Deadline);
        assert!(
            matches!(stuck, Err(RuntimeError::ShuttingDown)),
            "what was not durable was not acknowledged"
        );
    });
}

#[test]
fn a_runtime_that_is_dropped_leaves_a_store_another_can_go_on_with() {
    run(async {
        let world = World::new();
        let session = world.session(1);
        for seq in 1..=5 {
            let runtime = world.start();
            assert_eq!(world.say(&runtime, &session, None, "hello").await.expect("heard").seq, seq);
        }
    });
}
