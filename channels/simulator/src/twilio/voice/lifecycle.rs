//! The life of a call: ringing, answering, talking, ending.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, sleep, sleep_until};

use super::amd::{self, Detection};
use super::recording;
use super::reports::Reporter;
use super::run::{self, Context, Ending, keys};
use crate::calls::{Instructions, Live, Order, Phase};
use crate::faults::{FaultKind, Moment, Subject};
use crate::sim::{Sim, lock};
use crate::twilio::webhook::WebhookParams;
use crate::world::{Answers, Call, CallDirection, CallReports, CallStatus, Number, Record};

/// A call lasts four hours at most.
const MAX_DURATION: Duration = Duration::from_hours(4);
/// A caller who hears ringing gives up after this.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an outgoing call was created with.
pub(crate) struct OutgoingPlan {
    pub(crate) instructions: Instructions,
    pub(crate) timeout: Duration,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) detection: Option<Detection>,
    pub(crate) record: Option<recording::Wish>,
    pub(crate) send_digits: Option<String>,
    /// When it is its turn.
    pub(crate) wait: Duration,
}

/// What a leg of `<Dial>` is made with.
pub(crate) struct LegPlan {
    pub(crate) account_sid: String,
    pub(crate) parent: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) timeout: Duration,
    pub(crate) reports: CallReports,
    /// What the called one hears before the two are connected.
    pub(crate) whisper: Option<Instructions>,
}

/// What a `<Dial>` hears of its legs.
pub(crate) enum LegNews {
    /// Somebody answered and can be connected.
    Ready,
    /// It is over.
    Ended(CallStatus),
}

/// A call that nobody knows of yet.
pub(crate) fn new_call(sim: &Sim, account: &str, direction: CallDirection, from: &str, to: &str) -> Call {
    Call {
        sid: sim.sid("CA"),
        account_sid: account.to_owned(),
        parent: None,
        direction,
        from: from.to_owned(),
        to: to.to_owned(),
        status: if direction == CallDirection::Inbound { CallStatus::Ringing } else { CallStatus::Queued },
        answered_by: None,
        created: sim.now(),
        started: None,
        ended: None,
        queue_time: 0,
        reports: CallReports::default(),
        fallback: None,
    }
}

/// Puts a call into the world and gives it a line.
fn open(sim: &Arc<Sim>, call: &Call, auth_token: &str) -> (Context, Receiver<Order>) {
    sim.record(vec![Record::Call { call: Box::new(call.clone()) }]);
    let outgoing = call.direction == CallDirection::Inbound;
    let (live, orders) = Live::new(call.sid.clone(), "twilio", call.handset(), call.peer(), outgoing);
    sim.add_call(&live);
    if outgoing {
        live.note(sim, "status", call.status.as_str(), json!({}));
    }
    let reporter = Reporter::new(sim, &live, call, auth_token);
    (Context::new(sim, &live, reporter), orders)
}

/// A handset calls a number of an account.
pub(crate) fn start_incoming(sim: &Arc<Sim>, call: &Call, auth_token: &str, number: &Number) -> Arc<Live> {
    let call = Call { fallback: number.voice_fallback_url.clone(), ..call.clone() };
    let (cx, orders) = open(sim, &call, auth_token);
    let live = Arc::clone(&cx.live);
    live.enter(sim, Phase::Ringing);
    let instructions =
        number.voice_url.clone().map(|url| Instructions::Url { url, method: "POST".to_owned() });
    actix_web::rt::spawn(async move {
        let status = if let Some(instructions) = instructions {
            converse(&cx, orders, instructions, Vec::new(), None).await
        } else {
            cx.error(21_999, "the number has no voice URL");
            CallStatus::Failed
        };
        end(&cx, status);
    });
    live
}

/// An account calls a handset.
pub(crate) fn start_outgoing(sim: &Arc<Sim>, call: &Call, auth_token: &str, plan: OutgoingPlan) {
    let (cx, mut orders) = open(sim, call, auth_token);
    actix_web::rt::spawn(async move {
        let status = match place(&cx, &mut orders, &plan).await {
            Ok(instructions) => talk(&cx, orders, plan, instructions).await,
            Err(status) => status,
        };
        end(&cx, status);
    });
}

