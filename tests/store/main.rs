//! The store's contract: every test runs on SQLite and on PostgreSQL.
//!
//! PostgreSQL comes from `USHER_TEST_POSTGRES_URL`, a server on which tests may create databases. Without it the
//! tests fail; they never skip.

#![expect(
    clippy::unwrap_used,
    reason = "an error is a failure here, also outside the functions marked as tests"
)]

mod world;

mod calls;
mod cancelled;
mod journal;
mod outbox;
mod projector;
mod schema;
mod schema_parity;
mod sealed;
mod sqlite;
mod tenants;
mod without_guards;
