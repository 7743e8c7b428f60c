//! Every place where SQLite and PostgreSQL differ.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::Scope;

/// A SQLite transaction takes the write lock at once: a deferred one that upgrades fails with `SQLITE_BUSY_SNAPSHOT`
/// without waiting.
pub(super) const SQLITE_BEGIN: &str = "BEGIN IMMEDIATE";

/// The oldest SQLite whose write-ahead log does not corrupt the database under a rare race.
pub(super) const SQLITE_MINIMUM: (u32, u32, u32) = (3, 51, 3);

/// What a pooled PostgreSQL connection does before its next borrower: whatever a cancelled caller left open ends,
/// and no tenant setting survives.
pub(super) const POSTGRES_AFTER_RELEASE: &str = "ROLLBACK; RESET ALL";

/// Whether SQLite has the table `$1`.
pub(super) const SQLITE_HAS_TABLE: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)";

/// Whether PostgreSQL finds the table `$1`.
pub(super) const POSTGRES_HAS_TABLE: &str = "SELECT to_regclass($1) IS NOT NULL";

/// Whether the current PostgreSQL role is a superuser, and whether it passes row-level security.
pub(super) const POSTGRES_ROLE: &str =
    "SELECT rolsuper, rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user";

/// How an engine wants the placeholders of a text with hundreds of them. SQLite takes `$1` too, but looks for the name
/// of each in a list of all: the time for a batch would grow with the square of its rows.
pub(crate) trait Placeholders {
    /// `$1, $2, …` instead of `?, ?, …`.
    const NUMBERED: bool;
}

impl Placeholders for PgConnection {
    const NUMBERED: bool = true;
}

impl Placeholders for SqliteConnection {
    const NUMBERED: bool = false;
}

/// Begins a PostgreSQL transaction and names its tenant in the same round trip.
pub(super) fn postgres_begin(scope: Scope<'_>) -> AssertSqlSafe<String> {
    let org = match scope {
        Scope::Org(org) => org.as_str(),
        Scope::System => "*",
    };
    // Simple-protocol text takes no binds. An `OrgId` holds only `a-z`, `0-9` and `_`, by construction.
    AssertSqlSafe(format!("BEGIN; SET LOCAL app.org = '{org}'"))
}
