//! A clock that a test moves by hand.

use tokio::sync::watch;
use usher_actors::Alarm;
use usher_conversation::ports::{BoxFuture, Clock};
use usher_conversation::time::Timestamp;

pub(crate) struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.0.send_modify(|now| *now = now.plus_millis(millis));
    }

    /// Never moves back.
    pub(crate) fn advance_to(&self, at: Timestamp) {
        self.0.send_modify(|now| *now = at.max(*now));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }
}

impl Alarm for ManualClock {
    fn until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= at).await.is_err() {
                // The test is over.
                std::future::pending::<()>().await;
            }
        })
    }
}
