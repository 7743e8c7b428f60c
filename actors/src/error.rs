//! What a caller of the runtime can be refused with.

use std::time::Duration;

use usher_conversation::ports::StoreError;
use usher_conversation::problem::Problem;

/// Why a command was not carried out. Nothing was acknowledged; [`RuntimeError::problem`] says what a client sees.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuntimeError {
    /// There is no such session in that organisation.
    #[error("there is no such session")]
    UnknownSession,
    /// The session has as many inputs waiting as it may, or several owners fight over it.
    #[error("the session is busy")]
    SessionBusy,
    /// The node has as many inputs waiting as it may.
    #[error("the node is overloaded")]
    Overloaded,
    /// The runtime is draining.
    #[error("the runtime is stopping")]
    ShuttingDown,
    /// The store failed; whether the turn became durable is unknown, and the same dedup key finds it if it did.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session cannot be carried on: its journal, or setting a message aside, makes the engine fail.
    #[error("the session failed")]
    Failed,
}

impl RuntimeError {
    /// The problem a client sees.
    pub const fn problem(&self) -> Problem {
        match self {
            Self::UnknownSession => Problem::UnknownSession,
            Self::SessionBusy => Problem::SessionBusy,
            Self::Overloaded => Problem::Overloaded,
            Self::ShuttingDown => Problem::ShuttingDown,
            Self::Store(StoreError::Unavailable(_)) => Problem::StoreUnavailable,
            Self::Store(StoreError::Corrupt(_)) | Self::Failed => Problem::Internal,
        }
    }

    /// When to come back, for those where that helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::SessionBusy => Some(Duration::from_secs(1)),
            Self::Overloaded => Some(Duration::from_secs(2)),
            Self::ShuttingDown | Self::Store(StoreError::Unavailable(_)) => Some(Duration::from_secs(5)),
            Self::UnknownSession | Self::Store(StoreError::Corrupt(_)) | Self::Failed => None,
        }
    }
}
