//! Who a number belongs to and which session a sender talks to, remembered between webhooks.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use usher_channels::twilio::{SigningKey, TwilioCredentials};
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::StoreError;

use crate::store::Store;

/// A changed or moved number is seen after so long.
const REMEMBER_LINES: Duration = Duration::from_secs(30);
/// A sender's newer session is seen after so long.
const REMEMBER_SENDERS: Duration = Duration::from_mins(1);
const REMEMBERED: u64 = 200_000;

/// One of our numbers.
pub(crate) struct Line {
    /// Whose it is.
    pub org: OrgId,
    /// The account it belongs to.
    pub credentials: TwilioCredentials,
    /// Checks what the account signs.
    pub key: SigningKey,
}

/// The remembered look-ups.
pub struct Directory {
    lines: Cache<Box<str>, Arc<Line>>,
    senders: Cache<(OrgId, Box<str>), SessionId>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            lines: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_LINES).build(),
            senders: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_SENDERS).build(),
        }
    }
}

impl Directory {
    /// The line of `number`, when it is one of ours. Unknown numbers are not remembered: anybody can make them up.
    pub(crate) async fn line(&self, store: &Store, number: &str) -> Result<Option<Arc<Line>>, StoreError> {
        if let Some(line) = self.lines.get(number) {
            return Ok(Some(line));
        }
        let Some(found) = store.line(number).await? else { return Ok(None) };
        let key = SigningKey::new(found.credentials.auth_token.clone());
        let line = Arc::new(Line { org: found.org, credentials: found.credentials, key });
        self.lines.insert(number.into(), Arc::clone(&line));
        Ok(Some(line))
    }

    /// The session `phone` talks to on this line; contact and session are made when they write for the first time.
    pub(crate) async fn session(
        &self,
        store: &Store,
        line: &Line,
        phone: &str,
    ) -> Result<SessionId, StoreError> {
        let key = (line.org.clone(), Box::from(phone));
        if let Some(session) = self.senders.get(&key) {
            return Ok(session);
        }
        let session = store.session_of_phone(&line.org, phone).await?;
        self.senders.insert(key, session.clone());
        Ok(session)
    }
}
