//! Over a bound the answer is a typed refusal, never a loss and never a longer queue.

use futures_util::future::{join, join_all};
use usher_actors::{RuntimeConfig, RuntimeError};
use usher_conversation::problem::Problem;

use crate::support::{World, run};

#[test]
fn a_flooded_session_is_busy_and_the_others_are_not() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let (flooded, calm) = (world.session(1), world.session(2));
        world.say(&runtime, &calm, None, "hello").await.expect("heard");
        world.store.hold();
        let flood = join_all((0..10_000).map(|_| world.say(&runtime, &flooded, None, "again")));
        let others = async {
            world.store.until(|store| store.appends_begun == 2).await;
            assert!(runtime.stats().waiting <= 64, "the queue is bounded");
            let seen = runtime.read(&world.org, &calm).await.expect("a calm session is served at once");
            assert_eq!(seen.state.seq(), 1);
            world.store.release();
        };
        let (answers, ()) = join(flood, others).await;
        let heard = answers.iter().filter(|answer| answer.is_ok()).count();
        let busy = answers.iter().filter(|answer| matches!(answer, Err(RuntimeError::SessionBusy))).count();
        assert_eq!((heard, busy), (64, 10_000 - 64));
        assert_eq!(world.store.journal_of(&flooded).len(), 64, "what was admitted is durable");
        assert_eq!(runtime.stats().waiting, 0);
    });
}

#[test]
fn a_node_with_too_much_waiting_refuses_more_and_recovers() {
    run(async {
        let world = World::new();
        let runtime = world.start_with(RuntimeConfig { node_bound: 10, ..world.config() });
        let sessions: Vec<_> = (0..20).map(|number| world.session(number)).collect();
        world.store.hold();
        let flood = join_all(sessions.iter().map(|session| world.say(&runtime, session, None, "hello")));
        let release = async {
            world.store.until(|store| store.appends_begun == 10).await;
            world.store.release();
        };
        let (answers, ()) = join(flood, release).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 10);
        assert!(
            refused
                .iter()
                .all(|error| error.problem() == Problem::Overloaded && error.retry_after().is_some())
        );
        for session in &sessions {
            world.say(&runtime, session, None, "again").await.expect("heard");
        }
    });
}
