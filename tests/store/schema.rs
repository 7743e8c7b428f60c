//! What replaces compile-time checks of SQL: every statement prepares on both engines.

use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use usher::db::{Access, DatabaseUrl, Db, all_texts};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_sqlite() {
    let world = World::on_sqlite().await;
    let DatabaseUrl::Sqlite(path) = &world.url else { unreachable!("a SQLite world") };
    let mut connection = SqliteConnection::connect(&path.display().to_string()).await.unwrap();
    for (name, text) in all_texts(false) {
        if let Err(error) = connection.prepare(text).await {
            panic!("{name}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_postgres() {
    let world = World::on_postgres().await;
    let DatabaseUrl::Postgres(url) = &world.url else { unreachable!("a PostgreSQL world") };
    let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
    for (name, text) in all_texts(true) {
        if let Err(error) = connection.prepare(text).await {
            panic!("{name}: {error}");
        }
    }
}

/// An onlooker's connection refuses to write, so this fails when looking does.
#[tokio::test(flavor = "multi_thread")]
async fn an_onlooker_on_postgres_is_told_the_versions() {
    let world = World::on_postgres().await;
    let onlooker = Db::open(&world.url, Access::Look).await.unwrap();
    let versions = onlooker.schema_status().await.unwrap();
    assert!(!versions.is_empty() && versions.iter().all(|version| version.applied), "{versions:?}");
    onlooker.close().await;
}
