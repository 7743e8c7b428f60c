//! An input takes effect once, and every repeat gets the first answer.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;

use crate::support::{World, run};

/// The same message a hundred times at once through two nodes, with enough other messages in the middle that no memory
/// of recent keys helps.
async fn a_hundred_times(world: &World) -> Result<(), String> {
    let runtimes = [world.start(), world.start()];
    let session = world.session(1);
    let repeat = |number: usize| world.say(&runtimes[number % 2], &session, Some("twilio:SM1"), "hello");
    let mut answers = join_all((0..50).map(repeat)).await;
    for number in 0..20 {
        let key = format!("twilio:SM2{number}");
        world.say(&runtimes[0], &session, Some(&key), "more").await.map_err(|error| error.to_string())?;
    }
    answers.extend(join_all((0..50).map(repeat)).await);
    let answers: Vec<_> = answers.into_iter().collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let first = answers.iter().filter(|answer| !answer.duplicate).count();
    let turns = world.store.journal_of(&session).len();
    let same = answers.iter().all(|answer| {
        (answer.seq, &answer.turn, &answer.state) == (1, &answers[0].turn, &answers[0].state)
            && answer.turn.is_some()
    });
    if (first, turns, same) == (1, 21, true) {
        Ok(())
    } else {
        Err(format!("{first} firsts, {turns} turns, same answers: {same}"))
    }
}

#[test]
fn a_hundred_parallel_repeats_make_one_turn_and_one_answer() {
    run(async { assert_eq!(a_hundred_times(&World::new()).await, Ok(())) });
}

#[test]
fn a_store_that_forgets_dedup_keys_fails_the_same_check() {
    run(async {
        let world = World::new();
        world.store.broken.forgets_dedup_keys.store(true, Ordering::SeqCst);
        assert!(a_hundred_times(&world).await.is_err());
    });
}

#[test]
fn a_late_repeat_is_answered_from_the_journal_as_the_first_was() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.say(&runtime, &session, None, "before").await.expect("heard");
        let first = world.say(&runtime, &session, Some("key"), "hello").await.expect("heard");
        for number in 0..120 {
            let key = format!("other {number}");
            world.say(&runtime, &session, Some(&key), "something else").await.expect("heard");
        }
        let again = world.say(&runtime, &session, Some("key"), "hello").await.expect("answered");
        assert!(again.duplicate);
        assert_eq!(again.reply(), first.reply());
        assert_eq!((again.seq, &again.turn, &again.state), (first.seq, &first.turn, &first.state));
        assert_eq!(world.store.journal_of(&session).len(), 122);
    });
}

#[test]
fn a_repeat_in_another_session_is_answered_by_the_session_that_took_it() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let (session, other) = (world.session(1), world.session(2));
        let first = world.say(&runtime, &session, Some("key"), "hello").await.expect("heard");
        let again = world.say(&runtime, &other, Some("key"), "hello").await.expect("answered");
        assert!(again.duplicate);
        assert_eq!((&again.meta.session, again.seq, &again.turn), (&session, first.seq, &first.turn));
        assert!(world.store.journal_of(&other).is_empty());
        let own = world.say(&runtime, &other, Some("own"), "hi").await.expect("heard");
        assert_eq!(own.seq, 1, "the refused turn left nothing behind");
    });
}
