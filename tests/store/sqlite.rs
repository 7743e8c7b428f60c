//! SQLite's own dangers: a full disk, a second process, a killed writer, an old library.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor as _};
use usher::db::{Access, DatabaseUrl, Db, OpenError, Scope, SqliteTx, Tx};
use usher::onboarding::Opened;
use usher::store::Store;
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Append, Appended, Journal as _, StoreError};

use usher_testkit::seed::rounds;

use crate::world::{Back, CountedEntropy, TestClock, World, open, received};

/// Set for the process that is to be killed.
const CHILD: &str = "USHER_TEST_STORE_CHILD";
/// What the child says for every turn it was told is durable.
const DURABLE: &str = "durable ";

/// Kills in an ordinary run; `USHER_STORE_KILLS` for more.
const KILLS: usize = 10;
/// Sessions that are written to at the same time, and turns of each.
const WRITERS: usize = 64;
const TURNS: u64 = 20;
/// Readers beside them.
const READERS: usize = 8;

/// A pragma on the store's own writer; a limit of pages holds for one connection only.
async fn pragma(store: &Store, pragma: &str) {
    let tx = store.db().write(Scope::System).await.unwrap();
    let Tx::Sqlite(SqliteTx::Write(mut tx)) = tx else { unreachable!("a SQLite world") };
    tx.execute(AssertSqlSafe(format!("PRAGMA {pragma}"))).await.unwrap();
}

