//! The SQL of stored files. Their content is sealed like the words of the person they come from.

use bytes::Bytes;
use usher_conversation::answer::FileAnswer;
use usher_conversation::id::{FileId, OrgId, SessionId};
use usher_conversation::ports::StoreError;

use super::NewFile;
use crate::crypto::Place;
use crate::db::{DbError, Scope, execute, fetch_optional, statements};
use crate::store::{Store, open, parse_id};
use crate::tenancy::hold_contact;

statements! {
    INSERT_FILE = "INSERT INTO files \
        (org_id, file_id, session_id, contact_id, name, media_type, bytes, key_id, body, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
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
    /// Keeps a file that came in a session.
    pub async fn keep_file(
        &self,
        org: &OrgId,
        session: &SessionId,
        file: NewFile,
    ) -> Result<FileAnswer, StoreError> {
        let (store, org, session) = (self.clone(), org.clone(), session.clone());
        self.run(async move {
            let contact = store
                .contact_of_session(&org, &session)
                .await?
                .ok_or_else(|| DbError::Corrupt(format!("{session} does not exist")))?;
            let key = store.contact_key(&org, &contact).await?;
            let now = store.clock().now();
            let id = FileId::new(now, store.entropy().bits());
            let body = key.seal(store.entropy(), &org, Place::File { id: id.as_str() }, &file.bytes);
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
                i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
                key.id(),
                body,
                now.as_millis()
            )?;
            tx.commit().await?;
            let bytes = file.bytes.len() as u64;
            Ok(FileAnswer { file: id, name: file.name, media_type: file.media_type, bytes })
        })
        .await
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
