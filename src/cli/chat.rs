//! `usher chat`: a conversation with a flow in the terminal.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Context as _;
use usher_conversation::chat::{Chat, ChatLine};
use usher_conversation::flow::Flow;
use usher_conversation::id::{ContactId, OrgId, SessionId};
use usher_conversation::ports::{Clock as _, Entropy as _};
use usher_conversation::session::SessionMeta;
use usher_conversation::time::Timestamp;

use super::args::ChatArgs;
use super::input;
use super::moment::Moment;
use super::output::{Out, Style};
use crate::clock::{SystemClock, SystemEntropy};

pub(super) fn run(args: &ChatArgs, out: &mut Out) -> anyhow::Result<()> {
    let now = || args.now.as_ref().map_or_else(|| SystemClock.now(), Moment::at);
    let flow = read_flow(args)?;
    let (mut chat, greeting) = Chat::begin(
        SessionMeta {
            zone: args.now.as_ref().and_then(Moment::zone).map(str::to_owned),
            ..meta(flow, now())
        },
        now(),
    );
    print(&greeting, args.json, out)?;
    let prompts = !args.json && std::io::stdin().is_terminal();
    let mut lines = input::lines(std::io::stdin().lock());
    loop {
        if prompts {
            out.raw(&out.styled(Style::Green, "> "))?;
        }
        let Some(line) = lines.next() else { return Ok(()) };
        print(&chat.handle(now(), &line?), args.json, out)?;
    }
}

fn print(line: &ChatLine, json: bool, out: &mut Out) -> anyhow::Result<()> {
    if json {
        return out.json(line);
    }
    if line.reply.is_empty() { Ok(()) } else { Ok(out.line(&out.styled(Style::Cyan, &line.reply))?) }
}

fn read_flow(args: &ChatArgs) -> anyhow::Result<Flow> {
    let path = args.flow.display();
    let text = std::fs::read_to_string(&args.flow).with_context(|| format!("cannot read {path}"))?;
    Flow::from_file_json(&text).with_context(|| format!("{path} is not a flow"))
}

/// A session of nobody with nobody, for conversations without a database.
pub(super) fn meta(flow: Flow, now: Timestamp) -> SessionMeta {
    SessionMeta {
        session: SessionId::new(now, SystemEntropy.bits()),
        org: OrgId::new(now, SystemEntropy.bits()),
        org_name: "Usher".to_owned(),
        contact: ContactId::new(now, SystemEntropy.bits()),
        contact_name: String::new(),
        phone: None,
        flow: Arc::new(flow),
        locale: "en".to_owned(),
        region: "US".to_owned(),
        zone: None,
        link: None,
        created_at: now,
    }
}
