//! A message that was decided is sent once: whatever the vendor says, whoever dies, and in order.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use usher_conversation::id::DeliveryId;
use usher_conversation::ports::{Clock, Consequence, SendOutcome, Settlement};
use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{DeliveryStatus, Event};

use crate::support::store::Row;
use crate::support::transport::Answer;
use crate::support::{Fault, World, run, session_id};

const MINUTE: i64 = 60_000;

fn transient(after_millis: Option<u64>) -> Answer {
    let reason = "try later".to_owned();
    Answer::Says(SendOutcome::Transient { after_millis, error_code: Some(20429), reason })
}

/// The reports the first session heard about its first message.
fn reports(world: &World) -> Vec<(DeliveryStatus, Option<u32>)> {
    let report = |event| match event {
        Event::Delivered { status, error_code, .. } => Some((status, error_code)),
        _ => None,
    };
    world.store.events_of(&session_id(1)).into_iter().filter_map(report).collect()
}

/// Moves time from one try to the next until the message is settled for good.
async fn settled(world: &World, delivery: &DeliveryId) -> Settlement {
    loop {
        let now = world.clock.now();
        world
            .store
            .until(|store| {
                let row = store.outbox.get(delivery);
                row.is_some_and(|row| row.settled.is_some() || row.waiting_for().is_some_and(|due| due > now))
            })
            .await;
        let row = world.store.inner().outbox[delivery].clone();
        match (row.settled.clone(), row.waiting_for()) {
            (Some(settlement), _) => return settlement,
            (None, Some(due)) => world.clock.advance_to(due),
            (None, None) => {}
        }
    }
}

async fn heard_back(world: &World) {
    let session = session_id(1);
    let is_report = |event: &Event| matches!(event, Event::Delivered { .. });
    world
        .store
        .until(|store| store.turns[&session].iter().flat_map(|turn| &turn.events).any(is_report))
        .await;
}

/// One text to the first session, answered by SMS with these outcomes.
async fn one_reply(world: &World, answers: impl IntoIterator<Item = Answer>) -> Settlement {
    let runtime = world.start();
    let session = world.session(1);
    world.sms.answer(answers);
    world.text(&runtime, &session, "hello").await.expect("heard");
    let settlement = settled(world, &DeliveryId::derive(&session, 1, 0)).await;
    heard_back(world).await;
    settlement
}

#[test]
fn a_commit_with_a_message_wakes_the_relay_at_once() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.text(&runtime, &session, "hello").await.expect("heard");
        // Time stands still: nothing but the bell can have woken the relay.
        heard_back(&world).await;
        assert_eq!(reports(&world), [(DeliveryStatus::Queued, None)]);
        assert_eq!(world.sms.vendor().arrived.len(), 1);
    });
}

#[test]
fn a_transient_refusal_is_tried_again_until_it_is_taken() {
    run(async {
        let world = World::new();
        let settlement = one_reply(&world, [transient(None), transient(None)]).await;
        assert!(matches!(settlement, Settlement::Accepted { .. }));
        let vendor = world.sms.vendor();
        assert_eq!((vendor.attempts.len(), vendor.arrived.len()), (3, 1));
    });
}

#[test]
fn the_vendors_pause_is_kept() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.sms.answer([transient(Some(10 * 60_000))]);
        world.text(&runtime, &session, "hello").await.expect("heard");
        let delivery = DeliveryId::derive(&session, 1, 0);
        world.store.until(|store| store.outbox[&delivery].waits_until(10 * MINUTE)).await;
        world.clock.advance(10 * MINUTE - 1);
        assert_eq!(world.sms.vendor().attempts.len(), 1);
        world.clock.advance(1);
        world.sms.until(|vendor| vendor.arrived.len() == 1).await;
    });
}

#[test]
fn replies_that_wait_are_looked_for_as_long_as_one_may() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.sms.answer([transient(Some(10 * 60_000))]);
        world.text(&runtime, &session, "hello").await.expect("heard");
        let delivery = DeliveryId::derive(&session, 1, 0);
        world.store.until(|store| store.outbox[&delivery].waits_until(10 * MINUTE)).await;
        world.say(&runtime, &session, None, "still there?").await.expect("heard");
        world.clock.advance(10 * MINUTE);
        heard_back(&world).await;
        world.say(&runtime, &session, None, "good").await.expect("heard");
        assert_eq!(
            world.store.inner().superseding,
            [2],
            "nothing waits before the first, nor when it was sent"
        );
    });
}

