//! Sealed at rest: what people say is nowhere in clear but in the read model, and a sealed body opens in its own
//! place only.
//!
//! In clear, so that pages and search can read it: `contacts` (name, phone, email), `session_responses` (value, raw)
//! and `interaction_log` (text). Sealed: `journal`, `snapshots`, `outbox`, `files`, `twilio_accounts`, `data_keys`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use usher::db::DatabaseUrl;
use usher::files::file_id;
use usher::onboarding::Opened;
use usher::store::Store;
use usher::voice::{Call, CallStatus, NewCall, PeerReport, Provider};
use usher_conversation::ports::{Appended, Journal as _, Outbox as _, StoreError};
use usher_conversation::session::{Effect, MessageKind, SessionState};
use usher_conversation::voice::CallDirection;

use crate::tenants::a_file;
use crate::world::{Back, World, contract, message, open};

const WORDS: &str = "canary words nobody else says";
const PHONE: &str = "+14155550177";

const COLUMNS_OF_SQLITE: &str = "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c \
    WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*' AND t.name NOT GLOB '_sqlx*' AND c.type IN ('TEXT', 'BLOB')";
const COLUMNS_OF_POSTGRES: &str = "SELECT table_name || '.' || column_name FROM information_schema.columns \
    WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' AND data_type IN ('text', 'bytea')";

const DROP_FOREIGN_KEYS: &str = "DO $$ DECLARE fk record; BEGIN \
    FOR fk IN SELECT conrelid::regclass AS tbl, conname FROM pg_constraint WHERE contype = 'f' LOOP \
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', fk.tbl, fk.conname); END LOOP; END $$";

/// The columns in which a text lies in clear.
async fn columns_with(world: &World, needle: &str) -> BTreeSet<String> {
    let mut hex = String::new();
    for byte in needle.bytes() {
        write!(hex, "{byte:02X}").unwrap();
    }
    let mut back = world.back().await;
    let on_sqlite = matches!(back, Back::Sqlite(_));
    let mut found = BTreeSet::new();
    for place in back.texts(if on_sqlite { COLUMNS_OF_SQLITE } else { COLUMNS_OF_POSTGRES }).await {
        let (table, column) = place.split_once('.').expect("a table and a column");
        let holds = if on_sqlite {
            format!("instr(hex({column}), '{hex}') > 0")
        } else {
            // Bytes print as lower-case hexadecimal digits.
            let digits = hex.to_lowercase();
            format!("strpos({column}::text, '{needle}') > 0 OR strpos({column}::text, '{digits}') > 0")
        };
        if !back.texts(&format!("SELECT 'found' FROM {table} WHERE {holds}")).await.is_empty() {
            found.insert(place);
        }
    }
    found
}

