//! The command line's grammar.

pub(super) mod setup;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use usher_conversation::flow::FieldType;
use usher_conversation::id::{CallId, OrgId, SessionId};

use self::setup::{BeginArgs, OrgCommand, RemoteArgs, VoiceCommand};
use super::moment::Moment;
use crate::config::{ConfigError, Layers, Settings};
use crate::demo::USUAL_SIMULATOR_PORT;

/// Conversations that bring clients on board, over SMS and the web widget.
#[derive(Debug, Parser)]
#[command(name = "usher", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(flatten)]
    flags: SettingFlags,
    /// Settings file; without it `usher.toml` of the working directory is read when there is one.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Cli {
    /// Where this run's settings come from.
    pub(super) fn layers(&self) -> Result<Layers, ConfigError> {
        Layers::new()
            .with_flags(self.flags.0.clone())
            .with_env(std::env::vars_os().filter_map(|(name, value)| {
                // Other programs' variables need not be Unicode; ours are.
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }))
            .with_file(self.config.as_deref())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server.
    Serve,
    /// Run a seeded agency with a simulated phone: everything, with no account and no network.
    Demo(DemoArgs),
    /// Run the vendors' stand-ins alone, on a port of their own.
    Simulate(SimulateArgs),
    /// Bring the database's schema up to date.
    Migrate,
    /// Look at everything a server needs; exit code 1 when something should be looked at, 2 when something is broken.
    Doctor(JsonArgs),
    /// Rebuild sessions from their journals and compare, or rebuild the read model; exit code 1 on any difference.
    Replay(ReplayArgs),
    /// Set up organisations on the running server: their questions and numbers.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Begin a conversation, or look at one.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Say on the running server who answers an organisation's telephone.
    #[command(subcommand)]
    Voice(VoiceCommand),
    /// Ask the running server to telephone the contact of a session, now or when they may be called.
    Call(CallArgs),
    /// Look at call records.
    #[command(subcommand)]
    Calls(CallsCommand),
    /// Hold a conversation with a flow in the terminal; no server, no database.
    Chat(ChatArgs),
    /// Read one utterance per line and print what a typed parser understands.
    Parse(ParseArgs),
    /// Print every setting, redacted, with the place its value came from.
    Config(JsonArgs),
    /// Print the OpenAPI description, the widget's types or the example environment.
    Schema(SchemaArgs),
    /// Print version and build.
    Version(JsonArgs),
}

#[derive(Debug, Args)]
pub(super) struct JsonArgs {
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Print one JSON object when ready instead of the banner and the moving journal.
    #[arg(long)]
    pub(super) json: bool,
    /// The server's port on this machine; 0 takes the one it had before, or a free one. Default: the
    /// one it had before, or 8080, or a free one.
    #[arg(long)]
    pub(super) port: Option<u16>,
    /// The simulator's port on this machine, in the same way. Its default is 8090.
    #[arg(long)]
    pub(super) simulator_port: Option<u16>,
    /// The address of a simulator that runs already (`usher simulate`); none is started then. The simulated phones outlive
    /// this process: kill it during a call, start it again, and see the call go on.
    #[arg(long, value_name = "URL", conflicts_with = "simulator_port")]
    pub(super) simulator_url: Option<url::Url>,
}

