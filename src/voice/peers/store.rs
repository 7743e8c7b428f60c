//! The SQL of providers that hold calls themselves.

use secrecy::{ExposeSecret as _, SecretString};
use usher_conversation::id::{CallId, OrgId};
use usher_conversation::ports::StoreError;

use super::{Peer, PeerReport};
use crate::crypto::Place;
use crate::db::{DbError, Scope, execute, fetch_all, fetch_optional, statements};
use crate::store::{Store, corrupt, open, parse_id};
use crate::tenancy::hold_contact;
use crate::voice::store::{CallRow, hash};
use crate::voice::{Call, Provider};

statements! {
    SAVE_PEER = "INSERT INTO voice_peers (org_id, line, door_hash, key_id, door, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (org_id) DO UPDATE SET line = excluded.line, door_hash = excluded.door_hash, \
        key_id = excluded.key_id, door = excluded.door, updated_at = excluded.updated_at";
    PEER = "SELECT line, key_id, door FROM voice_peers WHERE org_id = $1";
    ORG_OF_DOOR = "SELECT p.org_id FROM voice_peers p JOIN voice_settings v ON v.org_id = p.org_id \
        WHERE p.door_hash = $1 AND v.provider = $2";
    ORGS_OF_AGENT = "SELECT v.org_id FROM voice_settings v JOIN voice_peers p ON p.org_id = v.org_id \
        WHERE v.provider = $1 AND (v.agent_id = $2 OR p.line = $3) ORDER BY v.org_id LIMIT $4";
    ATTACH_CALL = "UPDATE calls SET attachments = attachments + 1, answered_at = COALESCE(answered_at, $3) \
        WHERE org_id = $1 AND call_id = $2 AND outcome IS NULL RETURNING *";
    LASTED = "UPDATE calls SET seconds = COALESCE(seconds, $3) WHERE org_id = $1 AND call_id = $2";
    KEEP_REPORT = "INSERT INTO call_reports (org_id, call_id, contact_id, key_id, report, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (org_id, call_id) DO UPDATE SET report = excluded.report, key_id = excluded.key_id, \
        updated_at = excluded.updated_at";
    REPORT_OF = "SELECT key_id, report FROM call_reports WHERE org_id = $1 AND call_id = $2";
}

/// Organisations that may claim the same agent; their signatures tell which of them it is.
const CLAIMANTS: i64 = 8;

