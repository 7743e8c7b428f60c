//! The handset page: a telephone in the browser. Plain files, no inline script, a policy that allows nothing else.

use actix_web::HttpResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, ServiceConfig};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The routes of the pages.
pub(crate) fn routes(config: &mut ServiceConfig) {
    const HTML: &str = "text/html; charset=utf-8";
    const STYLE: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    config
        .route("/", web::get().to(|| async { file(HTML, include_str!("page/index.html")) }))
        .route("/handset/{digits}", web::get().to(|| async { file(HTML, include_str!("page/handset.html")) }))
        .route("/_page/index.js", web::get().to(|| async { file(SCRIPT, include_str!("page/index.js")) }))
        .route("/_page/handset.js", web::get().to(|| async { file(SCRIPT, include_str!("page/handset.js")) }))
        .route("/_page/call.js", web::get().to(|| async { file(SCRIPT, include_str!("page/call.js")) }))
        .route("/_page/sound.js", web::get().to(|| async { file(SCRIPT, include_str!("page/sound.js")) }))
        .route("/_page/dom.js", web::get().to(|| async { file(SCRIPT, include_str!("page/dom.js")) }))
        .route("/_page/style.css", web::get().to(|| async { file(STYLE, include_str!("page/style.css")) }))
        .route("/_page/call.css", web::get().to(|| async { file(STYLE, include_str!("page/call.css")) }))
        .route("/favicon.ico", web::get().to(HttpResponse::NoContent));
}

fn file(content_type: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(content)
}
