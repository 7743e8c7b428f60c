//! The timers port: rows that say when a session wants to be woken.

use usher_conversation::id::TimerId;
use usher_conversation::ports::{BoxFuture, DueTimer, StoreError, Timers};
use usher_conversation::time::Timestamp;

use super::Store;
use super::journal::parse_id;
use crate::db::{Scope, execute, fetch_all, fetch_one, statements};

statements! {
    DUE_TIMERS = "SELECT org_id, session_id, timer_id, due FROM timers WHERE due <= $1 \
        ORDER BY due, timer_id LIMIT $2";
    NEXT_TIMER = "SELECT MIN(due) FROM timers";
    POSTPONE_TIMER = "UPDATE timers SET due = $2 WHERE timer_id = $1";
    DISCARD_TIMER = "DELETE FROM timers WHERE timer_id = $1";
}

#[derive(sqlx::FromRow)]
struct TimerRow {
    org_id: String,
    session_id: String,
    timer_id: String,
    due: i64,
}

impl Timers for Store {
    fn due(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>> {
        let db = self.db().clone();
        Box::pin(self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let rows = fetch_all!(&mut tx, TimerRow, DUE_TIMERS, now.as_millis(), i64::from(limit))?;
            rows.into_iter()
                .map(|row| {
                    Ok(DueTimer {
                        org: parse_id(&row.org_id)?,
                        session: parse_id(&row.session_id)?,
                        timer: parse_id(&row.timer_id)?,
                        due: Timestamp::from_millis(row.due),
                    })
                })
                .collect()
        }))
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let db = self.db().clone();
        Box::pin(self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let (next,) = fetch_one!(&mut tx, (Option<i64>,), NEXT_TIMER)?;
            Ok(next.map(Timestamp::from_millis))
        }))
    }

    fn postpone<'a>(&'a self, timer: &'a TimerId, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        let (db, timer) = (self.db().clone(), timer.clone());
        Box::pin(self.run(async move {
            let mut tx = db.write(Scope::System).await?;
            execute!(&mut tx, POSTPONE_TIMER, timer.as_str(), until.as_millis())?;
            tx.commit().await
        }))
    }

    fn discard<'a>(&'a self, timer: &'a TimerId) -> BoxFuture<'a, Result<(), StoreError>> {
        let (db, timer) = (self.db().clone(), timer.clone());
        Box::pin(self.run(async move {
            let mut tx = db.write(Scope::System).await?;
            execute!(&mut tx, DISCARD_TIMER, timer.as_str())?;
            tx.commit().await
        }))
    }
}
