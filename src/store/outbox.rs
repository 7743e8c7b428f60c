//! The outbox port: messages claimed under leases, settled once.

use std::mem::take;
use std::sync::Arc;

use usher_conversation::channel::Channel;
use usher_conversation::id::{DeliveryId, OrgId};
use usher_conversation::ports::{BoxFuture, Claimed, Outbox, Settlement, StoreError};
use usher_conversation::session::MessageKind;
use usher_conversation::time::Timestamp;

use super::Store;
use super::journal::{corrupt, open, parse_id};
use super::writer::column;
use crate::crypto::Place;
use crate::db::{DbError, Scope, Tx, execute, fetch_all, fetch_optional, statements};

/// An earlier message of the same session and channel that must go first: it is due no later, or was tried already.
macro_rules! blocked {
    () => {
        "EXISTS (SELECT 1 FROM outbox e WHERE e.session_id = o.session_id AND e.channel = o.channel \
         AND e.state = 'pending' AND (e.seq < o.seq OR (e.seq = o.seq AND e.position < o.position)) \
         AND (e.due <= o.due OR e.in_flight OR e.attempts > 0))"
    };
}

/// The contact has opted out, and the message is not the one that must go all the same.
macro_rules! suppressed {
    () => {
        "(kind <> 'compliance' AND EXISTS (SELECT 1 FROM suppressions p \
         WHERE p.org_id = outbox.org_id AND p.contact_id = outbox.contact_id))"
    };
}

/// Somebody took the session over after the message was decided.
macro_rules! overtaken {
    () => {
        "(epoch < (SELECT s.epoch FROM sessions s WHERE s.session_id = outbox.session_id))"
    };
}

statements! {
    /// Takes what is due. A claim that ended without a settlement may have reached the vendor, so its row comes
    /// back `uncertain`. The conditions outside the sub-query are checked again when two nodes claim at once.
    CLAIM = concat!(
        "UPDATE outbox SET \
         state = CASE WHEN ",
        suppressed!(),
        " THEN 'dropped' WHEN ",
        overtaken!(),
        " THEN 'superseded' ELSE 'pending' END, \
         due = $2, lease = lease + 1, uncertain = uncertain OR in_flight, \
         attempts = attempts + CASE WHEN in_flight THEN 1 ELSE 0 END, in_flight = TRUE, updated_at = $1 \
         WHERE state = 'pending' AND due <= $1 AND delivery_id IN (\
           SELECT o.delivery_id FROM outbox o WHERE o.state = 'pending' AND o.due <= $1 AND NOT ",
        blocked!(),
        " ORDER BY o.due, o.delivery_id LIMIT $3) \
         RETURNING delivery_id, org_id, session_id, contact_id, channel, kind, epoch, key_id, body, state, lease, \
         uncertain, attempts, line, created_at, \
         (SELECT CASE WHEN outbox.channel = 'email' THEN c.email ELSE c.phone END FROM contacts c \
          WHERE c.org_id = outbox.org_id AND c.contact_id = outbox.contact_id) AS address"
    );
    IS_WANTED = concat!(
        "SELECT NOT (",
        suppressed!(),
        " OR ",
        overtaken!(),
        ") FROM outbox WHERE delivery_id = $1 AND org_id = $2 AND lease = $3 AND in_flight AND state = 'pending'"
    );
    /// What a claim could not open.
    LAY_ASIDE = "UPDATE outbox SET state = $4, due = $5, reason = $6, in_flight = FALSE, updated_at = $7 \
        WHERE delivery_id = $1 AND org_id = $2 AND lease = $3 AND in_flight AND state = 'pending'";
    /// Only the newest claim of a message may say what became of it.
    SETTLE = "UPDATE outbox SET state = $4, due = $5, uncertain = $6, attempts = attempts + $7, \
        in_flight = FALSE, vendor_id = COALESCE($8, vendor_id), error_code = $9, reason = $10, updated_at = $11 \
        WHERE delivery_id = $1 AND org_id = $2 AND lease = $3 AND in_flight AND state = 'pending'";
    END_CLAIMS = "UPDATE outbox SET due = $1 WHERE state = 'pending' AND in_flight AND due > $1";
    /// Ordered and not a minimum: it ends at the first that may go, and does not look at a whole backlog.
    NEXT_MESSAGE = concat!(
        "SELECT o.due FROM outbox o WHERE o.state = 'pending' AND NOT ",
        blocked!(),
        " ORDER BY o.due LIMIT 1"
    );
}

