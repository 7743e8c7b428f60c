//! `usher calls list` and `usher calls show`: the call records, also beside a running server.

use anyhow::Context as _;
use serde_json::json;
use usher_channels::widget::Speaker;

use super::args::CallsCommand;
use super::output::{Out, Style};
use crate::config::Settings;
use crate::db::Access;
use crate::voice::{CallSummary, CallView};
use crate::{app, server};

pub(super) fn run(settings: &Settings, command: &CallsCommand, out: &mut Out) -> anyhow::Result<()> {
    server::system().block_on(async {
        let store = app::open_store(settings, Access::Look).await?;
        match command {
            CallsCommand::List { session, org, limit, json } => {
                let org = match (org, session) {
                    (Some(org), _) => org.clone(),
                    (None, Some(session)) => store
                        .org_of_session(session)
                        .await?
                        .with_context(|| format!("there is no session {session}"))?,
                    (None, None) => anyhow::bail!("whose calls? name a session or an organisation"),
                };
                let calls = store.calls(&org, session.as_ref(), None, *limit).await?;
                let calls: Vec<_> = calls.into_iter().map(CallSummary::from).collect();
                if *json { out.pretty_json(&json!({ "calls": calls })) } else { list(&calls, out) }
            }
            CallsCommand::Show { id, json } => {
                let unknown = || format!("there is no call {id}");
                let org = store.org_of_call(id).await?.with_context(unknown)?;
                let call = store.call(&org, id).await?.with_context(unknown)?;
                let view = CallView::read(&store, &org, call).await?;
                if *json { out.pretty_json(&view) } else { show(&view, out) }
            }
        }
    })
}

fn list(calls: &[CallSummary], out: &mut Out) -> anyhow::Result<()> {
    for call in calls {
        out.line(&line(call, out))?;
    }
    Ok(())
}

/// When, which way, how it stands or ended, how long.
fn line(call: &CallSummary, out: &Out) -> String {
    let when = call.due_at.as_ref().filter(|_| call.status == "planned").unwrap_or(&call.created_at);
    let how = call.outcome.as_deref().unwrap_or(call.status);
    let lasted = call.seconds.map_or_else(String::new, |seconds| format!("  {seconds} s"));
    let again = if call.attempt > 1 { format!("  try {}", call.attempt) } else { String::new() };
    let id = out.styled(Style::Bold, &call.id);
    format!("{id}  {when}  {}  {how}{lasted}{again}", call.direction)
}

fn show(view: &CallView, out: &mut Out) -> anyhow::Result<()> {
    out.line(&line(&view.call, out))?;
    out.line(&format!("session    {}", view.call.session_id))?;
    if let Some(who) = &view.call.answered_by {
        out.line(&format!("answered   by {who}"))?;
    }
    if let Some(recording) = &view.call.recording {
        out.line(&format!("recording  {}", recording.url))?;
    }
    for usage in &view.usage {
        out.line(&format!(
            "stream     {} ms, {} ms in, {} ms out, {} turns, {} tools, {} interruptions",
            usage.millis,
            usage.audio_in_millis,
            usage.audio_out_millis,
            usage.utterances,
            usage.tools,
            usage.interruptions
        ))?;
        for turn in &usage.turns {
            let stage = |millis: Option<u32>| millis.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
            let (thinking, speaking, tools) = (stage(turn.thinking), stage(turn.speaking), stage(turn.tools));
            let stages = format!("  thinking {thinking}, speaking {speaking}, tools {tools}");
            out.line(&out.styled(Style::Dim, &stages))?;
        }
    }
    for said in &view.transcript {
        let (who, style) = match said.from {
            Speaker::Client => ("client", Style::Green),
            Speaker::Bot => ("usher ", Style::Cyan),
            Speaker::Staff => ("staff ", Style::Yellow),
        };
        out.line(&format!("{}  {}", out.styled(style, who), said.text))?;
    }
    Ok(())
}
