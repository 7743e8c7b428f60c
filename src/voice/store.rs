//! The SQL of calls: who speaks for an organisation, and one record per call.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use usher_actors::voice::ports::CallUsage;
use usher_conversation::id::{CallId, OrgId, SessionId};
use usher_conversation::ports::StoreError;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::{CallDirection, CallEnd};

use super::log::WITH_PERSON;
use super::record::{Call, CallStatus, NewCall, Recording, StatusReport};
use super::settings::{Provider, VoiceSettings};
use crate::crypto::Place;
use crate::db::{DbError, Scope, Statement, Tx, execute, fetch_all, fetch_optional, statements};
use crate::store::{Store, corrupt, open, parse_id};

statements! {
    SAVE_VOICE = "INSERT INTO voice_settings (org_id, provider, agent_id, key_id, api_key, profile, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (org_id) DO UPDATE SET provider = excluded.provider, agent_id = excluded.agent_id, \
        key_id = excluded.key_id, api_key = excluded.api_key, profile = excluded.profile, \
        updated_at = excluded.updated_at";
    VOICE = "SELECT provider, agent_id, key_id, api_key, profile FROM voice_settings WHERE org_id = $1";
    INSERT_CALL = "INSERT INTO calls (call_id, org_id, session_id, contact_id, provider, direction, phone, line, \
        vendor_call_id, status, stage, attempt, retry_of, due, created_at) \
        SELECT $1, s.org_id, s.session_id, s.contact_id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 \
        FROM sessions s WHERE s.org_id = $2 AND s.session_id = $3 ON CONFLICT DO NOTHING";
    CALL = "SELECT * FROM calls WHERE org_id = $1 AND call_id = $2";
    CALL_OF_VENDOR = "SELECT * FROM calls WHERE org_id = $1 AND vendor_call_id = $2";
    CALLS = "SELECT * FROM calls WHERE org_id = $1 AND ($2 = '' OR session_id = $2) AND ($3 = '' OR call_id < $3) \
        ORDER BY call_id DESC LIMIT $4";
    ORG_OF_CALL = "SELECT org_id FROM calls WHERE call_id = $1";
    ISSUE_TOKEN = "UPDATE calls SET token_hash = $3, token_until = $4 \
        WHERE org_id = $1 AND call_id = $2 AND outcome IS NULL";
    TAKE_TOKEN = "UPDATE calls SET token_hash = NULL, token_until = NULL, handover = NULL, \
        attachments = attachments + 1, answered_at = COALESCE(answered_at, $5) \
        WHERE org_id = $1 AND call_id = $2 AND token_hash = $3 AND token_until > $5 AND outcome IS NULL \
        AND (vendor_call_id IS NULL OR vendor_call_id = $4) RETURNING *";
    REPORT = "UPDATE calls SET status = $3, stage = $4, seconds = COALESCE($5, seconds), \
        answered_by = COALESCE($6, answered_by), answered_at = COALESCE(answered_at, $7), \
        ended_at = COALESCE(ended_at, $8) WHERE org_id = $1 AND call_id = $2 AND stage < $4";
    ANSWERED_BY = "UPDATE calls SET answered_by = $3 WHERE org_id = $1 AND call_id = $2";
    RECORDED = "UPDATE calls SET recording_id = $3, recording_url = $4 WHERE org_id = $1 AND call_id = $2";
    CONVERSATION = "UPDATE calls SET conversation_id = $3 WHERE org_id = $1 AND call_id = $2";
    HANDED_OVER = "UPDATE calls SET handover = $3 \
        WHERE org_id = $1 AND call_id = $2 AND attachments = $4 AND outcome IS NULL";
    TAKEN_OVER = "UPDATE calls SET handover = $3 WHERE org_id = $1 AND call_id = $2 AND outcome IS NULL";
    OUTCOME = "UPDATE calls SET outcome = $3, ended_at = COALESCE(ended_at, $4) \
        WHERE org_id = $1 AND call_id = $2 AND outcome IS NULL";
    KEEP_USAGE = "INSERT INTO call_attachments (org_id, call_id, attachment, usage, ended_at) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    USAGE = "SELECT usage FROM call_attachments WHERE org_id = $1 AND call_id = $2 ORDER BY attachment";
    OPEN_CALLS = "SELECT org_id, call_id FROM calls WHERE outcome IS NULL AND stage >= 2 AND call_id > $1 \
        ORDER BY call_id LIMIT $2";
}

