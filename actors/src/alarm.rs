//! Waiting for an instant of the injected clock.
//!
//! Services never sleep for a duration: they wait *until* an instant, through this trait, so that a test moves time
//! by hand and nothing in it waits for real.

use std::sync::Arc;
use std::time::Duration;

use usher_conversation::ports::{BoxFuture, Clock};
use usher_conversation::time::Timestamp;

/// A way to wait for an instant.
pub trait Alarm: Send + Sync + 'static {
    /// Completes once the clock has reached `at`; at once when it already has.
    fn until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}

/// The alarm that goes with a real clock.
#[derive(Clone)]
pub struct ClockAlarm(Arc<dyn Clock>);

impl ClockAlarm {
    /// An alarm that follows `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

/// A system clock may be set back or forward during a wait: look at it again at least this often.
const LONGEST_NAP: Duration = Duration::from_mins(1);

impl Alarm for ClockAlarm {
    fn until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.0);
        Box::pin(async move {
            loop {
                match u64::try_from(at.millis_since(clock.now())) {
                    Ok(left @ 1..) => tokio::time::sleep(Duration::from_millis(left).min(LONGEST_NAP)).await,
                    Ok(0) | Err(_) => return,
                }
            }
        })
    }
}
