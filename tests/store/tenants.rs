//! Tenants never meet: the store resolves every id under its organisation, and PostgreSQL refuses rows of others
//! whatever a statement says.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use usher::catalog::Offer;
use usher::db::{Access, DatabaseUrl, Db, Unbound};
use usher::files::{NewFile, file_id};
use usher::onboarding::{NewSession, Opened};
use usher::outbound::NewSmsAccount;
use usher::tenancy::ContactDetails;
use usher_channels::twilio::TwilioCredentials;
use usher_conversation::answer::FileAnswer;
use usher_conversation::id::{FlowId, OrgId, PackageId, ServiceId};
use usher_conversation::ports::{Appended, Claimed, Journal as _, Outbox as _, Settlement};
use usher_conversation::session::MessageKind;

use crate::world::{World, a_flow, contract, profile, received};

const PHONE: &str = "+14155550100";
const NUMBER: &str = "+14155550000";
/// Of an input that took effect.
const DEDUP: &str = "twilio:SM1";

/// An organisation with one of everything.
struct Tenant {
    session: Opened,
    file: FileAnswer,
    service: ServiceId,
    package: PackageId,
}

pub(crate) fn a_file() -> NewFile {
    NewFile { name: "logo.png".into(), media_type: "image/png".into(), bytes: Bytes::from_static(b"a logo") }
}

fn an_offer() -> Offer {
    Offer {
        name: "Website".into(),
        description: "A website".into(),
        required_data_fields: Vec::new(),
        setup_steps: Vec::new(),
    }
}

fn an_account(number: &str) -> NewSmsAccount {
    let credentials = TwilioCredentials {
        account_sid: "AC00000000000000000000000000000001".into(),
        auth_token: "token".to_owned().into(),
        api_key: None,
    };
    NewSmsAccount { credentials, messaging_service_sid: None, number: number.into() }
}

impl Tenant {
    /// Fills the world's organisation.
    async fn fill(world: &World) -> Self {
        let org = &world.org.id;
        let service = world.store.create_service(org, an_offer()).await.unwrap().id;
        let package = world.store.create_package(org, "All", vec![service.clone()]).await.unwrap().id;
        let contact = world.contact(PHONE).await.id;
        let new = NewSession { contact, flow: world.flow.id.clone(), package: Some(package.clone()) };
        let session = world.store.find_or_create_session(org, new).await.unwrap();
        world.send(&session, 1, MessageKind::Reply).await;
        let id = file_id(session.session.as_str(), "1");
        let file = world.store.keep_file(org, &session.session, id, a_file()).await.unwrap();
        Self { session, file, service, package }
    }

    /// Claims the one message that waits.
    async fn claim(world: &World) -> Claimed {
        let mut claimed = world.store.claim(world.now(), world.now().plus_millis(60_000), 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }
}

/// Makes another organisation, which has questions and nothing else.
async fn stranger(world: &World) -> (OrgId, FlowId) {
    let org = world.store.create_organisation(profile("Stranger")).await.unwrap().id;
    let flow = world.store.save_flow(&org, a_flow(&*world.entropy)).await.unwrap().id.clone();
    (org, flow)
}

/// Every public call of the store that takes an organisation. The tests below, and those of `calls`, say which go with an id of something,
/// or an address: for the others there is nothing of somebody else to ask for.
const WITH_IDS: &[&str] = &[
    "append",
    "attach_call",
    "call",
    "call_answered_by",
    "call_conversation",
    "call_lasted",
    "call_of_vendor",
    "call_placed",
    "call_recorded",
    "call_report",
    "call_taken_over",
    "call_usage",
    "calls",
    "catch_up",
    "claim_call",
    "connect_sms",
    "contact",
    "create_package",
    "delivery",
    "discard_file",
    "end_attachment",
    "end_call",
    "erase_contact",
    "file",
    "find_or_create_contact",
    "find_or_create_session",
    "has_room",
    "is_taken",
    "issue_stream_token",
    "keep_call_report",
    "keep_file",
    "kept_file",
    "link_of_session",
    "load",
    "open_call",
    "open_call_as",
    "plan_call",
    "plan_retry",
    "postpone_call",
    "report_call",
    "services_of_package",
    "session_of_phone",
    "settle",
    "sms_account",
    "take_stream_token",
    "turns",
    "vendor_ids_of_contact",
];
const WITHOUT_IDS: &[&str] = &[
    "create_service",
    "newest_flow",
    "organisation",
    "save_flow",
    "save_voice",
    "save_voice_peer",
    "session_of_stranger",
    "voice",
    "voice_number",
    "voice_peer",
];

/// Names of public methods in a source file that take an organisation.
fn methods_for_an_org(source: &str) -> impl Iterator<Item = &str> {
    source.split("pub async fn ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once('(')?;
        let (parameters, _) = rest.split_once(')')?;
        parameters.contains("org: &OrgId").then_some(name)
    })
}