/// A media stream may take so long to come after it was asked for.
const TOKEN_MILLIS: i64 = 60_000;

#[derive(sqlx::FromRow)]
struct VoiceRow {
    provider: String,
    agent_id: Option<String>,
    key_id: Option<String>,
    api_key: Option<Vec<u8>>,
    profile: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct CallRow {
    call_id: String,
    session_id: String,
    contact_id: String,
    provider: String,
    direction: String,
    phone: Option<String>,
    line: Option<String>,
    vendor_call_id: Option<String>,
    conversation_id: Option<String>,
    status: String,
    answered_by: Option<String>,
    handover: Option<String>,
    outcome: Option<String>,
    attachments: i64,
    recording_id: Option<String>,
    recording_url: Option<String>,
    attempt: i64,
    due: Option<i64>,
    created_at: i64,
    answered_at: Option<i64>,
    ended_at: Option<i64>,
    seconds: Option<i64>,
}

impl CallRow {
    pub(super) fn id(&self) -> &str {
        &self.call_id
    }
}

impl TryFrom<CallRow> for Call {
    type Error = DbError;

    fn try_from(row: CallRow) -> Result<Self, DbError> {
        let unknown = |what: &str| DbError::Corrupt(format!("{}: {what:?} is not known", row.call_id));
        Ok(Self {
            id: parse_id(&row.call_id)?,
            session: parse_id(&row.session_id)?,
            contact: parse_id(&row.contact_id)?,
            provider: Provider::named(&row.provider).ok_or_else(|| unknown(&row.provider))?,
            direction: direction(&row.direction).ok_or_else(|| unknown(&row.direction))?,
            status: CallStatus::named(&row.status).ok_or_else(|| unknown(&row.status))?,
            phone: row.phone,
            line: row.line,
            vendor_call: row.vendor_call_id,
            conversation: row.conversation_id,
            answered_by: row.answered_by,
            handover: row.handover,
            outcome: row.outcome,
            attachments: u32::try_from(row.attachments).unwrap_or(0),
            recording: row.recording_id.zip(row.recording_url).map(|(id, url)| Recording { id, url }),
            attempt: u32::try_from(row.attempt).unwrap_or(1),
            due: row.due.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            answered_at: row.answered_at.map(Timestamp::from_millis),
            ended_at: row.ended_at.map(Timestamp::from_millis),
            seconds: row.seconds.and_then(|seconds| u32::try_from(seconds).ok()),
        })
    }
}

fn direction(name: &str) -> Option<CallDirection> {
    [CallDirection::Inbound, CallDirection::Outbound, CallDirection::Browser]
        .into_iter()
        .find(|direction| direction.as_str() == name)
}

pub(super) fn hash(token: &SecretString) -> String {
    hex::encode(Sha256::digest(token.expose_secret().as_bytes()))
}

impl Store {
    /// Says who speaks for an organisation, and how.
    pub async fn save_voice(&self, org: &OrgId, voice: VoiceSettings) -> Result<(), StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let key = store.keyring().org(&mut tx, &org).await?;
            let provider = voice.provider.as_str();
            let sealed = voice.api_key.as_ref().map(|secret| {
                let plain = secret.expose_secret().as_bytes();
                key.seal(store.entropy(), &org, Place::Credential { account: provider }, plain)
            });
            execute!(
                &mut tx,
                SAVE_VOICE,
                org.as_str(),
                provider,
                voice.agent_id.as_deref(),
                sealed.is_some().then(|| key.id()),
                sealed,
                serde_json::to_string(&voice.profile).map_err(|e| corrupt(&e))?,
                now
            )?;
            tx.commit().await
        })
        .await
    }

    /// Who speaks for an organisation, and how; `None` when it has never said.
    pub async fn voice(&self, org: &OrgId) -> Result<Option<VoiceSettings>, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let mut tx = store.db().read(Scope::Org(&org)).await?;
            let Some(row) = fetch_optional!(&mut tx, VoiceRow, VOICE, org.as_str())? else { return Ok(None) };
            let provider = Provider::named(&row.provider)
                .ok_or_else(|| DbError::Corrupt(format!("{org}: {:?} is not known", row.provider)))?;
            let api_key = match row.key_id.zip(row.api_key) {
                Some((key_id, sealed)) => {
                    let key = store.keyring().org(&mut tx, &org).await?;
                    let place = Place::Credential { account: provider.as_str() };
                    let plain = open(&key, &org, place, &key_id, sealed)?;
                    Some(String::from_utf8(plain).map_err(|e| corrupt(&e))?.into())
                }
                None => None,
            };
            let profile = serde_json::from_str(&row.profile).map_err(|e| corrupt(&e))?;
            Ok(Some(VoiceSettings { provider, agent_id: row.agent_id, api_key, profile }))
        })
        .await
    }

    /// Records a call. One that the carrier told us of twice is recorded once.
    pub async fn open_call(&self, org: &OrgId, new: NewCall) -> Result<Call, StoreError> {
        let id = CallId::new(self.clock().now(), self.entropy().bits());
        self.open_call_as(org, &id, new).await
    }

    /// Records a call under an id that is known already.
    pub async fn open_call_as(&self, org: &OrgId, id: &CallId, new: NewCall) -> Result<Call, StoreError> {
        let (store, org, id) = (self.clone(), org.clone(), id.clone());
        self.run(async move {
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let made = store.insert_call(&mut tx, &org, &id, &new, None).await?;
            let found = match &new.vendor_call {
                Some(vendor) if !made => {
                    fetch_optional!(&mut tx, CallRow, CALL_OF_VENDOR, org.as_str(), vendor.as_str())?
                }
                _ => fetch_optional!(&mut tx, CallRow, CALL, org.as_str(), id.as_str())?,
            };
            tx.commit().await?;
            found.ok_or_else(|| DbError::Corrupt(format!("{} does not exist", new.session)))?.try_into()
        })
        .await
    }

    pub(super) async fn insert_call(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        id: &CallId,
        new: &NewCall,
        retry_of: Option<&Call>,
    ) -> Result<bool, DbError> {
        let now = self.clock().now();
        let made = execute!(
            tx,
            INSERT_CALL,
            id.as_str(),
            org.as_str(),
            new.session.as_str(),
            new.provider.as_str(),
            new.direction.as_str(),
            new.phone.as_deref(),
            new.line.as_deref(),
            new.vendor_call.as_deref(),
            new.status.as_str(),
            i64::from(new.status.rank()),
            retry_of.map_or(1, |before| i64::from(before.attempt) + 1),
            retry_of.map(|before| before.id.as_str()),
            new.due.map(Timestamp::as_millis),
            now.as_millis()
        )?;
        Ok(made == 1)
    }

    /// Plans the next try of reaching a contact who did not answer. Once per call, however often it is asked.
    pub async fn plan_retry(&self, org: &OrgId, before: &Call, due: Timestamp) -> Result<bool, StoreError> {
        let (store, org, before) = (self.clone(), org.clone(), before.clone());
        self.run(async move {
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let new = NewCall {
                session: before.session.clone(),
                direction: before.direction,
                provider: before.provider,
                phone: before.phone.clone(),
                line: before.line.clone(),
                vendor_call: None,
                status: CallStatus::Planned,
                due: Some(due),
            };
            let id = CallId::new(store.clock().now(), store.entropy().bits());
            let made = store.insert_call(&mut tx, &org, &id, &new, Some(&before)).await?;
            tx.commit().await?;
            Ok(made)
        })
        .await
    }

    /// A call.
    pub async fn call(&self, org: &OrgId, call: &CallId) -> Result<Option<Call>, StoreError> {
        let (db, org, call) = (self.db().clone(), org.clone(), call.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_optional!(&mut tx, CallRow, CALL, org.as_str(), call.as_str())?
                .map(Call::try_from)
                .transpose()
        })
        .await
    }

    /// The call the carrier knows under this id.
    pub async fn call_of_vendor(&self, org: &OrgId, vendor_call: &str) -> Result<Option<Call>, StoreError> {
        let (db, org, vendor_call) = (self.db().clone(), org.clone(), vendor_call.to_owned());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_optional!(&mut tx, CallRow, CALL_OF_VENDOR, org.as_str(), vendor_call.as_str())?
                .map(Call::try_from)
                .transpose()
        })
        .await
    }

    /// Calls of an organisation, or of one session of it, newest first. `before` goes on behind a call.
    pub async fn calls(
        &self,
        org: &OrgId,
        session: Option<&SessionId>,
        before: Option<&CallId>,
        limit: u32,
    ) -> Result<Vec<Call>, StoreError> {
        let (db, org) = (self.db().clone(), org.clone());
        let session = session.map_or_else(String::new, SessionId::to_string);
        let before = before.map_or_else(String::new, CallId::to_string);
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_all!(
                &mut tx,
                CallRow,
                CALLS,
                org.as_str(),
                session.as_str(),
                before.as_str(),
                i64::from(limit)
            )?
            .into_iter()
            .map(Call::try_from)
            .collect()
        })
        .await
    }

    /// Whose call this is. One of the few look-ups without a tenant: it finds the tenant of a media stream.
    pub async fn org_of_call(&self, call: &CallId) -> Result<Option<OrgId>, StoreError> {
        let (db, call) = (self.db().clone(), call.clone());
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let found = fetch_optional!(&mut tx, (String,), ORG_OF_CALL, call.as_str())?;
            found.map(|(org,)| parse_id(&org)).transpose()
        })
        .await
    }

    /// A token that lets one media stream of this call in, once and soon; an earlier one ends. Only its hash is kept.
    pub async fn issue_stream_token(&self, org: &OrgId, call: &CallId) -> Result<SecretString, StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        self.run(async move {
            let bits = [store.entropy().bits(), store.entropy().bits()].concat();
            let token = SecretString::from(hex::encode(bits));
            let until = store.clock().now().plus_millis(TOKEN_MILLIS).as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            execute!(&mut tx, ISSUE_TOKEN, org.as_str(), call.as_str(), hash(&token), until)?;
            tx.commit().await?;
            Ok(token)
        })
        .await
    }

    /// Takes a token: answers with its call once, and never again. `None` when it was taken, has ended, or belongs to
    /// another call.
    pub async fn take_stream_token(
        &self,
        org: &OrgId,
        call: &CallId,
        vendor_call: &str,
        token: &SecretString,
    ) -> Result<Option<Call>, StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        let (vendor_call, hash) = (vendor_call.to_owned(), hash(token));
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let row = fetch_optional!(
                &mut tx,
                CallRow,
                TAKE_TOKEN,
                org.as_str(),
                call.as_str(),
                hash.as_str(),
                vendor_call.as_str(),
                now
            )?;
            tx.commit().await?;
            row.map(Call::try_from).transpose()
        })
        .await
    }

    /// Takes a carrier's report. `false` when it brings nothing new: reports repeat and overtake each other.
    pub async fn report_call(
        &self,
        org: &OrgId,
        call: &CallId,
        report: StatusReport,
    ) -> Result<bool, StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let moved = execute!(
                &mut tx,
                REPORT,
                org.as_str(),
                call.as_str(),
                report.status.as_str(),
                i64::from(report.status.rank()),
                report.seconds.map(i64::from),
                report.answered_by.as_deref(),
                (report.status == CallStatus::InProgress).then_some(now),
                report.status.is_end().then_some(now)
            )?;
            tx.commit().await?;
            Ok(moved == 1)
        })
        .await
    }

    /// Keeps what machine detection said.
    pub async fn call_answered_by(&self, org: &OrgId, call: &CallId, who: &str) -> Result<(), StoreError> {
        self.keep_text(ANSWERED_BY, org, call, who).await
    }

    /// Keeps that a person has taken the call.
    pub async fn call_taken_over(&self, org: &OrgId, call: &CallId) -> Result<(), StoreError> {
        self.keep_text(TAKEN_OVER, org, call, WITH_PERSON).await
    }

    /// Keeps the agent provider's id of the conversation.
    pub async fn call_conversation(&self, org: &OrgId, call: &CallId, id: &str) -> Result<(), StoreError> {
        self.keep_text(CONVERSATION, org, call, id).await
    }

    async fn keep_text(
        &self,
        statement: Statement,
        org: &OrgId,
        call: &CallId,
        text: &str,
    ) -> Result<(), StoreError> {
        let (db, org, call, text) = (self.db().clone(), org.clone(), call.clone(), text.to_owned());
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            execute!(&mut tx, statement, org.as_str(), call.as_str(), text.as_str())?;
            tx.commit().await
        })
        .await
    }

    /// Keeps where the carrier has the recording.
    pub async fn call_recorded(
        &self,
        org: &OrgId,
        call: &CallId,
        recording: Recording,
    ) -> Result<(), StoreError> {
        let (db, org, call) = (self.db().clone(), org.clone(), call.clone());
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            let Recording { id, url } = &recording;
            execute!(&mut tx, RECORDED, org.as_str(), call.as_str(), id.as_str(), url.as_str())?;
            tx.commit().await
        })
        .await
    }

    /// Keeps what an attachment used and how it left the call. `Err` holds the reason why the call goes on without it;
    /// of an attachment that was not the newest it is not kept.
    pub async fn end_attachment(
        &self,
        org: &OrgId,
        call: &CallId,
        attachment: u32,
        left: Result<CallEnd, &'static str>,
        usage: &CallUsage,
    ) -> Result<(), StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        let usage = serde_json::to_string(usage).map_err(|e| corrupt(&e))?;
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let number = i64::from(attachment);
            execute!(&mut tx, KEEP_USAGE, org.as_str(), call.as_str(), number, usage, now)?;
            match left {
                Ok(end) => execute!(&mut tx, OUTCOME, org.as_str(), call.as_str(), end.as_str(), now)?,
                Err(why) => execute!(&mut tx, HANDED_OVER, org.as_str(), call.as_str(), why, number + 1)?,
            };
            tx.commit().await
        })
        .await
    }

    /// Keeps how a call ended for us. `false` when that is known already.
    pub async fn end_call(&self, org: &OrgId, call: &CallId, end: CallEnd) -> Result<bool, StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let ended = execute!(&mut tx, OUTCOME, org.as_str(), call.as_str(), end.as_str(), now)?;
            tx.commit().await?;
            Ok(ended == 1)
        })
        .await
    }

    /// What the attachments of a call used, in order.
    pub async fn call_usage(&self, org: &OrgId, call: &CallId) -> Result<Vec<CallUsage>, StoreError> {
        let (db, org, call) = (self.db().clone(), org.clone(), call.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_all!(&mut tx, (String,), USAGE, org.as_str(), call.as_str())?
                .iter()
                .map(|(usage,)| serde_json::from_str(usage).map_err(|e| corrupt(&e)))
                .collect()
        })
        .await
    }

    /// Calls the carrier knows of and that are not over for us, of every organisation, in the order of their ids behind
    /// `after`.
    pub async fn open_calls(
        &self,
        after: Option<&CallId>,
        most: i64,
    ) -> Result<Vec<(OrgId, CallId)>, StoreError> {
        let (db, after) = (self.db().clone(), after.map(CallId::to_string).unwrap_or_default());
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            fetch_all!(&mut tx, (String, String), OPEN_CALLS, after.as_str(), most)?
                .iter()
                .map(|(org, call)| Ok((parse_id(org)?, parse_id(call)?)))
                .collect()
        })
        .await
    }
}
