//! The journal port.

use std::collections::HashSet;
use std::sync::Arc;

use usher::onboarding::NewSession;
use usher::projector::Projector;
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Append, Appended, Journal as _};
use usher_conversation::session::SessionState;

use crate::world::{contract, received};

fn with_dedup(mut append: Append, key: &str) -> Append {
    Arc::make_mut(&mut append.turn).dedup = Some(key.into());
    append
}

contract! {
    async fn a_committed_turn_is_there_after_a_restart(world: World) {
        let session = world.session("+14155550100").await;
        let first = world.said(&session, 1, "hello");
        let second = world.said(&session, 2, "my website is acme.com");
        let turns: Vec<Turn> = vec![(*first.turn).clone(), (*second.turn).clone()];
        assert_eq!(world.append(first).await.unwrap(), Appended::Committed);
        assert_eq!(world.append(second).await.unwrap(), Appended::Committed);
        let world = world.restart().await;
        let stored = world.store.load(&world.org.id, &session.session).await.unwrap().unwrap();
        assert_eq!(stored.tail, turns);
        assert_eq!(stored.meta.org_name, "Bright Agency");
        assert_eq!(stored.meta.contact_name, "Dana Smith");
        assert_eq!(stored.meta.flow, world.flow);
        assert_eq!(stored.meta.link, Some(format!("https://usher.test/s/{}", session.link)));
    }

    async fn two_owners_of_one_session_cannot_both_write(world: World) {
        let session = world.session("+14155550100").await;
        let (ours, theirs) = (world.said(&session, 1, "ours"), world.said(&session, 1, "theirs"));
        let (ours, theirs) = tokio::join!(world.append(ours), world.append(theirs));
        let outcomes = [ours.unwrap(), theirs.unwrap()];
        assert!(outcomes.contains(&Appended::Committed) && outcomes.contains(&Appended::Conflict), "{outcomes:?}");
        assert_eq!(world.store.turns(&world.org.id, &session.session, 0, 10).await.unwrap().len(), 1);
    }

    async fn a_conflict_does_not_fail_its_neighbours(world: World) {
        let mut sessions = Vec::new();
        for number in 0..40 {
            sessions.push(world.session(&format!("+1415555{number:04}")).await);
        }
        let taken = &sessions[7];
        world.append(world.said(taken, 1, "first")).await.unwrap();
        let batch = sessions.iter().map(|session| world.append(world.said(session, 1, "hello")));
        let outcomes = futures_util::future::join_all(batch).await;
        for (session, outcome) in sessions.iter().zip(outcomes) {
            let expected = if session == taken { Appended::Conflict } else { Appended::Committed };
            assert_eq!(outcome.unwrap(), expected);
        }
    }

    async fn one_input_delivered_a_hundred_times_takes_effect_once(world: World) {
        let session = world.session("+14155550100").await;
        world.append(world.said(&session, 1, "hello")).await.unwrap();
        let copies = (0..100).map(|_| world.append(with_dedup(world.said(&session, 2, "yes"), "twilio:SM1")));
        let outcomes: Vec<Appended> =
            futures_util::future::join_all(copies).await.into_iter().map(Result::unwrap).collect();
        let duplicate = Appended::Duplicate { session: session.session.clone(), seq: 2 };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Appended::Committed).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == duplicate).count(), 99);
    }

    async fn a_duplicate_is_found_whatever_number_and_session_it_comes_with(world: World) {
        let (one, two) = (world.session("+14155550100").await, world.session("+14155550101").await);
        world.append(with_dedup(world.said(&one, 1, "yes"), "twilio:SM1")).await.unwrap();
        let duplicate = Appended::Duplicate { session: one.session.clone(), seq: 1 };
        let later = with_dedup(world.said(&one, 2, "yes"), "twilio:SM1");
        assert_eq!(world.append(later).await.unwrap(), duplicate);
        let elsewhere = with_dedup(world.said(&two, 1, "yes"), "twilio:SM1");
        assert_eq!(world.append(elsewhere).await.unwrap(), duplicate);
    }

    async fn the_same_key_means_something_else_in_another_organisation(world: World) {
        let ours = world.session("+14155550100").await;
        world.append(with_dedup(world.said(&ours, 1, "yes"), "twilio:SM1")).await.unwrap();
        let mut other = world.restart().await;
        other.org = other.store.create_organisation(crate::world::profile("Other")).await.unwrap();
        other.flow = other.store.save_flow(&other.org.id, crate::world::a_flow(&*other.entropy)).await.unwrap();
        let theirs = other.session("+14155550100").await;
        assert_ne!(ours.session, theirs.session);
        let append = with_dedup(other.said(&theirs, 1, "yes"), "twilio:SM1");
        assert_eq!(other.append(append).await.unwrap(), Appended::Committed);
        assert!(other.store.load(&other.org.id, &ours.session).await.unwrap().is_none(), "a foreign session");
    }

    async fn a_session_is_loaded_from_its_newest_snapshot_and_the_turns_after_it(world: World) {
        let session = world.session("+14155550100").await;
        let meta = world.store.load(&world.org.id, &session.session).await.unwrap().unwrap().meta;
        let mut state = SessionState::new();
        for seq in 1..=6 {
            let mut append = world.said(&session, seq, "hello");
            state.apply(&meta, &append.turn);
            append.state = Arc::new(state.clone());
            append.snapshot = seq % 2 == 0 && seq < 6;
            assert_eq!(world.append(append).await.unwrap(), Appended::Committed);
        }
        let stored = world.store.load(&world.org.id, &session.session).await.unwrap().unwrap();
        assert_eq!(stored.snapshot.as_ref().map(SessionState::seq), Some(4));
        assert_eq!(stored.tail.iter().map(|turn| turn.seq).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(usher_conversation::session::fold(&meta, stored.snapshot, &stored.tail), state);
    }

    async fn the_read_model_follows_what_is_committed(world: World) {
        let projector = Projector::start(world.store.clone());
        for (number, phone) in ["+14155550100", "+14155550101"].into_iter().enumerate() {
            let session = world.session(phone).await;
            let meta = world.store.load(&world.org.id, &session.session).await.unwrap().unwrap().meta;
            let mut state = SessionState::new();
            for seq in 1..=2 + number as u64 {
                let mut append = world.said(&session, seq, "hello");
                state.apply(&meta, &append.turn);
                append.state = Arc::new(state.clone());
                assert_eq!(world.append(append).await.unwrap(), Appended::Committed);
            }
        }
        projector.stop().await;
        let verified = world.store.verify_all().await.unwrap();
        assert_eq!((verified.sessions, verified.turns), (2, 5));
        assert_eq!(verified.differences, []);
    }

    async fn a_watcher_gets_the_exact_gap_it_missed(world: World) {
        let session = world.session("+14155550100").await;
        for seq in 1..=9 {
            world.append(world.said(&session, seq, "hello")).await.unwrap();
        }
        let gap = world.store.turns(&world.org.id, &session.session, 3, 4).await.unwrap();
        assert_eq!(gap.iter().map(|turn| turn.seq).collect::<Vec<_>>(), [4, 5, 6, 7]);
        assert_eq!(gap[0].events, [received("hello")]);
    }

    async fn fifty_first_messages_of_one_person_make_one_session(world: World) {
        let first = (0..50).map(|_| world.store.session_of_phone(&world.org.id, "+14155550100"));
        let sessions: HashSet<_> =
            futures_util::future::join_all(first).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(sessions.len(), 1);
        let contact = world.contact("+14155550100").await.id;
        let again = NewSession { contact, flow: world.flow.id.clone(), package: None };
        let opened = world.store.find_or_create_session(&world.org.id, again).await.unwrap();
        assert!(!opened.created && sessions.contains(&opened.session));
    }
}
