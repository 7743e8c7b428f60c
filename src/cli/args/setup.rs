//! The grammar of what an operator sets up.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use usher_conversation::id::OrgId;

use super::super::secret::SecretSource;

/// Which server is asked, and how its answer is printed.
#[derive(Debug, Args)]
pub(in crate::cli) struct RemoteArgs {
    /// The server; without it the one these settings belong to.
    #[arg(long)]
    pub(in crate::cli) url: Option<url::Url>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OrgCommand {
    /// Make an organisation.
    Create(NewOrgArgs),
    /// Print every organisation.
    List(RemoteArgs),
    /// Save the questions that an organisation's new conversations ask.
    Flow(FlowArgs),
    /// Connect a Twilio number; its webhooks are set at Twilio.
    Number(NumberArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NewOrgArgs {
    /// What its clients call it.
    pub(in crate::cli) name: String,
    /// The language of its conversations: `en` or `es`.
    #[arg(long, default_value = "en")]
    pub(in crate::cli) locale: String,
    /// The region of telephone numbers written without a country.
    #[arg(long, default_value = "US")]
    pub(in crate::cli) region: String,
    /// Sites that may embed the widget, e.g. `https://example.com`.
    #[arg(long = "origin", value_delimiter = ',')]
    pub(in crate::cli) origins: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) remote: RemoteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FlowArgs {
    /// The organisation, `org_…`.
    pub(in crate::cli) org: OrgId,
    /// The questions: a JSON file as `usher chat` reads it.
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) remote: RemoteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NumberArgs {
    /// The organisation, `org_…`.
    pub(in crate::cli) org: OrgId,
    /// The number, E.164.
    pub(in crate::cli) phone: String,
    /// The Twilio account it belongs to, `AC…`.
    #[arg(long)]
    pub(in crate::cli) account_sid: String,
    /// Where the account's auth token is read from: a file, `-` for standard input, `env:NAME`.
    #[arg(long, value_name = "SOURCE")]
    pub(in crate::cli) auth_token_from: SecretSource,
    /// Send texts through this messaging service, `MG…`.
    #[arg(long)]
    pub(in crate::cli) messaging_service_sid: Option<String>,
    /// Leave the number's webhooks at Twilio as they are.
    #[arg(long)]
    pub(in crate::cli) keep_webhooks: bool,
    #[command(flatten)]
    pub(in crate::cli) remote: RemoteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BeginArgs {
    /// The organisation, `org_…`.
    pub(in crate::cli) org: OrgId,
    /// The client's name.
    #[arg(long)]
    pub(in crate::cli) name: String,
    /// Their telephone number.
    #[arg(long)]
    pub(in crate::cli) phone: Option<String>,
    /// Their email address.
    #[arg(long)]
    pub(in crate::cli) email: Option<String>,
    /// Their time zone, e.g. `America/New_York`.
    #[arg(long)]
    pub(in crate::cli) zone: Option<String>,
    /// Text them the first question.
    #[arg(long, requires = "phone")]
    pub(in crate::cli) text: bool,
    #[command(flatten)]
    pub(in crate::cli) remote: RemoteArgs,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum VoiceCommand {
    /// Print who answers an organisation's telephone, and how.
    Show(VoiceShowArgs),
    /// Change who answers an organisation's telephone, and how; what is not named stays.
    Set(Box<VoiceSetArgs>),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VoiceShowArgs {
    /// The organisation, `org_…`.
    pub(in crate::cli) org: OrgId,
    #[command(flatten)]
    pub(in crate::cli) remote: RemoteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VoiceSetArgs {
    /// The organisation, `org_…`.
    pub(in crate::cli) org: OrgId,
    /// Who speaks: `rules`, `elevenlabs`, `retell` or `vapi`.
    #[arg(long)]
    pub(in crate::cli) provider: Option<String>,
    /// The provider's id of the agent.
    #[arg(long, conflicts_with = "new_agent")]
    pub(in crate::cli) agent_id: Option<String>,
    /// Have an agent made at ElevenLabs that works with Usher's tools.
    #[arg(long)]
    pub(in crate::cli) new_agent: bool,
    /// The new agent's voice, by its id at ElevenLabs.
    #[arg(long, requires = "new_agent")]
    pub(in crate::cli) voice_id: Option<String>,
    /// The new agent's language; the organisation's without.
    #[arg(long, requires = "new_agent")]
    pub(in crate::cli) language: Option<String>,
    /// Where the provider's API key is read from: a file, `-` for standard input, `env:NAME`.
    #[arg(long, value_name = "SOURCE")]
    pub(in crate::cli) api_key_from: Option<SecretSource>,
    /// Remove the API key: the agent is one that anybody may talk to.
    #[arg(long, conflicts_with = "api_key_from")]
    pub(in crate::cli) no_api_key: bool,
    /// Our number as Retell (E.164) or Vapi (its id) knows it.
    #[arg(long, requires = "api_key_from")]
    pub(in crate::cli) line: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) profile: ProfileArgs,
    /// Remove these: `transfer_to`, `departments`, `emergency_to`, `hours`, `zone`, `after_hours`, `voicemail`,
    /// `recording_notice`, `max_calls`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(in crate::cli) unset: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) remote: RemoteArgs,
}

/// A department and who takes its calls.
#[derive(Debug, Clone, Serialize)]
struct DepartmentArg {
    name: String,
    to: String,
}

fn department(written: &str) -> Result<DepartmentArg, String> {
    let (name, to) = written.split_once('=').ok_or("give it as NAME=PHONE, e.g. billing=+14155550113")?;
    Ok(DepartmentArg { name: name.trim().to_owned(), to: to.trim().to_owned() })
}

/// The members of a profile, by their names in the API.
#[derive(Debug, Args, Serialize)]
pub(in crate::cli) struct ProfileArgs {
    /// What the agent calls itself.
    #[arg(long)]
    agent_name: Option<String>,
    /// Whether the agent lets Usher choose its first words and language.
    #[arg(long, value_name = "BOOL")]
    overrides: Option<bool>,
    /// Who takes a call that a person should take, E.164.
    #[arg(long)]
    transfer_to: Option<String>,
    /// Who takes a call that asks for a department, as `NAME=PHONE`; again for each.
    #[arg(long = "department", value_name = "NAME=PHONE", value_parser = department)]
    departments: Option<Vec<DepartmentArg>>,
    /// Whether that person hears a summary first.
    #[arg(long, value_name = "BOOL")]
    warm_transfer: Option<bool>,
    /// Seconds a transferred call may ring.
    #[arg(long)]
    ring_seconds: Option<u32>,
    /// Who takes emergencies, E.164.
    #[arg(long)]
    emergency_to: Option<String>,
    /// Words that mean an emergency, with commas between them.
    #[arg(long, value_delimiter = ',')]
    emergency_words: Option<Vec<String>>,
    /// When calls are answered, e.g. "9-5 weekdays, closed sunday".
    #[arg(long)]
    hours: Option<String>,
    /// The time zone of those hours, e.g. `America/New_York`.
    #[arg(long)]
    zone: Option<String>,
    /// What callers hear outside of them.
    #[arg(long)]
    after_hours: Option<String>,
    /// What is left on an answering machine.
    #[arg(long)]
    voicemail: Option<String>,
    /// Whether calls are recorded.
    #[arg(long, value_name = "BOOL")]
    record: Option<bool>,
    /// What is said before a call is recorded; empty says nothing, for those whose agent says it.
    #[arg(long)]
    recording_notice: Option<String>,
    /// Calls at one time.
    #[arg(long)]
    max_calls: Option<u32>,
    /// How often a contact who does not answer is called.
    #[arg(long)]
    attempts: Option<u32>,
    /// Minutes between two such calls.
    #[arg(long)]
    retry_minutes: Option<u32>,
}
