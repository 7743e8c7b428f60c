//! The SQL of calls we make.

use usher_conversation::id::{CallId, OrgId};
use usher_conversation::ports::StoreError;
use usher_conversation::time::Timestamp;

use super::{Call, CallStatus, NewCall};
use crate::db::{DbError, Scope, execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::store::{Store, parse_id};
use crate::voice::store::CallRow;

statements! {
    DUE_CALLS = "SELECT org_id, call_id FROM calls WHERE status = 'planned' AND due <= $1 ORDER BY due LIMIT $2";
    NEXT_CALL = "SELECT MIN(due) FROM calls WHERE status = 'planned'";
    /// Due is when it was claimed from here on.
    CLAIM_CALL = "UPDATE calls SET status = 'placing', stage = 1, due = $3 \
        WHERE org_id = $1 AND call_id = $2 AND status = 'planned' RETURNING *";
    /// Who plans a call waits here for whoever plans another in the same session.
    PLANNING = "UPDATE sessions SET session_id = session_id WHERE org_id = $1 AND session_id = $2";
    OPEN_OUTBOUND = "SELECT * FROM calls WHERE org_id = $1 AND session_id = $2 AND direction = 'outbound' \
        AND outcome IS NULL AND stage < $3 ORDER BY created_at DESC LIMIT 1";
    BRING_FORWARD = "UPDATE calls SET due = $3 WHERE org_id = $1 AND call_id = $2 AND status = 'planned' AND due > $3";
    POSTPONE = "UPDATE calls SET status = 'planned', stage = 0, due = $3 \
        WHERE org_id = $1 AND call_id = $2 AND status IN ('planned', 'placing') AND vendor_call_id IS NULL";
    VOICE_NUMBER = "SELECT phone FROM twilio_numbers WHERE org_id = $1 ORDER BY created_at, phone LIMIT 1";
    PLACED = "UPDATE calls SET vendor_call_id = $3 \
        WHERE org_id = $1 AND call_id = $2 AND (vendor_call_id IS NULL OR vendor_call_id = $3)";
    STRANDED = "SELECT org_id, call_id FROM calls WHERE status = 'placing' AND vendor_call_id IS NULL \
        AND due <= $1";
}

/// Due calls looked at in one round.
const DUE_AT_ONCE: i64 = 16;

impl Store {
    /// Planned calls that are due, of every organisation, earliest first.
    pub async fn due_calls(&self, now: Timestamp) -> Result<Vec<(OrgId, CallId)>, StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_all!(&mut tx, (String, String), DUE_CALLS, now.as_millis(), DUE_AT_ONCE)?
                .iter()
                .map(|(org, call)| Ok((parse_id(org)?, parse_id(call)?)))
                .collect()
        })
        .await
    }

    /// When the next planned call is due, if any waits.
    pub async fn next_call_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let (next,) = fetch_one!(&mut tx, (Option<i64>,), NEXT_CALL)?;
            Ok(next.map(Timestamp::from_millis))
        })
        .await
    }

    /// Takes a planned call to place it; `None` when somebody else did. It never waits again: whether the carrier got an
    /// interrupted request is not known, and nobody is telephoned twice by mistake.
    pub async fn claim_call(&self, org: &OrgId, call: &CallId) -> Result<Option<Call>, StoreError> {
        let (db, org, call) = (self.db().clone(), org.clone(), call.clone());
        let now = self.clock().now().as_millis();
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            let row = fetch_optional!(&mut tx, CallRow, CLAIM_CALL, org.as_str(), call.as_str(), now)?;
            tx.commit().await?;
            row.map(Call::try_from).transpose()
        })
        .await
    }

    /// The number an organisation calls from, if it has one.
    pub async fn voice_number(&self, org: &OrgId) -> Result<Option<String>, StoreError> {
        let (db, org) = (self.db().clone(), org.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let found = fetch_optional!(&mut tx, (String,), VOICE_NUMBER, org.as_str())?;
            Ok(found.map(|(phone,)| phone))
        })
        .await
    }

    /// Lets a call wait until `due`; also a claimed one of which the carrier certainly has not heard.
    pub async fn postpone_call(&self, org: &OrgId, call: &CallId, due: Timestamp) -> Result<(), StoreError> {
        let (db, org, call) = (self.db().clone(), org.clone(), call.clone());
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            execute!(&mut tx, POSTPONE, org.as_str(), call.as_str(), due.as_millis())?;
            tx.commit().await
        })
        .await
    }

    /// Keeps the carrier's id of a call we placed. `false` when it has another: then the request is a stranger's.
    pub async fn call_placed(&self, org: &OrgId, call: &CallId, vendor: &str) -> Result<bool, StoreError> {
        let (db, org, call, vendor) = (self.db().clone(), org.clone(), call.clone(), vendor.to_owned());
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            let kept = execute!(&mut tx, PLACED, org.as_str(), call.as_str(), vendor.as_str())?;
            tx.commit().await?;
            Ok(kept == 1)
        })
        .await
    }

    /// Records a planned call of a session, unless one of ours is planned or under way: then it is that one, and due no
    /// later than this.
    pub async fn plan_call(&self, org: &OrgId, new: NewCall) -> Result<Call, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let (over, session) = (i64::from(CallStatus::Completed.rank()), new.session.as_str());
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            execute!(&mut tx, PLANNING, org.as_str(), session)?;
            let mut open = fetch_optional!(&mut tx, CallRow, OPEN_OUTBOUND, org.as_str(), session, over)?;
            if let Some(open) = &open {
                let due = new.due.map(Timestamp::as_millis);
                execute!(&mut tx, BRING_FORWARD, org.as_str(), open.id(), due)?;
            } else {
                let id = CallId::new(store.clock().now(), store.entropy().bits());
                store.insert_call(&mut tx, &org, &id, &new, None).await?;
            }
            open = fetch_optional!(&mut tx, CallRow, OPEN_OUTBOUND, org.as_str(), session, over)?;
            tx.commit().await?;
            open.ok_or_else(|| DbError::Corrupt(format!("{session} does not exist")))?.try_into()
        })
        .await
    }

    /// Calls that were claimed no later than `claimed` and of which the carrier has told nothing.
    pub async fn stranded_calls(&self, claimed: Timestamp) -> Result<Vec<(OrgId, CallId)>, StoreError> {
        let db = self.db().clone();
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_all!(&mut tx, (String, String), STRANDED, claimed.as_millis())?
                .iter()
                .map(|(org, call)| Ok((parse_id(org)?, parse_id(call)?)))
                .collect()
        })
        .await
    }
}
