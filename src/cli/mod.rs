//! The `usher` command.
//!
//! Standard output is data, standard error is talk. Exit codes: 0 done, 1 failed, 2 wrong usage or settings
//! (`doctor`: 1 something to look at, 2 something broken).

mod args;
mod call;
mod calls;
mod chat;
mod demo;
mod doctor;
mod input;
mod journal;
mod migrate;
mod moment;
mod output;
mod parse;
mod remote;
mod replay;
mod secret;
mod serve;
mod session;
mod settings;
mod setup;
mod simulate;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::config::{ConfigError, Layers, Settings};
use crate::crypto::MasterKeyError;
use crate::db::OpenError;
use args::{Cli, Command, SessionCommand};
pub use output::Out;

/// Wrong usage or settings.
const EXIT_USAGE: u8 = 2;

/// Runs the command line.
pub fn run() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let mut out = Out::new();
    match dispatch(&cli, &mut out) {
        Ok(code) => code,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::from(if is_usage(&error) { EXIT_USAGE } else { 1 })
        }
    }
}

/// Whether other settings would help.
fn is_usage(error: &anyhow::Error) -> bool {
    let opening = error.downcast_ref::<OpenError>();
    error.is::<ConfigError>()
        || matches!(opening, Some(OpenError::Url | OpenError::MasterKey(MasterKeyError::Malformed)))
}

fn dispatch(cli: &Cli, out: &mut Out) -> anyhow::Result<ExitCode> {
    let layers = cli.layers()?;
    match &cli.command {
        Command::Serve => serve::run(start(&layers)?, out)?,
        Command::Demo(args) => demo::run(&layers, args, out)?,
        Command::Simulate(args) => simulate::run(args, out)?,
        Command::Migrate => migrate::run(&start(&layers)?, out)?,
        Command::Doctor(args) => return doctor::run(&layers, args.json, out),
        Command::Replay(args) => return replay::run(&start(&layers)?, args, out),
        Command::Org(command) => setup::org(&start(&layers)?, command, out)?,
        Command::Voice(command) => setup::voice(&start(&layers)?, command, out)?,
        Command::Session(SessionCommand::Start(args)) => setup::begin(&start(&layers)?, args, out)?,
        Command::Session(SessionCommand::Show(args)) => {
            session::show(&start(&layers)?, &args.id, args.json, out)?;
        }
        Command::Session(SessionCommand::Tail(args)) => {
            session::tail(&start(&layers)?, &args.id, args.json, out)?;
        }
        Command::Call(args) => {
            call::run(&start(&layers)?, args, out)?;
        }
        Command::Calls(command) => calls::run(&start(&layers)?, command, out)?,
        Command::Chat(args) => chat::run(args, out)?,
        Command::Parse(args) => parse::run(args, out)?,
        Command::Config(args) => settings::config(&layers.resolve()?, args.json, out)?,
        Command::Version(args) => settings::version(args.json, out)?,
        Command::Schema(args) => settings::schema(args.what, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings, with logging started as they say.
fn start(layers: &Layers) -> anyhow::Result<Settings> {
    let settings = layers.resolve()?;
    crate::web::telemetry::start_logging(&settings.log, settings.log_format)?;
    Ok(settings)
}
