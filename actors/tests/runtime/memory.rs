//! Sessions come into memory on demand, once, and leave it when idle.

use futures_util::future::join_all;
use usher_actors::{RuntimeConfig, RuntimeError};

use crate::support::{World, run, session_id};

#[test]
fn an_idle_session_leaves_memory_and_comes_back_the_same() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        for _ in 0..120 {
            world.say(&runtime, &session, None, "hello").await.expect("heard");
        }
        let before = runtime.read(&world.org, &session).await.expect("readable").state;
        assert_eq!(runtime.sweep().await, 0, "it is not idle yet");
        world.clock.advance(5 * 60 * 1000 + 1);
        assert_eq!((runtime.sweep().await, runtime.stats().active_sessions), (1, 0));
        let after = runtime.read(&world.org, &session).await.expect("readable").state;
        assert_eq!(before, after);
        assert_eq!(world.store.inner().last_tail, 20, "it came back from the snapshot at turn 100");
    });
}

#[test]
fn a_cold_session_is_loaded_once_however_many_ask() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let answers = join_all((0..50).map(|_| runtime.read(&world.org, &session))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(world.store.inner().loads, 1);
    });
}

#[test]
fn a_busy_session_never_leaves() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.store.hold();
        let waiting = async {
            world.store.until(|store| store.appends_begun == 1).await;
            world.clock.advance(60 * 60 * 1000);
            assert_eq!(runtime.sweep().await, 0);
            world.store.release();
        };
        let (said, ()) = tokio::join!(world.say(&runtime, &session, None, "hello"), waiting);
        assert!(said.is_ok());
    });
}

#[test]
fn over_the_bound_the_longest_idle_leave() {
    run(async {
        let world = World::new();
        let runtime = world.start_with(RuntimeConfig { active_bound: 32, ..world.config() });
        for number in 0..200 {
            let session = world.session(number);
            world.clock.advance(1);
            world.say(&runtime, &session, None, "hello").await.expect("heard");
            assert!(runtime.stats().active_sessions <= 32);
        }
        let loads = world.store.inner().loads;
        world.say(&runtime, &session_id(199), None, "again").await.expect("heard");
        assert_eq!(world.store.inner().loads, loads, "the newest is still in memory");
    });
}

#[test]
fn guessed_ids_do_not_stay_in_memory() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        for number in 0..50 {
            let guess = session_id(number);
            let refused = runtime.read(&world.org, &guess).await;
            assert!(matches!(refused, Err(RuntimeError::UnknownSession)));
        }
        assert_eq!((runtime.sweep().await, runtime.stats().active_sessions), (50, 0));
    });
}

#[test]
fn a_watched_session_gives_its_state_back_but_keeps_its_watchers() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let mut watcher = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        world.clock.advance(60 * 60 * 1000);
        assert_eq!(runtime.sweep().await, 0);
        let loads = world.store.inner().loads;
        world.say(&runtime, &session, None, "hello").await.expect("heard");
        assert_eq!(world.store.inner().loads, loads + 1);
        assert!(matches!(watcher.next().await, usher_actors::Update::Turn(frame) if frame.turn.seq == 1));
        drop(watcher);
        world.clock.advance(60 * 60 * 1000);
        assert_eq!((runtime.sweep().await, runtime.stats().watchers), (1, 0));
    });
}