/// What a process wrote to a vendor just before it died may still be on its way: a look-up waits this long.
const LAST_WORDS_MILLIS: i64 = 2_000;
/// The pause before a message is claimed again whose key could not be read.
const UNREADABLE_PAUSE_MILLIS: i64 = 5_000;

#[derive(sqlx::FromRow)]
struct ClaimRow {
    delivery_id: String,
    org_id: String,
    session_id: String,
    contact_id: String,
    channel: String,
    kind: String,
    key_id: String,
    body: Vec<u8>,
    state: String,
    lease: i64,
    uncertain: bool,
    attempts: i64,
    line: Option<String>,
    created_at: i64,
    address: Option<String>,
}

impl Outbox for Store {
    fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        let store = self.clone();
        Box::pin(self.run(async move {
            let mut tx = store.db().write(Scope::System).await?;
            let mut rows = fetch_all!(
                &mut tx,
                ClaimRow,
                CLAIM,
                now.as_millis(),
                lease_until.as_millis(),
                i64::from(limit)
            )?;
            tx.commit().await?;
            rows.retain(|row| row.state == "pending");
            // Engines return updated rows in any order.
            rows.sort_unstable_by(|a, b| (a.created_at, &a.delivery_id).cmp(&(b.created_at, &b.delivery_id)));
            let mut claimed = Vec::with_capacity(rows.len());
            for mut row in rows {
                match store.open_claim(&mut row).await {
                    Ok(message) => claimed.push(message),
                    Err(error) => store.lay_aside(&row, &error, now).await,
                }
            }
            Ok(claimed)
        }))
    }

    fn is_wanted<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<bool, StoreError>> {
        let (db, delivery, org) = (self.db().clone(), claimed.delivery.clone(), claimed.org.clone());
        let lease = column(claimed.lease);
        Box::pin(self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let wanted =
                fetch_optional!(&mut tx, (bool,), IS_WANTED, delivery.as_str(), org.as_str(), lease)?;
            Ok(wanted.is_some_and(|(wanted,)| wanted))
        }))
    }

    fn settle<'a>(
        &'a self,
        claimed: &'a Claimed,
        settlement: Settlement,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let row = Arc::new(SettledRow::new(claimed, settlement, now));
        Box::pin(async move { Ok(self.db().write_together(&claimed.org, move |tx| row.write(tx)).await?) })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let db = self.db().clone();
        Box::pin(self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let next = fetch_optional!(&mut tx, (i64,), NEXT_MESSAGE)?;
            Ok(next.map(|(due,)| Timestamp::from_millis(due)))
        }))
    }
}

impl Store {
    /// Ends the claims of processes that are gone, which is all of them when this one is the only owner. Their messages
    /// come back `uncertain` without waiting for leases that nobody holds.
    pub(super) async fn end_claims(&self) -> Result<(), DbError> {
        let (db, at) = (self.db().clone(), self.clock().now().plus_millis(LAST_WORDS_MILLIS));
        let ending = async move {
            let mut tx = db.write(Scope::System).await?;
            execute!(&mut tx, END_CLAIMS, at.as_millis())?;
            tx.commit().await
        };
        self.db().detached(ending).await
    }

    /// A message that cannot be opened must not hold those that were claimed with it: what will never be readable is dead,
    /// the rest is given back.
    async fn lay_aside(&self, row: &ClaimRow, error: &DbError, now: Timestamp) {
        let delivery = &row.delivery_id;
        let (state, due) = match error {
            DbError::Corrupt(what) => {
                tracing::error!(delivery, what, "a message cannot be read and will not be sent");
                ("dead", now)
            }
            other => {
                tracing::warn!(delivery, %other, "a message cannot be read for now");
                ("pending", now.plus_millis(UNREADABLE_PAUSE_MILLIS))
            }
        };
        let written = async {
            let mut tx = self.db().write(Scope::System).await?;
            let (org, reason) = (&*row.org_id, "it cannot be read");
            let (due, at) = (due.as_millis(), now.as_millis());
            execute!(&mut tx, LAY_ASIDE, &**delivery, org, row.lease, state, due, reason, at)?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(delivery, %error, "the message waits for the end of its lease");
        }
    }

