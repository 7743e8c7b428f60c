//! `effects_of`: what must be done outside once a turn is durable.

use crate::channel::Channel;
use crate::id::EscalationId;
use crate::journal::Turn;
use crate::session::effect::Effect;
use crate::session::event::Event;
use crate::session::state::SessionMeta;

/// What must be done outside once `turn` is durable, in the order of its events: what a new message makes obsolete goes
/// before what answers it.
pub fn effects_of(meta: &SessionMeta, turn: &Turn) -> Vec<Effect> {
    turn.events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| effect_of(meta, turn.seq, index, event))
        .collect()
}

fn effect_of(meta: &SessionMeta, seq: u64, index: usize, event: &Event) -> Option<Effect> {
    match event {
        Event::Received { .. } => Some(Effect::SupersedeReplies),
        // The widget's transcript is the delivery; on the telephone the live call speaks.
        Event::Said { message } if matches!(message.channel, Channel::Widget | Channel::Voice) => None,
        Event::Said { message } | Event::Repeated { message, .. } => Some(Effect::Send(message.clone())),
        Event::TimerSet { timer, kind, due } => {
            Some(Effect::SetTimer { timer: timer.clone(), kind: *kind, due: *due })
        }
        Event::TimerCancelled { timer } | Event::TimerFired { timer } => {
            Some(Effect::CancelTimer { timer: timer.clone() })
        }
        Event::ConsentChanged { change, .. } => Some(Effect::ChangeConsent { change: *change }),
        Event::Escalated { reason } => Some(Effect::Escalate {
            escalation: EscalationId::derive(&meta.session, seq, index),
            reason: *reason,
        }),
        Event::Started { .. }
        | Event::FileMissed { .. }
        | Event::Answered { .. }
        | Event::ConfirmationAsked { .. }
        | Event::ConfirmationRefused { .. }
        | Event::Invalidated { .. }
        | Event::Skipped { .. }
        | Event::Missed { .. }
        | Event::Declined { .. }
        | Event::Postponed { .. }
        | Event::Asked { .. }
        | Event::Completed
        | Event::Reopened
        | Event::Opened { .. }
        | Event::Call { .. }
        | Event::ToolUsed { .. }
        | Event::Delivered { .. } => None,
    }
}
