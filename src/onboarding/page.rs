//! The hosted page of a session: the widget alone on a page of ours.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::web::assets;

/// Strict: only our own files, styles only through them and constructed sheets, no frames around the page.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The page for the session that `token` opens.
pub fn hosted(token: &str, org_name: &str) -> HttpResponse {
    match filled(token, org_name) {
        Some(html) => page(HttpResponse::Ok(), html),
        None => page(HttpResponse::ServiceUnavailable(), plain("Not built", assets::NOT_BUILT)),
    }
}

/// The page for a link that opens nothing (any more): the widget says so in the visitor's language.
pub fn ended(token: &str) -> HttpResponse {
    let words = "This link has ended. Please open the newest link you were sent.";
    let html = filled(token, "Link ended").unwrap_or_else(|| plain("Link ended", words));
    page(HttpResponse::NotFound(), html)
}

/// The page that draws whatever `token` opens; `None` when the widget is not built.
fn filled(token: &str, title: &str) -> Option<String> {
    let title = format!("<title>{}</title>", escaped(title));
    let template = assets::page_template()?;
    Some(template.replace("__SESSION__", &escaped(token)).replace("<title>Welcome</title>", &title))
}

fn plain(title: &str, words: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<p>{}</p>\n</html>\n",
        escaped(title),
        escaped(words)
    )
}

fn page(mut response: actix_web::HttpResponseBuilder, html: String) -> HttpResponse {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

fn escaped(text: &str) -> String {
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
    use super::*;

    #[test]
    fn an_organisations_name_cannot_become_markup() {
        assert_eq!(escaped("<b title=\"x\">&'"), "&lt;b title=&quot;x&quot;&gt;&amp;&#39;");
        assert!(plain("</title><script>", "x").contains("<title>&lt;/title&gt;&lt;script&gt;</title>"));
    }
}