#[test]
fn after_five_tries_a_message_is_dead_and_a_human_is_called() {
    run(async {
        let world = World::new();
        let settlement = one_reply(&world, (0..9).map(|_| transient(None))).await;
        assert!(matches!(settlement, Settlement::Dead { error_code: Some(20429), .. }));
        assert_eq!(world.sms.vendor().attempts.len(), 5);
        assert_eq!(reports(&world), [(DeliveryStatus::Failed, Some(20429))]);
        let escalated = Event::Escalated { reason: EscalationReason::Undeliverable };
        assert!(world.store.events_of(&session_id(1)).contains(&escalated));
    });
}

#[test]
fn a_refusal_for_good_is_not_repeated_and_carries_the_vendors_code() {
    run(async {
        let world = World::new();
        let refusal = SendOutcome::Permanent {
            error_code: Some(21610),
            reason: "unsubscribed".to_owned(),
            consequence: Consequence::Suppress,
        };
        let settlement = one_reply(&world, [Answer::Says(refusal)]).await;
        assert!(matches!(settlement, Settlement::Dead { error_code: Some(21610), .. }));
        assert_eq!(world.sms.vendor().attempts.len(), 1);
        assert_eq!(reports(&world), [(DeliveryStatus::Failed, Some(21610))]);
    });
}

#[test]
fn an_ambiguous_send_is_looked_up_and_not_repeated_when_it_arrived() {
    run(async {
        for answer in [Answer::TakesSilently, Answer::LosesIt, Answer::Panics] {
            let world = World::new();
            let settlement = one_reply(&world, [answer]).await;
            assert!(matches!(settlement, Settlement::Accepted { .. }));
            let vendor = world.sms.vendor();
            assert_eq!((vendor.arrived.len(), vendor.lookups), (1, 1));
        }
    });
}

#[test]
fn a_message_whose_fate_stays_unknown_is_never_sent_blindly() {
    run(async {
        let world = World::new();
        world.sms.fail_lookups(true);
        let settlement = one_reply(&world, [Answer::TakesSilently]).await;
        assert!(matches!(settlement, Settlement::Dead { .. }));
        assert_eq!(world.sms.vendor().attempts.len(), 1);
        assert_eq!(reports(&world), [(DeliveryStatus::Failed, None)], "a human is asked");
    });
}

/// A node hangs in the middle of a send until its lease is over and another node takes the message up.
async fn a_lost_lease(world: &World) -> Result<(), String> {
    let session = world.session(1);
    let slow = world.start();
    world.sms.hold();
    world.text(&slow, &session, "hello").await.expect("heard");
    world.sms.until(|vendor| vendor.attempts.len() == 1).await;
    drop(slow);
    let _heir = world.start();
    world.sms.release();
    world.clock.advance(MINUTE);
    let settlement = settled(world, &DeliveryId::derive(&session, 1, 0)).await;
    let arrived = world.sms.vendor().arrived.len();
    if arrived == 1 && matches!(settlement, Settlement::Accepted { .. }) {
        Ok(())
    } else {
        Err(format!("{arrived} arrived: {settlement:?}"))
    }
}

#[test]
fn a_send_whose_node_died_is_looked_up_by_the_next_and_arrives_once() {
    run(async { assert_eq!(a_lost_lease(&World::new()).await, Ok(())) });
}

#[test]
fn a_store_that_forgets_interrupted_sends_fails_the_same_check() {
    run(async {
        let world = World::new();
        world.store.broken.forgets_interrupted_sends.store(true, Ordering::SeqCst);
        assert!(a_lost_lease(&world).await.is_err());
    });
}

#[test]
fn a_lane_keeps_its_pace_and_its_order() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        world.sms.vendor().per_second = 0.1;
        let mut expected = Vec::new();
        for number in 1..=9 {
            let session = world.session(number);
            world.clock.advance(1);
            world.text(&runtime, &session, "hello").await.expect("heard");
            expected.push(DeliveryId::derive(&session, 1, 0));
        }
        for sent in 1..=9 {
            world.sms.until(|vendor| vendor.arrived.len() == sent).await;
            world.clock.advance(9_900);
            assert_eq!(world.sms.vendor().arrived.len(), sent, "the next one waits for its turn");
            world.clock.advance(100);
        }
        let arrived = world.sms.vendor().arrived.clone();
        assert_eq!(arrived.iter().collect::<HashSet<_>>().len(), 9);
        assert_eq!(arrived, expected);
    });
}