impl Store {
    /// Says what lets an organisation's provider in. An earlier door is shut.
    pub async fn save_voice_peer(&self, org: &OrgId, peer: Peer) -> Result<(), StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let key = store.keyring().org(&mut tx, &org).await?;
            let plain = peer.door.expose_secret().as_bytes();
            let sealed = key.seal(store.entropy(), &org, DOOR, plain);
            let (hash, line) = (hash(&peer.door), peer.line.as_deref());
            execute!(&mut tx, SAVE_PEER, org.as_str(), line, hash, key.id(), sealed, now)?;
            tx.commit().await
        })
        .await
    }

    /// What lets an organisation's provider in.
    pub async fn voice_peer(&self, org: &OrgId) -> Result<Option<Peer>, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let mut tx = store.db().read(Scope::Org(&org)).await?;
            let row = fetch_optional!(&mut tx, (Option<String>, String, Vec<u8>), PEER, org.as_str())?;
            let Some((line, key_id, sealed)) = row else { return Ok(None) };
            let key = store.keyring().org(&mut tx, &org).await?;
            let plain = open(&key, &org, DOOR, &key_id, sealed)?;
            let door = String::from_utf8(plain).map_err(|e| corrupt(&e))?.into();
            Ok(Some(Peer { line, door }))
        })
        .await
    }

    /// Whose door this secret opens. A look-up without a tenant: it finds the tenant of a provider's request.
    pub async fn org_of_door(
        &self,
        provider: Provider,
        door: &SecretString,
    ) -> Result<Option<OrgId>, StoreError> {
        let (db, hash) = (self.db().clone(), hash(door));
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let found = fetch_optional!(&mut tx, (String,), ORG_OF_DOOR, hash, provider.as_str())?;
            found.map(|(org,)| parse_id(&org)).transpose()
        })
        .await
    }

    /// Who claims this agent or line at a provider. A look-up without a tenant: only a signature tells whose a request
    /// really is.
    pub async fn orgs_of_agent(
        &self,
        provider: Provider,
        agent: Option<&str>,
        line: Option<&str>,
    ) -> Result<Vec<OrgId>, StoreError> {
        let (db, agent, line) = (self.db().clone(), agent.map(str::to_owned), line.map(str::to_owned));
        self.run(async move {
            let mut tx = db.read(Scope::System).await?;
            let provider = provider.as_str();
            fetch_all!(&mut tx, (String,), ORGS_OF_AGENT, provider, agent, line, CLAIMANTS)?
                .iter()
                .map(|(org,)| parse_id(org))
                .collect()
        })
        .await
    }

    /// A provider's connection takes a call up. `None` when the call is over.
    pub async fn attach_call(&self, org: &OrgId, call: &CallId) -> Result<Option<Call>, StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            let row = fetch_optional!(&mut tx, CallRow, ATTACH_CALL, org.as_str(), call.as_str(), now)?;
            tx.commit().await?;
            row.map(Call::try_from).transpose()
        })
        .await
    }

    /// Keeps how long a call lasted, which may be told after it ended.
    pub async fn call_lasted(&self, org: &OrgId, call: &CallId, seconds: u32) -> Result<(), StoreError> {
        let (db, org, call) = (self.db().clone(), org.clone(), call.clone());
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            execute!(&mut tx, LASTED, org.as_str(), call.as_str(), i64::from(seconds))?;
            tx.commit().await
        })
        .await
    }

    /// Keeps what a provider reported of a call, in place of what it reported before.
    pub async fn keep_call_report(
        &self,
        org: &OrgId,
        call: &Call,
        report: PeerReport,
    ) -> Result<(), StoreError> {
        let (store, org) = (self.clone(), org.clone());
        let (call, contact) = (call.id.clone(), call.contact.clone());
        self.run(async move {
            let now = store.clock().now().as_millis();
            let key = store.contact_key(&org, &contact).await?;
            let plain = serde_json::to_vec(&report).map_err(|e| corrupt(&e))?;
            let sealed = key.seal(store.entropy(), &org, Place::CallReport { call: call.as_str() }, &plain);
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            if !hold_contact(&mut tx, &org, &contact).await? {
                return Err(DbError::Corrupt(format!("the person of {call} was erased")));
            }
            execute!(
                &mut tx,
                KEEP_REPORT,
                org.as_str(),
                call.as_str(),
                contact.as_str(),
                key.id(),
                sealed,
                now
            )?;
            tx.commit().await
        })
        .await
    }

    /// What a provider reported of a call.
    pub async fn call_report(&self, org: &OrgId, call: &Call) -> Result<Option<PeerReport>, StoreError> {
        let (store, org, call) = (self.clone(), org.clone(), call.clone());
        self.run(async move {
            let mut tx = store.db().read(Scope::Org(&org)).await?;
            let row = fetch_optional!(&mut tx, (String, Vec<u8>), REPORT_OF, org.as_str(), call.id.as_str())?;
            drop(tx);
            let Some((key_id, sealed)) = row else { return Ok(None) };
            let key = store.contact_key(&org, &call.contact).await?;
            let plain = open(&key, &org, Place::CallReport { call: call.id.as_str() }, &key_id, sealed)?;
            serde_json::from_slice(&plain).map(Some).map_err(|e| corrupt(&e))
        })
        .await
    }
}

/// Where the secret of a door belongs.
const DOOR: Place<'_> = Place::Credential { account: "voice-peer" };
