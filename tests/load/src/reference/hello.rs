//! The fastest answer actix-web gives: hello world, on as many workers as the product uses.

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context, Result};

/// Serves until killed; prints its port.
///
/// # Errors
/// When it cannot listen.
#[expect(clippy::print_stdout, reason = "the parent reads the port")]
pub fn serve() -> Result<()> {
    actix_rt::System::new().block_on(async {
        let answer = || async { HttpResponse::Ok().content_type("text/xml").body("<Response/>") };
        let server = HttpServer::new(move || App::new().default_service(web::to(answer)))
            .backlog(16_384)
            .bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs().first().context("it is bound")?.port());
        Ok(server.run().await?)
    })
}
