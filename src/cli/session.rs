//! `usher session show` and `usher session tail`: a session as its journal has it, also beside a running server.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use usher_conversation::channel::Channel;
use usher_conversation::flow::FieldId;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::Journal as _;
use usher_conversation::session::{SessionMeta, SessionState, SessionStatus, fold};

use super::journal;
use super::output::{Out, Style};
use crate::config::Settings;
use crate::db::Access;
use crate::store::Store;
use crate::{app, server};

/// Between two looks at the journal.
const TAIL_PACE: Duration = Duration::from_millis(250);
const PAGE: u32 = 200;

/// What `session show --json` prints.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    session_id: &'a SessionId,
    org_id: &'a OrgId,
    client: &'a str,
    status: SessionStatus,
    complete: bool,
    pending: Option<&'a FieldId>,
    answers: BTreeMap<&'a FieldId, ShownAnswer<'a>>,
    skipped: Vec<&'a FieldId>,
    /// The journal's last turn.
    seq: u64,
}

/// An answer and where it came from.
#[derive(Debug, Serialize)]
struct ShownAnswer<'a> {
    value: serde_json::Value,
    channel: Channel,
    at: jiff::Timestamp,
    raw: &'a str,
    seq: u64,
}

pub(super) fn show(
    settings: &Settings,
    session: &SessionId,
    json: bool,
    out: &mut Out,
) -> anyhow::Result<()> {
    server::system().block_on(async {
        let store = app::open_store(settings, Access::Look).await?;
        let (org, meta, state) = load(&store, session).await?;
        let shown = shown(&org, &meta, &state);
        if json { out.pretty_json(&shown) } else { print(&shown, out) }
    })
}

async fn load(store: &Store, session: &SessionId) -> anyhow::Result<(OrgId, SessionMeta, SessionState)> {
    let org =
        store.org_of_session(session).await?.with_context(|| format!("there is no session {session}"))?;
    let stored = store.load(&org, session).await?.context("the session's person was erased")?;
    let state = fold(&stored.meta, stored.snapshot, &stored.tail);
    Ok((org, stored.meta, state))
}

fn shown<'a>(org: &'a OrgId, meta: &'a SessionMeta, state: &'a SessionState) -> Shown<'a> {
    let answer = |answer: &'a usher_conversation::session::Answer| ShownAnswer {
        value: answer.value.to_json(),
        channel: answer.origin.channel,
        at: answer.at.to_jiff(),
        raw: &answer.raw,
        seq: answer.seq,
    };
    Shown {
        session_id: &meta.session,
        org_id: org,
        client: &meta.contact_name,
        status: state.status(),
        complete: state.is_complete(),
        pending: state.pending(),
        answers: state.answers().iter().map(|(field, given)| (field, answer(given))).collect(),
        skipped: meta.flow.fields.iter().map(|field| &field.id).filter(|id| state.is_skipped(id)).collect(),
        seq: state.seq(),
    }
}

fn print(shown: &Shown<'_>, out: &mut Out) -> anyhow::Result<()> {
    let status = serde_json::to_value(shown.status)?;
    let status = status.as_str().unwrap_or_default().to_owned();
    out.line(&format!("{}  {}", out.styled(Style::Bold, shown.session_id.as_str()), shown.client))?;
    out.line(&format!("status   {status}"))?;
    out.line(&format!("pending  {}", shown.pending.map_or("nothing", FieldId::as_str)))?;
    out.line(&format!("journal  {} turns", shown.seq))?;
    for (field, answer) in &shown.answers {
        let from = format!("{} at {}, turn {}: {:?}", answer.channel, answer.at, answer.seq, answer.raw);
        out.line(&format!("  {field} = {}  {}", answer.value, out.styled(Style::Dim, &from)))?;
    }
    Ok(())
}

pub(super) fn tail(
    settings: &Settings,
    session: &SessionId,
    json: bool,
    out: &mut Out,
) -> anyhow::Result<()> {
    server::system().block_on(async {
        let store = app::open_store(settings, Access::Look).await?;
        let (org, ..) = load(&store, session).await?;
        let mut since = 0;
        let mut pace = tokio::time::interval(TAIL_PACE);
        loop {
            pace.tick().await;
            for turn in store.turns(&org, session, since, PAGE).await? {
                since = turn.seq;
                if json {
                    out.json(&turn)?;
                    continue;
                }
                for line in journal::lines(out, &turn) {
                    out.line(&line)?;
                }
            }
        }
    })
}
