//! `usher serve`.

use anyhow::Context as _;

use super::output::Out;
use crate::app::App;
use crate::config::Settings;
use crate::inbound::address;
use crate::server;

pub(super) fn run(settings: Settings, out: &Out) -> anyhow::Result<()> {
    server::system().block_on(async {
        let listener = server::bind(settings.bind).with_context(|| {
            format!("cannot listen on {}; choose another address with --bind or USHER_BIND", settings.bind)
        })?;
        let public = settings.public_base(listener.local_addr()?);
        let app = App::start(settings, public).await?;
        let listening = listener.local_addr()?;
        let serving = server::serve(&app, listener)?;
        out.talk(&format!(
            "usher {} listens on {}, known as {}",
            env!("CARGO_PKG_VERSION"),
            listening,
            address(&app.public, "")
        ));
        server::run(app, serving).await
    })
}