/// Waits for its turn and lets the handset ring; says what to do once it was answered.
async fn place(
    cx: &Context,
    orders: &mut Receiver<Order>,
    plan: &OutgoingPlan,
) -> Result<Instructions, CallStatus> {
    let mut instructions = plan.instructions.clone();
    let turn = Instant::now() + plan.wait;
    loop {
        tokio::select! {
            () = sleep_until(turn) => break,
            order = orders.recv() => match order {
                Some(Order::Run(newer)) => instructions = newer,
                Some(Order::End) => return Err(CallStatus::Canceled),
                _ => {}
            }
        }
    }
    cx.enter(CallStatus::Queued);
    sleep(cx.sim.pace).await;
    ring(cx, orders, plan.timeout, &mut instructions).await?;
    Ok(instructions)
}

async fn talk(
    cx: &Context,
    orders: Receiver<Order>,
    plan: OutgoingPlan,
    instructions: Instructions,
) -> CallStatus {
    cx.answer();
    if let Some(wish) = plan.record
        && let Err(message) = recording::start(&cx.sim, &cx.live, &cx.call(), wish)
    {
        cx.error(21_220, message);
    }
    if let Some(digits) = &plan.send_digits {
        lock(&cx.live.line).play(keys(digits));
    }
    let mut params = WebhookParams::new();
    if let Some(detection) = plan.detection {
        if detection.callback.is_some() {
            amd::detect_later(cx, detection);
        } else {
            params = amd::detect(&cx.sim, &cx.live, detection.message_end).await;
        }
    }
    converse(cx, orders, instructions, params, plan.time_limit).await
}

/// Begins a leg of `<Dial>`; its news carry `index`.
pub(crate) fn start_leg(
    sim: &Arc<Sim>,
    plan: LegPlan,
    auth_token: &str,
    index: usize,
    news: Sender<(usize, LegNews)>,
) -> Arc<Live> {
    let call = Call {
        parent: Some(plan.parent.clone()),
        reports: plan.reports.clone(),
        ..new_call(sim, &plan.account_sid, CallDirection::OutboundDial, &plan.from, &plan.to)
    };
    let (cx, mut orders) = open(sim, &call, auth_token);
    let live = Arc::clone(&cx.live);
    actix_web::rt::spawn(async move {
        cx.enter(CallStatus::Queued);
        let mut instead = Instructions::Inline(String::new());
        let rung = ring(&cx, &mut orders, plan.timeout, &mut instead).await;
        let status = if let Err(status) = rung {
            status
        } else {
            cx.answer();
            leg_talks(&cx, orders, plan.whisper, &news, index).await
        };
        end(&cx, status);
        // The `<Dial>` may be gone.
        let _ = news.send((index, LegNews::Ended(status))).await;
    });
    live
}

/// The whisper, then the conversation, until somebody hangs up or the API says otherwise.
async fn leg_talks(
    cx: &Context,
    mut orders: Receiver<Order>,
    whisper: Option<Instructions>,
    news: &Sender<(usize, LegNews)>,
    index: usize,
) -> CallStatus {
    if let Some(whisper) = whisper {
        let instead = {
            let whispered = run::follow(cx, whisper, Vec::new());
            tokio::pin!(whispered);
            tokio::select! {
                ending = &mut whispered => match ending {
                    Ending::Document => None,
                    Ending::HangUp => return CallStatus::Completed,
                },
                order = orders.recv() => match order {
                    Some(Order::Run(instructions)) => Some(instructions),
                    _ => return CallStatus::Completed,
                }
            }
        };
        if let Some(instructions) = instead {
            return converse(cx, orders, instructions, Vec::new(), None).await;
        }
    }
    if news.send((index, LegNews::Ready)).await.is_err() {
        return CallStatus::Completed;
    }
    loop {
        match orders.recv().await {
            Some(Order::Run(instructions)) => {
                return converse(cx, orders, instructions, Vec::new(), None).await;
            }
            Some(Order::Answer) => {}
            Some(Order::Decline | Order::HangUp | Order::End) | None => return CallStatus::Completed,
        }
    }
}

