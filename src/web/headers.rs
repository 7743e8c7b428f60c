//! Security headers of every response; a route that needs other values sets them itself.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Links to hosted pages are capabilities: they must not leak to other sites.
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
const ONE_YEAR_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what the route did not set.
pub fn secure(headers: &mut HeaderMap, https: bool) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR_HTTPS);
    }
}
