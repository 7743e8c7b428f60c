//! Callers that go away: whatever they wait for is dropped at every poll, on a pool of which one connection is free.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _};
use usher::db::{DatabaseUrl, Scope, Tx};
use usher::onboarding::NewSession;
use usher_conversation::ports::{Appended, Journal as _, Outbox as _, Settlement};
use usher_conversation::session::MessageKind;

use crate::world::{World, contract};

/// More polls than any call here needs.
const POLLS: usize = 12;
/// People who say something at the same time, and what each of them says: ten thousand messages.
const PEOPLE: usize = 20;
const MESSAGES: u64 = 500;
/// Messages that are enough to be told from each other, or not.
const A_FEW: u64 = 2 * POLLS as u64;
/// All connections of a store's pool on PostgreSQL but one.
const OTHERS: usize = 15;

/// Polls a future so many times and drops it; its output when it was faster.
fn dropped_after<T>(polls: usize, future: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
}

/// Leaves one connection of the pool to the test.
async fn hold_the_others(world: &World) -> Vec<Tx> {
    let mut held = Vec::new();
    if matches!(world.url, DatabaseUrl::Postgres(_)) {
        for _ in 0..OTHERS {
            held.push(world.store.db().read(Scope::System).await.unwrap());
        }
    }
    held
}

/// What is left on a connection: a transaction somebody began, and the tenant it acts for.
async fn leftovers(connection: &mut PgConnection) -> (bool, String) {
    // Outside a transaction, a local setting is gone when its statement ends.
    connection.execute("SET LOCAL usher.probe = 'kept'").await.unwrap();
    let settings = "SELECT COALESCE(current_setting('usher.probe', true), '') = 'kept', \
                    COALESCE(current_setting('app.org', true), '')";
    sqlx::query_as(settings).fetch_one(connection).await.unwrap()
}

/// Borrows the one free connection of the store, once the work before is done, and looks whether the transaction is
/// our own and what is left when it has ended.
async fn assert_clean(world: &World) {
    let before = world.back().await.texts("SELECT CAST(CURRENT_TIMESTAMP AS TEXT)").await.remove(0);
    let Tx::Postgres(mut tx) = world.store.db().read(Scope::System).await.unwrap() else { return };
    let ours: bool = sqlx::query_scalar("SELECT transaction_timestamp() > CAST($1 AS timestamptz)")
        .bind(before)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert!(ours, "somebody left a transaction open");
    tx.execute("ROLLBACK").await.unwrap();
    assert_eq!(leftovers(&mut tx).await, (false, String::new()));
}

contract! {
    async fn a_cancelled_append_asked_again_takes_effect_once(world: World) {
        let session = world.session("+14155550100").await;
        let held = hold_the_others(&world).await;
        let input = |seq: u64, polls: usize| {
            let mut append = world.said(&session, seq, "hello");
            Arc::make_mut(&mut append.turn).dedup = Some(format!("twilio:SM{polls}"));
            append
        };
        let mut seq = 0;
        for polls in 1..=POLLS {
            seq += 1;
            let first = dropped_after(polls, world.append(input(seq, polls))).await;
            let again = world.append(input(seq, polls)).await.unwrap();
            let duplicate = Appended::Duplicate { session: session.session.clone(), seq };
            match first {
                Some(outcome) => assert_eq!((outcome.unwrap(), again), (Appended::Committed, duplicate)),
                None => assert!(again == Appended::Committed || again == duplicate, "{again:?}"),
            }
            assert_clean(&world).await;
        }
        drop(held);
        let turns = world.store.turns(&world.org.id, &session.session, 0, 1_000).await.unwrap();
        let keys: Vec<String> = turns.into_iter().filter_map(|turn| turn.dedup).collect();
        assert_eq!(keys, (1..=POLLS).map(|polls| format!("twilio:SM{polls}")).collect::<Vec<_>>());
    }

    async fn a_cancelled_claim_comes_back_and_a_cancelled_settlement_counts_once(world: World) {
        let session = world.session("+14155550100").await;
        let held = hold_the_others(&world).await;
        for (seq, polls) in (1..).zip(1..=POLLS) {
            let delivery = world.send(&session, seq, MessageKind::Reply).await;
            let claim = |world: &World| {
                let now = world.now();
                let store = world.store.clone();
                async move { store.claim(now, now.plus_millis(100), 10).await.unwrap() }
            };
            dropped_after(polls, claim(&world)).await;
            assert_clean(&world).await;
            world.advance(100);
            let claimed = claim(&world).await;
            assert_eq!(claimed.iter().map(|c| &c.delivery).collect::<Vec<_>>(), [&delivery]);
            let accepted = || Settlement::Accepted { vendor_id: format!("SM{seq}") };
            let first = dropped_after(polls, world.store.settle(&claimed[0], accepted(), world.now())).await;
            let again = world.store.settle(&claimed[0], accepted(), world.now()).await.unwrap();
            assert!(first.is_none() || !again, "settled twice");
            assert_clean(&world).await;
            world.advance(100);
            assert!(claim(&world).await.is_empty());
        }
        drop(held);
    }

    async fn a_cancelled_first_contact_is_there_whole_or_not_at_all(world: World) {
        let held = hold_the_others(&world).await;
        for polls in 1..=POLLS {
            let phone = format!("+1415555{polls:04}");
            dropped_after(polls, world.store.session_of_phone(&world.org.id, &phone)).await;
            assert_clean(&world).await;
            let session = world.store.session_of_phone(&world.org.id, &phone).await.unwrap();
            let contact = world.contact(&phone).await.id;
            let new = NewSession { contact, flow: world.flow.id.clone(), package: None };
            let opened = dropped_after(polls, world.store.find_or_create_session(&world.org.id, new)).await;
            assert!(opened.is_none_or(|opened| opened.unwrap().session == session));
            assert_clean(&world).await;
            let stored = world.store.load(&world.org.id, &session).await.unwrap();
            assert!(stored.is_some(), "with its contact and key");
        }
        drop(held);
    }
}

