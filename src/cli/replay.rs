//! `usher replay`: sessions rebuilt from their journals, and compared with everything that was derived from them.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use usher_conversation::id::SessionId;

use super::args::ReplayArgs;
use super::output::Out;
use crate::config::Settings;
use crate::db::Access;
use crate::store::{Store, Verified};
use crate::{app, server};

pub(super) fn run(settings: &Settings, args: &ReplayArgs, out: &mut Out) -> anyhow::Result<ExitCode> {
    let access = if args.rebuild { Access::Own } else { Access::Look };
    server::system().block_on(async {
        let store = app::open_store(settings, access).await?;
        if args.rebuild {
            store.rebuild().await?;
            out.talk("the read model was made again from the journals");
        }
        let verified = match &args.session {
            Some(session) => one(&store, session).await?,
            None => store.verify_all().await?,
        };
        store.close().await;
        report(&verified, args.json, out)?;
        Ok(ExitCode::from(u8::from(!verified.differences.is_empty())))
    })
}

async fn one(store: &Store, session: &SessionId) -> anyhow::Result<Verified> {
    let org =
        store.org_of_session(session).await?.with_context(|| format!("there is no session {session}"))?;
    let mut verified = Verified::default();
    store.verify(&org, session, &mut verified).await?;
    Ok(verified)
}

fn report(verified: &Verified, as_json: bool, out: &mut Out) -> anyhow::Result<()> {
    let Verified { sessions, turns, differences } = verified;
    if as_json {
        let differences: Vec<_> = differences
            .iter()
            .map(|found| json!({"org_id": found.org, "session_id": found.session, "what": found.what}))
            .collect();
        return out.pretty_json(&json!({"sessions": sessions, "turns": turns, "differences": differences}));
    }
    for found in differences {
        out.line(&format!("{}: {}", found.session, found.what))?;
    }
    Ok(out.line(&format!("{sessions} sessions, {turns} turns, {} differences", differences.len()))?)
}
