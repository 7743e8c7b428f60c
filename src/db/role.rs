//! Whether PostgreSQL's second fence, row-level security, binds the role this process connected as.

use super::{Db, Engine, dialect};

/// Why no policy binds a role, however the tables are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbound {
    /// It may do everything.
    #[error("is a superuser")]
    Superuser,
    /// It was made to pass policies.
    #[error("has BYPASSRLS")]
    BypassRls,
}

impl Db {
    /// Whether this engine knows roles.
    pub const fn has_roles(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Why row-level security does not bind the current role; `None` when it does, and on SQLite, which has neither.
    pub async fn unbound_role(&self) -> Result<Option<Unbound>, sqlx::Error> {
        let Engine::Postgres(pool) = &self.engine else { return Ok(None) };
        let (superuser, bypasses): (bool, bool) =
            sqlx::query_as(dialect::POSTGRES_ROLE).fetch_one(pool).await?;
        Ok(match (superuser, bypasses) {
            (true, _) => Some(Unbound::Superuser),
            (false, true) => Some(Unbound::BypassRls),
            (false, false) => None,
        })
    }
}
