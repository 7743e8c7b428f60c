//! `usher replay`: states rebuilt from their journals, and compared with what is kept beside them.

use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::Journal as _;
use usher_conversation::session::{SessionMeta, SessionState, fold};

use super::args::ReplayArgs;
use super::output::Out;
use crate::config::Settings;
use crate::store::Store;
use crate::{app, server};

const PAGE: u32 = 500;

/// What `replay --json` prints.
#[derive(Debug, Default, Serialize)]
struct Report {
    sessions: u64,
    turns: u64,
    differences: Vec<Difference>,
}

/// A session whose kept state is not what its journal says.
#[derive(Debug, Serialize)]
struct Difference {
    session_id: SessionId,
    what: String,
}

pub(super) fn run(settings: &Settings, args: &ReplayArgs, out: &mut Out) -> anyhow::Result<ExitCode> {
    server::system().block_on(async {
        let store = app::look(settings).await?;
        let report = verify(&store, args.session.as_ref()).await?;
        if args.json {
            out.pretty_json(&report)?;
        } else {
            for difference in &report.differences {
                out.line(&format!("{}: {}", difference.session_id, difference.what))?;
            }
            let found = report.differences.len();
            out.line(&format!("{} sessions, {} turns, {found} differences", report.sessions, report.turns))?;
        }
        Ok(ExitCode::from(u8::from(!report.differences.is_empty())))
    })
}

async fn verify(store: &Store, only: Option<&SessionId>) -> anyhow::Result<Report> {
    let mut report = Report::default();
    if let Some(session) = only {
        let org =
            store.org_of_session(session).await?.with_context(|| format!("there is no session {session}"))?;
        check(store, &org, session, &mut report).await?;
        return Ok(report);
    }
    let mut after = None;
    loop {
        let page = store.sessions_after(after.as_ref(), PAGE).await?;
        let Some((_, last)) = page.last() else { return Ok(report) };
        after = Some(last.clone());
        for (org, session) in &page {
            check(store, org, session, &mut report).await?;
        }
    }
}

async fn check(store: &Store, org: &OrgId, session: &SessionId, report: &mut Report) -> anyhow::Result<()> {
    // The person was erased: the journal cannot be opened any more, and nothing is kept beside it.
    let Some(stored) = store.load(org, session).await? else { return Ok(()) };
    report.sessions += 1;
    let kept = fold(&stored.meta, stored.snapshot, &stored.tail);
    let rebuilt = replayed(store, &stored.meta, kept.seq(), report).await?;
    let mut differs =
        |what: String| report.differences.push(Difference { session_id: session.clone(), what });
    match rebuilt {
        Err(what) => differs(what),
        Ok(rebuilt) if rebuilt != kept => differs("the snapshot is not what the journal says".to_owned()),
        Ok(_) => {}
    }
    Ok(())
}

/// The state up to turn `head`, folded from the first turn on; or what is wrong with the journal.
async fn replayed(
    store: &Store,
    meta: &SessionMeta,
    head: u64,
    report: &mut Report,
) -> anyhow::Result<Result<SessionState, String>> {
    let mut state = SessionState::new();
    while state.seq() < head {
        let page = store.turns(&meta.org, &meta.session, state.seq(), PAGE).await?;
        if page.is_empty() {
            return Ok(Err(format!("the journal ends at turn {} of {head}", state.seq())));
        }
        for turn in page.iter().take_while(|turn| turn.seq <= head) {
            if turn.seq != state.seq() + 1 {
                return Ok(Err(format!("turn {} follows turn {}", turn.seq, state.seq())));
            }
            state.apply(meta, turn);
            report.turns += 1;
        }
    }
    Ok(Ok(state))
}
