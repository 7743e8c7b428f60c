//! The journals of every session of a server, read as an operator's tool reads them: beside the running process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use usher::clock::{SystemClock, SystemEntropy};
use usher::db::{Access, DatabaseUrl};
use usher::store::{Store, StoreConfig};
use usher_conversation::id::OrgId;
use usher_conversation::ports::{Clock as _, Journal as _, Outbox};
use usher_testkit::{Database, TestServer, eventually};

use crate::audit::Story;

/// Enough for any conversation of a test.
const MOST_TURNS: u32 = 10_000;

async fn open(server: &TestServer) -> Result<(Store, OrgId)> {
    let url = match server.database() {
        Database::Sqlite => DatabaseUrl::Sqlite(server.data_dir().join("usher.db")),
        Database::Postgres(url) => url.as_str().parse()?,
    };
    let config = StoreConfig {
        url,
        access: Access::Look,
        data_dir: server.data_dir(),
        master_key: None,
        public_url: server.ready().base_url.to_string(),
    };
    let store = Store::open(config, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?;
    Ok((store, server.ready().org_id.parse()?))
}

/// The ids of the sessions of these phones.
pub(crate) async fn sessions(server: &TestServer, phones: &[String]) -> Result<Vec<String>> {
    let (store, org) = open(server).await?;
    let mut sessions = Vec::new();
    for phone in phones {
        sessions.push(store.session_of_phone(&org, phone).await?.to_string());
    }
    store.close().await;
    Ok(sessions)
}

/// What is in the journals of the sessions of these phones.
pub(crate) async fn stories(server: &TestServer, phones: &[String]) -> Result<Vec<Story>> {
    let (store, org) = open(server).await?;
    let mut stories = Vec::new();
    for phone in phones {
        let session = store.session_of_phone(&org, phone).await?;
        let turns = store.turns(&org, &session, 0, MOST_TURNS).await?;
        stories.push(Story { phone: phone.clone(), turns });
    }
    store.close().await;
    Ok(stories)
}

/// Waits until no message is claimed or due soon: then whatever would be lost is lost, and what would go out twice has.
pub(crate) async fn everything_sent(server: &TestServer, deadline: Duration) -> Result<()> {
    let (store, _) = open(server).await?;
    let soon = i64::try_from(deadline.as_millis())?;
    eventually("the outbox holds nothing that is due soon", deadline, async || {
        let due = Outbox::next_due(&store).await?;
        let horizon = SystemClock.now().plus_millis(soon);
        Ok(due.is_none_or(|due| due > horizon).then_some(()))
    })
    .await?;
    store.close().await;
    Ok(())
}
