//! Reminders: at most three for one silence, further and further apart, never outside the recipient's hours.
//!
//! The timer of a session is left alone while the contact is active. When it comes due it looks at when we last heard
//! from each other and, if that is too recent, goes back to sleep: an answer costs no timer rows.

use crate::catalogue::Sentence;
use crate::id::TimerId;
use crate::session::draft::Draft;
use crate::session::effect::{MessageKind, TimerKind};
use crate::session::event::Event;
use crate::session::reading;
use crate::time::Timestamp;

const HOUR: i64 = 60 * 60 * 1000;
/// How long a silence lasts before each reminder.
const GAPS: [i64; 3] = [4 * HOUR, 24 * HOUR, 72 * HOUR];

/// When the next reminder is due if nothing happens until then; `None` when there must be none.
fn next_due(draft: &Draft<'_>) -> Option<Timestamp> {
    let state = &draft.state;
    let someone_to_remind = state.pending().is_some() && state.reach().is_some() && !state.is_opted_out();
    let gap = GAPS.get(usize::from(state.nudges())).filter(|_| someone_to_remind)?;
    let due = state.quiet_since().plus_millis(*gap);
    // Whoever said when they have time is reminded then, whether that is sooner or later.
    let asked_for = state.postponed_until().filter(|_| state.nudges() == 0);
    Some(asked_for.unwrap_or(due))
}

fn permitted_at(draft: &Draft<'_>, at: Timestamp) -> Timestamp {
    reading::permitted_at(draft.meta, at)
}

/// Sees to it that a timer runs when one is needed, and none when not.
pub(super) fn keep_timer(draft: &mut Draft<'_>) {
    match (next_due(draft), draft.state.timer()) {
        (None, _) => draft.cancel_timer(),
        // A permitted instant is never before the one it was asked for, and finding it reads several zones' calendars.
        (Some(due), Some(live)) if live.due <= due || live.due <= permitted_at(draft, due) => {}
        (Some(due), _) => {
            draft.cancel_timer();
            set_timer(draft, due);
        }
    }
}

fn set_timer(draft: &mut Draft<'_>, due: Timestamp) {
    let due = permitted_at(draft, due);
    let attempt = draft.state.nudges();
    draft.set_timer(TimerKind::Nudge { attempt }, due);
}

/// A timer came due.
pub(super) fn fire(draft: &mut Draft<'_>, timer: TimerId) {
    match draft.state.timer() {
        Some(live) if live.id == timer => match live.kind {
            TimerKind::Nudge { .. } => draft.record(Event::TimerFired { timer }),
        },
        Some(_) | None => return,
    }
    let Some(due) = next_due(draft) else { return };
    let due = permitted_at(draft, due);
    if due.max(permitted_at(draft, draft.now)) > draft.now {
        set_timer(draft, due.max(draft.now));
        return;
    }
    remind(draft);
    keep_timer(draft);
}

fn remind(draft: &mut Draft<'_>) {
    let (Some(channel), Some(field)) = (draft.state.reach(), draft.pending()) else { return };
    let greeting = draft.speech.nudge(field, draft.state.nudges());
    draft.line(&greeting);
    draft.question_line();
    if let Some(link) = &draft.meta.link {
        let line = draft.speech.say(Sentence::NudgeLink, &[("link", link)]);
        draft.line(&line);
    }
    draft.say(channel, MessageKind::Nudge);
}
