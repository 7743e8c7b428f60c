//! Which sites may use the widget's API (CORS).

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use url::Url;
use usher_conversation::problem::Problem;

use super::Fault;
use crate::config::Origins;

/// Paths that pages of other sites call.
pub const API_PREFIX: &str = "/api/widget/";
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static("content-type, idempotency-key, x-correlation-id");
const EXPOSED: HeaderValue = HeaderValue::from_static("x-correlation-id, retry-after");
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// Whether the page that sent the request may use this organisation's sessions. Requests without `Origin` do not come
/// from a page of another site; for them the session's id or link is the proof.
///
/// # Errors
/// [`Problem::OriginNotAllowed`].
pub fn check(request: &HttpRequest, public: &Url, everywhere: &Origins, own: &[String]) -> Result<(), Fault> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let refused = || Fault::new(Problem::OriginNotAllowed, "This site is not on the organisation's list.");
    let origin = origin.to_str().map_err(|_| refused())?;
    let allowed = origin == public.origin().ascii_serialization()
        || everywhere.contains(origin)
        || own.iter().any(|allowed| allowed == origin);
    if allowed { Ok(()) } else { Err(refused()) }
}

/// Answers a preflight. It cannot know the session, so it promises nothing: the request itself is checked.
pub fn preflight(headers: &HeaderMap, method: &Method, path: &str) -> Option<HttpResponse> {
    let is_preflight = method == Method::OPTIONS
        && path.starts_with(API_PREFIX)
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    is_preflight.then(|| {
        HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS))
            .finish()
    })
}

/// Lets the calling page read an answer of the widget's API. A page that may not use the session is refused by its route
/// before any data is in the answer. That refusal is readable too, so that the widget can say why it shows nothing: it
/// tells a page no more than the same request without `Origin` tells anybody who holds the session's id.
pub fn expose<B>(response: &mut ServiceResponse<B>) {
    if !response.request().path().starts_with(API_PREFIX) {
        return;
    }
    let origin = response.request().headers().get(header::ORIGIN).cloned();
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
