//! One session, one owner, one order.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use usher_actors::Runtime;
use usher_conversation::id::SessionId;

use crate::support::engine::heard;
use crate::support::{World, run};

/// Four talkers speak to each session at once, each in its own order.
async fn talk(world: &World, runtime: &Runtime, sessions: &[SessionId], name: &str) {
    let talkers = sessions.iter().flat_map(|session| (0..4).map(move |talker| (session, talker)));
    join_all(talkers.map(|(session, talker)| async move {
        for word in 0..20 {
            let text = format!("{name}{talker} {word:02}");
            world.say(runtime, session, None, &text).await.expect("it is heard");
        }
    }))
    .await;
}

/// Sequence numbers have no gap, and every talker is heard in the order it spoke.
fn in_order(world: &World, session: &SessionId, turns: usize) -> Result<(), String> {
    let journal = world.store.journal_of(session);
    let gapless = journal.iter().zip(1..).all(|(turn, seq)| turn.seq == seq) && journal.len() == turns;
    let mut words: Vec<_> = journal.iter().filter_map(heard).collect();
    words.sort_by_key(|text| text.split(' ').next().map(str::to_owned));
    let ordered = words.is_sorted();
    if gapless && ordered { Ok(()) } else { Err(format!("gapless: {gapless}, ordered: {ordered}")) }
}

#[test]
fn messages_of_a_session_are_carried_out_one_at_a_time_and_in_order() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let sessions: Vec<_> = (0..6).map(|number| world.session(number)).collect();
        talk(&world, &runtime, &sessions, "a").await;
        for session in &sessions {
            assert_eq!(in_order(&world, session, 80), Ok(()));
        }
        assert!(
            !world.store.inner().overlapped,
            "an append began while another of its session was under way"
        );
    });
}

/// Two nodes believe they own the session and take turns in it, so that each loses the race for every one of its turns;
/// the journal's key is the fence.
async fn two_owners(world: &World) -> Result<(), String> {
    let (one, other) = (world.start(), world.start());
    let session = world.session(1);
    for word in 0..20 {
        for (name, runtime) in [("a", &one), ("b", &other)] {
            let said = world.say(runtime, &session, None, &format!("{name} {word:02}")).await;
            assert!(said.is_ok_and(|handled| !handled.duplicate));
        }
    }
    in_order(world, &session, 40)
}

#[test]
fn two_owners_of_a_session_make_one_history() {
    run(async {
        assert_eq!(two_owners(&World::new()).await, Ok(()));
    });
}

#[test]
fn without_the_fence_two_owners_make_two_histories() {
    run(async {
        let world = World::new();
        world.store.broken.has_no_fence.store(true, Ordering::SeqCst);
        assert!(two_owners(&world).await.is_err());
    });
}
