//! The database: whether it opens, its version, its schema, its keys, and the vendors' credentials in it.

use std::time::Duration;

use super::Finding;
use crate::app;
use crate::config::Settings;
use crate::db::Access;
use crate::store::Store;

/// A database that answers later is as good as down.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let opened = match tokio::time::timeout(PATIENCE, app::open_store(settings, Access::Look)).await {
        Ok(opened) => opened,
        Err(_) => Err(anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs())),
    };
    let store = match opened {
        Ok(store) => store,
        Err(error) if fresh(settings) => {
            tracing::debug!(%error, "no database yet");
            return vec![Finding::ok("database", "not there yet; `usher serve` makes it")];
        }
        Err(error) => {
            return vec![Finding::broken(
                "database",
                format!("{error:#}"),
                "Without its database the server does not start.",
                "Check USHER_DATABASE_URL and that the database runs.",
            )];
        }
    };
    let mut findings = vec![Finding::ok("database", "opens and answers")];
    findings.push(schema(&store).await);
    findings.extend(organisations(settings, &store).await);
    store.close().await;
    findings
}

/// Whether the embedded database has simply not been made yet.
fn fresh(settings: &Settings) -> bool {
    settings.database_url.is_none() && !settings.data_dir.join("usher.db").exists()
}

async fn schema(store: &Store) -> Finding {
    let why = "Statements of this version may not fit another schema.";
    match store.db().schema_status().await {
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
        match store.sms_account(&org.id).await {
            Ok(Some(account)) => findings.push(super::outside::account(settings, &account.credentials).await),
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