    async fn open_claim(&self, row: &mut ClaimRow) -> Result<Claimed, DbError> {
        let (org, contact) = (parse_id(&row.org_id)?, parse_id(&row.contact_id)?);
        let key = self.contact_key(&org, &contact).await?;
        let plain =
            open(&key, &org, Place::Delivery { id: &row.delivery_id }, &row.key_id, take(&mut row.body))?;
        Ok(Claimed {
            delivery: parse_id(&row.delivery_id)?,
            session: parse_id(&row.session_id)?,
            channel: channel(&row.channel)?,
            kind: kind(&row.kind)?,
            to: row.address.take().unwrap_or_default(),
            line: row.line.take(),
            text: String::from_utf8(plain).map_err(|error| corrupt(&error))?,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            uncertain: row.uncertain,
            lease: row.lease.unsigned_abs(),
            created_at: Timestamp::from_millis(row.created_at),
            org,
            contact,
        })
    }
}

/// A settlement as columns.
struct SettledRow {
    delivery: DeliveryId,
    org: OrgId,
    lease: u64,
    now: Timestamp,
    state: &'static str,
    due: Timestamp,
    uncertain: bool,
    tries: i64,
    vendor_id: Option<String>,
    error_code: Option<i64>,
    reason: Option<String>,
}

impl SettledRow {
    fn new(claimed: &Claimed, settlement: Settlement, now: Timestamp) -> Self {
        let row = Self {
            delivery: claimed.delivery.clone(),
            org: claimed.org.clone(),
            lease: claimed.lease,
            now,
            state: "pending",
            due: now,
            uncertain: false,
            tries: 1,
            vendor_id: None,
            error_code: None,
            reason: None,
        };
        match settlement {
            Settlement::Accepted { vendor_id } => {
                Self { state: "accepted", vendor_id: Some(vendor_id), ..row }
            }
            Settlement::Retry { at, reason } => Self { due: at, reason: Some(reason), ..row },
            Settlement::Uncertain { at, reason } => {
                Self { due: at, uncertain: true, reason: Some(reason), ..row }
            }
            Settlement::Defer { at } => Self { due: at, uncertain: claimed.uncertain, tries: 0, ..row },
            Settlement::Dead { error_code, reason } => {
                Self { state: "dead", error_code: error_code.map(i64::from), reason: Some(reason), ..row }
            }
            Settlement::Dropped { reason } => Self { state: "dropped", reason: Some(reason), ..row },
        }
    }

    /// Whether the claim was still the newest of its message.
    fn write<'t>(self: &Arc<Self>, tx: &'t mut Tx) -> BoxFuture<'t, Result<bool, DbError>> {
        let row = Arc::clone(self);
        Box::pin(async move {
            let settled = execute!(
                tx,
                SETTLE,
                row.delivery.as_str(),
                row.org.as_str(),
                column(row.lease),
                row.state,
                row.due.as_millis(),
                row.uncertain,
                row.tries,
                row.vendor_id.as_deref(),
                row.error_code,
                row.reason.as_deref(),
                row.now.as_millis()
            )?;
            Ok(settled == 1)
        })
    }
}

/// A channel as it lies in a column.
pub(crate) fn channel(text: &str) -> Result<Channel, DbError> {
    [Channel::Sms, Channel::Voice, Channel::Email, Channel::Widget]
        .into_iter()
        .find(|channel| channel.as_str() == text)
        .ok_or_else(|| DbError::Corrupt(format!("{text:?} is not a channel")))
}

fn kind(text: &str) -> Result<MessageKind, DbError> {
    [MessageKind::Greeting, MessageKind::Reply, MessageKind::Nudge, MessageKind::Compliance]
        .into_iter()
        .find(|kind| super::writer::kind_column(*kind) == text)
        .ok_or_else(|| DbError::Corrupt(format!("{text:?} is not a kind of message")))
}
