//! `usher simulate`.

use serde_json::json;

use super::args::SimulateArgs;
use super::output::Out;
use crate::demo::simulator;
use crate::lifecycle::{Lifecycle, Signals};
use crate::server;

pub(super) fn run(args: &SimulateArgs, out: &mut Out) -> anyhow::Result<()> {
    server::system().block_on(async {
        let signals = Signals::watch()?;
        let running = simulator::start(args.port, None)?;
        if args.json {
            out.json(&json!({ "simulator_url": running.url }))?;
        } else {
            out.line(&format!(
                "The simulator listens on {}. Use it with USHER_TWILIO_API_BASE={}",
                running.url, running.url
            ))?;
        }
        Lifecycle::new().obey(signals).await;
        running.stop().await;
        Ok(())
    })
}
