//! `usher demo`.

use super::args::DemoArgs;
use super::journal;
use super::output::{Out, Style};
use crate::config::{Layers, Settings};
use crate::demo::{self, Demo, Places, Ready};
use crate::server;

use usher_actors::Update;

pub(super) fn run(layers: &Layers, args: &DemoArgs, out: &mut Out) -> anyhow::Result<()> {
    let settings: Settings = layers.clone().with_defaults(demo::DEFAULTS).resolve()?;
    crate::web::telemetry::start_logging(&log_filter(&settings, args.json), settings.log_format)?;
    server::system().block_on(async {
        let places = Places {
            server: args.port,
            simulator: args.simulator_port,
            running_simulator: args.simulator_url.clone(),
        };
        let demo = Demo::start(layers, places).await?;
        let ready = demo.ready();
        if args.json {
            out.json(&ready)?;
        } else {
            banner(&ready, out)?;
            let watched = demo.watch().await?;
            actix_web::rt::spawn(show(watched));
        }
        demo.run().await
    })
}

/// Beside the moving journal only what went wrong is worth a line.
fn log_filter(settings: &Settings, json: bool) -> String {
    let chosen = settings.is_set("log");
    if json || chosen { settings.log.clone() } else { "warn".to_owned() }
}

async fn show(mut watched: usher_actors::Subscription) {
    let mut out = Out::new();
    let acker = watched.acker();
    while let Update::Turn(published) = watched.next().await {
        acker.ack(published.turn.seq);
        for line in journal::lines(&out, &published.turn) {
            if out.line(&line).is_err() {
                return;
            }
        }
    }
}

fn banner(ready: &Ready, out: &mut Out) -> std::io::Result<()> {
    let rule = out.styled(Style::Dim, &"-".repeat(78));
    let handset = out.styled(Style::Bold, &ready.handset_url);
    let page = out.styled(Style::Bold, &ready.widget_url);
    out.line(&rule)?;
    out.line(&format!("{} has just sold its package to {}.", demo::ORG_NAME, demo::CLIENT_NAME))?;
    out.line("Usher has sent the first text message. Answer as the client would:")?;
    out.line("")?;
    out.line(&format!("  the client's phone   {handset}"))?;
    out.line(&format!("  the client's page    {page}"))?;
    out.line("")?;
    out.line(&format!("  API {}/api/docs/    stop with Ctrl-C; the same command continues", ready.base_url))?;
    out.line(&rule)
}