async fn integrity(world: &World) -> Vec<String> {
    world.back().await.texts("PRAGMA integrity_check").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_turns_loses_none_and_heals_when_there_is_room() {
    let world = World::on_sqlite().await;
    let session = world.session("+14155550100").await;
    let long = "all about our services ".repeat(500);
    // A limit below the present size is the present size.
    pragma(&world.store, "max_page_count = 1").await;
    let mut acknowledged = 0;
    let refused = loop {
        match world.append(world.said(&session, acknowledged + 1, &long)).await {
            Ok(outcome) => assert_eq!(outcome, Appended::Committed),
            Err(error) => break error,
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "the disk never filled");
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    // The store may have opened another connection, which does not know the limit.
    pragma(&world.store, "max_page_count = 1").await;
    let again = world.append(world.said(&session, acknowledged + 1, &long)).await;
    assert!(matches!(again, Err(StoreError::Unavailable(_))), "{again:?}");
    let turns = world.store.turns(&world.org.id, &session.session, 0, 1_000).await.unwrap();
    assert_eq!(turns.len() as u64, acknowledged, "nothing lost, nothing half there");

    pragma(&world.store, "max_page_count = 1073741823").await;
    let healed = world.append(world.said(&session, acknowledged + 1, &long)).await;
    assert_eq!(healed.unwrap(), Appended::Committed);
    assert_eq!(integrity(&world).await, ["ok"]);
}

/// How a file system that was mounted again for reading only looks to the store: whatever it writes is refused.
async fn refused_while_read_only(world: &World, session: &Opened, acknowledged: u64) {
    for _ in 0..2 {
        let refused = world.append(world.said(session, acknowledged + 1, "hello")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    let turns = world.store.turns(&world.org.id, &session.session, 0, 1_000).await.unwrap();
    assert_eq!(
        turns.len() as u64,
        acknowledged,
        "what was acknowledged is there to be read, and nothing else"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_became_read_only_refuses_turns_and_loses_none() {
    let world = World::on_sqlite().await;
    let session = world.session("+14155550100").await;
    assert_eq!(world.append(world.said(&session, 1, "hello")).await.unwrap(), Appended::Committed);
    pragma(&world.store, "query_only = on").await;
    refused_while_read_only(&world, &session, 1).await;
    // The pragma cannot be taken back through a writer that begins by writing: the next store has a new one.
    let world = world.restart().await;
    assert_eq!(world.append(world.said(&session, 2, "hello")).await.unwrap(), Appended::Committed);
    assert_eq!(integrity(&world).await, ["ok"]);
}

/// The broken variant: what only claims to be read-only takes the turn, and the check above says so.
#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "Ok(Committed)")]
async fn a_database_that_only_claims_to_be_read_only_is_found_out() {
    let world = World::on_sqlite().await;
    let session = world.session("+14155550100").await;
    pragma(&world.store, "query_only = off").await;
    refused_while_read_only(&world, &session, 0).await;
}

/// Nobody is ever told that the database is locked, whatever happens at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn many_writers_readers_and_checkpoints_do_not_get_in_each_others_way() {
    let world = Arc::new(World::on_sqlite().await);
    let mut writers = tokio::task::JoinSet::new();
    let mut sessions = Vec::new();
    for number in 0..WRITERS {
        let session = Arc::new(world.session(&format!("+1415555{number:04}")).await);
        sessions.push(Arc::clone(&session));
        let world = Arc::clone(&world);
        writers.spawn(async move {
            for seq in 1..=TURNS {
                let outcome = world.append(world.said(&session, seq, "hello")).await;
                assert_eq!(outcome.expect("never locked"), Appended::Committed);
            }
        });
    }
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut beside = tokio::task::JoinSet::new();
    for reader in 0..READERS {
        let (world, stopped, sessions) = (Arc::clone(&world), stopped.clone(), sessions.clone());
        beside.spawn(async move {
            for session in sessions.iter().cycle().skip(reader * WRITERS / READERS) {
                world.store.load(&world.org.id, &session.session).await.expect("never locked");
                if *stopped.borrow() {
                    break;
                }
            }
        });
    }
    let (looked_after, ending) = (Arc::clone(&world), stopped.clone());
    beside.spawn(async move {
        let mut back = looked_after.back().await;
        while !*ending.borrow() {
            back.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
    });
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    stop.send_replace(true);
    while let Some(task) = beside.join_next().await {
        task.unwrap();
    }
    for session in &sessions {
        let turns = world.store.turns(&world.org.id, &session.session, 0, 100).await.unwrap();
        assert_eq!(turns.len() as u64, TURNS);
    }
    assert_eq!(integrity(&world).await, ["ok"]);
}

/// The broken variant: a transaction that becomes a writer late is told so at once, however patient its connection is.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_turns_to_writing_late_is_told_that_the_database_is_locked() {
    let world = World::on_sqlite().await;
    let (mut late, mut quick) = (world.back().await, world.back().await);
    late.execute("BEGIN").await;
    late.texts("SELECT name FROM organisations").await;
    quick.execute("UPDATE organisations SET name = 'Quick'").await;
    let Back::Sqlite(mut late) = late else { unreachable!("a SQLite world") };
    let refused = late.execute("UPDATE organisations SET name = 'Late'").await.unwrap_err();
    assert!(refused.to_string().contains("database is locked"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_owner_of_the_file_is_refused_and_an_onlooker_is_not() {
    let world = World::on_sqlite().await;
    let DatabaseUrl::Sqlite(path) = &world.url else { unreachable!("a SQLite world") };
    let refused = Db::open(&world.url, Access::Own).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse(_)));
    assert_eq!(refused.to_string(), format!("another process is using the database {}", path.display()));
    Db::open(&world.url, Access::Look).await.unwrap().close().await;
    world.store.close().await;
    Db::open(&world.url, Access::Own).await.expect("the first owner has gone").close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_the_schema_of_an_empty_database_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(dir.path().join("usher.db"));
    Db::open(&url, Access::Own).await.unwrap().close().await;
    let db = Db::open(&url, Access::Look).await.unwrap();
    let versions = db.schema_status().await.unwrap();
    assert!(!versions.is_empty() && versions.iter().all(|version| !version.applied), "{versions:?}");
    let Tx::Sqlite(mut tx) = db.read(Scope::System).await.unwrap() else { unreachable!("a SQLite database") };
    let SqliteTx::Read(connection) = &mut tx else { unreachable!("a reader") };
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master").fetch_one(&mut **connection).await.unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_linked_sqlite_is_one_that_does_not_corrupt_its_log() {
    let world = World::on_sqlite().await;
    let version = world.back().await.texts("SELECT sqlite_version()").await.remove(0);
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts >= vec![3, 51, 3], "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_killed_at_any_moment_leaves_a_sound_file_with_every_acknowledged_turn() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return write_until_killed(Path::new(&dir)).await;
    }
    let mut world = World::on_sqlite().await;
    let session = world.session("+14155550100").await;
    for round in 0..rounds("USHER_STORE_KILLS", KILLS) {
        world.store.close().await;
        let acknowledged = kill_a_child_after(30 + 7 * round, &world).await;
        world = world.restart().await;
        let turns = world.store.turns(&world.org.id, &session.session, 0, 100_000).await.unwrap();
        let numbers: Vec<u64> = turns.iter().map(|turn| turn.seq).collect();
        assert_eq!(numbers, (1..=turns.len() as u64).collect::<Vec<_>>(), "no gap");
        assert!(
            numbers.contains(&acknowledged),
            "turn {acknowledged} was acknowledged, {numbers:?} are there"
        );
        assert_eq!(integrity(&world).await, ["ok"]);
    }
}

/// Kills a process of this test that writes, after it said so many turns were durable; tells the last of them.
async fn kill_a_child_after(turns: usize, world: &World) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("sqlite::a_writer_killed_at_any_moment_leaves_a_sound_file_with_every_acknowledged_turn")
        .env(CHILD, world.dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut durable = lines.filter_map(|line| line.unwrap().strip_prefix(DURABLE)?.parse().ok());
    let mut last = durable.by_ref().take(turns).last().expect("the child writes");
    let beside = Db::open(&world.url, Access::Own).await;
    assert!(matches!(beside, Err(OpenError::InUse(_))), "the child has the file");
    child.kill().unwrap();
    child.wait().unwrap();
    if let Some(later) = durable.last() {
        last = later;
    }
    last
}

#[expect(clippy::print_stdout, reason = "the parent process listens")]
async fn write_until_killed(dir: &Path) {
    let (clock, entropy) = (Arc::<TestClock>::default(), Arc::<CountedEntropy>::default());
    let store = open(&DatabaseUrl::Sqlite(dir.join("usher.db")), dir, &clock, &entropy).await;
    let (org, session) = store.sessions_after(None, 1).await.unwrap().remove(0);
    let stored = store.load(&org, &session).await.unwrap().unwrap();
    let mut seq = stored.tail.len() as u64;
    loop {
        seq += 1;
        let turn = Turn { seq, at: stored.meta.created_at, dedup: None, events: vec![received("hello")] };
        let append = Append {
            org: org.clone(),
            session: session.clone(),
            contact: stored.meta.contact.clone(),
            turn: Arc::new(turn),
            effects: Vec::new(),
            state: Arc::default(),
            snapshot: false,
        };
        assert_eq!(store.append(append).await.unwrap(), Appended::Committed);
        println!("{DURABLE}{seq}");
    }
}
