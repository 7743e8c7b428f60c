//! The SQL of stored files. Their content is sealed like the words of the person they come from.

use bytes::Bytes;
use usher_conversation::answer::FileAnswer;
use usher_conversation::id::{ContactId, FileId, OrgId, SessionId};
use usher_conversation::ports::StoreError;

use super::{MAX_FILES, MAX_STORED_BYTES, NewFile};
use crate::crypto::Place;
use crate::db::{DbError, Scope, execute, fetch_one, fetch_optional, statements};
use crate::store::{Store, column, open, parse_id};
use crate::tenancy::hold_contact;

statements! {
    INSERT_FILE = "INSERT INTO files \
        (org_id, file_id, session_id, contact_id, name, media_type, bytes, key_id, body, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    KEPT = "SELECT name, media_type, bytes FROM files WHERE org_id = $1 AND session_id = $2 AND file_id = $3";
    STORED = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM files \
        WHERE org_id = $1 AND contact_id = $2";
    DISCARD = "DELETE FROM files WHERE org_id = $1 AND session_id = $2 AND file_id = $3";
    FILE = "SELECT contact_id, name, media_type, key_id, body FROM files \
        WHERE org_id = $1 AND session_id = $2 AND file_id = $3";
}

#[derive(sqlx::FromRow)]
struct FileRow {
    contact_id: String,
    name: String,
    media_type: String,
    key_id: String,
    body: Vec<u8>,
}

impl Store {
    /// Keeps a file that came in a session, once under its id.
    pub async fn keep_file(
        &self,
        org: &OrgId,
        session: &SessionId,
        id: FileId,
        file: NewFile,
    ) -> Result<FileAnswer, StoreError> {
        let (store, org, session) = (self.clone(), org.clone(), session.clone());
        self.run(async move {
            let contact = store.contact_of(&org, &session).await?;
            let key = store.contact_key(&org, &contact).await?;
            let body = key.seal(store.entropy(), &org, Place::File { id: id.as_str() }, &file.bytes);
            let bytes = file.bytes.len() as u64;
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            if !hold_contact(&mut tx, &org, &contact).await? {
                return Err(DbError::Corrupt(format!("the person of {session} was erased")));
            }
            execute!(
                &mut tx,
                INSERT_FILE,
                org.as_str(),
                id.as_str(),
                session.as_str(),
                contact.as_str(),
                file.name.as_str(),
                file.media_type.as_str(),
                column(bytes),
                key.id(),
                body,
                store.clock().now().as_millis()
            )?;
            tx.commit().await?;
            Ok(FileAnswer { file: id, name: file.name, media_type: file.media_type, bytes })
        })
        .await
    }

    /// A file that was kept before.
    pub async fn kept_file(
        &self,
        org: &OrgId,
        session: &SessionId,
        id: &FileId,
    ) -> Result<Option<FileAnswer>, StoreError> {
        let (db, org, session, id) = (self.db().clone(), org.clone(), session.clone(), id.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            let row = fetch_optional!(
                &mut tx,
                (String, String, i64),
                KEPT,
                org.as_str(),
                session.as_str(),
                id.as_str()
            )?;
            let kept = |(name, media_type, bytes): (String, String, i64)| FileAnswer {
                file: id,
                name,
                media_type,
                bytes: bytes.unsigned_abs(),
            };
            Ok(row.map(kept))
        })
        .await
    }

    /// Whether the person of a session may leave another file of `bytes` bytes.
    pub async fn has_room(&self, org: &OrgId, session: &SessionId, bytes: u64) -> Result<bool, StoreError> {
        let (store, org, session) = (self.clone(), org.clone(), session.clone());
        self.run(async move {
            let contact = store.contact_of(&org, &session).await?;
            let mut tx = store.db().read(Scope::Org(&org)).await?;
            let (files, stored) = fetch_one!(&mut tx, (i64, i64), STORED, org.as_str(), contact.as_str())?;
            Ok(files.unsigned_abs() < MAX_FILES && stored.unsigned_abs() + bytes <= MAX_STORED_BYTES)
        })
        .await
    }

    /// Removes a file that no answer came of.
    pub async fn discard_file(
        &self,
        org: &OrgId,
        session: &SessionId,
        id: &FileId,
    ) -> Result<(), StoreError> {
        let (db, org, session, id) = (self.db().clone(), org.clone(), session.clone(), id.clone());
        self.run(async move {
            let mut tx = db.write(Scope::Org(&org)).await?;
            execute!(&mut tx, DISCARD, org.as_str(), session.as_str(), id.as_str())?;
            tx.commit().await
        })
        .await
    }

    async fn contact_of(&self, org: &OrgId, session: &SessionId) -> Result<ContactId, DbError> {
        let contact = self.contact_of_session(org, session).await?;
        contact.ok_or_else(|| DbError::Corrupt(format!("{session} does not exist")))
    }

    /// A file of a session.
    pub async fn file(
        &self,
        org: &OrgId,
        session: &SessionId,
        file: &FileId,
    ) -> Result<Option<NewFile>, StoreError> {
        let (store, org, session, file) = (self.clone(), org.clone(), session.clone(), file.clone());
        self.run(async move {
            let mut tx = store.db().read(Scope::Org(&org)).await?;
            let row = fetch_optional!(&mut tx, FileRow, FILE, org.as_str(), session.as_str(), file.as_str())?;
            drop(tx);
            let Some(row) = row else { return Ok(None) };
            let key = store.contact_key(&org, &parse_id(&row.contact_id)?).await?;
            let plain = open(&key, &org, Place::File { id: file.as_str() }, &row.key_id, row.body)?;
            Ok(Some(NewFile { name: row.name, media_type: row.media_type, bytes: Bytes::from(plain) }))
        })
        .await
    }
}
