//! Durable timers fire once, late ones too, and the forgotten ones go away.

use usher_conversation::id::TimerId;
use usher_conversation::session::Event;

use crate::support::{NOON, World, run, session_id};

fn firings(world: &World, number: u8) -> usize {
    let events = world.store.events_of(&session_id(number));
    events.iter().filter(|event| matches!(event, Event::TimerFired { .. })).count()
}

#[test]
fn a_timer_fires_when_it_is_due_and_not_before() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.say(&runtime, &session, None, "remind 60000").await.expect("heard");
        world.say(&runtime, &session, None, "remind 1000").await.expect("heard");
        world.clock.advance(999);
        assert_eq!(firings(&world, 1), 0);
        world.clock.advance(1);
        world.store.until(|store| store.timers.len() == 1).await;
        assert_eq!(firings(&world, 1), 1, "the sooner timer did not wait for the one set first");
        world.clock.advance(59_000);
        world.store.until(|store| store.timers.is_empty()).await;
        assert_eq!(firings(&world, 1), 2);
    });
}

#[test]
fn overdue_timers_fire_once_on_start() {
    run(async {
        let world = World::new();
        for number in 0..100 {
            let session = world.session(number);
            let timer = TimerId::derive(&session, 1, 0);
            world.store.set_timer(&world.org, &session, &timer, NOON.plus_millis(-1000));
        }
        let _runtime = world.start();
        world.store.until(|store| store.timers.is_empty()).await;
        assert!((0..100).all(|number| firings(&world, number) == 1));
    });
}

#[test]
fn timers_nobody_knows_any_more_are_discarded() {
    run(async {
        let world = World::new();
        let session = world.session(1);
        let stale = TimerId::derive(&session, 1, 0);
        world.toy.stale.lock().expect("no poison").insert(stale.clone());
        world.store.set_timer(&world.org, &session, &stale, NOON);
        let orphan = TimerId::derive(&session_id(9), 1, 0);
        world.store.set_timer(&world.org, &session_id(9), &orphan, NOON);
        let _runtime = world.start();
        world.store.until(|store| store.timers.is_empty()).await;
        assert!(world.store.journal_of(&session).is_empty(), "a stale timer makes no turn");
    });
}

#[test]
fn timers_survive_a_store_that_fails() {
    run(async {
        let world = World::new();
        let session = world.session(1);
        world.store.set_timer(&world.org, &session, &TimerId::derive(&session, 1, 0), NOON);
        world.store.fail_reads(true);
        let _runtime = world.start();
        world.clock.advance(5);
        world.store.fail_reads(false);
        // However often it failed so far, it looks again within its longest pause.
        let recovery = async {
            loop {
                world.clock.advance(10_000);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = world.store.until(|store| store.timers.is_empty()) => {}
            () = recovery => {}
        }
        assert_eq!(firings(&world, 1), 1);
    });
}

#[test]
fn a_timer_that_another_node_set_fires_without_a_bell() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.say(&runtime, &session, None, "remind 1000").await.expect("heard");
        world.clock.advance(1000);
        world.store.until(|store| store.timers.is_empty()).await;
        // The service sleeps now, and nothing of its own is ahead.
        world.store.set_timer(&world.org, &session, &TimerId::derive(&session, 9, 0), NOON.plus_millis(2000));
        let time_passes = async {
            loop {
                world.clock.advance(1000);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = world.store.until(|store| store.timers.is_empty()) => {}
            () = time_passes => {}
        }
        assert_eq!(firings(&world, 1), 2);
    });
}

#[test]
fn the_timers_of_an_unreadable_session_do_not_hold_the_others() {
    run(async {
        let world = World::new();
        let (broken, healthy) = (world.session(1), world.session(2));
        world.store.inner().unreadable.insert(broken.clone());
        // More than are read at once, and all of them due first.
        for seq in 1..=300 {
            let timer = TimerId::derive(&broken, seq, 0);
            world.store.set_timer(&world.org, &broken, &timer, NOON.plus_millis(-1000));
        }
        world.store.set_timer(&world.org, &healthy, &TimerId::derive(&healthy, 1, 0), NOON);
        let _runtime = world.start();
        // Time stands still.
        world.store.until(|store| store.turns[&healthy].len() == 1).await;
        assert_eq!(firings(&world, 2), 1);
        assert_eq!(world.store.inner().timers.len(), 300, "they wait for a program that can read them");
    });
}
