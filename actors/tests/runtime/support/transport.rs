//! A vendor that says what the test tells it to, and knows what really arrived.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;
use usher_conversation::id::DeliveryId;
use usher_conversation::ports::{BoxFuture, Claimed, Lane, Lookup, SendOutcome, Transport};
use usher_conversation::session::DeliveryStatus;

/// What the vendor does with a send.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Takes it and says so.
    Takes,
    /// Takes it, but the answer is lost.
    TakesSilently,
    /// Does not take it, and the answer is lost.
    LosesIt,
    /// Does not take it and says this.
    Says(SendOutcome),
    /// The transport has a defect.
    Panics,
}

pub(crate) struct Vendor {
    answers: VecDeque<Answer>,
    lookups_fail: bool,
    pub(crate) per_second: f64,
    pub(crate) attempts: Vec<DeliveryId>,
    /// What handsets show.
    pub(crate) arrived: Vec<DeliveryId>,
    pub(crate) lookups: usize,
}

pub(crate) struct ScriptedTransport {
    vendor: Mutex<Vendor>,
    changed: watch::Sender<u64>,
    open: watch::Sender<bool>,
    lookups_open: watch::Sender<bool>,
}

impl Default for ScriptedTransport {
    fn default() -> Self {
        let vendor = Vendor {
            answers: VecDeque::new(),
            lookups_fail: false,
            per_second: 1e9,
            attempts: Vec::new(),
            arrived: Vec::new(),
            lookups: 0,
        };
        Self {
            vendor: Mutex::new(vendor),
            changed: watch::Sender::new(0),
            open: watch::Sender::new(true),
            lookups_open: watch::Sender::new(true),
        }
    }
}

impl ScriptedTransport {
    pub(crate) fn vendor(&self) -> MutexGuard<'_, Vendor> {
        self.vendor.lock().expect("no poison")
    }

    /// Says what happens with the next sends; after them everything is taken.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.vendor().answers.extend(answers);
    }

    pub(crate) fn fail_lookups(&self, fail: bool) {
        self.vendor().lookups_fail = fail;
    }

    /// Holds the answers to sends until [`ScriptedTransport::release`].
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn release(&self) {
        self.open.send_replace(true);
    }

    /// Holds the answers to look-ups, or lets them go.
    pub(crate) fn hold_lookups(&self, hold: bool) {
        self.lookups_open.send_replace(!hold);
    }

    pub(crate) async fn until(&self, condition: impl Fn(&Vendor) -> bool) {
        let mut changed = self.changed.subscribe();
        while !condition(&self.vendor()) {
            changed.changed().await.expect("the transport lives");
        }
    }

    fn touched(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}

impl Transport for ScriptedTransport {
    fn send<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, SendOutcome> {
        Box::pin(async move {
            let answer = {
                let mut vendor = self.vendor();
                vendor.attempts.push(message.delivery.clone());
                let answer = vendor.answers.pop_front().unwrap_or(Answer::Takes);
                if matches!(answer, Answer::Takes | Answer::TakesSilently) {
                    vendor.arrived.push(message.delivery.clone());
                }
                answer
            };
            self.touched();
            self.open.subscribe().wait_for(|open| *open).await.expect("the transport lives");
            match answer {
                Answer::Takes => SendOutcome::Accepted {
                    vendor_id: format!("SM{}", message.delivery),
                    status: DeliveryStatus::Queued,
                },
                Answer::TakesSilently | Answer::LosesIt => {
                    SendOutcome::Ambiguous { reason: "no answer came".to_owned() }
                }
                Answer::Says(outcome) => outcome,
                Answer::Panics => panic!("as the test asked"),
            }
        })
    }

    fn look_up<'a>(&'a self, message: &'a Claimed) -> BoxFuture<'a, Lookup> {
        Box::pin(async move {
            let lookup = {
                let mut vendor = self.vendor();
                vendor.lookups += 1;
                if vendor.lookups_fail {
                    Lookup::Unknown { reason: "as the test asked".to_owned() }
                } else if vendor.arrived.contains(&message.delivery) {
                    Lookup::Found { vendor_id: format!("SM{}", message.delivery) }
                } else {
                    Lookup::Absent
                }
            };
            self.touched();
            self.lookups_open.subscribe().wait_for(|open| *open).await.expect("the transport lives");
            lookup
        })
    }

    fn lane<'a>(&'a self, _message: &'a Claimed) -> BoxFuture<'a, Result<Lane, SendOutcome>> {
        let segments_per_second = self.vendor().per_second;
        Box::pin(async move { Ok(Lane { key: "+15550009999".to_owned(), segments_per_second, segments: 1 }) })
    }
}
