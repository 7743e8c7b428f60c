//! `usher org`, `usher session start` and `usher voice`: what an operator sets up on a running server.

use anyhow::Context as _;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::args::setup::{
    BeginArgs, FlowArgs, NewOrgArgs, NumberArgs, OrgCommand, RemoteArgs, VoiceCommand, VoiceSetArgs,
    VoiceShowArgs,
};
use super::output::Out;
use super::remote::Remote;
use crate::config::Settings;

pub(super) fn org(settings: &Settings, command: &OrgCommand, out: &mut Out) -> anyhow::Result<()> {
    match command {
        OrgCommand::Create(args) => create(settings, args, out),
        OrgCommand::List(args) => list(settings, args, out),
        OrgCommand::Flow(args) => flow(settings, args, out),
        OrgCommand::Number(args) => number(settings, args, out),
    }
}

fn create(settings: &Settings, args: &NewOrgArgs, out: &mut Out) -> anyhow::Result<()> {
    let NewOrgArgs { name, locale, region, origins, remote } = args;
    let new = json!({ "name": name, "locale": locale, "region": region, "allowed_origins": origins });
    let made = server(settings, remote)?.ask(Method::POST, "/api/orgs", Some(&new))?;
    told(&made, remote, out)
}

fn list(settings: &Settings, args: &RemoteArgs, out: &mut Out) -> anyhow::Result<()> {
    let orgs = server(settings, args)?.ask(Method::GET, "/api/orgs", None)?;
    if args.json {
        return out.pretty_json(&orgs);
    }
    for org in orgs.as_array().context("a list of organisations")? {
        let text = |member: &str| org[member].as_str().unwrap_or_default();
        out.line(&format!("{}  {}", text("id"), text("name")))?;
    }
    Ok(())
}

fn flow(settings: &Settings, args: &FlowArgs, out: &mut Out) -> anyhow::Result<()> {
    let name = || args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file).with_context(name)?;
    let questions: Value = serde_json::from_str(&text).with_context(name)?;
    let path = format!("/api/orgs/{}/flow", args.org);
    let saved = server(settings, &args.remote)?.ask(Method::PUT, &path, Some(&questions))?;
    told(&saved, &args.remote, out)
}

fn number(settings: &Settings, args: &NumberArgs, out: &mut Out) -> anyhow::Result<()> {
    let token = args.auth_token_from.read()?;
    let account = json!({
        "account_sid": args.account_sid,
        "auth_token": token.expose_secret(),
        "messaging_service_sid": args.messaging_service_sid,
        "set_webhooks": !args.keep_webhooks,
    });
    let path = format!("/api/orgs/{}/numbers/{}", args.org, args.phone);
    let connected = server(settings, &args.remote)?.ask(Method::PUT, &path, Some(&account))?;
    told(&connected, &args.remote, out)
}

pub(super) fn begin(settings: &Settings, args: &BeginArgs, out: &mut Out) -> anyhow::Result<()> {
    let BeginArgs { org, name, phone, email, zone, text, remote } = args;
    let client = json!({ "name": name, "phone": phone, "email": email, "zone": zone, "text": text });
    let path = format!("/api/orgs/{org}/sessions");
    let begun = server(settings, remote)?.ask(Method::POST, &path, Some(&client))?;
    told(&begun, remote, out)
}

pub(super) fn voice(settings: &Settings, command: &VoiceCommand, out: &mut Out) -> anyhow::Result<()> {
    match command {
        VoiceCommand::Show(VoiceShowArgs { org, remote }) => {
            let path = format!("/api/voice/settings/{org}");
            told(&server(settings, remote)?.ask(Method::GET, &path, None)?, remote, out)
        }
        VoiceCommand::Set(args) => set_voice(settings, args, out),
    }
}

fn set_voice(settings: &Settings, args: &VoiceSetArgs, out: &mut Out) -> anyhow::Result<()> {
    let server = server(settings, &args.remote)?;
    let key = args.api_key_from.as_ref().map(super::secret::SecretSource::read).transpose()?;
    let key = key.as_ref().map(ExposeSecret::expose_secret);
    let path = format!("/api/voice/settings/{}", args.org);
    let before = server.ask(Method::GET, &path, None)?;
    let change = changed(&before, args, key)?;
    let provider = change["provider"].as_str();
    // A provider that holds calls itself is connected, which tells what to set up on its side.
    let connects = matches!(provider, Some("retell" | "vapi")) && key.is_some();
    let path = if connects { format!("/api/voice/peers/{}", args.org) } else { path };
    told(&server.ask(Method::PUT, &path, Some(&change))?, &args.remote, out)
}

/// The settings as they shall be: what the command names, over what is there.
fn changed(before: &Value, args: &VoiceSetArgs, key: Option<&str>) -> anyhow::Result<Value> {
    let provider = args.provider.as_deref().or(before["provider"].as_str());
    let same = provider == before["provider"].as_str();
    let agent = args.agent_id.as_deref().or(before["agent_id"].as_str().filter(|_| same && !args.new_agent));
    let mut profile = before["profile"].as_object().cloned().unwrap_or_default();
    let named = serde_json::to_value(&args.profile)?;
    profile.extend(named.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).map(owned));
    profile.extend(args.unset.iter().map(|name| (name.clone(), Value::Null)));
    let mut change = Map::from_iter([
        ("provider".to_owned(), json!(provider)),
        ("profile".to_owned(), Value::Object(profile)),
    ]);
    let mut also = |member: &str, value: Option<Value>| {
        change.extend(value.map(|value| (member.to_owned(), value)));
    };
    also("agent_id", agent.map(|agent| json!(agent)));
    also("api_key", key.map(|key| json!(key)).or(args.no_api_key.then_some(Value::Null)));
    also("line", args.line.as_ref().map(|line| json!(line)));
    also(
        "new_agent",
        args.new_agent.then(|| json!({ "voice_id": args.voice_id, "language": args.language })),
    );
    Ok(Value::Object(change))
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn server(settings: &Settings, args: &RemoteArgs) -> anyhow::Result<Remote> {
    Remote::of(settings, args.url.as_ref())
}

/// Prints an answer: as JSON, or a line for each member that says something.
fn told(answer: &Value, args: &RemoteArgs, out: &mut Out) -> anyhow::Result<()> {
    if args.json {
        return out.pretty_json(answer);
    }
    lines("", answer, out)
}

fn lines(name: &str, value: &Value, out: &mut Out) -> anyhow::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Object(members) => members.iter().try_for_each(|(member, value)| {
            let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
            lines(&name, value, out)
        }),
        Value::String(text) => Ok(out.line(&format!("{name:<24} {text}"))?),
        value => Ok(out.line(&format!("{name:<24} {value}"))?),
    }
}
