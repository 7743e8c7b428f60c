//! Watchers see every committed turn once, in order, without a gap.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use usher_actors::{CloseReason, RuntimeConfig, Subscription, Update};
use usher_conversation::channel::Channel;
use usher_conversation::ports::Clock;
use usher_conversation::session::{Event, Origin};

use crate::support::{Fault, World, run};

/// Reads turns up to `last` and acknowledges each.
async fn watch(mut watcher: Subscription, since: u64, last: u64) -> Result<(), String> {
    let acker = watcher.acker();
    let mut expected = since;
    while expected < last {
        match watcher.next().await {
            Update::Turn(frame) if frame.turn.seq == expected + 1 && frame.state.seq() == expected + 1 => {
                expected += 1;
                acker.ack(expected);
            }
            Update::Turn(frame) => return Err(format!("turn {} came after {expected}", frame.turn.seq)),
            Update::Closing(reason) => return Err(format!("closed after {expected}: {}", reason.as_str())),
        }
    }
    if watcher.next().now_or_never().is_some() {
        Err("more came than was committed".to_owned())
    } else {
        Ok(())
    }
}

/// Watchers come with every `since` while turns are being committed.
async fn joins_amid_commits(world: &World) -> Result<(), String> {
    const TURNS: u64 = 300;
    // How slow a watcher may be is another matter; on a busy machine any of these could be.
    let runtime = world.start_with(RuntimeConfig { watcher_window: usize::MAX, ..world.config() });
    let session = world.session(1);
    let speak = async {
        for _ in 0..TURNS {
            world.say(&runtime, &session, None, "hello").await.expect("heard");
        }
    };
    let watchers = join_all((0..60_u64).map(|number| {
        let (runtime, session) = (&runtime, &session);
        async move {
            world.store.until(|store| store.turns[session].len() as u64 >= number * 4).await;
            let since = number * number % (number * 4 + 1);
            let watcher =
                runtime.subscribe(&world.org, session, since).await.map_err(|error| error.to_string())?;
            watch(watcher, since, TURNS).await
        }
    }));
    join(speak, watchers).await.1.into_iter().collect()
}

#[test]
fn a_watcher_that_joins_amid_commits_misses_nothing_and_sees_nothing_twice() {
    run(async { assert_eq!(joins_amid_commits(&World::new()).await, Ok(())) });
}

#[test]
fn a_journal_that_loses_a_turn_of_the_gap_fails_the_same_check() {
    run(async {
        let world = World::new();
        world.store.broken.loses_a_turn_of_the_gap.store(true, Ordering::SeqCst);
        assert!(joins_amid_commits(&world).await.is_err());
    });
}

#[test]
fn a_watcher_that_does_not_read_is_closed_and_comes_back_without_a_gap() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let mut asleep = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        let awake = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        let speak = async {
            for _ in 0..100 {
                world.say(&runtime, &session, None, "hello").await.expect("a sleeper holds nobody up");
            }
        };
        let ((), seen) = join(speak, watch(awake, 0, 100)).await;
        assert_eq!(seen, Ok(()));
        assert!(matches!(asleep.next().await, Update::Closing(CloseReason::Slow)));
        let back = runtime.subscribe(&world.org, &session, 0).await.expect("watching again");
        assert_eq!(watch(back, 0, 100).await, Ok(()));
    });
}

#[test]
fn frames_that_are_not_acknowledged_close_the_window() {
    run(async {
        let world = World::new();
        let runtime = world.start_with(RuntimeConfig { watcher_window: 4, ..world.config() });
        let session = world.session(1);
        for _ in 0..6 {
            world.say(&runtime, &session, None, "hello").await.expect("heard");
        }
        let mut watcher = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        for seq in 1..=4 {
            assert!(matches!(watcher.next().await, Update::Turn(frame) if frame.turn.seq == seq));
        }
        assert!(watcher.next().now_or_never().is_none(), "four are unacknowledged");
        watcher.acker().ack(1);
        assert!(matches!(watcher.next().await, Update::Turn(frame) if frame.turn.seq == 5));
        assert!(watcher.next().now_or_never().is_none());
    });
}

#[test]
fn a_page_that_missed_one_turn_does_not_cost_the_whole_journal() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        for _ in 0..110 {
            world.say(&runtime, &session, None, "hello").await.expect("heard");
        }
        world.store.inner().turns_read = 0;
        let mut watcher = runtime.subscribe(&world.org, &session, 109).await.expect("watching");
        assert!(matches!(watcher.next().await, Update::Turn(frame) if frame.turn.seq == 110));
        assert_eq!(world.store.inner().turns_read, 1, "the state before it comes from the snapshot");
    });
}

#[test]
fn one_allocation_and_one_rendering_serve_all_watchers() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let mut watchers = Vec::new();
        for _ in 0..3 {
            watchers.push(runtime.subscribe(&world.org, &session, 0).await.expect("watching"));
        }
        world.say(&runtime, &session, None, "hello").await.expect("heard");
        let mut frames = Vec::new();
        for watcher in &mut watchers {
            match watcher.next().await {
                Update::Turn(frame) => frames.push(frame),
                Update::Closing(reason) => panic!("closed: {}", reason.as_str()),
            }
        }
        assert!(frames.iter().all(|frame| Arc::ptr_eq(frame, &frames[0])));
        let texts: Vec<_> =
            (0..3).map(|number| frames[number].rendered(|_| number.to_string()).to_owned()).collect();
        assert_eq!(texts, ["0", "0", "0"]);
    });
}

#[test]
fn turns_of_another_owner_and_commits_with_a_lost_answer_reach_the_watchers() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let watcher = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        world.say(&runtime, &session, None, "one").await.expect("heard");
        let origin = Origin { channel: Channel::Widget, address: String::new(), line: None };
        for _ in 0..2 {
            let events = vec![Event::Opened { origin: origin.clone() }];
            world.store.write_behind_its_back(&session, world.clock.now(), events);
        }
        world.say(&runtime, &session, None, "four").await.expect("heard after a reload");
        world.store.fail_next(Fault::AnswerLost);
        world.say(&runtime, &session, Some("five"), "five").await.expect_err("the answer was lost");
        runtime.read(&world.org, &session).await.expect("readable");
        assert_eq!(watch(watcher, 0, 5).await, Ok(()));
    });
}

#[test]
fn a_gap_that_cannot_be_read_closes_the_watcher_and_not_the_session() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.say(&runtime, &session, None, "one").await.expect("heard");
        let mut watcher = runtime.subscribe(&world.org, &session, 0).await.expect("watching");
        world.store.fail_reads(true);
        assert!(matches!(watcher.next().await, Update::Closing(CloseReason::Restart)));
        assert_eq!(world.say(&runtime, &session, None, "two").await.expect("heard").seq, 2);
    });
}