/// Somebody whose every message is sent twice: once by a caller who goes away at some poll, and once by one who stays.
/// A number that is taken is counted on, as the session's owner does.
async fn says_all_twice(
    world: Arc<World>,
    person: usize,
    messages: u64,
    key: impl Fn(u64) -> Option<String>,
) -> u64 {
    let session = world.session(&format!("+1415555{person:04}")).await;
    let mut head = 0;
    for message in 1..=messages {
        let input = |seq: u64| {
            let mut append = world.said(&session, seq, "hello");
            Arc::make_mut(&mut append.turn).dedup = key(message);
            append
        };
        let polls = 1 + (person + usize::try_from(message).unwrap()) % POLLS;
        dropped_after(polls, world.append(input(head + 1))).await;
        head += 1;
        while world.append(input(head)).await.unwrap() == Appended::Conflict {
            head += 1;
        }
    }
    let turns = world.store.turns(&world.org.id, &session.session, 0, 10_000).await.unwrap();
    assert!(turns.iter().zip(1..).all(|(turn, seq)| turn.seq == seq), "without a gap");
    turns.len() as u64
}

/// How many turns became of what everyone said.
async fn everyone_says_all_twice(world: World, messages: u64, with_keys: bool) -> u64 {
    let (world, mut talks) = (Arc::new(world), tokio::task::JoinSet::new());
    for person in 0..PEOPLE {
        let key = move |message| with_keys.then(|| format!("twilio:SM{person}-{message}"));
        talks.spawn(says_all_twice(Arc::clone(&world), person, messages, key));
    }
    let mut turns = 0;
    while let Some(said) = talks.join_next().await {
        turns += said.unwrap();
    }
    assert_clean(&world).await;
    turns
}

contract! {
    async fn of_ten_thousand_messages_whose_callers_go_away_each_takes_effect_once(world: World) {
        assert_eq!(everyone_says_all_twice(world, MESSAGES, true).await, PEOPLE as u64 * MESSAGES);
    }

    /// The broken variant: a message without a key that tells it from others takes effect twice when it was not the
    /// message that was lost, but the answer.
    async fn messages_without_keys_take_effect_as_often_as_they_are_sent(world: World) {
        assert!(everyone_says_all_twice(world, A_FEW, false).await > PEOPLE as u64 * A_FEW);
    }
}

/// Drops a `begin` at every poll; what its next borrowers found.
async fn after_cancelled_begins(pool: &PgPool) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    for polls in 1..=POLLS {
        let begin = "BEGIN; SET LOCAL app.org = 'org_a'";
        drop(dropped_after(polls, pool.begin_with(AssertSqlSafe(begin.to_owned()))).await);
        found.push(leftovers(&mut pool.acquire().await.unwrap()).await);
    }
    found
}

/// The second fence: driver futures that are dropped themselves, which the store never does, leave nothing either.
#[tokio::test(flavor = "multi_thread")]
async fn a_begin_dropped_half_way_leaves_nothing_on_a_connection_of_the_store() {
    let world = World::on_postgres().await;
    let held = hold_the_others(&world).await;
    for polls in 1..=POLLS {
        drop(dropped_after(polls, world.store.db().write(Scope::Org(&world.org.id))).await);
        assert_clean(&world).await;
    }
    drop(held);
}

/// The broken variant: a pool without our hook hands a stranger's transaction and tenant to its next borrower.
#[tokio::test(flavor = "multi_thread")]
async fn a_begin_dropped_half_way_leaks_its_tenant_without_the_hook() {
    let world = World::on_postgres().await;
    let DatabaseUrl::Postgres(url) = &world.url else { unreachable!("a PostgreSQL world") };
    let url = url.expose_secret();
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect(url).await.unwrap();
    let found = after_cancelled_begins(&pool).await;
    assert!(found.iter().any(|(_, tenant)| tenant == "org_a"), "{found:?}");
}
