//! The API's description and its page, both served without any other host.

use actix_web::{HttpResponse, web};
use usher_channels::widget::{ProblemBody, ResponseReply, ResponseRequest, ServerFrame, SessionResponse};
use utoipa::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{inbound, onboarding, web::health};

/// Where the description is served.
pub const PATH: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(title = "Usher", description = "Conversations that bring clients on board."),
    paths(
        onboarding::routes::session,
        onboarding::routes::respond,
        onboarding::upload::upload,
        inbound::routes::sms,
        inbound::routes::status,
        health::live,
        health::ready,
        health::version,
        health::metrics,
    ),
    components(schemas(ProblemBody, ResponseReply, ResponseRequest, ServerFrame, SessionResponse)),
    tags(
        (name = "widget", description = "What the embeddable widget and its hosted page call"),
        (name = "webhooks", description = "What vendors call"),
        (name = "operations", description = "What operators call"),
    )
)]
struct Api;

/// The description as a value.
pub fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// `GET /openapi.json`
pub async fn json() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// The API's page at `/api/docs/`.
pub fn page(config: &mut web::ServiceConfig) {
    config
        .service(web::redirect("/api/docs", "/api/docs/"))
        .service(SwaggerUi::new("/api/docs/{_:.*}").config(Config::from(PATH)));
}
