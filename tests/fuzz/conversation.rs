//! A whole conversation with somebody who writes nonsense: no message may make a turn panic, and after every turn the
//! state is what its journal says.

use std::sync::Arc;

use usher_conversation::channel::Channel;
use usher_conversation::flow::Flow;
use usher_conversation::id::{ContactId, OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::session::command::{Command, Inbound, Origin};
use usher_conversation::session::{SessionMeta, SessionState, decide, effects_of, fold};
use usher_conversation::time::Timestamp;

use crate::fuzzer::{corpus, survives};

fn meta() -> SessionMeta {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let flow: Flow =
        serde_json::from_slice(&corpus("flow")[0]).expect("the first flow of the corpus is good");
    SessionMeta {
        session: SessionId::new(at, [1; 16]),
        org: OrgId::new(at, [2; 16]),
        org_name: "Bright Agency".into(),
        contact: ContactId::new(at, [3; 16]),
        contact_name: "Dana Smith".into(),
        phone: None,
        flow: Arc::new(flow),
        locale: "en".into(),
        region: "US".into(),
        zone: None,
        link: Some("https://usher.example/s/lnk_1".into()),
        created_at: at,
    }
}

#[test]
fn no_message_makes_a_turn_panic_and_the_journal_tells_the_state() {
    let meta = meta();
    survives("conversation", |input| {
        let mut state = SessionState::new();
        let mut journal = Vec::new();
        let mut now = meta.created_at;
        let words = input.split(|&byte| byte == b'\n').take(5).map(|line| {
            let line = &line[..line.len().min(400)];
            let origin = Origin { channel: Channel::Sms, address: "+14155550100".into(), line: None };
            let text = String::from_utf8_lossy(line).into_owned();
            Command::Receive(Inbound {
                origin,
                text,
                media: Vec::new(),
                missed: Vec::new(),
                vendor_keyword: None,
            })
        });
        for command in std::iter::once(Command::Start { channel: Some(Channel::Sms) }).chain(words) {
            now = Timestamp::from_millis(now.as_millis() + 60_000);
            let events = decide(&meta, &state, now, command);
            if events.is_empty() {
                continue;
            }
            let turn = Turn { seq: state.seq() + 1, at: now, dedup: None, events };
            state.apply(&meta, &turn);
            let _ = effects_of(&meta, &turn);
            journal.push(turn);
        }
        assert_eq!(fold(&meta, None, &journal), state, "the journal tells the state");
    });
}
