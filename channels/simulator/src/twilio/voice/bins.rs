//! TwiML Bins: documents that the vendor keeps and serves itself, whatever becomes of anybody's server.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpResponse, web};

use super::document;
use crate::control::refuse;
use crate::sim::{Sim, lock};

/// As many as one account may have.
const MOST_BINS: usize = 100;

/// Where calls ask for them.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.route("/twiml/{name}", web::post().to(serve)).route("/twiml/{name}", web::get().to(serve));
}

async fn serve(sim: Data<Sim>, name: Path<String>) -> HttpResponse {
    match lock(&sim.bins).get(name.as_str()) {
        Some(document) => HttpResponse::Ok().content_type("text/xml").body(document.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}

/// Keeps a document, as somebody does at the vendor's console; what cannot be followed is refused there.
pub(crate) async fn keep(sim: Data<Sim>, name: Path<String>, document: String) -> HttpResponse {
    if let Err(error) = document::parse(&document) {
        return refuse(StatusCode::BAD_REQUEST, &error.message);
    }
    let mut bins = lock(&sim.bins);
    if bins.len() >= MOST_BINS && !bins.contains_key(name.as_str()) {
        return refuse(StatusCode::CONFLICT, "an account has at most 100 bins");
    }
    bins.insert(name.into_inner(), document);
    HttpResponse::NoContent().finish()
}