/// A call that is missing from the matrix fails here.
#[test]
fn every_call_that_takes_an_organisation_is_in_the_matrix() {
    let sources = [
        include_str!("../../src/tenancy/store.rs"),
        include_str!("../../src/catalog/store.rs"),
        include_str!("../../src/files/store.rs"),
        include_str!("../../src/onboarding/store.rs"),
        include_str!("../../src/inbound/store.rs"),
        include_str!("../../src/outbound/store.rs"),
        include_str!("../../src/projector/store.rs"),
        include_str!("../../src/voice/store.rs"),
        include_str!("../../src/voice/outbound/store.rs"),
        include_str!("../../src/voice/peers/store.rs"),
    ];
    let found = sources.into_iter().flat_map(methods_for_an_org);
    let ports = ["append", "load", "settle", "turns"];
    let found: BTreeSet<&str> = found.chain(ports).collect();
    let matrix: BTreeSet<&str> = WITH_IDS.iter().chain(WITHOUT_IDS).copied().collect();
    assert_eq!(found, matrix);
}

contract! {
    async fn a_stranger_reads_nothing_of_another_organisation(world: World) {
        let theirs = Tenant::fill(&world).await;
        let (org, _) = stranger(&world).await;
        let (store, session) = (&world.store, &theirs.session.session);
        assert!(store.load(&world.org.id, session).await.unwrap().is_some(), "the owner reads it");
        assert!(store.file(&world.org.id, session, &theirs.file.file).await.unwrap().is_some());
        let claimed = Tenant::claim(&world).await;
        let accepted = Settlement::Accepted { vendor_id: "SM1".into() };
        assert!(store.settle(&claimed, accepted, world.now()).await.unwrap());
        let vendor_ids = store.vendor_ids_of_contact(&world.org.id, &theirs.session.contact).await.unwrap();
        assert_eq!(vendor_ids, [(claimed.delivery.clone(), "SM1".to_owned())]);

        assert!(store.load(&org, session).await.unwrap().is_none());
        assert!(store.turns(&org, session, 0, 10).await.unwrap().is_empty());
        assert!(store.contact(&org, &theirs.session.contact).await.unwrap().is_none());
        assert!(store.services_of_package(&org, &theirs.package).await.unwrap().is_empty());
        assert!(store.link_of_session(&org, session).await.unwrap().is_none());
        assert!(store.file(&org, session, &theirs.file.file).await.unwrap().is_none());
        assert!(store.delivery(&org, None, "SM1").await.unwrap().is_none());
        assert!(store.delivery(&org, Some(&claimed.delivery), "SM1").await.unwrap().is_none());
        assert!(store.vendor_ids_of_contact(&org, &theirs.session.contact).await.unwrap().is_empty());
        assert!(store.connect_sms(&world.org.id, an_account(NUMBER)).await.unwrap());
        let mut append = world.said(&theirs.session, 2, "hello");
        Arc::make_mut(&mut append.turn).dedup = Some(DEDUP.to_owned());
        store.append(append).await.unwrap();
        for line in [None, Some(NUMBER)] {
            assert!(store.sms_account(&org, line).await.unwrap().is_none());
        }
        assert!(store.sms_account(&world.org.id, Some(NUMBER)).await.unwrap().is_some());
        assert!(store.kept_file(&world.org.id, session, &theirs.file.file).await.unwrap().is_some());
        assert!(store.kept_file(&org, session, &theirs.file.file).await.unwrap().is_none());
        assert!(store.is_taken(&world.org.id, DEDUP).await.unwrap());
        assert!(!store.is_taken(&org, DEDUP).await.unwrap());
        assert!(store.has_room(&world.org.id, session, 1).await.unwrap());
        assert!(!store.has_room(&world.org.id, session, u64::MAX / 2).await.unwrap());
        assert!(store.has_room(&org, session, 1).await.is_err(), "there is no such session");
    }

    async fn sessions_that_are_read_in_one_trip_stay_apart(world: World) {
        let (org, store) = (&world.org.id, &world.store);
        let (stranger, _) = stranger(&world).await;
        let mut sessions = Vec::new();
        for number in 0..50_u64 {
            let session = world.session(&format!("+1415555{number:04}")).await;
            for seq in 1..=number % 4 {
                world.append(world.said(&session, seq, &format!("{number} {seq}"))).await.unwrap();
            }
            sessions.push(session);
        }
        let reads = sessions.iter().map(async |opened| {
            let session = &opened.session;
            let (mine, foreign) = tokio::join!(store.load(org, session), store.load(&stranger, session));
            let (end, none) =
                tokio::join!(store.turns(org, session, 1, 1), store.turns(&stranger, session, 0, 10));
            (mine.unwrap().unwrap(), foreign.unwrap(), end.unwrap(), none.unwrap())
        });
        let read = futures_util::future::join_all(reads).await;
        for ((number, opened), (mine, foreign, end, none)) in (0..).zip(&sessions).zip(read) {
            assert!(foreign.is_none() && none.is_empty(), "the stranger reads session {number}");
            assert_eq!((&mine.meta.session, &mine.meta.contact), (&opened.session, &opened.contact));
            let said: Vec<_> = (1..=number % 4).map(|seq| vec![received(&format!("{number} {seq}"))]).collect();
            assert_eq!(mine.tail.iter().map(|turn| turn.events.clone()).collect::<Vec<_>>(), said);
            let second = said.get(1).cloned();
            assert_eq!(end.into_iter().map(|turn| turn.events).collect::<Vec<_>>(), Vec::from_iter(second));
        }
    }

    async fn a_stranger_changes_nothing_of_another_organisation(world: World) {
        let theirs = Tenant::fill(&world).await;
        let (org, flow) = stranger(&world).await;
        let (store, session) = (&world.store, &theirs.session.session);
        let before = store.load(&world.org.id, session).await.unwrap().unwrap().tail;

        assert!(!store.erase_contact(&org, &theirs.session.contact).await.unwrap());
        let id = file_id(session.as_str(), "2");
        assert!(store.keep_file(&org, session, id, a_file()).await.is_err());
        store.discard_file(&org, session, &theirs.file.file).await.unwrap();
        assert!(store.file(&world.org.id, session, &theirs.file.file).await.unwrap().is_some());
        store.discard_file(&world.org.id, session, &theirs.file.file).await.unwrap();
        assert!(store.file(&world.org.id, session, &theirs.file.file).await.unwrap().is_none());
        assert!(store.create_package(&org, "Theirs", vec![theirs.service.clone()]).await.is_err());
        store.catch_up(&org, session, 1).await.unwrap();
        let untouched = "SELECT 'untouched' FROM sessions WHERE projected_seq = 0";
        assert_eq!(world.back().await.texts(untouched).await, ["untouched"]);
        let mut append = world.said(&theirs.session, 2, "hello");
        append.org = org.clone();
        assert_eq!(store.append(append).await.unwrap(), Appended::Conflict, "the person has no key there");
        let mut claimed = Tenant::claim(&world).await;
        claimed.org = org.clone();
        let accepted = || Settlement::Accepted { vendor_id: "SM1".into() };
        assert!(!store.settle(&claimed, accepted(), world.now()).await.unwrap());
        claimed.org = world.org.id.clone();

        let own = ContactDetails { phone: Some("+14155550199".into()), ..ContactDetails::default() };
        let own = store.find_or_create_contact(&org, own).await.unwrap().id;
        for new in [
            NewSession { contact: theirs.session.contact.clone(), flow: flow.clone(), package: None },
            NewSession { contact: own.clone(), flow: world.flow.id.clone(), package: None },
            NewSession { contact: own, flow, package: Some(theirs.package.clone()) },
        ] {
            assert!(store.find_or_create_session(&org, new.clone()).await.is_err(), "{new:?}");
        }

        assert_eq!(store.load(&world.org.id, session).await.unwrap().unwrap().tail, before);
        assert!(store.contact(&world.org.id, &theirs.session.contact).await.unwrap().is_some());
        assert!(store.settle(&claimed, accepted(), world.now()).await.unwrap(), "the owner's claim still holds");
    }

    async fn the_same_address_is_somebody_else_in_another_organisation(world: World) {
        let theirs = Tenant::fill(&world).await;
        let (org, _) = stranger(&world).await;
        let details = ContactDetails { phone: Some(PHONE.into()), ..ContactDetails::default() };
        let contact = world.store.find_or_create_contact(&org, details).await.unwrap();
        assert_ne!(contact.id, theirs.session.contact);
        assert_eq!(contact.details.name, "", "their name is not told");
        let session = world.store.session_of_phone(&org, PHONE).await.unwrap();
        assert_ne!(session, theirs.session.session);
        assert!(world.store.connect_sms(&world.org.id, an_account("+14155550000")).await.unwrap());
        assert!(!world.store.connect_sms(&org, an_account("+14155550000")).await.unwrap(), "the number is taken");
        let line = world.store.line("+14155550000").await.unwrap().unwrap();
        assert_eq!(line.org, world.org.id);
    }
}

