//! Calls as operators see them, by the API and on the command line.

use serde::Serialize;
use usher_actors::voice::ports::CallUsage;
use usher_channels::widget::{Channel, Speaker, TranscriptLine};
use usher_conversation::channel::Channel::Voice;
use usher_conversation::id::OrgId;
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Journal as _, StoreError};
use usher_conversation::session::Event;
use usher_conversation::time::Timestamp;
use usher_conversation::voice::CallNews;
use utoipa::ToSchema;

use super::{Call, PeerReport, Recording};
use crate::store::Store;

/// Turns read from the journal at one time.
const PAGE: u32 = 500;

/// A call, in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallSummary {
    /// Its id.
    pub id: String,
    /// The conversation it is part of.
    pub session_id: String,
    /// `inbound`, `outbound` or `browser`.
    pub direction: &'static str,
    /// Who spoke for us.
    pub provider: &'static str,
    /// Where it stands at the carrier.
    pub status: &'static str,
    /// How it ended; `null` while it lasts.
    pub outcome: Option<String>,
    /// What machine detection said.
    pub answered_by: Option<String>,
    /// The carrier's id.
    pub vendor_call_id: Option<String>,
    /// The agent provider's id of the conversation.
    pub conversation_id: Option<String>,
    /// Which try of reaching the contact it is, from 1.
    pub attempt: u32,
    /// When it is to be placed, RFC 3339.
    pub due_at: Option<String>,
    /// When we learned of it, RFC 3339.
    pub created_at: String,
    /// When it was answered, RFC 3339.
    pub answered_at: Option<String>,
    /// When it was over, RFC 3339.
    pub ended_at: Option<String>,
    /// How long it lasted, by the carrier's count.
    pub seconds: Option<u32>,
    /// Where the carrier keeps the recording.
    #[schema(value_type = Object)]
    pub recording: Option<Recording>,
}

/// A call with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallView {
    /// The call.
    #[serde(flatten)]
    pub call: CallSummary,
    /// What each media stream of it used, with the latency of every turn in milliseconds.
    #[schema(value_type = Vec<Object>)]
    pub usage: Vec<CallUsage>,
    /// What the provider that held the call reported of it: its transcript, summary, judgement and cost.
    #[schema(value_type = Object)]
    pub report: Option<PeerReport>,
    /// What was heard and said on it.
    pub transcript: Vec<TranscriptLine>,
}

impl From<Call> for CallSummary {
    fn from(call: Call) -> Self {
        let time = |at: Timestamp| at.to_jiff().to_string();
        Self {
            id: call.id.to_string(),
            session_id: call.session.to_string(),
            direction: call.direction.as_str(),
            provider: call.provider.as_str(),
            status: call.status.as_str(),
            outcome: call.outcome,
            answered_by: call.answered_by,
            vendor_call_id: call.vendor_call,
            conversation_id: call.conversation,
            attempt: call.attempt,
            due_at: call.due.map(time),
            created_at: time(call.created_at),
            answered_at: call.answered_at.map(time),
            ended_at: call.ended_at.map(time),
            seconds: call.seconds,
            recording: call.recording,
        }
    }
}

impl CallView {
    /// Reads everything about a call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(store: &Store, org: &OrgId, call: Call) -> Result<Self, StoreError> {
        let usage = store.call_usage(org, &call.id).await?;
        let report = store.call_report(org, &call).await?;
        let transcript = transcript(store, org, &call).await?;
        Ok(Self { call: call.into(), usage, report, transcript })
    }
}

/// What was heard and said on a call, by the journal. An utterance that was played bit by bit is one line.
async fn transcript(store: &Store, org: &OrgId, call: &Call) -> Result<Vec<TranscriptLine>, StoreError> {
    // Where no model stands between, what is said on a call is a message, which the turn's dedup key tells from others.
    let key = format!("call:{}:", call.id);
    let messages = |turn: &Turn| {
        turn.dedup.as_deref().is_some_and(|dedup| dedup.starts_with(&key))
            && !turn.events.iter().any(|event| matches!(event, Event::ToolUsed { .. }))
    };
    let (mut lines, mut since) = (Vec::<TranscriptLine>::new(), 0);
    loop {
        let page = store.turns(org, &call.session, since, PAGE).await?;
        let Some(last) = page.last() else { return Ok(lines) };
        since = last.seq;
        for (turn, (index, event)) in
            page.iter().flat_map(|turn| (0_u32..).zip(&turn.events).map(move |event| (turn, event)))
        {
            let (from, text) = match event {
                Event::Received { origin, text, .. } if origin.channel == Voice && messages(turn) => {
                    (Speaker::Client, text)
                }
                Event::Said { message } if message.channel == Voice && messages(turn) => {
                    (Speaker::Bot, &message.text)
                }
                Event::Call { call: id, news } if *id == call.id => match news {
                    CallNews::Heard { text } => (Speaker::Client, text),
                    CallNews::Played { text, .. } => (Speaker::Bot, text),
                    CallNews::Connected { .. }
                    | CallNews::Spoke { .. }
                    | CallNews::Playing { .. }
                    | CallNews::Returned
                    | CallNews::Ended { .. } => continue,
                },
                _ => continue,
            };
            let at = turn.at.to_jiff().to_string();
            let text = text.clone();
            lines.push(TranscriptLine { seq: turn.seq, index, from, channel: Channel::Voice, text, at });
        }
    }
}
