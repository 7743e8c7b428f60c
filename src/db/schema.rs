//! The schema's versions: the same list for both engines, embedded in the program.

pub use sqlx::migrate::MigrateError;
use sqlx::migrate::{Migrate as _, Migrator};

use super::{Db, Engine, dialect};

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// One version of the schema.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// Whether this database has it.
    pub applied: bool,
}

impl Db {
    fn migrator(&self) -> &'static Migrator {
        match self.engine {
            Engine::Sqlite { .. } => &SQLITE,
            Engine::Postgres(_) => &POSTGRES,
        }
    }

    /// Brings the schema up to date. Refuses one that is newer than this program or was changed by hand.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => SQLITE.run(writer).await,
            Engine::Postgres(pool) => POSTGRES.run(pool).await,
        }
    }

    /// Every version this program knows and whether the database has it. Refuses a database that has others. Only
    /// looks: a database without a schema stays without one.
    pub async fn schema_status(&self) -> Result<Vec<Version>, MigrateError> {
        let table = &self.migrator().table_name;
        let applied = match &self.engine {
            Engine::Sqlite { writer, .. } => {
                let mut connection = writer.acquire().await?;
                let made: bool = sqlx::query_scalar(dialect::SQLITE_HAS_TABLE)
                    .bind(&**table)
                    .fetch_one(&mut *connection)
                    .await?;
                if made { connection.list_applied_migrations(table).await? } else { Vec::new() }
            }
            Engine::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                let made: bool = sqlx::query_scalar(dialect::POSTGRES_HAS_TABLE)
                    .bind(&**table)
                    .fetch_one(&mut *connection)
                    .await?;
                if made { connection.list_applied_migrations(table).await? } else { Vec::new() }
            }
        };
        if let Some(unknown) = applied.iter().find(|applied| !self.migrator().version_exists(applied.version))
        {
            return Err(MigrateError::VersionMissing(unknown.version));
        }
        Ok(self
            .migrator()
            .iter()
            .map(|migration| Version {
                version: migration.version,
                description: migration.description.to_string(),
                applied: applied.iter().any(|applied| applied.version == migration.version),
            })
            .collect())
    }
}