#[derive(Debug, Args)]
pub(super) struct CallArgs {
    /// The session, `ses_…`.
    pub(super) session: SessionId,
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum CallsCommand {
    /// Print the newest calls of a session or an organisation.
    #[command(group = clap::ArgGroup::new("whose").required(true).args(["session", "org"]))]
    List {
        /// The session, `ses_…`.
        #[arg(long)]
        session: Option<SessionId>,
        /// The organisation, `org_…`.
        #[arg(long)]
        org: Option<OrgId>,
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a call: how it went, what was said, what each stream used and how long its turns took.
    Show {
        /// The call, `call_…`.
        id: CallId,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// The port on this machine; 0 takes a free one.
    #[arg(long, default_value_t = USUAL_SIMULATOR_PORT)]
    pub(super) port: u16,
    /// Print one JSON object when ready.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["all", "session", "rebuild"]))]
pub(super) struct ReplayArgs {
    /// Every session.
    #[arg(long)]
    pub(super) all: bool,
    /// One session.
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    pub(super) session: Option<SessionId>,
    /// Compare what the journal says with the snapshots and the read model (this is what replay
    /// does; the flag says so).
    #[arg(long)]
    pub(super) verify: bool,
    /// First throw the read model away and make it again from the journals.
    #[arg(long)]
    pub(super) rebuild: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Begin the conversation with a client on the running server, or find the one that is there.
    Start(BeginArgs),
    /// Print the state, and every answer with where it came from.
    Show(SessionArgs),
    /// Print the journal and go on as it grows.
    Tail(SessionArgs),
}

#[derive(Debug, Args)]
pub(super) struct SessionArgs {
    /// The session.
    pub(super) id: SessionId,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ChatArgs {
    /// The flow: a JSON file `{"fields":[{"id","label","prompt","type","required","options","when"}]}`.
    #[arg(long, value_name = "FILE")]
    pub(super) flow: PathBuf,
    /// The conversation's date and time (RFC 3339, with the offset of where the contact is); it advances only by what is said. Default: now.
    #[arg(long, value_name = "RFC3339")]
    pub(super) now: Option<Moment>,
    /// Print one JSON object at the start and one per line read.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ParseArgs {
    /// The answer's type.
    #[arg(long = "type", value_name = "TYPE", value_parser = field_type)]
    pub(super) kind: FieldType,
    /// Region of national phone numbers and date order, ISO 3166 alpha-2.
    #[arg(long, default_value = "US")]
    pub(super) region: String,
    /// The instant that "tomorrow" is relative to (RFC 3339, with the offset of whoever says it). Default: now.
    #[arg(long, value_name = "RFC3339")]
    pub(super) now: Option<Moment>,
    /// The choices of `select` and `multi_select`, as `id` or `id=label`.
    #[arg(long, value_delimiter = ',')]
    pub(super) options: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// What to print.
    #[arg(value_enum, default_value_t = SchemaKind::Openapi)]
    pub(super) what: SchemaKind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SchemaKind {
    /// The HTTP API as OpenAPI 3.1.
    Openapi,
    /// The widget's wire types as TypeScript.
    Widget,
    /// `.env.example`.
    Env,
}

/// Field types by the names flow files use.
fn field_type(text: &str) -> Result<FieldType, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

/// One global flag per setting that is not a secret, made from the table of settings.
#[derive(Debug, Clone, Default)]
struct SettingFlags(BTreeMap<&'static str, String>);

impl Args for SettingFlags {
    fn augment_args(mut command: clap::Command) -> clap::Command {
        for spec in Settings::SPECS.iter().filter(|spec| !spec.secret || spec.key == "database_url") {
            let help = if spec.default.is_empty() {
                format!("{} [env: {}]", spec.doc.trim(), spec.env)
            } else {
                format!("{} [env: {}] [default: {}]", spec.doc.trim(), spec.env, spec.default)
            };
            command = command.arg(
                Arg::new(spec.key)
                    .long(spec.key.replace('_', "-"))
                    .value_name("VALUE")
                    .help(help)
                    .help_heading("Settings")
                    .hide_short_help(true)
                    .global(true),
            );
        }
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for spec in Settings::SPECS {
            if let Ok(Some(value)) = matches.try_get_one::<String>(spec.key) {
                self.0.insert(spec.key, value.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_setting_can_stand_before_or_after_the_command() {
        for line in [&["usher", "--log", "debug", "config"][..], &["usher", "config", "--log", "debug"]] {
            let cli = Cli::try_parse_from(line).expect("a valid line");
            assert_eq!(cli.flags.0.get("log").map(String::as_str), Some("debug"), "{line:?}");
        }
    }
}