#[test]
fn a_sessions_messages_leave_in_order_even_when_the_first_has_to_wait() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.sms.answer([transient(None)]);
        world.text(&runtime, &session, "one").await.expect("heard");
        world.text(&runtime, &session, "two").await.expect("heard");
        let in_order: Vec<_> = world.store.inner().outbox.keys().cloned().collect();
        assert_eq!(in_order.len(), 2);
        for delivery in &in_order {
            settled(&world, delivery).await;
        }
        assert_eq!(world.sms.vendor().arrived, in_order);
    });
}

#[test]
fn a_message_whose_commit_was_not_heard_of_leaves_at_once() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.store.fail_next(Fault::AnswerLost);
        assert!(world.text(&runtime, &session, "hello").await.is_err());
        // Time stands still, and nobody asks again.
        world.sms.until(|vendor| vendor.arrived.len() == 1).await;
    });
}

#[test]
fn a_slow_look_up_that_found_nothing_is_not_made_again() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let delivery = DeliveryId::derive(&session, 1, 0);
        world.sms.answer([Answer::LosesIt]);
        world.sms.hold_lookups(true);
        world.text(&runtime, &session, "hello").await.expect("heard");
        world.store.until(|store| store.outbox.get(&delivery).is_some_and(Row::was_tried)).await;
        world.clock.advance(MINUTE);
        world.sms.until(|vendor| vendor.lookups == 1).await;
        // What is left of the lease is too short for a send.
        world.clock.advance(10_000);
        world.sms.hold_lookups(false);
        world.sms.until(|vendor| vendor.arrived.len() == 1).await;
        assert_eq!(world.sms.vendor().lookups, 1);
    });
}

/// The second of two messages waits for its lane while its contact opts out.
async fn an_opt_out_behind_a_claim(world: &World) -> usize {
    let runtime = world.start();
    world.sms.vendor().per_second = 0.5;
    let sessions = [world.session(1), world.session(2)];
    for session in &sessions {
        world.text(&runtime, session, "hello").await.expect("heard");
    }
    let waiting = DeliveryId::derive(&sessions[1], 1, 0);
    world.sms.until(|vendor| vendor.arrived.len() == 1).await;
    world.store.until(|store| store.outbox[&waiting].is_claimed()).await;
    world.store.inner().unwanted.insert(sessions[1].clone());
    world.clock.advance(2_000);
    settled(world, &waiting).await;
    world.sms.vendor().arrived.len()
}

#[test]
fn a_claimed_message_does_not_leave_after_its_contact_opted_out() {
    run(async { assert_eq!(an_opt_out_behind_a_claim(&World::new()).await, 1) });
}

#[test]
fn a_store_that_wants_everything_fails_the_same_check() {
    run(async {
        let world = World::new();
        world.store.broken.wants_everything.store(true, Ordering::SeqCst);
        assert_eq!(an_opt_out_behind_a_claim(&world).await, 2);
    });
}

#[test]
fn a_channel_without_a_way_out_is_dead_at_once() {
    run(async {
        let world = World::new();
        let ports = usher_actors::Ports { transports: std::collections::BTreeMap::new(), ..world.ports() };
        let runtime = usher_actors::Runtime::start(world.config(), ports).expect("threads start");
        let session = world.session(1);
        world.text(&runtime, &session, "hello").await.expect("heard");
        heard_back(&world).await;
        assert_eq!(reports(&world), [(DeliveryStatus::Failed, None)]);
    });
}

#[test]
fn the_relay_survives_a_store_that_fails() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        runtime.read(&world.org, &session).await.expect("in memory");
        world.store.fail_reads(true);
        world.text(&runtime, &session, "hello").await.expect("appends still work");
        world.store.fail_reads(false);
        let delivery = DeliveryId::derive(&session, 1, 0);
        let patience = async {
            loop {
                world.clock.advance(100);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = world.store.until(|store| store.outbox[&delivery].waiting_for().is_none()) => {}
            () = patience => {}
        }
        let settlement = settled(&world, &delivery).await;
        assert!(matches!(settlement, Settlement::Accepted { .. }));
        assert_eq!(world.sms.vendor().arrived.len(), 1);
    });
}