/// Lets the handset ring until somebody decides.
async fn ring(
    cx: &Context,
    orders: &mut Receiver<Order>,
    timeout: Duration,
    instructions: &mut Instructions,
) -> Result<(), CallStatus> {
    let handset = cx.sim.read(|world| world.handset(&cx.live.handset).map(|handset| handset.habits.clone()));
    let habits = handset.unwrap_or_default();
    let call = cx.call();
    let subject = Subject { to: &call.to, from: &call.from, body: "" };
    let faults = lock(&cx.sim.faults).draw(Moment::CallRinging, subject);
    if habits.answers == Answers::Unreachable || faults.contains(&FaultKind::CallFails) {
        cx.error(13_225, "the handset cannot be reached");
        return Err(CallStatus::Failed);
    }
    cx.enter(CallStatus::Ringing);
    cx.live.enter(&cx.sim, Phase::Ringing);
    let begun = Instant::now();
    let acts = begun + Duration::from_millis(habits.after_ms);
    let acts_alone = !matches!(habits.answers, Answers::Person | Answers::Never);
    loop {
        tokio::select! {
            () = sleep_until(begun + timeout) => return Err(CallStatus::NoAnswer),
            () = sleep_until(acts), if acts_alone => {
                if habits.answers == Answers::Busy {
                    return Err(CallStatus::Busy);
                }
                if habits.answers == Answers::Machine {
                    amd::speak_greeting(&cx.sim, &cx.live, habits.greeting.clone());
                }
                return Ok(());
            }
            order = orders.recv() => match order {
                Some(Order::Answer) => return Ok(()),
                Some(Order::Decline | Order::HangUp) => return Err(CallStatus::Busy),
                Some(Order::End) | None => return Err(CallStatus::Canceled),
                Some(Order::Run(newer)) => *instructions = newer,
            }
        }
    }
}

/// Resolves when a caller has heard nothing but ringing for too long; never for one who was answered.
async fn give_up(live: &Live) {
    sleep(PATIENCE).await;
    if live.phase() != Phase::Ringing {
        std::future::pending::<()>().await;
    }
}

/// Follows instructions, and newer ones, until the call is over.
async fn converse(
    cx: &Context,
    mut orders: Receiver<Order>,
    first: Instructions,
    params: WebhookParams,
    time_limit: Option<Duration>,
) -> CallStatus {
    let limit = Instant::now() + time_limit.unwrap_or(MAX_DURATION).min(MAX_DURATION);
    let given_up = give_up(&cx.live);
    tokio::pin!(given_up);
    let (mut instructions, mut params) = (first, params);
    loop {
        let following = run::follow(cx, instructions, params);
        tokio::pin!(following);
        let newer = loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Run(newer)) => break Some(newer),
                    Some(Order::Answer) => {}
                    Some(Order::Decline | Order::HangUp | Order::End) | None => break None,
                },
                () = sleep_until(limit) => break None,
                () = &mut given_up => break None,
                _ = &mut following => break None,
            }
        };
        // What was running is interrupted: the rest of it is not heard.
        lock(&cx.live.line).clear();
        let Some(newer) = newer else { break };
        cx.live.note(&cx.sim, "updated", "", json!({}));
        (instructions, params) = (newer, Vec::new());
    }
    if cx.live.phase() == Phase::Talking {
        return CallStatus::Completed;
    }
    match cx.call().status {
        // `<Reject>` has decided already.
        status if status.is_final() => status,
        _ => CallStatus::NoAnswer,
    }
}

/// Ends a call: what runs is released, the handset and whoever wants to know are told.
fn end(cx: &Context, status: CallStatus) {
    run::release(cx);
    cx.live.enter(&cx.sim, Phase::Ended);
    cx.enter(status);
    let lost = lock(&cx.live.line).overflowed;
    cx.live.note(&cx.sim, "ended", status.as_str(), json!({ "frames_lost_to_slow_listeners": lost }));
}
