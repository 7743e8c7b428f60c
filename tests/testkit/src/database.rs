//! Fresh databases: a file of its own, or a database of its own on the PostgreSQL of the test run.

use std::hash::{BuildHasher, RandomState};

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

use crate::proxy::Proxy;

/// Names the private server that `make test` starts.
const POSTGRES_URL: &str = "USHER_TEST_POSTGRES_URL";

/// Where a server under test keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In its data directory.
    Sqlite,
    /// A database at this address.
    Postgres(Url),
}

impl Database {
    /// A new empty PostgreSQL database. There is no skipping: without a server the test fails.
    ///
    /// # Errors
    /// When `USHER_TEST_POSTGRES_URL` is not set or the server refuses.
    pub async fn fresh_postgres(name: &str) -> Result<Self> {
        let server = std::env::var(POSTGRES_URL)
            .with_context(|| format!("{POSTGRES_URL} is not set: run the tests with make test"))?;
        let mut url = Url::parse(&server)?;
        let name = format!("{name}_{:016x}", unique());
        let mut connection = PgConnection::connect(&server).await?;
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        connection.close().await?;
        url.set_path(&name);
        Ok(Self::Postgres(url))
    }

    /// The same PostgreSQL database, reached through a door.
    ///
    /// # Errors
    /// On SQLite, which is reached through none.
    pub async fn behind_a_door(&self) -> Result<(Self, Proxy)> {
        let Self::Postgres(url) = self else { bail!("SQLite is a file") };
        let target = url.socket_addrs(|| Some(5432))?;
        let proxy = Proxy::to(*target.first().context("an address")?).await?;
        let mut through = url.clone();
        through.set_ip_host(proxy.address().ip()).ok().context("a URL with a host")?;
        through.set_port(Some(proxy.address().port())).ok().context("a URL with a port")?;
        Ok((Self::Postgres(through), proxy))
    }

    /// The arguments that point the `usher` command at it.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres(url) => vec!["--database-url".into(), url.to_string()],
        }
    }
}

/// A suffix no other test uses: the standard library's hasher is seeded by the system.
fn unique() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
