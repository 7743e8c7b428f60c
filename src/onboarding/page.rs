//! The hosted page of a session: the widget alone on a page of ours.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::web::assets;
use crate::web::page::{escaped, plain};

/// Strict: only our own files, styles only through them and constructed sheets, no frames around the page.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The page for the session that `token` opens.
pub fn hosted(token: &str, org_name: &str) -> HttpResponse {
    match filled(token, org_name) {
        Some(html) => page(HttpResponse::Ok(), html),
        None => plain(HttpResponse::ServiceUnavailable(), "Not built", assets::NOT_BUILT, None),
    }
}

/// The page for a link that opens nothing (any more): the widget says so in the visitor's language.
pub fn ended(token: &str) -> HttpResponse {
    let words = "Please open the newest link you were sent.";
    match filled(token, "Link ended") {
        Some(html) => page(HttpResponse::NotFound(), html),
        None => plain(HttpResponse::NotFound(), "This link has ended", words, None),
    }
}

/// The page that draws whatever `token` opens; `None` when the widget is not built.
fn filled(token: &str, title: &str) -> Option<String> {
    let title = format!("<title>{}</title>", escaped(title));
    let template = assets::page_template()?;
    Some(template.replace("__SESSION__", &escaped(token)).replace("<title>Welcome</title>", &title))
}

fn page(mut response: actix_web::HttpResponseBuilder, html: String) -> HttpResponse {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP))
        .content_type("text/html; charset=utf-8")
        .body(html)
}