/// The tables of tenants, and those that row-level security does not guard although it should.
async fn tables(world: &World) -> (Vec<String>, Vec<String>) {
    let mut back = world.back().await;
    let guarded = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
        AND relrowsecurity AND relforcerowsecurity ORDER BY 1";
    let open = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
        AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1";
    (back.texts(guarded).await, back.texts(open).await)
}

/// A connection of the store's own role, which is not bound by anything the program does.
async fn own_role(world: &World) -> PgConnection {
    let DatabaseUrl::Postgres(url) = &world.url else { unreachable!("a PostgreSQL world") };
    PgConnection::connect(url.expose_secret()).await.unwrap()
}

async fn count(connection: &mut PgConnection, table: &str) -> Result<i64, sqlx::Error> {
    let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(connection).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_s_role_is_bound_by_row_level_security() {
    let world = World::on_postgres().await;
    assert_eq!(world.store.db().unbound_role().await.unwrap(), None);
}

/// The broken variant: a role that passes policies is named as such, and reads what no bound role could.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_row_level_security_does_not_bind_is_noticed_and_reads_everything() {
    let world = World::on_postgres().await;
    Tenant::fill(&world).await;
    let DatabaseUrl::Postgres(url) = &world.url else { unreachable!("a PostgreSQL world") };
    let url = url.expose_secret().replacen("//usher:", "//usher_unbound:", 1);
    let db = Db::open(&DatabaseUrl::Postgres(url.as_str().into()), Access::Look).await.unwrap();
    assert_eq!(db.unbound_role().await.unwrap(), Some(Unbound::BypassRls));
    db.close().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    assert_eq!(count(&mut connection, "contacts").await.unwrap(), 1, "although it named no tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tables_without_tenants_are_open() {
    let world = World::on_postgres().await;
    assert_eq!(tables(&world).await.1, ["_sqlx_migrations", "projections"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_names_no_tenant_reads_and_writes_nothing() {
    let world = World::on_postgres().await;
    Tenant::fill(&world).await;
    let mut never = own_role(&world).await;
    let mut ended = own_role(&world).await;
    ended.execute("BEGIN; SET LOCAL app.org = '*'; COMMIT").await.unwrap();
    for table in tables(&world).await.0 {
        let refused = count(&mut never, &table).await.unwrap_err().to_string();
        assert!(refused.contains("app.org"), "{table}: {refused}");
        assert_eq!(count(&mut ended, &table).await.unwrap(), 0, "{table}");
        let delete = AssertSqlSafe(format!("DELETE FROM {table}"));
        assert_eq!(ended.execute(delete).await.unwrap().rows_affected(), 0, "{table}");
    }
    let insert = "INSERT INTO timers (timer_id, org_id, session_id, due) VALUES ('tmr', 'org', 'ses', 1)";
    assert!(never.execute(insert).await.is_err());
    assert!(ended.execute(insert).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_for_one_tenant_sees_and_writes_no_row_of_another() {
    let world = World::on_postgres().await;
    let theirs = Tenant::fill(&world).await;
    world.store.catch_up(&world.org.id, &theirs.session.session, 1).await.unwrap();
    assert!(world.store.connect_sms(&world.org.id, an_account("+14155550000")).await.unwrap());
    let empty = world.store.create_organisation(profile("Stranger")).await.unwrap().id;
    let mut connection = own_role(&world).await;
    let set = format!("SET app.org = '{empty}'");
    connection.execute(AssertSqlSafe(set)).await.unwrap();
    for table in tables(&world).await.0 {
        // The stranger's own row, and its own key.
        let own = i64::from(table == "organisations" || table == "data_keys");
        assert_eq!(count(&mut connection, &table).await.unwrap(), own, "{table}");
        let steal = AssertSqlSafe(format!("UPDATE {table} SET org_id = '{}'", world.org.id));
        assert!(own == 0 || connection.execute(steal).await.is_err(), "{table}: a row given to another");
    }
    let insert = format!(
        "INSERT INTO timers (timer_id, org_id, session_id, due) VALUES ('tmr', '{}', 'ses', 1)",
        world.org.id
    );
    let refused = connection.execute(AssertSqlSafe(insert)).await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
}

/// The broken variant: a table whose owner is not bound shows everything, and the list of open tables says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_bind_its_owner_is_reported_and_leaks() {
    let world = World::on_postgres().await;
    Tenant::fill(&world).await;
    world.back().await.execute("ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY").await;
    assert_eq!(tables(&world).await.1, ["_sqlx_migrations", "contacts", "projections"]);
    assert_eq!(count(&mut own_role(&world).await, "contacts").await.unwrap(), 1);
}
