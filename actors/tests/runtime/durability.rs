//! What is acknowledged is durable; what was begun is finished even when nobody waits for it.

use futures_util::FutureExt;
use usher_actors::RuntimeError;
use usher_conversation::problem::Problem;

use crate::support::engine::heard;
use crate::support::{Fault, World, run};

#[test]
fn a_caller_that_leaves_does_not_take_its_message_back() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.store.hold();
        {
            // One is being appended and two wait behind it when their callers disconnect.
            let mut callers: Vec<_> = ["one", "two", "three"]
                .map(|text| world.say(&runtime, &session, None, text).boxed_local())
                .into();
            for caller in &mut callers {
                assert!(caller.now_or_never().is_none());
            }
        }
        world.store.release();
        world.store.until(|store| store.turns[&session].len() == 3).await;
        let journal = world.store.journal_of(&session);
        assert_eq!(journal.iter().filter_map(heard).collect::<Vec<_>>(), ["one", "two", "three"]);
    });
}

#[test]
fn a_refused_append_changes_nothing_and_the_session_recovers() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let before = world.say(&runtime, &session, None, "one").await.expect("heard").state;
        world.store.fail_next(Fault::Refused);
        let refused = world.say(&runtime, &session, None, "two").await.expect_err("the store is down");
        assert_eq!(refused.problem(), Problem::StoreUnavailable);
        assert!(refused.retry_after().is_some());
        assert_eq!(runtime.read(&world.org, &session).await.expect("readable").state, before);
        let after = world.say(&runtime, &session, None, "two").await.expect("heard again");
        assert_eq!((after.seq, world.store.journal_of(&session).len()), (2, 2));
    });
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_by_its_key_and_never_repeated() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        for (number, fault) in [(1, Fault::AnswerLost), (2, Fault::Panics)] {
            let session = world.session(number);
            let key = format!("key {number}");
            world.store.fail_next(fault);
            assert!(world.say(&runtime, &session, Some(&key), "hello").await.is_err());
            let again = world.say(&runtime, &session, Some(&key), "hello").await.expect("answered");
            assert!(again.duplicate);
            let next = world.say(&runtime, &session, None, "next").await.expect("heard");
            assert_eq!(
                (again.seq, next.seq),
                (1, 2),
                "the session went on from the journal, not from memory"
            );
        }
    });
}

#[test]
fn a_store_that_cannot_be_read_is_a_typed_refusal_and_heals_by_itself() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.store.fail_reads(true);
        let refused = world.say(&runtime, &session, None, "hello").await.expect_err("the store is down");
        assert!(matches!(refused, RuntimeError::Store(_)));
        world.store.fail_reads(false);
        assert_eq!(world.say(&runtime, &session, None, "hello").await.expect("heard").seq, 1);
    });
}

#[test]
fn a_session_of_another_organisation_does_not_exist() {
    run(async {
        let world = World::new();
        let foreign = World { org: "org_other".parse().expect("an id"), ..World::new() };
        let runtime = world.start();
        let session = world.session(1);
        for _cold_then_warm in 0..2 {
            let refused = foreign.say(&runtime, &session, None, "hello").await;
            assert!(matches!(refused, Err(RuntimeError::UnknownSession)));
            assert!(matches!(
                runtime.subscribe(&foreign.org, &session, 0).await.map(drop),
                Err(RuntimeError::UnknownSession)
            ));
            world.say(&runtime, &session, None, "hello").await.expect("heard");
        }
    });
}

#[test]
fn a_command_that_changes_nothing_is_answered_without_a_turn() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.say(&runtime, &session, None, "hello").await.expect("heard");
        let nothing = world.say(&runtime, &session, None, "nothing").await.expect("answered");
        assert_eq!((nothing.seq, nothing.turn, world.store.inner().appends_begun), (1, None, 1));
    });
}
