//! Waiting for a condition, never for a time.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Between two looks at a condition.
const PACE: Duration = Duration::from_millis(20);

/// Looks again and again until `look` finds something; after `deadline` fails with `what` and the last error.
pub async fn eventually<T, F, L>(what: &str, deadline: Duration, mut look: L) -> Result<T>
where
    L: FnMut() -> F,
    F: Future<Output = Result<Option<T>>>,
{
    let end = Instant::now() + deadline;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    while Instant::now() < end {
        pace.tick().await;
        match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => last = None,
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| anyhow::anyhow!("it was not so"));
    Err(error).with_context(|| format!("waited {deadline:?} until {what}"))
}
