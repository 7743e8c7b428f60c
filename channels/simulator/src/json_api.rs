//! What the vendors' JSON interfaces have in common.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use url::Url;

/// Whether a request carries `key` as `Authorization: Bearer …`.
pub(crate) fn carries(request: &HttpRequest, key: &str) -> bool {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    sent.as_bytes().ct_eq(key.as_bytes()).into()
}

/// A thing with the members of a request in place of its own.
pub(crate) fn changed(known: &Value, change: &Value) -> Value {
    let mut changed = known.clone();
    for (member, value) in change.as_object().into_iter().flatten() {
        changed[member] = value.clone();
    }
    changed
}

/// Whether a member is an address with one of these schemes.
pub(crate) fn is_url(value: &Value, schemes: &[&str]) -> bool {
    let url = value.as_str().and_then(|url| Url::parse(url).ok());
    url.is_some_and(|url| schemes.contains(&url.scheme()))
}
