//! `usher migrate`: brings the database's schema up to date.

use usher_conversation::ports::Clock as _;

use super::output::Out;
use crate::app::store_config;
use crate::config::Settings;
use crate::db::{Access, Db};
use crate::server;

pub(super) fn run(settings: &Settings, out: &Out) -> anyhow::Result<()> {
    let started = crate::clock::SystemClock.now();
    server::system().block_on(async {
        let config = store_config(settings, &settings.public_base(settings.bind), Access::Own)?;
        let db = Db::open(&config.url, Access::Own).await?;
        db.migrate().await?;
        db.close().await;
        anyhow::Ok(())
    })?;
    let millis = crate::clock::SystemClock.now().millis_since(started);
    out.talk(&format!("the schema is up to date ({millis} ms)"));
    Ok(())
}
