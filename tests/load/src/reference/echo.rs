//! A bare socket actor that echoes: what an idle connection costs at least.

use actix::{Actor, StreamHandler};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws;
use anyhow::{Context, Result};

struct Echo;

impl Actor for Echo {
    type Context = ws::WebsocketContext<Self>;
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Echo {
    fn handle(&mut self, frame: Result<ws::Message, ws::ProtocolError>, context: &mut Self::Context) {
        match frame {
            Ok(ws::Message::Text(text)) => context.text(text),
            Ok(ws::Message::Ping(bytes)) => context.pong(&bytes),
            _ => {}
        }
    }
}

async fn open(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    ws::start(Echo, &request, body)
}

/// Serves until killed; prints its port.
///
/// # Errors
/// When it cannot listen.
#[expect(clippy::print_stdout, reason = "the parent reads the port")]
pub fn serve() -> Result<()> {
    actix_rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().default_service(web::to(open)))
            .backlog(16_384)
            .max_connections(100_000)
            .bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs().first().context("it is bound")?.port());
        Ok(server.run().await?)
    })
}
