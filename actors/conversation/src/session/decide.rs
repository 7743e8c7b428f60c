//! `decide`: a command and a state give the events of one turn.

use crate::journal::Turn;
use crate::session::command::Command;
use crate::session::effect::Effect;
use crate::session::event::Event;
use crate::session::state::{SessionMeta, SessionState};
use crate::time::Timestamp;

/// The events of the turn that `command` causes at `now`. An empty list means that nothing happened (a stale timer,
/// a report that goes backwards): there is no turn then.
pub fn decide(meta: &SessionMeta, state: &SessionState, now: Timestamp, command: Command) -> Vec<Event> {
    let _ = (meta, state, now, command);
    Vec::new()
}

/// What must be done outside once `turn` is durable.
pub fn effects_of(meta: &SessionMeta, turn: &Turn) -> Vec<Effect> {
    let _ = (meta, turn);
    Vec::new()
}
