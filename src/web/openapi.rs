//! The API's description and its page, both served without any other host.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpResponse, web};
use usher_channels::widget::{ProblemBody, ResponseReply, ResponseRequest, ServerFrame, SessionResponse};
use utoipa::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{files, inbound, onboarding, setup, voice, web::health};

/// Where the description is served.
pub const PATH: &str = "/openapi.json";
/// Where people read it.
pub const PAGE: &str = "/api/docs/";
/// The page is Swagger UI: our own files only, but for the styles it writes into the page and the pictures in them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(title = "Usher", description = "Conversations that bring clients on board."),
    paths(
        onboarding::routes::session,
        onboarding::routes::respond,
        onboarding::upload::upload,
        files::routes::show,
        inbound::routes::sms,
        inbound::routes::status,
        voice::routes::incoming,
        voice::routes::status,
        voice::resume::resume,
        voice::elevenlabs::receive,
        voice::api::place,
        voice::api::list,
        voice::api::show,
        voice::peers::setup::connect,
        voice::settings::routes::show,
        voice::settings::routes::change,
        setup::orgs::list,
        setup::orgs::create,
        setup::flows::save,
        setup::numbers::connect,
        setup::sessions::begin,
        voice::retell::webhook::receive,
        voice::vapi::messages::receive,
        voice::vapi::llm::complete,
        health::live,
        health::ready,
        health::version,
        health::metrics,
    ),
    components(schemas(ProblemBody, ResponseReply, ResponseRequest, ServerFrame, SessionResponse)),
    tags(
        (name = "widget", description = "What the embeddable widget and its hosted page call"),
        (name = "voice", description = "What operators ask about calls"),
        (name = "setup", description = "What operators set up: organisations, questions, numbers, telephones"),
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
    let ui = SwaggerUi::new("/{_:.*}").config(Config::from(PATH).use_base_layout());
    config.service(
        web::scope(PAGE.trim_end_matches('/'))
            .wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, POLICY)))
            .service(web::redirect("", PAGE))
            .service(ui),
    );
}
