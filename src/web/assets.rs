//! The built front end, embedded in the binary.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentEncoding, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{Embed, EmbeddedFile};
use usher_conversation::problem::Problem;

use super::Fault;

#[derive(Embed)]
#[folder = "widget/dist"]
#[allow_missing = true]
struct Dist;

/// The loader every embedding site names; it is found again after a release by its fixed address.
const LOADER: &str = "v1.js";
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");
/// What is said where the widget would be.
pub const NOT_BUILT: &str = "The widget is not built into this binary. Run `npm ci && npm run build` in widget/ and build Usher again.";

/// `GET /w/{path}`: the loader, hashed bundles and their parts, for pages of any site.
///
/// # Errors
/// [`Problem::NotFound`] for files that are not part of the build.
pub async fn widget_file(request: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, Fault> {
    let path = path.into_inner();
    // Precompressed siblings are chosen by `Accept-Encoding`, never asked for by name.
    let servable = ![".br", ".gz"].iter().any(|suffix| path.ends_with(suffix));
    let Some(original) = Dist::get(&path).filter(|_| servable) else {
        return if path == LOADER {
            Ok(cross_origin(&mut HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE))
                .content_type("text/plain; charset=utf-8")
                .body(NOT_BUILT))
        } else {
            Err(Fault::new(Problem::NotFound, "There is no such file in this build of the widget."))
        };
    };
    Ok(respond(request.headers(), &path, original))
}

/// The hosted page, to be filled in; `None` when the widget is not built.
pub fn page_template() -> Option<String> {
    let file = Dist::get("page.html")?;
    String::from_utf8(file.data.into_owned()).ok()
}

fn respond(headers: &HeaderMap, path: &str, original: EmbeddedFile) -> HttpResponse {
    let hashed = path != LOADER && path.contains('/');
    let tag = format!("\"{}\"", hex::encode(&original.metadata.sha256_hash()[..16]));
    let mut response = HttpResponse::Ok();
    cross_origin(&mut response)
        .insert_header((header::CACHE_CONTROL, if hashed { IMMUTABLE } else { SHORT }))
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::VARY, "Accept-Encoding"));
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|sent| sent.to_str().ok())
        .is_some_and(|sent| sent.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    if unchanged {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.content_type(mime_guess::from_path(path).first_or_octet_stream());
    for (encoding, suffix, name) in
        [("br", ".br", ContentEncoding::Brotli), ("gzip", ".gz", ContentEncoding::Gzip)]
    {
        if accepts(headers, encoding)
            && let Some(compressed) = Dist::get(&format!("{path}{suffix}"))
        {
            return response.insert_header(name).body(compressed.data.into_owned());
        }
    }
    response.body(original.data.into_owned())
}

/// Bundles are loaded by pages of other sites; they hold nothing secret.
fn cross_origin(response: &mut actix_web::HttpResponseBuilder) -> &mut actix_web::HttpResponseBuilder {
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|item| item.split_once(';').unwrap_or((item, "")))
        .any(|(name, weight)| name.trim().eq_ignore_ascii_case(encoding) && weight.trim() != "q=0")
}
