//! Whether the process lives, whether it wants traffic, what it is, and its metrics.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::web::telemetry;

/// The database has so long to answer before the node calls itself not ready.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// One thing a ready node needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// `ok`, or what is wrong.
    pub status: &'static str,
}

/// Body of `/readyz`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `not ready`.
    pub status: &'static str,
    /// The database answers.
    pub database: Check,
    /// The node takes traffic: it is not on its way out.
    pub traffic: Check,
}

/// Body of `/version`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// `usher`.
    pub name: &'static str,
    /// The release.
    pub version: &'static str,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "The process lives")))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Check { status: "ok" })
}

/// The node wants traffic.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, description = "Send traffic", body = Readiness),
    (status = 503, description = "Do not: it drains, or its database does not answer", body = Readiness),
))]
pub async fn ready(app: web::Data<Arc<App>>) -> HttpResponse {
    let answered = tokio::time::timeout(DATABASE_PATIENCE, app.store.ping()).await;
    let database = matches!(answered, Ok(Ok(())));
    let traffic = !app.lifecycle.is_draining();
    let ready = database && traffic;
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(Readiness {
        status: if ready { "ready" } else { "not ready" },
        database: Check { status: if database { "ok" } else { "no answer" } },
        traffic: Check { status: if traffic { "ok" } else { "draining" } },
    })
}

/// What is running.
#[utoipa::path(get, path = "/version", tag = "operations", responses((status = 200, body = Version)))]
pub async fn version() -> HttpResponse {
    HttpResponse::Ok().json(Version { name: "usher", version: env!("CARGO_PKG_VERSION") })
}

/// The process's metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, content_type = "text/plain")))]
pub async fn metrics() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(telemetry::metrics().render())
}
