//! Problems as HTTP responses (RFC 9457).

use std::borrow::Cow;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use usher_channels::widget::{FieldProblem, ProblemBody};
use usher_conversation::ports::StoreError;
use usher_conversation::problem::Problem;

use super::correlation::CorrelationId;
use super::page;

/// A request that failed with one of the catalogue's problems.
#[derive(Debug, Clone)]
pub struct Fault {
    problem: Problem,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
    retry_after: Option<u64>,
}

/// Seconds after which a caller that was turned away should try again.
const RETRY_AFTER_SECONDS: u64 = 1;

impl Fault {
    /// A problem with the words for this occasion.
    pub fn new(problem: Problem, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after =
            (problem.retryable() && problem != Problem::Internal).then_some(RETRY_AFTER_SECONDS);
        Self { problem, detail: detail.into(), errors: Vec::new(), retry_after }
    }

    /// The same, naming the member of the request that is wrong.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldProblem { field: field.into(), message: message.into() });
        self
    }

    /// The same, with the pause the caller should make.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// A defect of ours: the reason goes to the log, not to the caller.
    pub fn internal(reason: impl fmt::Display) -> Self {
        tracing::error!(%reason, "request failed");
        Self::new(Problem::Internal, "The request could not be handled. Please quote the correlation id.")
    }

    /// Which problem it is.
    pub const fn problem(&self) -> Problem {
        self.problem
    }

    /// The words for this occasion.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The members of the request that are wrong.
    pub fn members(&self) -> Vec<&str> {
        self.errors.iter().map(|error| error.field.as_str()).collect()
    }

    /// The response, naming the request's correlation id: a page for a person at a browser, a problem for programs.
    ///
    /// # Panics
    /// Never: strings and numbers always serialise.
    pub fn response(&self, correlation: &CorrelationId, for_person: bool) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if for_person {
            return page::plain(response, self.problem.title(), &self.detail, Some(correlation.as_str()));
        }
        let mut body = ProblemBody::new(self.problem, self.detail.as_ref(), correlation.as_str());
        body.errors.clone_from(&self.errors);
        let body = serde_json::to_vec(&body).expect("strings and numbers always serialise");
        response.content_type("application/problem+json").body(body)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem.id(), self.detail)
    }
}

impl std::error::Error for Fault {}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Only a carrier: the edge middleware writes the body, because it knows the correlation id.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::build(self.status_code()).insert_header(ContentType::plaintext()).finish()
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => {
                tracing::warn!(%reason, "the store is unavailable");
                Self::new(
                    Problem::StoreUnavailable,
                    "Nothing was recorded. Please send the same request again.",
                )
                .retry_after(2)
            }
            StoreError::Corrupt(reason) => Self::internal(reason),
        }
    }
}
