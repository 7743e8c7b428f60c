//! `usher call`: asks a running server to telephone a contact.

use reqwest::Method;
use serde_json::json;

use super::args::CallArgs;
use super::output::Out;
use super::remote::Remote;
use crate::config::Settings;

pub(super) fn run(settings: &Settings, args: &CallArgs, out: &mut Out) -> anyhow::Result<()> {
    let remote = Remote::of(settings, args.remote.url.as_ref())?;
    let asked = json!({ "session_id": args.session });
    let call = remote.ask(Method::POST, "/api/voice/calls", Some(&asked))?;
    if args.remote.json {
        return out.json(&call);
    }
    let text = |member: &str| call[member].as_str().unwrap_or_default().to_owned();
    Ok(out.line(&format!("{}  {}  {}", text("id"), text("status"), text("due_at")))?)
}
