//! The broken variants: each guard of the store is taken away, and what it guards against happens. So the contract
//! tests that pass with the guard can fail without it.

use std::sync::Arc;

use usher::onboarding::Opened;
use usher_conversation::consent::ConsentChange;
use usher_conversation::ports::{Appended, Outbox as _, Settlement};
use usher_conversation::session::{Effect, MessageKind};

use crate::world::{World, contract};

/// Appends the same input to two sessions.
async fn one_input_twice(world: &World, one: &Opened, other: &Opened) -> Vec<Appended> {
    let mut outcomes = Vec::new();
    for session in [one, other] {
        let mut append = world.said(session, 1, "yes");
        Arc::make_mut(&mut append.turn).dedup = Some("twilio:SM1".into());
        outcomes.push(world.append(append).await.unwrap());
    }
    outcomes
}

/// Claims a message, lets the lease pass, claims it again, and settles the first claim.
async fn settle_a_lost_lease(world: &World, between: &[&str]) -> bool {
    let session = world.session("+14155550100").await;
    world.send(&session, 1, MessageKind::Reply).await;
    let first = world.store.claim(world.now(), world.now().plus_millis(1_000), 10).await.unwrap();
    let now = world.advance(1_000);
    assert_eq!(world.store.claim(now, now.plus_millis(1_000), 10).await.unwrap().len(), 1);
    for sql in between {
        world.back().await.execute(sql).await;
    }
    let accepted = Settlement::Accepted { vendor_id: "SM1".into() };
    world.store.settle(&first[0], accepted, now).await.unwrap()
}

/// Sends a nudge to someone who opted out; tells how many messages leave.
async fn nudges_after_an_opt_out(world: &World, between: &[&str]) -> usize {
    let session = world.session("+14155550100").await;
    let mut stop = world.said(&session, 1, "STOP");
    stop.effects.push(Effect::ChangeConsent { change: ConsentChange::OptedOut });
    world.append(stop).await.unwrap();
    world.send(&session, 2, MessageKind::Nudge).await;
    for sql in between {
        world.back().await.execute(sql).await;
    }
    world.store.claim(world.now(), world.now().plus_millis(1_000), 10).await.unwrap().len()
}

contract! {
    async fn an_input_takes_effect_twice_without_the_unique_key(world: World) {
        let (one, two) = (world.session("+14155550100").await, world.session("+14155550101").await);
        let guarded = one_input_twice(&world, &one, &two).await;
        let duplicate = Appended::Duplicate { session: one.session.clone(), seq: 1 };
        assert_eq!(guarded, [Appended::Committed, duplicate]);
        world.back().await.execute("DROP INDEX journal_dedup").await;
        let (one, two) = (world.session("+14155550102").await, world.session("+14155550103").await);
        assert_eq!(one_input_twice(&world, &one, &two).await, [Appended::Committed, Appended::Committed]);
    }

    async fn two_owners_both_write_without_the_unique_number(world: World) {
        let session = world.session("+14155550100").await;
        assert_eq!(world.append(world.said(&session, 1, "ours")).await.unwrap(), Appended::Committed);
        assert_eq!(world.append(world.said(&session, 1, "theirs")).await.unwrap(), Appended::Conflict);
        world.back().await.execute("DROP INDEX journal_seq").await;
        assert_eq!(world.append(world.said(&session, 1, "theirs")).await.unwrap(), Appended::Committed);
        let differences = world.store.verify_all().await.unwrap().differences;
        assert!(differences.iter().any(|difference| difference.what == "its turns have a gap"), "{differences:?}");
    }

    async fn a_lost_lease_cannot_settle(world: World) {
        assert!(!settle_a_lost_lease(&world, &[]).await);
    }

    async fn a_lost_lease_settles_without_its_number(world: World) {
        assert!(settle_a_lost_lease(&world, &["UPDATE outbox SET lease = 1"]).await);
    }

    async fn nothing_leaves_after_an_opt_out(world: World) {
        assert_eq!(nudges_after_an_opt_out(&world, &[]).await, 0);
    }

    async fn a_nudge_leaves_after_an_opt_out_without_the_suppression(world: World) {
        assert_eq!(nudges_after_an_opt_out(&world, &["DELETE FROM suppressions"]).await, 1);
    }
}
