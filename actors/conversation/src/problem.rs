//! The closed catalogue of errors a caller can see (RFC 9457).

/// Every problem the HTTP edge, the sockets and the command line can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The request is not of the expected form.
    MalformedRequest,
    /// An answer does not parse; `errors` says which and why.
    InvalidAnswer,
    /// The webhook's signature is missing or wrong.
    InvalidSignature,
    /// The operator's key is missing or wrong.
    Unauthorized,
    /// The page that embeds the widget is not on the organisation's list.
    OriginNotAllowed,
    /// No such session, or its link has ended.
    UnknownSession,
    /// No such field in this session's flow.
    UnknownField,
    /// No such page or resource.
    NotFound,
    /// The method is not supported there.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is larger than allowed.
    BodyTooLarge,
    /// The file's type or size is not accepted.
    FileRefused,
    /// This contact cannot be called.
    CallNotPossible,
    /// Nobody speaks for the organisation, or they cannot now.
    VoiceUnavailable,
    /// What is asked does not go with what is there already, or still needs something that is not there yet.
    Conflict,
    /// A vendor did not take what we asked of it for this request.
    VendorRefused,
    /// The caller sends faster than allowed.
    RateLimited,
    /// The session has as many inputs waiting as it may.
    SessionBusy,
    /// The node has as much work waiting as it may.
    Overloaded,
    /// The store is not available; nothing was acknowledged.
    StoreUnavailable,
    /// The server is stopping.
    ShuttingDown,
    /// A defect of ours; the correlation id finds it in the logs.
    Internal,
}

impl Problem {
    /// Every problem, for the documentation and its test.
    pub const ALL: [Self; 22] = [
        Self::MalformedRequest,
        Self::InvalidAnswer,
        Self::InvalidSignature,
        Self::Unauthorized,
        Self::OriginNotAllowed,
        Self::UnknownSession,
        Self::UnknownField,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::FileRefused,
        Self::CallNotPossible,
        Self::VoiceUnavailable,
        Self::Conflict,
        Self::VendorRefused,
        Self::RateLimited,
        Self::SessionBusy,
        Self::Overloaded,
        Self::StoreUnavailable,
        Self::ShuttingDown,
        Self::Internal,
    ];

    /// The stable public id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed-request",
            Self::InvalidAnswer => "invalid-answer",
            Self::InvalidSignature => "invalid-signature",
            Self::Unauthorized => "unauthorized",
            Self::OriginNotAllowed => "origin-not-allowed",
            Self::UnknownSession => "unknown-session",
            Self::UnknownField => "unknown-field",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RequestTimeout => "request-timeout",
            Self::BodyTooLarge => "body-too-large",
            Self::FileRefused => "file-refused",
            Self::CallNotPossible => "call-not-possible",
            Self::VoiceUnavailable => "voice-unavailable",
            Self::Conflict => "conflict",
            Self::VendorRefused => "vendor-refused",
            Self::RateLimited => "rate-limited",
            Self::SessionBusy => "session-busy",
            Self::Overloaded => "overloaded",
            Self::StoreUnavailable => "store-unavailable",
            Self::ShuttingDown => "shutting-down",
            Self::Internal => "internal",
        }
    }

    /// The short human title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request is malformed",
            Self::InvalidAnswer => "The answer was not understood",
            Self::InvalidSignature => "The signature is missing or wrong",
            Self::Unauthorized => "The operator's key is missing or wrong",
            Self::OriginNotAllowed => "This site may not use the widget",
            Self::UnknownSession => "There is no such session",
            Self::UnknownField => "There is no such question",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "This method is not supported here",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::BodyTooLarge => "The request is too large",
            Self::FileRefused => "The file was not accepted",
            Self::CallNotPossible => "This contact cannot be called",
            Self::VoiceUnavailable => "The voice mode is not available",
            Self::Conflict => "This cannot be done as things are",
            Self::VendorRefused => "The vendor did not accept it",
            Self::RateLimited => "Too many requests",
            Self::SessionBusy => "The session is busy",
            Self::Overloaded => "The server is overloaded",
            Self::StoreUnavailable => "The store is unavailable",
            Self::ShuttingDown => "The server is restarting",
            Self::Internal => "Something went wrong on our side",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::MalformedRequest => 400,
            Self::Unauthorized => 401,
            Self::InvalidSignature | Self::OriginNotAllowed => 403,
            Self::UnknownSession | Self::UnknownField | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::CallNotPossible | Self::VoiceUnavailable | Self::Conflict => 409,
            Self::BodyTooLarge => 413,
            Self::InvalidAnswer | Self::FileRefused => 422,
            Self::RateLimited | Self::SessionBusy => 429,
            Self::Internal => 500,
            Self::VendorRefused => 502,
            Self::Overloaded | Self::StoreUnavailable | Self::ShuttingDown => 503,
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub const fn retryable(self) -> bool {
        match self {
            Self::RequestTimeout
            | Self::RateLimited
            | Self::SessionBusy
            | Self::Overloaded
            | Self::StoreUnavailable
            | Self::ShuttingDown
            | Self::Internal => true,
            Self::MalformedRequest
            | Self::InvalidAnswer
            | Self::InvalidSignature
            | Self::Unauthorized
            | Self::OriginNotAllowed
            | Self::CallNotPossible
            | Self::VoiceUnavailable
            | Self::Conflict
            | Self::VendorRefused
            | Self::UnknownSession
            | Self::UnknownField
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::BodyTooLarge
            | Self::FileRefused => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_statuses_are_errors() {
        let ids: std::collections::HashSet<_> = Problem::ALL.iter().map(|problem| problem.id()).collect();
        assert_eq!(ids.len(), Problem::ALL.len());
        assert!(Problem::ALL.iter().all(|problem| (400..600).contains(&problem.status())));
    }
}