/// Whether a text lies in clear anywhere in the files of a SQLite database, its log among them.
fn is_in_the_files(world: &World, needle: &str) -> bool {
    std::fs::read_dir(world.dir.path()).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

/// A session in which the canaries were said, are being sent, and lie in a snapshot.
async fn a_session_with_canaries(world: &World, contact: &str) -> Opened {
    let session = world.session(contact).await;
    let meta = world.store.load(&world.org.id, &session.session).await.unwrap().unwrap().meta;
    let mut state = SessionState::new();
    for seq in 1..=3 {
        let mut append = world.said(&session, seq, &format!("{WORDS}, call {PHONE}"));
        let mut sent = message(&session, seq, MessageKind::Greeting);
        sent.text = format!("you said {WORDS} and {PHONE}");
        append.effects.push(Effect::Send(sent));
        state.apply(&meta, &append.turn);
        append.state = Arc::new(state.clone());
        append.snapshot = seq == 2;
        world.append(append).await.unwrap();
    }
    session
}

/// Another node on the same database. Two on one SQLite file are only had by giving it a second name, which the lock
/// of its owner does not know.
async fn another_node(world: &World) -> Store {
    let url = match &world.url {
        DatabaseUrl::Sqlite(path) => {
            let other = path.with_file_name("other.db");
            std::os::unix::fs::symlink(path, &other).unwrap();
            DatabaseUrl::Sqlite(other)
        }
        DatabaseUrl::Postgres(url) => DatabaseUrl::Postgres(url.clone()),
    };
    open(&url, world.dir.path(), &world.clock, &world.entropy).await
}

async fn a_call(world: &World, session: &Opened) -> Call {
    let new = NewCall {
        session: session.session.clone(),
        direction: CallDirection::Inbound,
        provider: Provider::Rules,
        phone: Some(PHONE.into()),
        line: None,
        vendor_call: None,
        status: CallStatus::Ringing,
        due: None,
    };
    world.store.open_call(&world.org.id, new).await.unwrap()
}

fn columns<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

async fn is_unreadable(world: World, session: &Opened) {
    let world = world.restart().await;
    let loaded = world.store.load(&world.org.id, &session.session).await;
    assert!(matches!(loaded, Err(StoreError::Corrupt(_))), "{loaded:?}");
}

/// SQL that puts the `columns` of one row of `table` into another.
fn copy(table: &str, columns: &[&str], from: &str, to: &str) -> String {
    let set: Vec<String> = columns
        .iter()
        .map(|column| format!("{column} = (SELECT {column} FROM {table} WHERE {from})"))
        .collect();
    format!("UPDATE {table} SET {} WHERE {to}", set.join(", "))
}

contract! {
    async fn only_the_read_model_holds_words_in_clear(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        assert_eq!(columns_with(&world, WORDS).await, columns([]));
        assert_eq!(columns_with(&world, PHONE).await, columns([]));
        world.store.catch_up(&world.org.id, &session.session, 3).await.unwrap();
        assert_eq!(columns_with(&world, WORDS).await, columns(["interaction_log.text"]), "and the search finds it");
        assert_eq!(columns_with(&world, PHONE).await, columns(["interaction_log.text"]));
        assert_eq!(columns_with(&world, "+14155550100").await, columns(["contacts.phone"]));
        assert_eq!(columns_with(&world, "Dana Smith").await, columns(["contacts.name"]));
    }

    async fn a_turn_moved_to_another_number_does_not_open(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let of = |seq: u64| format!("session_id = '{}' AND seq = {seq}", session.session);
        world.back().await.execute("DELETE FROM snapshots").await;
        assert_eq!(world.back().await.execute(&copy("journal", &["body"], &of(1), &of(2))).await, 1);
        is_unreadable(world, &session).await;
    }

    async fn a_turn_moved_to_another_session_with_its_key_id_does_not_open(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let other = a_session_with_canaries(&world, "+14155550101").await;
        let of = |session: &Opened| format!("session_id = '{}' AND seq = 3", session.session);
        let sql = copy("journal", &["key_id", "body"], &of(&other), &of(&session));
        assert_eq!(world.back().await.execute(&sql).await, 1);
        is_unreadable(world, &session).await;
    }

    async fn a_session_moved_to_another_organisation_does_not_open(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let other = world.store.create_organisation(crate::world::profile("Other")).await.unwrap();
        let mut back = world.back().await;
        if matches!(back, Back::Sqlite(_)) {
            back.execute("PRAGMA foreign_keys = OFF").await;
        } else {
            back.execute(DROP_FOREIGN_KEYS).await;
        }
        // Everything moves but the organisation's own rows and keys: the whole person is under a new roof.
        for table in ["contacts", "flows", "sessions", "journal", "snapshots"] {
            back.execute(&format!("UPDATE {table} SET org_id = '{}'", other.id)).await;
        }
        back.execute(&format!("UPDATE data_keys SET org_id = '{}' WHERE subject <> 'org'", other.id)).await;
        let world = world.restart().await;
        let loaded = world.store.load(&other.id, &session.session).await;
        assert!(matches!(loaded, Err(StoreError::Corrupt(_))), "{loaded:?}");
    }

    async fn keys_that_change_places_do_not_open(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let other = a_session_with_canaries(&world, "+14155550101").await;
        let of = |session: &Opened| format!("subject = '{}'", session.contact);
        assert_eq!(world.back().await.execute(&copy("data_keys", &["wrapped"], &of(&other), &of(&session))).await, 1);
        is_unreadable(world, &session).await;
    }

    async fn one_flipped_bit_of_a_turn_a_snapshot_or_a_key_is_noticed(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let mut world = world;
        for (table, column, row) in [
            ("journal", "body", format!("session_id = '{}' AND seq = 3", session.session)),
            ("snapshots", "body", format!("session_id = '{}'", session.session)),
            ("data_keys", "wrapped", format!("subject = '{}'", session.contact)),
        ] {
            let select = format!("SELECT {column} FROM {table} WHERE {row}");
            let update = format!("UPDATE {table} SET {column} = $1 WHERE {row}");
            let flip = |blob: &mut Vec<u8>| blob[20] ^= 1;
            world.back().await.change_blob(&select, &update, flip).await;
            world = world.restart().await;
            let loaded = world.store.load(&world.org.id, &session.session).await;
            assert!(matches!(loaded, Err(StoreError::Corrupt(_))), "{table}: {loaded:?}");
            world.back().await.change_blob(&select, &update, flip).await;
            world = world.restart().await;
            assert!(world.store.load(&world.org.id, &session.session).await.unwrap().is_some(), "{table} is whole");
        }
    }

    async fn a_message_moved_to_another_row_is_not_sent(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let of = |seq: u64| format!("session_id = '{}' AND seq = {seq}", session.session);
        world.back().await.execute(&copy("outbox", &["body"], &of(2), &of(1))).await;
        let other = world.session("+14155550101").await;
        let whole = world.send(&other, 1, MessageKind::Reply).await;
        let claimed = world.store.claim(world.now(), world.now().plus_millis(1_000), 10).await.unwrap();
        assert_eq!(claimed.iter().map(|c| &c.delivery).collect::<Vec<_>>(), [&whole], "it holds nobody else's");
        let state = format!("SELECT state FROM outbox WHERE {}", of(1));
        assert_eq!(world.back().await.texts(&state).await, ["dead"]);
    }

    async fn an_erased_person_leaves_numbers_and_no_words(world: World) {
        let session = a_session_with_canaries(&world, "+14155550100").await;
        world.store.catch_up(&world.org.id, &session.session, 3).await.unwrap();
        assert!(world.store.erase_contact(&world.org.id, &session.contact).await.unwrap());
        let world = world.restart().await;
        for canary in [WORDS, PHONE, "+14155550100", "Dana Smith"] {
            assert_eq!(columns_with(&world, canary).await, columns([]), "{canary}");
        }
        let numbers = format!(
            "SELECT CAST(seq AS TEXT) FROM journal WHERE session_id = '{}' ORDER BY seq", session.session
        );
        assert_eq!(world.back().await.texts(&numbers).await, ["1", "2", "3", "4"], "and one that ends it");
        assert!(world.store.load(&world.org.id, &session.session).await.unwrap().is_none());
        assert!(world.store.turns(&world.org.id, &session.session, 0, 10).await.unwrap().is_empty());
        assert_eq!(world.store.verify_all().await.unwrap().differences, []);
        let wrapped = format!("SELECT 'kept' FROM data_keys WHERE subject = '{}' AND wrapped IS NOT NULL", session.contact);
        assert!(world.back().await.texts(&wrapped).await.is_empty(), "the key is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_database_hold_no_words_until_the_read_model_does() {
    let world = World::on_sqlite().await;
    let session = a_session_with_canaries(&world, "+14155550100").await;
    for canary in [WORDS, PHONE] {
        assert!(!is_in_the_files(&world, canary), "{canary}");
    }
    world.store.catch_up(&world.org.id, &session.session, 3).await.unwrap();
    assert!(is_in_the_files(&world, WORDS), "and the search finds it");
}

/// Deleted rows do not live on in free pages: once the log is folded into the file, the words are gone from both.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_database_forget_an_erased_person() {
    let world = World::on_sqlite().await;
    let session = a_session_with_canaries(&world, "+14155550100").await;
    world.store.catch_up(&world.org.id, &session.session, 3).await.unwrap();
    assert!(world.store.erase_contact(&world.org.id, &session.contact).await.unwrap());
    let world = world.restart().await;
    for canary in [WORDS, PHONE, "+14155550100", "Dana Smith"] {
        assert!(!is_in_the_files(&world, canary), "{canary}");
    }
}

contract! {
    /// Another node remembers keys for minutes, but nobody's rows: what is erased is gone there at once, too, and
    /// whatever it would still write is refused.
    async fn an_erasure_holds_at_once_on_another_node_that_remembers_the_key(world: World) {
        let (org, other) = (&world.org.id, another_node(&world).await);
        let session = a_session_with_canaries(&world, "+14155550100").await;
        let (id, call) = (&session.session, a_call(&world, &session).await);
        let late = || world.said(&session, 4, WORDS);
        assert!(world.store.load(org, id).await.unwrap().is_some(), "it remembers the key now");
        assert!(other.erase_contact(org, &session.contact).await.unwrap());
        assert!(world.store.load(org, id).await.unwrap().is_none());
        assert!(world.store.turns(org, id, 0, 100).await.unwrap().is_empty());
        assert!(world.store.claim(world.now(), world.now().plus_millis(1_000), 10).await.unwrap().is_empty());
        assert_eq!(world.append(late()).await.unwrap(), Appended::Conflict);
        assert!(world.store.keep_file(org, id, file_id(id.as_str(), "late"), a_file()).await.is_err());
        assert!(world.store.keep_call_report(org, &call, PeerReport::default()).await.is_err());
        let left = ["journal WHERE seq > 4", "outbox", "files", "call_reports", "timers"];
        for rows in left {
            let found = world.back().await.texts(&format!("SELECT 'left' FROM {rows}")).await;
            assert!(found.is_empty(), "{rows}");
        }
        assert_eq!(world.append(late()).await.unwrap(), Appended::Conflict, "and stays refused");
        assert_eq!(world.store.verify_all().await.unwrap().differences, []);
    }

    /// The broken variant: without the row that ends the journal, a node that remembers the key goes on writing.
    async fn a_node_that_remembers_the_key_writes_for_the_erased_when_nothing_ends_the_journal(world: World) {
        let (org, other) = (&world.org.id, another_node(&world).await);
        let session = a_session_with_canaries(&world, "+14155550100").await;
        assert!(other.erase_contact(org, &session.contact).await.unwrap());
        world.back().await.execute("DELETE FROM journal WHERE seq = 4").await;
        assert_eq!(world.append(world.said(&session, 4, WORDS)).await.unwrap(), Appended::Committed);
    }

    /// Whoever writes at the moment of an erasure is either before it, and forgotten with the rest, or refused.
    async fn turns_written_while_a_person_is_erased_come_before_it_or_not_at_all(world: World) {
        let other = another_node(&world).await;
        for nth in 0..5 {
            let session = world.session(&format!("+1415555010{nth}")).await;
            let erased = async {
                tokio::task::yield_now().await;
                other.erase_contact(&world.org.id, &session.contact).await
            };
            let written = async {
                let mut seq = 0;
                loop {
                    seq += 1;
                    let mut append = world.said(&session, seq, WORDS);
                    append.effects.push(Effect::Send(message(&session, seq, MessageKind::Reply)));
                    if world.append(append).await.unwrap() != Appended::Committed {
                        return seq;
                    }
                }
            };
            let (erased, refused) = tokio::join!(erased, written);
            assert!(erased.unwrap());
            let head = format!("SELECT CAST(MAX(seq) AS TEXT) FROM journal WHERE session_id = '{}'", session.session);
            assert_eq!(world.back().await.texts(&head).await, [refused.to_string()]);
            assert!(world.back().await.texts("SELECT 'left' FROM outbox").await.is_empty());
        }
    }
}
