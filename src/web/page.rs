//! The plain pages a person in a browser gets where there is nothing better to show.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::openapi;

const STYLE: &str = "\
html{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif;background:light-dark(#f3f4f7,#0f1115);\
color:light-dark(#171a21,#eceef2)}\
body{margin:0;min-height:100vh;display:grid;place-items:center}\
main{box-sizing:border-box;width:min(30rem,100vw - 2rem);margin:1rem;padding:2.5rem;border-radius:20px;\
background:light-dark(#fff,#16181d);box-shadow:0 12px 40px rgb(16 24 40/.16)}\
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.3}\
p{margin:.5rem 0 0;overflow-wrap:anywhere}\
small{color:light-dark(#5b6270,#a3aab8)}\
a{color:light-dark(#2454d6,#8fb0ff)}";

/// Nothing but the one style above.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is ASCII")
});

/// Whether who asks is a browser that wants to show a page, not a program.
pub fn wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.trim_start().starts_with("text/html")
}

/// A page of a heading and a few words; `reference` helps whoever is asked about it.
pub fn plain(
    mut response: HttpResponseBuilder,
    title: &str,
    words: &str,
    reference: Option<&str>,
) -> HttpResponse {
    let title = escaped(title);
    let reference = reference
        .map(|code| format!("<p><small>Reference: {}</small></p>", escaped(code)))
        .unwrap_or_default();
    document(&mut response, &title, &format!("<p>{}</p>{reference}", escaped(words)))
}

/// `GET /`: what this is, for who types the bare address.
pub async fn root() -> HttpResponse {
    let docs = openapi::PAGE;
    let words =
        format!("<p>This server is running. Its API is described at <a href=\"{docs}\">{docs}</a>.</p>");
    document(&mut HttpResponse::Ok(), "Usher", &words)
}

/// `title` and `body` are markup.
fn document(response: &mut HttpResponseBuilder, title: &str, body: &str) -> HttpResponse {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.clone()))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
             <body><main><h1>{title}</h1>{body}</main></body>\n</html>\n"
        ))
}

/// Text as markup.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn words_cannot_become_markup() {
        assert_eq!(escaped("<b title=\"x\">&'"), "&lt;b title=&quot;x&quot;&gt;&amp;&#39;");
        let page = plain(HttpResponse::NotFound(), "</title><script>", "<i>", Some("<u>"));
        let body = to_bytes(page.into_body()).await.expect("the body is here already");
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"), "{body}");
        assert!(body.contains("<p>&lt;i&gt;</p>") && body.contains("&lt;u&gt;"), "{body}");
    }
}
