//! Refusals in the vendor's words.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use usher_channels::twilio::codec::ErrorBody;

/// An answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: u32,
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Problem {
    /// A request that is wrong.
    pub(crate) fn invalid(code: u32, message: impl Into<String>) -> Self {
        Self { code, status: 400, message: message.into() }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self { code: 20003, status: 401, message: "Authenticate".to_owned() }
    }

    pub(crate) fn not_found(path: &str) -> Self {
        Self { code: 20404, status: 404, message: format!("The requested resource {path} was not found") }
    }

    pub(crate) fn too_many() -> Self {
        Self { code: 20429, status: 429, message: "Too Many Requests".to_owned() }
    }

    pub(crate) fn server_error(status: u16) -> Self {
        Self { code: 20500, status, message: "An internal server error has occurred".to_owned() }
    }

    pub(crate) fn response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"Twilio API\""));
        }
        response.json(ErrorBody {
            code: self.code,
            message: self.message,
            more_info: format!("https://www.twilio.com/docs/errors/{}", self.code),
            status: self.status,
        })
    }
}
