//! A handset that rings until somebody decides.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use super::{Live, Order, Phase};
use crate::sim::Sim;
use crate::world::{Answers, CallHabits};

const RINGING: Duration = Duration::from_secs(30);

/// Why nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    Unreachable,
    NoAnswer,
    Busy,
    Declined,
    /// The vendor's API ended it.
    Stopped,
}

/// Lets the handset ring; its owner answers, or its habits do.
pub(crate) async fn ring(sim: &Sim, live: &Live, orders: &mut Receiver<Order>) -> Result<(), Unanswered> {
    let known = sim.read(|world| world.handset(&live.handset).map(|handset| handset.habits.clone()));
    let CallHabits { answers, after_ms, .. } = known.unwrap_or_default();
    if answers == Answers::Unreachable {
        return Err(Unanswered::Unreachable);
    }
    live.note(sim, "status", "ringing", serde_json::json!({}));
    live.enter(sim, Phase::Ringing);
    let begun = Instant::now();
    let acts_alone = !matches!(answers, Answers::Person | Answers::Never);
    loop {
        tokio::select! {
            () = sleep_until(begun + RINGING) => return Err(Unanswered::NoAnswer),
            () = sleep_until(begun + Duration::from_millis(after_ms)), if acts_alone => {
                return if answers == Answers::Busy { Err(Unanswered::Busy) } else { Ok(()) };
            }
            order = orders.recv() => match order {
                Some(Order::Answer) => return Ok(()),
                Some(Order::Decline | Order::HangUp) => return Err(Unanswered::Declined),
                Some(Order::End) | None => return Err(Unanswered::Stopped),
                Some(Order::Run(_)) => {}
            }
        }
    }
}
