//! Who a number belongs to and which session a sender talks to, remembered between webhooks.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use usher_channels::twilio::codec::is_sid;
use usher_channels::twilio::{SigningKey, TwilioCredentials};
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::StoreError;

use crate::crypto::DataKey;
use crate::store::Store;

/// A changed or moved number is seen after so long.
const REMEMBER_LINES: Duration = Duration::from_secs(30);
/// A sender's newer session is seen after so long.
const REMEMBER_SENDERS: Duration = Duration::from_mins(1);
const REMEMBERED: u64 = 200_000;
/// Anybody can make up what is not ours: only so much of it is remembered.
const REMEMBERED_UNKNOWN: u64 = 10_000;
/// The longest telephone number or short code, with its plus sign.
const MAX_NUMBER_BYTES: usize = 16;

/// An account of ours, as a webhook names it.
pub(crate) struct Line {
    /// Whose it is.
    pub org: OrgId,
    /// The account.
    pub credentials: TwilioCredentials,
    /// Checks what the account signs.
    pub key: SigningKey,
    /// The organisation's key: opens what our own callback addresses carry.
    pub names: Arc<DataKey>,
}

/// How a webhook names one of our accounts. Outside data until the signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Naming {
    /// By one of its numbers or short codes.
    Number(Box<str>),
    /// By a messaging service, whose pool of numbers only the vendor knows.
    Service {
        /// `MG…`.
        service: Box<str>,
        /// `AC…`.
        account: Box<str>,
    },
    /// By the organisation that our own callback address carries.
    Account {
        /// Whose.
        org: OrgId,
        /// `AC…`.
        account: Box<str>,
    },
}

impl Naming {
    /// By a number or short code; `None` for anything that cannot be one.
    pub(crate) fn number(number: &str) -> Option<Self> {
        let digits = number.strip_prefix('+').unwrap_or(number);
        let valid =
            (3..MAX_NUMBER_BYTES).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| Self::Number(number.into()))
    }

    /// By a messaging service of an account; `None` for anything that cannot be one.
    pub(crate) fn service(service: &str, account: &str) -> Option<Self> {
        (is_sid(service, "MG") && is_sid(account, "AC"))
            .then(|| Self::Service { service: service.into(), account: account.into() })
    }

    /// By an organisation's account; `None` for anything that cannot be one.
    pub(crate) fn account(org: OrgId, account: &str) -> Option<Self> {
        is_sid(account, "AC").then(|| Self::Account { org, account: account.into() })
    }
}

/// The outcome of an earlier look-up.
pub(crate) enum Remembered {
    /// It is one of our accounts.
    Ours(Arc<Line>),
    /// It is none of them.
    NotOurs,
}

impl Remembered {
    /// The account, when it is ours.
    pub(crate) fn line(self) -> Option<Arc<Line>> {
        match self {
            Self::Ours(line) => Some(line),
            Self::NotOurs => None,
        }
    }
}

/// The remembered look-ups.
pub struct Directory {
    lines: Cache<Naming, Arc<Line>>,
    unknown: Cache<Naming, ()>,
    senders: Cache<(OrgId, Box<str>), SessionId>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            lines: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_LINES).build(),
            unknown: Cache::builder().max_capacity(REMEMBERED_UNKNOWN).time_to_live(REMEMBER_LINES).build(),
            senders: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBER_SENDERS).build(),
        }
    }
}

impl Directory {
    /// What is remembered of an account; `None` when the store must be asked.
    pub(crate) fn remembered(&self, naming: &Naming) -> Option<Remembered> {
        match self.lines.get(naming) {
            Some(line) => Some(Remembered::Ours(line)),
            None => self.unknown.contains_key(naming).then_some(Remembered::NotOurs),
        }
    }

    /// The account a webhook names, when it is one of ours.
    pub(crate) async fn line(&self, store: &Store, naming: &Naming) -> Result<Option<Arc<Line>>, StoreError> {
        if let Some(known) = self.remembered(naming) {
            return Ok(known.line());
        }
        let Some(found) = store.account_of(naming).await? else {
            self.unknown.insert(naming.clone(), ());
            return Ok(None);
        };
        let key = SigningKey::new(found.credentials.auth_token.clone());
        let line = Line { org: found.org, credentials: found.credentials, key, names: found.names };
        let line = Arc::new(line);
        self.lines.insert(naming.clone(), Arc::clone(&line));
        Ok(Some(line))
    }

    /// A number or an account was connected anew. Webhooks name it in several ways, and it happens seldom: nothing is
    /// remembered of any.
    pub(crate) fn forget_lines(&self) {
        self.lines.invalidate_all();
        self.unknown.invalidate_all();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_ours_is_looked_up() {
        for number in ["+14155550100", "24273", "911"] {
            assert!(Naming::number(number).is_some(), "{number}");
        }
        for other in ["", "+", "12", "whatsapp:+14155550100", "+1415555010a", "+1234567890123456", "ACME"] {
            assert!(Naming::number(other).is_none(), "{other}");
        }
        let (service, account) = (format!("MG{:032}", 1), format!("AC{:032}", 1));
        assert!(Naming::service(&service, &account).is_some());
        assert!(Naming::service(&account, &service).is_none());
    }
}
