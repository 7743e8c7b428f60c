//! The database: whether it opens, its version, its schema, its keys, and the vendors' credentials in it.

use std::time::Duration;

use super::Finding;
use crate::app;
use crate::causes::explain;
use crate::config::Settings;
use crate::db::schema::{MigrateError, Version};
use crate::db::{Access, Db};
use crate::store::Store;

/// A database that answers later is as good as down.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    if fresh(settings) {
        return vec![Finding::ok("database", "not there yet; `usher serve` makes it")];
    }
    let db = match within_patience(open(settings)).await {
        Ok(db) => db,
        Err(error) => {
            return vec![Finding::broken(
                "database",
                explain(&error),
                "Without its database the server does not start.",
                "Check USHER_DATABASE_URL and that the database runs.",
            )];
        }
    };
    let mut findings = vec![Finding::ok("database", "opens and answers")];
    findings.extend(role(&db).await);
    let status = db.schema_status().await;
    db.close().await;
    let made = status.as_ref().is_ok_and(|versions| versions.iter().any(|version| version.applied));
    findings.push(schema(status));
    if made {
        findings.extend(data(settings).await);
    }
    findings
}

async fn open(settings: &Settings) -> anyhow::Result<Db> {
    let config = app::store_config(settings, &settings.public_base(settings.bind), Access::Look)?;
    Ok(Db::open(&config.url, config.access).await?)
}

async fn within_patience<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => anyhow::bail!("no answer within {} s", PATIENCE.as_secs()),
    }
}

/// Whether PostgreSQL's row-level security binds us; nothing to say on SQLite.
async fn role(db: &Db) -> Option<Finding> {
    const CHECK: &str = "database role";
    match db.unbound_role().await {
        Ok(None) if db.has_roles() => Some(Finding::ok(CHECK, "row-level security binds it")),
        Ok(None) => None,
        Ok(Some(why)) => Some(Finding::warning(
            CHECK,
            format!("the role {why}: row-level security does not bind it"),
            "PostgreSQL would show it every organisation's rows, whatever a statement forgets to ask for.",
            "Connect as an ordinary role that owns the database: NOSUPERUSER NOBYPASSRLS, as docs/OPERATIONS.md shows.",
        )),
        Err(error) => Some(Finding::warning(
            CHECK,
            format!("cannot be looked at: {error}"),
            "Whether PostgreSQL keeps organisations apart is not known.",
            "Let the role read pg_roles, as every role may by default.",
        )),
    }
}

/// What can be read with the master key.
async fn data(settings: &Settings) -> Vec<Finding> {
    let store = match within_patience(app::open_store(settings, Access::Look)).await {
        Ok(store) => store,
        Err(error) => return vec![unreadable(explain(&error))],
    };
    let findings = organisations(settings, &store).await;
    store.close().await;
    findings
}

/// Whether the embedded database has simply not been made yet.
fn fresh(settings: &Settings) -> bool {
    settings.database_url.is_none() && !settings.data_dir.join("usher.db").exists()
}

fn schema(status: Result<Vec<Version>, MigrateError>) -> Finding {
    let why = "Statements of this version may not fit another schema.";
    match status {
        Ok(versions) => {
            let pending = versions.iter().filter(|version| !version.applied).count();
            if pending == 0 {
                Finding::ok("schema", format!("up to date ({} versions)", versions.len()))
            } else {
                let next = "Run `usher migrate`, or start the server, which does it.";
                Finding::warning("schema", format!("{pending} versions are missing"), why, next)
            }
        }
        Err(error) => Finding::broken(
            "schema",
            error.to_string(),
            why,
            "Use the version of Usher that wrote this database.",
        ),
    }
}

/// Opens what is sealed under every organisation's key, and shows it to the vendor it is for.
async fn organisations(settings: &Settings, store: &Store) -> Vec<Finding> {
    let organisations = match store.organisations().await {
        Ok(organisations) => organisations,
        Err(error) => return vec![unreadable(error)],
    };
    let mut findings = Vec::new();
    for org in &organisations {
        match store.sms_account(&org.id, None).await {
            Ok(Some(account)) => findings.extend(super::outside::account(settings, &account).await),
            Ok(None) => {}
            Err(error) => return vec![unreadable(error)],
        }
    }
    findings.insert(0, Finding::ok("keys", format!("fit the data of {} organisations", organisations.len())));
    findings
}

fn unreadable(error: impl std::fmt::Display) -> Finding {
    Finding::broken(
        "keys",
        error.to_string(),
        "What was sealed under another master key cannot be read.",
        "Set USHER_MASTER_KEY, or put back `master.key` in the data directory, as it was when the data was written.",
    )
}
